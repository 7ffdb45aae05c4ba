"""Constructors as real code has them: called as their parameters say, judged, and accepted where the spec says so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from constructors import CONSTRUCTORS, taking
from judging import examine_source, find_exercise, judge, judge_against, right_answers

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.exercise import judge_exercise
from grader.judge.calls import Convention, as_asked, other_conventions
from grader.mistakes._families import BIASED, SE
from grader.mistakes._mistake import RESBLOCK, changed
from grader.mistakes.dense import DENSE
from grader.mistakes.network import NETWORK, PLANNED
from grader.observation import Constructor, Parameter
from grader.verdict import ExerciseReport, Proof

pytestmark = pytest.mark.heavy

SUM = "F.relu(out + identity)"
OTHERWISE_RIGHT = {"shape": "failed", "parameters": "passed", "gradient": "passed", "skip-connection": "passed"}
RIGHT = {"resblock": RESBLOCK, "se": SE, "dense-layer": DENSE}
CASES = [pytest.param(*case, id=name) for name, case in CONSTRUCTORS.items()]


def variant_of(exercise_id: str, accept: Iterable[str] = (), call: str = "positional") -> ModuleExercise:
    """A shipped exercise that is called like this and accepts these departures, read as from its file."""
    _, exercise = find_exercise(exercise_id)
    assert isinstance(exercise, ModuleExercise)
    spec = exercise.model_dump(by_alias=True) | {"call": call, "accept": sorted(accept)}
    return ModuleExercise.model_validate(spec)


def graded(source: str, exercise_id: str, accept: Iterable[str] = (), call: str = "positional") -> ExerciseReport:
    """The report on such an exercise."""
    return judge_against(source, variant_of(exercise_id, accept, call), right_answers(exercise_id))


def statuses(report: ExerciseReport) -> dict[str, str]:
    """The status of each check."""
    return {check.id: str(check.status) for check in report.checks}


@pytest.mark.parametrize(("exercise_id", "needed", "source"), CASES)
def test_what_the_spec_accepts_is_right_and_anything_else_costs_the_shape_check_alone(
    exercise_id: str, needed: frozenset[str], source: str
) -> None:
    """Accepted: full marks. Else the message says what it takes and what was asked for, and the rest is judged."""
    examined = examine_source(source, variant_of(exercise_id), right_answers(exercise_id))
    accepted = judge_exercise(replace(examined, exercise=variant_of(exercise_id, needed)))
    assert [] == [check.message for check in accepted.checks if check.status != "passed"]
    assert [] == accepted.diagnoses
    report = judge_exercise(examined)
    assert OTHERWISE_RIGHT == statuses(report)
    assert "(in_channels, out_channels, stride)" in report.checks[0].message
    parameters = re.findall(r"(\w+)=?[^,]*", re.search(r"__init__\(self, (?:\*, )?(.*)\):", source)[1])  # type: ignore[index]
    assert all(parameter in report.checks[0].message for parameter in parameters)
    assert ["constructor-rejects-arguments"] == [diagnosis.mistake for diagnosis in report.diagnoses]


@pytest.mark.parametrize(("exercise_id", "needed", "source"), CASES[4:7:2])
def test_a_mistake_is_found_behind_another_constructor(exercise_id: str, needed: frozenset[str], source: str) -> None:
    """Accepted or not, the wrong block is wrong, and why is proven."""
    report = graded(changed(source, (SUM, "F.relu(out * identity)")), exercise_id, needed)
    assert {"shape": "passed", "gradient": "failed"}.items() <= statuses(report).items()
    assert ["shortcut-multiplied"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    report = graded(changed(source, (SUM, "F.relu(out * identity)")), exercise_id)
    assert {"shape": "failed", "gradient": "failed"}.items() <= statuses(report).items()
    assert {"constructor-rejects-arguments", "shortcut-multiplied"} == {d.mistake for d in report.diagnoses}


def test_a_block_that_never_fits_is_judged_as_its_names_say() -> None:
    """Its parameters are told by name, so that the true mistake is found: the projection does not use the stride."""
    wrong = changed(CONSTRUCTORS["a flag for the projection"][2], ("kernel_size=1, stride=strides", "kernel_size=1"))
    named = {diagnosis.mistake for diagnosis in graded(wrong, "resblock").diagnoses}
    assert {"constructor-rejects-arguments", "projection-ignores-stride"} == named


def test_a_module_that_is_not_built_in_every_case_passes_no_check() -> None:
    """Without a stride it is built where that is left out; that is no evidence for the other cases."""
    report = judge(taking("in_channels, out_channels, *, times=1", "stride = times"), "resblock")
    assert {"student_crashed"} == set(statuses(report).values())
    assert "in 1 of 6 cases" in report.checks[1].message
    assert ["constructor-rejects-arguments"] == [diagnosis.mistake for diagnosis in report.diagnoses]


@pytest.mark.parametrize(
    ("exercise_id", "old", "new", "said"),
    [
        ("resblock", "out_channels, stride=1):", "out_channels):\n        stride = 1", "for stride=1."),
        ("se", "stride=1, reduction=16):", "stride=1):\n        reduction = 4", "for reduction=4."),
        ("dense-layer", "growth_rate, bn_size=4):", "growth_rate):\n        bn_size = 4", "for bn_size=4."),
        ("dense-layer", "growth_rate, bn_size=4):", "growth_rate):\n        bn_size = 3", "for bn_size=3."),
    ],
)
def test_a_block_without_one_of_the_arguments_is_judged_and_pays_once(
    exercise_id: str, old: str, new: str, said: str
) -> None:
    """It is that of one value of it: the reference that is always given this is just the same."""
    _, exercise = find_exercise(exercise_id)
    report = graded(changed(RIGHT[exercise_id], (old, new)), exercise_id)
    [diagnosis] = report.diagnoses
    assert ("constructor-rejects-arguments", Proof.REPLAYED) == (diagnosis.mistake, diagnosis.proof)
    assert diagnosis.message.endswith(said)
    assert exercise.points["shape"] == report.max_score - report.score
    assert 0 == report.pending


def test_an_argument_that_is_missing_does_not_hide_another_mistake() -> None:
    """Both are said; neither is all that is wrong."""
    source = changed(RIGHT["se"], ("stride=1, reduction=16):", "stride=1):\n        reduction = 4"))
    report = graded(changed(source, (SUM, "F.relu(out * identity)")), "se")
    assert {"constructor-rejects-arguments", "shortcut-multiplied"} <= {
        diagnosis.mistake for diagnosis in report.diagnoses
    }


@pytest.mark.parametrize(
    ("exercise_id", "old", "new", "said"),
    [
        ("resblock", "stride=1):", "stride=2):", "The task says stride=1."),
        ("se", "reduction=16):", "reduction=8):", "for reduction=8. The task says reduction=16."),
        ("dense-layer", "bn_size=4):", "bn_size=2):", "The task says bn_size=4."),
    ],
)
def test_another_default_costs_once(exercise_id: str, old: str, new: str, said: str) -> None:
    """Where the argument is left out the block is that of another call, and right everywhere else."""
    report = graded(changed(RIGHT[exercise_id], (old, new)), exercise_id)
    [diagnosis] = report.diagnoses
    assert ("default-wrong", Proof.REPLAYED) == (diagnosis.mistake, diagnosis.proof)
    assert said in diagnosis.message
    failed = [check for check in report.checks if check.status == "failed"]
    assert failed[0].max_score == report.max_score - report.score


@pytest.mark.parametrize(
    ("exercise_id", "old", "argument", "value"),
    [
        ("resblock", "stride=1):", "stride", 1),
        ("se", "stride=1, reduction=16):", "reduction", 16),
        ("dense-layer", "bn_size=4):", "bn_size", 4),
    ],
)
def test_an_argument_without_a_default_costs_the_shape_check_alone(
    exercise_id: str, old: str, argument: str, value: int
) -> None:
    """It is named, with the value it should have; the rest is judged."""
    without = re.sub(r"=\d+", "", old)
    report = graded(changed(RIGHT[exercise_id], (old, without)), exercise_id)
    assert ["shape"] == [check.id for check in report.checks if check.status != "passed"]
    assert f"no default value for {argument}" in report.checks[0].message
    assert [f"`{argument}={value}`"] == [re.search(r"`.*`", each.message)[0] for each in report.diagnoses]  # type: ignore[index]


TWO_WIDTHS = changed(
    BIASED,
    ("self, channels, stride", "self, in_channels, out_channels, stride"),
    (
        "BatchNorm2d(channels)\n        self.conv1 = nn.Conv2d(channels, ",
        "BatchNorm2d(in_channels)\n        self.conv1 = nn.Conv2d(in_channels, ",
    ),
    ("Conv2d(channels, channels, 1", "Conv2d(in_channels, channels, 1"),
    (" channels", " out_channels"),
    ("(channels", "(out_channels"),
    ("if stride != 1", "if stride != 1 or in_channels != out_channels"),
)


@pytest.mark.parametrize(
    "source",
    [
        TWO_WIDTHS,
        changed(TWO_WIDTHS, ("out_channels", "channels")),
        changed(TWO_WIDTHS, ("in_channels, out_channels, stride=1", "out_channels, in_channels, stride=1")),
        changed(TWO_WIDTHS, ("stride=1)", "stride)")),
    ],
)
def test_channels_in_and_out_where_the_task_has_one_number(source: str) -> None:
    """Both are that number; unless the spec accepts it, it costs the shape check alone."""
    assert OTHERWISE_RIGHT == statuses(graded(source, "biased"))
    assert graded(source, "biased", {"two-widths"}).correct


def test_another_call_and_another_mistake_cost_once_each() -> None:
    """The first its own check, the second one of the others that fail."""
    report = graded(changed(TWO_WIDTHS, ("return out +", "return out *")), "biased")
    assert {"constructor-rejects-arguments", "shortcut-multiplied"} == {d.mistake for d in report.diagnoses}
    _, exercise = find_exercise("biased")
    assert exercise.points["shape"] + exercise.points["skip-connection"] == report.max_score - report.score


def test_the_shipped_assignment_takes_arguments_in_any_order() -> None:
    """Whoever calls them by their names is right; a flag in place of the stride is not what the task says."""
    assert judge(CONSTRUCTORS["other order"][2], "resblock").correct
    assert not judge(CONSTRUCTORS["a flag for the stride"][2], "resblock").correct


@pytest.mark.parametrize(
    "parameters",
    [
        "in_channels, out_channels, stride=1, downsample=None, groups=1",
        "inplanes, planes, stride=1",
        "out_channels, in_channels, stride=1",
        "a, b, c=1",
        "*args",
        "in_channels, out_channels, downsample=1",
    ],
)
def test_what_is_right_by_position_is_right(parameters: str) -> None:
    """Whatever the parameters are called, even if it is misleading."""
    order = [name.split("=")[0].strip() for name in parameters.split(",")[:3]]
    values = "(*args, 1)[:3]" if parameters == "*args" else ", ".join(order)
    report = graded(taking(parameters, f"in_channels, out_channels, stride = {values}"), "resblock")
    assert [] == [check.message for check in report.checks if check.status != "passed"]


@pytest.mark.parametrize(
    "parameters",
    [
        "channels",
        "in_channels, out_channels, times=1",
        "in_channels, out_channels, downsample=None",
        "in_channels, mid_channels, out_channels, stride",
        "x, y, downsample=False",
    ],
)
def test_where_the_intent_is_not_certain_the_call_is_as_the_task_says(parameters: str) -> None:
    """A module cannot stand for a stride, nor a width or a letter for anything; nothing is guessed."""
    constructor = Constructor(parameters=[parsed(text) for text in parameters.split(", ")])
    exercise = find_exercise("resblock")[1]
    assert isinstance(exercise, ModuleExercise)
    assert [] == other_conventions(exercise, constructor, [], {})


def parsed(text: str) -> Parameter:
    """`stride=1` as a parameter."""
    name, _, default = text.partition("=")
    sorts = {"": None, "None": "none", "False": "false", "True": "true", "1": "number"}
    return Parameter(name=name, kind="either", default=sorts[default])


def test_a_spec_may_call_by_name() -> None:
    """Then the names are the task's, unless other names are accepted."""
    assert graded(RESBLOCK, "resblock", call="named").correct
    assert graded(CONSTRUCTORS["names alone"][2], "resblock", call="named").correct
    renamed = taking("i, o, s=1", "in_channels, out_channels, stride = i, o, s")
    report = graded(renamed, "resblock", call="named")
    assert not report.correct
    assert ["constructor-rejects-arguments"] == [diagnosis.mistake for diagnosis in report.diagnoses]
    known = taking("cin, cout, stride=1", "in_channels, out_channels = cin, cout")
    assert "failed" == statuses(graded(known, "resblock", call="named"))["shape"]
    assert graded(known, "resblock", {"any-names"}, "named").correct


