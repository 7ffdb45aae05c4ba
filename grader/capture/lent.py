"""Memory that code reads or writes behind torch's back: as a numpy array, as a list, by its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

# Methods of a tensor that hand its memory to something which is not torch; no operation is dispatched for them.
LENDERS = ("numpy", "data_ptr", "__array__", "__dlpack__")
# Methods that copy its numbers, likewise.
COPIERS = ("tolist", "__repr__")


@contextmanager
def lending_is_noticed(notice: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Inside, `notice` gets the name of the method and the tensor, before the method runs as always."""

    def noticing(name: str) -> Callable[..., Any]:
        method = getattr(Tensor, name)

        def call(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            notice(name, tensor)
            return method(tensor, *args, **kwargs)

        return call

    own = {name: vars(Tensor)[name] for name in (*LENDERS, *COPIERS) if name in vars(Tensor)}
    try:
        for name in (*LENDERS, *COPIERS):
            setattr(Tensor, name, noticing(name))
        yield
    finally:
        for name in (*LENDERS, *COPIERS):
            if name in own:
                setattr(Tensor, name, own[name])
            else:
                delattr(Tensor, name)


class Lent:
    """Values that were lent out, to tell whether they were changed meanwhile."""

    def __init__(self) -> None:
        self._values: dict[object, tuple[Tensor, Tensor]] = {}

    def remember(self, memory: object, tensor: Tensor) -> None:
        """What a tensor holds now is all right."""
        self._values[memory] = (tensor, tensor.detach().clone())

    def refresh(self, memory: object) -> None:
        """torch itself wrote into this memory."""
        if memory in self._values:
            self.remember(memory, self._values[memory][0])

    def changed(self, memory: object) -> bool:
        """Was it written to by something other than torch since?"""
        if memory not in self._values:
            return False
        tensor, before = self._values[memory]
        return not torch.equal(tensor, before)
