"""Which assignment is meant: a shipped one, or a folder."""

from __future__ import annotations

from pathlib import Path

from grader.assignment.assignment import Assignment
from grader.assignment.load import load_assignment
from grader.bundled import shipped_assignments
from grader.errors import UsageError


def find_assignment(id_or_folder: str) -> Assignment:
    """The assignment with this id, or in this folder.

    Raises:
        UsageError: there is none; the message lists the choices.
        AssignmentError: its file is wrong.
    """
    # An id first: a folder of that name may have come with what is graded, and its reference is code. It is ./ID.
    shipped = shipped_assignments()
    if id_or_folder in shipped:
        return load_assignment(shipped[id_or_folder])
    folder = Path(id_or_folder)
    if (folder / "assignment.toml").is_file():
        return load_assignment(folder)
    raise UsageError(
        f"there is no assignment {id_or_folder!r}: it is neither a folder with an assignment.toml nor one of "
        f"the shipped ones ({', '.join(shipped) or 'none'})"
    )
