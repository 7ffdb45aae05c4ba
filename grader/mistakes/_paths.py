"""Edits of blocks whose branch is several paths side by side, each with convolutions of its own, as in ResNeXt.

Source: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (2017), figure 3(a) and (b).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.graph import Node
from grader.judge.anatomy import ancestors
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._changes import set_channels


def are_side_by_side(block: Block) -> bool:
    """May the branch be several paths? The parts of a Res2Net block are not: one is handed on as it is, or results are
    added from part to part."""
    return all(part.convolution is not None and part.link is None for part in block.splits)


def share_paths(*, convolutions: bool, norms: bool) -> Edit:
    """The layers of the first path in all of them: its convolutions, its batch norms, or both."""

    def change(block: Block) -> None:
        names = [("convolution", convolutions), ("native_batch_norm", norms)]
        if not are_side_by_side(block):
            return
        for name in (name for name, is_shared in names if is_shared):
            for first, *others in block.rows([node for node in block.branch if node.name == name]):
                for node in others:
                    block.editor.change(node.id, args=[node.args[0], *first.args[1:]])

    return edit(change)


@dataclass(frozen=True)
class Paths:
    """Paths whose results are added.

    Attributes:
        ends: their results.
        total: their sum.
        reader: the batch norm that gets it.
    """

    ends: list[int]
    total: int
    reader: Node

    def nodes(self, block: Block, number: int) -> list[Node]:
        """The operations of a path, in the order they run."""
        own = ancestors(block.source, self.ends[number])
        return [node for node in block.branch if node.id in own and node.leaf is None]

    def are_apart(self, block: Block) -> bool:
        """Have they nothing but the block's input in common? Not where one layer makes the values of all."""
        nodes = [node.id for number in range(len(self.ends)) for node in self.nodes(block, number)]
        return len(set(nodes)) == len(nodes)


def summed(change: Callable[[Block, Paths], None]) -> Edit:
    """An edit of blocks with such paths; others stay as they are."""

    def apply(block: Block) -> None:
        found = _paths(block)
        if found is not None:
            change(block, found)

    return edit(apply)


def _paths(block: Block) -> Paths | None:
    nodes = block.source.by_id
    reader = block.norms[-1] if block.norms else None
    if reader is None or nodes[reader.inputs[0]].name != "add":
        return None
    total = reader.inputs[0]
    ends: list[int] = []
    todo = [total]
    while todo:
        node = nodes[todo.pop()]
        if node.name == "add":
            todo += node.inputs[::-1]
        else:
            ends.append(node.id)
    return Paths(ends, total, reader)


def average(block: Block, paths: Paths) -> None:
    """The mean of the results."""
    mean = block.editor.add("aten.div.Tensor", ref(paths.total), len(paths.ends))
    block.editor.reread(paths.reader.id, paths.total, mean)


def keep_last(block: Block, paths: Paths) -> None:
    """The last result alone."""
    block.editor.reread(paths.reader.id, paths.total, paths.ends[-1])


def put_in_a_row(*, fitted: bool) -> Edit:
    """Each path behind the one before.

    Args:
        fitted: are all but the first made for it? They take the block's channels then, and do not stride.
    """

    def change(block: Block, paths: Paths) -> None:
        if not paths.are_apart(block):
            return
        for number in range(1, len(paths.ends)):
            before = paths.ends[number - 1]
            for node in paths.nodes(block, number):
                if block.x in node.inputs:
                    block.editor.reread(node.id, block.x, before)
                    if fitted and node.name == "convolution":
                        set_channels(block, node, into=block.editor[before].shape[1])
                if fitted and node.name == "convolution":
                    block.set_stride(node, 1)
        keep_last(block, paths)

    return summed(change)
