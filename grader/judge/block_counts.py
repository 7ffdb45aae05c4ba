"""How many parameters a network is to have whose blocks are wrong in a way that has cost already."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from grader.graph import Graph
from grader.judge.network import JudgedBlock
from grader.judge.segments import Segment

Kind = tuple[int, int, float, int]
"""Of a block that is right: channels that it takes and gives, by how much it makes the map smaller, its parameters."""


def excused_parameters(blocks: Iterable[tuple[JudgedBlock, Segment]]) -> dict[Kind, int]:
    """How many more parameters those blocks have whose mistakes have cost, by the kind of block that they should be;
    nothing where two of one kind have others.

    Args:
        blocks: each with the block of the reference network in its place.
    """
    found: dict[Kind, int] = {}
    for block, segment in blocks:
        kind = _kind(segment.extents[0])
        more = _parameters(block.segment.extents[0]) - kind[-1] if block.excused else 0
        if found.setdefault(kind, more) != more:
            return {}
    return found


def more_in(wanted: Iterable[Segment], excused: Mapping[Kind, int]) -> int | None:
    """How many more a network with these blocks has in all; None if one of them is of a kind that is not known."""
    kinds = [_kind(segment.extents[0]) for segment in wanted]
    return sum(excused[each] for each in kinds) if all(each in excused for each in kinds) else None


def _kind(graph: Graph) -> Kind:
    given, made = graph.input.shape, graph.by_id[graph.output].shape
    return given[1], made[1], given[-1] / made[-1], _parameters(graph)


def _parameters(graph: Graph) -> int:
    learnt = (node for node in graph.nodes if node.leaf is not None and node.leaf.kind == "parameter")
    return sum(math.prod(node.shape) for node in learnt)
