"""A network exercise may say which stages it wants, by a reference network."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from judging import block_judge, examine_source, find_exercise, judge_against, residual_blocks
from networks import resnet

from grader.assignment import NetworkExercise
from grader.checks import checks
from grader.errors import AssignmentError
from grader.exercise import judge_exercise
from grader.judge.examined import Examined
from grader.judge.plan import Stage, blocks_of, planned_network, stages
from grader.mistakes._mistake import changed
from grader.mistakes.network import PLANNED
from grader.verdict import ExerciseReport, Status

pytestmark = pytest.mark.heavy


def planned(reference: str) -> NetworkExercise:
    """The shipped exercise, with a plan."""
    exercise = find_exercise("network")[1]
    assert isinstance(exercise, NetworkExercise)
    return exercise.model_copy(update={"id": f"planned {reference}", "reference": reference})


def judge(source: str) -> ExerciseReport:
    """The report on a network that is to have three stages of two blocks, with 16, 32 and 64 channels."""
    examined = examine_source(source, planned("network:build_network"), None)
    return judge_exercise(examined, block_judge())


def failed(report: ExerciseReport) -> dict[str, str]:
    return {check.id: check.message for check in report.checks if check.status is not Status.PASSED}


def test_the_plan_is_read_off_the_reference() -> None:
    """Channels and size of the maps, and how many blocks there are."""
    exercise = planned("network:build_network")
    expected = [Stage((16, 32, 32), 2), Stage((32, 16, 16), 2), Stage((64, 8, 8), 2)]
    network = planned_network(residual_blocks(), exercise, exercise.cases[0])
    assert network is not None
    assert expected == stages(blocks_of(network))
    free = exercise.model_copy(update={"reference": None})
    assert planned_network(residual_blocks(), free, free.cases[0]) is None


def test_a_network_as_planned_gets_everything() -> None:
    """Whatever its modules are called."""
    report = judge(resnet({}, width=16, blocks=(2, 2, 2)))
    assert {} == failed(report)


def test_a_network_of_another_depth_is_told_by_stage() -> None:
    """One block too many in the second stage."""
    report = judge(resnet({}, width=16, blocks=(2, 3, 2)))
    assert ["skip-connection"] == list(failed(report))
    assert (
        "7 residual blocks found, expected 6: in the stages 2, 3, 2 instead of 2, 2, 2"
        in failed(report)["skip-connection"]
    )
    assert ["wrong-depth"] == [diagnosis.mistake for diagnosis in report.diagnoses]


def test_a_network_of_other_widths_has_other_stages() -> None:
    """The number of blocks is right, the maps are not."""
    report = judge(resnet({}, width=8, blocks=(2, 2, 2)))
    assert ["shape"] == list(failed(report))
    assert "8×32×32, 16×16×16, 32×8×8; expected 16×32×32, 32×16×16, 64×8×8" in failed(report)["shape"]


@pytest.mark.parametrize(
    ("strides", "maps"),
    [
        ("stage > 1", "16×32×32, 32×16×16, 32×8×8, 64×4×4, 64×2×2"),
        ("stage > 1 and number == count - 1", "16×32×32, 32×32×32, 32×16×16, 64×16×16, 64×8×8"),
    ],
)
def test_strides_in_other_blocks_of_a_stage_are_no_other_depth(strides: str, maps: str) -> None:
    """Every block of a stage has its channels, however large its maps are."""
    right = resnet({}, width=16, blocks=(2, 2, 2))
    report = judge(changed(right, ("stage > 1 and number == 0", strides)))
    assert ["wrong-stages"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert f"not in its first block alone: {maps}. The task asks" in report.diagnoses[0].message
    assert "shape" in failed(report)
    assert "skip-connection" not in failed(report)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("padding=1, bias=False", "as many as convolutions in front of a batch norm have biases."),
        ("nn.Linear(channels, num_classes)", "16 more."),
    ],
)
def test_a_network_of_another_size_is_told_why(made: str, message: str) -> None:
    """Biases that a batch norm cancels are named where they are all that is too much."""
    other = {
        "padding=1, bias=False": "padding=1, bias=True",
        "nn.Linear(channels, num_classes)": "nn.Linear(channels, num_classes)\n        self.more = nn.BatchNorm2d(8)",
    }[made]
    exercise = planned("network:build_network").model_copy(update={"id": f"exact {made}", "exact_parameters": True})
    examined = examine_source(resnet({}, width=16, blocks=(2, 2, 2)).replace(made, other), exercise, None)
    assert message in failed(judge_exercise(examined, block_judge()))["parameters"]


def test_a_count_that_wrong_blocks_may_explain_is_left_to_a_human() -> None:
    """Where it is not known how many parameters the blocks that have cost already would make it."""
    examined = examine_source(resnet({}, width=16, blocks=(2, 2, 2)), planned("network:build_network"), None)
    title = examined.observations[0].case.title
    counted = examined.observations[0].parameter_count
    examined.planned_parameters = {title: counted + 5}
    check = checks()["parameters"]
    assert check.judge(examined, 10).status is Status.FAILED
    examined.excused_parameters = {title: None}
    result = check.judge(examined, 10)
    assert result.status is Status.SKIPPED
    assert "the only cause is not known" in result.message
    for right in ({title: counted}, {title: counted + 5}):
        examined.excused_parameters = dict(right)
        assert (check.judge(examined, 10).status is Status.PASSED) == (right == {title: counted})


STEM = "nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())"
HEAD = "self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))"
STAGE = 'x = getattr(self, f"layer{stage + 1}")(x)'
BEFORE, BEHIND, BETWEEN = "before the first block", "behind the last block", "between two blocks"


def judge_trunk(*changes: tuple[str, str]) -> ExerciseReport:
    """The report on a network whose trunk is to be the reference's, with these changes to it."""
    return judge_exercise(examine_trunk(*changes), block_judge())


