"""Run a student's experiment round by round, measure what it returns, and judge claims about the numbers.

Data and targets are drawn here, and every number is measured here: the student's function returns predictions, and
never says how good they are.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from grader.assignment import Assignment, Bound, Claim, ExperimentExercise, ModuleExercise, Series, names_of
from grader.errors import AssignmentError, ProtocolViolated, SessionEnded
from grader.judge.examine import Worker, ask
from grader.judge.functions import ask_call
from grader.judge.reference import find_reference
from grader.judge.training import Departure, departure
from grader.judge.values import Value, numbers_of, show, show_shape
from grader.language import say
from grader.observation import ANYWHERE, Executed, Problem, Raised, Size, Stands

_PRECISION = "float32"  # networks are trained in it


@dataclass(frozen=True)
class Round:
    """What every series is given in one round, and what only the measures are told."""

    seed: int
    arguments: dict[str, Any]
    targets: Any

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.arguments.items() if isinstance(value, Tensor)}

    def positional(self, series: Series) -> list[dict[str, Any]]:
        """As the student's process is told them: the data, what the series adds, the seed."""
        data = [
            {"drawn": name, "as": "tensor"} if isinstance(value, Tensor) else {"plain": value}
            for name, value in self.arguments.items()
        ]
        return [*data, *({"plain": value} for value in series.arguments.values()), {"plain": self.seed}]


class RightExperiment:
    """The trusted half of an experiment: its rounds and its measures.

    Raises:
        AssignmentError: a function of the assignment cannot be found, or does not do what it should.
    """

    def __init__(self, assignment: Assignment, exercise: ExperimentExercise, seed: int) -> None:
        self.exercise = exercise
        self._assignment = assignment
        self.rounds: list[Round] = []
        if exercise.withheld:
            return
        data = self._function("data", exercise.data)
        self.names = {each.id: names_of(each) for each in assignment.exercises if isinstance(each, ModuleExercise)}
        self._measures = {id_: self._function(f"measures.{id_}", each) for id_, each in exercise.measures.items()}
        # An experiment of the same seed is the same; one of another exercise is another.
        draws = random.Random(f"{seed} {exercise.id}")
        self.rounds = [self._drawn(data, draws.randrange(2**31)) for _ in range(exercise.rounds)]

    def measure(self, measure: str, returned: Tensor, round_: Round) -> float:
        """One number of what was returned.

        Raises:
            Exception: whatever the assignment's function raises; or a ValueError, where it returns no finite number.
        """
        measured = float(self._measures[measure](returned.clone(), round_.targets))
        if not math.isfinite(measured):
            raise ValueError(f"{self.exercise.measures[measure]} returned {measured}")
        return measured

    def _drawn(self, data: Callable[..., Any], seed: int) -> Round:
        try:
            arguments, targets = data(seed)
            for name, value in arguments.items():
                if not isinstance(value, Tensor | bool | int | float | str):
                    raise TypeError(f"argument {name!r} is a {type(value).__name__}; expected a tensor or plain value")
            self._check_training(arguments)
        except Exception as error:
            raise self._wrong("data", f"seed {seed}: {type(error).__name__}: {error}") from error
        return Round(seed, arguments, targets)

    def _check_training(self, arguments: dict[str, Any]) -> None:
        training = self.exercise.training
        if training is None or not training.loss:
            return
        if not callable(getattr(torch.nn.functional, training.loss, None)):
            raise ValueError(f"training.loss: torch.nn.functional has no {training.loss!r}")
        for name in (training.input, training.target):
            if not isinstance(arguments.get(name), Tensor):
                raise ValueError(f"training: there is no tensor {name!r} among {', '.join(arguments)}")

    def _function(self, key: str, reference: str) -> Callable[..., Any]:
        try:
            found: Callable[..., Any] = find_reference(self._assignment.folder, reference)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise self._wrong(key, f"{reference!r} cannot be imported: {error}") from error
        if not callable(found):
            raise self._wrong(key, f"{reference!r} is no function")
        return found

    def _wrong(self, key: str, what: str) -> AssignmentError:
        path = self._assignment.folder / "assignment.toml"
        return AssignmentError(f"{path}: exercise {self.exercise.id}: {key}: {what}")


@dataclass(frozen=True)
class Fault:
    """Why a series gave no number in some round: the exception, or what was wrong with what it returned."""

    round: int
    raised: Raised | None = None
    returned: str = ""


@dataclass
class Experimented:
    """Everything that was seen of a student's experiment."""

    exercise: ExperimentExercise
    right: RightExperiment
    found: str | None = None
    measured: dict[str, list[dict[str, float]]] = field(default_factory=dict)  # by series, a number per measure
    faults: dict[str, Fault] = field(default_factory=dict)  # by series
    departures: dict[str, tuple[int, Departure]] = field(default_factory=dict)  # by series: the first round with one
    sizes: dict[str, int | None] = field(default_factory=dict)  # by series: how many parameters its network has
    asked: tuple[str, int] | None = None  # the series and the round that were run last
    broken: str = ""  # what the assignment's own measure raised
    ended: SessionEnded | None = None
    problems: list[Problem] = field(default_factory=list)
    defined: list[str] = field(default_factory=list)
    stands: Stands = ANYWHERE

    @property
    def ran(self) -> list[dict[str, float]]:
        """Calls of which something was measured."""
        return [numbers for series in self.measured.values() for numbers in series]

    @property
    def raised(self) -> list[Raised]:
        return [fault.raised for fault in self.faults.values() if fault.raised is not None]

    def numbers(self, series: str, of: Claim | Bound) -> list[float]:
        """Round by round, what a claim or bound is about."""
        return [numbers[self.exercise.measured(of)] for numbers in self.measured.get(series, [])]


