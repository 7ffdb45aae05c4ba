"""Make one chain of another: the reference with just the steps that a student's network has.

Each step of the reference that is kept keeps its parameters, whatever sizes they have then. What is made so is run as
every form is; a mistake is told only where it does exactly what the student's network does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from grader.graph import Graph, Leaf
from grader.judge.chain import ARITHMETIC, Link, Step, chain_of
from grader.judge.edits import Editor, ref
from grader.judge.trusted import MOST_NUMBERS, MOST_WORK

WHOLE = {"average": "aten.mean.dim", "max": "aten.amax.default", "sum": "aten.sum.dim_IntList"}
END = (1 << 63) - 1  # of a slice without one


@dataclass(frozen=True)
class Item:
    """One step of what is made, and the number of the reference's step whose parameters it has, if there is one."""

    step: Step
    of: int | None = None


@dataclass(frozen=True)
class Remade:
    """An edit: chains whose steps are known become others; every other graph stays as it is.

    Attributes:
        made: what is made, for the steps of each reference.
    """

    made: tuple[tuple[tuple[Step, ...], tuple[Item, ...]], ...]

    def __call__(self, graph: Graph) -> Graph:
        links = chain_of(graph)
        if links is None:
            return graph
        key = unbiased(links)
        items = next((items for steps, items in self.made if steps == key), None)
        if items is None or [(item.step, item.of) for item in items] == list(
            zip((link.step for link in links), range(len(links)), strict=True)
        ):
            return graph
        return remade(graph, links, items)


def remade(graph: Graph, links: Sequence[Link], items: Sequence[Item]) -> Graph:
    """What is made of a chain of these steps."""
    return _Maker(graph, links).make(items)


def unbiased(links: Sequence[Link]) -> tuple[Step, ...]:
    """The steps of a chain, whichever of its convolutions have a bias, which may be redundant."""
    return tuple(replace(link.step, bias=False) if link.step.kind == "convolution" else link.step for link in links)


def is_moderate(graph: Graph) -> bool:
    """Can a graph that a self-report led to be run, as far as its shapes tell?"""
    nodes = graph.by_id
    numbers = sum(math.prod(node.shape) for node in graph.nodes)
    work = sum(
        math.prod(node.shape) * math.prod(nodes[node.inputs[1]].shape[1:])
        for node in graph.nodes
        if node.name == "convolution"
    )
    return numbers <= MOST_NUMBERS and work <= MOST_WORK


