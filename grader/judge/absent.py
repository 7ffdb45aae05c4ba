"""What is said where a function that was to be called is not there, does not come to an end, or is not finished."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from grader.assignment import ExperimentExercise, FunctionExercise
from grader.errors import SessionEnded, StudentTimedOut
from grader.judge._call_lessons import CELL_STOPS, NOT_THERE, RUN_ENDED
from grader.language import later, say
from grader.observation import Problem, Raised, Stands
from grader.verdict import Diagnosis, Proof, Status

_NEARLY = 0.75  # how alike two names are, of 1, that may be a slip of the pen

Finding = tuple[Status, dict[str, Any]]

_UNFINISHED = later("This is not finished: the skeleton's `raise NotImplementedError`, `pass` or `...` is still there.")


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
    @property
    def defined(self) -> Sequence[str]: ...
    @property
    def stands(self) -> Stands: ...


def missing(seen: Seen) -> Finding:
    """Of a function that is not there: why."""
    if seen.ended is not None:
        return ended(seen)
    name = seen.exercise.name
    blamed = seen.stands.blamed(seen.problems)
    problem = next((each for each in blamed if not each.is_import), next(iter(blamed), None))
    if problem is None:
        absent = say("There is no {name} in this submission.", name=name)
        return Status.FAILED, {
            "message": f"{absent} {seen.stands.instead or _nearly(seen)}".rstrip(),
            "advice": say("Define {name} in a cell, spelt exactly so.", name=name),
            "lesson": NOT_THERE,
        }
    return Status.STUDENT_CRASHED, {
        "message": say(
            "There is no {name}: cell {cell} does not run ({error}).",
            name=name,
            cell=problem.cell,
            error=problem.words,
        ),
        "cell": problem.cell,
        "line": problem.line,
        "lesson": CELL_STOPS,
    }


def _nearly(seen: Seen) -> str:
    """A question after what is defined under nearly the same name, where there is such a thing."""
    name = seen.exercise.name
    # Where the text defines that very name, in a class perhaps, it is no slip.
    close = [] if name in seen.defined else difflib.get_close_matches(name, seen.defined, n=1, cutoff=_NEARLY)
    return say("There is {name}: did you mean that?", name=close[0]) if close else ""


def unknown_name(raised: Raised, problems: Sequence[Problem]) -> str:
    """Of a name that is not known: why, an import that failed or nothing that makes it."""
    for problem in problems:
        if problem.keeps_from(raised):
            return say(
                "{error}. An import failed before, in cell {cell}: {reason}.",
                error=raised.message,
                cell=problem.cell,
                reason=problem.message,
            )
    return say("{error}: nothing that ran before defines or imports it.", error=raised.message)


def ended(seen: Seen, call: str = "") -> Finding:
    """Of a process that is over before everything was asked.

    Args:
        call: what was asked of it last, in words.
    """
    status = Status.TIMED_OUT if isinstance(seen.ended, StudentTimedOut) else Status.STUDENT_CRASHED
    why = say("{call}: {why}", call=call, why=seen.ended) if call else seen.ended
    return status, {"message": say("Not measured: {why}.", why=why), "lesson": RUN_ENDED}


def with_said_lesson(finding: dict[str, Any]) -> dict[str, Any]:
    """What is found, its lesson in the language that is spoken."""
    lesson = finding.get("lesson")
    return finding if lesson is None else {**finding, "lesson": lesson.said()}


def noticed(seen: Seen) -> Iterator[Diagnosis]:
    """The causes that an exception names by itself."""
    raised = next(iter(seen.raised), None)
    if raised is not None and raised.type in ("NotImplementedError", "NameError", "UnboundLocalError"):
        unfinished = raised.type == "NotImplementedError"
        yield Diagnosis(
            mistake="unfinished" if unfinished else "name-error",
            proof=Proof.MEASURED,
            message=say(_UNFINISHED) if unfinished else unknown_name(raised, seen.problems),
            cell=raised.cell,
            line=raised.line,
        )
    if seen.found is None:
        for problem in seen.stands.blamed(seen.problems):
            if problem.is_syntax:
                said = say(
                    "Cell {cell} is not valid Python: {error}, line {line}.",
                    cell=problem.cell,
                    error=problem.message,
                    line=problem.line or 1,
                )
                proof = Proof.MEASURED
                yield Diagnosis(mistake="syntax-error", proof=proof, message=said, cell=problem.cell, line=problem.line)
                return