def run_experiment(
    worker: Worker, experimented: Experimented, executed: Executed, names: Sequence[str], seconds: float
) -> None:
    """Run every series in every round. A series that fails once is not run again; the others are.

    Args:
        names: under which the function may be defined, best first.

    Raises:
        SessionEnded: the process is over; what was seen until then is in `experimented`.
    """
    experimented.problems = executed.problems
    experimented.found = executed.first_callable(names)
    if experimented.found is None:
        return
    if experimented.exercise.training is not None and experimented.right.rounds:
        for series in experimented.exercise.series:
            experimented.sizes[series.id] = _size(worker, experimented, executed, series, seconds)
    for number, round_ in enumerate(experimented.right.rounds):
        for series in experimented.exercise.series:
            if series.id not in experimented.faults and not experimented.broken:
                _run(worker, experimented, series, number, round_, seconds)


def _size(worker: Worker, experimented: Experimented, executed: Executed, series: Series, seconds: float) -> int | None:
    """How many parameters the network has that a series trains, as the student built it.

    Where it is not the network of the task, that has cost its points already.
    """
    if series.network is None:
        return None
    name = executed.first_callable(experimented.right.names[series.network.exercise])
    if name is None:
        return None
    arguments = {"name": name, "positional": list(series.network.arguments.values())}
    size: int | None = ask(worker, "size", arguments, {}, Size, seconds)[0].size
    return size


def _run(
    worker: Worker, experimented: Experimented, series: Series, number: int, round_: Round, seconds: float
) -> None:
    arguments: dict[str, Any] = {
        "name": experimented.found,
        "precision": _PRECISION,
        "positional": round_.positional(series),
        "gradient": False,
    }
    training = experimented.exercise.training
    if training is not None:
        arguments["training"] = training.model_dump(include={"loss", "input", "target"}) | {
            "settings": list(training.settings)
        }
    experimented.asked = series.id, number
    answer, value, _ = ask_call(worker, arguments, round_.tensors, seconds)
    if answer.raised is not None or answer.value is None:
        experimented.faults[series.id] = Fault(number, raised=answer.raised, returned=say("nothing"))
        return
    returned = _numbers(value, experimented.exercise)
    if isinstance(returned, str):
        experimented.faults[series.id] = Fault(number, returned=returned)
        return
    if training is not None and series.id not in experimented.departures:
        if answer.trained is None:
            raise ProtocolViolated(say("an answer is malformed: {error}", error="trained"))
        found = departure(training, answer.trained, experimented.sizes.get(series.id))
        if found is not None:
            experimented.departures[series.id] = number, found
    try:
        measures = {name: experimented.right.measure(name, returned, round_) for name in experimented.exercise.measures}
    except Exception as error:  # ours: what was returned is what was asked for
        experimented.broken = f"{type(error).__name__}: {error}"
        return
    experimented.measured.setdefault(series.id, []).append(measures)


def _numbers(value: Value, exercise: ExperimentExercise) -> Tensor | str:
    """What was returned as numbers such as were asked for; else what it is instead."""
    numbers = numbers_of(value)
    if numbers is None:
        return show(value)
    if not exercise.shape and numbers.numel() == 1:
        numbers = numbers.reshape(())  # one number is one however it is wrapped
    if list(numbers.shape) != exercise.shape:
        return show_shape(numbers)
    if not bool(torch.isfinite(numbers).all()):
        return say("numbers of which some are NaN or infinite")
    broken = numbers[numbers != numbers.round()]
    if exercise.whole and broken.numel():
        return say("numbers that are not whole, {number} for instance", number=f"{float(broken[0]):.3g}")
    return numbers


# ---------------------------------------------------------------- statistics


@dataclass(frozen=True)
class SignTest:
    """In how many rounds a claim held, and how often chance does as well."""

    held: int
    rounds: int
    needed: int

    @property
    def passed(self) -> bool:
        return self.held >= self.needed


def sign_test(claim: Claim, left: Sequence[float], right: Sequence[float]) -> SignTest:
    """Is the median of left − right beyond the margin? The exact one-sided sign test, over pairs of equal rounds.

    If it were not, each round would be beyond it with a probability of one half at most, since rounds are drawn
    independently. So k or more of n rounds are with at most Σᵢ₌ₖⁿ C(n, i) / 2ⁿ, and the claim passes where that is no
    more than 1 − confidence. Nothing is assumed of how the numbers are distributed. A round at the margin does not
    count for the claim, which only makes it harder.

    Source: W. J. Dixon, A. M. Mood, "The Statistical Sign Test", Journal of the American Statistical Association 41
    (1946), 557-566. The idea is J. Arbuthnott's, of 1710.
    """
    sign = 1 if claim.relation == ">" else -1
    differences = [sign * (a - b) for a, b in zip(left, right, strict=True)]
    held = sum(difference > claim.margin for difference in differences)
    return SignTest(held, len(differences), rounds_needed(len(differences), claim.confidence))


def rounds_needed(rounds: int, confidence: float) -> int:
    """The fewest of so many rounds that chance alone reaches with a probability of at most 1 − confidence.

    One more than there are, where not even all of them are enough.
    """
    tail, needed = 0, rounds + 1
    while needed > 0:
        tail += math.comb(rounds, needed - 1)
        if tail / 2**rounds > 1 - confidence:
            break
        needed -= 1
    return needed
