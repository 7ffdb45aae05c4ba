"""Find what a notebook gives as the answer to a question: bound to the question's name, or written in Markdown.

q_depth = "b"                        what the name is bound to in the end
### Answer: b                        else as an essay's answer is found: a marked cell, a heading
b                                    else what stands at the question and is not the starter's, for a human to read
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from grader.assignment import QuizExercise
from grader.submission import astray
from grader.submission.answers import Texts, Written, find_written
from grader.submission.bound import Given, find_bound, is_open
from grader.submission.handed_out import HandedOut
from grader.submission.literals import LONGEST, Nothing, Unreadable
from grader.submission.nouns import Submission
from grader.submission.stray import Strays


def find_given(
    submission: Submission, exercises: Iterable[QuizExercise], handed_out: HandedOut | None = None
) -> dict[str, Given]:
    """What is given for each exercise, by its id. An exercise that is not mentioned anywhere has none.

    Args:
        handed_out: what the starter says, where it is known: anything else may be an answer.
    """
    wanted = {exercise.name: exercise for exercise in exercises}
    bound = find_bound(submission, frozenset(wanted)) if wanted else {}
    strays = Strays(submission, list(wanted.values()), handed_out) if wanted and handed_out else None
    texts = Texts()
    found: dict[str, Given] = {}
    for name, exercise in wanted.items():
        given = bound.get(name)
        if is_open(given):
            given = (
                _elsewhere(submission, exercise, bound, wanted, texts)
                or _below(submission, exercise, given)
                or _stray(strays, exercise, given)
                or given
            )
        if given is not None:
            found[exercise.id] = given
    return found


def _elsewhere(
    submission: Submission,
    exercise: QuizExercise,
    bound: Mapping[str, Given],
    wanted: Collection[str],
    texts: Texts,
) -> Given | None:
    """What was written in Markdown, or bound to a name that is nearly the same."""
    line = astray.in_text(submission, exercise.name)
    if line is not None:
        value = Written(line.text, line.cell) if isinstance(line.value, Unreadable) else line.value
        return Given(value, line.text[:LONGEST], line.cell)
    written = find_written(submission, exercise, texts)
    if written is not None:
        return Given(written, written.text[:LONGEST], written.cell)
    others = [name for name, given in bound.items() if not isinstance(given.value, Nothing)]
    near = astray.nearest(exercise.name, others, wanted)
    return replace(bound[near], value=astray.Misnamed(near)) if near else None


def _below(submission: Submission, exercise: QuizExercise, empty: Given | None) -> Given | None:
    line = astray.just_below(submission, empty.cell, exercise) if empty else None
    return Given(Written(line.text, line.cell), line.text, line.cell) if line else None


def _stray(strays: Strays | None, exercise: QuizExercise, empty: Given | None) -> Given | None:
    stray = strays.at(exercise, empty.cell if empty else None) if strays else None
    return Given(stray, stray.text, stray.cell) if stray else None