def examine_trunk(*changes: tuple[str, str]) -> Examined:
    """What is seen of it."""
    held = {"trunk": "as-reference", "exact_parameters": "bias=True" not in str(changes)}
    exercise = planned("network:build_network").model_copy(update={"id": f"with its trunk {held}", **held})
    source = resnet({}, width=16, blocks=(2, 2, 2))
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return examine_source(source, exercise, None)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (STEM, STEM.replace(", nn.ReLU()", ""), BEFORE),
        (STEM, STEM.replace("nn.ReLU", "nn.GELU"), BEFORE),
        (STEM, STEM.replace("padding=1", "padding=2, dilation=2"), BEFORE),
        (STEM, STEM.replace("padding=1", "padding=1, padding_mode='reflect'"), BEFORE),
        (STEM, STEM.replace("width), nn.ReLU()", "width), nn.ReLU(), nn.MaxPool2d(3, 1, 1)"), BEFORE),
        (STAGE, f"{STAGE}\n            x = F.avg_pool2d(x, 3, 1, 1) if stage == 0 else x", BETWEEN),
        (STAGE, "x = self.layer1(x) + x if stage == 0 else getattr(self, f'layer{stage + 1}')(x)", BETWEEN),
        (STAGE, f"{STAGE}\n            x = x + x.mean() if stage == 1 else x", BETWEEN),
        (HEAD, HEAD.replace("avg", "max"), BEHIND),
        (HEAD, "self.fc(x.mean(3)[..., 0])", BEHIND),
        (HEAD, "self.fc(F.layer_norm(x.mean((2, 3)), x.shape[1:2]))", BEHIND),
        (HEAD, f"{HEAD} * 2", BEHIND),
    ],
)
def test_what_stands_around_right_blocks_is_compared(old: str, new: str, where: str) -> None:
    """The finding says where, and the line."""
    report = judge_trunk((old, new))
    assert ["gradient"] == list(failed(report))
    assert where in failed(report)["gradient"]
    assert next(check.line for check in report.checks if check.id == "gradient")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (HEAD, "self.fc(x.mean((-1, -2)))"),
        (HEAD, "self.fc(x.flatten(2).mean(2))"),
        (HEAD, "self.fc(x.permute(0, 2, 3, 1)).mean((1, 2))"),
        (HEAD, "F.conv2d(x, self.fc.weight[:, :, None, None], self.fc.bias).mean((2, 3))"),
        (HEAD, "self.fc(F.avg_pool2d(x, x.shape[2:])[:, :, 0, 0])"),
        (HEAD, "self.fc(x[:, :, torch.arange(0, x.shape[2], 1)].mean((2, 3)))"),
        (HEAD, "self.fc(x.index_select(2, torch.arange(x.shape[2])).mean((2, 3)))"),
        (HEAD, "self.fc((x @ torch.eye(x.shape[3], dtype=x.dtype)).mean((2, 3)))"),
        (HEAD, "self.fc(F.pad(x, (1, 1, 1, 1), value=float('-inf')).relu().sum((2, 3)) / 64)"),
        (STEM, STEM.replace("bias=False", "bias=True")),
        (STEM, STEM.replace("nn.ReLU()", "nn.ReLU(), nn.Identity(), nn.Dropout(0.0)")),
        (STAGE, "for block in getattr(self, f'layer{stage + 1}'):\n                x = block(x).relu()"),
    ],
)
def test_a_trunk_in_other_hands_is_right(old: str, new: str) -> None:
    """Only what it gives is compared; redundant biases are free."""
    assert {} == failed(judge_trunk((old, new)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (HEAD, HEAD.replace("(x, 1)", "(x.clamp(max=6), 1)"), BEHIND),
        (HEAD, HEAD.replace("(x, 1)", "(x.clamp(max=100), 1)"), BEHIND),
        (STAGE, f"{STAGE}\n            x = 0.5 * x + 0.5 * x.detach() if stage == 1 else x", "another gradient"),
        (HEAD, HEAD.replace("(x, 1)", "(2 * x - x.detach(), 1)"), "another gradient"),
        (STAGE, f"{STAGE}\n            x = x * 1.1 if self.training and stage == 2 else x", "in training mode"),
        (STAGE, f"{STAGE}\n            x = x.clamp(max=5) if self.training and stage == 1 else x", "in training mode"),
    ],
)
def test_a_trunk_that_is_right_for_most_values_and_forwards_alone_is_not(old: str, new: str, words: str) -> None:
    """Large and small values, what comes back, and training mode: each part is compared in all of these."""
    report = judge_trunk((old, new))
    assert ["gradient"] == list(failed(report))
    assert words in failed(report)["gradient"]


