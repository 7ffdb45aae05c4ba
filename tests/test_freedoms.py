"""What an assignment leaves free is free, what it does not is a mistake with a name, and mixtures are neither."""

from __future__ import annotations

from functools import cache

import pytest
from judging import find_exercise, judge, judge_against, residual_blocks

from grader.assignment import ModuleExercise
from grader.judge.anatomy import anatomy
from grader.judge.examined import RightAnswers
from grader.judge.parts import Block
from grader.judge.reference import Reference
from grader.judge.right_forms import _sets_of_biases, add_every_bias
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.verdict import ExerciseReport

pytestmark = pytest.mark.heavy

TEST = "if stride != 1 or in_channels != out_channels:"
FIRST = "in_channels, out_channels, 3, stride=stride"
SECOND = "out_channels, out_channels, 3, stride=1"
SHORTCUT = RESBLOCK[RESBLOCK.index("        self.shortcut = nn.Sequential()") : RESBLOCK.index("\n    def forward")]
PROJECTED = "            self.shortcut = nn.Sequential(\n"
IDENTITY = "identity = self.shortcut(x)"
SUM = "F.relu(out + identity)"


@cache
def answers(exercise_id: str, freedoms: tuple[tuple[str, object], ...]) -> RightAnswers:
    """The right answers of a shipped exercise with these keys in its spec, read as from its file, in small cases."""
    _, exercise = find_exercise(exercise_id)
    assert isinstance(exercise, ModuleExercise)
    small = [case.model_dump() for case in exercise.cases if not case.confirm]
    spec = (
        exercise.model_dump(by_alias=True)
        | {"case": small}
        | {key: list(v) if isinstance(v, tuple) else v for key, v in freedoms}
    )
    return RightAnswers(Reference(residual_blocks(), ModuleExercise.model_validate(spec)), seed=0, device="cpu")


def graded(source: str, exercise_id: str = "resblock", **freedoms: object) -> ExerciseReport:
    """The report under these freedoms."""
    right = answers(exercise_id, tuple(freedoms.items()))
    return judge_against(source, right.reference.exercise, right)


def assert_right(report: ExerciseReport) -> None:
    """Full marks, and nothing to say."""
    assert [] == [check.message for check in report.checks if check.status != "passed"]
    assert report.max_score == report.score
    assert [] == report.diagnoses


def assert_wrong(report: ExerciseReport, mistake: str) -> None:
    """Points are lost, and the cause is named: first, or as one that explains the behaviour equally."""
    assert not report.correct
    assert report.score < report.max_score
    said = " ".join(f"{diagnosis.mistake} {diagnosis.message}" for diagnosis in report.diagnoses)
    assert mistake in said, [said, *(check.message for check in report.checks)]


def padded(shortcut: str) -> str:
    """The basic block with a shortcut without weights: an expression of x, `stride` and `more` channels."""
    kept = "        self.stride, self.more = stride, out_channels - in_channels\n"
    return changed(
        RESBLOCK,
        (SHORTCUT, kept),
        (IDENTITY, f"stride, more = self.stride, self.more\n        identity = {shortcut}"),
    )


# --- shortcut_option -----------------------------------------------------------------------------------

# Zero padding as it is written in the wild: behind the channels, or half on either side.
PADDED = {
    "pad": padded("F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, more))"),
    "pad in the middle": padded("F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, more // 2, more // 2))"),
    "pooling": padded("F.pad(F.avg_pool2d(x, 1, stride), (0, 0, 0, 0, 0, more))"),
    "subsampling by index": padded(
        "F.pad(x[..., torch.arange(0, x.shape[2], stride), :][..., torch.arange(0, x.shape[3], stride)], "
        "[0, 0, 0, 0, 0, more])"
    ),
    "written into zeros": padded(
        "torch.zeros_like(out)\n        identity[:, : x.shape[1]] = x[:, : out.shape[1], ::stride, ::stride]"
    ),
    "concatenated": padded(
        "x[:, : out.shape[1], ::stride, ::stride]\n"
        "        identity = torch.cat([identity, x.new_zeros(len(x), max(0, more), *identity.shape[2:])], 1)"
    ),
}
ALWAYS = {
    "condition": changed(RESBLOCK, (TEST, "if True:")),
    "no condition": changed(
        RESBLOCK,
        ("        self.shortcut = nn.Sequential()\n", ""),
        (f"        {TEST}\n", "        for _ in range(1):\n"),
    ),
    "with biases": changed(RESBLOCK, (TEST, "if True:"), ("bias=False", "bias=True")),
}


