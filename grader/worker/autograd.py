"""Where a backward pass ends, as autograd itself has it."""

from __future__ import annotations

from typing import Any

from torch import Tensor

MOST_FUNCTIONS = 100_000  # of a backward pass


def reached_by_autograd(result: Tensor, start: Any) -> tuple[set[int], bool]:
    """Where the backward pass of `result` would end.

    Args:
        start: `grad_fn` of the module's input, before the call.

    Returns:
        The identities of the leaves that get a gradient, and whether the input does.
    """
    leaves: set[int] = set()
    reaches_input = False
    if result.grad_fn is None:
        return leaves, result.requires_grad and start is None
    seen: set[Any] = {result.grad_fn}
    todo: list[Any] = [result.grad_fn]
    while todo and len(seen) < MOST_FUNCTIONS:
        function = todo.pop()
        if function is start:
            reaches_input = True
            continue
        if hasattr(function, "variable"):
            leaves.add(id(function.variable))
        for before, _ in function.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                todo.append(before)
    return leaves, reaches_input
