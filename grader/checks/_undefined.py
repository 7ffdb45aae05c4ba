"""What is said where a submission does not define what an exercise asks for."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator

from grader.checks import _shape_lessons as lessons
from grader.checks._check import Finding
from grader.judge.examined import Examined
from grader.language import say
from grader.observation import Problem
from grader.verdict import Status


def undefined(examined: Examined) -> Finding:
    """That there is nothing of its name, and why, as far as the text and what was run of it tell."""
    name = examined.exercise.name
    blamed = examined.stands.blamed(examined.problems)
    broken = next((p for p in blamed if p.is_syntax), None)
    if broken is not None:
        return Finding(
            Status.FAILED,
            say(
                "{name} is not defined: cell {cell} is not valid Python ({error}, line {line}).",
                name=name,
                cell=broken.cell,
                error=broken.message,
                line=broken.line or 1,
            ),
            lesson=lessons.BROKEN_CELL,
            expected=name,
            cell=broken.cell,
            line=broken.line,
            advice=say(
                "Mend the syntax error, run the notebook from top to bottom, and hand in again. It was read by Python "
                "{version}; what only later versions know is an error there.",
                version="{}.{}".format(*sys.version_info),
            ),
        )
    failed = next((p for p in blamed if not p.is_import), next(iter(blamed), None))
    missing = say("{name} is not defined in this notebook.", name=name)
    return Finding(
        Status.FAILED,
        " ".join([missing, *_why_undefined(examined, failed)]),
        lesson=lessons.NOT_DEFINED,
        expected=examined.signature,
        cell=failed.cell if failed else None,
        line=failed.line if failed else None,
        advice=say("Define {wanted} at the top level of a cell, under exactly this name.", wanted=examined.signature),
    )


def _why_undefined(examined: Examined, failed: Problem | None) -> Iterator[str]:
    name, said = examined.exercise.name, failed.words if failed is not None else ""
    # Where the text defines that very name, its cell is what did not run.
    close = [] if name in examined.defined else difflib.get_close_matches(name, examined.defined, n=1)
    if examined.stands.instead:
        yield examined.stands.instead
    elif close:
        yield say("There is {name}: did you mean that?", name=close[0])
    elif failed is not None and failed.line:
        yield say("Cell {cell} raised {error}, line {line}.", cell=failed.cell, error=said, line=failed.line)
    elif failed is not None:
        yield say("Cell {cell} raised {error}.", cell=failed.cell, error=said)
    if failed is not None and failed.is_import and failed.type == "ModuleNotFoundError":
        yield say("It is not installed where this is graded, and was not handed in beside the notebook.")
    elif failed is not None and failed.type == "NameError":
        for problem in examined.problems:
            if problem.cell <= failed.cell and problem.keeps_from(failed):
                yield say(
                    "An import failed before, in cell {cell}: {reason}.", cell=problem.cell, reason=problem.message
                )
                return