@pytest.mark.parametrize("style", PADDED)
def test_zero_padding_is_right_where_it_is_granted(style: str) -> None:
    """Option A of the paper beside others; below, alone."""
    assert_right(graded(PADDED[style], shortcut_option=("B", "A")))


def test_zero_padding_is_wrong_where_it_is_not_granted() -> None:
    """The cause is named, wherever the zeros stand."""
    assert_wrong(judge(PADDED["written into zeros"], "resblock"), "projection-missing")
    assert_wrong(judge(PADDED["pad in the middle"], "resblock"), "projection-missing")


def test_a_projection_is_no_wrong_condition_where_zeros_are_asked_for() -> None:
    """Option B under A: weights where none belong is the cause. That the input is not added at all is not claimed."""
    report = graded(RESBLOCK, shortcut_option="A")
    assert ["projection-instead-of-padding"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    skip = next(check for check in report.checks if check.id == "skip-connection")
    assert "the input is not added to the branch, or through layers with weights" in skip.message


def test_an_identity_is_no_wrong_condition_where_a_projection_is_always_asked_for() -> None:
    """Option B under C."""
    report = graded(RESBLOCK, shortcut_option="C")
    assert ["identity-instead-of-projection"] == [diagnosis.mistake for diagnosis in report.diagnoses]


@pytest.mark.parametrize("style", ALWAYS)
def test_a_projection_everywhere_is_right_where_it_is_granted(style: str) -> None:
    """Option C of the paper, here beside others."""
    assert_right(graded(ALWAYS[style], shortcut_option=("A", "B", "C")))


def test_a_projection_everywhere_is_wrong_where_it_is_not_granted() -> None:
    """Whether nothing is said, or other options are listed."""
    assert_wrong(judge(ALWAYS["condition"], "resblock"), "projection-always")
    assert_wrong(graded(ALWAYS["with biases"], shortcut_option=("B", "A")), "projection-always")


def test_the_list_of_options_says_all_that_is_right() -> None:
    """Even the reference is right only if its option is listed. (That others are wrong, the mistakes' files show.)"""
    assert_right(graded(RESBLOCK, shortcut_option="B"))
    assert_right(graded(PADDED["pad"], shortcut_option="A"))
    assert_right(graded(ALWAYS["condition"], shortcut_option="C"))


@pytest.mark.parametrize(
    "mixture",
    [
        pytest.param(
            changed(
                RESBLOCK,
                (TEST, "self.stride = stride\n        if in_channels != out_channels:"),
                (
                    IDENTITY,
                    "identity = self.shortcut(x) if len(self.shortcut) else x[:, :, :: self.stride, :: self.stride]",
                ),
            ),
            id="A and B",
        ),
        pytest.param(
            changed(
                PADDED["pad"],
                (
                    "        self.stride,",
                    "        self.point = nn.Conv2d(in_channels, out_channels, 1, bias=False)\n"
                    "        self.norm = nn.BatchNorm2d(out_channels)\n        self.stride,",
                ),
                (SUM, "F.relu(out + (self.norm(self.point(x)) if stride == 1 and not more else identity))"),
                (
                    "        self.point =",
                    "        if stride == 1 and in_channels == out_channels:\n            self.point =",
                ),
                ("        self.norm =", "            self.norm ="),
            ),
            id="A and C",
        ),
    ],
)
def test_a_mixture_of_options_is_wrong(mixture: str) -> None:
    """One option is followed in all cases."""
    report = graded(mixture, shortcut_option=("A", "B", "C"))
    assert not report.correct
    assert any("another of the accepted ways" in check.message for check in report.checks)


def test_other_mistakes_are_found_beside_every_option() -> None:
    """A freedom makes nothing else right, and mistakes are named on top of it."""
    for source in (RESBLOCK, PADDED["pad in the middle"]):
        assert_wrong(graded(changed(source, (SUM, "F.relu(out * identity)")), shortcut_option=("B", "A")), "multiplied")


# --- stride_position -----------------------------------------------------------------------------------

LATER = {
    "attributes": changed(
        RESBLOCK, (FIRST, "in_channels, out_channels, 3, stride=1"), (SECOND, SECOND[:-1] + "stride")
    ),
    "v1": changed(
        BOTTLENECK,
        ("nn.Conv2d(in_channels, width, 1, bias", "nn.Conv2d(in_channels, width, 1, stride, bias"),
        ("nn.Conv2d(width, width, 3, stride=stride", "nn.Conv2d(width, width, 3, stride=1"),
    ),
}
BEHIND = changed(
    BOTTLENECK,
    ("nn.Conv2d(width, width, 3, stride=stride", "nn.Conv2d(width, width, 3, stride=1"),
    ("nn.Conv2d(width, out_channels, 1, bias", "nn.Conv2d(width, out_channels, 1, stride, bias"),
)


def test_the_stride_may_sit_on_any_large_enough_convolution_where_that_is_granted() -> None:
    """On either 3×3 of the basic block; on the first 1×1 or the 3×3 of a bottleneck."""
    for source in (RESBLOCK, LATER["attributes"]):
        assert_right(graded(source, stride_position="free"))
    for source in (BOTTLENECK, LATER["v1"]):
        assert_right(judge(source, "bottleneck"))


def test_the_stride_is_the_references_where_nothing_is_granted() -> None:
    """The cause is named: the stride sits on another layer."""
    assert_wrong(judge(LATER["attributes"], "resblock"), "wrong-stride-layer")


def test_a_stride_behind_the_last_large_convolution_stays_wrong() -> None:
    """There it would throw away what the 3×3 computed. The shipped bottleneck leaves its stride free."""
    assert_wrong(judge(BEHIND, "bottleneck"), "wrong-stride-layer")


def test_the_stride_sits_in_one_place() -> None:
    """In both it is a mistake, and so it is here in one case and there in another."""
    both = changed(RESBLOCK, (SECOND, SECOND[:-1] + "stride"))
    assert_wrong(graded(both, stride_position="free"), "stride-in-both")
    mixture = changed(
        RESBLOCK,
        (FIRST, "in_channels, out_channels, 3, stride=stride if in_channels == out_channels else 1"),
        (SECOND, "out_channels, out_channels, 3, stride=1 if in_channels == out_channels else stride"),
    )
    report = graded(mixture, stride_position="free")
    assert not report.correct
    assert any("another of the accepted ways" in check.message for check in report.checks)


# --- activation_after_add ------------------------------------------------------------------------------

LINEAR = changed(RESBLOCK, (SUM, "out + identity"))


def test_the_last_activation_may_be_there_or_not_where_that_is_granted() -> None:
    """With ReLU, as in 2015; without, as in later work."""
    assert_right(graded(RESBLOCK, activation_after_add="free"))
    assert_right(graded(LINEAR, activation_after_add="free"))
    assert_right(graded(changed(RESBLOCK, (SUM, "torch.stack([out, identity]).sum(0)")), activation_after_add="free"))


def test_the_last_activation_is_the_references_where_nothing_is_granted() -> None:
    """The cause is named."""
    assert_wrong(judge(LINEAR, "resblock"), "final-relu-missing")


def test_another_last_activation_stays_wrong() -> None:
    """Free is whether there is one, not which; and always or never, not by the case."""
    sigmoid = changed(RESBLOCK, (SUM, "torch.sigmoid(out + identity)"))
    assert_wrong(graded(sigmoid, activation_after_add="free"), "wrong-activation")
    before = changed(RESBLOCK, (SUM, "F.relu(out) + identity"))
    assert_wrong(graded(before, activation_after_add="free"), "relu-before-add")
    mixture = changed(RESBLOCK, (SUM, "out + identity if len(self.shortcut) else F.relu(out + identity)"))
    assert not graded(mixture, activation_after_add="free").correct


# --- conv_bias, and all together -----------------------------------------------------------------------


def test_a_forbidden_bias_is_wrong() -> None:
    """Closed, a redundant bias is one parameter too many; free, it costs nothing and is noted."""
    biased = changed(RESBLOCK, ("bias=False", "bias=True"))
    assert_right(judge(biased, "resblock"))
    report = graded(biased, conv_bias="forbidden")
    assert_wrong(report, "redundant-bias")
    assert "failed" == next(check.status for check in report.checks if check.id == "parameters")


def test_an_unused_layer_is_no_redundant_bias() -> None:
    """What is wrong with a block that has no bias is not said to be one, though it does what is right."""
    unused = changed(
        RESBLOCK,
        ("        self.bn2 =", "        self.bn3 = nn.BatchNorm2d(out_channels)\n        self.bn2 ="),
    )
    report = graded(unused, conv_bias="forbidden")
    assert not report.correct
    assert [] == [each.mistake for each in report.diagnoses if each.mistake == "redundant-bias"]


EXTRA = "        self.b = nn.Parameter(torch.zeros(out_channels, 1, 1))\n"
BIASED = """
import torch
from torch import nn
import torch.nn.functional as F


class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.affine = nn.Parameter(torch.stack([torch.ones(c), torch.zeros(c)]))
        self.register_buffer("mean", torch.zeros(c))
        self.register_buffer("var", torch.ones(c))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, *self.affine, self.training)


class BiasedBlock(nn.Module):
    def __init__(self, channels, stride=1):
        super().__init__()
        self.bn1, self.conv1 = Norm(channels), nn.Conv2d(channels, channels, 3, stride, 1)
        self.bn2, self.conv2 = Norm(channels), nn.Conv2d(channels, channels, 3, 1, 1)
        self.shortcut = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, channels, 1, stride), Norm(channels))

    def forward(self, x):
        out = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return out + self.shortcut(x)
"""


def parameters(report: ExerciseReport) -> tuple[str, str]:
    """Status and words of the check that counts."""
    return next((check.status.value, check.message) for check in report.checks if check.id == "parameters")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(((SUM, "F.relu(out + identity + self.b)"),), id="behind the addition"),
        pytest.param(
            (("out = self.bn2(self.conv2(out))", "out = self.bn2(self.conv2(out)) + self.b"),), id="behind a norm"
        ),
        pytest.param(((IDENTITY, "identity = self.shortcut(x) + self.b"),), id="on the shortcut"),
    ],
)
def test_a_vector_too_many_is_no_redundant_bias(changes: tuple[tuple[str, str], ...]) -> None:
    """Nothing cancels it: it is as many parameters too many as it holds."""
    start = "        self.shortcut = nn.Sequential()\n"
    status, said = parameters(judge(changed(RESBLOCK, (start, EXTRA + start), *changes), "resblock"))
    assert "failed" == status
    assert "1192 parameters, expected 1184" in said


