"""The feedback page: one report, in the order in which a student wants to read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from grader.assignment import ChoiceExercise, EssayExercise, Hints, PredictExercise
from grader.formats import _words
from grader.formats._budget import Budget
from grader.formats._excerpt import heading
from grader.formats._findings import (
    CheckView,
    MistakeView,
    Pointer,
    Told,
    check_anchor,
    check_view,
    lead_of,
    mistake_anchor,
    mistake_view,
    short,
    some,
)
from grader.formats._format import Run
from grader.formats._kept import kept_words
from grader.formats._markup import markdown
from grader.formats._pages import render
from grader.formats._pictures import Shown, pictures_of
from grader.formats._text import one_line
from grader.formats._words import Label
from grader.language import later
from grader.submission import Submission
from grader.verdict import Diagnosis, ExerciseReport, Report, SubmissionStatus

_STEP = 160  # characters of a finding in the list of what to fix


@dataclass(frozen=True)
class ExerciseView:
    """One exercise: what is right, what to fix, what a human still marks."""

    anchor: str
    title: str
    task: str
    score: float
    max_score: float
    pending: float
    label: Label
    mistakes: list[MistakeView]
    right: list[CheckView]
    wrong: list[CheckView]
    open: list[CheckView]
    formula: str
    essay: bool
    question: bool  # one answer, which is right or wrong
    answer: Markup | None
    pictures: list[Shown]

    @property
    def explained(self) -> list[CheckView]:
        """Checks that fail by what is named elsewhere."""
        return [check for check in self.wrong if check.causes]

    @property
    def unexplained(self) -> list[CheckView]:
        return [check for check in self.wrong if not check.causes]


@dataclass(frozen=True)
class Step:
    """One entry of what to fix first: where it is told, and the other exercises that it is found in."""

    here: Pointer
    exercise: str
    place: str
    also: list[Pointer] = field(default_factory=list)


def feedback_page(run: Run, report: Report, submission: Submission | None) -> str:
    """The page as text."""
    budget, told = Budget(), Told()
    # A note stands at its check: no need to warn of it as well.
    noted = {f"{each.id}: {note}" for each in report.exercises for check in each.checks for note in check.notes}
    exercises = [
        _exercise(run, exercise, number, submission, budget, told)
        for number, exercise in enumerate(report.exercises, start=1)
    ]
    return render(
        "feedback.html.j2",
        run=run,
        report=report,
        status=_words.SUBMISSION[report.status],
        status_means=_words.means(report.status),
        status_message=short(report.message),
        graded=report.status is SubmissionStatus.GRADED,
        exercises=exercises,
        steps=steps(exercises),
        held_until=_held_until(run.assignment.hints),
        has_notebook=submission is not None,
        repairs=some(report.repairs),
        warnings=some([warning for warning in report.warnings if warning not in noted]),
        isolation=_words.isolation(run),
        walled=run.isolation == "bwrap",
    )


def exercise_anchor(number: int) -> str:
    return f"exercise-{number}"


def steps(exercises: list[ExerciseView]) -> list[Step]:
    """What to fix, in order: proven causes, then failed checks that nothing explains, then what was only reported.

    A mistake that is made in several exercises is one step.
    """
    found: dict[str, Step] = {}
    late: dict[str, Step] = {}
    for exercise in (exercise for exercise in exercises if not exercise.essay):
        for mistake in exercise.mistakes:
            steps = found if mistake.is_cause else late
            here = Pointer(mistake.anchor, one_line(mistake.lead or mistake.message, _STEP))
            first = steps.setdefault(
                mistake.mistake, Step(here, exercise.title, mistake.place.words if mistake.place else "")
            )
            if first.here is not here:
                first.also.append(Pointer(mistake.anchor, exercise.title))
    failed = [
        Step(
            Pointer(check.anchor, ("" if exercise.question else f"{check.title}: ") + one_line(check.message, _STEP)),
            exercise.title,
            check.place.words if check.place else "",
        )
        for exercise in exercises
        for check in exercise.unexplained
    ]
    return [*found.values(), *failed, *late.values()]


def _held_until(hints: Hints) -> tuple[str, str] | None:
    """For machines, and in words."""
    when = hints.last_from
    return None if when is None else (when.isoformat(), _words.moment(when))


def _exercise(
    run: Run,
    exercise: ExerciseReport,
    number: int,
    submission: Submission | None,
    budget: Budget,
    told: Told,
) -> ExerciseView:
    spec = next((spec for spec in run.assignment.exercises if spec.id == exercise.id), None)
    question = isinstance(spec, ChoiceExercise | PredictExercise)
    essay = not question and (isinstance(spec, EssayExercise) or exercise.answer is not None)
    title = heading(exercise.title or (spec.title if spec else ""), exercise.id)
    told.places.clear()
    mistakes = [
        mistake_view(diagnosis, mistake_anchor(number, i), title, essay, submission, told)
        for i, diagnosis in enumerate(exercise.diagnoses, start=1)
    ]
    checks = [
        check_view(
            check,
            check_anchor(number, i),
            title,
            essay,
            submission,
            told,
            _causes(exercise, number, i),
            kept_words(exercise, check, lambda other: heading(other.title, other.id)),
        )
        for i, check in enumerate(exercise.checks, start=1)
    ]
    by_look = {look: [check for check in checks if check.label.look == look] for look in ("right", "wrong", "open")}
    return ExerciseView(
        anchor=exercise_anchor(number),
        title=title,
        task=spec.task if spec else "",
        score=exercise.score,
        max_score=exercise.max_score,
        pending=exercise.pending,
        label=_exercise_label(exercise, essay),
        mistakes=mistakes,
        **by_look,
        formula=short(exercise.formula),
        essay=essay,
        question=question,
        answer=markdown(exercise.answer, budget, heading_level=4) if exercise.answer else None,
        pictures=pictures_of(exercise.pictures, exercise_anchor(number), submission),
    )


def _causes(exercise: ExerciseReport, number: int, i: int) -> list[Pointer]:
    """What a failed check fails by: mistakes that explain it, or a check before it that says why."""
    check = exercise.checks[i - 1]
    if _words.CHECK[check.status].look != "wrong":
        return []
    mistakes = [
        Pointer(mistake_anchor(number, each), _title(diagnosis))
        for each, diagnosis in enumerate(exercise.diagnoses, start=1)
        if diagnosis.is_cause
    ]
    if mistakes:
        return mistakes
    for each, other in enumerate(exercise.checks, start=1):
        is_said_there = other.id == check.follows or (each < i and other.message == check.message)
        if each != i and is_said_there and _words.CHECK[other.status].look == "wrong":
            return [Pointer(check_anchor(number, each), heading(other.title, other.id))]
    return []


def _title(diagnosis: Diagnosis) -> str:
    """What stands above a mistake where it is told, as far as it fits a line."""
    lead, rest = lead_of(short(diagnosis.message))
    return one_line(lead or rest, _STEP).rstrip(".") or diagnosis.mistake


def _exercise_label(exercise: ExerciseReport, essay: bool) -> Label:
    if exercise.correct:
        return Label("right", "✓", later("All points proposed") if essay else later("Correct"))
    if any(_words.CHECK[check.status].look == "wrong" for check in exercise.checks):
        return Label("wrong", "✗", later("Something to fix"))
    return Label("open", "–", later("Partly marked") if essay and exercise.score else later("Not marked yet"))
