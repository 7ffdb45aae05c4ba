"""What came back from a student's module, as plain data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grader.capture.several import shapes_of_several

Json = Any


def is_dense(result: object) -> bool:
    """An ordinary tensor: not sparse, nested, quantized, or without memory."""
    return (
        isinstance(result, Tensor)
        and result.layout == torch.strided
        and not (result.is_nested or result.is_quantized or result.is_meta)
    )


def weighed(result: Tensor, cotangent: Tensor) -> Tensor:
    """A number whose gradient in a result is this cotangent.

    Given the cotangent itself, torch would import sympy, which takes longer than all else that warms a process up.
    """
    product = result * cotangent.to(result.dtype).conj()
    return product.real.sum() if product.is_complex() else product.sum()


def describe_output(result: object) -> dict[str, Json]:
    if isinstance(result, Tensor):
        dtype = str(result.dtype).removeprefix("torch.")
        kind = "tensor" if is_dense(result) else f"tensor that is not dense ({result.layout})"
        shape = list(result.shape) if kind == "tensor" else None
        return {"kind": kind, "shape": shape, "dtype": dtype, "several": shapes_of_several(result)}
    if isinstance(result, tuple | list):
        return {"kind": type(result).__name__[:100], "length": len(result)}
    return {"kind": type(result).__name__[:100]}
