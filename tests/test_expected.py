"""Blocks that are expected to be right are asked for less, and must not pass for it when they are wrong."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from judging import InProcessWorker, judge, right_answers
from torch import nn

from grader.checks import asked_probes
from grader.judge.compare import all_gradients_equal_at_once
from grader.judge.examine import Request
from grader.judge.requests import request, request_of
from grader.mistakes._mistake import RESBLOCK, changed
from grader.verdict import Status
from grader.worker.subject import set_mode

pytestmark = pytest.mark.heavy

SUM = "F.relu(out + identity)"
FIRST = "        out = F.relu(self.bn1(self.conv1(x)))\n"
STRIDES_ALONE = "self.conv1.stride == (2, 2) and self.conv1.in_channels == self.conv1.out_channels"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each was asked for: builds that are recorded, brief ones, and others."""
    counted: Counter[str] = Counter()
    call = InProcessWorker.call

    def counting(self, operation, arguments=None, tensors=None, *, seconds):  # type: ignore[no-untyped-def]
        if operation == "build":
            kind = "recorded" if arguments["record"] else "brief" if arguments["brief"] else "run"
            counted[kind] += 1
        return call(self, operation, arguments, tensors, seconds=seconds)

    monkeypatch.setattr(InProcessWorker, "call", counting)
    return counted


def test_a_right_block_is_recorded_once_for_each_of_its_ways(asked: Counter[str]) -> None:
    """Without a projection, and with one; the other four cases are as these."""
    assert judge(RESBLOCK, "resblock").correct
    assert asked == {"recorded": 2, "brief": 4}


def test_a_right_block_that_prints_numbers_is_not_recorded_more_often(asked: Counter[str]) -> None:
    source = changed(RESBLOCK, (FIRST, "        message = f'{x.mean().item():.3f}'\n" + FIRST))
    assert judge(source, "resblock").correct
    assert asked == {"recorded": 2, "brief": 4}


@pytest.mark.parametrize(
    "wrong",
    [
        # In a case that is expected to be right, each where only one probe of that case shows it.
        pytest.param(f"F.relu(out + identity * (0.0 if x.mean().item() > 3 and {STRIDES_ALONE} else 1.0))", id="read"),
        pytest.param(
            f"F.relu(out + (identity.detach() if self.training and {STRIDES_ALONE} else identity))", id="training"
        ),
        pytest.param(f"F.relu(out + (identity.detach() if {STRIDES_ALONE} else identity))", id="gradient"),
        pytest.param(
            f"F.relu(out * (1.0 if torch.is_grad_enabled() or not ({STRIDES_ALONE}) else 1.1) + identity)", id="no grad"
        ),
        # Whatever the case, where only the inputs are large.
        pytest.param("F.relu(out + torch.where(x.abs().max() > 8, identity.detach(), identity))", id="large"),
    ],
)
def test_a_gate_in_an_expected_case_is_found(wrong: str) -> None:
    source = changed(RESBLOCK, (SUM, wrong))
    report = judge(source, "resblock")
    assert {check.id for check in report.checks if check.status is not Status.PASSED} >= {"gradient"}


def test_code_with_hooks_is_asked_with_gradients_what_it_refuses_without() -> None:
    """A hook on a tensor without a gradient raises, so that passes without one tell nothing."""
    hooked = changed(RESBLOCK, (FIRST, FIRST + "        out.register_hook(lambda g: g)\n"))
    assert judge(hooked, "resblock").correct
    huge = "F.relu(out + torch.where(x.abs().max() > 100, 0.5 * identity, identity))"
    assert not judge(changed(hooked, (SUM, huge)), "resblock").correct


def test_what_is_kept_is_what_would_be_drawn() -> None:
    answers = right_answers("resblock")
    assert answers is not None
    exercise = answers.reference.exercise
    for case in exercise.cases:
        form = answers.forms(case)[-1]
        probes = asked_probes(exercise, case)
        kept, again = (request_of(form, form.branch, probes, "float64") for _ in range(2))
        fresh = request(
            form.seed,
            case.input,
            probes,
            form.slots,
            branch=form.branch,
            output_shape=lambda shape, case=case: answers.reference.output_shape(case, shape),
            precision="float64",
        )
        assert kept is again
        assert torch.equal(kept.row, fresh.row)
        assert _plain(kept) == _plain(fresh)
        rounded = request_of(form, form.branch, probes, "float32")
        assert _plain(kept) == _plain(rounded)
        assert torch.equal(kept.row.float(), rounded.row)


def _plain(made: Request) -> object:
    return made.probes, made.slots, made.recipes, made.layout


def test_gradients_are_equal_at_once_only_if_each_is() -> None:
    expected = [torch.tensor([1.0, 2.0], dtype=torch.float64), torch.tensor([3.0], dtype=torch.float64)]
    assert all_gradients_equal_at_once([each.clone() for each in expected], expected, "float64")
    assert not all_gradients_equal_at_once([expected[0] + 1e-8, expected[1]], expected, "float64")
    assert not all_gradients_equal_at_once([expected[0], expected[1] * float("nan")], expected, "float64")
    # The same numbers, cut elsewhere.
    row = torch.cat(expected)
    assert not all_gradients_equal_at_once([row[:1], row[1:]], expected, "float64")


class Frozen(nn.BatchNorm2d):
    """Stays in evaluation mode, as one fine-tunes."""

    def train(self, mode: bool = True) -> Frozen:
        super().train(False)
        return self


def test_modes_are_set_as_torch_sets_them() -> None:
    module = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(Frozen(1), nn.BatchNorm2d(1)))
    module[1][1].eval()
    for train in (True, False, True):
        set_mode(module, train=train)
        assert [part.training for part in module.modules()] == [train, train, train, False, train]
