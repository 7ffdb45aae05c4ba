"""The feedback page: one report, in the order in which a student wants to read it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from grader.assignment import EssayExercise
from grader.formats import _words
from grader.formats._budget import Budget
from grader.formats._excerpt import Place, heading, place
from grader.formats._format import Run
from grader.formats._markup import markdown
from grader.formats._pages import render
from grader.formats._pictures import Shown, pictures_of
from grader.formats._text import clip, from_terminal
from grader.formats._values import Comparison, compare
from grader.formats._words import Label
from grader.submission import Submission
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Report, SubmissionStatus

_MESSAGE = 2_000  # characters
_LINES = 40  # of evidence, notes, repairs, warnings


@dataclass(frozen=True)
class CheckView:
    """One check, ready to be shown."""

    anchor: str
    title: str
    label: Label
    score: float
    max_score: float
    message: str
    comparison: Comparison | None
    place: Place | None
    advice: str
    evidence: list[str]
    notes: list[str]


@dataclass(frozen=True)
class DiagnosisView:
    """One named mistake, ready to be shown."""

    mistake: str
    message: str
    proof: Label
    place: Place | None


@dataclass(frozen=True)
class ExerciseView:
    """One exercise: what is right, what to fix first, what a human still marks."""

    anchor: str
    title: str
    task: str
    score: float
    max_score: float
    pending: float
    label: Label
    diagnoses: list[DiagnosisView]
    right: list[CheckView]
    wrong: list[CheckView]
    open: list[CheckView]
    formula: str
    essay: bool
    answer: Markup | None
    pictures: list[Shown]


def feedback_page(run: Run, report: Report, submission: Submission | None) -> str:
    """The page as text."""
    budget = Budget()
    return render(
        "feedback.html.j2",
        run=run,
        report=report,
        status=_words.SUBMISSION[report.status],
        status_means=_words.SUBMISSION_MEANS[report.status],
        status_message=_short(report.message),
        graded=report.status is SubmissionStatus.GRADED,
        exercises=[
            _exercise(run, exercise, number, submission, budget)
            for number, exercise in enumerate(report.exercises, start=1)
        ],
        has_notebook=submission is not None,
        repairs=_some(report.repairs),
        warnings=_some(report.warnings),
        isolation=_words.isolation(run),
        walled=run.isolation == "bwrap",
    )


def exercise_anchor(number: int) -> str:
    """Counted, not named: ids in a page must differ, and an id from data might be anything."""
    return f"exercise-{number}"


def check_anchor(exercise: int, check: int) -> str:
    return f"exercise-{exercise}-check-{check}"


def _exercise(
    run: Run, exercise: ExerciseReport, number: int, submission: Submission | None, budget: Budget
) -> ExerciseView:
    spec = next((spec for spec in run.assignment.exercises if spec.id == exercise.id), None)
    essay = isinstance(spec, EssayExercise) or exercise.answer is not None
    shown: set[tuple[int, int | None]] = set()
    diagnoses = [_diagnosis(diagnosis, essay, submission, shown) for diagnosis in exercise.diagnoses]
    checks = [
        _check(check, check_anchor(number, i), essay, submission, shown)
        for i, check in enumerate(exercise.checks, start=1)
    ]
    by_look = {look: [check for check in checks if check.label.look == look] for look in ("right", "wrong", "open")}
    return ExerciseView(
        anchor=exercise_anchor(number),
        title=heading(exercise.title or (spec.title if spec else ""), exercise.id),
        task=spec.task if spec else "",
        score=exercise.score,
        max_score=exercise.max_score,
        pending=exercise.pending,
        label=_exercise_label(exercise, essay),
        diagnoses=diagnoses,
        **by_look,
        formula=_short(exercise.formula),
        essay=essay,
        answer=markdown(exercise.answer, budget, heading_level=5) if exercise.answer else None,
        pictures=pictures_of(exercise.pictures, exercise_anchor(number), submission),
    )


def _exercise_label(exercise: ExerciseReport, essay: bool) -> Label:
    if exercise.correct:
        return Label("right", "✓", "All points proposed" if essay else "Correct")
    if any(_words.CHECK[check.status].look == "wrong" for check in exercise.checks):
        return Label("wrong", "✗", "Something to fix")
    return Label("open", "–", "Partly marked" if essay and exercise.score else "Not marked yet")


def _check(
    check: CheckResult,
    anchor: str,
    essay: bool,
    submission: Submission | None,
    shown: set[tuple[int, int | None]],
) -> CheckView:
    label = _words.CHECK[check.status]
    if essay:
        label = _words.ESSAY_CHECK.get(check.status, label)
    return CheckView(
        anchor=anchor,
        title=heading(check.title, check.id),
        label=label,
        score=check.score,
        max_score=check.max_score,
        message=_short(check.message),
        comparison=compare(check.expected, check.actual),
        place=_place_once(submission, check.cell, check.line, shown),
        advice=_short(check.advice),
        evidence=_some(check.evidence),
        notes=_some(check.notes),
    )


def _diagnosis(
    diagnosis: Diagnosis, essay: bool, submission: Submission | None, shown: set[tuple[int, int | None]]
) -> DiagnosisView:
    return DiagnosisView(
        mistake=diagnosis.mistake,
        message=_short(diagnosis.message),
        proof=_words.ESSAY_PROOF if essay else _words.PROOF[diagnosis.proof],
        place=_place_once(submission, diagnosis.cell, diagnosis.line, shown),
    )


def _place_once(
    submission: Submission | None, cell: int | None, line: int | None, shown: set[tuple[int, int | None]]
) -> Place | None:
    """The same lines are shown once an exercise; a finding that comes later only names the place."""
    found = place(submission, cell, line)
    if found is None:
        return None
    if (found.cell, found.line) in shown:
        return Place(found.cell, found.line, [], found.linked)
    shown.add((found.cell, found.line))
    return found


def _short(text: str) -> str:
    return clip(from_terminal(text), _MESSAGE)[0]


def _some(lines: list[str]) -> list[str]:
    left_out = len(lines) - _LINES
    return [_short(line) for line in lines[:_LINES]] + [f"… and {left_out} more"] * (left_out > 0)
