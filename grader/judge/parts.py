"""Edits of a block's parts, from which mistakes are made. Each leaves a graph alone that has no such part."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from grader.graph import Graph, Leaf, Node
from grader.judge.anatomy import Anatomy, anatomy, ancestors, dense_anatomy, follows_another
from grader.judge.edits import Editor, ref
from grader.judge.latest import Latest

logger = logging.getLogger(__name__)

Edit = Callable[[Graph], Graph]


@dataclass(frozen=True)
class Gate:
    """A squeeze-and-excitation gate: `scale` multiplies `value` by `factor`, one number for each channel.

    Node ids. `squeeze` reads the value; `inside` is everything from there to the factor.
    """

    scale: int
    value: int
    factor: int
    squeeze: int
    inside: frozenset[int]


@dataclass(frozen=True)
class Part:
    """One of the parts into which a Res2Net block splits its channels: `entry` as it was cut off, `result` as it is
    concatenated. Node ids; what the part does not have is None."""

    entry: int
    result: int
    link: int | None  # the addition of the result of the part before
    convolution: int | None
    norm: int | None
    activation: int | None


class Block:
    """A residual block's graph, its parts by name, and an editor on it.

    `branch` is everything that leads to the branch's end, `shortcut` what leads to the shortcut's end alone: where the
    shortcut starts behind the first layers of the branch, these belong to the branch. `convolutions`, `norms` and
    `activations` are those of the branch from its start to its end, not those within a gate or within split parts.
    """

    def __init__(self, graph: Graph, parts: Anatomy) -> None:
        self.source = graph
        self.parts = parts
        self.editor = Editor(graph)
        self.x = graph.input.id
        nodes = graph.by_id
        on_branch = ancestors(graph, parts.branch)
        on_shortcut = ancestors(graph, parts.shortcut) - on_branch
        self.branch = [node for node in graph.nodes if node.id in on_branch and node.id != self.x]
        self.shortcut = [node for node in graph.nodes if node.id in on_shortcut and node.id != self.x]
        self.gate = _gate(graph)
        self.splits = _splits(graph, on_branch)
        apart = self.gate.inside if self.gate is not None else frozenset()
        apart |= {i for part in self.splits for i in (part.convolution, part.norm, part.activation) if i is not None}
        path = [node for node in self.branch if node.id not in apart]
        self.convolutions = [node for node in path if node.name == "convolution"]
        self.norms = [node for node in path if node.name == "native_batch_norm"]
        self.activations = [node for node in path if node.name == "relu"]
        self.projection = next((n for n in self.shortcut if n.name == "convolution"), None)
        self.projection_norm = next((n for n in self.shortcut if n.name == "native_batch_norm"), None)
        self.is_dense = graph.by_id[parts.join].name == "cat"
        self.final_activation = next((nodes[i] for i in parts.after if nodes[i].name == "relu"), None)

    def norms_at(self, number: int) -> list[Node]:
        """The batch norms of the branch with this number, one of every path; none if it has not so many."""
        return _row(self.norm_rows, number)

    def activations_at(self, number: int) -> list[Node]:
        return _row(self.activation_rows, number)

    def convolutions_at(self, number: int) -> list[Node]:
        return _row(self.convolution_rows, number)

    @cached_property
    def convolution_rows(self) -> list[list[Node]]:
        """The branch's convolutions by how many of them lead to each: in a block of several paths, as ResNeXt's may
        be, a row has one of every path."""
        return self.rows(self.convolutions)

    @cached_property
    def norm_rows(self) -> list[list[Node]]:
        return self.rows(self.norms)

    @cached_property
    def activation_rows(self) -> list[list[Node]]:
        return self.rows(self.activations)

    def rows(self, among: list[Node]) -> list[list[Node]]:
        """Some nodes of the branch by how many of them lead to each."""
        counted = {node.id for node in among}
        rows: list[list[Node]] = []
        before: dict[int, int] = {}
        for node in self.branch:
            number = max((before.get(i, 0) for i in node.inputs), default=0)
            if node.id in counted:
                rows += [[] for _ in range(number + 1 - len(rows))]
                rows[number].append(node)
            before[node.id] = number + (node.id in counted)
        return rows

    @cached_property
    def follows_another(self) -> bool:
        """Is it the last block of a chain?"""
        return follows_another(self.source, self.parts)

    @property
    def is_preactivated(self) -> bool:
        """Does the branch begin with a batch norm?"""
        weighted = next((node for node in self.branch if node.name in ("convolution", "native_batch_norm")), None)
        return weighted is not None and weighted.name == "native_batch_norm"

    def output_of(self, node: Node) -> int:
        """Where a node's value is read: a batch norm gives three values, of which the first is the result."""
        if node.name != "native_batch_norm":
            return node.id
        picks = [n for n in self.source.nodes if n.op == "getitem" and n.args == [ref(node.id), 0]]
        return picks[0].id

    def bypass(self, node: Node) -> None:
        """Whoever reads the node reads its input instead."""
        self.editor.redirect(self.output_of(node), self.editor[node.id].inputs[0])

    def activate(self, node: int, op: str = "aten.relu.default", *args: object) -> int:
        """A new activation of a node's value; nobody reads it yet."""
        return self.editor.add(op, ref(node), *args, shapes=[self.editor[node].shape])

    def normalise(self, node: int, like: Node, key: str) -> int:
        """A new batch norm with parameters of its own, in the mode of another one; nobody reads it yet."""
        return self.editor.normalise(node, key, like.op, *like.args[5:])

    def convolve(self, node: int, channels: int, kernel: int, stride: int, key: str, *, bias: bool = False) -> int:
        """A new convolution; nobody reads it yet."""
        batch, into, *space = self.editor[node].shape
        weight = self.editor.add_leaf(
            Leaf(kind="parameter", key=f"{key} weight", learnable=True), [channels, into, *(kernel for _ in space)]
        )
        size = [batch, channels, *(-(-length // stride) for length in space)]
        shift = None
        if bias:
            leaf = Leaf(kind="parameter", key=f"{key} bias", learnable=True)
            shift = ref(self.editor.add_leaf(leaf, [channels]))
        strides, padding, dilation, none = ([number for _ in space] for number in (stride, kernel // 2, 1, 0))
        arguments = [shift, strides, padding, dilation, False, none, 1]
        return self.editor.add("aten.convolution.default", ref(node), ref(weight), *arguments, shapes=[size])

    def is_strided(self, convolution: Node) -> bool:
        return bool(convolution.args[3] != [1 for _ in convolution.shape[2:]])

    def set_stride(self, convolution: Node, stride: int) -> None:
        """The same stride along every dimension of a convolution."""
        self.editor.set_argument(convolution.id, 3, [stride for _ in convolution.shape[2:]])

    def set_padding(self, convolution: Node, padding: int) -> None:
        """The same padding on every side of a convolution's input."""
        self.editor.set_argument(convolution.id, 4, [padding for _ in convolution.shape[2:]])

    def join(self, branch: int, shortcut: int, op: str = "aten.add.Tensor", **kwargs: object) -> None:
        """Combine these two instead, in this way."""
        if self.is_dense and op == "aten.add.Tensor":
            self.editor.set_argument(self.parts.join, 0, [ref(shortcut), ref(branch)])
            return
        self.editor.change(self.parts.join, op=op, args=[ref(branch), ref(shortcut)], kwargs=kwargs)

    def leaf(self, argument: object) -> Node | None:
        """The parameter or buffer that an argument stands for."""
        node = argument.get("v") if isinstance(argument, dict) else None
        return self.editor[node] if isinstance(node, int) and self.editor[node].leaf is not None else None

    def resize(self, argument: object, shape: list[int]) -> None:
        """Another shape for the parameter that an argument stands for."""
        leaf = self.leaf(argument)
        if leaf is not None:
            self.editor.change(leaf.id, shapes=[shape])


def _row(rows: list[list[Node]], number: int) -> list[Node]:
    return rows[number] if number < len(rows) else []


def edit(change: Callable[[Block], None]) -> Edit:
    """An edit from a function that changes a block; graphs that are no residual blocks stay as they are, and so do
    those that it cannot change: that a mistake cannot be made there is no reason to grade nobody."""

    def apply(graph: Graph) -> Graph:
        block = block_of(graph)
        if block is None:
            return graph
        try:
            change(block)
            return block.editor.graph()
        except IndexError:  # no such layer, after an edit that took it away for instance
            return graph
        except Exception:
            logger.debug("%r fits not every block", change, exc_info=True)  # it may be a `partial`
            return graph

    return apply


MOST_KEPT = 256  # graphs whose parts are kept: hundreds of edits are tried on each
_kept: Latest[tuple[Graph, Block | None]] = Latest(MOST_KEPT)


def block_of(graph: Graph) -> Block | None:
    """A graph's parts and an editor on it, or None when it is no residual block."""
    found = _kept.get(id(graph), lambda: (graph, _taken_apart(graph)))[1]  # with the graph, its id lasts
    if found is None:
        return None
    block = copy.copy(found)
    block.editor = Editor(graph)
    return block


def _taken_apart(graph: Graph) -> Block | None:
    parts = anatomy(graph)
    if parts is None:
        parts = dense_anatomy(graph)
    return Block(graph, parts) if parts is not None and not _is_inside(graph, parts) else None


def _is_inside(graph: Graph, parts: Anatomy) -> bool:
    """Is this an addition within a branch, as Res2Net has them, whose result goes into further layers?

    That is the last one where a mistake has made something else of the block's own addition.
    """
    before = ancestors(graph, parts.join)
    return any(node.name == "convolution" and node.id not in before for node in graph.nodes)


def _gate(graph: Graph) -> Gate | None:
    """The first product of a feature map with one number for each of its channels that is computed from a map."""
    nodes = graph.by_id
    for node in graph.nodes:
        if node.name != "mul" or len(node.inputs) != 2:
            continue
        for factor, value in (node.inputs, node.inputs[::-1]):
            sizes = [nodes[each].shape[2:] for each in (factor, value)]
            # A map is of one pixel where the block's input is; it is told from the factor, which is computed from it.
            if sizes[0] != [1, 1] or len(sizes[1]) != 2 or sizes[1] == [1, 1] != graph.input.shape[2:]:
                continue
            inside = ancestors(graph, factor) - ancestors(graph, value)
            squeeze = next((n.id for n in graph.nodes if n.id in inside and value in n.inputs), None)
            if squeeze is not None:
                return Gate(node.id, value, factor, squeeze, frozenset(inside))
    return None


def _splits(graph: Graph, branch: set[int]) -> list[Part]:
    """The parts of the first concatenation of the branch that are cut from one value, in the order they run."""
    cat = next((node for node in graph.nodes if node.id in branch and node.name == "cat"), None)
    if cat is None:
        return []
    before = [ancestors(graph, result) for result in cat.inputs]
    shared = set[int].intersection(*before)
    found = []
    done: set[int] = set(shared)
    for result, behind in zip(cat.inputs, before, strict=True):
        own = [node for node in graph.nodes if node.id in behind - done]
        done |= behind
        cut = [node.id for node in own if shared.intersection(node.inputs) and node.leaf is None]
        if not cut:
            return []
        named = {node.name: node.id for node in own}
        link, convolution = named.get("add"), named.get("convolution")
        found.append(Part(cut[0], result, link, convolution, named.get("native_batch_norm"), named.get("relu")))
    return found
