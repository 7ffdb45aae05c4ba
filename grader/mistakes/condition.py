"""A projection under another condition than "where shapes differ".

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), section 3.3, option B.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import add_projection, drop_projection
from grader.judge.strides import stride_of
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

TEST = "if stride != 1 or in_channels != out_channels:"
RIGHT = TEST.removesuffix(":")
Condition = Callable[[int, int, int], bool]
# Of stride, channels in and channels out.
CONDITIONS: dict[str, Condition] = {
    "if in_channels != out_channels": lambda s, i, o: i != o,
    "if stride != 1": lambda s, i, o: s != 1,
    "if stride != 1 and in_channels != out_channels": lambda s, i, o: s != 1 and i != o,
    "if in_channels < out_channels": lambda s, i, o: i < o,
    "if stride != 1 or in_channels < out_channels": lambda s, i, o: s != 1 or i < o,
    "if stride != 1 and in_channels < out_channels": lambda s, i, o: s != 1 and i < o,
    "if in_channels > out_channels": lambda s, i, o: i > o,
    "if stride == 1": lambda s, i, o: s == 1,
    "if in_channels == out_channels": lambda s, i, o: i == o,
    "if stride == 1 and in_channels == out_channels": lambda s, i, o: s == 1 and i == o,
    "if stride == 1 or in_channels == out_channels": lambda s, i, o: s == 1 or i == o,
    "if stride != 1 or in_channels == out_channels": lambda s, i, o: s != 1 or i == o,
    "if stride == 1 or in_channels != out_channels": lambda s, i, o: s == 1 or i != o,
    "if stride != 1 and in_channels == out_channels": lambda s, i, o: s != 1 and i == o,
    "if stride == 1 and in_channels != out_channels": lambda s, i, o: s == 1 and i != o,
}


def project_identity(*, norm: bool, bias: bool) -> Edit:
    """A projection where the identity would do."""

    def change(block: Block) -> None:
        if block.projection is None and block.norms:
            add_projection(block, norm=norm, bias=bias)

    return edit(change)


class ProjectionAlways(Planted):
    id = "projection-always"
    message = "The shortcut is always a projection. Where stride is 1 and the channels agree it must be the identity."
    why = (
        "The free road is the heart of the idea: x arrives unchanged, and so does its gradient. With a projection in "
        "every block that road is gone, and there are weights that the task does not have."
    )
    hints = (
        "An identity needs no weights. A projection is a tool for the blocks in which the shapes do not fit.",
        "Look at the place in the constructor where the shortcut is made. Is there a test in front of it?",
        "Make it only under `if stride != 1 or in_channels != out_channels:`, and use `nn.Identity()` otherwise.",
    )
    plants = tuple(
        plant(project_identity(norm=norm, bias=bias), where="projection")
        for norm in (True, False)
        for bias in (False, True)
    )
    broken = (
        changed(RESBLOCK, (TEST, "if True:")),
        changed(BOTTLENECK, (TEST, "if True:"), ("1, stride=stride, bias=False", "1, stride")),
        changed(RESBLOCK, (TEST, "if stride or in_channels != out_channels:")),
    )


def project_if(condition: Condition, *, bias: bool) -> Edit:
    """A projection where a condition holds, and nowhere else; a new one has a batch norm.

    Only beside option B: what never projects where shapes differ (option A), or always does (C), has no condition.

    Args:
        bias: does a new one have a (redundant) bias?
    """

    def change(block: Block) -> None:
        stride = stride_of(block)
        before, behind = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
        differ = stride != 1 or before != behind
        wanted = condition(stride, before, behind)
        if differ != (block.projection is not None):
            return
        if block.projection is not None and not wanted:
            drop_projection(block)
        elif block.projection is None and wanted:
            add_projection(block, norm=True, bias=bias)

    return edit(change)


def _under(said: str, condition: Condition) -> list[Plant]:
    message = (
        "The projection is used under the wrong condition: the block behaves as with `{said}`. It is needed exactly "
        "where shapes differ: `{right}`."
    )
    adds = condition(1, 8, 8)
    return [
        plant(project_if(condition, bias=bias), message=message, said=said, right=RIGHT)
        for bias in ((False, True) if adds else (False,))
    ]


class ProjectionWrongCondition(Planted):
    id = "projection-wrong-condition"
    message = (
        "The projection is used under the wrong condition. It is needed exactly where the stride is not 1 or the "
        "numbers of channels differ."
    )
    why = (
        "The sum needs two tensors of the same shape. With another test some blocks cannot add at all, and others get "
        "weights on a road that should be free."
    )
    hints = (
        "There are two reasons for a new shape: the stride, and the number of channels. Either one alone is enough.",
        "Find the `if` around the projection in your constructor. Try it in your head for the calls (64, 64, 1), (64, "
        "64, 2) and (64, 128, 1).",
        "Use both reasons, joined by `or`: `if stride != 1 or in_channels != out_channels:`.",
    )
    chooses = True
    plants = tuple(way for each in CONDITIONS.items() for way in _under(*each))
    broken = (
        changed(RESBLOCK, (TEST, "if in_channels != out_channels:")),
        changed(RESBLOCK, (TEST, "if stride != 1:")),
        changed(RESBLOCK, (TEST, "if stride == 2:")),
        changed(RESBLOCK, (TEST, "if stride != 1 and in_channels != out_channels:")),
        changed(BOTTLENECK, (TEST, "if stride > 1 or in_channels < out_channels:")),
        changed(RESBLOCK, (TEST, "if out_channels == 2 * in_channels:")),
        changed(RESBLOCK, (TEST, "if not (stride != 1 or in_channels != out_channels):")),
        changed(RESBLOCK, (TEST, "if stride == 1 or in_channels != out_channels:")),
    )
