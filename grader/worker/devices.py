"""Behind the wall there is only a CPU: `.cuda()`, `.to("cuda")` and `device="cuda"` mean the CPU here.

Autocast means nothing: it computes the same in fewer digits, and judged is what is computed.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from types import SimpleNamespace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._device import DeviceContext

ABSENT = ("cuda", "mps", "xpu")


def _on_cpu(value: object) -> object:
    if isinstance(value, torch.device) or (isinstance(value, str) and value.split(":")[0] in ABSENT):
        return torch.device("cpu") if torch.device(value).type in ABSENT else value
    return value


class CpuInstead(TorchFunctionMode):
    """Rewrites device arguments of torch functions, factories included."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if "device" in kwargs:
            kwargs["device"] = _on_cpu(kwargs["device"])
        if getattr(func, "__name__", "") == "to":
            args = tuple(_on_cpu(value) for value in args)
        return func(*args, **kwargs)


class Nothing:
    """A stream, an event, a choice of device: there is one order of things on a CPU, and nothing to wait for."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _nothing(self, *_: object, **__: object) -> None:
        pass

    record = wait = synchronize = wait_stream = wait_event = record_event = _nothing

    def query(self) -> bool:
        return True

    def elapsed_time(self, _: object) -> float:
        return 0.0


@cache
def pretend_cuda_is_cpu() -> CpuInstead:
    """Make code that was written for a GPU run unchanged, for the rest of this process.

    Returns:
        What has to be entered around such code, and around nothing else: it makes every torch function slower.
    """
    replace_gpu()
    return CpuInstead()


def replace_gpu() -> ExitStack:
    """Put the CPU in the place of what torch has of a GPU, until what is returned is closed; nobody has to."""
    replaced = ExitStack()

    def put(owner: Any, name: str, value: Any) -> None:
        if name in vars(owner):
            replaced.callback(setattr, owner, name, vars(owner)[name])
        else:
            replaced.callback(delattr, owner, name)
        setattr(owner, name, value)

    enter = DeviceContext.__init__

    def on_cpu(self: DeviceContext, device: object) -> None:
        enter(self, _on_cpu(device))

    put(DeviceContext, "__init__", on_cpu)
    cast: Any = torch.autocast.__init__

    def off(self: torch.autocast, device_type: str, dtype: Any = None, enabled: bool = True, **kwargs: Any) -> None:
        cast(self, "cpu", dtype, False)

    put(torch.autocast, "__init__", off)

    def stay(self: Any, *_: object, **__: object) -> Any:
        return self

    def to(self: nn.Module, *args: object, **kwargs: object) -> Any:
        if "device" in kwargs:
            kwargs["device"] = _on_cpu(kwargs["device"])
        return move(self, *map(_on_cpu, args), **kwargs)

    move: Any = nn.Module.to
    put(nn.Module, "to", to)
    for owner in (Tensor, nn.Module):
        put(owner, "cuda", stay)
    for name in ("synchronize", "empty_cache", "manual_seed", "manual_seed_all", "set_device", "init"):
        put(torch.cuda, name, lambda *_, **__: None)
    for name in ("memory_allocated", "max_memory_allocated", "memory_reserved", "current_device"):
        put(torch.cuda, name, lambda *_, **__: 0)
    for name in ("device", "device_of", "stream", "Stream", "Event", "current_stream", "default_stream"):
        put(torch.cuda, name, Nothing)
    put(torch.cuda, "get_device_name", lambda *_, **__: "cpu")
    put(torch.cuda, "get_device_capability", lambda *_, **__: (0, 0))
    properties: Any = SimpleNamespace(name="cpu", total_memory=0, major=0, minor=0)
    put(torch.cuda, "get_device_properties", lambda *_, **__: properties)
    return replaced
