"""What the commands share, whichever file they stand in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from grader import completion

if TYPE_CHECKING:
    from grader.terminal import Terminal

AssignmentArgument = Annotated[
    str,
    typer.Argument(
        metavar="ASSIGNMENT",
        help="A shipped assignment, or a folder with an assignment.toml.",
        show_default=False,
        autocompletion=completion.assignments,
    ),
]


class Guard(Protocol):
    """Runs a command; every error becomes one message, and the exit code."""

    def __call__(self, run: Callable[[], int], terminal: Terminal, /) -> int: ...
