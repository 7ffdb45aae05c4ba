"""What autograd itself knows of a recorded pass: a second witness, from another source."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grader.capture.recorder import Recorder

Json = Any
MOST_FUNCTIONS = 100_000  # of a backward pass
MOST = 50  # names


def compare_with_autograd(recorder: Recorder, result: Tensor, start: Any) -> dict[str, Json]:
    """Facts, each a list of at most 50:

    functions       names of autograd functions that are not PyTorch's own
    unlike_autograd keys of leaves on which autograd and the recorded graph disagree whether the result's gradient
                    reaches them

    Args:
        start: `grad_fn` of the module's input, before the call.
    """
    if recorder.output is None:
        return {}
    leaves, reaches_input, functions = reached_by_autograd(result, start)
    learnable = {key: leaf for key, leaf in recorder.leaves.items() if leaf.requires_grad and leaf.is_leaf}
    by_autograd = {key for key, leaf in learnable.items() if id(leaf) in leaves} | ({"x"} if reaches_input else set())
    unlike = by_autograd ^ recorder.nodes.reached_from(recorder.output)
    found = {"functions": sorted(set(functions)), "unlike_autograd": sorted(unlike)}
    return {name: said[:MOST] for name, said in found.items() if said}


def reached_by_autograd(result: Tensor, start: Any) -> tuple[set[int], bool, list[str]]:
    """Where the backward pass of `result` would end.

    Args:
        start: `grad_fn` of the module's input, before the call.

    Returns:
        The identities of the leaves that get a gradient, whether the input does, and the names of the functions on
        the way that are not PyTorch's own.
    """
    leaves: set[int] = set()
    reaches_input = False
    own: list[str] = []
    if result.grad_fn is None:
        return leaves, result.requires_grad and start is None, own
    seen: set[Any] = {result.grad_fn}
    todo: list[Any] = [result.grad_fn]
    while todo and len(seen) < MOST_FUNCTIONS:
        function = todo.pop()
        if function is start:
            reaches_input = True
            continue
        if hasattr(function, "variable"):
            leaves.add(id(function.variable))
        written_in = getattr(getattr(function, "_forward_cls", None), "__module__", "torch")
        if isinstance(function, torch._C._FunctionBase) and not str(written_in).startswith("torch."):
            own.append(type(function).__name__.removesuffix("Backward")[:100])
        for before, _ in function.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                todo.append(before)
    return leaves, reaches_input, own
