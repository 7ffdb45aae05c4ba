"""Changes from which planted mistakes are made: layers put in somewhere, units taken out, places by name."""

from __future__ import annotations

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.parts import Block
from grader.judge.widths import groups_of


def value_at(block: Block, place: str) -> int | None:
    """The value at a place of a block, or None when it has no such place.

    Args:
        place: "input" of the branch, "branch" (its end), "shortcut" (its end), "join" (the sum), "output"; or
            "convolution N", "norm N" or "activation N" of the branch, counted from 0.
    """
    ends = {
        "input": block.x,
        "branch": block.parts.branch,
        "shortcut": block.parts.shortcut,
        "join": block.parts.join,
        "output": block.source.output,
    }
    if place in ends:
        return ends[place]
    kind, number = place.split()
    found = {"convolution": block.convolutions, "norm": block.norms, "activation": block.activations}[kind]
    return block.output_of(found[int(number)]) if int(number) < len(found) else None


def put_in(block: Block, place: str, layers: tuple[str, ...], *, bias: bool = False) -> None:
    """New layers behind a place, with parameters of their own; at the "input" they are the branch's alone.

    Args:
        layers: "relu", "bn", "conv N" for a convolution with an N×N kernel that keeps the shape, "max pool" or
            "average pool" over 2×2, with stride 2.
        bias: have the convolutions one?
    """
    value = value_at(block, place)
    if value is None or not block.norms:
        return
    if len(block.editor[value].shape) != 4 and not {"relu", "bn"}.issuperset(layers):
        return  # nothing to convolve or to pool where there are no rows and columns
    result = value
    for number, layer in enumerate(layers):
        result = _add(block, result, layer, f"extra {number}", bias=bias)
    put_behind(block, place, value, result)


def put_behind(block: Block, place: str, value: int, result: int) -> None:
    """Whoever read the value at a place reads what was made of it; at the "input" only the branch does."""
    shared = tuple(node.id for node in block.shortcut) if place == "input" else ()
    if place == "input" and block.parts.shortcut == block.x:
        shared += (block.parts.join,)
    block.editor.redirect(value, result, but=shared)


def _add(block: Block, value: int, layer: str, key: str, *, bias: bool) -> int:
    if layer == "relu":
        return block.activate(value)
    if layer == "bn":
        return block.normalise(value, block.norms[0], key)
    batch, channels, height, width = block.editor[value].shape
    if layer.startswith("conv"):
        return block.convolve(value, channels, int(layer.split()[1]), 1, key, bias=bias)
    op = {"max pool": "aten.max_pool2d.default", "average pool": "aten.avg_pool2d.default"}[layer]
    return block.editor.add(op, ref(value), [2, 2], [2, 2], shapes=[[batch, channels, height // 2, width // 2]])


def has_units(block: Block) -> bool:
    """Is the branch made of convolutions with a batch norm behind each, and activations between them?"""
    count = len(block.convolutions)
    if block.is_preactivated or not count == len(block.norms) == len(block.activations) + 1:
        return False
    return all(
        norm.inputs[0] == convolution.id for convolution, norm in zip(block.convolutions, block.norms, strict=True)
    )


def set_channels(block: Block, layer: Node, *, into: int | None = None, out: int | None = None) -> None:
    """Other channels into a convolution, or out of a layer."""
    for argument in layer.args[1:5]:
        leaf = block.leaf(argument)
        if leaf is not None:
            shape = list(block.editor[leaf.id].shape)
            shape[0] = out or shape[0]
            if len(shape) == 4:
                shape[1] = max(1, into // groups_of(layer)) if into else shape[1]
            block.resize(argument, shape)
