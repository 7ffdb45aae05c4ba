"""The writer: what it writes computes what the forms compute, in every style."""

from __future__ import annotations

import random

import pytest
from judging import judge, right_answers

from grader.audit.generate import Generator
from grader.audit.styles import styles

EXERCISES = ("resblock", "bottleneck", "se", "res2net")
GENERATORS = {exercise: Generator(right_answers(exercise)) for exercise in EXERCISES}  # type: ignore[arg-type]


@pytest.mark.parametrize(("number", "style"), list(enumerate(styles())))
def test_a_right_answer_is_right_in_every_style(number: int, style: str) -> None:
    """What is written behaves like the reference."""
    exercise = EXERCISES[number % len(EXERCISES)]
    program = GENERATORS[exercise].program(0, style, 0)
    report = judge(program.source, exercise)
    assert [] == [check.message for check in report.checks if check.status != "passed"], program.source


@pytest.mark.parametrize("style", styles())
def test_a_planted_mistake_is_wrong_in_every_style(style: str) -> None:
    """What is written behaves like the reference with the mistake: it is named."""
    generator = GENERATORS["resblock"]
    plan = generator.planner.single(random.Random(0), "shortcut-multiplied")
    assert plan is not None
    program = generator.write(plan, style, random.Random(0))
    assert ["shortcut-multiplied"] == [d.mistake for d in judge(program.source, "resblock").diagnoses], program.source


def test_a_program_depends_on_its_seed_alone() -> None:
    """The same arguments give the same source, and other seeds other ones."""
    first = [GENERATORS["resblock"].program(seed, "Shuffled", 1).source for seed in (1, 2)]
    again = [Generator(right_answers("resblock")).program(seed, "Shuffled", 1).source for seed in (1, 2)]  # type: ignore[arg-type]
    assert first == again
    assert first[0] != first[1]


def test_a_mistake_that_changes_nothing_is_no_plan() -> None:
    """A basic block has no hidden width to get wrong: nothing is planted that behaves like a right answer."""
    planner = GENERATORS["resblock"].planner
    assert planner.single(random.Random(0), "bottleneck-not-narrowed") is None


def test_lazy_layers_that_never_saw_an_input_are_judged() -> None:
    """A block of lazy layers that raises in its first pass has no weights to set: it is wrong for what it raised."""
    generator = GENERATORS["resblock"]
    plan = generator.planner.single(random.Random(0), "projection-ignores-stride")
    assert plan is not None
    program = generator.write(plan, "Lazy", random.Random(0))
    report = judge(program.source, "resblock")
    assert "student_crashed" == report.checks[0].status
    assert "cannot be combined" in report.checks[0].message
