"""What is wrong with a stem or a head is told where the reference's, with just that, does the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from grader.capture import record
from grader.graph import Graph
from grader.judge.trunk import Comparison
from grader.judge.trunk_causes import Cause

CONVOLUTION = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
STEM = (CONVOLUTION, nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
HEAD = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


def recorded(*layers: nn.Module, size: tuple[int, ...]) -> Graph:
    """What these layers compute in evaluation mode."""
    graph = record(nn.Sequential(*layers).double().eval(), torch.zeros(2, *size, dtype=torch.float64)).graph
    return Graph.model_validate(graph)


def cause(layers: tuple[nn.Module, ...], model: tuple[nn.Module, ...], size: tuple[int, ...]) -> Cause | None:
    comparison = Comparison(recorded(*layers, size=size), 0, trains=True, behind_block=False)
    assert (comparison.difference(recorded(*model, size=size)) is None) == (layers == model)
    return comparison.cause(recorded(*model, size=size)) if layers != model else None


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (STEM, None),
        ((*STEM[:2], STEM[3]), Cause("missing", "ReLU")),
        ((STEM[0], *STEM[2:]), Cause("missing", "batch norm")),
        (STEM[:3], Cause("missing", "max pooling")),
        ((*STEM[:3], nn.MaxPool2d(3, 2)), Cause("padding", "max pooling")),
        ((*STEM[:3], nn.MaxPool2d(3, 2, ceil_mode=True)), Cause("padding", "max pooling")),
        ((nn.BatchNorm2d(3), *STEM), Cause("extra", "batch norm")),
        ((nn.ReLU(), *STEM), Cause("extra", "ReLU")),
        ((*STEM, nn.BatchNorm2d(8), nn.ReLU()), Cause("extra", "batch norm")),
        ((*STEM[:2], nn.GELU(), STEM[3]), None),  # nothing that is known
        ((nn.Conv2d(3, 8, 3, padding=1, bias=False), *STEM[1:3]), None),
    ],
)
def test_the_cause_in_a_stem_is_told(layers: tuple[nn.Module, ...], expected: Cause | None) -> None:
    """One step that is missing, too many or another one; where two things are wrong, none is named."""
    assert expected == cause(layers, STEM, (3, 32, 32))


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((nn.AdaptiveMaxPool2d(1), *HEAD[1:]), Cause("max", "average pooling")),
        ((*HEAD[:2], nn.Linear(8, 5, bias=False)), Cause("bias")),
        ((*HEAD, nn.ReLU()), Cause("extra", "ReLU")),
        ((nn.ReLU(), *HEAD), Cause("extra", "ReLU")),
        ((*HEAD, nn.Sigmoid()), None),
        ((*HEAD[:2], nn.Linear(8, 6), nn.Linear(6, 5)), None),
    ],
)
def test_the_cause_in_a_head_is_told(layers: tuple[nn.Module, ...], expected: Cause | None) -> None:
    """Of what stands behind the last block."""
    assert expected == cause(layers, HEAD, (8, 4, 4))


def test_steps_between_blocks_are_too_many() -> None:
    """Where the reference has none."""
    assert Cause("extra", "ReLU") == cause((nn.ReLU(),), (nn.Identity(),), (8, 4, 4))
