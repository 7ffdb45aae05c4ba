"""What kept an answer from running, if it is one thing."""

from __future__ import annotations

from typing import TypeGuard

from grader.judge.examined import Examined
from grader.judge.leaves import unregistered
from grader.judge.seen import Seen
from grader.mending._mend import Slip


def slip_of(seen: Seen) -> Slip | None:
    """The first thing that went wrong; None where all cases ran, or the process ended."""
    name = seen.exercise.name
    if seen.ended is not None:
        return None
    if seen.found is None:
        problem = next((each for each in seen.stands.blamed(seen.problems) if not each.is_import), None)
        if problem is None:
            return None
        return Slip(problem.type, problem.message, cell=problem.cell, line=problem.line, found=name)
    raised = next(iter(seen.raised), None)
    if raised is not None:
        if raised.stage == "backward" or any(problem.keeps_from(raised) for problem in seen.problems):
            return None  # another kind of mistake; a library that is not there, which is nobody's slip
        if _runs_unregistered(seen) and all(each.built.raised is None for each in seen.observations):
            # Norms that `eval()` does not reach refuse a batch of one.
            return Slip(found=seen.found, is_unregistered=True)
        return Slip(raised.type, raised.message, cell=raised.cell, line=raised.line, found=seen.found)
    if isinstance(seen, Examined):
        for each in seen.observations:
            output = each.built.output
            gave = each.built.not_a_module or (output.kind if output is not None and output.kind != "tensor" else "")
            if gave:
                return Slip(gave=gave, found=seen.found)
        if _runs_unregistered(seen):
            return Slip(found=seen.found, is_unregistered=True)
    return None


def _runs_unregistered(seen: Seen) -> TypeGuard[Examined]:
    """Does it run, in one case at least, with layers that are not registered?"""
    return isinstance(seen, Examined) and any(unregistered(each.built.graph) for each in seen.observations)