def test_a_projection_is_given_exactly_where_shapes_differ() -> None:
    """As its caller makes it: None where the identity will do."""
    names = {"in_channels": "inplanes", "out_channels": "planes", "stride": "stride"}
    convention = Convention(names=names, project="downsample", project_as="module")
    same = Case(title="same", arguments={"in_channels": 8, "out_channels": 8, "stride": 1}, input=[8, 8, 8])
    wider = Case(title="wider", arguments={"in_channels": 8, "out_channels": 16}, input=[8, 8, 8])
    assert convention.call(same).named["downsample"] is None
    assert {"inplanes": 8, "planes": 16, "downsample": {"projection": [8, 16, 1]}} == convention.call(wider).named
    assert "(inplanes=8, planes=16, downsample=nn.Sequential(nn.Conv2d(8, 16, 1, stride=1, bias=False), " in str(
        convention.call(wider)
    )


# --- networks ------------------------------------------------------------------------------------------

BUILD = "def build_network(num_classes=10):"


@pytest.mark.parametrize(
    "parameters",
    ["num_classes=10", "n_classes", "classes=10, width=16", "width=16, num_classes=10", "k=10", "*, num_classes"],
)
def test_a_network_is_called_by_name_or_by_its_only_parameter(parameters: str) -> None:
    """The number of outputs reaches it, under whatever name and in whatever place."""
    name = next(name for name in ("num_classes", "n_classes", "classes", "k") if re.search(rf"\b{name}\b", parameters))
    source = changed(
        NETWORK, (BUILD, f"def build_network({parameters}):"), ("nn.Linear(64, num_classes)", f"nn.Linear(64, {name})")
    )
    assert judge(source, "network").correct


