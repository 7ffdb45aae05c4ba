"""Call a student's function on what the judge sends, and put what it returns into plain data."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grader.worker.cells import describe
from grader.worker.outputs import weighed
from grader.worker.trained import watched

Json = Any
Tensors = dict[str, Tensor]

_DEEP, _LONG = 8, 2000  # what a returned value may have of depth and of leaves
_DIGITS = 300  # of an integer
UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)  # which do not travel


def call(namespace: dict[str, Any], arguments: Json, tensors: Tensors) -> tuple[dict[str, Json], Tensors]:
    """Call `namespace[name]`: for its value with tensors that want no gradient, and for a gradient once more.

    Args:
        arguments: `name`; `precision` ("float64" or "float32"); `positional`, each `{"plain": value}` or
            `{"drawn": key, "as": kind}`, the kind being tensor, array, list or number; `gradient`, whether that of
            drawn floating tensors is asked for; `training`, where it is watched what the call trains (see
            `grader.worker.trained.watched`).
        tensors: what was drawn, by key, and `cotangent` where a gradient is wanted.

    Returns:
        `value`, what it returned (see `_Plain`), `gradients`, the keys of those that there are, `changed`, the keys of
        drawn tensors into which it wrote, and `left`, of those in which it left a gradient; or `raised`. Where the call
        for the gradient raised, or its backward pass, `refused`. `trained`, where that was watched. The tensors of the
        value by number, gradients as `g/key`.
    """
    dtype = getattr(torch, arguments["precision"])
    torch.set_default_dtype(dtype)
    torch.default_generator.manual_seed(0)
    target, drawn = namespace[arguments["name"]], _drawn(tensors, dtype)
    try:
        with watched(arguments.get("training")) as watch:
            returned = target(*[_given(each, drawn) for each in arguments["positional"]])
    except BaseException as error:
        return {"raised": {"stage": "forward", **describe(error)}}, {}
    plain = _Plain()
    answer: dict[str, Json] = {"value": plain.of(returned)}
    if watch is not None:
        answer["trained"] = watch.told(_drawn(tensors, dtype))
    answer["left"] = [key for key, each in drawn.items() if each.is_leaf and each.grad is not None]
    answer["changed"] = [key for key, each in _drawn(tensors, dtype).items() if not torch.equal(each, drawn[key])]
    gradients: Tensors = {}
    if arguments["gradient"]:
        stage = "forward"
        try:
            drawn = _drawn(tensors, dtype)
            leaves = [key for key, each in drawn.items() if key != "cotangent" and each.is_floating_point()]
            for key in leaves:
                drawn[key].requires_grad_()
            returned = target(*[_given(each, drawn) for each in arguments["positional"]])
            stage = "backward"
            gradients = _gradients(returned, drawn, leaves)
        except BaseException as error:  # what it returned is right or wrong all the same
            answer["refused"] = {"stage": stage, **describe(error)}
    answer["gradients"] = list(gradients)
    return answer, plain.tensors | {f"g/{key}": gradient for key, gradient in gradients.items()}


def _drawn(tensors: Tensors, dtype: torch.dtype) -> Tensors:
    """Copies of what was drawn, floating ones in this precision."""
    return {key: tensor.to(dtype if tensor.is_floating_point() else None, copy=True) for key, tensor in tensors.items()}


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
    found = torch.autograd.grad(weighed(returned, cotangent), leaves, allow_unused=True)
    return {key: each for key, each in zip(wanted, found, strict=True) if each is not None}


class _Plain:
    """A value as JSON, its tensors aside. Whatever is none of ours is named by its type."""

    def __init__(self) -> None:
        self.tensors: Tensors = {}
        self._leaves = 0

    def of(self, value: object, depth: int = 0) -> dict[str, Json]:
        self._leaves += 1
        if depth > _DEEP or self._leaves > _LONG:
            return {"kind": "deep"}
        if value is None:
            return {"kind": "none"}
        if isinstance(value, Tensor):
            return self._number(value, depth)
        if type(value) is bool:
            return {"kind": "bool", "text": str(value)}
        if type(value) is int:
            return {"kind": "int", "text": str(value)} if abs(value) < 10**_DIGITS else {"kind": "long"}
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
        return self._number(value, depth)

    def _number(self, value: object, depth: int) -> dict[str, Json]:
        """Tensors, NumPy's arrays and numbers, and what other libraries call numbers."""
        try:
            if isinstance(value, Tensor):
                return self._tensor(value)
            if hasattr(value, "__array__"):
                array = np.asarray(value)
                if array.dtype.kind in "iuf":
                    plain = array.astype(np.float64 if array.dtype.kind == "f" else np.int64, copy=False)
                    return self._tensor(torch.as_tensor(array if array.dtype == np.float32 else plain))
                if array.dtype.kind == "b":
                    return self._tensor(torch.as_tensor(array))
                if array.dtype.kind == "O":
                    return self.of(array.tolist(), depth + 1)
            elif isinstance(value, numbers.Integral):
                return self.of(int(value), depth + 1)
            elif hasattr(type(value), "__float__"):
                return self.of(float(value), depth + 1)  # type: ignore[arg-type]
        except BaseException:  # it is theirs how it is converted
            pass
        return {"kind": "other", "text": type(value).__name__[:100]}

    def _tensor(self, tensor: Tensor) -> dict[str, Json]:
        if tensor.is_meta:
            return {"kind": "other", "text": "Tensor on the device meta, which holds no numbers"}
        key = str(len(self.tensors))
        plain = tensor.detach().to_dense() if tensor.layout is not torch.strided else tensor.detach()
        if plain.is_complex() or plain.is_quantized:
            return {"kind": "other", "text": str(plain.dtype)}
        self.tensors[key] = plain.to(torch.int64) if plain.dtype in UNSIGNED else plain
        return {"kind": "tensor", "text": key}
