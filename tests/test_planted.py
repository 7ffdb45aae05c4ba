"""Planted mistakes in other hands than those that each class brings; and causes that nobody may name.

A fifth of them is judged; `GRADER_PROGRAMS` set to anything judges all.
"""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import os

import pytest
from judging import families, judge, options, residual_blocks
from planted_programs import HANDS, planted_programs

from grader.assignment import Assignment, ModuleExercise, find_assignment
from grader.graph import Graph
from grader.judge.edits import Editor
from grader.judge.leaves import parts_in_graph
from grader.judge.reference import Reference
from grader.judge.wrongs import leaves_are_kept
from grader.mistakes import mistakes
from grader.mistakes._families import PREACT, PREACT_BOTTLENECK
from grader.mistakes._gates import drop_biases
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed
from grader.verdict import Proof

pytestmark = pytest.mark.heavy

STEP = 1 if "GRADER_PROGRAMS" in os.environ else 5
SUM = "F.relu(out + identity)"
BRANCH = "        out = self.bn2(self.conv2(out))\n"


def exercise_of(source: str) -> str:
    """The exercise that a source is about."""
    return "bottleneck" if "class Bottleneck" in source else "resblock"


@pytest.mark.parametrize("hand", HANDS)
def test_the_hands_are_right(hand: str) -> None:
    """What is broken here was right before."""
    assert judge(HANDS[hand], exercise_of(HANDS[hand])).correct


@pytest.mark.parametrize(
    ("mistake", "source"),
    [pytest.param(mistake, source, id=f"{mistake}-{hand}") for mistake, hand, source in planted_programs()[::STEP]],
)
def test_a_mistake_is_named_in_every_hand(mistake: str, source: str) -> None:
    """It is wrong, and it is named: first, or among those that would behave just the same."""
    report = judge(source, exercise_of(source))
    assert not report.correct
    named = [diagnosis.mistake for diagnosis in report.diagnoses]
    said = " ".join(diagnosis.message for diagnosis in report.diagnoses)
    assert mistake in named or mistake in said, (named, said)


# Wrong for a reason that no known mistake has.
UNKNOWN = {
    "channels sorted": changed(RESBLOCK, (SUM, "F.relu(out.sort(1).values + identity)")),
    "channels summed up": changed(RESBLOCK, (SUM, "F.relu(out.cumsum(1) + identity)")),
    "branch centred": changed(RESBLOCK, (SUM, "F.relu(out - out.mean(1, keepdim=True) + identity)")),
    "a little too much": changed(RESBLOCK, (SUM, "F.relu(out + identity) + 1e-3")),
    "unit length": changed(RESBLOCK, (SUM, "F.normalize(F.relu(out + identity), dim=1)")),
    "mean of all added": changed(RESBLOCK, (SUM, "F.relu(out + identity + x.mean())")),
    "attention without weights": changed(RESBLOCK, (SUM, "F.relu(out * out.mean((2, 3), keepdim=True).sigmoid() + identity)")),
    "gradient doubled": changed(
        RESBLOCK, ("        identity = self.shortcut(x)\n", "        identity = self.shortcut(x)\n        if identity.requires_grad:\n            identity = identity * 2 - identity.detach()\n")
    ),
    "rounded": changed(RESBLOCK, (SUM, "F.relu(out + identity).mul(8).round() / 8")),
    "half of the channels": changed(RESBLOCK, (SUM, "F.relu(torch.cat((out[:, ::2] + identity[:, ::2], out[:, 1::2]), 1))")),
    "centred over the batch": changed(RESBLOCK, (SUM, "F.relu(out + identity - identity.mean(0))")),
    "logarithm": changed(RESBLOCK, (SUM, "torch.log1p(F.relu(out + identity))")),
    "softmax over the batch": changed(RESBLOCK, (SUM, "F.softmax(out + identity, dim=0)")),
    "added up over channels": changed(RESBLOCK, (SUM, "F.relu(out + identity).cumsum(1)")),
    "branch where x is positive": changed(RESBLOCK, (SUM, "F.relu(torch.where(identity > 0, out, out.sin()) + identity)")),
    "cube": changed(RESBLOCK, (SUM, "F.relu(out + identity**3)")),
    "weights standardised": changed(
        RESBLOCK, (BRANCH, "        w = self.conv2.weight\n        out = self.bn2(F.conv2d(out, w - w.mean((1, 2, 3), keepdim=True), padding=1))\n")
    ),
    "weights turned": changed(RESBLOCK, (BRANCH, "        out = self.bn2(F.conv2d(out, self.conv2.weight.flip(3), padding=1))\n")),
    "branch sorted": changed(RESBLOCK, (BRANCH, BRANCH + "        out = out.sort(dim=3).values\n")),
    "bottleneck in two thirds": changed(BOTTLENECK, ("F.relu(self.bn2(self.conv2(out)))", "F.relu(self.bn2(self.conv2(out))) ** 1.5")),
}  # fmt: skip


@pytest.mark.parametrize("source", [pytest.param(UNKNOWN[name], id=name) for name in list(UNKNOWN)[STEP - 1 :: STEP]])
def test_what_is_not_known_is_not_explained(source: str) -> None:
    """No cause is claimed that was not replayed, and nothing that is claimed is made up."""
    report = judge(source, exercise_of(source))
    assert not report.correct
    assert [] == [diagnosis.mistake for diagnosis in report.diagnoses if diagnosis.proof is Proof.REPLAYED]


