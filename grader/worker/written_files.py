"""Python files that a notebook writes with `%%writefile` and imports: their code is run where it stands, and an import
finds what it defined. Nothing is written."""

from __future__ import annotations

import ast
import re
import sys
from types import ModuleType
from typing import Any

_WRITES = re.compile(r"\s*%%(?:writefile|file)\s+(?:-a\s+|--append\s+)?[\"']?(?P<path>[\w./-]+)\.py[\"']?\s*")


def written_module(line: str) -> str | None:
    """The dotted name by which the file is imported that a cell with this first line writes."""
    written = _WRITES.fullmatch(line)
    parts = [part for part in written["path"].split("/") if part not in ("", ".")] if written else []
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None


class _Written(ModuleType):
    """A module, or the folder of one, whose names are those of the notebook."""

    def __init__(self, name: str, namespace: dict[str, Any]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # may have modules inside
        self.__namespace = namespace

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return [each for each in self.__namespace if not each.startswith("_")]
        if name.startswith("__") or name not in self.__namespace:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return self.__namespace[name]


def offer(name: str, namespace: dict[str, Any]) -> None:
    """Let `import name` find what the notebook has defined, unless there is such a module."""
    parent: ModuleType | None = None
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        module = sys.modules.setdefault(".".join(parts[:length]), _Written(".".join(parts[:length]), namespace))
        if not isinstance(module, _Written):
            return
        if parent is not None:
            setattr(parent, parts[length - 1], module)
        parent = module


def from_the_top(node: ast.stmt, name: str) -> ast.stmt:
    """A statement of a written module; `from .blocks import Block` by the full name of that neighbour."""
    if isinstance(node, ast.ImportFrom) and node.level:
        folder = name.split(".")[: -node.level]
        module = ".".join([*folder, *([node.module] if node.module else [])])
        if module:
            return ast.copy_location(ast.ImportFrom(module, node.names, 0), node)
    return node
