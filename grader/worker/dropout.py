"""Dropout that is a network's own choice is left out of its passes in training mode, which can then be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from torch import _VF, Tensor

Free = Literal["", "head", "network"]  # where dropout is free: nowhere, in front of linear layers, or anywhere

# What all functions and layers call. Those with an underscore write in place.
OPERATIONS = [
    name + in_place for name in ("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
    for in_place in ("", "_")
]  # fmt: skip


@contextmanager
def without_dropout(free: Free) -> Iterator[None]:
    """Leave out dropout where it is free. In a head it works on N × C, or N × C × 1 × 1: residual blocks work on maps.

    For training mode. In evaluation mode dropout must do nothing by itself, and where it does something that must show.
    """
    kept = {name: getattr(_VF, name) for name in OPERATIONS}
    for name, dropout in kept.items():
        setattr(_VF, name, _left_out(dropout, free))
    try:
        yield
    finally:
        for name, dropout in kept.items():
            setattr(_VF, name, dropout)


def _left_out(dropout: Callable[..., Tensor], free: Free) -> Callable[..., Tensor]:
    def unless_free(input: Tensor, *args: Any) -> Tensor:
        is_vector = input.dim() == 2 or (input.dim() == 4 and input.shape[2:].numel() == 1)
        return input if is_vector or free == "network" else dropout(input, *args)

    return unless_free
