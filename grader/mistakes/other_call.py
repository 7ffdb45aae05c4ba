"""The block is that of another call: a default is another one, or an argument is not there.

The reference, built with other arguments, is held against what the student's module does. That is the replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from grader.assignment import Case, ModuleExercise
from grader.errors import AssignmentError
from grader.judge.behaviour import behaves_like, orders
from grader.judge.examined import Examined, RightAnswers
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.language import say
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.verdict import Proof

VALUES = (1, 2, 3, 4, 8, 16, 32, 64)  # what an argument is tried with, beside the values of the cases


def forms_of_call(answers: RightAnswers, seen: Observation, arguments: dict[str, JsonValue]) -> Iterator[Form]:
    """Right forms of another call that have the student's slots, for the inputs of a case."""
    written = ", ".join(f"{name}={value}" for name, value in arguments.items())
    other = seen.case.model_copy(update={"title": f"{seen.case.title}, {written}", "arguments": arguments})
    try:
        forms = answers.forms(other)
    except AssignmentError:
        return  # there is no such block: its channels cannot be parted so, perhaps
    for form in forms:
        if form.signature == seen.signature:
            asked = Form(form.reference, seen.case, form.variant, (), form.seed, str(form.device), base=form)
            yield from orders(seen, asked)


def is_that_of(examined: Examined, argument: str, value: JsonValue, among: Iterable[Observation]) -> bool:
    """Does the module behave in these cases like the reference that is given this value for an argument?"""
    answers = examined.answers
    assert answers is not None
    for seen in (each.by_graph or each for each in among):
        known = {**answers.reference.defaults, **seen.case.arguments, argument: value}
        arguments = {name: known[name] for name in answers.reference.arguments if name in known}
        if not any(behaves_like(seen, [form]) for form in forms_of_call(answers, seen, arguments)):
            return False
    return True


def candidates(examined: Examined, argument: str) -> Iterator[JsonValue]:
    """Values that an argument may have in a student's block, the likeliest first."""
    assert examined.answers is not None
    default = examined.answers.reference.defaults.get(argument)
    given = [case.arguments[argument] for case in examined.exercise.cases if argument in case.arguments]
    yield from dict.fromkeys([default, *given, *VALUES] if isinstance(default, int) else [default, *given])


def _leaves_out(case: Case, argument: str) -> bool:
    return argument not in case.arguments


class DefaultWrong(Noticed):
    id = "default-wrong"
    message = "An argument of the constructor has another default value than the task says."
    why = (
        "Whoever leaves an argument out relies on its default. With another one they get another block, and nothing "
        "tells them so."
    )
    hints = (
        "A default is the value that an argument has when the caller does not give it.",
        "Hold the line `def __init__(self, ...)` beside the signature in the task, and compare what stands behind each "
        "equals sign.",
        "Write the default of the task, as in `stride=1`.",
    )
    rank = "before"
    broken = (changed(RESBLOCK, ("out_channels, stride=1):", "out_channels, stride=2):")),)

    def notice(self, examined: Examined) -> Notice | None:
        if not isinstance(examined.exercise, ModuleExercise) or examined.answers is None or examined.ended is not None:
            return None
        for argument, default in examined.answers.reference.defaults.items():
            without = [seen for seen in examined.observations if _leaves_out(seen.case, argument)]
            wrong = [seen for seen in without if examined.right_form(seen) is None]
            others = [seen for seen in examined.observations if seen not in wrong]
            if not wrong or len(wrong) < len(without) or any(examined.right_form(seen) is None for seen in others):
                continue
            for value in candidates(examined, argument):
                if value != default and is_that_of(examined, argument, value, wrong):
                    said = say(
                        "Where {argument} is left out, the block is that for {argument}={value}. The task says "
                        "{argument}={default}.",
                        argument=argument,
                        value=value,
                        default=default,
                    )
                    return Notice(Proof.REPLAYED, message=said)
        return None


def without_argument(examined: Examined) -> Notice:
    """A constructor that does not take an argument at all; proven, if the block is always that of one value of it."""
    assert examined.convention is not None
    assert examined.convention.names is not None
    names = examined.convention.names
    missing = [name for name in examined.exercise.cases[0].arguments if name not in names]
    if len(missing) == 1 and examined.answers is not None and examined.ended is None:
        for value in candidates(examined, missing[0]):
            if is_that_of(examined, missing[0], value, examined.observations):
                said = say(
                    "The constructor does not take {argument}: the block is always that for {argument}={value}.",
                    argument=missing[0],
                    value=value,
                )
                return Notice(Proof.REPLAYED, message=said)
    said = say("The constructor does not take {arguments}.", arguments=", ".join(missing))
    return Notice(Proof.MEASURED, message=said, explains=False)
