"""The writer: what it writes computes what the forms compute, in every style."""

from __future__ import annotations

import random

import pytest
from judging import judge, right_answers

from grader.audit.generate import Generator
from grader.audit.plans import Plan
from grader.audit.styles import styles
from grader.audit.styles.helpers import CONV_BN
from grader.judge.observed import RECORDED
from grader.judge.replay import ReplayError
from grader.mistakes import mistakes
from grader.mistakes._mistake import Planted

pytestmark = pytest.mark.heavy

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


def test_mistakes_that_cannot_be_made_together_are_no_plan() -> None:
    """Where the shortcut comes from within the branch, it cannot be added before that."""
    planner, ids = GENERATORS["resblock"].planner, ("shortcut-from-wrong-tensor", "shortcut-added-early")
    plans = [Plan(ids, (forms,)) for forms in planner.realisations(ids)]
    assert False in {planner.is_right(plan) for plan in plans}
    assert any(planner.double(random.Random(seed), *ids) for seed in range(30))


def test_what_an_exception_hides_is_no_second_mistake() -> None:
    """Code that raises when it is recorded is asked nothing else; at other sizes it might run, and show more."""
    planner = GENERATORS["resblock"].planner
    raising, hidden = 0, mistakes()["final-relu-missing"]
    assert isinstance(hidden, Planted)
    for forms in planner.realisations(("wrong-padding",)):
        if all(isinstance(form.output(RECORDED), ReplayError) for form in forms):
            both = [form.with_edit(hidden.plants[0].edits[0]) for form in forms]
            assert planner.alike(Plan((), (forms,)), Plan((), (both,)))
            raising += 1
    assert raising


def test_lazy_layers_that_never_saw_an_input_are_judged() -> None:
    """A block of lazy layers that raises in its first pass has no weights to set: it is wrong for what it raised."""
    generator = GENERATORS["resblock"]
    plan = generator.planner.single(random.Random(0), "projection-ignores-stride")
    assert plan is not None
    program = generator.write(plan, "Lazy", random.Random(0))
    report = judge(program.source, "resblock")
    assert "student_crashed" == report.checks[0].status
    assert "cannot be combined" in report.checks[0].message


def test_lazy_layers_do_not_mend_a_mistake() -> None:
    """Made for as many channels as leave the block, the first layer refuses its input: a Lazy one would take it."""
    generator = GENERATORS["se"]
    ways = [Plan(("argument-ignored",), (forms,)) for forms in generator.planner.realisations(("argument-ignored",))]
    sources = [generator.write(plan, "Lazy", random.Random(0)).source for plan in ways]
    refusing = [source for source in sources if "nn.Conv2d(out_channels, out_channels" in source]
    assert refusing
    assert judge(refusing[0], "se").correct is False


def test_a_helper_class_does_not_mend_a_mistake() -> None:
    """Its batch norm has the channels that its convolution gives; one with others is no part of it.

    Where channels in and out are exchanged the norm's go with them, and the helper is as wrong.
    """
    generator = GENERATORS["bottleneck"]
    ways = [Plan(("wrong-channels",), (forms,)) for forms in generator.planner.realisations(("wrong-channels",))]
    wrong = [plan for plan in ways if not generator.planner.is_right(plan)]
    right = generator.write(generator.planner.right(random.Random(0)), "Composed", random.Random(0)).source
    sources = [generator.write(plan, "Composed", random.Random(0)).source for plan in wrong]
    within = [source for source in sources if "nn.BatchNorm2d(" not in source.replace(CONV_BN, "")]
    assert len(within) < len(sources) / 2
    for source in within[::4]:
        assert "wrong-channels" in {diagnosis.mistake for diagnosis in judge(source, "bottleneck").diagnoses}
    assert "nn.BatchNorm2d(" not in right.replace(CONV_BN, "")


@pytest.mark.slow
def test_lazy_layers_on_a_way_that_is_not_taken_at_first_are_judged() -> None:
    """One way sees the first input; inputs of the other sign find out about the layers on the other."""
    generator = GENERATORS["resblock"]
    for seed in range(2):
        plan = generator.planner.single(random.Random(seed), "shortcut-gated")
        assert plan is not None
        assert judge(generator.write(plan, "Lazy", random.Random(seed)).source, "resblock").correct is False


def test_a_lazy_layer_that_no_input_reaches_has_no_parameters() -> None:
    source = """
import torch
from torch import nn
import torch.nn.functional as F

class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.LazyConv2d(out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.LazyBatchNorm2d()
        self.conv2 = nn.LazyConv2d(out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.LazyBatchNorm2d()
        self.never = nn.LazyConv2d(out_channels, 1)

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out) if x.numel() else F.relu(out + self.never(x))
"""
    report = judge(source, "resblock")
    assert report.correct is False
    assert "shortcut-missing" in [diagnosis.mistake for diagnosis in report.diagnoses]
