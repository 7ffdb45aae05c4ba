"""Edits of blocks with a squeeze-and-excitation gate, of which its mistakes are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from grader.graph import Leaf, Node
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, Gate, edit
from grader.judge.uses import is_weighted, leaf_behind
from grader.mistakes._composed import Composed


def gated(change: Callable[[Block, Gate], None]) -> Edit:
    """An edit of blocks that have a gate; others stay as they are."""

    def apply(block: Block) -> None:
        if block.gate is not None:
            change(block, block.gate)

    return edit(apply)


def inside(block: Block, gate: Gate, name: str) -> list[Node]:
    """Operations of the gate with this name."""
    return [node for node in block.source.nodes if node.id in gate.inside and node.name == name]


def layers(block: Block, gate: Gate) -> list[Node]:
    """The gate's linear layers or 1×1 convolutions."""
    nodes = block.source.by_id
    return [node for node in block.source.nodes if node.id in gate.inside and is_weighted(node, nodes)]


def weight_and_bias(block: Block, layer: Node) -> tuple[Node, Node | None]:
    """The leaves of a layer."""
    nodes = block.source.by_id
    found = [leaf for leaf in (leaf_behind(i, nodes) for i in layer.inputs) if leaf is not None]
    weight = next(leaf for leaf in found if len(leaf.shape) > 1)
    return weight, next((leaf for leaf in found if len(leaf.shape) == 1), None)


def leave_out(block: Block, gate: Gate) -> None:
    block.editor.redirect(gate.scale, gate.value)


def gate_value(block: Block, gate: Gate, value: int) -> None:
    """The gate squeezes and scales another value; nobody reads the result yet."""
    leave_out(block, gate)
    for node in (*gate.inside, gate.scale):
        block.editor.reread(node, gate.value, value)


def gate_behind(find: Callable[[Block], int | None]) -> Edit:
    """The gate behind another value: whoever read that reads the gated value."""

    def change(block: Block, gate: Gate) -> None:
        value = find(block)
        if value is not None and value != gate.value:
            gate_value(block, gate, value)
            block.editor.redirect(value, gate.scale, but=tuple(gate.inside))

    return gated(change)


def gate_shortcut(block: Block, gate: Gate) -> None:
    """The gate scales the shortcut and not the branch."""
    shortcut = block.parts.shortcut
    gate_value(block, gate, shortcut)
    block.join(gate.value, gate.scale)
    block.editor.reread(block.parts.join, shortcut, gate.scale)


def scale_behind(find: Callable[[Block], int | None]) -> Edit:
    """The gate is computed from the branch as it should, and multiplied with another value, behind the addition."""

    def change(block: Block, gate: Gate) -> None:
        value = find(block)
        if value is not None and value != gate.value:
            leave_out(block, gate)
            block.editor.reread(gate.scale, gate.value, value)
            block.editor.redirect(value, gate.scale, but=(gate.scale,))

    return gated(change)


def scale_shortcut(block: Block, gate: Gate) -> None:
    """The gate is computed from the branch and multiplied with the shortcut."""
    shortcut = block.parts.shortcut
    leave_out(block, gate)
    block.editor.reread(gate.scale, gate.value, shortcut)
    block.editor.reread(block.parts.join, shortcut, gate.scale)


def squeeze_input(block: Block, gate: Gate) -> None:
    """The gate is computed from the block's input."""
    first, *_ = layers(block, gate)
    weight, _ = weight_and_bias(block, first)
    channels = block.editor[block.x].shape[1]
    block.editor.change(weight.id, shapes=[[weight.shape[0], channels, *weight.shape[2:]]])
    block.editor.reread(gate.squeeze, gate.value, block.x)


def squeeze_by(op: str) -> Edit:
    """Another number than the mean for each channel."""

    def change(block: Block, gate: Gate) -> None:
        node = block.editor[gate.squeeze]
        if node.name == "mean":
            block.editor.change(node.id, op=op, args=node.args[:3], kwargs={})

    return gated(change)


def _largest(block: Block, gate: Gate) -> int | None:
    """The largest value of each channel, beside the mean that the gate squeezes by; nobody reads it yet."""
    node = block.editor[gate.squeeze]
    return block.editor.add("aten.amax.default", *node.args[:3], shapes=[node.shape]) if node.name == "mean" else None


