"""The residual blocks of a network, found in its graph, each as a graph of its own.

From one cut of a network to the next leads either one operation, or several paths that part and meet again: with
weights on them, that is the core of a block. What else belongs to the block, such as the ReLU after the sum, is told
by the modules that ran it and by what stands around it. None of this is proof: several extents of a block are offered,
and numbers decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

from grader.graph import Graph, Leaf, Node
from grader.judge.anatomy import SUMS
from grader.judge.cuts import Dominators
from grader.judge.leaves import JOININGS
from grader.judge.uses import is_weighted

DEEPEST = 8  # long skips inside long skips that are looked into
MOST_SEGMENTS = 500
NOWHERE = (None, None)  # what torch's own containers run has no line
POOLING = frozenset(
    "mean sum amax max avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool2d max_pool2d_with_indices".split()
)

DRAWING = frozenset(["bernoulli", "native_dropout"])  # what dropout draws its random numbers with


@dataclass(frozen=True)
class Segment:
    """A part of a network with one input and one output.

    Attributes:
        path: the module that it is, as far as its operations tell: "layer3.0"; "" when they do not.
        extents: graphs of what may be the block, the likeliest first. Ids are those of the network.
        has_skip: do several paths lead through it? If not, it is a chain of layers.
        join: the node where the paths meet.
        among_blocks: does it have a skip, run lines of code that blocks with one run, or stand beside them?
        input_is_activated: does it only ever meet what a ReLU gives?
    """

    path: str
    extents: tuple[Graph, ...]
    has_skip: bool
    join: int | None = None
    among_blocks: bool = True
    input_is_activated: bool = False

    @property
    def nodes(self) -> set[int]:
        """Ids of its operations, in the network's graph."""
        return {node.id for node in self.extents[0].nodes if node.leaf is None}

    @property
    def weights(self) -> set[str]:
        """Keys of its weights."""
        leaves = [node for node in self.extents[-1].nodes if node.leaf is not None and len(node.shape) > 1]
        return {node.leaf.key for node in leaves if node.leaf is not None and node.leaf.kind != "input"}

    @property
    def parameters(self) -> set[str]:
        """Keys of what it learns, from where its paths part to where they meet: what may belong to the next one does
        not count."""
        core = min(self.extents, key=lambda graph: len(graph.nodes))
        return {node.leaf.key for node in core.nodes if node.leaf is not None and node.leaf.learnable}

    @property
    def output(self) -> Node:
        """The node that gives its result."""
        graph = self.extents[0]
        return graph.by_id[graph.output]


@dataclass(frozen=True)
class _Step:
    """From one cut to the next. `inside` are the nodes on the way that depend on the input, `end` with them."""

    start: int
    end: int
    inside: frozenset[int]
    is_core: bool
    path: str  # of the module that ran it


def segments(graph: Graph) -> list[Segment]:
    """The blocks of a network, and chains of at least two weighted layers, in the order they run."""
    try:
        network = _Network(graph)
    except LookupError:
        return []
    return network.segments()[:MOST_SEGMENTS]


def drops_between_blocks(graph: Graph) -> bool:
    """Is all dropout of a network that was recorded in training mode between its blocks, and none within one?"""
    try:
        network = _Network(graph)
    except LookupError:
        return False
    drawn = {node.id for node in graph.nodes if node.name.rstrip("_") in DRAWING}
    outside = [step.inside for step in network.steps if not step.is_core]
    return bool(drawn) and drawn <= frozenset().union(*outside)


