"""One run of a notebook's cells: what of it is run, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.assignment import Limits
from grader.ceilings import what_was_hit
from grader.errors import SessionEnded, StudentOutOfMemory, StudentTimedOut
from grader.judge.seen import Seen
from grader.language import say
from grader.observation import Executed, Problem
from grader.sandbox import Session
from grader.submission import Submission
from grader.verdict import SubmissionStatus

# What code raises of which a part was not run; the last one until a later cell puts the rest in its place.
MISSING = ("NameError", "AttributeError", "KeyError", "UnboundLocalError", "NotImplementedError")


class Cells:
    """What is run of a notebook; less of it, when that ends the process.

    Definitions are first run for all exercises at once, and after a crash for each exercise alone, so that one whose
    definition crashes does not cost the others. A notebook that is run from top to bottom is run as far as it goes.
    """

    def __init__(self, submission: Submission, plan: str, names: Mapping[str, list[str]]) -> None:
        self._cells = [cell for cell in submission.cells if cell.kind == "code"]
        self._files = submission.files
        self._plan, self._names = plan, names
        self.alone = False  # is what one exercise needs not defined for the others?
        self.hopeless: SessionEnded | None = None  # why none of it can be run, once that is known

    def wanted_for(self, exercise: str) -> dict[str, object]:
        """Arguments of `execute`."""
        chosen = [self._names[exercise]] if self.alone else self._names.values()
        return {
            "cells": [{"number": cell.number, "source": cell.source} for cell in self._cells],
            "names": sorted({name for found in chosen for name in found}),
            "plan": self._plan,
            "files": self._files,
        }

    def leave_out(self, ended_by: SessionEnded) -> bool:
        """Run less the next time; False where there is nothing that could be left out."""
        if self._plan == "definitions":
            was_alone, self.alone = self.alone, len(self._names) > 1
            return self.alone and not was_alone
        before = [cell for cell in self._cells if ended_by.cell is not None and cell.number < ended_by.cell]
        if not before or len(before) == len(self._cells):
            self.hopeless = ended_by
            return False
        self._cells = before
        return True


@dataclass
class Attempt:
    """One run of the cells, and what was seen of each exercise."""

    plan: str
    unseen: bool = False  # may the code define more than its text shows?
    executed: dict[str, Executed] = field(default_factory=dict)
    examined: dict[str, Seen] = field(default_factory=dict)
    broken: dict[str, Exception] = field(default_factory=dict)  # by exercise, where the grader failed
    printed_too_much: bool = False

    def end(self, session: Session) -> None:
        """Close a process of it."""
        session.close()
        self.printed_too_much = self.printed_too_much or session.output_was_cut

    @property
    def skipped(self) -> list[int]:
        """Cells of which nothing or not all was run for any exercise."""
        return sorted(set.intersection(*(set(executed.skipped) for executed in self.executed.values())))

    def repairs(self, limits: Limits) -> list[str]:
        """What was skipped or taken for something else, for the report."""
        found = [
            say("{found} was taken for {name}.", found=examined.found, name=examined.exercise.name)
            for examined in self.examined.values()
            if examined.found not in (None, examined.exercise.name)
        ]
        if not self.executed:
            return found
        for name, file in {pair: None for each in self.executed.values() for pair in each.taken.items()}:
            found.append(
                say("{name} was taken from {file}, which a cell writes and none imports.", name=name, file=file)
            )
        if self.plan == "everything":
            found.append(say("Every cell was run, because the definitions alone were not enough."))
        elif self.skipped:
            cells = ", ".join(map(str, self.skipped))
            found.append(say("Only definitions were run. Not run, or not all of it: cell {cells}.", cells=cells))
        if self.printed_too_much:
            most = limits.output_kib
            found.append(say("More than {most} KiB were printed; what came after that was not read.", most=most))
        for problem in (problem for executed in self.executed.values() for problem in executed.problems):
            found.append(_said(problem, limits))
        return list(dict.fromkeys(found))

    @property
    def measured(self) -> int:
        """Cases in which a module gave a tensor, or a function returned: how much can be judged."""
        return sum(len(examined.ran) for examined in self.examined.values())

    @property
    def wants_everything(self) -> bool:
        """Did the definitions leave something out that was needed?"""
        if not self.executed or not self.skipped:
            return False
        if any(
            e.found is None and (self.unseen or set(e.defined) & {e.exercise.name, *e.exercise.aliases})
            for e in self.examined.values()
        ):
            return True
        raised = [raised for examined in self.examined.values() for raised in examined.raised]
        return any(r.type in MISSING for r in raised)

    @property
    def status(self) -> tuple[SubmissionStatus, str]:
        """How far it got, and why no further."""
        for examined in self.examined.values():
            if examined.ended is not None:
                kind = {
                    StudentTimedOut: SubmissionStatus.TIMED_OUT,
                    StudentOutOfMemory: SubmissionStatus.OUT_OF_MEMORY,
                }
                return kind.get(type(examined.ended), SubmissionStatus.CRASHED), str(examined.ended)
        return SubmissionStatus.GRADED, ""


def _said(problem: Problem, limits: Limits) -> str:
    """What went wrong in a cell, and where."""
    place = say("Cell {cell}", cell=problem.cell)
    if problem.line:
        place = say("Cell {cell}, line {line}", cell=problem.cell, line=problem.line)
    if problem.type == "CellTimeout":
        seconds = f"{limits.cell_seconds:g}"
        if problem.line:
            return say(
                "Stopped after {seconds} s in cell {cell}, line {line}.",
                seconds=seconds,
                cell=problem.cell,
                line=problem.line,
            )
        return say("Stopped after {seconds} s in cell {cell}.", seconds=seconds, cell=problem.cell)
    error = problem.words
    said = (
        say("{place}: an import failed ({error}).", place=place, error=error)
        if problem.is_import
        else say("{place}: left out ({error}).", place=place, error=error)
    )
    return f"{said} {what_was_hit(problem.type, problem.message, limits)}".rstrip()
