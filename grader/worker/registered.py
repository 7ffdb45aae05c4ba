"""What a module has registered: its parameters and buffers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from grader.capture import initial_value

Json = Any


def registered(module: nn.Module, *, brief: bool) -> tuple[list[Json], dict[str, Tensor]]:
    """Parameters and buffers as plain data, shared tensors once, and those of them that can be set, by key.

    Args:
        brief: is it left out what they start with?
    """
    found = []
    leaves = {}
    for kind, prefix, named in (
        ("parameter", "p:", module.named_parameters()),
        ("buffer", "b:", module.named_buffers()),
    ):
        for name, tensor in named:
            if is_lazy(tensor):
                continue  # of a layer that was never used: it has no shape
            if tensor.is_floating_point():
                leaves[prefix + name] = tensor
            found.append(
                {
                    "key": prefix + name,
                    "kind": kind,
                    "shape": list(tensor.shape),
                    "learnable": tensor.requires_grad,
                    "initial": "other" if brief else initial_value(tensor),
                    "floating": tensor.is_floating_point(),
                }
            )
    return found, leaves
