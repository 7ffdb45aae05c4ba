"""Faults of torch that would look like a student's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class _OneSample(TorchFunctionMode):
    """Batch norm of one sample gets its numbers in the usual order.

    In torch 2.13 on a CPU its backward pass mixes up the pixels of a single sample whose channels lie behind, as those
    of a product of matrices or of an einsum do, and gives wrong gradients.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (functional.batch_norm, torch.batch_norm) and args and isinstance(args[0], Tensor):
            args = (args[0].contiguous(), *args[1:])
        return func(*args, **(kwargs or {}))


def without_faults(x: Tensor, *, gradient: bool) -> AbstractContextManager[object]:
    """What to enter around a pass for this input, with gradients or without."""
    return _OneSample() if gradient and x.dim() and len(x) == 1 else nullcontext()
