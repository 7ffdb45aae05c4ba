"""The report of a submission on which the grader itself failed."""

from __future__ import annotations

from grader.assignment import Assignment, CalledExercise, EssayExercise
from grader.language import say
from grader.submission import HandIn
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus
from grader.written import parts


def grader_broke(assignment: Assignment, hand_in: HandIn, what: str) -> Report:
    """The report of a submission on which the grader itself failed: all points are pending."""
    message = say(
        "The grader failed on this submission ({what}). This is not the student's fault and costs nothing.", what=what
    )
    exercises = []
    for exercise in assignment.exercises:
        points = parts(exercise) if isinstance(exercise, EssayExercise) else {"answer": exercise.max_score}
        if isinstance(exercise, CalledExercise):
            points = {str(name): most for name, most in exercise.points.items()}
        exercises.append(
            ExerciseReport(
                id=exercise.id,
                title=exercise.title,
                score=0.0,
                max_score=exercise.max_score,
                correct=False,
                checks=[
                    CheckResult(id=name, status=Status.GRADER_BROKE, score=0.0, max_score=most, message=message)
                    for name, most in points.items()
                ],
                diagnoses=[],
            )
        )
    return Report(
        student=hand_in.student,
        file=hand_in.file,
        status=SubmissionStatus.GRADER_BROKE,
        message=message,
        score=0.0,
        max_score=assignment.max_score,
        exercises=exercises,
        repairs=[],
        warnings=[message],
    )
