"""What an answer earns, and what is said of it. Of a wrong answer why it is wrong, and never which one is right."""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.assignment import ChoiceExercise, Option, PredictExercise, QuizExercise
from grader.language import say
from grader.quiz import lessons, numbers, options
from grader.submission import Given, Misnamed, Nothing, Stray, Unreadable, Written
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, ExerciseReport, Lesson, Status

Verdict = tuple[Status, str, Lesson | None]
_GROUPED = re.compile(r"(?<![0-9.,])[0-9]{1,3}+([.,])[0-9]{3}(?![0-9.,])")
_SHOWN = 200  # characters of an answer
_NEAR = 0.01  # of the value


def judge_quiz(exercise: QuizExercise, given: Given | None) -> ExerciseReport:
    """The report on one question.

    Args:
        given: what the notebook gives for it; None where it says nothing.
    """
    status, message, lesson = _verdict(exercise, given)
    result = CheckResult(
        id="answer",
        title=say("Answer"),
        status=status,
        score=exercise.max_score if status is Status.PASSED else 0.0,
        max_score=exercise.max_score,
        message=message,
        cell=given.cell if given else None,
        line=given.line if given else None,
        lesson=lesson.said() if lesson else None,
    )
    return ExerciseReport.of(exercise, [result], [], answer=_shown(given))


def _verdict(exercise: QuizExercise, given: Given | None) -> Verdict:
    if given is None:
        return (
            Status.FAILED,
            say("Not answered: nothing in the notebook is bound to {name}.", name=exercise.name),
            lessons.NOT_ANSWERED,
        )
    if isinstance(given.value, Nothing):
        message = say("Not answered: {name} still has no value.", name=exercise.name)
        return Status.FAILED, message, lessons.NOT_ANSWERED
    if isinstance(given.value, Misnamed):
        return _misnamed(exercise, given, given.value.name)
    if isinstance(given.value, Unreadable | Stray):
        return _not_read(exercise, given)
    try:
        return _choice(exercise, given) if isinstance(exercise, ChoiceExercise) else _prediction(exercise, given)
    except (options.Unclear, numbers.Unclear):
        return _not_read(exercise, given)


def _misnamed(exercise: QuizExercise, given: Given, other: str) -> Verdict:
    told = {"name": exercise.name, "other": other, "place": _where(given)}
    pending = say(
        "Pending: nothing in the notebook is bound to {name}, but {other} is, in {place}. "
        "A human looks whether it is meant.",
        **told,
    )
    return Status.SKIPPED, f"{pending} {say('Write the name as the question does: {name}.', **told)}", None


def _where(given: Given) -> str:
    if given.line:
        return say("cell {cell}, line {line}", cell=given.cell, line=given.line)
    return say("cell {cell}", cell=given.cell)


def _not_read(exercise: QuizExercise, given: Given) -> Verdict:
    if isinstance(given.value, Stray):
        pending = say(
            "Pending: {name} has no value, and in {place} something is written. A human reads whether it answers "
            "the question.",
            name=exercise.name,
            place=_where(given),
        )
    elif isinstance(given.value, Written | str):
        pending = say("Pending: it is not sure what is meant in {place}. A human looks at it.", place=_where(given))
    else:
        pending = say(
            "Pending: what {name} is cannot be read off {place}, since no code is run for a question. "
            "A human looks at it.",
            name=exercise.name,
            place=_where(given),
        )
    advice = (
        say('Write the letter of the option itself, as in "a", at the left margin of a cell.')
        if isinstance(exercise, ChoiceExercise)
        else say("Write the value itself, as in 3.5 or (1, 3, 32, 32), at the left margin of a cell.")
    )
    return Status.SKIPPED, f"{pending} {advice}", None


# ---------------------------------------------------------------------- multiple choice


