"""What may be wrong with a part of a network's trunk: the reference's part with one step left out, changed or added.

A cause is told when the student's part does exactly what such a part does, with the same parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from grader.graph import Graph, Node
from grader.judge.edits import Editor, ref
from grader.language import later

# Steps by the operation, as one names them.
STEPS = {
    "relu": later("ReLU"),
    "native_batch_norm": later("batch norm"),
    "max_pool2d_with_indices": later("max pooling"),
    "max_pool2d": later("max pooling"),
    "mean": later("average pooling"),
    "adaptive_avg_pool2d": later("average pooling"),
    "_adaptive_avg_pool2d": later("average pooling"),
    "avg_pool2d": later("average pooling"),
}
AVERAGES = frozenset("mean adaptive_avg_pool2d _adaptive_avg_pool2d".split())
Kind = Literal["missing", "extra", "max", "padding", "bias"]


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong: a step that is "missing" or "extra"; a "max" in place of a mean, the "padding" of a
    pooling, or the "bias" of the linear layer that is not there."""

    kind: Kind
    step: str = ""


def causes(model: Graph) -> Iterator[tuple[Cause, Graph]]:
    """Each with the reference's part that has it."""
    for node in model.nodes:
        if node.name in STEPS and (changed := _without(model, node)) is not None:
            yield Cause("missing", STEPS[node.name]), changed
        if node.name in AVERAGES:
            yield Cause("max", STEPS[node.name]), _with_max(model, node)
        if node.name.startswith("max_pool2d") and len(node.args) > 3:
            yield Cause("padding", STEPS[node.name]), _with_arguments(model, node, [0, 0])
            yield Cause("padding", STEPS[node.name]), _with_arguments(model, node, [0, 0], [1, 1], True)
        if node.name == "addmm":
            yield Cause("bias"), _without_bias(model, node)
    for end in dict.fromkeys((model.input.id, model.output)):
        yield Cause("extra", STEPS["relu"]), _with(model, end, "relu")
        if len(model.by_id[end].shape) == 4:
            yield Cause("extra", STEPS["native_batch_norm"]), _with(model, end, "norm")
            yield Cause("extra", STEPS["native_batch_norm"]), _with(model, end, "norm", "relu")


def _without(model: Graph, node: Node) -> Graph | None:
    """Without a step; None where nothing would fit behind it."""
    result = _result(model, node)
    if node.name in AVERAGES or (node.name != "max_pool2d_with_indices" and len(result.shape) != 4):
        return None
    editor = Editor(model)
    editor.redirect(result.id, node.inputs[0])
    return editor.graph()


def _result(model: Graph, node: Node) -> Node:
    """What is read of an operation that gives several values."""
    if len(node.shapes) < 2:
        return node
    return next((user for user in model.users[node.id] if user.name == "getitem"), node)


def _with_max(model: Graph, node: Node) -> Graph:
    editor = Editor(model)
    if node.name == "mean":
        editor.change(node.id, op="aten.amax.default", args=node.args[:3], kwargs={})
    else:
        editor.change(node.id, op="aten.amax.default", args=[node.args[0], [2, 3], True], kwargs={})
    return editor.graph()


def _with_arguments(model: Graph, node: Node, *behind_stride: object) -> Graph:
    """A pooling with another padding, dilation and rounding."""
    editor = Editor(model)
    editor.change(node.id, args=[*node.args[:3], *behind_stride])
    return editor.graph()


def _without_bias(model: Graph, node: Node) -> Graph:
    editor = Editor(model)
    editor.change(node.id, op="aten.mm.default", args=node.args[1:3], kwargs={})
    return editor.graph()


def _with(model: Graph, end: int, *steps: str) -> Graph:
    """With steps behind its input, or behind its output."""
    editor, value = Editor(model), end
    for step in steps:
        if step == "relu":
            value = editor.add("aten.relu.default", ref(value))
        else:
            value = editor.normalise(value, "extra", "aten.native_batch_norm.default", False, 0.1, 1e-5)
    if end == model.output:
        editor.output = value
    else:
        editor.redirect(end, value)
    return editor.graph()
