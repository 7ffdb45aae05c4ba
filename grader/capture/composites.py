"""Functions of torch that refuse their operands before any operation runs, so that the recorder never sees one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

# The operation that each stands for, and its operands in that operation's order.
COMPOSITES: dict[Callable[..., Any], tuple[str, tuple[str, ...]]] = {
    F.batch_norm: ("aten.native_batch_norm.default", ("input", "weight", "bias", "running_mean", "running_var")),
    F.group_norm: ("aten.native_group_norm.default", ("input", "weight", "bias")),
    F.layer_norm: ("aten.native_layer_norm.default", ("input", "weight", "bias")),
}


class Composites(TorchFunctionMode):
    """While it is active, tells `note` which of these functions raised: the error, the operation and its operands."""

    def __init__(self, note: Callable[[BaseException, str, list[Tensor]], None]) -> None:
        super().__init__()
        self._note = note

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        try:
            return func(*args, **kwargs)
        except Exception as error:
            if func in COMPOSITES:
                op, names = COMPOSITES[func]
                given = inspect.signature(func).bind(*args, **kwargs).arguments
                self._note(error, op, [given[name] for name in names if isinstance(given.get(name), Tensor)])
            raise
