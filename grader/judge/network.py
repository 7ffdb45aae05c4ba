"""A whole network: is what was recorded of it true, and what was found out about its blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from grader.graph import Graph
from grader.judge.anatomy import block_uses
from grader.judge.compare import equal
from grader.judge.draws import draw_input
from grader.judge.narrow import in_training
from grader.judge.observed import BUILD, Observation
from grader.judge.replay import Environment
from grader.judge.segments import Segment, segments
from grader.judge.trusted import Untold, run_guarded
from grader.language import later, say
from grader.observation import Probe
from grader.verdict import CheckResult, Diagnosis

# Under random weights, does the recorded graph do what the network does? As recorded, for one sample and for many with
# large values, and in training.
AS_RECORDED = Probe("random", "random", gradient=False)
ONE_SAMPLE = Probe("random one sample", "random", batch=1, gradient=False)
MANY_SAMPLES = Probe("random many samples", "random", batch=9, scale=40.0, gradient=False)
TRAINING = Probe("random train", "random", train=True, gradient=False)
Again = Callable[[Probe], Graph | None]
# Operations whose sizes may hold the number of samples: of something that is read, or of something new.
SIZED = frozenset("view _unsafe_view reshape expand".split())
NEW = frozenset("zeros ones full new_zeros new_ones new_full".split())
RECORDING = (AS_RECORDED, ONE_SAMPLE, MANY_SAMPLES, TRAINING)


@dataclass(frozen=True)
class JudgedBlock:
    """One block of a network, compared with what the module exercises ask for.

    Attributes:
        name: where it is: "layer3.0", or "block 5" when its module is not known or has no name.
        compared: was it compared with the references of the module exercises?
        late: was it to be, and was there no time left?
        exercise: the exercise whose known mistakes it makes, or "".
        call: the block as the student would write it: "ResBlock(64, 128, 2)".
        right: does it do exactly what the reference does?
        extent: what of the network is the block, if it is right.
        trained: what of the network is it, as recorded in training mode, where it was.
        checks: for a wrong block, what the exercise's checks say of it.
        diagnoses: mistakes that were replayed: the reference with them does exactly what the block does.
        excused: the exercise in which they have cost points already, or "".
        network: the call of the network that it is of, where that is not the one that is looked at first; or "".
    """

    name: str
    segment: Segment
    compared: bool = False
    late: bool = False
    exercise: str = ""
    call: str = ""
    right: bool = False
    extent: Graph | None = None
    trained: Graph | None = None
    checks: list[CheckResult] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    excused: str = ""
    network: str = ""

    @property
    def is_unknown(self) -> bool:
        """Neither right nor with a mistake that is known."""
        return (self.compared or self.late) and not self.right and not self.diagnoses

    @property
    def place(self) -> str:
        """Where it is, in words: "layer3.0", or "layer3.0 of resnet(50)"."""
        return say("{block} of {network}", block=self.name, network=self.network) if self.network else self.name


@dataclass(frozen=True)
class RecordedNetwork:
    """The graph of a network that does what the network does, or why there is none.

    Attributes:
        graph: believed because under random weights it gives the network's outputs, for as many samples as it was
            recorded with, for one and for many.
        trains: does it also in training mode, once its batch norms are put into that mode?
        trained: what it computes in training mode, where that is something else.
    """

    graph: Graph | None
    reason: str = ""
    trains: bool = False
    trained: Graph | None = None

    @staticmethod
    def of(seen: Observation, again: Again) -> RecordedNetwork:
        """Put what was recorded to the test.

        Args:
            again: records the network once more, for the input of a probe. Asked where the first recording does not
                tell: batch norms by hand do other things in training mode.
        """
        graph = seen.built.graph
        if graph is None or not seen.has_graph:
            return RecordedNetwork(None, later("it could not be recorded"))
        values = seen.drawn  # once: there may be millions
        if not _gives(seen, graph, AS_RECORDED, values):
            return RecordedNetwork(
                None, later("what was recorded gives another output than the network, or cannot be run again")
            )
        if not _gives_samples(seen, graph, ONE_SAMPLE, values):
            return RecordedNetwork(None, later("for one sample alone it computes something else than for two"))
        if not _gives_samples(seen, graph, MANY_SAMPLES, values):
            return RecordedNetwork(
                None, later("for many samples of large values it computes something else than for two of usual ones")
            )
        if _gives(seen, in_training(graph), TRAINING, values):
            return RecordedNetwork(graph, trains=True)
        trained = again(TRAINING)
        if trained is None or not _gives(seen, trained, TRAINING, values) or not _has_same_blocks(graph, trained):
            return RecordedNetwork(None, later("in training mode it computes something else than in evaluation mode"))
        return RecordedNetwork(graph, trained=trained)

    @staticmethod
    def of_large(seen: Observation) -> RecordedNetwork:
        """Put what was recorded in a case that only confirms to the test, for the samples that it was recorded with."""
        graph, values = seen.built.graph, seen.drawn
        if graph is None or not _gives(seen, graph, AS_RECORDED, values):
            return RecordedNetwork(
                None, later("what was recorded gives another output than the network, or cannot be run again")
            )
        return RecordedNetwork(graph, trains=_gives(seen, in_training(graph), TRAINING, values))


NOT_RECORDED = RecordedNetwork(None, later("no case records what the network computes"))


def _has_same_blocks(one: Graph, other: Graph) -> bool:
    """Have two recordings of a network as many blocks, as far as they show?"""
    return _shown_blocks(one) == _shown_blocks(other)


def _shown_blocks(graph: Graph) -> list[int]:
    """How many skips, residual additions, and additions of a block that is used again."""
    return [sum(part.has_skip for part in segments(graph)), *map(len, block_uses(graph))]


def _gives_samples(seen: Observation, graph: Graph, probe: Probe, values: dict[str, Tensor]) -> bool:
    """Does a graph, recorded for two samples, give what the network gave for another number of them?

    Where what it does for them cannot be read off it, since numbers are written into it, it is run on two at a time: in
    evaluation mode a sample does not depend on the others.
    """
    if _gives(seen, for_samples(graph, probe.batch), probe, values):
        return True
    answer = seen.answers.get(probe.name)
    if answer is None or answer.y is None:
        return False
    x = draw_input(seen.seed, seen.case.input, probe)
    firsts = range(0, probe.batch, BUILD.batch)
    pairs = [x[[first, min(first + 1, probe.batch - 1)]] for first in firsts]
    found = [run_recorded(graph, pair, values) for pair in pairs]
    told = [pair for pair in found if pair is not None and pair.shape == (BUILD.batch, *answer.y.shape[1:])]
    return len(told) == len(pairs) and _is_as(answer.y, torch.cat(told)[: probe.batch], seen)


def mixes_samples(seen: Observation, graph: Graph) -> bool:
    """Does what a network, or a part of it, gives for a sample in evaluation mode depend on the other samples? By its
    graph, which is believed."""
    try:
        x = draw_input(seen.seed, graph.input.shape[1:], AS_RECORDED)
    except LookupError:
        return False  # it does not read its input
    beside = torch.stack([x[0], x[1] * 1.5 - 0.5])
    values = seen.drawn
    one, other = run_recorded(graph, x, values), run_recorded(graph, beside, values)
    if one is None or other is None or one.shape != other.shape:
        return False
    return not equal(one[:1], other[:1], seen.precision)


def for_samples(graph: Graph, number: int) -> Graph:
    """A graph recorded for two samples, for another number of them: where that was written into it as part of a size,
    in front as it nearly always is, that size is changed."""
    of_input = {graph.input.id}
    nodes = []
    for node in graph.nodes:
        if not of_input.isdisjoint(node.inputs):
            of_input.add(node.id)
        position = 0 if node.name in ("zeros", "ones", "full") else 1
        sizes = node.args[position] if len(node.args) > position else None
        first = sizes[0] if isinstance(sizes, list) and sizes else None
        holds_samples = node.name in NEW or (node.name in SIZED and node.id in of_input)
        if holds_samples and isinstance(sizes, list) and isinstance(first, int) and first > 0 and first % 2 == 0:
            args = list(node.args)
            args[position] = [first // BUILD.batch * number, *sizes[1:]]
            node = node.changed(args=args)
        nodes.append(node)
    return Graph.model_construct(nodes=nodes, output=graph.output)


def _gives(seen: Observation, graph: Graph, probe: Probe, values: dict[str, Tensor]) -> bool:
    """Does a graph give what the network gave on a probe?"""
    answer = seen.answers.get(probe.name)
    if answer is None or answer.y is None:
        return False
    result = run_recorded(graph, draw_input(seen.seed, seen.case.input, probe), values)
    return result is not None and _is_as(answer.y, result, seen)


def run_recorded(graph: Graph, x: Tensor, values: dict[str, Tensor]) -> Tensor | None:
    """What a graph gives; None where that is not told."""
    environment: Environment = {}
    try:
        with torch.no_grad():
            run_guarded(graph, x, values, environment)
    except Untold:
        return None
    result = environment[graph.output]
    return result if isinstance(result, Tensor) else None


def _is_as(y: Tensor, result: Tensor, seen: Observation) -> bool:
    return result.shape == y.shape and equal(y, result.to(y.dtype), seen.precision)