def _choice(exercise: ChoiceExercise, given: Given) -> Verdict:
    chosen = _chosen(exercise, given)
    if chosen == []:
        return Status.FAILED, say("Not answered: no box is ticked."), lessons.NOT_ANSWERED
    if chosen is None:
        ids = ", ".join(option.id for option in exercise.options)
        message = (
            say("This is none of the options: answer with one or more of {ids}.", ids=ids)
            if exercise.several
            else say("This is none of the options: answer with one of {ids}.", ids=ids)
        )
        return Status.FAILED, message, lessons.NO_OPTION
    if len(chosen) > 1 and not exercise.several:
        ids = say(" and ").join(option.id for option in chosen)
        message = say("One option is asked for, and these are {n}: {ids}.", n=len(chosen), ids=ids)
        return Status.FAILED, message, lessons.TOO_MANY
    if exercise.withheld:
        read = say(" and ").join(f"{option.id}) {option.text.rstrip('.')}" for option in chosen)
        message = say("Read: {options}.", options=read)
        return Status.SKIPPED, f"{message} {say(LEFT_TO_THE_MARKING)}", None
    wrong = [option for option in chosen if not option.right]
    if wrong:
        return Status.FAILED, "\n".join(_why(option) for option in wrong), lessons.WRONG_OPTION
    if exercise.several and len(chosen) < sum(option.right for option in exercise.options):
        return Status.FAILED, say("What is chosen is right, and it is not all that is right."), lessons.NOT_ALL
    return Status.PASSED, _right(chosen), None


def _chosen(exercise: ChoiceExercise, given: Given) -> list[Option] | None:
    if isinstance(given.value, Written):
        return options.in_words(exercise, given.value.text)
    assert not isinstance(given.value, Stray)
    values = given.value if isinstance(given.value, tuple) else (given.value,)
    return options.in_code(exercise, values)


def _why(option: Option) -> str:
    return (
        f"{option.id}) {option.text.rstrip('.')}: {option.explanation}"
        if option.explanation
        else f"{option.id}) {option.text}"
    )


def _right(chosen: Sequence[Option]) -> str:
    return "\n".join(_why(option) for option in chosen)


# ---------------------------------------------------------------------- what comes out


def _prediction(exercise: PredictExercise, given: Given) -> Verdict:
    assert not isinstance(given.value, Nothing | Unreadable | Misnamed | Stray)
    if exercise.withheld:
        message = say("Read.")
        return Status.SKIPPED, f"{message} {say(LEFT_TO_THE_MARKING)}", None
    value = given.value.text if isinstance(given.value, Written) else given.value
    try:
        said = numbers.shape(value) if isinstance(exercise.value, list) else numbers.number(value)
    except numbers.NoNumber as error:
        return Status.FAILED, str(error), lessons.NO_NUMBER
    if _may_mean_another(exercise, given, said):
        raise numbers.Unclear
    if exercise.means(exercise.value, said):
        return Status.PASSED, exercise.explanation or say("{value} it is.", value=_plain(said)), None
    for wrong in exercise.wrong:
        if exercise.means(wrong.value, said):
            return Status.FAILED, f"{_plain(said)}: {wrong.explanation}", lessons.WRONG_NUMBER
    message = say("{value} is not what comes out.", value=_plain(said))
    return (
        Status.FAILED,
        f"{message} {_how_near(exercise)}" if _is_near(exercise, said) else message,
        lessons.WRONG_NUMBER,
    )


def _is_near(exercise: PredictExercise, said: float | list[int]) -> bool:
    """Off by so little that it may have been rounded."""
    if isinstance(exercise.value, list) or isinstance(said, list):
        return False
    return abs(said - exercise.value) <= _NEAR * abs(exercise.value)


def _how_near(exercise: PredictExercise) -> str:
    """How exact the number has to be, for whoever is near it."""
    assert not isinstance(exercise.value, list)
    if not exercise.tolerance and not exercise.relative:
        return say("It is near, and it has to be exact, to the last digit.")
    if exercise.tolerance >= exercise.relative * abs(exercise.value):
        return say("It is near, and it may be off by {most} at most.", most=f"{exercise.tolerance:g}")
    return say("It is near, and it may be off by {percent} percent at most.", percent=f"{100 * exercise.relative:g}")


def _may_mean_another(exercise: PredictExercise, given: Given, said: float | list[int]) -> bool:
    """`73.728` for 73,728 or the other way round, and `1*64*8*8` for a shape: a human sees what is meant."""
    if isinstance(exercise.value, list) or isinstance(said, list):
        return isinstance(said, list) and len(said) == 1 and "*" in given.source
    if exercise.means(exercise.value, said) or not (match := _GROUPED.search(given.source)):
        return False
    return exercise.means(exercise.value, said * 1_000 if match[1] == "." else said / 1_000)


def _plain(value: float | list[int]) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else f"{value:.12g}"


def _shown(given: Given | None) -> str | None:
    """The student's answer as Markdown: words as they are, code as code."""
    if given is None or isinstance(given.value, Nothing):
        return None
    if isinstance(given.value, Written | Stray):
        return given.value.text[:_SHOWN]
    code = " ".join(given.source.split()).replace("`", "'")
    return f"`{code[:_SHOWN]}`" if code else None
