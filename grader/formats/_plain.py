"""A report as plain text, check by check: what a learning platform shows of it. Nothing in it is markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grader.assignment import EssayExercise, Visibility
from grader.formats import _words
from grader.formats._excerpt import heading
from grader.formats._format import Run
from grader.formats._kept import kept_words
from grader.formats._text import clip, from_terminal, one_line, visible
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
        said.append(f"{_words.SUBMISSION[report.status].word}. {_words.SUBMISSION_MEANS[report.status]}")
    if report.message:
        said.append(fit(report.message, limit))
    if report.pending > 0:
        said.append(pending_words(report))
    said += [f"Repaired: {fit(line, limit)}" for line in report.repairs[:_LINES]]
    if run.isolation != "bwrap":
        said.append(_words.isolation(run))
    return "\n".join(said)


def score_words(report: Report) -> str:
    """`30 of 90 points`: of those that are decided."""
    decided = report.max_score - report.pending
    return f"{_words.points(report.score)} of {_words.points(decided)} points"


def pending_words(report: Report) -> str:
    """Why the score is not final."""
    return (
        f"Not final: {_words.points(report.pending)} further points are open. They are neither won nor lost; "
        "a human decides about them."
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
            word = "About your answer" if isinstance(spec, EssayExercise) else "Cause"
            lines += [_cause(word, diagnosis, limit) for diagnosis in exercise.diagnoses]
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
        yield _place(check.cell, check.line)
    if check.advice:
        yield f"What to do: {fit(check.advice, limit)}"
    yield from _some("Seen: ", check.evidence, limit)
    yield from _some("Note: ", check.notes, limit)


def _cause(word: str, diagnosis: Diagnosis, limit: int) -> str:
    where = f" ({_place(diagnosis.cell, diagnosis.line)[:-1]})" if diagnosis.cell is not None else ""
    return f"{word}{where}: {fit(diagnosis.message, limit)}"


def _some(mark: str, lines: Iterable[str], limit: int) -> list[str]:
    return [mark + fit(line, limit) for line in list(lines)[:_LINES]]


def _place(cell: int, line: int | None) -> str:
    return f"Cell {cell}, line {line}." if line else f"Cell {cell}."
