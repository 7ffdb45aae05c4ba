"""Marks PyTorch homework that comes as Jupyter notebooks, and can prove what it says.

In a notebook: `%load_ext grader`, then `%%check resblock` at the head of a cell, or `grader.check(ResBlock)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.notebook.card import Card

__version__ = "0.1.0"


def check(subject: Any, exercise: str | None = None, assignment: str | None = None) -> Card:
    """Check what a notebook defines, on the spot: a self-check, which hands nothing in.

    Args:
        subject: a class, a function, or a function that builds a module.
        exercise: the id of the exercise; left out, it is the one that asks for this name.
        assignment: an id, or a folder with an assignment.toml; left out, it is chosen as by `grader check`.

    Returns:
        What was found, as a card that a notebook shows below the cell, and as text where it is printed.
    """
    from grader.notebook.checking import check

    return check(subject, exercise, assignment)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext grader`: the magics `%%check` and `%check`."""
    from grader.notebook.magic import load

    load(shell)
