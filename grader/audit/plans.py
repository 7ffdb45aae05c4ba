"""Which mistakes can be planted in an exercise, alone or in pairs, and which of them make a difference at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product

from torch import Tensor

from grader.assignment import Case
from grader.checks import checks
from grader.judge.compare import equal
from grader.judge.draws import draw_input
from grader.judge.examined import RightAnswers
from grader.judge.forms import Edit, Form
from grader.judge.observed import RECORDED
from grader.judge.replay import ReplayError
from grader.judge.wrongs import NOTHING_TO_CHANGE, touched_nodes
from grader.mistakes import mistakes, planted_mistakes
from grader.mistakes._mistake import Plant, Planted
from grader.observation import Probe

Forms = list[Form]  # one for each case
# Conditions on the data, for programs that choose by it: as Python, and as they turn out.
CONDITIONS: tuple[tuple[str, Callable[[Tensor], bool]], ...] = (
    ("x.mean() > 0", lambda x: bool(x.mean() > 0)),
    ("x.abs().mean() > 1", lambda x: bool(x.abs().mean() > 1)),
    ("float(x.sum()) < 0", lambda x: bool(x.sum() < 0)),
    ("x.max() > 3", lambda x: bool(x.max() > 3)),
    ("x[0, 0].mean().item() > 0", lambda x: bool(x[0, 0].mean() > 0)),
)


FIRST, ALL = slice(1), slice(None)  # of the probes: most differences show on the first one, in some case


@dataclass(frozen=True)
class Plan:
    """What a program is to compute.

    Attributes:
        mistakes: ids of what is planted, in order.
        ways: the forms of all cases; several when it chooses by its data.
        conditions: of that choice, one for each way but the last, by their place in `CONDITIONS`.
    """

    mistakes: tuple[str, ...]
    ways: tuple[Forms, ...]
    conditions: tuple[int, ...] = ()

    def form(self, case: int, x: Tensor) -> Form:
        """What the program does in a case for an input."""
        for way, condition in zip(self.ways, self.conditions, strict=False):
            if CONDITIONS[condition][1](x):
                return way[case]
        return self.ways[-1][case]


class Planner:
    """Plans for one exercise.

    Args:
        cases: those of the exercise, unless others are to be tried.
    """

    def __init__(self, answers: RightAnswers, cases: Sequence[Case] | None = None) -> None:
        self.answers = answers
        self.exercise = answers.reference.exercise
        self.cases = list(cases if cases is not None else self.exercise.cases)

    def right(self, rng: random.Random) -> Plan:
        """A right answer: any variant, without redundant biases or with all there can be."""
        variant = rng.randrange(len(self.answers.reference.variants))
        return Plan((), (self._base(variant, biased=rng.random() < 0.3),))

    def single(self, rng: random.Random, mistake: str) -> Plan | None:
        """One mistake; None when it makes no difference here."""
        plant = rng.choice(_planted(mistake).plants)
        return self.planted(mistake, plant, rng)

    def planted(self, mistake: str, plant: Plant, rng: random.Random) -> Plan | None:
        """A mistake made in this way; None when it makes no difference here."""
        base = self._some_base(rng)
        if not any(_acts(base, edit) for edit in plant.edits):
            return None
        ways = tuple([form.with_edit(edit) for form in base] for edit in plant.edits)
        conditions = tuple(rng.randrange(len(CONDITIONS)) for _ in plant.edits[1:])
        plan = Plan((mistake,), ways, conditions)
        return None if self.is_right(plan) else plan

    def double(self, rng: random.Random, first: str, second: str) -> Plan | None:
        """Two mistakes; None when one of them makes no difference beside the other, or cannot be made."""
        plants = [
            rng.choice([plant for plant in _planted(mistake).plants if len(plant.edits) == 1] or [None])
            for mistake in (first, second)
        ]
        if None in plants:
            return None
        base = self._some_base(rng)
        one, other = (plant.edits[0] for plant in plants if plant is not None)
        behind = [form.with_edit(one) for form in base]
        both = [form.with_edit(other) for form in behind]
        if not _can_be_made(both) or not _acts(base, one) or not _acts(behind, other):
            return None
        plan = Plan((first, second), (both,))
        alone = (base, behind, [form.with_edit(other) for form in base])
        masked = self.is_right(plan) or any(self.alike(plan, Plan((), (forms,))) for forms in alone)
        return None if masked else plan

    def realisations(self, ids: Sequence[str]) -> Iterator[Forms]:
        """Every way to plant one mistake, or two of them in either order, in every right answer."""
        wanted = [_planted(mistake) for mistake in ids if isinstance(mistakes()[mistake], Planted)]
        if len(wanted) != len(ids) or len(ids) > 2:
            return
        ways = product(*([plant.edits[0] for plant in each.plants if len(plant.edits) == 1] for each in wanted))
        orders = list(dict.fromkeys(order for way in ways for order in permutations(way)))
        for variant, biased in product(range(len(self.answers.reference.variants)), (False, True)):
            for edits in orders:
                forms = self._base(variant, biased=biased)
                for edit in edits:
                    forms = [form.with_edit(edit) for form in forms]
                if _can_be_made(forms):
                    yield forms

    # ------------------------------------------------------------------ comparison

    def is_right(self, plan: Plan) -> bool:
        """Does it behave, in each case and on every probe, as some right form does?"""
        return all(
            any(
                self._alike_in(number, plan, Plan((), ([form] * len(self.cases),)), probes)
                for form in self.answers.forms(case)
            )
            for probes in (FIRST, ALL)
            for number, case in enumerate(self.cases)
        )

    def alike(self, one: Plan, other: Plan) -> bool:
        """Do two plans behave alike in each case on every probe?"""
        return all(
            self._alike_in(case, one, other, probes) for probes in (FIRST, ALL) for case in range(len(self.cases))
        )

    def _alike_in(self, case: int, one: Plan, other: Plan, probes: slice) -> bool:
        """Do they in one case? Code that raises when it is recorded is asked nothing else: the rest cannot be seen."""
        for probe in dict.fromkeys((RECORDED, *self._probes[case][probes])):
            x = draw_input(one.ways[0][case].seed, self.cases[case].input, probe)
            mine, theirs = one.form(case, x), other.form(case, x)
            if not same_behaviour(mine, theirs, probe):
                return False
            if probe == RECORDED and isinstance(mine.output(probe), ReplayError):
                return True
        return True

    @cached_property
    def _probes(self) -> list[list[Probe]]:
        """The probes with random weights that checks ask, by case; whether these have points is another matter."""
        return [list(self._random_probes(case)) for case in self.cases]

    def _random_probes(self, case: Case) -> Iterator[Probe]:
        for check in checks().values():
            yield from (probe for probe in check.probes(self.exercise, case) if probe.recipe == "random")

    # ------------------------------------------------------------------ right forms to plant in

    def _some_base(self, rng: random.Random) -> Forms:
        return self._base(rng.randrange(len(self.answers.reference.variants)), biased=rng.random() < 0.2)

    def _base(self, variant: int, *, biased: bool) -> Forms:
        """The right forms of a variant: the first of each case has no redundant bias, the last has all of them."""
        found = []
        for case in self.cases:
            forms = [form for form in self.answers.forms(case) if form.variant == variant]
            found.append(forms[-1 if biased else 0])
        return found


def _can_be_made(forms: Forms) -> bool:
    """Behind one mistake there may be nothing to make another one of."""
    try:
        return all(form.recorded for form in forms)
    except NOTHING_TO_CHANGE:
        return False


def _acts(forms: Forms, edit: Edit) -> bool:
    """Does it change what one of these forms computes, in either mode?"""
    return any(touched_nodes(form.with_edit(edit), form) for form in forms)


def same_behaviour(one: Form, other: Form, probe: Probe) -> bool:
    """The same output and the same gradients, or an exception in both."""
    if one.signature != other.signature:
        return False
    mine, theirs = one.output(probe), other.output(probe)
    if isinstance(mine, ReplayError) or isinstance(theirs, ReplayError):
        return isinstance(mine, ReplayError) and isinstance(theirs, ReplayError)
    if mine.shape != theirs.shape or not equal(mine, theirs):
        return False
    if not probe.gradient:
        return True
    first, second = one.outcome(probe).gradients, other.outcome(probe).gradients
    return all(key in first and key in second and equal(first[key], second[key]) for key in {**first, **second})


def mistakes_planted(answers: RightAnswers) -> list[Planted]:
    """All mistakes that can be planted in right answers of this kind."""
    return planted_mistakes(form.recorded for form in answers.plain_forms(answers.reference.exercise.cases[0]))


def _planted(mistake: str) -> Planted:
    found = mistakes()[mistake]
    assert isinstance(found, Planted)
    return found
