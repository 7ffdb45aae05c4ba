"""What graders of such homework do today, each as it stands in published course material, one function each.

All of them build the student's module for a case and the reference beside it, and compare one number or one shape.
None sees the student's names, so none can set random weights: constants are what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from grader.assignment import Case
from grader.judge.reference import Reference

Peer = Callable[[Any, Reference, Case], bool]  # the student's class, the reference, one case


def _input(case: Case) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, *case.input), generator=generator, dtype=torch.float64)


def _filled(module: nn.Module, value: float) -> nn.Module:
    for parameter in module.parameters():
        nn.init.constant_(parameter, value)
    return module.eval()


def constant_weights(student: Any, reference: Reference, case: Case) -> bool:
    """Every parameter the same constant, and the sum of the output."""
    x = _input(case)
    mine = _filled(student(*case.arguments.values()), 0.05)(x).sum()
    return bool(torch.allclose(mine, _filled(reference.build(case), 0.05)(x).sum(), rtol=1e-6))


def zero_weights(student: Any, reference: Reference, case: Case) -> bool:
    """Every parameter zero: the block must be what its shortcut is."""
    x = _input(case)
    mine = _filled(student(*case.arguments.values()), 0.0)(x)
    expected = _filled(reference.build(case), 0.0)(x)
    return mine.shape == expected.shape and bool(torch.allclose(mine, expected))


def parameter_count(student: Any, reference: Reference, case: Case) -> bool:
    """As many parameters as the reference has."""
    mine = student(*case.arguments.values()).parameters()
    return sum(p.numel() for p in mine) == sum(p.numel() for p in reference.build(case).parameters())


def output_shape(student: Any, reference: Reference, case: Case) -> bool:
    """An assert on the shape of the output."""
    y = student(*case.arguments.values())(_input(case))
    return list(y.shape) == reference.output_shape(case, (2, *case.input))


PEERS: dict[str, Peer] = {
    "constant weights, sum of the output": constant_weights,
    "zero weights, identity": zero_weights,
    "number of parameters": parameter_count,
    "shape of the output": output_shape,
}
