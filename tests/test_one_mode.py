"""Code that is right wherever it is asked as it was recorded, and wrong in one of the modes, for some shapes, or
backwards alone."""

from __future__ import annotations

import pytest
from judging import judge

from grader.mistakes._families import PREACT, SE
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes._search import Search
from grader.verdict import Proof, Status

pytestmark = pytest.mark.heavy

SUM = "F.relu(out + identity)"
FIRST = "self.bn1(self.conv1(x))"
SECOND = "self.bn2(self.conv2(out))"
TRAINING, EVALUATION = "In training mode alone: ", "In evaluation mode alone: "
# What is wrong in which mode; the exercise; the mistake.
ONE_MODE = {
    "what stochastic depth does without chance": (
        changed(RESBLOCK, (SUM, "F.relu((1.0 if self.training else 0.8) * out + identity)")),
        "resblock",
        EVALUATION,
        "shortcut-scaled",
    ),
    "no ReLU in evaluation": (
        changed(RESBLOCK, (SUM, f"{SUM} if self.training else out + identity")),
        "resblock",
        EVALUATION,
        "final-relu-missing",
    ),
    "a projection of Lazy layers that only training runs": (
        changed(
            RESBLOCK,
            ("nn.Conv2d(in_channels, ", "nn.LazyConv2d("),
            ("nn.BatchNorm2d(out_channels)", "nn.LazyBatchNorm2d()"),
            ("        identity = self.shortcut(x)\n", ""),
            (SUM, "F.relu(out + self.shortcut(x)) if self.training else F.relu(out)"),
        ),
        "resblock",
        "The shortcut is added in training mode alone",
        "shortcut-in-one-mode",
    ),
    "another activation in evaluation": (
        changed(BOTTLENECK, (SUM, f"{SUM} if self.training else F.gelu(out + identity)")),
        "bottleneck",
        EVALUATION,
        "wrong-activation",
    ),
    "a shortcut that is not trained": (
        changed(RESBLOCK, (SUM, "F.relu(out + (identity.detach() if self.training else identity))")),
        "resblock",
        TRAINING,
        "shortcut-detached",
    ),
    "norms that are used in training alone": (
        changed(
            RESBLOCK,
            (FIRST, f"{FIRST} if self.training else self.conv1(x)"),
            (SECOND, f"{SECOND} if self.training else self.conv2(out)"),
        ),
        "resblock",
        EVALUATION,
        "bn-missing",
    ),
    "a norm that is used in training alone, in front": (
        changed(PREACT, ("F.relu(self.bn1(x))", "F.relu(self.bn1(x) if self.training else x)")),
        "preact",
        EVALUATION,
        "bn-missing",
    ),
    "a gate in training alone": (
        changed(
            SE, ("        out = self.gate(out)\n", "        if self.training:\n            out = self.gate(out)\n")
        ),
        "se",
        EVALUATION,
        "se-gate-missing",
    ),
    "a gate in evaluation alone": (
        changed(
            SE, ("        out = self.gate(out)\n", "        if not self.training:\n            out = self.gate(out)\n")
        ),
        "se",
        TRAINING,
        "se-gate-missing",
    ),
}


@pytest.mark.parametrize(
    ("source", "exercise", "mode", "mistake"), [pytest.param(*each, id=name) for name, each in ONE_MODE.items()]
)
def test_a_mistake_in_one_mode_alone_is_replayed(source: str, exercise: str, mode: str, mistake: str) -> None:
    """It is said in which, and costs once."""
    report = judge(source, exercise)
    assert not report.correct
    assert [(mistake, Proof.REPLAYED)] == [(each.mistake, each.proof) for each in report.diagnoses]
    assert report.diagnoses[0].message.startswith(mode)
    assert 0.7 <= report.score / report.max_score < 1


def test_a_mistake_in_both_modes_is_not_said_of_one() -> None:
    """Nor is one that shows in training alone by what it is."""
    for wrong in ("self.bn1.eval()", "self.bn1.train()"):
        source = changed(RESBLOCK, ("        out = F.relu(self.bn1", f"        {wrong}\n        out = F.relu(self.bn1"))
        (diagnosis,) = judge(source, "resblock").diagnoses
        assert not diagnosis.message.startswith((TRAINING, EVALUATION))


RIGHT_AS_RECORDED = {
    "one sample": changed(RESBLOCK, (SECOND, f"self.conv2(out) if len(x) == 1 and self.training else {SECOND}")),
    "odd sizes": changed(RESBLOCK, (SUM, f"{SUM}[..., : x.shape[2] // self.conv1.stride[0], :]")),
    "in training": changed(RESBLOCK, (SUM, f"{SUM} + (0.01 * out.sin() if self.training else 0)")),
}


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in RIGHT_AS_RECORDED.items()])
def test_what_is_right_as_recorded_is_no_two_mistakes(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pairs are not looked for: that takes seconds, and finds nothing."""
    monkeypatch.setattr(Search, "together", lambda self: pytest.fail("pairs are looked for"))
    assert not judge(source, "resblock").correct


def test_what_is_wrong_for_some_shapes_is_said_with_these() -> None:
    """The claim is what was measured."""
    for source in (RIGHT_AS_RECORDED["one sample"], RIGHT_AS_RECORDED["odd sizes"]):
        (diagnosis,) = judge(source, "resblock").diagnoses
        assert ("right-for-some-shapes", Proof.MEASURED) == (diagnosis.mistake, diagnosis.proof)
    assert "1×8×8×8" in judge(RIGHT_AS_RECORDED["one sample"], "resblock").diagnoses[0].message


@pytest.mark.parametrize(
    "condition",
    [
        "x.mean() < 0.3",
        "x.abs().max() < 1e-3",
        "x.abs().max() > 4",
        "self.training",
    ],
)
def test_what_numbers_or_the_mode_decide_is_not_said_of_shapes(condition: str) -> None:
    """It is wrong for some inputs of the same shape, or for all in a mode."""
    source = changed(RESBLOCK, (SUM, f"{SUM} + (0.01 * out.sin() if {condition} else 0)"))
    report = judge(source, "resblock")
    assert not report.correct
    assert "right-for-some-shapes" not in [each.mistake for each in report.diagnoses]


@pytest.mark.parametrize("most", [4, 6, 9, 50])
def test_what_is_cut_off_at_a_number_is_not_said_of_shapes(most: int) -> None:
    """Large maps have larger numbers by chance, and no `if` shows that numbers decide."""
    report = judge(changed(RESBLOCK, (SUM, f"F.relu(out.clamp(-{most}, {most}) + identity)")), "resblock")
    assert not report.correct
    assert "right-for-some-shapes" not in [each.mistake for each in report.diagnoses]


def test_a_gradient_that_is_cut_off_is_not_said_to_be_altered() -> None:
    """Where a known mistake explains it, that is named alone."""
    source = changed(RESBLOCK, (SUM, "F.relu(out + identity.detach())"))
    assert ["shortcut-detached"] == [each.mistake for each in judge(source, "resblock").diagnoses]


def test_a_search_that_finds_nothing_breaks_nothing() -> None:
    """A batch norm by hand is tried beside one that another mistake has left without scale and shift."""
    report = judge(changed(RESBLOCK, (SUM, "F.relu(out.clamp(-6, 6) + identity)")), "resblock")
    assert [] == [check.id for check in report.checks if check.status is Status.GRADER_BROKE]
