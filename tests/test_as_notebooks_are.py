"""Notebooks as they come from Colab, Kaggle and course repositories, graded behind the real wall."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from handed_in import cell, hand_in, notebook
from walls import grading

from grader.assignment import find_assignment
from grader.candidates import candidates
from grader.mistakes._mistake import RESBLOCK, changed
from grader.verdict import ExerciseReport, Report

IMPORTS, CLASS = RESBLOCK.split("\n\n\n", 1)
WIDE_AS_K = changed(RESBLOCK, ("out_channels, 3, stride=stride", "out_channels, k, stride=stride"))
MULTIPLIED = changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out * identity)"))
Grade = Callable[..., Report]


@pytest.fixture(scope="module")
def grade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grade]:
    """The report on a notebook with these cells, beside these files."""
    with grading(assignment="residual-blocks") as grader:

        def graded(*sources: str | dict[str, object], **beside: str) -> Report:
            folder = tmp_path_factory.mktemp("doe")
            content = notebook(*(cell(source=each) if isinstance(each, str) else each for each in sources))
            given = hand_in(folder, content)
            for name, text in beside.items():
                (folder / f"{name}.py").write_text(text)
            paths = tuple((f"{name}.py", folder / f"{name}.py") for name in beside)
            return grader.grade(given.__class__(given.student, given.file, given.path, beside=paths))[0]

        yield graded


def resblock(report: Report) -> ExerciseReport:
    return next(exercise for exercise in report.exercises if exercise.id == "resblock")


def prompted(first: str, more: str) -> str:
    lines = CLASS.rstrip().split("\n")
    return "\n".join((first if number == 0 else more) + line for number, line in enumerate(lines))


RIGHT = {
    "module-written": [f"%%writefile blocks.py\n{RESBLOCK}", "from blocks import ResBlock"],
    "module-written-below-content": [
        f"%%file /content/lib/blocks.py\n{RESBLOCK}",
        "import sys\nsys.path.append('/content')\nfrom lib.blocks import ResBlock",
    ],
    "module-written-in-pieces": [
        f"%%writefile blocks.py\n{IMPORTS}\n",
        f"%%writefile -a blocks.py\n{CLASS}",
        "from blocks import *",
    ],
    "module-written-and-run": [f"%%writefile blocks.py\n{RESBLOCK}", "%run blocks.py"],
    "indented-as-a-whole": [IMPORTS, prompted("    ", "    ")],
    "copied-with-prompts": [IMPORTS, prompted(">>> ", "... ")],
    "copied-from-ipython": [IMPORTS, prompted("In [3]: ", "   ...: ")],
    "magics-in-the-midst": [f"{IMPORTS}\n%matplotlib inline\nif 1:\n    !ls\n{CLASS}\nfiles = !ls\n?nn.Module"],
    "executed-text": [f"{IMPORTS}\nexec({CLASS!r})"],
    "nbconvert": [f"{IMPORTS}\nget_ipython().run_cell_magic('time', '', {CLASS!r})"],
    "name-used-up": [RESBLOCK, "ResBlock = ResBlock(3, 8)"],
    "arguments": [
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--k', type=int, default=3)\n"
        "k = parser.parse_args().k",
        WIDE_AS_K,
    ],
    "case": ["match 1:\n    case 1:\n        k = 3", WIDE_AS_K],
    "awaited": [
        "async def ask():\n    return 3\nk = await ask()",
        WIDE_AS_K,
    ],
    "torchscript": [
        changed(
            RESBLOCK,
            ("(nn.Module)", "(torch.jit.ScriptModule)"),
            ("    def forward", "    @torch.jit.script_method\n    def forward"),
        )
    ],
    "annotation-that-is-not-installed": [
        changed(RESBLOCK, ("def forward(self, x):", "def forward(self, x: TensorType) -> TensorType:"))
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_however_it_stands_in_the_notebook(grade: Grade, name: str) -> None:
    """What Jupyter defines is judged, whatever way it came to be defined."""
    found = resblock(grade(*RIGHT[name]))
    assert found.correct, [check.message for check in found.checks]


def test_what_a_notebook_writes_is_wrong_at_its_line(grade: Grade) -> None:
    """A module that a cell writes is that cell's code: mistakes and syntax errors are found where they stand."""
    found = resblock(grade(f"%%writefile blocks.py\n{MULTIPLIED}", "from blocks import ResBlock"))
    assert "shortcut-multiplied" == found.diagnoses[0].mistake
    line = 2 + MULTIPLIED.split("\n").index("        return F.relu(out * identity)")
    assert (1, line) == (found.diagnoses[0].cell, found.diagnoses[0].line)
    broken = RESBLOCK.replace("def forward(self, x):", "def forward(self, x)")
    found = resblock(grade(f"%%writefile blocks.py\n{broken}", "from blocks import ResBlock"))
    line = 2 + broken.split("\n").index("    def forward(self, x)")
    assert ("syntax-error", 1, line) == (found.diagnoses[0].mistake, found.diagnoses[0].cell, found.diagnoses[0].line)


