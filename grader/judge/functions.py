"""Ask a student's function what it returns, and compare that with what the reference returns for equal arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from grader.assignment import UNTOLD, Assignment, Drawn, FunctionCase, FunctionExercise
from grader.errors import AssignmentError, ProtocolViolated, SessionEnded
from grader.judge.draws import draw_argument
from grader.judge.examine import Worker, ask, insists_on_float32
from grader.judge.reference import find_reference
from grader.judge.values import PlainValue, Unlike, Value, decode, is_in_single_precision, show, unlike
from grader.language import say
from grader.observation import ANYWHERE, Built, Executed, Problem, Raised, Returned, Stands

SCALES = (1.0, 4.0, 0.25)  # of what is drawn: code that is right at one size may be wrong at another
FLOAT32 = 1e-3  # the tolerance where a function insists on arguments in single precision
ROUNDED = 1e-4  # where it makes them so by itself: its numbers have seven digits, less what they lose by subtraction


@dataclass(frozen=True)
class Question:
    """One call: the arguments of a case, drawn for one round."""

    case: FunctionCase
    round: int
    drawn: dict[str, Tensor]

    def arguments(self) -> list[Any]:
        """As the reference takes them; copies, since it may write to them."""
        return [
            _as(self.drawn[name].clone(), spec.given_as) if isinstance(spec, Drawn) else spec
            for name, spec in self.case.arguments.items()
        ]

    def specs(self) -> list[dict[str, Any]]:
        """As the student's process is told them."""
        return [
            {"drawn": name, "as": spec.given_as} if isinstance(spec, Drawn) else {"plain": spec}
            for name, spec in self.case.arguments.items()
        ]

    def __str__(self) -> str:
        return f"({', '.join(map(self._word, self.case.arguments))})"

    def _word(self, name: str) -> str:
        spec = self.case.arguments[name]
        if not isinstance(spec, Drawn):
            return show(spec)
        return show(self.drawn[name]) if self.drawn[name].numel() == 1 else name


@dataclass(frozen=True)
class Expected:
    """What a function returns, or the exception that it raises; the gradient of each drawn argument."""

    value: Value = None
    gradients: dict[str, Tensor] = field(default_factory=dict)
    raises: bool = False


class RightFunction:
    """The reference of a function exercise, and the functions that its known faults name; their answers are kept.

    Raises:
        AssignmentError: one cannot be found or called; the message names the assignment's file and key.
    """

    def __init__(self, assignment: Assignment, exercise: FunctionExercise, seed: int) -> None:
        self.exercise = exercise
        self._assignment = assignment
        self._expected: dict[tuple[str, str, int], Expected] = {}
        self._gradients: dict[int, dict[str, Tensor]] = {}
        told = [case for case in exercise.cases if not (exercise.withheld and case.title == UNTOLD)]
        self.questions = [question for case in told for question in _questions(case, seed)]
        self.cotangents: list[Tensor | None] = []
        if exercise.withheld:
            self.cotangents = [None] * len(self.questions)
            return
        for number, question in enumerate(self.questions):
            value = self.of(exercise.reference, question).value
            again = _canonical(self._function(exercise.reference)(*question.arguments()))
            if unlike(value, again, exercise.tolerance) is not None:
                raise self._wrong(
                    f"case {question.case.title!r}: called twice it gives two values: nobody could give what it gives"
                )
            wanted = self.wants_gradient and isinstance(value, Tensor) and value.is_floating_point()
            spec = Drawn(shape=list(value.shape)) if wanted else None
            self.cotangents.append(draw_argument(seed, f"cotangent {number}", spec, 1.0) if spec else None)
        if self.wants_gradient and not any(
            self.gradients(number) for number, cotangent in enumerate(self.cotangents) if cotangent is not None
        ):
            raise self._wrong("it has no gradient that could be compared: leave out points for one")
        for fault in exercise.faults:
            self._function(fault.reference)

    @property
    def wants_gradient(self) -> bool:
        return "gradient" in self.exercise.points

    def of(self, reference: str, question: Question) -> Expected:
        """What the reference, or a known fault, answers."""
        key = (reference, question.case.title, question.round)
        if key not in self._expected:
            try:
                value = _canonical(self._function(reference)(*question.arguments()))
                self._expected[key] = Expected(value)
            except AssignmentError:
                raise
            except Exception as error:
                if reference == self.exercise.reference:
                    raise self._wrong(
                        f"case {question.case.title!r}: the reference raises {type(error).__name__}: {error}"
                    ) from error
                self._expected[key] = Expected(raises=True)
        return self._expected[key]

    def gradients(self, number: int) -> dict[str, Tensor]:
        """Of the drawn arguments of a question, for its cotangent."""
        if number not in self._gradients:
            self._gradients[number] = self._gradients_of(number)
        return self._gradients[number]

    def _gradients_of(self, number: int) -> dict[str, Tensor]:
        question, cotangent = self.questions[number], self.cotangents[number]
        assert cotangent is not None
        arguments = question.arguments()
        leaves = {
            name: argument.requires_grad_()
            for name, argument in zip(question.case.arguments, arguments, strict=True)
            if isinstance(argument, Tensor) and argument.is_floating_point()
        }
        with torch.enable_grad():
            y = self._function(self.exercise.reference)(*arguments)
            # Given the cotangent itself, torch would import sympy.
            found = (
                torch.autograd.grad((y * cotangent).sum(), list(leaves.values()), allow_unused=True) if leaves else ()
            )
        return {name: each for name, each in zip(leaves, found, strict=True) if each is not None}

    def _function(self, reference: str) -> Callable[..., Any]:
        try:
            found: Callable[..., Any] = find_reference(self._assignment.folder, reference)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise self._wrong(f"{reference!r} cannot be imported: {error}") from error
        if not callable(found):
            raise self._wrong(f"{reference!r} is no function")
        return found

    def _wrong(self, what: str) -> AssignmentError:
        return AssignmentError(
            f"{self._assignment.folder / 'assignment.toml'}: exercise {self.exercise.id}: reference: {what}"
        )


