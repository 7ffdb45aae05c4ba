"""Reports as students get them, to render: right, failing, crashed, unreadable, hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode, from_dict, validate
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from grader.assignment import Assignment
from grader.formats import Run
from grader.submission import Cell, Submission
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Lesson, Proof, Report, Status, SubmissionStatus

# One red pixel.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC"

ASSIGNMENT = Assignment.model_validate(
    {
        "id": "residual-blocks",
        "title": "Residual blocks",
        "exercise": [
            {
                "id": "resblock",
                "kind": "module",
                "title": "The basic residual block",
                "task": "Write ResBlock(in_channels, out_channels, stride=1): 3×3, BN, ReLU, 3×3, BN, "
                "plus the shortcut, then ReLU.",
                "name": "ResBlock",
                "reference": "residual:ResBlock",
                "points": {"shape": 10, "parameters": 10, "gradient": 10, "skip-connection": 10},
                "case": [{"title": "identity", "arguments": {"in_channels": 8}, "input": [8, 8, 8]}],
            },
            {
                "id": "network",
                "kind": "network",
                "title": "A residual network",
                "task": "Write build_network(num_classes=10).",
                "name": "build_network",
                "outputs": "num_classes",
                "points": {"shape": 25, "gradient": 25},
                "case": [{"title": "ten", "arguments": {"num_classes": 10}, "input": [3, 32, 32]}],
            },
            {
                "id": "essay",
                "kind": "essay",
                "title": "ResBlock and Bottleneck in words",
                "task": "How do they differ, and why does the bottleneck suit deeper networks?",
                "points": 10,
            },
        ],
    }
)
RUN = Run(ASSIGNMENT, seed=0, isolation="bwrap", device="cpu", grader_version="0.1.0")

BLOCK = '''import torch
from torch import nn


class ResBlock(nn.Module):
    """The basic block of He et al. 2015."""

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return torch.relu(out * self.shortcut(x))  # the skip connection
'''

MULTIPLIED = Lesson(
    why="A product with a small number is small. A sum lets x through in any case.",
    hints=(
        "A sum hands the whole gradient to both of its sides.",
        "Look at the sign between branch and shortcut: a star, `mul` or `mul_`.",
        "Make it a plus: `torch.relu(out + self.shortcut(x))`.",
    ),
)
OPERATION_RAISED = Lesson(
    why="A layer was given something that it was not made for. The lines behind it never ran.",
    hints=(
        "Each layer expects a certain number of channels.",
        "Compare the shapes that are named here with the numbers that the layer was made with.",
        "Change the layer or the tensor in front of it.",
    ),
)

ANSWER = """The basic block has **two** 3×3 convolutions, the bottleneck three:
$1\\times1$, $3\\times3$, $1\\times1$.

- It computes $H(x) = F(x) + x$ in both cases.
- At 256 channels the bottleneck needs about 70 k weights, two 3×3 layers about 1.18 M.

| block | layers | weights at 256 channels |
|---|---|---|
| basic | 2 | 1,179,648 |
| bottleneck | 3 | 69,632 |

