"""A report as plain text, check by check: what a learning platform shows of it. Nothing in it is markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from grader.assignment import EssayExercise, Visibility
from grader.formats import _words
from grader.formats._excerpt import heading
from grader.formats._format import Run
from grader.formats._kept import kept_words
from grader.formats._text import clip, from_terminal, one_line, visible
from grader.language import say
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Report, Status, SubmissionStatus

MESSAGE = 2_000  # characters of one message
_LINES = 10  # of evidence, notes, repairs
_STRICTEST: list[Visibility] = ["visible", "after_due_date", "after_published", "hidden"]


@dataclass(frozen=True)
class Part:
    """One check of one exercise, in words."""

    number: str
    name: str
    status: Status
    score: float
    max_score: float
    text: str
    visibility: Visibility

    @property
    def pending(self) -> bool:
        """Neither won nor lost: a human decides."""
        return self.status.pending

    @property
    def passed(self) -> bool:
        return self.status is Status.PASSED


def parts(run: Run, report: Report, limit: int = MESSAGE) -> list[Part]:
    """Every check, in the order of the report.

    Args:
        limit: characters of one message.
    """
    return [
        part
        for number, exercise in enumerate(report.exercises, start=1)
        for part in _of_exercise(run, exercise, number, limit)
    ]


def nothing_decided(report: Report) -> bool:
    """Is there no point of which is known whether it was won? Then no number is a score, least of all 0."""
    return report.status is SubmissionStatus.GRADER_BROKE or (
        report.max_score > 0 and report.max_score - report.pending <= 0
    )


def summary(run: Run, report: Report, limit: int = MESSAGE, *, score: bool = True) -> str:
    """What belongs to all of it: how far it got, which points are open, what was mended to run it.

    Args:
        score: say the score too, if there is one.
    """
    said = [f"{score_words(report)}."] if score and not nothing_decided(report) else []
    if report.status is not SubmissionStatus.GRADED:
        said.append(f"{_words.SUBMISSION[report.status].word}. {_words.means(report.status)}")
    if report.message:
        said.append(fit(report.message, limit))
    if report.pending > 0:
        said.append(pending_words(report))
    said += [say("Repaired: {repair}", repair=fit(line, limit)) for line in report.repairs[:_LINES]]
    if run.isolation != "bwrap":
        said.append(_words.isolation(run))
    return "\n".join(said)


def score_words(report: Report) -> str:
    """`30 of 90 points`: of those that are decided."""
    decided = report.max_score - report.pending
    return say("{score} of {max_score} points", score=_words.points(report.score), max_score=_words.points(decided))


def pending_words(report: Report) -> str:
    """Why the score is not final."""
    return say(
        "Not final: {points} further points are open. They are neither won nor lost; a human decides about them.",
        points=_words.points(report.pending),
    )


def fit(text: str, limit: int = MESSAGE) -> str:
    """Text of a student's that can be shown anywhere: nothing in it acts, and it ends."""
    return visible(clip(from_terminal(text), limit)[0])


def _of_exercise(run: Run, exercise: ExerciseReport, number: int, limit: int) -> Iterator[Part]:
    spec = next((spec for spec in run.assignment.exercises if spec.id == exercise.id), None)
    title = heading(exercise.title or (spec.title if spec else ""), exercise.id)
    shown: dict[str, Visibility] = {
        check.id: spec.visibility_of(check.id) if spec else "visible" for check in exercise.checks
    }
    told_at = _where_causes_are_told(exercise.checks, shown)
    for i, check in enumerate(exercise.checks, start=1):
        lines = list(_said(check, limit))
        lines[1:1] = _kept(exercise, check, shown, limit)
        if i - 1 == told_at:
            essay = isinstance(spec, EssayExercise)
            lines += [_cause(diagnosis, limit, essay=essay) for diagnosis in exercise.diagnoses]
        yield Part(
            number=f"{number}.{i}",
            name=visible(f"{one_line(title, 120)}: {one_line(heading(check.title, check.id), 120)}"),
            status=check.status,
            score=0.0 if check.status.pending else check.score,
            max_score=check.max_score,
            text="\n".join(lines),
            visibility=shown[check.id],
        )


def _where_causes_are_told(checks: list[CheckResult], shown: dict[str, Visibility]) -> int | None:
    """With the check that failed and is shown last: a cause must not tell what a check that is held back found."""
    wrong = [i for i, check in enumerate(checks) if check.status is not Status.PASSED] or list(range(len(checks)))
    return max(wrong, key=lambda i: (_STRICTEST.index(shown[checks[i].id]), -i), default=None)


def _kept(exercise: ExerciseReport, check: CheckResult, shown: dict[str, Visibility], limit: int) -> list[str]:
    """Why a check that fails has points. What is shown later than this check is not told of here."""
    when = _STRICTEST.index(shown[check.id])
    words = kept_words(exercise, check, may_be_named=lambda other: _STRICTEST.index(shown[other.id]) <= when)
    return [fit(words, limit)] if words else []


def _said(check: CheckResult, limit: int) -> Iterator[str]:
    yield f"{_words.CHECK[check.status].word}. {fit(check.message, limit)}"
    if check.cell is not None:
        yield f"{_place(check.cell, check.line)}."
    if check.advice:
        yield say("What to do: {advice}", advice=fit(check.advice, limit))
    yield from (say("Seen: {evidence}", evidence=fit(line, limit)) for line in check.evidence[:_LINES])
    yield from (say("Note: {note}", note=fit(line, limit)) for line in check.notes[:_LINES])


def _cause(diagnosis: Diagnosis, limit: int, *, essay: bool) -> str:
    told = fit(diagnosis.message, limit)
    if diagnosis.cell is None:
        return say("About your answer: {message}", message=told) if essay else say("Cause: {message}", message=told)
    where = _place(diagnosis.cell, diagnosis.line)
    if essay:
        return say("About your answer ({place}): {message}", place=where, message=told)
    return say("Cause ({place}): {message}", place=where, message=told)


def _place(cell: int, line: int | None) -> str:
    return say("Cell {cell}, line {line}", cell=cell, line=line) if line else say("Cell {cell}", cell=cell)