def test_what_is_done_for_large_values_does_not_pass() -> None:
    """What is chosen by the numbers is not in the recording of others."""
    report = judge_trunk((HEAD, HEAD.replace("(x, 1)", "(x if x.max() < 1e4 else x / 2, 1)")))
    assert "for many samples of large values it computes something else" in failed(report)["skip-connection"]


def test_what_is_done_in_the_large_case_alone_does_not_pass() -> None:
    """Though its blocks add channels in another way than the reference, so that it cannot be compared as a whole."""
    source = resnet({}, width=16, blocks=(2, 2, 2))
    assert HEAD in source
    assert {} == failed(judge_twice(source))
    alone = f"(lambda y: y if y.shape[1] < 50 else y - y.mean(1, keepdim=True))({HEAD})"
    report = judge_twice(changed(source, (HEAD, alone)))
    assert "gradient" in failed(report)


@pytest.mark.parametrize("when", ["x.size(0) == 1", "x.size(0) > 4", "len(x) % 2"])
def test_what_is_done_for_some_numbers_of_samples_does_not_pass(when: str) -> None:
    """Of two samples it is right."""
    report = judge_trunk((HEAD, f"{HEAD} * (0.5 if {when} else 1.0)"))
    assert "it computes something else than for two" in failed(report)["skip-connection"]


@pytest.mark.parametrize(
    "head",
    [
        "torch.cat([self.fc(s.mean((1, 2))[None]) for s in x])",
        "self.fc(F.adaptive_avg_pool2d(x, 1).reshape(len(x), -1)[torch.arange(len(x))])",
        "torch.stack([self.fc(x.mean((2, 3)))[i] for i in reversed(range(len(x)))]).flip(0)",
    ],
)
def test_samples_that_are_taken_one_by_one_are_right(head: str) -> None:
    """The number of them stands in the graph, and how often something is done."""
    assert {} == failed(judge_trunk((HEAD, head)))