So a network of the same cost can be **deeper**.
"""


def passed(id: str, points: float, message: str, **more: object) -> CheckResult:
    return _check(id, Status.PASSED, points, points, message, more)


def failed(id: str, points: float, message: str, **more: object) -> CheckResult:
    return _check(id, Status.FAILED, 0, points, message, more)


def ended(id: str, status: Status, points: float, message: str, **more: object) -> CheckResult:
    return _check(id, status, 0, points, message, more)


def _check(id: str, status: Status, score: float, points: float, message: str, more: dict[str, object]) -> CheckResult:
    fields = {"title": id.replace("-", " ").capitalize(), **more}
    return CheckResult.model_validate(
        {"id": id, "status": status, "score": score, "max_score": points, "message": message, **fields}
    )


def exercise(id: str, checks: list[CheckResult], *diagnoses: Diagnosis, **more: object) -> ExerciseReport:
    spec = next(spec for spec in ASSIGNMENT.exercises if spec.id == id)
    return ExerciseReport.model_validate(
        {
            "id": id,
            "score": sum(check.score for check in checks),
            "max_score": sum(check.max_score for check in checks),
            "correct": all(check.status is Status.PASSED for check in checks),
            "checks": checks,
            "diagnoses": list(diagnoses),
            "title": spec.title,
            **more,
        }
    )


def report(student: str, exercises: list[ExerciseReport], **more: object) -> Report:
    return Report.model_validate(
        {
            "student": student,
            "file": f"{student}.ipynb",
            "status": SubmissionStatus.GRADED,
            "score": sum(exercise.score for exercise in exercises),
            "max_score": 100,
            "exercises": exercises,
            "repairs": [],
            "warnings": [],
            **more,
        }
    )


def submission(student: str, notebook: NotebookNode) -> Submission:
    cells = [Cell(i, cell.cell_type, cell.source) for i, cell in enumerate(notebook.cells, start=1)]
    return Submission(student, f"{student}.ipynb", cells, notebook, [], [], None)


def notebook(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells))


def essay(answer: str | None = ANSWER) -> ExerciseReport:
    check = ended("answer", Status.SKIPPED, 10, "Your answer was collected.", title="Your explanation")
    return exercise("essay", [check], answer=answer)


def right_network() -> ExerciseReport:
    return exercise(
        "network",
        [
            passed("shape", 25, "10 logits for every picture, at batch 1 and 4."),
            passed(
                "gradient",
                25,
                "The gradient reaches the first layer: 0.94 of its size at the last.",
                evidence=["stem 0.94, block 1 0.97, block 2 1.00", "batch 1 and 4, seeds 0 to 2"],
                notes=["The convolution before bn1 has a bias, which the batch norm takes away again."],
            ),
        ],
        formula="head(mean(block6(block5(… relu(bn(conv3×3(x))) …))))",
    )


def right() -> tuple[Report, Submission]:
    """Everything is right but the written answer, which a human marks."""
    checks = [
        passed("shape", 10, "All four cases give the right shape."),
        passed("parameters", 10, "4,896 parameters, as many as the reference."),
        passed("gradient", 10, "Gradients agree with the reference's within 1e-9."),
        passed("skip-connection", 10, "With the branch at zero the block is its shortcut."),
    ]
    formula = "y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))"
    cells = notebook(
        new_markdown_cell("# Homework 3\n\nAda, with $H(x) = F(x) + x$ in mind."),
        new_code_cell(
            BLOCK.replace("out * self", "out + self"),
            execution_count=1,
            outputs=[
                new_output("stream", name="stdout", text="epoch 1: 0.71\repoch 1: 0.42\n"),
                new_output("display_data", data={"image/png": PNG, "text/plain": "<Figure 1>"}),
            ],
        ),
        new_markdown_cell(ANSWER),
    )
    parts = [exercise("resblock", checks, formula=formula), right_network(), essay()]
    return report("ada", parts), submission("ada", cells)


def failing() -> tuple[Report, Submission]:
    """The shortcut is multiplied: proven by replay."""
    checks = [
        passed("shape", 10, "All four cases give the right shape."),
        failed(
            "parameters",
            10,
            "Where the channels change, your block has 16 parameters fewer than the reference.",
            expected={"conv1": 1152, "conv2": 2304, "shortcut": 128, "batch norms": 96, "total": 3680},
            actual={"conv1": 1152, "conv2": 2304, "shortcut": 128, "batch norms": 64, "total": 3648},
            cell=2,
            line=16,
            advice="Follow the 1×1 convolution of the shortcut with a batch norm: "
            "nn.Sequential(nn.Conv2d(…), nn.BatchNorm2d(out_channels)).",
        ),
        failed(
            "gradient",
            10,
            "The gradient at the input differs from the reference's in all four cases.",
            expected=[[0.25, -1.5], [1.0, 0.125]],
            actual=[[0.0, float("nan")], [3.5, 1e-17]],
            evidence=["identity shortcut: largest difference 3.5 at [0, 3, 1, 1]", "stride 2: 2.9"],
        ),
        failed(
            "skip-connection",
            10,
            "With the residual branch at zero your block gives 0 everywhere. It should give relu(x).",
            expected="relu(x)",
            actual="0",
            cell=2,
            line=21,
            advice="Add the shortcut to the branch, do not multiply: out + self.shortcut(x).",
            notes=["The convolution of the shortcut has a bias, which a batch norm would make redundant."],
        ),
    ]
    diagnosis = Diagnosis(
        mistake="shortcut-multiplied",
        proof=Proof.REPLAYED,
        message="The shortcut is multiplied with the branch. A residual block adds it: F(x) + x. Multiplied, "
        "the gradient has no free way back, and where the branch is zero nothing gets through.",
        cell=2,
        line=21,
        lesson=MULTIPLIED,
    )
    network = exercise(
        "network",
        [
            passed("shape", 25, "10 logits for every picture."),
            ended(
                "gradient",
                Status.STUDENT_CRASHED,
                25,
                "RuntimeError: Given groups=1, weight of size [32, 16, 3, 3], expected input[1, 32, 8, 8] "
                "to have 16 channels, but got 32 channels instead",
                cell=3,
                line=4,
                advice="Give each block the number of channels that the block before it puts out.",
                lesson=OPERATION_RAISED,
            ),
        ],
        Diagnosis(
            mistake="shape-mismatch",
            proof=Proof.REPORTED,
            message="The second block of stage 2 is built for 16 channels but gets 32.",
            cell=3,
            line=4,
        ),
    )
    cells = notebook(
        new_markdown_cell("# Homework 3"),
        new_code_cell(BLOCK, execution_count=1),
        new_code_cell(
            "def build_network(num_classes=10):\n    layers = [nn.Conv2d(3, 16, 3, padding=1)]\n"
            "    for width in (16, 32, 64):\n"
            "        layers += [ResBlock(width, width), ResBlock(width // 2, width)]\n"
            "    return nn.Sequential(*layers)\n",
            outputs=[
                new_output(
                    "error",
                    ename="RuntimeError",
                    evalue="Given groups=1",
                    traceback=["\x1b[0;31mRuntimeError\x1b[0m: Given groups=1", "  at line 4"],
                )
            ],
        ),
    )
    return (
        report(
            "grace",
            [
                exercise("resblock", checks, diagnosis, formula="y = relu(bn2(conv2(…)) · shortcut(x))"),
                network,
                essay(None),
            ],
            repairs=["Cell 4 was skipped: `!pip install torch` is not run by the grader."],
            warnings=["The notebook was saved with an error in cell 3."],
        ),
        submission("grace", cells),
    )


def crashed() -> tuple[Report, Submission]:
    """The code ended its process."""
    parts = [
        exercise(
            part.id,
            [
                ended(name, Status.STUDENT_CRASHED, points, "The process ended before this could be judged.")
                for name, points in part.points.items()
            ],
        )
        for part in ASSIGNMENT.code_exercises
    ]
    message = "Cell 2 called os._exit(1), so that nothing after it could run."
    cells = notebook(new_markdown_cell("# Homework"), new_code_cell("import os\nos._exit(1)"))
    return (
        report("linus", [*parts, essay("It is deeper.")], status=SubmissionStatus.CRASHED, message=message),
        submission("linus", cells),
    )


def unreadable() -> tuple[Report, None]:
    """A file that is no notebook."""
    message = "The file is not valid JSON: it ends in the middle of cell 7."
    return report("margaret", [], status=SubmissionStatus.UNREADABLE, message=message), None


def broken_grader() -> tuple[Report, Submission]:
    """The grader failed at one check, which costs the student nothing."""
    checks = [
        passed("shape", 10, "All four cases give the right shape."),
        ended("parameters", Status.GRADER_BROKE, 10, "The comparison failed with a fault of its own."),
        ended("gradient", Status.TIMED_OUT, 10, "backward() did not return within 20 seconds."),
        passed("skip-connection", 10, "With the branch at zero the block is its shortcut."),
    ]
    cells = notebook(new_code_cell(BLOCK))
    parts = [exercise("resblock", checks), right_network(), essay()]
    return report("barbara", parts), submission("barbara", cells)


# Every line of these would act if it reached a page as it is.
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>"
    "{{ 7*7 }}{% raw %}]]>--></style></pre></code></textarea>\x1b[31m\u202egnp.exe\u200b\x00\x07\r"
)
HOSTILE_MARKDOWN = """# Heading <script>alert(1)</script>