def test_what_lies_beside_the_notebook_is_its_own(grade: Grade) -> None:
    """Definitions in a file that was handed in beside it and is imported are judged like the notebook's; it is said."""
    report = grade("from model import ResBlock", model=RESBLOCK, unused="1/0")
    assert resblock(report).correct
    assert "taken along, because the code names them: model.py" in report.repairs
    assert "shortcut-multiplied" == resblock(grade("from model import ResBlock", model=MULTIPLIED)).diagnoses[0].mistake


@pytest.mark.parametrize(
    ("cells", "beside", "said"),
    [
        (["from model import ResBlock"], {}, "Cell 1 raised ModuleNotFoundError: No module named 'model', line 1."),
        (["from model import ResBlock"], {"model": "1/0"}, "ZeroDivisionError: division by zero (model.py, line 1)"),
        ([cell("markdown", CLASS)], {}, "It stands in cell 1, which is no code cell"),
        ([f"%%skip\n{RESBLOCK}"], {}, "It stands in cell 1, which begins with %%skip"),
        (["print 'two'", "x = 1"], {}, "ResBlock is not defined in this notebook."),
        (["import nowhere", "x = 1"], {}, "ResBlock is not defined in this notebook."),
        (["import nowhere as n", "class ResBlock(n.Module): pass"], {}, "An import failed before, in cell 1: No"),
    ],
)  # fmt: skip
def test_why_it_is_not_defined(grade: Grade, cells: list[str], beside: dict[str, str], said: str) -> None:
    """The cause is told from where it stands; what failed elsewhere is no cause."""
    found = resblock(grade(*cells, **beside))
    message = found.checks[0].message
    assert said == message if said.endswith("notebook.") else said in message
    assert [] == found.diagnoses


@pytest.mark.parametrize("other", ["import nowhere", "from nowhere import torch as t", "import nowhere.nn"])
def test_an_import_is_blamed_for_its_own_names_only(grade: Grade, other: str) -> None:
    """That of `nn` stands too low."""
    found = resblock(grade(other, "class ResBlock(nn.Module): pass", "from torch import nn"))
    assert "Cell 2 raised NameError: name 'nn' is not defined, line 1." in found.checks[0].message
    assert "An import failed" not in found.checks[0].message


def test_a_name_that_is_defined_where_it_stopped(grade: Grade) -> None:
    """Nobody is told that nothing defines a name, where the line that does raised."""
    found = resblock(grade("k = 1 / 0", WIDE_AS_K))
    assert "name-error" == found.diagnoses[0].mistake
    assert "Cell 1, line 1 was left out (ZeroDivisionError: division by zero)." in found.diagnoses[0].message


def test_the_name_of_an_exercise_comes_before_its_aliases_however_it_is_spelt() -> None:
    """A helper may have an alias's name: the gate of a block, for instance."""
    (exercise,) = find_assignment("se-resnet").called_exercises
    assert candidates(exercise, ["SEBlock", "SEBasicblock"])[:2] == ["SEBasicBlock", "SEBasicblock"]
