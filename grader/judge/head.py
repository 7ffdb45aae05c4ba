"""Does a network average over its image, behind its last block?

Where values are averaged over all pixels, and each was made of its own pixel alone, the result is the mean of what the
pixels give by themselves. So a map that is put together from the pixels of two constant maps gives their results,
weighted by how many pixels are of either. A largest value does not, nor do all pixels in a row, or a mean of channels.
"""

from __future__ import annotations

import math

import torch

from grader.assignment import NetworkExercise
from grader.graph import Graph, Node
from grader.judge.compare import equal
from grader.judge.cuts import Dominators
from grader.judge.examined import Examined
from grader.judge.network import run_recorded
from grader.judge.observed import Observation
from grader.judge.segments import part_of

SEED = 5
MOST_NUMBERS = 1 << 24  # of a map: a graph's shapes are a self-report


def head_without_average(examined: Examined, seen: Observation) -> Node | None:
    """The node at which a network has left its maps without an average over the image, if the task asks for one."""
    graph = examined.network.graph
    is_asked = isinstance(examined.exercise, NetworkExercise) and examined.exercise.head == "average"
    if not is_asked or graph is None or not examined.blocks or seen.case.confirm or examined.hides_blocks:
        return None
    last = examined.blocks[-1].segment.output.id
    row = first_row(graph, last)
    return graph.by_id[row] if row is not None and averages_the_image(seen, graph, last, row) is False else None


def averages_the_image(seen: Observation, graph: Graph, last: int, row: int) -> bool | None:
    """Is what a network makes of a map the mean over what its pixels give? None where that cannot be told.

    Args:
        graph: of the whole network, which is believed.
        last: the node that gives the output of its last block, batch × channels × height × width.
        row: a node behind it, to which everything leads through `last`.
    """
    shape = graph.by_id[last].shape
    part = part_of(graph, last, row)
    if any(node.name == "convolution" and part.by_id[node.inputs[1]].shape[2:] != [1, 1] for node in part.nodes):
        return None  # it sees further than a pixel
    generator = torch.Generator().manual_seed(SEED)
    one, other = torch.randn(2, shape[1], 1, 1, generator=generator, dtype=torch.float64)
    mixed = [torch.rand(shape[2:], generator=generator) < 0.5, torch.zeros(shape[2:], dtype=torch.bool)]
    mixed[1].view(-1)[0] = True  # a single pixel
    whole = torch.stack([one.expand(shape[1:]), other.expand(shape[1:])])
    halves = torch.stack([torch.where(pixels, one, other) for pixels in mixed])
    values = seen.drawn
    alone, together = run_recorded(part, whole, values), run_recorded(part, halves, values)
    if alone is None or together is None or len(alone) != len(whole):
        return None
    shares = torch.stack([pixels.double().mean() for pixels in mixed]).view(-1, *[1] * (alone.dim() - 1))
    return equal(together, shares * alone[:1] + (1 - shares) * alone[1:], seen.precision)


def first_row(graph: Graph, last: int) -> int | None:
    """The first value behind a node that everything goes through and that is no map any more, but one row for each
    sample; None where there is none, or the node gives no map."""
    shape = graph.by_id[last].shape
    if len(shape) != 4 or math.prod(shape[2:]) == 1 or math.prod(shape) > MOST_NUMBERS:
        return None
    part = part_of(graph, last, graph.output)
    if sum(node.leaf is not None and node.leaf.kind == "input" for node in part.nodes) > 1:
        return None  # something leads around the last block
    dominators = Dominators(part)
    chain = dominators.chain(part.output) if part.output in dominators else []
    nodes = part.by_id
    rows = (i for i in chain if len(nodes[i].shape) == 2 or nodes[i].shape[2:] == [1, 1])
    return next((i for i in rows if nodes[i].shape[0] == shape[0] and len(nodes[i].shapes) == 1), None)