@pytest.mark.parametrize("parameters", ["", "block", "width=16", "layers=(1, 1, 1)"])
def test_a_network_that_lets_nobody_choose_its_outputs_is_judged(parameters: str) -> None:
    """It costs what it costs where the number is taken and not used."""
    alone = "width=16" == parameters  # which takes the number of outputs, as far as anybody can tell
    source = changed(
        NETWORK, (BUILD, f"def build_network({parameters}):"), ("nn.Linear(64, num_classes)", "nn.Linear(64, 10)")
    )
    report = judge(source, "network")
    assert [0, 5, 5, 5] == [check.score for check in report.checks]
    said = "whatever num_classes says" if alone else "The network takes no num_classes: it always gives 10 outputs."
    assert said in report.diagnoses[-1].message


@pytest.mark.parametrize(
    ("takes", "score"), [("layers, classes", 40), ("Depth, n_classes", 40), ("depth", 30), ("classes, depth", 40)]
)
def test_a_network_of_a_depth_is_called_as_it_wants_to_be(takes: str, score: int) -> None:
    """By the names that the task gives, or in its order; also where it does not take the number of outputs."""
    depth = "layers" if "layers" in takes else "depth" if "depth" in takes else "Depth"
    outputs = next((name for name in ("n_classes", "classes") if name in takes), "10")
    source = changed(
        PLANNED,
        ("def planned_network(depth, num_classes=10):", f"def planned_network({takes}):"),
        ("    return PlannedNetwork(depth, num_classes)", f"    return PlannedNetwork({depth}, {outputs})"),
    )
    assert score == judge(source, "planned-network").score


