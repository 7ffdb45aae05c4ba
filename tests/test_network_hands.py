"""Networks as very different people write them, right and wrong, held to a plan in every layer."""

from __future__ import annotations

import pytest
from judging import find_exercise, judge_against, right_answers

from grader.assignment import ModuleExercise, NetworkExercise
from grader.mistakes._mistake import changed
from grader.mistakes.network import PLANNED
from grader.verdict import ExerciseReport, Status

pytestmark = pytest.mark.heavy

KEPT = "        self.stride, self.more = stride, out_channels - in_channels\n"
PADDED = (
    "        x = x[:, :, :: self.stride, :: self.stride]\n"
    "        return F.relu(out + F.pad(x, (0, 0, 0, 0, 0, self.more)))"
)
EYE = "torch.eye(out_channels, in_channels)"


def judge(source: str, exercise_id: str = "planned-network") -> ExerciseReport:
    exercise = find_exercise(exercise_id)[1]
    assert isinstance(exercise, ModuleExercise | NetworkExercise)
    return judge_against(source, exercise, right_answers(exercise_id))


def failed(report: ExerciseReport) -> dict[str, str]:
    return {check.id: check.message for check in report.checks if check.status is not Status.PASSED}


def with_shortcut(kept: str, shortcut: str) -> str:
    """The network with another way to fill up its shortcuts."""
    return changed(PLANNED, (KEPT, f"{KEPT}        {kept}\n"), (PADDED, f"        return F.relu(out + {shortcut})"))


DOUBLED = "x[:, :, :: self.stride, :: self.stride].repeat(1, 1 + (self.more > 0), 1, 1)"
NUMBERS_KEPT = [
    (f'self.register_buffer("eye", {EYE}[:, :, None, None])', "F.conv2d(x, self.eye, stride=self.stride)"),
    (f"self.eye = {EYE}[:, :, None, None]", "F.conv2d(x, self.eye.to(x), stride=self.stride)"),
    (
        f"self.eye = nn.Parameter({EYE}, requires_grad=False)",
        'torch.einsum("oc,nchw->nohw", self.eye, x[:, :, :: self.stride, :: self.stride])',
    ),
    (
        'self.register_buffer("rows", torch.arange(0, 1024, stride))',
        "F.pad(x[:, :, self.rows[: out.shape[2]]][..., self.rows[: out.shape[3]]], (0, 0, 0, 0, 0, self.more))",
    ),
]
MASK = "torch.cat([torch.ones(in_channels), torch.zeros(out_channels - in_channels)])"
NUMBERS_KEPT += [
    (f'self.register_buffer("mask", {MASK})', f"{DOUBLED} * self.mask.view(1, -1, 1, 1)"),
    (f'self.register_buffer("mask", {MASK}.view(1, -1, 1, 1))', f"{DOUBLED} * self.mask"),
    (f"self.mask = {MASK}[:, None, None]", f"{DOUBLED}.where(self.mask > 0, 0.0)"),
    (f'self.register_buffer("mask", {MASK}[:, None, None] > 0)', f"torch.where(self.mask, {DOUBLED}, 0)"),
]


@pytest.mark.parametrize(("kept", "shortcut"), NUMBERS_KEPT)
def test_numbers_that_a_network_keeps_do_not_hide_its_blocks(kept: str, shortcut: str) -> None:
    """A kernel that picks pixels and puts zeros beside them is no parameter, and is needed to run the recording."""
    source = with_shortcut(kept, shortcut)
    for exercise in ("planned-block", "planned-network"):
        report = judge(source, exercise)
        assert {} == failed(report)
        assert [] == report.diagnoses
        assert 40 == report.score


def test_what_is_wrong_beside_such_numbers_is_named() -> None:
    """In the block itself, and in what stands before it; a weight that is frozen is one of them."""
    kept, shortcut = NUMBERS_KEPT[0]
    right = with_shortcut(kept, shortcut)
    report = judge(changed(right, ("return F.relu(out + ", "return (out + ")))
    assert {"final-relu-missing"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    report = judge(changed(right, ("stride=self.stride)", "stride=self.stride) * 0.5")))
    assert {"shortcut-scaled"} == {diagnosis.mistake for diagnosis in report.diagnoses}
    network = "    return PlannedNetwork(depth, num_classes)"
    frozen = (
        "    made = PlannedNetwork(depth, num_classes)\n    made.stem[0].weight.requires_grad_(False)\n    return made"
    )
    report = judge(changed(PLANNED, (network, frozen)))
    assert ["gradient"] == list(failed(report))
    assert ["parameters-frozen"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert 0 == report.pending
