"""What a student reads first: how to check oneself, and how much of the marking that is."""

from __future__ import annotations

from collections.abc import Iterator

from grader.assignment import Assignment, EssayExercise, Exercise, ExperimentExercise, QuizExercise
from grader.release.public import is_withheld


def readme(assignment: Assignment) -> str:
    """`README.md` of a student's copy."""
    return "\n".join(_lines(assignment)) + "\n"


def left_to_the_marking(exercise: Exercise, assignment: Assignment) -> str:
    """What of an exercise students cannot check by themselves; "" where they can check all of it."""
    if isinstance(exercise, EssayExercise):
        return "a person reads it"
    if isinstance(exercise, QuizExercise):
        return "whether the answer is right"
    if not is_withheld(exercise, assignment):
        return ""
    if isinstance(exercise, ExperimentExercise):
        return "everything but whether it is defined"
    return "whether it does what the reference does"


def _lines(assignment: Assignment) -> Iterator[str]:
    left = {each.id: left_to_the_marking(each, assignment) for each in assignment.exercises}
    yield f"# {_plain(assignment.title)}"
    yield ""
    yield "1. Open `starter.ipynb`, save it as `mine.ipynb`, and write your answers into that."
    yield "2. Check it, as often as you like: `grader check mine.ipynb --assignment .`"
    yield "3. Hand in `mine.ipynb`."
    yield ""
    if any(left.values()):
        yield "What you run is the code that marks you. This folder does not hold everything that it compares with:"
        yield "points that it cannot decide here are said to be pending, and are neither won nor lost."
    else:
        yield "What you run is the code that marks you, with all that it is compared with."
    yield ""
    yield "| Exercise | Points | Only the marking tells |"
    yield "|---|---|---|"
    for exercise in assignment.exercises:
        yield f"| {_plain(exercise.title)} | {exercise.max_score:g} | {left[exercise.id]} |"


def _plain(text: str) -> str:
    """A title within a line of Markdown, and within a table."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
