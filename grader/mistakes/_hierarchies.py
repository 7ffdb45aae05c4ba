"""Edits of blocks whose channels are split into parts, of which the mistakes of Res2Net are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, Part, edit
from grader.judge.widths import set_hidden_width
from grader.mistakes._paths import are_side_by_side


def hierarchical(change: Callable[[Block], None]) -> Edit:
    """An edit of blocks whose channels are split into parts; others stay as they are."""
    return edit(lambda block: change(block) if block.splits else None)


def working(block: Block) -> list[Part]:
    """The parts with a convolution."""
    return [part for part in block.splits if part.convolution is not None]


def node(block: Block, i: int | None) -> Node:
    """The node of a part that is known to have it."""
    assert i is not None
    return block.editor[i]


def drop_links(block: Block) -> None:
    for part in block.splits:
        if part.link is not None:
            block.editor.redirect(part.link, part.entry)


def link_with(find: Callable[[Block, Part, Part], int | None]) -> Edit:
    """Another value added to each part: it depends on the block, on the part before, and on the part itself."""

    def change(block: Block) -> None:
        parts = working(block)
        for before, part in pairwise(parts):
            other = find(block, before, part)
            if part.link is not None and other is not None:
                block.editor.change(part.link, args=[ref(part.entry), ref(other)])

    return hierarchical(change)


def link_with_all(*, raw: bool, handed_on: bool, first: bool = False) -> Edit:
    """The sum of all before it added to each part, and not the last one alone.

    Args:
        raw: are they added as they were cut, and not their results?
        handed_on: is the part without a convolution among them?
        first: is it added to the first part that has one, too?
    """

    def change(block: Block) -> None:
        idle = [part for part in block.splits[:1] if part.convolution is None and handed_on]
        before = [part.entry if raw else part.result for part in idle]
        for number, part in enumerate(working(block)):
            if before and (part.link is not None or (first and number == 0)):
                total = reduce(lambda one, other: block.editor.add("aten.add.Tensor", ref(one), ref(other)), before)
                if part.link is not None:
                    block.editor.change(part.link, args=[ref(part.entry), ref(total)])
                else:
                    link = block.editor.add("aten.add.Tensor", ref(part.entry), ref(total))
                    block.editor.reread(node(block, part.convolution).id, part.entry, link)
            before.append(part.entry if raw else part.result)

    return hierarchical(change)


def link_by(op: str) -> Edit:
    """The result before and the part combined by another operation."""

    def change(block: Block) -> None:
        for part in block.splits:
            if part.link is not None:
                block.editor.change(part.link, op=op)

    return hierarchical(change)


def link_behind(block: Block) -> None:
    """The result before added behind a part's convolution, and not in front of it."""
    drop_links(block)
    handed_on: int | None = None
    for part in working(block):
        result = part.result
        if handed_on is not None:
            result = block.editor.add("aten.add.Tensor", ref(part.result), ref(handed_on))
            block.editor.redirect(part.result, result)
        handed_on = result


def link_alone(block: Block) -> None:
    """The result before convolved without the part that it is to be added to."""
    for before, part in pairwise(working(block)):
        if part.link is not None:
            block.editor.redirect(part.link, before.result)


def detach_links(block: Block) -> None:
    for before, part in pairwise(working(block)):
        if part.link is not None:
            shapes = [block.editor[before.result].shape]
            cut = block.editor.add("aten.detach.default", ref(before.result), shapes=shapes)
            block.editor.change(part.link, args=[ref(part.entry), ref(cut)])


def normalise_together(block: Block) -> None:
    """One batch norm and ReLU behind the concatenation, in place of one for each part."""
    parts = working(block)
    if not parts or parts[0].norm is None:
        return
    cat = next(user for user in block.source.users[block.splits[0].result] if user.name == "cat")
    like = node(block, parts[0].norm)
    for part in parts:
        for step in (part.norm, part.activation):
            if step is not None:
                block.bypass(block.source.by_id[step])
    block.editor.redirect(cat.id, block.activate(block.normalise(cat.id, like, "of all parts")))


