"""What is wrong with a stem or a head is told where the reference's, with just that, does the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grader.capture import record
from grader.graph import Graph
from grader.judge.trunk import Comparison

CONVOLUTION = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
MORE = (nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
STEM = (CONVOLUTION, nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
HEAD = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


class Scaled(nn.Module):
    """Pixels between -1 and 1, say."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - 0.5) / 0.25


class Summed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3))


class Unlike(nn.Module):
    """No step that is known."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x - x.mean())


def recorded(*layers: nn.Module, size: tuple[int, ...]) -> Graph:
    """What these layers compute in evaluation mode."""
    graph = record(nn.Sequential(*layers).double().eval(), torch.zeros(2, *size, dtype=torch.float64)).graph
    return Graph.model_validate(graph)


def causes(layers: tuple[nn.Module, ...], model: tuple[nn.Module, ...], size: tuple[int, ...]) -> list[tuple[str, str]]:
    """Topics of the differences, each with the step that is missing, too many or another one, and in what."""
    comparison = Comparison(recorded(*layers, size=size), 0, trains=True, activated=False)
    assert (comparison.difference(recorded(*model, size=size)) is None) == (layers == model)
    cause = comparison.cause(recorded(*model, size=size))
    said = []
    for each in cause.differences if cause is not None else ():
        step = each.found or each.wanted
        assert step is not None
        said.append((each.topic, each.name or f"{step.kind} {step.what}".strip()))
    return said


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (STEM, []),
        ((*STEM[:2], STEM[3]), [("activation missing", "activation relu")]),
        ((STEM[0], *STEM[2:]), [("norm missing", "norm batch")]),
        (STEM[:3], [("missing", "pooling max")]),
        ((*STEM[:3], nn.MaxPool2d(3, 2)), [("changed", "numbers")]),
        ((*STEM[:3], nn.MaxPool2d(3, 2, ceil_mode=True)), [("changed", "numbers")]),
        ((nn.BatchNorm2d(3), *STEM), [("extra", "norm batch")]),
        ((nn.ReLU(), *STEM), [("extra", "activation relu")]),
        ((Scaled(), *STEM), [("extra", "activation sub"), ("extra", "activation div")]),
        ((*STEM, nn.BatchNorm2d(8), nn.ReLU()), [("extra", "norm batch"), ("extra", "activation relu")]),
        ((*STEM[:2], nn.GELU(), STEM[3]), [("changed", "what")]),
        ((STEM[0], nn.GroupNorm(4, 8), *STEM[2:]), [("changed", "what"), ("changed", "groups")]),
        ((STEM[0], STEM[2], STEM[1], STEM[3]), [("order", "norm batch")]),
        ((nn.Conv2d(3, 8, 5, 2, 2, bias=False), *STEM[1:]), [("kernel", "kernel")]),
        (
            (nn.Conv2d(3, 8, 3, 1, 1, bias=False), *STEM[1:3]),
            [("missing", "pooling max"), ("kernel", "kernel"), ("kernel", "stride")],
        ),
        ((nn.Conv2d(3, 8, 7, 1, 3, bias=False), *STEM[1:]), [("stride", "stride")]),
        (
            (*STEM[:3], *MORE, STEM[3]),
            [("extra", "convolution"), ("extra", "norm batch"), ("extra", "activation relu")],
        ),
        ((*STEM[:2], Unlike(), STEM[3]), []),  # nothing that is known
    ],
)
def test_the_cause_in_a_stem_is_told(layers: tuple[nn.Module, ...], expected: list[tuple[str, str]]) -> None:
    """Steps that are missing, too many, other ones, or in another order; also where two things are wrong."""
    assert expected == causes(layers, STEM, (3, 32, 32))


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((nn.AdaptiveMaxPool2d(1), *HEAD[1:]), [("changed", "what")]),
        ((Summed(), HEAD[2]), [("changed", "what")]),
        ((*HEAD[:2], nn.Linear(8, 5, bias=False)), [("missing", "bias")]),
        ((*HEAD, nn.ReLU()), [("extra", "activation relu")]),
        ((nn.ReLU(), *HEAD), [("extra", "activation relu")]),
        ((*HEAD, nn.Sigmoid()), [("extra", "activation sigmoid")]),
        ((*HEAD[:2], nn.Linear(8, 6), nn.Linear(6, 5)), [("extra", "linear")]),
        ((HEAD[0], nn.Conv2d(8, 5, 3, padding=1), nn.Flatten()), [("extra", "convolution"), ("missing", "linear")]),
        ((*HEAD[:2], nn.LayerNorm(8), HEAD[2]), []),
    ],
)
def test_the_cause_in_a_head_is_told(layers: tuple[nn.Module, ...], expected: list[tuple[str, str]]) -> None:
    """Of what stands behind the last block."""
    assert expected == causes(layers, HEAD, (8, 4, 4))


def test_a_part_through_which_no_gradient_can_be_taken_is_held_to_what_it_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A graph is a self-report: that torch refuses its backward pass does not break the comparison."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("one of the variables needed for gradient computation has been modified")

    monkeypatch.setattr("torch.autograd.grad", refuse)
    size = (8, 4, 4)
    part = recorded(nn.Sigmoid(), size=size)
    comparison = Comparison(part, 0, trains=True, activated=False)
    assert comparison.difference(part) is None
    assert comparison.difference(recorded(nn.Tanh(), size=size)) is not None


def test_steps_between_blocks_are_too_many() -> None:
    """Where the reference has none."""
    assert [("extra", "activation relu")] == causes((nn.ReLU(),), (nn.Identity(),), (8, 4, 4))
