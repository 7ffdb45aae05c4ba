"""What `grader export` tells, in words."""

from __future__ import annotations

from pathlib import Path

from grader.assignment import Assignment, EssayExercise, find_assignment
from grader.errors import UsageError
from grader.export.fill import Outcome
from grader.terminal import inert
from grader.verdict import Results

_MOST_NAMES = 40


def said(outcome: Outcome, target: Path) -> list[str]:
    """What became of everybody, in lines."""
    lines = [f"{target}: {len(outcome.filled) + len(outcome.so_far)} filled in, in the column {inert(outcome.column)}."]
    for title, names in (
        ("Points so far, not final", outcome.so_far),
        ("Left as it was, since points are open (--pending so-far writes them)", outcome.kept),
        ("Not in the gradebook", outcome.not_there),
        ("Several hand-ins of one student, none written", outcome.contested),
        ("In the gradebook, but nothing handed in", outcome.no_hand_in),
        ("Note", outcome.notes),
    ):
        if names:
            lines.append(f"{title}:" if title == "Note" else f"{title} ({len(names)}):")
            lines += [f"  {inert(name)}" for name in names[:_MOST_NAMES]]
            lines += [f"  and {len(names) - _MOST_NAMES} more"] * (len(names) > _MOST_NAMES)
    return lines


def graded(results: Results, wanted: str | None) -> Assignment:
    """The assignment that was graded: it says what its points are, and which checks are held back."""
    try:
        found = find_assignment(wanted or results.assignment)
    except UsageError:
        if wanted is not None:
            raise
        raise UsageError(
            f"the results are of the assignment {results.assignment!r}, which is not a shipped one: give its folder "
            "with --assignment"
        ) from None
    if found.id != results.assignment:
        raise UsageError(f"the results are of the assignment {results.assignment!r}, and --assignment is {found.id!r}")
    return found


def machine_points(assignment: Assignment) -> str:
    """How many points are the grader's to give: written answers are a human's, who adds them by hand."""
    written = sum(each.max_score for each in assignment.exercises if isinstance(each, EssayExercise))
    marked = f"{assignment.max_score - written:g}"
    return f"{marked}, and up to {written:g} for written answers, which a human marks" if written else marked
