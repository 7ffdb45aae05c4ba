"""A student's module under examination: what can be set in it, and put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from grader.worker.dropout import Free

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Setting:
    """What to set the leaves of a module to."""

    leaves: list[Tensor]
    values: list[Tensor]


@dataclass
class Subject:
    """A module under examination."""

    module: nn.Module
    dtype: torch.dtype
    free_dropout: Free = ""  # where it may have dropout, as a network may
    leaves: Tensors = field(default_factory=dict)  # what can be set, by key (see grader.graph.Leaf)
    start: Tensors = field(default_factory=dict)  # their values after construction
    reads_itself: bool = False  # does Python read numbers that do not depend on the input, as those of a counter?
    anew: Callable[[], nn.Module] | None = None  # makes another one like it, of the same arguments
    _owners: list[tuple[MutableMapping[str, Any], dict[str, Any]]] = field(default_factory=list)

    def remember(self) -> None:
        """Note which tensors the module holds, and where: hand-written batch norms replace theirs."""
        self._owners = []
        for part in self.module.modules():
            for holder in (part._parameters, part._buffers, part.__dict__):
                held = {name: value for name, value in holder.items() if isinstance(value, Tensor)}
                if held and isinstance(holder, dict):  # TorchScript keeps its own where nobody can replace them
                    self._owners.append((holder, held))

    def setting(self, values: Mapping[str, Tensor] = MappingProxyType({})) -> Setting:
        """The values after construction, or others for some keys."""
        # Others last: leaves may share memory with each other.
        wanted = {**{key: value for key, value in self.start.items() if key not in values}, **values}
        return Setting([self.leaves[key] for key in wanted], list(wanted.values()))

    def restore(self, setting: Setting | None = None) -> None:
        """Back to the tensors after construction, and to their values, or to those of a setting."""
        for holder, held in self._owners:
            for name, value in held.items():
                holder[name] = value  # no `update`: what holds the parameters of a scripted module has none
        setting = self.setting() if setting is None else setting
        if setting.leaves:
            with torch.no_grad():
                torch._foreach_copy_(setting.leaves, setting.values)


def set_mode(module: nn.Module, *, train: bool) -> None:
    """`train()` or `eval()`, without setting anew what is set: of a pass it would be a tenth of the time."""
    todo, seen = [module], set()
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if _switches_as_usual(part):
            if part.training is not train:
                part.__dict__["training"] = train  # as `train` does, without asking whether it is a parameter
            todo.extend(inner for inner in part._modules.values() if inner is not None)
        elif train:
            part.train()  # some keep a part in one mode
        else:
            part.eval()


def _switches_as_usual(part: nn.Module) -> bool:
    """Are `train` and `eval` those of every module, and is its mode kept as in every module?"""
    kind = type(part)
    of_torch = kind.train is nn.Module.train and kind.eval is nn.Module.eval
    plain = kind.__setattr__ is nn.Module.__setattr__ and not hasattr(kind, "training") and "training" in part.__dict__
    return of_torch and plain and not {"train", "eval"} & part.__dict__.keys()
