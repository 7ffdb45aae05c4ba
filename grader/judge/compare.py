"""When two tensors are equal. Everything is judged in float64."""

from __future__ import annotations

from torch import Tensor

from grader.observation import Precision

TOLERANCE: dict[Precision, float] = {"float64": 1e-9, "float32": 1e-4}


def difference(actual: Tensor | None, expected: Tensor) -> float:
    """The largest difference, relative to the largest expected value (or to 1, if that is more).

    A missing tensor counts as zeros, which is what autograd means by no gradient; another number of elements, or a
    value that is not finite, is infinitely far away.
    """
    if actual is None:
        actual = expected.new_zeros(expected.shape)
    if actual.numel() != expected.numel():
        return float("inf")
    if not expected.numel():
        return 0.0
    largest = (actual.to(expected.dtype).reshape(expected.shape) - expected).abs().max().item()
    if largest != largest:
        return float("inf")
    return largest / max(1.0, expected.abs().max().item())


def equal(actual: Tensor | None, expected: Tensor, precision: Precision = "float64") -> bool:
    """Are they the same, but for rounding?"""
    return difference(actual, expected) <= TOLERANCE[precision]
