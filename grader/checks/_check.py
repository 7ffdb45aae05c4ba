"""The contract of a check: one file in this folder is one check, found by walking the folder.

A check never enters the student's process. It lists probes, which are data; the worker answers, which is data; the
check judges.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, TypedDict

from pydantic import JsonValue

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.checks._lessons import BY_BLOCK, ENDED, NOT_RUNNING
from grader.errors import StudentTimedOut
from grader.judge.examined import Examined
from grader.judge.observed import Observation
from grader.judge.places import place_of
from grader.language import say
from grader.observation import Probe, Raised
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, Lesson, Status


class Place(TypedDict):
    """Fields of a `Finding` that say where."""

    cell: int | None
    line: int | None


@dataclass
class Finding:
    """What a check has to say, before points are given."""

    status: Status
    message: str
    expected: JsonValue = None
    actual: JsonValue = None
    cell: int | None = None
    line: int | None = None
    advice: str = ""
    evidence: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    lesson: Lesson | None = None
    follows: str = ""


class Check(ABC):
    """One check. Subclasses say what they ask for a case and what they make of the answers."""

    id: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def probes(self, exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
        """What to ask in one case."""

    @abstractmethod
    def judge_module(self, examined: Examined) -> Finding:
        """Judge a module against its reference. Called when at least one case gave a tensor."""

    @abstractmethod
    def judge_network(self, examined: Examined) -> Finding:
        """Judge a whole network. Called when at least one case gave a tensor."""

    def judge(self, examined: Examined, max_score: float) -> CheckResult:
        """The result with its points."""
        if examined.exercise.withheld and (examined.ran or (examined.found and examined.exercise.tells_no_case)):
            finding = self.judge_withheld(examined)
        elif examined.ran:
            kind = examined.exercise.kind
            finding = self.judge_module(examined) if kind == "module" else self.judge_network(examined)
        elif examined.stopped_by:
            finding = Finding(
                Status.SKIPPED,
                say(
                    "Not measured: it stops at the mistake that was marked down in {exercise}, which does not cost "
                    "again.",
                    exercise=examined.stopped_by,
                ),
                advice=say("Once that is mended, this is checked too. Its points are pending, not lost."),
            )
        else:
            finding = self.unmeasured(examined)
        score = max_score if finding.status is Status.PASSED else 0.0
        told = vars(finding) | {"lesson": finding.lesson.said() if finding.lesson else None}
        return CheckResult(id=self.id, title=say(self.title), score=score, max_score=max_score, **told)

    def judge_withheld(self, examined: Examined) -> Finding:
        """Judge as far as that is possible without the reference, which a student's copy may lack."""
        return left_to_the_marking()

    def unmeasured(self, examined: Examined) -> Finding:
        """There is no case to judge: nothing was defined, or nothing runs. The shape check says why in full."""
        if examined.ended is not None and not examined.observations:
            return ended(examined)
        return Finding(
            Status.STUDENT_CRASHED,
            say("Not measured, because there is nothing that runs: see the shape check."),
            follows="shape",
            lesson=NOT_RUNNING,
        )


def left_to_the_marking(found: str = "") -> Finding:
    """What cannot be told without the reference."""
    return Finding(Status.SKIPPED, f"{found} {say(LEFT_TO_THE_MARKING)}".strip())


def not_everywhere(examined: Examined, what: str) -> Finding | None:
    """A check passes on evidence from every declared case: some could not be measured, what holds or not.

    Args:
        what: holds, in `{some}` of `{all}` cases; said here.
    """
    missing = len(examined.exercise.cases) - len(examined.ran)
    if not missing:
        return None
    if examined.ended is not None:
        return ended(examined)
    return Finding(
        Status.STUDENT_CRASHED,
        say(
            "{what}; the others do not run: see the shape check.",
            what=say(what, some=len(examined.ran), all=len(examined.exercise.cases)),
        ),
        follows="shape",
        lesson=NOT_RUNNING,
    )


def ended(examined: Examined) -> Finding:
    """The student's process ended before this could be measured."""
    assert examined.ended is not None
    status = Status.TIMED_OUT if isinstance(examined.ended, StudentTimedOut) else Status.STUDENT_CRASHED
    return Finding(status, say("Not measured: {why}.", why=examined.ended), lesson=ENDED)


def wrong_blocks(examined: Examined, check: str) -> Finding | None:
    """The blocks of a network of which a check of a module exercise says that they are wrong, and which make a known
    mistake that has not cost yet; or None."""
    wrong = [
        block
        for block in examined.wrong_blocks
        if any(c.id == check and c.status not in (Status.PASSED, Status.SKIPPED) for c in block.checks)
    ]
    if not wrong:
        return None
    said = [f"{block.place}, {block.call}: {d.message}" for block in wrong for d in block.diagnoses]
    first = wrong[0].diagnoses[0]
    return Finding(
        Status.FAILED,
        said[0],
        lesson=BY_BLOCK,
        expected=say("a network whose blocks are as {call} should be", call=wrong[0].call),
        actual=", ".join(block.place for block in wrong),
        cell=first.cell,
        line=first.line,
        advice=say("Each block of the network was compared with the reference, under equal weights."),
        evidence=said[1:],
    )


def in_case(examined: Examined, seen: Observation) -> str:
    """How a case is named in messages."""
    return f"{examined.call(seen.case)}, {seen.case.title}"


def place(seen: Observation, what: str) -> Place:
    """Cell and line of a part of the module (see `grader.judge.places`), as fields of a `Finding`."""
    cell, line = place_of(seen, what)
    return {"cell": cell, "line": line}


def place_of_exception(raised: Raised) -> Place:
    """Cell and line of an exception, as fields of a `Finding`."""
    return {"cell": raised.cell, "line": raised.line}
