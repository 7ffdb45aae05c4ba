"""What a constructor does with the layers that it makes: those it overwrites, and those it keeps nowhere."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from torch import nn
from torch.nn.modules import module as registration

from grader.capture.places import Place, Places

Json = Any
MOST = 50


@dataclass
class Made:
    """A layer with parameters of its own, as long as it lives, and what is said of it."""

    layer: Any  # a weak reference: it must go when nothing else keeps it
    said: dict[str, Json]
    parameters: list[Any] = field(default_factory=list)
    replaced: bool = False  # was another one assigned to its attribute?
    owners: list[Any] = field(default_factory=list)  # weak references to what it was an attribute of, or part of one

    @property
    def was_taken_away(self) -> bool:
        """Was it assigned to an attribute of something that is still there? Then somebody deleted it."""
        return any(owner() is not None for owner in self.owners)

    @property
    def is_gone(self) -> bool:
        return self.layer() is None and all(parameter() is None for parameter in self.parameters)


class Construction:
    """Sees every layer and parameter that is registered, and keeps none of them alive."""

    def __init__(self, place_of: Callable[[Any], Place]) -> None:
        self._places = Places({}, place_of)
        self._made: list[Made] = []
        self._latest: dict[int, Made] = {}  # by the layer's address, which another may get when it is gone
        self._overwritten: list[Made] = []
        self._assigned: dict[tuple[int, str], CodeType | None] = {}  # in which function, by the owner's address

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside, constructors are watched."""
        hooks = (
            registration.register_module_module_registration_hook(self._on_layer),
            registration.register_module_parameter_registration_hook(self._on_parameter),
        )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _on_parameter(self, owner: nn.Module, name: str, parameter: Any) -> None:
        made = self._latest.get(id(owner))
        if made is None or made.layer() is not owner:
            made = Made(weakref.ref(owner), {"type": type(owner).__name__[:100], **self._places.here()})
            self._made.append(made)
            self._latest[id(owner)] = made
        if parameter is not None:
            made.parameters.append(weakref.ref(parameter))

    def _on_layer(self, owner: nn.Module, name: str, layer: Any) -> None:
        for made in self._made_of(layer):
            made.owners.append(weakref.ref(owner))
        old, code = owner._modules.get(name), self._places.code()
        before = self._assigned.get((id(owner), name)) if old is not None else None
        self._assigned[id(owner), name] = code
        if old is None or old is layer or next(old.parameters(), None) is None:
            return
        # Another function that replaces a layer means to: that of a derived class, or one that gets a network.
        if code is before:
            said = {"attribute": name[:200], "type": type(old).__name__[:100], **self._places.here()}
            self._overwritten.append(Made(weakref.ref(old), said))
        for made in self._made_of(old):
            made.replaced = True

    def _copied(self, module: nn.Module) -> set[str]:
        """The types of layers that came into a module without being made: `copy.deepcopy` registers nothing."""
        made = {id(layer) for layer in (made.layer() for made in self._made) if layer is not None}
        parts = (part for part in _parts_of(module) if part._parameters and id(part) not in made)
        return {type(part).__name__[:100] for part in parts}

    def _made_of(self, layer: Any) -> Iterator[Made]:
        """What a layer is made of, as far as it has parameters. Another one may have been at its address before."""
        for part in _parts_of(layer):
            made = self._latest.get(id(part))
            if made is not None and made.layer() is part:
                yield made

    def facts(self, module: nn.Module) -> dict[str, Json]:
        """Once the constructor has returned a module, of layers that are gone:

        overwritten  another layer was assigned to the same `attribute`, by the same function
        dropped      they were made and not kept; not those that were assigned, and deleted again, nor those of which
                     the module has copies, as `nn.Transformer` makes them of its layers
        """
        copied = self._copied(module)
        found = {
            "overwritten": [made.said for made in self._overwritten if made.is_gone],
            "dropped": [made.said for made in self._made if _is_dropped(made) and made.said["type"] not in copied],
        }
        return {name: said[:MOST] for name, said in found.items() if said}


def _parts_of(layer: Any) -> Iterator[nn.Module]:
    """A layer and all that is in it. Not `layer.modules()`: students have methods of that name, with arguments."""
    todo, seen = [layer], set()
    while todo:
        part = todo.pop()
        if not isinstance(part, nn.Module) or id(part) in seen:
            continue
        seen.add(id(part))
        todo += part._modules.values()
        yield part


def _is_dropped(made: Made) -> bool:
    return made.is_gone and not made.replaced and not made.was_taken_away
