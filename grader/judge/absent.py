"""What is said where a function that was to be called is not there, does not come to an end, or is not finished."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from grader.assignment import ExperimentExercise, FunctionExercise
from grader.errors import SessionEnded, StudentTimedOut
from grader.observation import Problem, Raised
from grader.verdict import Diagnosis, Proof, Status

Finding = tuple[Status, dict[str, object]]

_UNFINISHED = "This is not finished: the skeleton's `raise NotImplementedError`, `pass` or `...` is still there."


class Seen(Protocol):
    """What was seen of a function."""

    @property
    def exercise(self) -> FunctionExercise | ExperimentExercise: ...
    @property
    def found(self) -> str | None: ...
    @property
    def ended(self) -> SessionEnded | None: ...
    @property
    def problems(self) -> Sequence[Problem]: ...
    @property
    def raised(self) -> Sequence[Raised]: ...


def missing(seen: Seen) -> Finding:
    """Of a function that is not there: why."""
    if seen.ended is not None:
        return ended(seen)
    name = seen.exercise.name
    problem = next(iter(seen.problems), None)
    if problem is None:
        return Status.FAILED, {
            "message": f"There is no {name} in this submission.",
            "advice": f"Define {name} in a cell, spelt exactly so.",
        }
    return Status.STUDENT_CRASHED, {
        "message": f"There is no {name}: cell {problem.cell} does not run ({problem.type}: {problem.message}).",
        "cell": problem.cell,
        "line": problem.line,
    }


def ended(seen: Seen) -> Finding:
    """Of a process that is over before everything was asked."""
    status = Status.TIMED_OUT if isinstance(seen.ended, StudentTimedOut) else Status.STUDENT_CRASHED
    return status, {"message": f"Not measured: {seen.ended}."}


def noticed(seen: Seen) -> Iterator[Diagnosis]:
    """The causes that an exception names by itself."""
    raised = next(iter(seen.raised), None)
    if raised is not None and raised.type in ("NotImplementedError", "NameError", "UnboundLocalError"):
        unfinished = raised.type == "NotImplementedError"
        yield Diagnosis(
            mistake="unfinished" if unfinished else "name-error",
            proof=Proof.MEASURED,
            message=_UNFINISHED
            if unfinished
            else f"{raised.message}: check the spelling, and that it is defined above.",
            cell=raised.cell,
            line=raised.line,
        )
    if seen.found is None:
        for problem in seen.problems:
            if problem.type in ("SyntaxError", "IndentationError", "TabError"):
                said = f"Cell {problem.cell} is not valid Python: {problem.message}, line {problem.line}."
                proof = Proof.MEASURED
                yield Diagnosis(mistake="syntax-error", proof=proof, message=said, cell=problem.cell, line=problem.line)
                return