def test_a_wrong_block_may_have_redundant_biases_too() -> None:
    """Batch norms cancel them whatever else is wrong, and however they are written."""
    subtracted = (SUM, "F.relu(out - identity)")
    assert "passed" == parameters(judge(changed(RESBLOCK, ("bias=False", "bias=True"), subtracted), "resblock"))[0]
    start = "        self.shortcut = nn.Sequential()\n"
    added = ("out = self.bn2(self.conv2(out))", "out = self.bn2(self.conv2(out) + self.b)")
    assert "passed" == parameters(judge(changed(RESBLOCK, (start, EXTRA + start), added, subtracted), "resblock"))[0]


def test_biases_that_the_reference_has_are_not_counted_twice() -> None:
    """Where it cannot be told which parameter is which, their number still counts."""
    status, said = parameters(judge(BIASED, "biased"))
    assert "passed" == status, said
    gain = BIASED.replace("out + self.shortcut(x)", "self.g * out + self.shortcut(x)")
    gain = gain.replace(
        "        self.shortcut = nn.Identity()\n",
        "        self.g = nn.Parameter(torch.ones(channels, 1, 1))\n        self.shortcut = nn.Identity()\n",
    )
    status, said = parameters(judge(gain, "biased"))
    assert "failed" == status
    assert "1208 parameters, expected 1200" in said