def squeeze_both(block: Block, gate: Gate) -> None:
    """The mean of each channel and its largest value, added."""
    largest = _largest(block, gate)
    if largest is not None:
        block.editor.redirect(gate.squeeze, block.editor.add("aten.add.Tensor", ref(gate.squeeze), ref(largest)))


def excite_both(block: Block, gate: Gate) -> None:
    """The mean of each channel and its largest value, each through both layers, and added in front of the sigmoid."""
    largest, sigmoids = _largest(block, gate), inside(block, gate, "sigmoid")
    if largest is None or len(sigmoids) != 1:
        return
    copies = {gate.squeeze: largest}
    for node in block.source.nodes:
        if node.id in gate.inside and node.id < sigmoids[0].id and not copies.keys().isdisjoint(node.inputs):
            copies[node.id] = block.editor.repeat(node.id, copies)
    (excited,) = sigmoids[0].inputs
    if excited in copies:
        both = block.editor.add("aten.add.Tensor", ref(excited), ref(copies[excited]))
        block.editor.reread(sigmoids[0].id, excited, both)


def squeeze_over(*dimensions: int) -> Edit:
    """The mean over other dimensions; over none, every position has a gate of its own. The layers, as 1×1 convolutions,
    work on what is left of the map."""

    def change(block: Block, gate: Gate) -> None:
        value = gate.value
        if dimensions:
            value = block.editor.add("aten.mean.dim", ref(value), list(dimensions), True)
        _read_by_layers(block, gate, value)

    return gated(change)


def _read_by_layers(block: Block, gate: Gate, value: int) -> None:
    for layer in layers(block, gate):
        weight, bias = weight_and_bias(block, layer)
        block.editor.change(weight.id, shapes=[[*weight.shape[:2], 1, 1]])
        arguments = [ref(bias.id) if bias is not None else None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1]
        value = block.editor.add("aten.convolution.default", ref(value), ref(weight.id), *arguments)
        behind = [node for node in block.source.nodes if node.inputs == [layer.id]]
        for node in behind:
            value = block.editor.add(node.op, ref(value), *node.args[1:])
    block.editor.reread(gate.scale, gate.factor, value)


def instead_of(name: str, op: str | None, *args: object) -> Edit:
    """Another function within the gate instead of one ("relu" or "sigmoid"), or none."""

    def change(block: Block, gate: Gate) -> None:
        for node in inside(block, gate, name):
            if op is None:
                block.bypass(node)
            else:
                block.editor.change(node.id, op=op, args=[ref(node.inputs[0]), *args])

    return gated(change)


@cache
def end_with(function: Composed) -> Edit:
    """A function that is composed of several operations instead of the gate's sigmoid."""

    def change(block: Block, gate: Gate) -> None:
        for node in inside(block, gate, "sigmoid"):
            block.editor.redirect(node.id, function.of(block.editor, node.inputs[0]))

    return gated(change)


@cache
def weigh_positions(kernel: int, *, bias: bool) -> Edit:
    """A weight for each position in place of one for each channel.

    Args:
        kernel: of a convolution of the mean and the largest value of all channels; 1 for one of the channels
            themselves.
    """

    def change(block: Block, gate: Gate) -> None:
        value = gate.value
        if kernel > 1:
            batch, _, *space = block.editor[value].shape
            both = [
                block.editor.add(op, ref(value), [1], True, shapes=[[batch, 1, *space]])
                for op in ("aten.mean.dim", "aten.amax.default")
            ]
            value = block.editor.add("aten.cat.default", [ref(each) for each in both], 1, shapes=[[batch, 2, *space]])
        weights = block.activate(block.convolve(value, 1, kernel, 1, "of positions", bias=bias), "aten.sigmoid.default")
        block.editor.reread(gate.scale, gate.factor, weights)

    return gated(change)


def exchange(block: Block, gate: Gate) -> None:
    """ReLU and sigmoid of the gate, each in the place of the other."""
    ops = {"relu": "aten.sigmoid.default", "sigmoid": "aten.relu.default"}
    found = {name: inside(block, gate, name) for name in ops}
    if all(found.values()):
        for name, places in found.items():
            for node in places:
                block.editor.change(node.id, op=ops[name], args=[ref(node.inputs[0])])


def combine(op: str) -> Edit:
    """Value and factor combined by another operation."""
    return gated(lambda block, gate: block.editor.change(gate.scale, op=op))


