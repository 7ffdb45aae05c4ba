"""What code that counts its calls would change: numbers, lengths and states of what Python objects hold.

They are looked for wherever a student's code can keep them: in attributes of the module, of its parts and of classes,
in the notebook's names, in what functions close over, in their defaults and attributes, in hooks, in objects of the
student's own classes, in iterators, caches, and generators of random numbers that are not the global ones.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count, cycle
from random import Random
from types import FunctionType, GeneratorType, MethodType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from grader.worker.subject import Subject

Found = dict[tuple[int, str], object]

MOST_ITEMS = 20  # of a collection that are looked at; of longer ones the length
MOST_OBJECTS = 5000
# What every module has, and what is looked at for itself: parts, parameters, and the mode.
KNOWN = frozenset(["training", "_modules", "_parameters", "_buffers"])
COUNTING = (int, float, list, dict, set)
FUNCTIONS = (FunctionType, MethodType, partial, property, cached_property, staticmethod, classmethod)
_COLLECTIONS: tuple[Iterable[object], ...] = ((), [], "", range(0), {}, {}.items(), {}.values())
ITERATORS: tuple[type, ...] = (count, cycle, *(type(iter(collection)) for collection in _COLLECTIONS))


@dataclass(frozen=True)
class Drawn:
    """How far a generator of random numbers is."""

    generator: str
    state: object


class _Cache(Protocol):
    """A function behind `functools.lru_cache`."""

    __wrapped__: object

    def cache_info(self) -> tuple[object, ...]:
        """Hits, misses, and sizes."""


def counters(subject: Subject, namespace: Mapping[str, object]) -> Found:
    """All that is found, by the id of what holds it and its name there."""
    search = _Search(namespace)
    for part in subject.module.modules():
        search.add(part.__dict__)
        if search.is_students(type(part)):
            search.add(part._buffers)  # in torch's own layers they count batches
            search.add(type(part).__dict__, type(part))
        elif numbers := _numbers_of(type(part)):
            search.add(numbers, type(part))
    return search.run()


_held: WeakKeyDictionary[type, tuple[tuple[object, ...], dict[str, object]]] = WeakKeyDictionary()


def _numbers_of(layer: type) -> dict[str, object]:
    """What of a class that is not a student's may count. Those of torch's have many methods, and are looked through
    again only if something of them was replaced, or added."""
    held = tuple(layer.__dict__.values())
    known, numbers = _held.get(layer, ((), {}))
    if len(known) != len(held) or not all(map(operator.is_, known, held)):
        numbers = {name: each for name, each in layer.__dict__.items() if isinstance(each, COUNTING)}
        _held[layer] = (held, numbers)
    return numbers


class _Search:
    """What is looked through, one mapping of names after the other."""

    def __init__(self, namespace: Mapping[str, object]) -> None:
        self._namespace = namespace
        self._found: Found = {}
        self._todo: list[tuple[int, Mapping[Any, object]]] = []
        self._seen: set[int] = set()
        self._alive: list[object] = []  # so that their ids stay their own
        self.add(namespace)

    def is_students(self, kind: type) -> bool:
        """Is it a class of the notebook's?"""
        return kind.__module__ == self._namespace.get("__name__")

    def add(self, names: Mapping[Any, object], holder: object = None) -> None:
        """Have these names looked through, if they were not."""
        holder = names if holder is None else holder
        if id(holder) not in self._seen and len(self._seen) < MOST_OBJECTS:
            self._seen.add(id(holder))
            self._alive.append(holder)
            self._todo.append((id(holder), names))

    def run(self) -> Found:
        """Look through all, and through what is found there."""
        while self._todo:
            holder, names = self._todo.pop()
            for name, value in list(names.items()):
                if value is None or (type(name) is str and name in KNOWN):
                    continue
                try:
                    number = self._look_at(str(name), value)
                except Exception:  # code of the student's: a length of its own, or attributes
                    continue
                if number is not None:
                    self._found[holder, str(name)] = number
        return self._found

    def _look_at(self, name: str, value: Any) -> object:
        """What of it would change by counting, or None; what else it holds is looked through later."""
        kind = type(value)
        if kind in (int, float, bool):
            return value
        if name.startswith("__") or (kind is FunctionType and value.__globals__ is not self._namespace):
            return None
        if isinstance(value, str | bytes | set):
            return len(value)
        if isinstance(value, dict | list | tuple | deque):
            if 0 < len(value) <= MOST_ITEMS:
                self.add(dict(value if isinstance(value, dict) else enumerate(value)), value)
            return len(value)
        if isinstance(value, Tensor):
            return _number(value)
        if isinstance(value, FUNCTIONS):
            self._add_function(value)
            return None
        if isinstance(value, type):
            if self.is_students(value):
                self.add(value.__dict__, value)
            return None
        if self.is_students(kind) and hasattr(value, "__dict__"):
            self.add(value.__dict__, value)
            return None
        return self._state(value)

    def _add_function(self, value: Any) -> None:
        """What a function closes over, its defaults, and its attributes."""
        match value:
            case FunctionType():
                cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
                closed = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
                defaults = {"defaults": value.__defaults__, "keywords": value.__kwdefaults__}
                self.add({**closed, **defaults, **value.__dict__}, value)
            case MethodType():
                self.add({"function": value.__func__, "self": value.__self__}, value)
            case partial():
                self.add({"function": value.func, "given": value.args, "named": value.keywords}, value)
            case property():
                self.add({"get": value.fget, "set": value.fset}, value)
            case cached_property():
                self.add({"function": value.func}, value)
            case _:
                self.add({"function": value.__func__}, value)

    def _state(self, value: Any) -> object:
        """How far an iterator, a cache or a generator is."""
        if isinstance(value, GeneratorType):
            if value.gi_frame is not None and value.gi_frame.f_globals is self._namespace:
                self.add(value.gi_frame.f_locals, value)
            return None
        if isinstance(value, ITERATORS):
            return _position(value)
        if isinstance(value, torch.Generator):
            return Drawn("torch.Generator", value.get_state().numpy().tobytes())
        if isinstance(value, Random):
            return Drawn("random", value.getstate())
        if type(value).__module__.startswith("numpy.random") and hasattr(value, "bit_generator"):
            return Drawn("numpy.random", repr(value.bit_generator.state))
        if callable(value) and hasattr(value, "cache_info"):
            cached: _Cache = value
            return tuple(cached.cache_info())
        return None


def _position(iterator: Any) -> object:
    """How far an iterator is, without a look at what it goes over: that may be a set of data."""
    if isinstance(iterator, count):
        return repr(iterator)
    inner = iterator.__reduce__()[1][0] if isinstance(iterator, cycle) else iterator
    return operator.length_hint(inner)


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # of a name that is not bound yet
        return False


def _number(tensor: Tensor) -> object:
    """Of a tensor that is one number and is not trained."""
    if isinstance(tensor, nn.Parameter) or tensor.requires_grad or tensor.is_meta or tensor.numel() != 1:
        return None
    return repr(tensor.item())