def test_biases_keep_apart_when_a_layer_comes_between() -> None:
    """A layer that a mistake brings in after some have their bias gets one of its own, under its own name."""
    reference = answers("resblock", ()).reference
    graph = add_every_bias(reference.graph(reference.exercise.cases[0], 0, train=False, shape=(2, 8, 8, 8)))
    parts = anatomy(graph)
    assert parts is not None
    block = Block(graph, parts)
    layer = block.convolve(block.x, 8, 1, 1, "new")
    block.editor.redirect(block.x, block.normalise(layer, block.norms[0], "new"), but=(layer,))
    longer = add_every_bias(block.editor.graph())
    keys = [node.leaf.key for node in longer.nodes if node.leaf is not None]
    assert 3 == sum(key.startswith("bias") for key in keys)
    assert len(set(keys)) == len(keys)


def test_freedoms_combine() -> None:
    """Each choice is made on its own, and none costs the others."""
    every = {"stride_position": "free", "shortcut_option": ("A", "B", "C"), "activation_after_add": "free"}
    source = PADDED["pad in the middle"]
    source = changed(source, (FIRST, "in_channels, out_channels, 3, stride=1"), (SECOND, SECOND[:-1] + "stride"))
    source = changed(source, (SUM, "out + identity"), ("1, bias=False", "1"))
    assert_right(graded(source, **every))