class _Network:
    """A network's graph, and what is asked of it again and again.

    Raises:
        LookupError: it does not read its input.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.by_id
        self.dominators = Dominators(graph)
        self.weighted = {node.id for node in graph.nodes if is_weighted(node, self.nodes)}
        self.steps: list[_Step] = []
        if graph.output in self.dominators:
            self._walk(graph.input.id, graph.output, DEEPEST)

    def segments(self) -> list[Segment]:
        """Blocks, and chains in front of, between and behind them, first to last."""
        cores = [number for number, step in enumerate(self.steps) if step.is_core]
        found: list[Segment] = []
        free = 0  # the first step that belongs to no block yet
        for before, core, behind in zip([-1, *cores], cores, [*cores[1:], len(self.steps)], strict=False):
            extents = self._extents(before, core, behind)
            left, right = extents[0]
            found += self._chains(free, left)
            found.append(self._block(core, extents))
            free = right + 1
        return found + self._chains(free, len(self.steps))

    def _block(self, core: int, extents: list[tuple[int, int]]) -> Segment:
        step = self.steps[core]
        return Segment(
            step.path,
            tuple(part_of(self.graph, self.steps[first].start, self.steps[last].end) for first, last in extents),
            has_skip=True,
            join=step.end,
            input_is_activated=self._is_activated(step.start),
        )

    def _chains(self, first: int, stop: int) -> list[Segment]:
        """Chains of at least two weighted layers among these steps."""
        found = []
        for start, end in self._runs(first, stop, ""):
            steps = self.steps[start : end + 1]
            path = _common(step.path for step in steps)
            lines = {self._line(i) for step in steps for i in step.inside & self.weighted}
            among = (NOWHERE not in lines and lines <= self._lines) or _parent(path) in self._homes
            chain = part_of(self.graph, steps[0].start, steps[-1].end)
            found.append(Segment(path, (chain,), has_skip=False, among_blocks=among))
        return found

    @cached_property
    def _lines(self) -> set[tuple[int | None, int | None]]:
        """Lines of code that weighted layers of blocks run."""
        return {self._line(i) for step in self.steps if step.is_core for i in step.inside & self.weighted}

    @cached_property
    def _homes(self) -> set[str]:
        """Modules that hold blocks, other than the network itself."""
        return {_parent(step.path) for step in self.steps if step.is_core} - {""}

    def _walk(self, start: int, end: int, depth: int) -> None:
        """Append the steps from one value to another that it dominates."""
        chain = self.dominators.chain(end)
        for before, behind in pairwise(chain[chain.index(start) :]):
            inside = self._inside(before, behind)
            is_direct = all(i == before or i not in self.dominators for i in self.nodes[behind].inputs)
            is_core = not is_direct and bool(inside & self.weighted) and not self._joins_samples(before, behind)
            branch = self._long_branch(before, behind, inside) if is_core and depth else None
            if branch is not None:
                # A skip over several blocks: they are looked at one by one.
                self._walk(before, branch, depth - 1)
                self.steps.append(_Step(branch, behind, frozenset([behind]), False, self.nodes[behind].module or ""))
                continue
            path = _common(self.nodes[i].module or "" for i in inside if self.nodes[i].module is not None)
            self.steps.append(_Step(before, behind, inside, is_core, path))

    def _joins_samples(self, start: int, end: int) -> bool:
        """Does a value put samples one behind the other, which were worked on one by one? They are no paths of a block,
        as the operands of `stack([f, x]).sum(0)` are, each of which holds all samples."""
        join, samples = self.nodes[end], self.nodes[start].shape[:1]
        along_samples = join.name in JOININGS and join.args[1:2] in ([], [0])
        return along_samples and all(self.nodes[i].shape[:1] != samples for i in join.inputs)

    def _inside(self, start: int, end: int) -> frozenset[int]:
        """What lies between a value and one that it dominates, as far as it depends on the input."""
        found: set[int] = set()
        todo = [end]
        while todo:
            i = todo.pop()
            if i != start and i not in found and i in self.dominators:
                found.add(i)
                todo += self.nodes[i].inputs
        return frozenset(found)

    def _long_branch(self, start: int, end: int, inside: frozenset[int]) -> int | None:
        """The side of a sum that holds several blocks itself, or None when this is a block."""
        if self.nodes[end].name not in SUMS:
            return None
        for side in self.nodes[end].inputs[:2]:
            if side in inside:
                chain = self.dominators.chain(side)
                inner = pairwise(chain[chain.index(start) :])
                if sum(self._is_residual(before, behind) for before, behind in inner) >= 2:
                    return side
        return None

    def _is_residual(self, start: int, end: int) -> bool:
        """Does the value add two paths on which there are at least two weighted layers?"""
        sides = {i for i in self.nodes[end].inputs if i in self.dominators}
        is_sum = self.nodes[end].name in SUMS and len(sides) == 2
        return is_sum and len(self._inside(start, end) & self.weighted) >= 2

    # ------------------------------------------------------------------ extents

    def _extents(self, before: int, core: int, behind: int) -> list[tuple[int, int]]:
        """First and last step of what may be the block around a core, the likeliest first.

        Args:
            before, behind: the steps of the cores before and behind it, or just outside of the steps.
        """
        path = self.steps[core].path
        next_path = self.steps[behind].path if behind < len(self.steps) else ""
        left, right = core, core
        while path and left > before + 1 and _is_within(self.steps[left - 1].path, path):
            left -= 1
        while path and right + 1 < behind and _is_within(self.steps[right + 1].path, path):
            right += 1
        full = core
        while full + 1 < behind and self._is_light(full + 1) and not _is_within(self.steps[full + 1].path, next_path):
            full += 1
        bare = core
        while bare < full and not self._has_parameters(bare + 1):
            bare += 1
        shared = core  # with the ReLU that every block starts with, for the one before, instead of ending in it
        while shared + 1 < behind and self._is_light(shared + 1):
            shared += 1
        ends = [(left, max(right, full)), (core, full), (left, right), (core, bare), (core, core), (core, shared)]
        return list(dict.fromkeys(ends))

    def _is_light(self, number: int) -> bool:
        """Does a step keep the shape, and hold no weighted layer? (Pooling keeps it where the maps are 1×1.)"""
        step = self.steps[number]
        is_pooling = self.nodes[step.end].name in POOLING
        keeps_shape = self.nodes[step.start].shape == self.nodes[step.end].shape
        return keeps_shape and not is_pooling and not step.inside & self.weighted

    def _has_parameters(self, number: int) -> bool:
        inputs = [i for inside in self.steps[number].inside for i in self.nodes[inside].inputs]
        leaves = [self.nodes[i].leaf for i in inputs]
        return any(leaf is not None and leaf.learnable for leaf in leaves)

    def _is_activated(self, node: int) -> bool:
        """Is a value what a ReLU gave, or the largest of such?"""
        while self.nodes[node].name in ("getitem", "max_pool2d_with_indices") and self.nodes[node].inputs:
            node = self.nodes[node].inputs[0]
        return self.nodes[node].name in ("relu", "relu6")

    def _runs(self, first: int, stop: int, prefix: str) -> list[tuple[int, int]]:
        """Runs of steps that are the smallest modules with at least two weighted layers."""
        if sum(bool(self.steps[i].inside & self.weighted) for i in range(first, stop)) < 2:
            return []
        found: list[tuple[int, int]] = []
        for part, group in groupby(range(first, stop), key=lambda i: _next_part(self.steps[i].path, prefix)):
            numbers = list(group)
            if part:
                found += self._runs(numbers[0], numbers[-1] + 1, f"{prefix}.{part}".lstrip("."))
        return found or [(first, stop - 1)]

    def _line(self, node: int) -> tuple[int | None, int | None]:
        return self.nodes[node].cell, self.nodes[node].line


def part_of(graph: Graph, start: int, end: int) -> Graph:
    """What leads from one value to another, as a graph of its own, with the same ids."""
    nodes = graph.by_id
    wanted: set[int] = set()
    todo = [end]
    while todo:
        i = todo.pop()
        if i != start and i not in wanted:
            wanted.add(i)
            todo += nodes[i].inputs
    x = Node(id=start, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[nodes[start].shape])
    return Graph(nodes=[x, *(node for node in graph.nodes if node.id in wanted)], output=end)


def _common(paths: Iterable[str]) -> str:
    """The module that holds all of these."""
    found: list[str] | None = None
    for path in paths:
        parts = path.split(".") if path else []
        same = len(parts) if found is None else 0
        while found is not None and same < min(len(found), len(parts)) and found[same] == parts[same]:
            same += 1
        found = parts[:same]
    return ".".join(found or [])


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _is_within(path: str, module: str) -> bool:
    return bool(module) and (path == module or path.startswith(module + "."))


def _next_part(path: str, prefix: str) -> str:
    """`0` for `layer3.0.conv1` in `layer3`; "" for what that module runs itself."""
    rest = path[len(prefix) :].lstrip(".") if not prefix or _is_within(path, prefix) else ""
    return rest.split(".")[0]