def link_first(block: Block) -> None:
    """The part that is handed on is added to the first that has a convolution, as if it were a result."""
    idle, *others = block.splits
    if idle.convolution is None and others and any(part.link is not None for part in others[1:]) | (len(others) == 1):
        first = node(block, others[0].convolution)
        link = block.editor.add("aten.add.Tensor", ref(others[0].entry), ref(idle.result))
        block.editor.reread(first.id, first.inputs[0], link)


def convolve_all(*, linked: bool) -> Edit:
    """A convolution, BN and ReLU for the part that is handed on, too.

    Args:
        linked: is its result added to the part behind it?
    """

    def change(block: Block) -> None:
        parts = working(block)
        idle = next((part for part in block.splits if part.convolution is None), None)
        if idle is None or not parts or parts[0].norm is None:
            return
        like = node(block, parts[0].convolution)
        made = _convolve_like(block, like, idle.entry, like.shape[1], "for the idle part")
        made = block.activate(block.normalise(made, node(block, parts[0].norm), "for the idle part"))
        for user in block.source.users[idle.result]:
            block.editor.reread(user.id, idle.result, made)
        if linked and block.splits[0] is idle:
            link = block.editor.add("aten.add.Tensor", ref(parts[0].entry), ref(made))
            block.editor.reread(like.id, like.inputs[0], link)
        elif linked:
            behind = block.editor.add("aten.add.Tensor", ref(idle.entry), ref(parts[-1].result))
            block.editor.reread(made, idle.entry, behind)

    return hierarchical(change)


def share(*, convolution: bool, norm: bool) -> Edit:
    """One convolution for all parts, one batch norm, or both; paths that lie side by side are no parts."""

    def change(block: Block) -> None:
        if are_side_by_side(block):
            return
        parts = working(block)
        for part in parts[1:]:
            convolutions = [(parts[0].convolution, part.convolution)] if convolution else []
            norms = [(parts[0].norm, part.norm)] if norm else []
            for one, other in convolutions + norms:
                if one is not None and other is not None:
                    value = block.editor[other].args[0]
                    block.editor.change(other, args=[value, *block.editor[one].args[1:]])

    return hierarchical(change)


def drop_in_parts(stage: str, *numbers: int) -> Edit:
    """Without the "activation" or the "norm" of these parts, or of all."""

    def change(block: Block) -> None:
        for number, part in enumerate(working(block)):
            found = part.activation if stage == "activation" else part.norm
            if found is not None and (not numbers or number in numbers):
                block.bypass(block.source.by_id[found])

    return hierarchical(change)


def rearrange(order: Callable[[list[int]], list[int]]) -> Edit:
    """The results concatenated in another order."""

    def change(block: Block) -> None:
        results = [part.result for part in block.splits]
        for user in block.source.nodes:
            if user.name == "cat" and user.inputs == results:
                block.editor.change(user.id, args=[[ref(i) for i in order(results)], *user.args[1:]])

    return hierarchical(change)


def set_width(factor: float) -> Edit:
    """All parts together this many times as wide as the block's result."""

    def change(block: Block) -> None:
        set_hidden_width(block, int(block.editor[block.parts.join].shape[1] * factor))

    return hierarchical(change)


def widen_parts(block: Block) -> None:
    """Each part as wide as all of them together should be."""
    channels = block.editor[block.convolutions[0].inputs[1]].shape[0]
    set_hidden_width(block, channels * len(block.splits))


def keep_whole(block: Block) -> None:
    """One 3×3 on all channels, as in the plain bottleneck."""
    parts = working(block)
    if not parts or parts[0].norm is None:
        return
    like = node(block, parts[0].convolution)
    cut = block.editor[parts[0].entry]
    whole = block.editor[cut.inputs[0]].inputs[0]
    cat = next(user for user in block.source.users[block.splits[0].result] if user.name == "cat")
    made = _convolve_like(block, like, whole, cat.shape[1], "of the whole")
    made = block.activate(block.normalise(made, node(block, parts[0].norm), "of the whole"))
    block.editor.redirect(cat.id, made)


def _convolve_like(block: Block, like: Node, value: int, channels: int, key: str) -> int:
    """Another convolution of a part's kernel and stride, with a bias of its own if that has one."""
    kernel, stride = block.editor[like.inputs[1]].shape[2], like.args[3][0]
    return block.convolve(value, channels, kernel, stride, key, bias=like.args[2] is not None)