@pytest.mark.parametrize("block", ["out + identity", "F.relu(out) + identity", "F.relu(out + 0.5 * identity)"])
def test_the_trunk_is_compared_beside_a_wrong_block(block: str) -> None:
    """Where the block ends is not certain, but no end of it makes a maximum an average."""
    wrong = ("F.relu(out + identity)", block)
    for changes, where in (((wrong,), None), ((wrong, (HEAD, HEAD.replace("avg", "max"))), "head")):
        examined = examine_trunk(*changes)
        assert not judge_exercise(examined, block_judge()).correct
        assert where == (examined.trunk.where if examined.trunk is not None else None)


NORM = """class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(x.var((0, 2, 3)), 0.1)
        normed = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        return normed * self.weight[:, None, None] + self.bias[:, None, None]


class ResNet("""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (HEAD, f"{HEAD} * (0.5 if self.training else 1.0)"),
        (HEAD, "self.fc(F.adaptive_avg_pool2d(x.tanh() if self.training else x, 1).flatten(1))"),
        ("x = self.stem(x)", "x = self.stem(-x if self.training else x)"),
        (STAGE, f"{STAGE}\n            x = F.relu(x - 0.1) if self.training and stage == 0 else x"),
    ],
)
def test_a_trunk_that_is_wrong_in_training_alone_does_not_pass(old: str, new: str) -> None:
    report = judge_trunk((old, new))
    assert ["gradient"] == list(failed(report))
    assert "in training mode is not what the task asks for" in failed(report)["gradient"]


def test_a_trunk_with_norms_by_hand_is_right() -> None:
    """What it does in training cannot be read off what it does in evaluation mode."""
    changes = ("class ResNet(", NORM), (STEM, STEM.replace("nn.BatchNorm2d", "Norm"))
    assert {} == failed(judge_trunk(*changes))


def test_blocks_for_which_there_is_no_time_are_accused_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """They get no points either: a human looks."""
    monkeypatch.setattr("grader.blocks.PATIENCE", -1.0)
    report = judge(resnet({}, width=16, blocks=(2, 2, 2)))
    assert ["skip-connection"] == list(failed(report))
    assert "not compared, because the time for one network was over" in failed(report)["skip-connection"]
    assert [] == report.diagnoses


@pytest.mark.parametrize(
    ("changed", "check", "mistake"),
    [
        ("F.relu(out + (0.5 if self.training else 1) * identity)", "gradient", "shortcut-scaled"),
        ("out + identity if self.training else F.relu(out + identity)", "gradient", "final-relu-missing"),
        # What it calls then is no block, so that in training there is none to be compared.
        ("self.eval()(x) if self.training else F.relu(out + identity)", "skip-connection", ""),
    ],
)
def test_a_block_that_is_wrong_in_training_alone_does_not_pass(changed: str, check: str, mistake: str) -> None:
    """What it does in evaluation mode is right, and so is the number of blocks; what is wrong in training is named."""
    right = resnet({}, width=16, blocks=(2, 2, 2))
    report = judge(right.replace("return F.relu(out + identity)", f"return {changed}"))
    assert [check] == list(failed(report))
    assert ({mistake} if mistake else set()) == {diagnosis.mistake for diagnosis in report.diagnoses}
    assert all("In training mode alone: " in diagnosis.message for diagnosis in report.diagnoses)


def judge_twice(source: str, confirm: bool | Literal["sizes"] = True) -> ExerciseReport:
    """The report on a network that is to give what the reference gives with more classes too, or to be as large."""
    exercise = planned("network:build_network")
    small = exercise.cases[0]
    more = {"title": "large", "confirm": confirm, "arguments": {"num_classes": 100}}
    cases = [small, small.model_copy(update=more)]
    changed = {"id": f"twice {confirm}", "trunk": "as-reference", "cases": cases, "exact_parameters": True}
    return judge_exercise(examine_source(source, exercise.model_copy(update=changed), None), block_judge())


@pytest.mark.parametrize(
    ("last", "wrong"),
    [("F.relu(x)", set()), ("x", {"skip-connection"}), ("F.gelu(x)", {"skip-connection"})],
)
def test_a_block_may_start_with_the_activation_of_the_one_before(last: str, wrong: set[str]) -> None:
    """The networks are the same: what blocks end in and what they start with is only a matter of where one cuts."""
    source = resnet({}, width=16, blocks=(2, 2, 2))
    changes = {
        "nn.BatchNorm2d(width), nn.ReLU())": "nn.BatchNorm2d(width))",
        "        out = F.relu(self.bn1": "        x = F.relu(x)\n        out = F.relu(self.bn1",
        "return F.relu(out + identity)": "return out + identity",
        "return self.fc(F.adaptive_avg_pool2d(x, 1)": f"return self.fc(F.adaptive_avg_pool2d({last}, 1)",
    }
    for old, new in changes.items():
        assert old in source
        source = source.replace(old, new)
    assert wrong <= failed(judge_twice(source)).keys() <= (wrong and {*wrong, "gradient"})


