"""Exercises that were judged before: what has cost there does not cost again in a network that uses it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grader.assignment import NetworkExercise
from grader.graph import Graph
from grader.judge.examined import SHARED_WEIGHTS, Examined
from grader.judge.network import JudgedBlock
from grader.observation import Raised
from grader.verdict import ExerciseReport, Status


@dataclass(frozen=True)
class Earlier:
    """An exercise that was judged before the network."""

    examined: Examined
    report: ExerciseReport

    @property
    def broke(self) -> bool:
        """Did the grader fail on some of it?"""
        return any(check.status is Status.GRADER_BROKE for check in self.report.checks)


def note_paid(examined: Examined, earlier: Mapping[str, Earlier]) -> None:
    """Note what has cost already in the exercises that came before a network."""
    examined.paid = {d.mistake: name for name, each in earlier.items() for d in each.report.diagnoses}
    for name, each in earlier.items():
        if any(seen.built.shared for seen in each.examined.observations):
            examined.paid[SHARED_WEIGHTS] = name
    if examined.exercise.withheld:
        # Which mistake it was is only known at the marking: any may be the network's as well.
        failed = {name: each for name, each in earlier.items() for c in each.report.checks if c.status.wrong}
        examined.paid |= {f"a mistake in {name}": name for name in failed}
    examined.misshapen = _misshapen(examined, earlier)
    if examined.network.graph is None:
        examined.stopped_by = _stopped_by(examined, earlier) or (examined.misshapen if _misfits(examined) else "")


def excuse(block: JudgedBlock, earlier: Mapping[str, Earlier]) -> str:
    """The exercise in which a block's mistakes have cost already: those that were named there, or, where no cause is
    known here or there, whatever was wrong with the same lines of code."""
    for name, each in earlier.items():
        if each.report.correct or isinstance(each.examined.exercise, NetworkExercise):
            continue
        known = {diagnosis.mistake for diagnosis in each.report.diagnoses}
        if name == block.exercise and {diagnosis.mistake for diagnosis in block.diagnoses} <= known:
            return name
        has_cause = known and not block.is_unknown
        if not has_cause and not block.right and lines([block.segment.extents[-1]]) & lines_of(each.examined):
            return name
    return ""


def lines_of(examined: Examined, *, partly: bool = False) -> set[tuple[int, int]]:
    """Cell and line of all that was recorded in any case; with `partly` up to where something raised, too."""
    recorded = (seen.built.graph or (seen.built.partial if partly else None) for seen in examined.observations)
    return lines(graph for graph in recorded if graph is not None)


def lines(graphs: Iterable[Graph]) -> set[tuple[int, int]]:
    """Cell and line of every operation."""
    return {
        (node.cell, node.line) for g in graphs for node in g.nodes if node.cell is not None and node.line is not None
    }


def _stopped_by(examined: Examined, earlier: Mapping[str, Earlier]) -> str:
    """The exercise whose mistake stops the network too: what was marked down there raises on the same line here."""
    raised = next((seen.raised for seen in examined.observations if seen.raised is not None), None)
    if raised is None or raised.line is None:
        return ""
    for name, each in earlier.items():
        met = [seen.raised for seen in each.examined.observations if seen.raised is not None]
        if not each.report.correct and any(_is_same(raised, other) for other in met):
            return name
    return ""


def _misfits(examined: Examined) -> bool:
    """Does the network stop at an operation, as it does where a block before it gives another shape than it should?"""
    raised = next(iter(examined.raised), None)
    return raised is not None and raised.stage == "forward" and raised.operation is not None


def _misshapen(examined: Examined, earlier: Mapping[str, Earlier]) -> str:
    """The exercise whose block, by its lines, is in the network, and gave outputs of another shape than it should."""
    mine = lines_of(examined, partly=True)
    for name, each in earlier.items():
        of_block = not isinstance(each.examined.exercise, NetworkExercise) and not each.report.correct
        if of_block and each.examined.fitting < len(each.examined.ran) and mine & lines_of(each.examined):
            return name
    return ""


def _is_same(one: Raised, other: Raised) -> bool:
    return (one.type, one.stage, one.cell, one.line) == (other.type, other.stage, other.cell, other.line)