class _Maker:
    """Makes a chain of the parts of another one."""

    def __init__(self, graph: Graph, links: Sequence[Link]) -> None:
        self._editor = Editor(graph)
        self._links = links
        self._input, self._output = graph.input, graph.output
        norms = (graph.by_id[node] for link in links if link.step.what == "batch" for node in link.node.inputs)
        self._trains = any(norm.args[5] is True for norm in norms)
        self._used: list[dict[str, int]] = []  # the leaves of each step that was made, by what they are for

    def make(self, items: Sequence[Item]) -> Graph:
        """The chain of these steps."""
        value = self._input.id
        values = [value]
        for number, item in enumerate(items):
            self._used.append({})
            step = item.step
            match step.kind:
                case "convolution":
                    value = self._convolution(value, number, item)
                case "linear":
                    value = self._linear(value, number, item)
                case "norm":
                    value = self._norm(value, number, item)
                case "activation":
                    value = self._activation(value, step)
                case "pooling":
                    value = self._pooling(value, step)
                case "flatten":
                    value = self._row(value)
                case "addition":
                    value = self._addition(value, values[number - step.back], number, item)
            values.append(value)
        if len(self._shape(self._output)) == 2 and math.prod(self._shape(value)[2:]) == 1:
            value = self._row(value)
        self._editor.output = value
        return self._editor.graph()

    def _shape(self, value: int) -> list[int]:
        return self._editor[value].shape

    def _leaf(self, number: int, item: Item, name: str, shape: list[int]) -> int:
        """A parameter or buffer of a step: the reference's, an earlier step's, or a new one."""
        if item.step.shared and name in self._used[number - item.step.shared]:
            return self._used[number - item.step.shared][name]
        link = self._links[item.of] if item.of is not None else None
        found = link.leaves.get(name) if link is not None else None
        if found is not None:
            if found.shape != shape:
                self._editor.change(found.id, shapes=[shape])
            leaf = found.id
        else:
            buffer = name in ("mean", "variance")
            initial = {"scale": "one", "variance": "one", "weight": "other"}.get(name, "zero")
            made = {"kind": "buffer" if buffer else "parameter", "learnable": not buffer, "initial": initial}
            leaf = self._editor.add_leaf(Leaf.model_validate({**made, "key": f"step {number} {name}"}), shape)
        self._used[number][name] = leaf
        return leaf

    def _convolution(self, value: int, number: int, item: Item) -> int:
        step, shape = item.step, self._shape(value)
        into = step.into or shape[1]
        weight = self._leaf(number, item, "weight", [step.out, into // max(1, step.groups), *step.kernel])
        bias = ref(self._leaf(number, item, "bias", [step.out])) if step.bias else None
        spread = [(k - 1) * d + 1 for k, d in zip(step.kernel, step.dilation, strict=True)]
        size = _sizes(shape[2:], spread, step.stride, step.padding)
        settings = [list(step.stride), list(step.padding), list(step.dilation), False, [0] * len(size), step.groups]
        op = "aten.convolution.default"
        return self._editor.add(op, ref(value), ref(weight), bias, *settings, shapes=[[shape[0], step.out, *size]])

    def _linear(self, value: int, number: int, item: Item) -> int:
        if len(self._shape(value)) > 2:
            value = self._row(value)
        rows, into = self._shape(value)
        into = item.step.into or into
        weight = self._leaf(number, item, "weight", [item.step.out, into])
        turned = self._editor.add("aten.t.default", ref(weight), shapes=[[into, item.step.out]])
        shapes = [[rows, item.step.out]]
        if not item.step.bias:
            return self._editor.add("aten.mm.default", ref(value), ref(turned), shapes=shapes)
        bias = self._leaf(number, item, "bias", [item.step.out])
        return self._editor.add("aten.addmm.default", ref(bias), ref(value), ref(turned), shapes=shapes)

    def _norm(self, value: int, number: int, item: Item) -> int:
        step, shape = item.step, self._shape(value)
        names = (*(("scale", "shift") if step.affine else (None, None)), *(("mean", "variance")))
        if step.own or step.what == "group":
            names = (*names[:2], None, None)
        leaves = [None if name is None else ref(self._leaf(number, item, name, [shape[1]])) for name in names]
        few = [shape[1]]
        if step.what == "group":
            sizes = [shape[0], shape[1], math.prod(shape[2:]), step.groups, *step.numbers]
            few = [shape[0], step.groups]
            norm = self._editor.add(
                "aten.native_group_norm.default", ref(value), *leaves[:2], *sizes, shapes=[shape, few, few]
            )
        else:
            settings = [self._trains or step.own, step.momentum, *step.numbers]
            norm = self._editor.add(
                "aten.native_batch_norm.default", ref(value), *leaves, *settings, shapes=[shape, few, few]
            )
        return self._editor.add("getitem", ref(norm), 0, shapes=[shape])

    def _activation(self, value: int, step: Step) -> int:
        numbers = [number for number in step.numbers if not isinstance(number, str)]
        how = [number for number in step.numbers if isinstance(number, str)]
        kwargs = {"approximate": how[0]} if how else {}
        overload = "Tensor" if step.what in ARITHMETIC else "default"
        return self._editor.add(f"aten.{step.what}.{overload}", ref(value), *numbers, kwargs=kwargs)

    def _pooling(self, value: int, step: Step) -> int:
        shape = self._shape(value)
        if step.first and not step.numbers:
            made = [*shape[:2], 1, 1]
            pool = self._editor.add("aten.adaptive_max_pool2d.default", ref(value), [1, 1], shapes=[made, made])
            return self._editor.add("getitem", ref(pool), 0, shapes=[made])
        if not step.numbers:
            over, op = list(range(2, len(shape))), WHOLE[step.what]
            made = [*shape[:2], *[1] * len(over)]
            return self._editor.add(op, ref(value), over, True, shapes=[made]) if over else value
        arguments = [list(number) if isinstance(number, tuple) else number for number in step.numbers]
        kernel, stride, padding = ([number for number in step.numbers if isinstance(number, tuple)] + [(), ()])[:3]
        made = [*shape[:2], *_sizes(shape[2:], kernel, stride or kernel, padding or (0, 0))]
        if step.what == "average":
            return self._editor.add("aten.avg_pool2d.default", ref(value), *arguments, shapes=[made])
        pool = self._editor.add("aten.max_pool2d_with_indices.default", ref(value), *arguments, shapes=[made, made])
        return self._editor.add("getitem", ref(pool), 0, shapes=[made])

    def _row(self, value: int) -> int:
        shape = self._shape(value)
        made = [shape[0], math.prod(shape[1:])]
        return self._editor.add("aten.view.default", ref(value), made, shapes=[made])

    def _addition(self, value: int, earlier: int, number: int, item: Item) -> int:
        step = item.step
        if step.what == "projection":
            earlier = self._convolution(earlier, number, replace(item, step=replace(step, kind="convolution")))
            if step.affine:
                norm = replace(step, kind="norm", what="batch")
                earlier = self._norm(earlier, number, replace(item, step=norm))
            return self._editor.add("aten.add.Tensor", ref(value), ref(earlier))
        shape = list(self._shape(earlier))
        for dimension, stride in enumerate(step.stride, 2):
            if stride > 1:
                shape[dimension] = -(-shape[dimension] // stride)
                arguments = [dimension, 0, END, stride]
                earlier = self._editor.add("aten.slice.Tensor", ref(earlier), *arguments, shapes=[list(shape)])
        if step.padded not in (None, (0, 0)):
            assert step.padded is not None
            shape[1] += sum(step.padded)
            sides = [0] * (2 * len(step.stride)) + list(step.padded)
            earlier = self._editor.add("aten.constant_pad_nd.default", ref(earlier), sides, 0.0, shapes=[list(shape)])
        return self._editor.add("aten.add.Tensor", ref(value), ref(earlier))


def _sizes(sizes: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> list[int]:
    """Height and width that a window leaves; 0 where it does not fit, as is found out when it runs."""
    found = zip(sizes, kernel, stride, padding, strict=False)
    return [max(0, (size + 2 * p - k) // max(1, s) + 1) for size, k, s, p in found]
