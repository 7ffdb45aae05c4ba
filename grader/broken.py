"""Reports of submissions and exercises on which the grader itself failed, or lacks what they need: nobody loses points
by that."""

from __future__ import annotations

from grader.assignment import Assignment, CalledExercise, EssayExercise, Exercise
from grader.language import say
from grader.submission import HandIn
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus
from grader.written import parts


def grader_broke(assignment: Assignment, hand_in: HandIn, what: str) -> Report:
    """The report of a submission on which the grader itself failed: all points are pending."""
    message = say(
        "The grader failed on this submission ({what}). This is not the student's fault and costs nothing.", what=what
    )
    return Report(
        student=hand_in.student,
        file=hand_in.file,
        status=SubmissionStatus.GRADER_BROKE,
        message=message,
        score=0.0,
        max_score=assignment.max_score,
        exercises=[broken_exercise(exercise, message) for exercise in assignment.exercises],
        repairs=[],
        warnings=[message],
    )


def broken_exercise(exercise: Exercise, message: str, status: Status = Status.GRADER_BROKE) -> ExerciseReport:
    """The report on an exercise on which the grader failed, or that waits for a human: all its points are pending."""
    points = parts(exercise) if isinstance(exercise, EssayExercise) else {"answer": exercise.max_score}
    if isinstance(exercise, CalledExercise):
        points = {str(name): most for name, most in exercise.points.items()}
    return ExerciseReport(
        id=exercise.id,
        title=exercise.title,
        score=0.0,
        max_score=exercise.max_score,
        correct=False,
        checks=[
            CheckResult(id=name, status=status, score=0.0, max_score=most, message=message)
            for name, most in points.items()
        ],
        diagnoses=[],
    )


def without_library(exercise: Exercise, library: str) -> ExerciseReport:
    """The report on an exercise that stands on a library which is not installed here."""
    message = say(
        "Not measured: it needs {library}, which is not installed where this is graded. Its points are pending, not "
        "lost.",
        library=library,
    )
    return broken_exercise(exercise, message, Status.SKIPPED)


def failed_here(error: Exception) -> str:
    """What is said of an exercise on which the grader failed."""
    return say(
        "The grader failed on this exercise ({what}). This is not the student's fault and costs nothing.",
        what=f"{type(error).__name__}: {error}",
    )


def in_doubt(exercise: str) -> str:
    """What is said of a network where the grader failed on an exercise of which it may be made."""
    return say(
        "The grader failed on {exercise}, of which this may be made: whether a mistake has cost there is not known. "
        "The points are pending, not lost.",
        exercise=exercise,
    )


def without_cause(result: CheckResult, error: Exception) -> CheckResult:
    """A failed check, where the grader failed in the search for the cause: what it costs is not known then."""
    message = f"{result.message} {failed_here(error)}"
    return result.model_copy(update={"status": Status.GRADER_BROKE, "score": 0.0, "message": message})
