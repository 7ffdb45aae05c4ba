"""Edits of pre-activation blocks, of which their mistakes are made."""

from __future__ import annotations

from collections.abc import Callable

from grader.graph import Leaf
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.judge.strides import stride_of
from grader.mistakes._changes import set_channels


def preactivated(change: Callable[[Block], None]) -> Edit:
    """An edit of pre-activation blocks; others stay as they are."""
    return edit(lambda block: change(block) if block.is_preactivated else None)


def in_steps(change: Callable[[Block], None]) -> Edit:
    """An edit of pre-activation blocks that have BN and ReLU in front of each convolution."""

    def apply(block: Block) -> None:
        if len(block.convolutions) == len(block.norms) == len(block.activations):
            change(block)

    return preactivated(apply)


def activate_sum(block: Block) -> None:
    if block.final_activation is None:
        block.editor.redirect(block.parts.join, block.activate(block.parts.join))


def activate_end(block: Block) -> None:
    if block.final_activation is None:
        block.join(block.activate(block.parts.branch), block.parts.shortcut)


def activate_both(block: Block) -> None:
    activate_end(block)
    activate_sum(block)


def put_behind(*, last_activation: bool, final_activation: bool, norm: bool) -> Edit:
    """Convolution, BN, ReLU in the order of the first paper.

    Args:
        last_activation: is there a ReLU at the end of the branch?
        final_activation: is there one after the addition?
        norm: has the projection a batch norm?
    """

    def change(block: Block) -> None:
        editor = block.editor
        value = block.x
        for convolution, norm_, activation in zip(block.convolutions, block.norms, block.activations, strict=True):
            channels = editor[convolution.inputs[1]].shape[0]
            editor.reread(convolution.id, convolution.inputs[0], value)
            editor.reread(norm_.id, norm_.inputs[0], convolution.id)
            for argument in norm_.args[1:5]:
                block.resize(argument, [channels])
            value = activation.id
        end = value if last_activation else block.output_of(block.norms[-1])
        shortcut = block.parts.shortcut
        if block.projection is not None:
            editor.reread(block.projection.id, block.projection.inputs[0], block.x)
            if norm and block.projection_norm is None:
                shortcut = block.normalise(shortcut, block.norms[0], "projection")
        block.join(end, shortcut)
        if final_activation:
            activate_sum(block)

    return in_steps(change)


def activate_first(*numbers: int) -> Edit:
    """ReLU, BN, convolution."""

    def change(block: Block) -> None:
        for number in numbers or range(len(block.norms)):
            if number < len(block.norms):
                norm, activation = block.norms[number], block.activations[number]
                block.editor.redirect(activation.id, block.output_of(norm), but=(norm.id,))
                block.editor.reread(activation.id, activation.inputs[0], norm.inputs[0])
                block.editor.reread(norm.id, norm.inputs[0], activation.id)

    return in_steps(change)


def take_shortcut(stage: str, *, identity: bool = True, projection: bool = True) -> Edit:
    """The shortcut from behind the first BN ("norm") or the ReLU behind it ("activation"): where it is the identity,
    where it is a projection, or both."""

    def change(block: Block) -> None:
        source = block.activations[0].id if stage == "activation" else block.output_of(block.norms[0])
        if block.projection is None and identity:
            block.join(block.parts.branch, source)
        if block.projection is not None and projection:
            block.editor.set_argument(block.projection.id, 0, ref(source))

    return in_steps(change)


def drop_step(number: int) -> Edit:
    """Without a convolution, and the BN and ReLU in front of it; the others take over its channels and its stride."""

    def change(block: Block) -> None:
        count = len(block.convolutions)
        if count < 2 or number >= count:
            return
        stride, out, into = stride_of(block), *(block.editor[i].shape[1] for i in (block.parts.branch, block.x))
        left = [i for i in range(count) if i != number]
        if block.is_strided(block.convolutions[number]):
            block.set_stride(block.convolutions[left[0]], stride)
        for i in left:
            width = out if i == left[-1] else block.editor[block.convolutions[i].inputs[1]].shape[0]
            set_channels(block, block.norms[i], out=into)
            set_channels(block, block.convolutions[i], into=into, out=width)
            into = width
        for node in (block.convolutions[number], block.activations[number], block.norms[number]):
            block.bypass(node)

    return in_steps(change)


def normalise_projection(block: Block) -> None:
    if block.projection is not None and block.projection_norm is None:
        block.join(block.parts.branch, block.normalise(block.parts.shortcut, block.norms[0], "projection"))


def normalise_in_front(*, activated: bool) -> Edit:
    """A batch norm of its own, and perhaps a ReLU, between the input and the projection."""

    def change(block: Block) -> None:
        if block.projection is None or block.projection_norm is not None:
            return
        value = block.normalise(block.x, block.norms[0], "in front")
        value = block.activate(value) if activated else value
        block.editor.set_argument(block.projection.id, 0, ref(value))

    return preactivated(change)


def project_activated(block: Block) -> None:
    """A projection of what the first BN and ReLU give, where the identity would do."""
    if block.projection is None:
        channels = block.editor[block.x].shape[1]
        block.join(block.parts.branch, block.convolve(block.activations[0].id, channels, 1, 1, "projection"))


def drop_first(block: Block) -> None:
    """The first convolution reads x itself, and so does a projection."""
    block.bypass(block.activations[0])
    block.editor.redirect(block.output_of(block.norms[0]), block.x)


def bypass_first(block: Block) -> None:
    """The first convolution reads x itself; a projection does not."""
    first = block.convolutions[0]
    block.editor.reread(first.id, first.inputs[0], block.x)


def add_biases(*, last: bool, projection: bool) -> Edit:
    """A bias for the branch's last convolution, for the projection, or for both: no batch norm follows them."""

    def change(block: Block) -> None:
        found = [block.convolutions[-1]] if last else []
        found += [block.projection] if projection and block.projection is not None else []
        for number, node in enumerate(found):
            if node.args[2] is None:
                leaf = Leaf(kind="parameter", key=f"bias {number} that stays", learnable=True)
                channels = block.editor[node.inputs[1]].shape[0]
                block.editor.set_argument(node.id, 2, ref(block.editor.add_leaf(leaf, [channels])))

    return in_steps(change)
