"""When two tensors are equal. Everything is judged in float64."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from grader.observation import Precision

FLOAT32_GRADIENTS = 0.02
TOLERANCE: dict[Precision, float] = {"float64": 1e-9, "float32": 1e-4}


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
    return difference(actual, expected) <= TOLERANCE[precision]


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
