"""A network that is a chain of steps, as plain networks are: each step reads what the one before it gives.

A step says what is computed and not how it is written: `nn.AdaptiveAvgPool2d(1)`, `x.mean((2, 3))` and an average
pooling as large as the map are one step, and what only changes a shape around it is none. An addition of an earlier
value, as a shortcut makes it, is a step of a chain too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Literal

from grader.graph import Graph, Node
from grader.judge.anatomy import ancestors
from grader.judge.cuts import Dominators
from grader.judge.latest import Latest
from grader.judge.uses import is_weighted

MOST_STEPS = 500
MOST_SETTING = 1 << 13  # of a kernel, a stride, a number of channels: a graph is a self-report
Kind = Literal["convolution", "linear", "norm", "activation", "pooling", "flatten", "addition"]
WEIGHTED = ("convolution", "linear")
# Functions of one value, with numbers for arguments, that may stand for an activation.
FUNCTIONS = frozenset(
    "abs celu clamp elu exp gelu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_sigmoid mish selu sigmoid "
    "silu sin softplus softshrink square tanh _softmax _log_softmax".split()
)
# The same of arithmetic with a number, as inputs are scaled.
ARITHMETIC = frozenset("add div mul sub".split())
AS_IT_IS = frozenset("clone contiguous alias".split())
SHAPING = frozenset("view _unsafe_view reshape flatten squeeze".split())
AVERAGES = frozenset("mean adaptive_avg_pool2d _adaptive_avg_pool2d avg_pool2d".split())
REDUCTIONS = frozenset("mean sum amax".split())
LARGEST = frozenset("amax adaptive_max_pool2d max_pool2d_with_indices".split())
WINDOWS = frozenset("avg_pool2d max_pool2d_with_indices".split())


@dataclass(frozen=True)
class Step:
    """What one step computes.

    Attributes:
        what: the function of an activation, with its constants in `numbers`; "average", "max" or "sum" of a pooling,
            with the arguments of its window in `numbers`, or none where it is the whole map; "batch" or "group" of a
            norm.
        out: channels or numbers that a layer gives.
        into: channels or numbers that a layer takes, where it is known to take others than it gets; else 0.
        affine: has a norm a scale and a shift?
        first: of equal largest values, does the first alone get the gradient?
        own: does a batch norm use the statistics of its batch in evaluation mode too?
        back: of an addition, how many steps back the value is that is added.
        padded: channels of zeros in front of and behind that value; with `stride` it is thinned out. None where it
            passes a convolution ("projection"), and a batch norm if `affine`.
        shared: how many steps back the layer is whose weights it uses again; 0 if they are its own.
    """

    kind: Kind
    what: str = ""
    out: int = 0
    into: int = 0
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1
    bias: bool = False
    affine: bool = True
    own: bool = False
    first: bool = False
    numbers: tuple[object, ...] = ()
    momentum: float = 0.1
    back: int = 0
    padded: tuple[int, int] | None = None
    shared: int = 0

    @property
    def pads_as_usual(self) -> bool:
        """Does a convolution keep the size of the map, but for its stride?"""
        return all(2 * p == (k - 1) * d for k, p, d in zip(self.kernel, self.padding, self.dilation, strict=True))


@dataclass(frozen=True)
class Link:
    """A step with the node that gives its result, and its parameters and buffers by what they are for."""

    step: Step
    node: Node
    leaves: dict[str, Node] = field(default_factory=dict)

    @property
    def is_layer(self) -> bool:
        return self.step.kind in WEIGHTED


class Unchained(Exception):
    """This part of a graph is no step that is known."""


def chain_of(graph: Graph) -> list[Link] | None:
    """The steps of a network; None if it is no chain, or one with a step that is not known."""
    links = steps_of(graph)
    return links if links is not None and any(link.is_layer for link in links) else None


def steps_of(graph: Graph) -> list[Link] | None:
    """The steps of any part of a network, even without layers, or none at all; None if one is not known."""
    try:
        return _Reader(graph).read(graph.input.id, graph.output)
    except UNREADABLE:
        return None


def kept_chain(graph: Graph) -> list[Link] | None:
    """The same of a reference's graph, which is asked for again and again; not to be changed."""
    return _kept.get(id(graph), lambda: (graph, chain_of(graph)))[1]  # with the graph, its id lasts


