"""Cases that an exercise could have besides its own, and what they have that none of those has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from grader.assignment import Argument, Case
from grader.audit.arguments import Arguments
from grader.errors import AssignmentError
from grader.judge.reference import Reference

MOST = 24


def candidates(reference: Reference) -> list[Case]:
    """Cases with other combinations of the arguments, small ones first, that the reference can do.

    Each argument takes the values that it has in some case; one that has a whole number as default also the default
    and the next number. An argument that always equals the input's channels goes on doing so.
    """
    exercise = reference.exercise
    own = [case for case in exercise.cases if not case.confirm] or list(exercise.cases)
    names = max((list(case.arguments) for case in own), key=len)
    defaults = reference.arguments
    columns: list[list[Argument]] = []
    for name in names:
        values = [case.arguments[name] for case in own if name in case.arguments]
        default = defaults.get(name)
        if type(default) is int:
            values += [default, default + 1]
        columns.append(list(dict.fromkeys(values)))
    first = next((n for n in names if all(case.arguments.get(n) == case.input[0] for case in own)), None)
    # Of channels there must be few and more: twice as many as the fewest.
    for name, column in zip(names, columns, strict=True):
        if len(column) == 1 and type(column[0]) is int and name not in _with_defaults(defaults):
            column.append(column[0] * 2)
    known = {tuple(case.arguments.items()) for case in exercise.cases}
    found = []
    for values_ in sorted(product(*columns), key=lambda row: sum(v for v in row if isinstance(v, int))):
        arguments = dict(zip(names, values_, strict=True))
        channels = [arguments[first]] if first is not None else own[0].input[:1]
        title = f"{exercise.name}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"
        if tuple(arguments.items()) not in known:
            case = Case.model_validate(
                {"title": title, "arguments": arguments, "input": [*channels, *own[0].input[1:]]}
            )
            if _works(reference, case):
                found.append(case)
        if len(found) == MOST:
            break
    return found


def novelty(arguments: Arguments, candidate: int) -> str:
    """What holds in this case and in none of the others, as a Python expression in the arguments."""
    return arguments.condition({candidate}, set(range(len(arguments.cases))))


def _works(reference: Reference, case: Case) -> bool:
    try:
        reference.output_shape(case, (2, *case.input))
    except AssignmentError:
        return False
    return True


def _with_defaults(defaults: dict[str, object]) -> Sequence[str]:
    return [name for name, default in defaults.items() if isinstance(default, bool | int | float | str)]
