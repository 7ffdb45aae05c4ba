"""The numbers of a recorded graph that nobody sets: so that it can be run again where the module is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

Json = Any
MOST_NUMBERS = 1 << 16  # in all constants of a graph together: they travel as text
STATISTICS = slice(3, 5)  # arguments of a batch norm, which the judge sets


def say_constants(graph: Json, leaves: Mapping[str, Tensor], dtype: torch.dtype) -> None:
    """Write into the leaves of a graph what numbers they hold, where these are no parameters to be learned: a kernel
    that is kept as a buffer, a weight that was frozen. Left out is what is not finite, and what is too much.

    Args:
        leaves: the tensors by their keys, as the module keeps them.
        dtype: of all that is made as the task is: constants that were made before are said to be of another one.
    """
    statistics = {argument["v"] for node in graph["nodes"] for argument in _statistics(node)}
    room = MOST_NUMBERS
    for node in graph["nodes"]:
        leaf = node.get("leaf")
        if leaf is None or leaf["kind"] == "input" or leaf["learnable"] or node["id"] in statistics:
            continue
        tensor = leaves[leaf["key"]]
        if 1 < tensor.numel() <= room and not tensor.is_complex() and bool(tensor.isfinite().all()):
            room -= tensor.numel()
            leaf["values"] = tensor.detach().double().reshape(-1).tolist()
            if tensor.dtype != dtype:
                leaf["dtype"] = str(tensor.dtype).removeprefix("torch.")


def _statistics(node: Json) -> list[Json]:
    """The running statistics that an operation reads, if it is a batch norm that has any."""
    if not node["op"].startswith("aten.native_batch_norm"):
        return []
    return [argument for argument in node["args"][STATISTICS] if argument is not None]
