"""Another number of channels inside a residual branch."""

from __future__ import annotations

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.parts import Block


def set_hidden_width(block: Block, width: int) -> None:
    """Every layer between the first and the last convolution of the branch at this width.

    A width that cannot be divided into the block's groups or parts leaves it alone: nothing could be built so.
    """
    first, last = block.convolutions[0], block.convolutions[-1]
    divisors = [groups_of(node) for node in block.convolutions] + [len(block.splits) or 1]
    if first is last or any(width % divisor for divisor in divisors):
        return
    for node in block.convolutions:
        _resize(block, node, out=None if node is last else width, into=None if node is first else width)
    for node in block.norms:
        behind = _convolution_before(block, node)
        if behind is not None and behind is not last:
            _resize(block, node, out=width)
    part = width // (len(block.splits) or 1)
    nodes = block.source.by_id
    for split in block.splits:
        for i in (split.convolution, split.norm):
            if i is not None:
                _resize(block, nodes[i], out=part, into=part)
        cut = nodes[nodes[split.entry].inputs[0]]
        if cut.name == "split":
            block.editor.change(cut.id, args=[ref(cut.inputs[0]), part, 1])


def groups_of(node: Node) -> int:
    groups = node.args[8]
    assert isinstance(groups, int)
    return groups


def fix_groups(block: Block, node: Node, groups: int) -> None:
    """A convolution in so many groups, also where they do not divide its channels: there it raises."""
    out, into, *kernel = block.editor[node.inputs[1]].shape
    block.resize(node.args[1], [out, max(1, into * groups_of(node) // groups), *kernel])
    block.editor.set_argument(node.id, 8, groups)


def _convolution_before(block: Block, node: Node) -> Node | None:
    """The convolution of the branch whose result a layer gets, if there is one."""
    convolutions = {convolution.id: convolution for convolution in block.convolutions}
    nodes = block.source.by_id
    while node.inputs:
        node = nodes[node.inputs[0]]
        if node.id in convolutions:
            return convolutions[node.id]
    return None


def _resize(block: Block, node: Node, *, out: int | None, into: int | None = None) -> None:
    """Other channels out of a layer and into it, where given."""
    for argument in node.args[1:5]:
        leaf = block.leaf(argument)
        if leaf is not None:
            shape = list(leaf.shape)
            shape[0] = out or shape[0]
            if len(shape) == 4 and into is not None:
                shape[1] = into // groups_of(node)
            block.resize(argument, shape)