def test_ways_of_making_a_mistake_are_all_different() -> None:
    """An edit that stands in two mistakes would make one of them say what is not so."""
    owners: dict[int, str] = {}
    for mistake in mistakes().values():
        for plant in mistake.plants if isinstance(mistake, Planted) else ():
            if len(plant.edits) == 1:
                assert mistake.id == owners.setdefault(id(plant.edits[0]), mistake.id)


def said(graph: Graph) -> str:
    """To compare graphs by."""
    return graph.model_dump_json()


def graphs(assignment: Assignment, exercise_id: str = "", variant: int = 0) -> list[Graph]:
    """What the references compute, in every case and in both modes."""
    exercises = [e for e in assignment.exercises if isinstance(e, ModuleExercise) and exercise_id in ("", e.id)]
    references = [(Reference(assignment, exercise), case) for exercise in exercises for case in exercise.cases]
    return [
        reference.graph(case, variant, train=train, shape=(2, *case.input))
        for reference, case in references
        for train in (False, True)
    ]


def test_every_way_of_making_a_mistake_changes_some_block() -> None:
    """A way that changes nothing anywhere could explain nothing."""
    shipped = map(find_assignment, ("densenet-layer", "projection-shortcut"))
    assignments = (residual_blocks(), families(), options(), *shipped)
    found = [graph for assignment in assignments for graph in graphs(assignment)]
    found += graphs(find_assignment("resnext"), variant=1)  # with paths that are added
    found += graphs(options(), "paths", variant=1)  # with paths that have nothing in common
    found += [drop_biases(0, 1)(graph) for graph in found]  # a task may want gates without biases
    blocks = [(graph, said(graph)) for graph in found]
    for mistake in mistakes().values():
        for number, way in enumerate(mistake.plants if isinstance(mistake, Planted) else ()):
            wrong = ((edit(graph), graph, text) for edit in way.edits for graph, text in blocks)
            # What an edit hands back as it was given needs not be read again: most find nothing to change.
            assert any(made is not graph and said(made) != text for made, graph, text in wrong), (mistake.id, number)


@pytest.mark.parametrize("exercise_id", ["preact", "se", "res2net"])
def test_parameters_that_are_read_as_before_are_for_what_they_were(exercise_id: str) -> None:
    """The short way to tell what a mistake does to the parameters gives what the long one does."""
    kept = 0
    for graph in graphs(families(), exercise_id)[:4]:
        before = sorted(parts_in_graph(graph))
        for mistake in mistakes().values():
            for edit in (edit for way in getattr(mistake, "plants", ()) for edit in way.edits):
                wrong = edit(graph)
                if wrong is not graph and leaves_are_kept(wrong, graph):
                    kept += 1
                    assert before == sorted(parts_in_graph(wrong)), mistake.id
    assert kept > 50


def test_a_parameter_that_is_read_in_another_place_is_for_something_else() -> None:
    """Scale and shift change places: no parameter comes or goes."""
    graph = graphs(residual_blocks(), "resblock")[0]
    editor = Editor(graph)
    norm = next(node for node in graph.nodes if node.name == "native_batch_norm")
    value, scale, shift, *others = norm.args
    editor.change(norm.id, args=[value, shift, scale, *others])
    assert not leaves_are_kept(editor.graph(), graph)


def test_what_points_at_a_third_convolution_leaves_blocks_with_two_alone() -> None:
    """Nothing is said about a layer that a block does not have."""
    graph = graphs(residual_blocks(), "resblock")[2]
    for mistake in mistakes().values():
        for way in mistake.plants if isinstance(mistake, Planted) else ():
            if way.where == "convolution 2":
                assert said(graph) == said(way.edits[0](graph)), mistake.id


NO_NUMBER = changed(PREACT_BOTTLENECK, ("out + identity", "out / identity"))
LIKE_A_BIAS = changed(
    PREACT,
    ("self.shortcut = None", "self.shortcut, self.gain = None, nn.Parameter(torch.randn(1, out_channels, 1, 1) * 0.1)"),
    ("self.shortcut(out)", "self.shortcut(x)"),
    (
        "        out = F.relu(self.bn1(x))",
        "        if torch.isnan(x).any(): print('NaN')\n        out = F.relu(self.bn1(x))",
    ),
    ("out + identity", "out + identity * self.gain"),
)


@pytest.mark.parametrize(
    ("mistake", "exercise", "source"),
    [
        # Where the ReLU gives zeros only, zero is divided by zero.
        pytest.param("shortcut-divided", "preact-bottleneck", NO_NUMBER, id="outputs that are no numbers"),
        # In the order of registration the gain looks like a bias that is allowed; only the graph tells what it is.
        pytest.param("learned-scale", "preact", LIKE_A_BIAS, id="a number read, and a gain like a bias"),
    ],
)
def test_a_mistake_is_named_where_little_can_be_compared(mistake: str, exercise: str, source: str) -> None:
    report = judge(source, exercise)
    assert not report.correct
    assert [diagnosis.mistake for diagnosis in report.diagnoses] == [mistake]
    assert report.diagnoses[0].proof is Proof.REPLAYED
