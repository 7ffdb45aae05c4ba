"""A seeded generator of student programs: any module exercise, in any style, with no, one or two mistakes."""

from __future__ import annotations

import inspect
import random
from collections.abc import Sequence
from dataclasses import dataclass

from grader.assignment import Case
from grader.audit.compose import case_values, compose
from grader.audit.plans import CONDITIONS, Plan, Planner, mistakes_planted
from grader.audit.program import NoPlan
from grader.audit.styles import styles
from grader.judge.examined import RightAnswers

TRIES = 40


@dataclass(frozen=True)
class Generated:
    """A cell as a student might hand it in, and what is wrong with it."""

    source: str
    exercise: str
    style: str
    plan: Plan

    @property
    def mistakes(self) -> tuple[str, ...]:
        """Ids of what is planted."""
        return self.plan.mistakes


class Generator:
    """Programs for one module exercise. What `program` gives depends on its arguments alone."""

    def __init__(self, answers: RightAnswers, cases: Sequence[Case] | None = None) -> None:
        self.planner = Planner(answers, cases)
        self.exercise = answers.reference.exercise

    def program(self, seed: int, style: str, mistakes: int) -> Generated:
        """One program.

        Raises:
            NoPlan: no plan was found with so many mistakes.
        """
        rng = random.Random(f"{seed} {self.exercise.id} {style} {mistakes}")
        for _ in range(TRIES):
            plan = self._plan(rng, mistakes)
            if plan is not None:
                return self.write(plan, style, rng)
        raise NoPlan(f"{self.exercise.id}: none of {TRIES} plans with {mistakes} mistakes makes a difference")

    def write(self, plan: Plan, style: str, rng: random.Random) -> Generated:
        """The program of a plan in a style.

        Raises:
            Unsayable: it computes something that the writer cannot write.
        """
        signature = self.planner.answers.reference.arguments
        cases = [case_values(signature, case) for case in self.planner.cases]
        texts = {n: "" if default is inspect.Parameter.empty else repr(default) for n, default in signature.items()}
        program = compose(texts, cases, plan.ways, [CONDITIONS[i][0] for i in plan.conditions])
        source = styles()[style](program, rng).write(self.exercise.name)
        return Generated(source, self.exercise.id, style, plan)

    def _plan(self, rng: random.Random, mistakes: int) -> Plan | None:
        known = [mistake.id for mistake in mistakes_planted(self.planner.answers)]
        match mistakes:
            case 0:
                return self.planner.right(rng)
            case 1:
                return self.planner.single(rng, rng.choice(known))
            case _:
                return self.planner.double(rng, *rng.sample(known, 2))
