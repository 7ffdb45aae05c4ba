"""What makes two runs one: with the same of all this, a submission gets the same report and the same pages."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grader import __version__
from grader.assignment import shipped_folder
from grader.slot import Order
from grader.verdict import SCHEMA_VERSION

# What of an order changes no report. Everything else does, and what is added to it some day as well.
_NO_MATTER = frozenset(["assignment", "output", "whole", "processor", "temporary", "now"])


def identity(order: Order) -> dict[str, Any]:
    """As plain values, each under the words that say what differs where it does."""
    package = Path(__file__).parent
    asked = {field.name: getattr(order, field.name) for field in fields(order) if field.name not in _NO_MATTER}
    found = {
        "schema version": SCHEMA_VERSION,
        "grader": f"{__version__} {_digest(_sources(package))}",
        "Python": platform.python_version(),
        "torch": version("torch"),
        "assignment": order.assignment.id,
        "text of the assignment": _digest(_assignment(order.assignment.folder)),
        "last hints": order.assignment.hints.show_last(order.now),
        **asked,
    }
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    return plain


def _sources(package: Path) -> Iterator[Path]:
    """The grader itself: its version does not rise with every change."""
    return (path for path in package.rglob("*") if path.suffix in (".py", ".j2", ".mo"))


def _assignment(folder: Path) -> Iterator[Path]:
    yield folder / "assignment.toml"
    yield from _modules(folder)
    yield from _modules(shipped_folder("reference"))


def _modules(folder: Path) -> Iterator[Path]:
    """What a reference there can be, or import: not the submissions that may lie in folders below."""
    yield from folder.glob("*.py")
    for inner in folder.glob("*/__init__.py"):
        yield from inner.parent.rglob("*.py")


def _digest(paths: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()[:16]