RESNET = changed(
    NETWORK,
    (BUILD, "class ResNet(nn.Sequential):\n  def __init__(self, block, layers, num_classes=10):"),
    ("    return nn.Sequential(", "    super().__init__("),
    ("        ResBlock(16, 16),\n", "        *(block(16, 16) for _ in range(layers[0])),\n"),
    (
        "        ResBlock(16, 32, 2),\n        ResBlock(32, 32),\n",
        "        block(16, 32, 2),\n        block(32, 32),\n",
    ),
    ("        ResBlock(32, 64, 2),\n", "        *(block(c, 64, 64 // c) for c in (32, 64)[: layers[2]]),\n"),
)


def test_a_network_that_is_given_its_block_is_judged_with_one() -> None:
    """`ResNet(block, layers, num_classes)`: not what the task says, but clear."""
    report = judge(RESNET, "network")
    assert OTHERWISE_RIGHT == statuses(report)
    assert "ResNet(block, layers, num_classes=…)" in report.checks[0].message
    exercise = find_exercise("network")[1]
    assert isinstance(exercise, NetworkExercise)
    accepting = exercise.model_copy(update={"accept": ["block-class"]})
    assert judge_against(RESNET, accepting, None).correct


def test_what_the_task_says_is_tried_first() -> None:
    """By position for a block, by name for a network."""
    block, network = (find_exercise(name)[1] for name in ("resblock", "network"))
    assert isinstance(block, ModuleExercise)
    assert isinstance(network, NetworkExercise)
    assert "(8, 8, 1)" == str(as_asked(block).call(block.cases[0]))
    assert "(num_classes=10)" == str(as_asked(network).call(network.cases[0]))
