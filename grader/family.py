"""A family of like things is a folder: its members are found by walking it, never by a list kept by hand."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from inspect import isabstract
from typing import TypeVar

Member = TypeVar("Member")


def members(package: str, path: Iterable[str], base: type[Member]) -> Iterator[type[Member]]:
    """Every concrete subclass of `base` that a module of the package defines; files that begin with _ are private."""
    for info in pkgutil.iter_modules(path):
        if not info.name.startswith("_"):
            module = importlib.import_module(f"{package}.{info.name}")
            for value in vars(module).values():
                is_own = isinstance(value, type) and value.__module__ == module.__name__
                if is_own and issubclass(value, base) and not isabstract(value):
                    yield value