@dataclass
class Call:
    """What came of one question."""

    question: Question
    raised: Raised | None = None
    refused: Raised | None = None  # by the backward pass
    value: Value = None
    gradients: dict[str, Tensor] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # arguments in which it left a gradient


@dataclass
class Called:
    """Everything that was seen of a student's function."""

    exercise: FunctionExercise
    right: RightFunction
    found: str | None = None
    calls: list[Call] = field(default_factory=list)
    asked: Question | None = None  # the call that was made last
    tolerance: float = 0.0
    ended: SessionEnded | None = None
    problems: list[Problem] = field(default_factory=list)
    defined: list[str] = field(default_factory=list)
    stands: Stands = ANYWHERE

    @property
    def ran(self) -> list[Call]:
        """Calls that returned."""
        return [call for call in self.calls if call.raised is None]

    @property
    def raised(self) -> list[Raised]:
        return [call.raised for call in self.calls if call.raised is not None]

    def unlike(self, call: Call, reference: str) -> Unlike | None:
        """How what was returned differs from what a function answers."""
        expected = self.right.of(reference, call.question)
        if expected.raises:
            return Unlike("", say("an exception"), show(call.value))
        return unlike(expected.value, call.value, self.tolerance_of(call))

    def tolerance_of(self, call: Call) -> float:
        """How far from what is right a call may be: further, where it was computed in single precision."""
        return max(ROUNDED, self.tolerance) if is_in_single_precision(call.value) else self.tolerance


def call_function(worker: Worker, called: Called, executed: Executed, names: Sequence[str], seconds: float) -> None:
    """Ask for every call of the exercise.

    Args:
        names: under which the function may be defined, best first.

    Raises:
        SessionEnded: the process is over; what was seen until then is in `called`.
    """
    called.problems = executed.problems
    called.found = executed.first_callable(names)
    if called.found is None:
        return
    for precision in ("float64", "float32"):
        called.calls, called.tolerance = [], called.exercise.tolerance
        if precision == "float32":
            called.tolerance = max(FLOAT32, called.tolerance)
        for number, question in enumerate(called.right.questions):
            called.asked = question
            called.calls.append(_ask(worker, called, number, question, precision, seconds))
        if not any(insists_on_float32(Built(raised=raised)) for raised in called.raised):
            return


def _ask(worker: Worker, called: Called, number: int, question: Question, precision: str, seconds: float) -> Call:
    cotangent = called.right.cotangents[number]
    tensors = question.drawn | ({"cotangent": cotangent} if cotangent is not None else {})
    arguments = {
        "name": called.found,
        "precision": precision,
        "positional": question.specs(),
        "gradient": cotangent is not None,
    }
    returned, value, told = ask_call(worker, arguments, tensors, seconds)
    gradients = {key: told[f"g/{key}"] for key in returned.gradients if f"g/{key}" in told}
    return Call(question, returned.raised, returned.refused, value, gradients, returned.changed, returned.left)


def ask_call(
    worker: Worker, arguments: dict[str, Any], tensors: dict[str, Tensor], seconds: float
) -> tuple[Returned, Value, dict[str, Tensor]]:
    """Ask for one call of a function: the answer, what was returned (None where it raised), and its tensors.

    Args:
        arguments: see `grader.worker.functions.call`.

    Raises:
        ProtocolViolated: the answer is not what was asked for.
        SessionEnded: the process is over.
    """
    returned, _, told = ask(worker, "call", arguments, tensors, Returned, seconds)
    if returned.raised is not None or returned.value is None:
        return returned, None, {}
    try:
        return returned, decode(PlainValue.model_validate(returned.value), told), told
    except (ValidationError, RecursionError) as error:
        raise ProtocolViolated(say("an answer is malformed: {error}", error=type(error).__name__)) from error


def _questions(case: FunctionCase, seed: int) -> Iterator[Question]:
    drawn = {name: spec for name, spec in case.arguments.items() if isinstance(spec, Drawn)}
    for number, scale in enumerate(SCALES if drawn else SCALES[:1]):
        tensors = {
            name: draw_argument(seed, f"argument {case.title} {name} {number}", spec, scale)
            for name, spec in drawn.items()
        }
        yield Question(case, number, tensors)


def _as(tensor: Tensor, given_as: str) -> Any:
    match given_as:
        case "tensor":
            return tensor
        case "array":
            return tensor.numpy()
        case "list":
            return tensor.tolist()
        case _:
            return tensor.item()


def _canonical(value: Any) -> Value:
    """As a student's value arrives: tuples are lists, and arrays tensors."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items()}
    if hasattr(value, "__array__"):
        return torch.as_tensor(value)
    return value
