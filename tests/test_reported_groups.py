"""In how many groups a convolution works is the student's word: it says what to try, and breaks nothing."""

from __future__ import annotations

import pytest

from grader.assignment import Case
from grader.graph import Graph, Leaf, Node
from grader.judge.observed import Observation
from grader.mistakes.width import registered
from grader.observation import Built, Registered

WEIGHT = Leaf(kind="parameter", key="p:w", learnable=True)


def layers(op: list[object]) -> tuple[tuple[int, int], ...]:
    """Channels out of and into the one convolution of a module whose graph has these arguments for it."""
    nodes = [
        Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[[2, 8, 4, 4]]),
        Node(id=1, op="leaf", leaf=WEIGHT, shapes=[[8, 2, 3, 3]]),
        Node.model_validate({"id": 2, "op": "aten.convolution.default", "args": op, "shapes": [[2, 8, 4, 4]]}),
    ]
    tensor = Registered(key="p:w", kind="parameter", shape=[8, 2, 3, 3], learnable=True, initial="other", floating=True)
    built = Built(tensors=[tensor], graph=Graph(nodes=nodes, output=2))
    return registered(Observation(Case(title="one", arguments={}, input=[8, 4, 4]), built), projection_first=False)


def grouped(groups: object) -> list[object]:
    return [{"v": 0}, {"v": 1}, None, [1, 1], [1, 1], [1, 1], False, [0, 0], groups]


def test_a_grouped_convolution_takes_all_its_channels() -> None:
    assert ((8, 8),) == layers(grouped(4))


@pytest.mark.parametrize(
    "op", [grouped(0), grouped(-4), grouped(3), grouped(10**9), grouped("4"), grouped(4)[:8], [], [{"v": 0}]]
)
def test_groups_that_cannot_be_are_none(op: list[object]) -> None:
    """The layer has the channels that its weight has."""
    assert ((8, 2),) == layers(op)
