"""A mistake in code that two exercises run costs once: where it was met first.

A class for two networks, a convolution with its norm for two blocks: what is wrong there is wrong in both. It is one
mistake if the code is the same, line by line, and the mistake is. Two answers that are wrong alike, each in its own
lines, make it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from grader.earlier import Earlier, lines_of
from grader.language import say
from grader.mistakes import chain_mistake
from grader.verdict import Diagnosis, ExerciseReport, Proof

Function = Callable[[int, int], int | None]
"""The line on which the function begins in which a line of a cell stands, if it stands in one."""


def nowhere(cell: int, line: int) -> None:
    """Of code of which no text is known."""


def repeated(
    diagnoses: Iterable[Diagnosis], earlier: Mapping[str, Earlier], function: Function = nowhere
) -> dict[str, str]:
    """Which of these mistakes cost already, and in which exercise."""
    wrong = {name: each for name, each in earlier.items() if not each.report.correct}
    return {
        diagnosis.mistake: name
        for diagnosis in diagnoses
        if diagnosis.proof is Proof.REPLAYED
        for name, each in wrong.items()
        if _is_made_by(diagnosis, each, function)
    }


def with_reason(diagnosis: Diagnosis, exercise: str | None) -> Diagnosis:
    """A mistake, and where it cost, if it did."""
    if exercise is None:
        return diagnosis
    reason = say("{exercise} runs the same code: there it has cost its points, here it costs none.", exercise=exercise)
    return diagnosis.model_copy(update={"message": f"{diagnosis.message} {reason}"})


def _is_made_by(diagnosis: Diagnosis, earlier: Earlier, function: Function) -> bool:
    """Is a mistake in lines that an exercise ran too, which is wrong by them?"""
    cell, line = diagnosis.cell, diagnosis.line
    if cell is None or line is None or (cell, line) not in lines_of(earlier.examined):
        return False
    chain = chain_mistake(diagnosis.mistake)
    if chain is None:
        return any(_is_same(diagnosis, other) for other in earlier.report.diagnoses)
    # A chain calls by names of its own what a block does wrong, or what stands beside the blocks.
    if any(other.mistake in chain.elsewhere for other in earlier.report.diagnoses):
        return True
    return _is_wrong_in(cell, function(cell, line), earlier.report, function)


def _is_same(one: Diagnosis, other: Diagnosis) -> bool:
    return (one.mistake, one.cell, one.line) == (other.mistake, other.cell, other.line)


def _is_wrong_in(cell: int, begins: int | None, report: ExerciseReport, function: Function) -> bool:
    """Is a function where an exercise is wrong? What is said of no line, as of too many blocks, may be anywhere."""
    found = [each for each in report.diagnoses if each.cell is not None and each.line is not None]
    return not found or any(
        each.cell == cell and each.line is not None and function(cell, each.line) == begins for each in found
    )