def add_value(block: Block, gate: Gate) -> None:
    """The value added to its product with the factor: u + u · s."""
    shapes = block.editor[gate.scale].shapes
    both = block.editor.add("aten.add.Tensor", ref(gate.scale), ref(gate.value), shapes=shapes)
    block.editor.redirect(gate.scale, both)


def scale_again(block: Block, gate: Gate) -> None:
    """The gate multiplied in twice: u · s · s."""
    shapes = block.editor[gate.scale].shapes
    again = block.editor.add("aten.mul.Tensor", ref(gate.scale), ref(gate.factor), shapes=shapes)
    block.editor.redirect(gate.scale, again)


def give_factor(block: Block, gate: Gate) -> None:
    """The gate's numbers in the place of what they should scale."""
    block.editor.redirect(gate.scale, gate.factor)


def scale_projection(block: Block, gate: Gate) -> None:
    """The gate scales the branch and, where there is one, the projection."""
    shortcut = block.parts.shortcut
    if block.projection is not None:
        shapes = block.editor[shortcut].shapes
        scaled = block.editor.add("aten.mul.Tensor", ref(shortcut), ref(gate.factor), shapes=shapes)
        block.editor.reread(block.parts.join, shortcut, scaled)


def squeeze_other(find: Callable[[Block], int | None]) -> Edit:
    """The gate is computed from another value with as many channels, and scales the branch."""

    def change(block: Block, gate: Gate) -> None:
        value = find(block)
        if value is not None and block.editor[value].shape[1] == block.editor[gate.value].shape[1]:
            block.editor.reread(gate.squeeze, gate.value, value)

    return gated(change)


def activate_gated(block: Block, gate: Gate) -> None:
    """A ReLU on the branch in front of the gate."""
    block.editor.redirect(gate.value, block.activate(gate.value))


def set_width(width: Callable[[int, int, int], int]) -> Edit:
    """Another width between the two layers, from the channels into the block and out of it, and the right width."""

    def change(block: Block, gate: Gate) -> None:
        found = layers(block, gate)
        if len(found) != 2:
            return
        (first, bias), (second, _) = (weight_and_bias(block, layer) for layer in found)
        hidden = width(block.editor[block.x].shape[1], second.shape[0], first.shape[0])
        if hidden >= 0:
            block.editor.change(first.id, shapes=[[hidden, *first.shape[1:]]])
            block.editor.change(second.id, shapes=[[second.shape[0], hidden, *second.shape[2:]]])
            if bias is not None:
                block.editor.change(bias.id, shapes=[[hidden]])

    return gated(change)


def drop_biases(*numbers: int) -> Edit:
    """These layers of the gate without their biases."""

    def change(block: Block, gate: Gate) -> None:
        for number, layer in enumerate(layers(block, gate)):
            if number not in numbers:
                continue
            if layer.name == "addmm":
                block.editor.change(layer.id, op="aten.mm.default", args=layer.args[1:3], kwargs={})
            elif layer.name == "convolution":
                block.editor.set_argument(layer.id, 2, None)

    return gated(change)


def add_biases(*numbers: int) -> Edit:
    """These layers of the gate with a bias, where they have none."""

    def change(block: Block, gate: Gate) -> None:
        for number, layer in enumerate(layers(block, gate)):
            weight, bias = weight_and_bias(block, layer)
            if number not in numbers or bias is not None:
                continue
            leaf = block.editor.add_leaf(
                Leaf(kind="parameter", key=f"bias {number} of the gate", learnable=True), [weight.shape[0]]
            )
            if layer.name == "mm":
                block.editor.change(layer.id, op="aten.addmm.default", args=[ref(leaf), *layer.args])
            elif layer.name == "convolution":
                block.editor.set_argument(layer.id, 2, ref(leaf))

    return gated(change)


def keep_one_layer(block: Block, gate: Gate) -> None:
    """One layer from the channels to the channels."""
    found = layers(block, gate)
    if len(found) != 2:
        return
    (_, _), (weight, _) = (weight_and_bias(block, layer) for layer in found)
    channels = weight.shape[0]
    block.editor.change(weight.id, shapes=[[channels, channels, *weight.shape[2:]]])
    read = {"addmm": 1}.get(found[0].name, 0)
    squeezed = block.editor[found[0].id].args[read]
    position = {"addmm": 1}.get(found[1].name, 0)
    block.editor.set_argument(found[1].id, position, squeezed)