def test_a_choice_that_changes_nothing_is_no_variant() -> None:
    """Variants that compute the same in every case are one; the plain reference is the first."""
    assert 1 == len(answers("resblock", (("shortcut_option", "B"),)).reference.variants)
    free = answers("bottleneck", (("stride_position", "free"), ("shortcut_option", ("C", "B")))).reference.variants
    assert 4 == len(free)
    assert () == free[0].edits


# --- what may not matter -------------------------------------------------------------------------------

IRRELEVANT = {
    "inplace": (RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.bn1(self.conv1(x)), inplace=True)")),
    "eps written out": (RESBLOCK, ("Norm2d(out_channels)", "Norm2d(out_channels, eps=1e-05, momentum=0.1)")),
    "an identity": (RESBLOCK, ("self.bn2(self.conv2(out))", "nn.Identity()(self.bn2(self.conv2(out)))")),
    "dropout that drops nothing": (
        RESBLOCK,
        ("self.bn2(self.conv2(out))", "F.dropout(self.bn2(self.conv2(out)), p=0.0)"),
    ),
    "a dropout module that drops nothing": (
        RESBLOCK,
        ("self.bn2(self.conv2(out))", "self.drop(self.bn2(self.conv2(out)))"),
        ("        self.conv2 =", "        self.drop = nn.Dropout2d(0)\n        self.conv2 ="),
    ),
    "unused helpers": (RESBLOCK, ("\n\nclass ", "\n\nclass Unused(nn.Module):\n    pass\n\n\nclass ")),
    "more arguments, with defaults": (
        RESBLOCK,
        ("stride=1):", "stride=1, kernel_size=3, *, groups=1, norm=nn.BatchNorm2d, **others):"),
        ("out_channels, 3,", "out_channels, kernel_size,"),
        ("nn.BatchNorm2d(", "norm("),
    ),
    "another padding mode": (RESBLOCK, ("padding=1", "padding='same' if stride == 1 else 1")),
    "one of several biases": (RESBLOCK, (SECOND + ", padding=1, bias=False", SECOND + ", padding=1")),
    "a docstring, annotations, prints": (
        RESBLOCK,
        (
            "forward(self, x):",
            'forward(self, x: torch.Tensor) -> torch.Tensor:\n        """y"""\n        print(x.shape)',
        ),
    ),
}


@pytest.mark.parametrize("style", IRRELEVANT)
def test_what_may_not_matter_does_not(style: str) -> None:
    """Under the spec as it ships: no point lost, nothing diagnosed."""
    source, *changes = IRRELEVANT[style]
    assert_right(judge(changed(source, *changes), "resblock"))


def test_redundant_biases_of_many_layers_are_not_combined() -> None:
    """A block of sixty-four convolutions would have 2⁶⁴ sets: of few layers all are asked for, of many the usual."""
    assert 2**4 - 1 == len(list(_sets_of_biases([(4, 4, 3, 3)] * 4)))
    sets = list(_sets_of_biases([(4, 8, 1, 1), (4, 4, 3, 3)] * 32))
    assert len(sets) < 200
    assert {frozenset([5]), frozenset(range(0, 64, 2)), frozenset(range(64))} <= set(sets)
    assert sets == sorted(sets, key=len)
