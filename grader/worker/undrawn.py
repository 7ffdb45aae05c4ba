"""A large network of which nothing but its sizes is asked: to draw its weights would take most of the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from grader.worker.chance import seed_all
from grader.worker.constructors import constructor, given
from grader.worker.outputs import describe_output
from grader.worker.registered import registered

Json = Any
DRAWING = frozenset({Tensor.uniform_, Tensor.normal_})  # what most ways to initialise a weight end in


class _Undrawn(TorchFunctionMode):
    """Leaves weights as their memory is.

    Some functions of `torch.nn.init` are handed over as a whole, and this mode is off within what it calls.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in DRAWING or getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def sizes(namespace: dict[str, Any], arguments: Json, x: Tensor) -> dict[str, Json] | None:
    """The `tensors` and the `output` of a module as `grader.worker.modules.build` tells them. None where something
    raises: its code may look at the values of its weights."""
    torch.set_default_dtype(torch.float32)
    seed_all(0)
    try:
        positional, named = given(namespace, arguments)
        with _Undrawn(), torch.no_grad():
            module = constructor(namespace, arguments["name"])(*positional, **named)
            if not isinstance(module, nn.Module):
                return None
            result = module.eval()(x.float())
    except BaseException:
        return None
    return {"tensors": registered(module, brief=True)[0], "output": describe_output(result)}
