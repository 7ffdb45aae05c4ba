"""Option A that is not quite: the identity with a stride and channels of zeros, where shapes differ.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import Padding, changes_shape, join_padded, strided
from grader.judge.strides import stride_of
from grader.mistakes._mistake import RESBLOCK, Planted, changed, plant

PLACES: tuple[Padding, ...] = ("end", "middle")  # of what fills up the channels
CONDITION = "if stride != 1 or in_channels != out_channels:"
SUM = "        return F.relu(out + identity)\n"
PADDED = """        if x.shape != out.shape:
            zeros = (0, 0, 0, 0, 0, out.shape[1] - x.shape[1])
            identity = {}
        return F.relu(out + identity)
"""


def padded(change: Callable[[Block], None]) -> Edit:
    """An edit of blocks whose shortcut is that of option A, where it is not the identity."""
    return edit(lambda block: change(block) if _is_padded(block) else None)


def _is_padded(block: Block) -> bool:
    is_other = block.parts.shortcut != block.x and changes_shape(block)
    return block.projection is None and not block.follows_another and is_other


def crop(where: Padding) -> Callable[[Block], None]:
    """The first rows and columns, as many as there are to be."""

    def change(block: Block) -> None:
        value = block.x
        size = block.editor[block.parts.join].shape
        for dimension in (2, 3) if stride_of(block) != 1 else ():
            value = block.editor.add("aten.slice.Tensor", ref(value), dimension, 0, size[dimension])
        join_padded(block, value, where)

    return change


def fill(where: Padding) -> Callable[[Block], None]:
    """Ones in the new channels."""

    def change(block: Block) -> None:
        join_padded(block, strided(block, stride_of(block)), where, 1.0)

    return change


def repeat(block: Block) -> None:
    """The channels of the input again and again, until there are enough."""
    channels, wanted = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
    value = strided(block, stride_of(block))
    if wanted > channels:
        value = block.editor.add("aten.cat.default", [ref(value)] * -(-wanted // channels), 1)
        value = block.editor.add("aten.slice.Tensor", ref(value), 1, 0, wanted)
    block.join(block.parts.branch, value)


def with_stride(step: int, first: int = 0) -> Callable[[Block], None]:
    """Every so many rows and columns, whatever the block's stride is."""
    return lambda block: join_padded(block, strided(block, step, first), "end")


def normalise(block: Block) -> None:
    block.join(block.parts.branch, block.normalise(block.parts.shortcut, block.norms[0], "shortcut"))


def normalise_again(block: Block) -> None:
    """The branch's last batch norm behind the shortcut, too."""
    norm, shortcut = block.norms[-1], block.parts.shortcut
    normalised = block.editor.add(norm.op, ref(shortcut), *norm.args[1:])
    value = block.editor.add("getitem", ref(normalised), 0, shapes=[block.editor[shortcut].shape])
    block.join(block.parts.branch, value)


def identity_unless(*, strided: bool) -> Callable[[Block], None]:
    """The input itself where only the stride makes it unlike, or only the channels."""

    def change(block: Block) -> None:
        channels = [block.editor[value].shape[1] for value in (block.x, block.parts.join)]
        if (stride_of(block) == 1) if strided else (channels[0] == channels[1]):
            block.join(block.parts.branch, block.x)

    return change


# What stands behind `F.pad`, where other things than the channels grow by it, or these by more: from the number of
# channels that are missing, and that there are to be.
ELSEWHERE: dict[str, Callable[[int, int], list[int]]] = {
    "columns": lambda more, out: [0, more],
    "columns in front": lambda more, out: [more, 0],
    "rows": lambda more, out: [0, 0, 0, more],
    "images": lambda more, out: [0, 0, 0, 0, 0, 0, 0, more],
    "twice": lambda more, out: [0, 0, 0, 0, more, more],
    "a quarter": lambda more, out: [0, 0, 0, 0, out // 4, out // 4],
}


def pad_elsewhere(zeros: Callable[[int, int], list[int]]) -> Callable[[Block], None]:
    """Zeros, and not where they belong: the sum raises."""

    def change(block: Block) -> None:
        channels, wanted = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
        value = strided(block, stride_of(block))
        padding = zeros(wanted - channels, wanted)
        if any(padding):
            value = block.editor.add("aten.constant_pad_nd.default", ref(value), padding, 0.0)
        block.join(block.parts.branch, value)

    return change


class PaddedShortcutWrong(Planted):
    id = "zero-padding-wrong"
    message = "Where shapes differ the shortcut is not option A: x at every stride-th pixel, and channels of zeros."
    why = (
        "Option A passes on what is there and invents nothing: pixels are left out, and new channels are zero. So both "
        "networks of the comparison have equally many weights."
    )
    hints = (
        "There are two things to do: fewer rows and columns, by the stride, and more channels, all of them zero.",
        "Look at how `forward` takes the pixels, at what it fills up with, and at the test that stands in front of it.",
        "Write `F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, out_channels - in_channels))`.",
    )
    plants = (
        plant(padded(with_stride(2)), message="The shortcut always takes every second pixel, not every stride-th."),
        plant(
            padded(identity_unless(strided=False)),
            message="With a stride and equal channels the shortcut is x itself, which is too large. It takes every "
            "stride-th pixel there, too.",
        ),
        plant(
            padded(identity_unless(strided=True)),
            message="With stride 1 and more channels the shortcut is x itself, which has too few. Zeros are put behind "
            "its channels there, too.",
        ),
        plant(padded(with_stride(1)), message="The shortcut keeps all rows and columns. It takes every stride-th."),
        plant(padded(repeat), message="The new channels of the shortcut repeat those of x. In option A they are zero."),
        *(
            plant(
                padded(crop(where)),
                message="The shortcut takes a corner of the map, and not every stride-th pixel of it.",
            )
            for where in PLACES
        ),
        *(
            plant(padded(fill(where)), message="The new channels of the shortcut are ones. In option A they are zero.")
            for where in PLACES
        ),
        plant(padded(with_stride(2, 1)), message="The shortcut starts with the second row and column, not the first."),
        plant(
            padded(normalise), message="The shortcut has a batch norm. Option A has no weights, and changes no value."
        ),
        plant(
            padded(normalise_again),
            message="The shortcut goes through a batch norm of the branch. Option A has no weights, and changes no "
            "value.",
        ),
        *(
            plant(
                padded(pad_elsewhere(zeros)),
                message="The zeros do not give the shortcut the channels that it lacks: `F.pad` begins with the last "
                "dimension, so that its fifth and sixth number are for the channels.",
            )
            for zeros in ELSEWHERE.values()
        ),
    )
    broken = tuple(
        changed(RESBLOCK, ("ResBlock", "PaddedBlock"), (CONDITION, "if False:"), (SUM, PADDED.format(shortcut)))
        for shortcut in (
            "F.pad(x, zeros)",
            "torch.cat([x[:, :, ::2, ::2]] * 2, 1)",
            "F.pad(x[:, :, : out.shape[2], : out.shape[3]], zeros)",
            "F.pad(x[:, :, 1::2, 1::2], zeros)",
            "self.bn2(F.pad(x[:, :, ::2, ::2], zeros))",
            "F.pad(x[:, :, ::2, ::2], zeros, value=1.0)",
            "F.pad(x[:, :, ::2, ::2], (0, zeros[5]))",
            "F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, zeros[5], zeros[5]))",
        )
    )