MOST_KEPT = 500
_kept: Latest[tuple[Graph, list[Link] | None]] = Latest(MOST_KEPT)


def begun_chain(graph: Graph) -> list[Link]:
    """The first steps of a network that was recorded up to where it raised, as far as they are known."""
    try:
        reader = _Reader(graph)
    except UNREADABLE:
        return []
    with suppress(*UNREADABLE):
        reader.read(graph.input.id, None)
    return reader.links


# What may come of reading a self-report that has an operation's name and not its arguments.
UNREADABLE = (LookupError, AttributeError, TypeError, ValueError, AssertionError, RecursionError, Unchained)


class _Reader:
    """Reads a graph from its input on."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.by_id
        self.links: list[Link] = []
        self._graph = graph
        self._dominators = Dominators(graph)
        self._users = {i: [user for user in users if user.id in graph.of_input] for i, users in graph.users.items()}
        self._at: dict[int, int] = {graph.input.id: 0}  # how many steps there are up to a value
        self._layer_of: dict[str, int] = {}  # the step that used a parameter first

    def read(self, value: int, end: int | None) -> list[Link]:
        """Append the steps from one value to another one, or as far as there are any."""
        while value != end:
            users = self._users[value]
            if not users and end is None:
                return self.links
            before = value
            value = self._step(value, users[0]) if len(users) == 1 else self._addition(value)
            if value == before or len(self.links) > MOST_STEPS:
                raise Unchained
            self._at[value] = len(self.links)
        return self.links

    def _append(self, step: Step, node: Node, **leaves: Node | None) -> int:
        found = {name: leaf for name, leaf in leaves.items() if leaf is not None}
        numbers = (step.out, step.groups, *step.kernel, *step.stride, *step.padding, *step.dilation)
        if not all(isinstance(number, int) and 0 <= number <= MOST_SETTING for number in numbers):
            raise Unchained
        if not all(map(_is_plain, (*step.numbers, step.momentum))):
            raise Unchained
        first = next((leaf.leaf.key for leaf in found.values() if leaf.leaf is not None), None)
        if first is not None:
            here = len(self.links)
            step = replace(step, shared=here - self._layer_of.setdefault(first, here))
        self.links.append(Link(step, node, found))
        return node.id

    def _step(self, value: int, node: Node) -> int:
        """What one operation that alone reads a value makes of it; the id of the result."""
        if not node.inputs or node.kwargs.keys() - {"dtype", "memory_format", "approximate"}:
            raise Unchained
        ways: dict[str, Callable[[int, Node], int]] = {
            "convolution": self._convolution,
            "constant_pad_nd": self._padding,
            "addmm": self._linear,
            "mm": self._linear,
            "native_batch_norm": self._norm,
            "native_group_norm": self._norm,
        }
        name = node.name
        if name in ways:
            return ways[name](value, node)
        if node.inputs[0] != value:
            raise Unchained
        if name in AS_IT_IS:
            return node.id
        if name in SHAPING:
            return self._shaping(value, node)
        if name in AVERAGES | LARGEST | REDUCTIONS:
            return self._pooling(value, node)
        return self._activation(node)

    # ------------------------------------------------------------------ layers

    def _convolution(self, value: int, node: Node, around: tuple[int, ...] = ()) -> int:
        read, weight, bias, stride, padding, dilation, transposed, _, groups = node.args
        kernel = self._leaf(weight)
        if read != {"v": value} or kernel is None or transposed:
            raise Unchained
        step = Step(
            "convolution",
            out=kernel.shape[0],
            kernel=tuple(kernel.shape[2:]),
            stride=tuple(stride),
            padding=tuple(a + b for a, b in zip(padding, around or [0] * len(padding), strict=True)),
            dilation=tuple(dilation),
            groups=groups,
            bias=bias is not None,
        )
        return self._append(step, node, weight=kernel, bias=self._leaf(bias))

    def _padding(self, value: int, node: Node) -> int:
        """Zeros around a map belong to the convolution that reads them, where they are as many on either side."""
        sides, users = node.args[1], self._users[node.id]
        pairs = list(zip(sides[::2], sides[1::2], strict=True))[::-1]
        is_plain = len(node.args) < 3 or node.args[2] == 0
        if not is_plain or len(users) != 1 or users[0].name != "convolution" or any(a != b or a < 0 for a, b in pairs):
            raise Unchained
        return self._convolution(node.id, users[0], tuple(a for a, _ in pairs))

    def _linear(self, value: int, node: Node) -> int:
        *bias, read, weight = node.args
        turned = self.nodes[weight["v"]]
        matrix = self._leaf(turned.args[0]) if turned.name == "t" else None
        if read != {"v": value} or matrix is None or (bias and self._leaf(bias[0]) is None):
            raise Unchained
        shift = self._leaf(bias[0]) if bias else None
        return self._append(Step("linear", out=matrix.shape[0], bias=bool(bias)), node, weight=matrix, bias=shift)

    def _norm(self, value: int, node: Node) -> int:
        users = self._users[node.id]
        if node.args[0] != {"v": value} or len(users) != 1 or users[0].name != "getitem" or users[0].args[1] != 0:
            raise Unchained
        result = users[0]
        scale, shift = map(self._leaf, node.args[1:3])
        if node.name == "native_group_norm":
            step = Step("norm", "group", groups=node.args[6], affine=scale is not None, numbers=(node.args[7],))
            return self._append(step, result, scale=scale, shift=shift)
        mean, variance = map(self._leaf, node.args[3:5])
        tracked = mean is not None and variance is not None
        step = Step(
            "norm",
            "batch",
            affine=scale is not None,
            own=not tracked,
            numbers=(node.args[7],),
            momentum=node.args[6],
        )
        return self._append(step, result, scale=scale, shift=shift, mean=mean, variance=variance)

    def _leaf(self, argument: object) -> Node | None:
        """The parameter or buffer that an argument stands for; None if there is no argument."""
        if argument is None:
            return None
        node = self.nodes[argument["v"]] if isinstance(argument, dict) else None
        if node is None or node.leaf is None or node.leaf.kind not in ("parameter", "buffer", "unregistered"):
            raise Unchained
        return node

    # ------------------------------------------------------------------ steps without weights

    def _activation(self, node: Node) -> int:
        name, numbers = node.name, tuple(node.args[1:])
        if name in ("relu", "clamp_min", "clamp", "threshold") and numbers in ((), (0,), (0, None), (0, 0)):
            return self._append(Step("activation", "relu"), node)
        plain = all(isinstance(number, int | float) for number in numbers)
        if name not in FUNCTIONS | ARITHMETIC or not plain or len(node.inputs) != 1:
            raise Unchained
        how = node.kwargs.get("approximate")
        return self._append(Step("activation", name, numbers=(*numbers, *([how] if how else []))), node)

    def _shaping(self, value: int, node: Node) -> int:
        """What only shapes is no step, but for making one row of several pixels of each map."""
        before, after = self.nodes[value].shape, node.shape
        if before == after or math.prod(before[2:]) == 1 == math.prod(after[2:]):
            return node.id
        if len(after) == 2 and after[0] == before[0]:
            return self._append(Step("flatten"), node)
        if len(after) == 3 and before[:2] == after[:2]:  # pixels in a row
            users = self._users[node.id]
            if len(users) == 1 and users[0].name in ("mean", "amax") and users[0].args[1] in ([2], [-1]):
                return self._append(Step("pooling", "average" if users[0].name == "mean" else "max"), users[0])
        raise Unchained

    def _pooling(self, value: int, node: Node) -> int:
        shape, result = self.nodes[value].shape, node
        if len(node.shapes) > 1:
            users = self._users[node.id]
            result = users[0] if len(users) == 1 and users[0].name == "getitem" and users[0].args[1] == 0 else node
            if result is node:
                raise Unchained
        what = "sum" if node.name == "sum" else "average" if node.name in AVERAGES else "max"
        if math.prod(result.shape[2:]) == 1 and self._is_whole(node, shape):
            return self._append(Step("pooling", what, first=what == "max" and node.name != "amax"), result)
        if node.name not in WINDOWS:
            raise Unchained
        return self._append(Step("pooling", what, numbers=_frozen(node.args[1:])), result)

    def _is_whole(self, node: Node, shape: list[int]) -> bool:
        """Does a pooling read the whole map?"""
        if node.name in REDUCTIONS:
            dimensions = sorted(d % len(shape) for d in node.args[1])
            return dimensions == list(range(2, len(shape)))
        padding = node.args[3] if len(node.args) > 3 else [0, 0]
        return node.name not in WINDOWS or (node.args[1] == shape[2:] and padding == [0, 0])

    # ------------------------------------------------------------------ additions

    def _addition(self, value: int) -> int:
        """A value that goes two ways, of which one is a shortcut: the steps of the other, and the addition."""
        join = self._passed_next.get(value)
        node = self.nodes[join] if join is not None else None
        if node is None or node.name != "add" or len(node.inputs) != 2 or node.kwargs:
            raise Unchained
        layers = [self._layers(i, value) for i in node.inputs]
        branch, shortcut = node.inputs if layers[0] >= layers[1] else node.inputs[::-1]
        start = len(self.links)
        inside = ancestors(self._graph, shortcut)
        self._users[value] = [user for user in self._users[value] if user.id not in inside and user is not node]
        self.read(value, branch)
        back = len(self.links) - start
        step, leaves = self._projection(value, shortcut) or (self._shortcut(value, shortcut), {})
        return self._append(replace(step, back=back), node, **leaves)

    @cached_property
    def _passed_next(self) -> dict[int, int]:
        """By each value that everything must pass on its way to the output the next such value."""
        return dict(pairwise(self._dominators.chain(self._graph.output)))

    def _layers(self, node: int, start: int) -> tuple[int, int]:
        """How many operations with weights, and how many in all, lead from one value to another."""
        way = [self.nodes[i] for i in ancestors(self._graph, node) - ancestors(self._graph, start)]
        return sum(is_weighted(each, self.nodes) for each in way), sum(bool(each.inputs) for each in way)

    def _projection(self, value: int, end: int) -> tuple[Step, dict[str, Node | None]] | None:
        """A value that passes a convolution before it is added, and perhaps a batch norm; None if it does not."""
        norm, node = None, self.nodes[end]
        if node.name == "getitem" and self.nodes[node.inputs[0]].name == "native_batch_norm":
            norm = self.nodes[node.inputs[0]]
            node = self.nodes[norm.inputs[0]]
        if node.name != "convolution" or node.inputs[0] != value:
            return None
        links = len(self.links)
        self._convolution(value, node)
        if norm is not None:
            self._norm(node.id, norm)
        found = self.links[links:]
        del self.links[links:]
        leaves: dict[str, Node | None] = {name: leaf for link in found for name, leaf in link.leaves.items()}
        of_norm = found[-1].step
        step = replace(found[0].step, kind="addition", what="projection", affine=norm is not None)
        if norm is not None:
            step = replace(step, numbers=of_norm.numbers, momentum=of_norm.momentum, own=of_norm.own)
        return step, leaves

    def _shortcut(self, value: int, end: int) -> Step:
        """What is done to a value before it is added."""
        into = self.nodes[value].shape
        way: list[Node] = []
        while end != value:
            node = self.nodes[end]
            way.append(node)
            end = node.inputs[0] if node.inputs else value
        strides = [1] * len(into)
        padded: tuple[int, int] = (0, 0)
        for node in way:
            if node.name == "slice" and node.args[2] == 0:
                strides[node.args[1]] = node.args[4] if len(node.args) > 4 else 1
            elif node.name == "constant_pad_nd" and (len(node.args) < 3 or node.args[2] == 0):
                *around, front, behind = [*node.args[1], *[0] * (2 * len(into) - 2)][: 2 * len(into) - 2]
                if any(around):
                    raise Unchained
                padded = (front, behind)
            else:
                raise Unchained
        if strides[:2] != [1, 1]:
            raise Unchained
        return Step("addition", stride=tuple(strides[2:]), padded=padded)


def _is_plain(value: object) -> bool:
    """Is a setting a number, or several of them, or the name of a way to compute GELU?"""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float) or value in ("none", "tanh")


def _frozen(value: object) -> tuple[object, ...]:
    """Arguments that can be compared and kept."""
    assert isinstance(value, list)
    return tuple(_frozen(item) if isinstance(item, list) else item for item in value)
