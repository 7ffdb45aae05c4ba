"""Call a student's function on what the judge sends, and put what it returns into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from grader.worker.cells import describe

Json = Any
Tensors = dict[str, Tensor]

_DEEP, _LONG = 8, 2000  # what a returned value may have of depth and of leaves
_DIGITS = 300  # of an integer


def call(namespace: dict[str, Any], arguments: Json, tensors: Tensors) -> tuple[dict[str, Json], Tensors]:
    """Call `namespace[name]` once.

    Args:
        arguments: `name`; `precision` ("float64" or "float32"); `positional`, each `{"plain": value}` or
            `{"drawn": key, "as": kind}`, the kind being tensor, array, list or number; `gradient`, whether drawn
            floating tensors want theirs.
        tensors: what was drawn, by key, and `cotangent` where a gradient is wanted.

    Returns:
        `value`, what it returned (see `_Plain`), `gradients`, the keys of those that there are, and `changed`, the keys
        of drawn tensors into which it wrote; or `raised`. Where the backward pass raised, `refused`. The tensors of the
        value by number, gradients as `g/key`.
    """
    dtype = getattr(torch, arguments["precision"])
    torch.set_default_dtype(dtype)
    torch.default_generator.manual_seed(0)
    drawn = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    wanted = [key for key, tensor in drawn.items() if key != "cotangent" and tensor.is_floating_point()]
    if arguments["gradient"]:
        for key in wanted:
            drawn[key].requires_grad_()
    try:
        given = [_given(each, drawn) for each in arguments["positional"]]
        returned = namespace[arguments["name"]](*given)
        plain = _Plain()
        value = plain.of(returned)
    except BaseException as error:
        return {"raised": {"stage": "forward", **describe(error)}}, {}
    answer: dict[str, Json] = {"value": value}
    gradients: Tensors = {}
    try:
        if arguments["gradient"]:
            gradients = _gradients(returned, drawn, wanted)
    except BaseException as error:  # what it returned is right or wrong all the same
        answer["refused"] = {"stage": "backward", **describe(error)}
    changed = [key for key, tensor in tensors.items() if not torch.equal(tensor.to(drawn[key].dtype), drawn[key])]
    answer |= {"gradients": list(gradients), "changed": changed}
    return answer, plain.tensors | {f"g/{key}": gradient for key, gradient in gradients.items()}


def _given(spec: Json, drawn: Tensors) -> Any:
    if "plain" in spec:
        return spec["plain"]
    tensor = drawn[spec["drawn"]]
    match spec["as"]:
        case "tensor":
            return tensor * 1 if tensor.requires_grad else tensor  # no leaf: students may write to it in place
        case "array":
            return tensor.detach().numpy()
        case "list":
            return tensor.tolist()
        case _:
            return tensor.item()


def _gradients(returned: object, drawn: Tensors, wanted: list[str]) -> Tensors:
    if not isinstance(returned, Tensor) or not returned.requires_grad or not wanted:
        return {}
    cotangent = drawn["cotangent"]
    if cotangent.shape != returned.shape:
        return {}
    leaves = [drawn[key] for key in wanted]
    found = torch.autograd.grad(returned, leaves, cotangent.to(returned.dtype), allow_unused=True)
    return {key: each for key, each in zip(wanted, found, strict=True) if each is not None}


class _Plain:
    """A value as JSON, its tensors aside. Whatever is none of ours is named by its type."""

    def __init__(self) -> None:
        self.tensors: Tensors = {}
        self._leaves = 0

    def of(self, value: object, depth: int = 0) -> dict[str, Json]:
        self._leaves += 1
        if depth > _DEEP or self._leaves > _LONG:
            return {"kind": "other", "text": "more than can be compared"}
        if value is None:
            return {"kind": "none"}
        if isinstance(value, Tensor) and not value.is_complex():
            return self._tensor(value)
        if type(value) is bool:
            return {"kind": "bool", "text": str(value)}
        if type(value) is int and abs(value) < 10**_DIGITS:
            return {"kind": "int", "text": str(value)}
        if type(value) is float:
            return {"kind": "float", "text": repr(value)}
        if type(value) is Fraction or type(value) is Decimal:
            return {"kind": "float", "text": repr(float(value))}
        if type(value) is str:
            return {"kind": "str", "text": value[:2000]}
        if isinstance(value, list | tuple):
            return {"kind": "list", "items": [self.of(each, depth + 1) for each in value]}
        if isinstance(value, Mapping):
            items = [[self.of(key, depth + 1), self.of(each, depth + 1)] for key, each in value.items()]
            return {"kind": "dict", "items": [part for pair in items for part in pair]}
        if hasattr(value, "__array__"):  # NumPy's arrays and numbers
            return self._tensor(torch.as_tensor(value))
        return {"kind": "other", "text": type(value).__name__[:100]}

    def _tensor(self, tensor: Tensor) -> dict[str, Json]:
        key = str(len(self.tensors))
        self.tensors[key] = tensor.detach().to_dense() if tensor.layout is not torch.strided else tensor.detach()
        return {"kind": "tensor", "text": key}
