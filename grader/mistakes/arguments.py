"""The constructor takes an argument and does not use it: the layers have the shape or the stride of another call."""

from __future__ import annotations

from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import add_projection, drop_projection
from grader.judge.strides import stride_of
from grader.mistakes._changes import set_channels
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

START = "        super().__init__()\n"
TEST = "if stride != 1 or in_channels != out_channels:"
BY_CHANNELS = (
    "Wherever the number of channels changes, the block has stride 2, whatever stride it is asked for. The two are "
    "arguments of their own: a block may change its channels and keep its resolution."
)
SAID = "The constructor ignores its argument {argument}: the block behaves as if {argument} were always {other}."


def fix_stride(stride: int, *, projects: str) -> Edit:
    """The same stride whatever is asked for, on the branch and on the projection.

    Args:
        projects: "as asked for", "as shapes differ" or "always".
    """
    return edit(lambda block: _set_stride(block, stride, projects))


def stride_by_channels(*, elsewhere: int | None, projects: str) -> Edit:
    """Stride 2 wherever the number of channels changes.

    Args:
        elsewhere: the stride where it does not; None for that of the block.
        projects: "as asked for" or "as shapes differ".
    """

    def change(block: Block) -> None:
        into, out = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
        if into != out:
            _set_stride(block, 2, projects)
        elif elsewhere is not None:
            _set_stride(block, elsewhere, projects)

    return edit(change)


def _set_stride(block: Block, stride: int, projects: str) -> None:
    if not block.convolutions:
        return
    into, out = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
    strided = [node for node in block.convolutions if block.is_strided(node)]
    padded = [node for node in block.convolutions if isinstance(node.args[4], list) and any(node.args[4])]
    carrier = (strided or padded or block.convolutions)[0]
    block.set_stride(carrier, stride)
    wanted = {
        "as asked for": block.projection is not None,
        "as shapes differ": stride != 1 or into != out,
        "always": True,
    }
    if not wanted[projects]:
        drop_projection(block)
    elif block.projection is None:
        add_projection(block, norm=True, stride=stride)
    else:
        block.set_stride(block.projection, stride)


def fix_channels(argument: str, *, projects: str, shortcut_first: bool = False) -> Edit:
    """in_channels taken for both numbers of channels ("out_channels" is ignored), or the other way round.

    Args:
        projects: "as asked for", or "as shapes differ" (which they then do for a stride alone).
        shortcut_first: is the shortcut computed before the branch? It tells which of two layers raises.
    """

    def change(block: Block) -> None:
        into, out = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
        if not block.convolutions or into == out:
            return
        channels = into if argument == "out_channels" else out
        first, last = block.convolutions[0], block.convolutions[-1]
        hidden = block.editor[first.inputs[1]].shape[0] * channels // out
        for node in block.convolutions:
            set_channels(
                block,
                node,
                into=channels if node is first else hidden,
                out=channels if node is last else hidden,
            )
        for norm in block.norms:
            set_channels(block, norm, out=channels if norm is block.norms[-1] else hidden)
        if projects == "as shapes differ" and stride_of(block) == 1:
            drop_projection(block)
        elif block.projection is not None:
            set_channels(block, block.projection, into=channels, out=channels)
            if block.projection_norm is not None:
                set_channels(block, block.projection_norm, out=channels)
        if shortcut_first:
            block.editor.change(block.parts.join, args=block.editor[block.parts.join].args[::-1])

    return edit(change)


class ArgumentIgnored(Planted):
    id = "argument-ignored"
    message = "The constructor ignores one of its arguments."
    why = (
        "One class builds every block of a network: with 64 channels, with 128, with stride 2. A block that ignores "
        "one of its arguments fits in one place only."
    )
    hints = (
        "The arguments of a constructor are choices that the caller makes. Each of them has to reach the layers that "
        "depend on it.",
        "Take the argument that is named above and follow it through `__init__`. Which layers should use it, and where "
        "does something else stand instead?",
        "Write the argument there, for instance `nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)`.",
    )
    plants = (
        *(
            plant(fix_stride(1, projects=projects), where="convolution 0", message=SAID, argument="stride", other=1)
            for projects in ("as asked for", "as shapes differ")
        ),
        *(
            plant(fix_stride(2, projects=projects), where="convolution 0", message=SAID, argument="stride", other=2)
            for projects in ("as asked for", "as shapes differ", "always")
        ),
        *(
            plant(
                stride_by_channels(elsewhere=elsewhere, projects=projects), where="convolution 0", message=BY_CHANNELS
            )
            for elsewhere, projects in ((1, "as shapes differ"), (None, "as shapes differ"), (1, "as asked for"))
        ),
        *(
            plant(
                fix_channels(argument, projects=projects, shortcut_first=shortcut_first),
                where="convolution 0",
                message=SAID,
                argument=argument,
                other=other,
            )
            for argument, other in (("out_channels", "in_channels"), ("in_channels", "out_channels"))
            for projects in ("as asked for", "as shapes differ")
            for shortcut_first in (False, True)
        ),
    )
    broken = (
        changed(RESBLOCK, ("stride=stride", "stride=1")),
        changed(RESBLOCK, ("stride=stride", "stride=1"), (TEST, "if in_channels != out_channels:")),
        changed(RESBLOCK, ("stride=stride", "stride=2")),
        changed(RESBLOCK, ("stride=stride", "stride=2"), (TEST, "if True:")),
        changed(RESBLOCK, (START, START + "        stride = 2 if in_channels != out_channels else 1\n")),
        changed(BOTTLENECK, (START, START + "        if in_channels != out_channels:\n            stride = 2\n")),
        changed(BOTTLENECK, ("        width = ", "        out_channels = in_channels\n        width = ")),
        changed(RESBLOCK, ("__init__()\n", "__init__()\n        in_channels = out_channels\n")),
        changed(RESBLOCK, ("(in_channels, ", "(out_channels, ")),
    )
