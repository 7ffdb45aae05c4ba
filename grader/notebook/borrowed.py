"""Puts a module back as it was. What a student's function returns may be a network that they train in the next cell."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


class Borrowed:
    """Notes modules and tensors before they are examined; afterwards they are as before."""

    def __init__(self) -> None:
        self._parts: list[tuple[nn.Module, dict[str, Any], dict[str, dict[str, Any]]]] = []
        self._tensors: dict[int, tuple[Tensor, Tensor, Tensor, Tensor | None]] = {}

    def note(self, module: nn.Module, dtype: torch.dtype) -> None:
        """All of a module: modes, attributes, parameters, buffers, gradients.

        Args:
            dtype: what it is converted to. The conversion leaves memory of any other as it is; only memory of this one
                is written to, and has to be copied.
        """
        for part in module.modules():
            held = {name: dict(getattr(part, name)) for name in ("_parameters", "_buffers", "_modules")}
            self._parts.append((part, dict(vars(part)), held))
            self.note_tensors(vars(part).values(), dtype)
            for tensors in held.values():
                self.note_tensors(tensors.values(), dtype)

    def note_tensors(self, values: Iterable[object], dtype: torch.dtype | None = None) -> None:
        """Those of these values that are tensors, and their gradients, which are converted like them.

        Args:
            dtype: see `note`; None: they are written to as they are.
        """
        for tensor in values:
            if isinstance(tensor, Tensor) and id(tensor) not in self._tensors and not is_lazy(tensor):
                data, gradient = tensor.detach(), tensor.grad if tensor.is_leaf else None
                stays = dtype is not None and tensor.is_floating_point() and tensor.dtype != dtype
                self.note_tensors([gradient], dtype)  # before it: it must fit when it is put back
                self._tensors[id(tensor)] = (tensor, data, data if stays else data.clone(), gradient)

    def give_back(self) -> None:
        """Put everything back."""
        for tensor, data, copy, gradient in self._tensors.values():
            with torch.no_grad():
                if copy is not data:
                    data.data.copy_(copy)  # `.data`: a graph that the student still holds does not hear of it
                tensor.data = data.data
            if tensor.is_leaf:
                tensor.grad = gradient
        for part, attributes, held in reversed(self._parts):
            vars(part).clear()
            vars(part).update(attributes)
            for name, contents in held.items():
                holder = getattr(part, name)
                holder.clear()
                holder.update(contents)
        self._tensors.clear()
        self._parts.clear()


class Lent:
    """A student's class or function; what it makes is noted before anybody else sees it."""

    def __init__(self, target: Any, borrowed: Borrowed, dtype: torch.dtype) -> None:
        self._target, self._borrowed, self._dtype = target, borrowed, dtype

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made = self._target(*args, **kwargs)
        if isinstance(made, nn.Module):
            with contextlib.suppress(Exception):  # one that is half made is judged as it is
                self._borrowed.note(made, self._dtype)
        return made

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)
