"""What the number of its parameters tells of the blocks of a network: how many it is to have where they are wrong in a
way that has cost already, and how many blocks too many or too few explain those that it has."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

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


def more_blocks(surplus: Mapping[int, int], blocks: Iterable[Segment]) -> dict[int, int] | None:
    """How many more blocks explain the parameters that a network has too many or lacks, by the channels that they
    give; None if blocks alone do not.

    Args:
        surplus: how many more parameters there are, by their numbers of elements.
        blocks: of a right network: those that change nothing but numbers may stand more often, or less.
    """
    found = {segment.output.shape[1]: _sizes(segment.extents[0]) for segment in blocks if _is_repeatable(segment)}
    sizes = sorted({*surplus, *(size for block in found.values() for size in block)})
    if not found:
        return None
    columns = np.array([[block[size] for block in found.values()] for size in sizes])
    wanted = np.array([surplus.get(size, 0) for size in sizes])
    more = np.rint(np.linalg.lstsq(columns, wanted, rcond=None)[0]).astype(int)
    if not more.any() or (columns @ more != wanted).any():
        return None
    return {channels: int(number) for channels, number in zip(found, more, strict=True) if number}


def _is_repeatable(segment: Segment) -> bool:
    graph = segment.extents[0]
    return graph.input.shape == graph.by_id[graph.output].shape


def _sizes(graph: Graph) -> Counter[int]:
    learnt = (node for node in graph.nodes if node.leaf is not None and node.leaf.kind == "parameter")
    return Counter(math.prod(node.shape) for node in learnt)


def _kind(graph: Graph) -> Kind:
    given, made = graph.input.shape, graph.by_id[graph.output].shape
    return given[1], made[1], given[-1] / made[-1], _parameters(graph)


def _parameters(graph: Graph) -> int:
    return sum(_sizes(graph).elements())
