"""The head of a network is the student's choice, dropout in front of its linear layers included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional as F
from torch import Tensor


@contextmanager
def without_dropout_on_vectors() -> Iterator[None]:
    """Leave out dropout on N × C, or N × C × 1 × 1, as there is in heads alone: residual blocks work on maps.

    For training mode. In evaluation mode dropout must do nothing by itself, and where it does something that must show.
    """
    dropout = F.dropout

    def on_maps(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        is_vector = input.dim() == 2 or (input.dim() == 4 and input.shape[2:].numel() == 1)
        return input if is_vector else dropout(input, *args, **kwargs)

    F.dropout = on_maps
    try:
        yield
    finally:
        F.dropout = dropout