# What a network is made of in the large case: as it should be, or with another block in one stage, or a wrong number
# of outputs; or it refuses to be made, or to be run.
RIGHT = "return ResNet(WHICH, num_classes, 16, (2, 2, 2))"
SIZES = {
    RIGHT: set(),
    "return ResNet(WHICH, num_classes, 16, (2, 2, 2 + (num_classes > 50)))": {"parameters"},
    "return ResNet(WHICH, min(num_classes, 50), 16, (2, 2, 2))": {"shape", "parameters"},
    "assert num_classes < 50\n    " + RIGHT: {"shape", "gradient", "skip-connection"},
    "if num_classes > 50: return None\n    " + RIGHT: {"shape", "gradient", "skip-connection"},
}


@pytest.mark.parametrize("made", SIZES)
def test_of_some_cases_nothing_but_the_sizes_count(made: str) -> None:
    """The shape of the output, and the number of parameters; and it has to run."""
    source = resnet({}, width=16, blocks=(2, 2, 2))
    changed = source.replace("return ResNet({}, num_classes, 16, (2, 2, 2))", made.replace("WHICH", "{}"))
    assert SIZES[made] == failed(judge_twice(changed, "sizes")).keys()


def test_code_that_looks_at_its_weights_has_some() -> None:
    """Where only sizes count they are not drawn at first: what that breaks is no mistake of the student's."""
    source = resnet({}, width=16, blocks=(2, 2, 2))
    head = "self.fc = nn.Linear(channels, num_classes)"
    drawn = "self.fc.weight.data.zero_().normal_()"
    looking = source.replace(head, f"{head}\n        {drawn}\n        assert self.fc.weight.std() > 0.5")
    assert {} == failed(judge_twice(looking, "sizes"))