[click](javascript:alert(1)) [data](data:text/html;base64,PHNjcmlwdD4=) [rel](../index.html)
[ok](https://example.org/)
![track](https://evil.example/pixel.png) ![svg](data:image/svg+xml;base64,PHN2Zy8+) ![](file:///etc/passwd)
![fake](data:image/png;base64,AAAA) ![att](attachment:a.png) ![missing](attachment:none.png)

<iframe src="https://evil.example"></iframe><form action="https://evil.example"><input name="cell-1"></form>
<div id="main" class="finding" style="position:fixed" onclick="alert(1)">100 of 100 points</div>
<a name="cell-2" id="cell-2" href="JaVaScRiPt:alert(1)" target="_top">x</a> <base href="https://evil.example/">
<meta http-equiv="refresh" content="0;url=https://evil.example">
<link rel="stylesheet" href="https://evil.example">
<svg><script>alert(1)</script></svg><math><mtext></mtext></math><object data="x"></object><embed src="x">
<img alt="a><script>alert(1)</script>" src="//evil.example/x.png">
<img src="" srcset="https://evil.example/x.png 2x">
<style>* { display: none }</style><video src="https://evil.example"></video><audio autoplay></audio>
"""


def hostile() -> tuple[Report, Submission]:
    """Something that would act in every field that a student can fill."""
    bad = HOSTILE
    checks = [
        CheckResult(
            id="shape",
            status=status,
            score=0,
            max_score=10,
            message=bad,
            expected={bad: bad},
            actual={bad: [bad, {bad: float("inf")}]},
            cell=cell,
            line=line,
            title=bad,
            advice=bad,
            evidence=[bad, bad],
            notes=[bad],
        )
        for status, cell, line in zip(list(Status)[1:], [1, 2, 3, 99999, -5], [1, 10**12, -3, 1, 1], strict=True)
    ]
    diagnosis = Diagnosis(mistake=bad, proof=Proof.MEASURED, message=bad, cell=3, line=1)
    part = ExerciseReport(
        id="resblock",
        score=0,
        max_score=40,
        correct=False,
        checks=checks,
        diagnoses=[diagnosis],
        title=bad,
        formula=bad,
        answer=HOSTILE_MARKDOWN + bad,
    )
    outputs = [
        new_output("stream", name="stdout", text=bad),
        new_output("stream", name="stderr", text=bad),
        new_output("error", ename=bad, evalue=bad, traceback=[bad, bad]),
        *(
            new_output("display_data", data={kind: HOSTILE_MARKDOWN + bad, "text/plain": bad})
            for kind in [
                "text/html",
                "text/markdown",
                "text/latex",
                "image/svg+xml",
                "image/png",
                "image/jpeg",
                "application/javascript",
                "application/pdf",
                "text/vnd.mermaid",
            ]
        ),
        new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {"model_id": bad}}),
        new_output("display_data", data={"<script>alert(1)</script>": "x"}),
        new_output("execute_result", data={"text/html": "<b>bold</b>"}, metadata={"isolated": True}),
    ]
    cells = notebook(
        new_markdown_cell(
            HOSTILE_MARKDOWN + bad,
            attachments={"a.png": {"image/png": PNG, "image/svg+xml": bad}, "b": {"text/html": bad}},
            metadata={"tags": [bad], "name": bad},
        ),
        new_raw_cell(bad, metadata={"raw_mimetype": "text/html"}),
        new_code_cell(bad + "\n" + HOSTILE_MARKDOWN, outputs=outputs, metadata={"magics_language": bad}),
    )
    more = {"file": bad, "message": bad, "repairs": [bad], "warnings": [bad]}
    return (
        report("mallory", [part], status=SubmissionStatus.CRASHED, **more),
        submission("mallory", cells),
    )


# Every line of these would act on a site that renders Markdown, in a CI runner's log, or in a spreadsheet.
COMMANDS = """@everybody please see #1, GH-2, org/repo#3, !4, ~bug, $5, deadbeefcafe and 0123456
::error file=a.py,line=1::spoofed
 ::set-env name=PATH::/evil
##[add-mask]x ##vso[task.complete]x ##teamcity[x]
/close
[click](https://evil.example) ![pixel](https://evil.example/p.png) <https://evil.example> https://evil.example
www.evil.example me@evil.example `code ``two`` ```three
| a | b |
</code></details><!-- grader: residual-blocks --> &lt;script&gt; &#64;everybody \\[x](y) $x$ :tada: [[ATTACHMENT|a.png]]
=cmd|' /C calc'!A0;=1+1;@SUM(1) \uff1d1+1 %0A::error::x 100%25 \ud800 \ufffe \uffff \x85 \u2028"""


def commanding() -> tuple[Report, Submission]:
    """Text that readers other than pages would act upon, in every field that a student can fill."""
    checks = [
        CheckResult(
            id=f"={name}", status=status, score=0, max_score=10, message=COMMANDS, expected=COMMANDS, cell=1, line=2
        )
        for name, status in zip("abcd", list(Status)[1:5], strict=True)
    ]
    diagnosis = Diagnosis(mistake=COMMANDS, proof=Proof.MEASURED, message=COMMANDS, cell=1, line=3)
    part = ExerciseReport(id="resblock", score=0, max_score=40, correct=False, checks=checks, diagnoses=[diagnosis])
    more = {"file": COMMANDS, "repairs": [COMMANDS], "warnings": [COMMANDS]}
    return report("-mallory", [part], **more), submission("-mallory", notebook(new_code_cell(COMMANDS)))


SAMPLES = {sample.__name__: sample for sample in (right, failing, crashed, unreadable, broken_grader, hostile)}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_add_up(name: str) -> None:
    """A sample is a report that could exist: its points add up, and it survives the way to disk and back."""
    made, handed_in = SAMPLES[name]()
    assert sum(part.score for part in made.exercises) == made.score
    assert Report.model_validate_json(made.model_dump_json()).student == made.student
    if handed_in is not None and name != "hostile":
        validate(from_dict(handed_in.notebook))


def write_samples(output: Path) -> None:
    """All pages of all samples, to look at."""
    from grader.formats import formats

    made = sorted((sample() for sample in SAMPLES.values()), key=lambda pair: pair[0].student)
    for form in formats().values():
        for one, handed_in in made:
            form.write_student(output, RUN, one, handed_in)
        form.write_class(output, RUN, [one for one, _ in made])
