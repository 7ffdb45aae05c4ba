"""What a student's process can be asked to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

Reply = tuple[dict[str, Any], dict[str, Tensor]]


class Student:
    """The state of one child."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}


def execute(student: Student, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> Reply:
    """Run the cells in order in one namespace."""
    cells = []
    for cell in arguments["cells"]:
        exec(compile(cell["source"], f"cell {cell['number']}", "exec"), student.names)
        cells.append({"number": cell["number"]})
    return {"cells": cells, "defined": {name: name in student.names for name in arguments["names"]}}, {}


def echo(student: Student, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> Reply:
    """Answer with what was sent."""
    return {"arguments": arguments}, tensors


OPERATIONS: dict[str, Callable[[Student, dict[str, Any], dict[str, Tensor]], Reply]] = {
    "execute": execute,
    "echo": echo,
}


def warm_up() -> None:
    """Import and run everything once, so that no child pays for it."""
    import IPython  # noqa: F401