def test_what_is_wrong_in_the_large_case_alone_is_looked_for_there() -> None:
    """It is taken apart as well; what no known mistake explains gets no points, and is accused of nothing."""
    right = resnet({}, width=16, blocks=(2, 2, 2))
    assert {} == failed(judge_twice(right))
    gated = right.replace("x = self.stem(x)", "x = self.stem(x) * (1 if self.fc.out_features < 50 else 2)")
    assert ["gradient"] == list(failed(judge_twice(gated)))
    without = right.replace("return F.relu(out + identity)", "return F.relu(out + identity if N < 50 else out)")
    without = without.replace("    return ResNet(", "    global N\n    N = num_classes\n    return ResNet(")
    report = judge_twice(without)
    assert {"shortcut-missing"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    assert (0, 5) == (report.pending, report.max_score - report.score)
    assert all(" of build_network(num_classes=100): " in diagnosis.message for diagnosis in report.diagnoses)
    odd = without.replace("if N < 50 else out)", "if N < 50 else torch.sin(out) * identity)")
    report = judge_twice(odd)
    assert ["gradient"] == list(failed(report))
    assert Status.SKIPPED is next(check.status for check in report.checks if check.id == "gradient")
    assert "layer1.0, layer1.1" in failed(report)["gradient"] or "stage" in failed(report)["gradient"]


def test_the_stages_of_the_large_case_are_looked_at() -> None:
    """Where the small one has those of the plan."""
    source = resnet({}, width=16, blocks=(2, 2, 2))
    stride = "stride = 2 if stage > 1 and number == 0 else 1"
    assert stride in source
    source = changed(source, (stride, stride.replace("stage > 1", "1 < stage < 3 + (num_classes < 50)")))
    report = judge_twice(source)
    assert ["shape"] == list(failed(report))
    assert ["wrong-stages"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert (0, 5) == (report.pending, report.max_score - report.score)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("network:build_nothing", "raises AttributeError"),
        ("nowhere:build_network", "there is no nowhere.py"),
        ("residual:ResBlock", "raises TypeError"),
        ("flat:build_network", "no residual blocks are found in it"),
    ],
)
def test_a_reference_that_is_no_plan_is_refused(tmp_path: Path, reference: str, message: str) -> None:
    """The message names the file, the exercise, and what is wrong."""
    (tmp_path / "flat.py").write_text(
        "from torch import nn\n\n\ndef build_network(num_classes):\n"
        "    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, num_classes)\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), *head)\n"
    )
    assignment = residual_blocks().model_copy(update={"folder": tmp_path})
    exercise = planned(reference)
    with pytest.raises(AssignmentError, match="exercise planned") as caught:
        planned_network(assignment, exercise, exercise.cases[0])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "mistake", "words"),
    [
        ("n = (depth - 2) // 6", "n = 1", "other-depth", "For depth=14 the network has just as many"),
        ("n = (depth - 2) // 6", "n = depth // 2 // 3 + 1", "wrong-depth", "have 2, 2, 2 blocks instead of 1, 1, 1"),
        ("nn.Linear(64, num_classes)", "nn.Linear(64, 10)", "outputs-ignored", "always gives 10 outputs"),
        ("d // c)", "1)", "no-downsampling", "The resolution is the same in all blocks."),
        ("d // c)", "1 + (c == 16 < d))", "wrong-stages", "work on maps of 32×32, 16×16, 16×16"),
        ("[16] * n", "[24] * n", "wrong-stages", "have 24, 32, 64 channels"),
        (", nn.ReLU())", ", nn.ReLU(), nn.MaxPool2d(2))", "trunk-step-extra", "there is a step too many: max pooling"),
        (
            "padding=1, bias=False), nn.B",
            "padding=2, bias=False), nn.B",
            "chain-kernel",
            "The padding is 2 instead of 1",
        ),
        ("3, padding=1, bias=False), nn.B", "5, padding=2, bias=False), nn.B", "chain-kernel", "is 5×5 instead of 3×3"),
        # It has as many parameters, and other buffers.
        (
            "nn.BatchNorm2d(16), ",
            "nn.GroupNorm(4, 16), ",
            "trunk-step-changed",
            "stands group norm instead of batch norm",
        ),
        (
            "nn.BatchNorm2d(16), nn.ReLU()",
            "nn.ReLU(), nn.BatchNorm2d(16)",
            "chain-order",
            "→ ReLU → batch norm. The task",
        ),
        (", nn.ReLU())", ", nn.Identity())", "trunk-step-missing", "Before the first block a step is missing: ReLU."),
        (", nn.BatchNorm2d(16),", ",", "trunk-step-missing", "a step is missing: batch norm."),
        (
            "self.blocks(self.stem(x))",
            "self.blocks(self.stem(x)) - 0.1",
            "trunk-step-extra",
            "too many: the subtraction of a number",
        ),
        (
            "self.blocks(self.stem(x))",
            "(lambda z: F.relu(z - z.mean()))(self.blocks(self.stem(x)))",
            "",
            "what comes behind the last block",
        ),
        ("adaptive_avg", "adaptive_max", "trunk-step-changed", "Behind the last block stands max pooling instead of"),
        ("(64, num_classes)", "(64, num_classes, False)", "trunk-step-missing", "the linear layer has no bias"),
        ("return self.fc(", "return F.leaky_relu(self.fc(", "trunk-step-extra", "too many: leaky_relu"),
    ],
)
def test_what_is_wrong_with_a_network_is_named_and_costs_once(old: str, new: str, mistake: str, words: str) -> None:
    """Though several checks fail by it, and none waits for a human; what no known mistake explains has no name."""
    source = changed(PLANNED, (old, new))
    source = changed(source, (".flatten(1))", ".flatten(1)))")) if "leaky_relu(" in new else source
    exercise = find_exercise("planned-network")[1]
    assert isinstance(exercise, NetworkExercise)
    report = judge_against(source, exercise, None)
    said = [*failed(report).values(), *(diagnosis.message for diagnosis in report.diagnoses)]
    assert any(words in each for each in said), said
    assert ([mistake] if mistake else []) == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert (0, 10) == (report.pending, report.max_score - report.score)
