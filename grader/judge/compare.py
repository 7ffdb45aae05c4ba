"""When two tensors are equal. Everything is judged in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from grader.judge.slots import Slot
from grader.observation import Precision

FLOAT32_GRADIENTS = 0.02
MOST_JOINED = 1 << 15  # numbers: joining more takes longer than comparing them one by one
TOLERANCE: dict[Precision, float] = {"float64": 1e-9, "float32": 1e-4}


class Difference(NamedTuple):
    """What differs, and by how much; of gradients that of which slot, or None: of the input."""

    what: Literal["outcome", "shape", "output", "gradient"]
    size: float
    slot: Slot | None = None


def difference(actual: Tensor | None, expected: Tensor) -> float:
    """The largest difference, relative to the largest expected value (or to 1, if that is more).

    A missing tensor counts as zeros, which is what autograd means by no gradient. Another number of elements is
    infinitely far away, and so is a value that is not finite, unless the same is expected in that place.
    """
    if actual is None:
        actual = expected.new_zeros(expected.shape)
    if actual.numel() != expected.numel():
        return float("inf")
    if not expected.numel():
        return 0.0
    actual = actual.to(expected.dtype).reshape(expected.shape)
    largest = (actual - expected).abs().max().item()
    size = expected.abs().max().item()
    if math.isfinite(largest) and math.isfinite(size):
        return largest / max(1.0, size)
    finite = expected.isfinite()
    if not torch.equal(actual.isfinite(), finite) or not torch.equal(
        actual[~finite].isnan(), expected[~finite].isnan()
    ):
        return float("inf")
    return difference(actual[finite], expected[finite])


def equal(actual: Tensor | None, expected: Tensor, precision: Precision = "float64") -> bool:
    """Are they the same, but for rounding?"""
    alike = actual is not None and actual.dtype == expected.dtype and torch.equal(actual, expected)
    return alike or difference(actual, expected) <= TOLERANCE[precision]


def equal_gradients(actual: Tensor | None, expected: Tensor, precision: Precision) -> bool:
    """The same for gradients.

    In float32 a value next to a ReLU's kink can fall on either side, and the gradient jumps there: what counts is
    the difference as a whole. A missing path is of the size of the gradient itself.
    """
    if precision == "float64":
        return equal(actual, expected, precision)
    if actual is None:
        actual = expected.new_zeros(expected.shape)
    if actual.numel() != expected.numel():
        return False
    apart = float((actual.to(expected.dtype).reshape(expected.shape) - expected).norm())
    return apart <= FLOAT32_GRADIENTS * max(1.0, float(expected.norm()))


def all_gradients_equal_at_once(actual: Sequence[Tensor], expected: Sequence[Tensor], precision: Precision) -> bool:
    """A quick yes for many small gradients; a no says nothing.

    Joined they are held to the tolerance as it is, not relative to their size: then each is as close by itself.
    """
    sizes = [each.numel() for each in expected]
    if sum(sizes) > MOST_JOINED or sizes != [each.numel() for each in actual]:
        return False
    if not sizes:
        return True  # of a block without parameters whose input needs none
    found, wanted = (torch.cat([each.reshape(-1) for each in side]) for side in (actual, expected))
    if found.dtype == wanted.dtype and torch.equal(found, wanted):
        return True
    apart = found.to(wanted.dtype) - wanted
    if precision == "float64":
        return apart.abs().max().item() <= TOLERANCE[precision]
    return float(apart.norm()) <= FLOAT32_GRADIENTS
