"""The language in which a notebook is told what is wrong before it is known which exercise it means."""

from __future__ import annotations

from grader.assignment import find_assignment
from grader.errors import GraderError
from grader.language import SOURCE
from grader.notebook.kernel import this_notebook


def language_here(assignment: str | None = None) -> str:
    """That of the assignment that was given, else of the one that the notebook's metadata name, else English."""
    named = assignment if assignment is not None else this_notebook().executed.assignment_id
    try:
        return find_assignment(named).language if named is not None else SOURCE
    except GraderError:
        return SOURCE
