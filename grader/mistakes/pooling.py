"""A block that changes the resolution by pooling or resizing rather than by its strided convolutions.

Source: He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks" (2019), section 4.2:
ResNet-D, which pools in front of the projection.
"""

from __future__ import annotations

from functools import partial

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import Padding, join_padded
from grader.judge.strides import stride_of
from grader.mistakes._changes import put_behind, value_at
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

LAST = "        return F.relu(out + identity)\n"
POOL_AND_PAD = """        if x.shape[2:] != out.shape[2:]:
            identity = F.avg_pool2d(x, 2, ceil_mode=True)
        identity = F.pad(identity, (0, 0, 0, 0, 0, out.shape[1] - x.shape[1]))
"""
CONVOLUTION = "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"
NORM = "                nn.BatchNorm2d(out_channels),\n"
POOLED_A = (
    "The shortcut has no weights: it changes the resolution by pooling, and has zeros where channels are missing. "
    "Neither option A of the paper, which takes every second pixel, nor option B, a 1×1 convolution with the block's "
    "stride, does that."
)
POOLED_ALONE = (
    "Where only the resolution changes, the shortcut is pooled or resized and not projected. Wherever shapes differ "
    "the task asks for a projection, whose 1×1 convolution has the block's stride."
)
POOLS = ("average", "max", "max 3", "average ceil", "max ceil")
RESIZES = ("adaptive", "nearest", "bilinear")


def shrink(block: Block, value: int, how: str) -> int:
    """A value at the resolution of the block's result; nobody reads it yet."""
    stride = stride_of(block)
    batch, channels = block.editor[value].shape[:2]
    size = block.editor[block.parts.join].shape[2:]
    step, source = [stride, stride], ref(value)
    ways: dict[str, tuple[object, ...]] = {
        "average": ("aten.avg_pool2d.default", source, step, step),
        "average ceil": ("aten.avg_pool2d.default", source, step, step, [0, 0], True, False),
        "max": ("aten.max_pool2d.default", source, step, step),
        "max ceil": ("aten.max_pool2d.default", source, step, step, [0, 0], [1, 1], True),
        "max 3": ("aten.max_pool2d.default", source, [3, 3], step, [1, 1]),
        "adaptive": ("aten.adaptive_avg_pool2d.default", source, size),
        "nearest": ("aten.upsample_nearest2d.default", source, size),
        "bilinear": ("aten.upsample_bilinear2d.default", source, size, False),
    }
    op, *arguments = ways[how]
    return block.editor.add(str(op), *arguments, shapes=[[batch, channels, *size]])


def pool_projection(how: str, place: str) -> Edit:
    """Pooling where the projection has a stride; the projection itself has none then.

    Args:
        place: "before" the 1×1 convolution, or "behind" it and its batch norm.
    """
    return edit(partial(_pool_projection, how=how, place=place))


def _pool_projection(block: Block, how: str, place: str) -> None:
    node = block.projection
    if node is None:
        return
    if stride_of(block) != 1 or how == "max 3":
        if place == "before":
            block.editor.set_argument(node.id, 0, ref(shrink(block, block.x, how)))
        else:
            block.join(block.parts.branch, shrink(block, block.parts.shortcut, how))
    block.set_stride(node, 1)


def replace_projection(how: str, *, norm: bool) -> Edit:
    """No convolution on the shortcut: x at another resolution, with a batch norm or without; its channels stay."""

    def change(block: Block) -> None:
        if block.projection is None:
            return
        value = block.x
        if how != "as it is" and stride_of(block) != 1:
            value = shrink(block, value, how)
        if norm:
            value = block.normalise(value, block.norms[0], "shortcut")
        block.join(block.parts.branch, value)

    return edit(change)


def pool_between(how: str) -> Edit:
    """Pooling between the projection's 1×1, which has no stride then, and what follows it."""

    def change(block: Block) -> None:
        node = block.projection
        if node is None or block.projection_norm is None or stride_of(block) == 1:
            return
        block.set_stride(node, 1)
        block.editor.set_argument(block.projection_norm.id, 0, ref(shrink(block, node.id, how)))

    return edit(change)


def pool_alone(how: str, *, elsewhere: bool) -> Edit:
    """Where the channels agree x is pooled and not projected: the projection is there for the channels alone.

    Args:
        elsewhere: does pooling stand in front of the projection where the channels differ, too?
    """

    def change(block: Block) -> None:
        if block.projection is None or block.follows_another:
            return
        before, behind = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
        if before == behind:
            block.join(block.parts.branch, shrink(block, block.x, how) if stride_of(block) != 1 else block.x)
        elif elsewhere:
            _pool_projection(block, how, "before")

    return edit(change)


def pad_pooled(how: str, where: Padding) -> Edit:
    """Option A, with pooling where it takes every second pixel."""

    def change(block: Block) -> None:
        if not block.follows_another:
            join_padded(block, shrink(block, block.x, how) if stride_of(block) != 1 else block.x, where)

    return edit(change)


def pool_branch(how: str, place: str) -> Edit:
    """Pooling on the branch where the block has a stride; none of its convolutions has one then.

    Args:
        place: see `grader.mistakes._changes.value_at`.
    """

    def change(block: Block) -> None:
        value = value_at(block, place)
        if stride_of(block) == 1 or value is None:
            return
        for node in block.convolutions:
            block.set_stride(node, 1)
        put_behind(block, place, value, shrink(block, value, how))

    return edit(change)


class BranchPooled(Planted):
    id = "branch-pooled"
    message = (
        "The branch changes the resolution by pooling. In this block a convolution of the branch has the stride and "
        "does that."
    )
    why = (
        "Pooling shrinks a map in one fixed way and learns nothing. In this block a convolution with a stride shrinks "
        "it, so that the network learns what to keep."
    )
    hints = (
        "With stride 2 a filter moves two steps at a time, and the map comes out at half its size.",
        "Look for a pooling layer on the branch, and at the stride of each of its convolutions.",
        "Remove the pooling, and hand the stride to a convolution: `nn.Conv2d(in_channels, out_channels, 3, "
        "stride=stride, padding=1, bias=False)`.",
    )
    plants = tuple(
        plant(pool_branch(how, place), where="convolution 0")
        for how in POOLS
        for place in ("activation 0", "branch", "input", "norm 0")
    )
    broken = (
        changed(
            RESBLOCK,
            ("3, stride=stride", "3, stride=1"),
            (
                "        self.shortcut = nn.Sequential()\n",
                "        self.pool = nn.MaxPool2d(stride)\n        self.shortcut = nn.Sequential()\n",
            ),
            ("        out = self.bn2(self.conv2(out))\n", "        out = self.bn2(self.conv2(self.pool(out)))\n"),
        ),
        changed(
            BOTTLENECK,
            ("3, stride=stride", "3, stride=1"),
            (
                "= self.bn3(self.conv3(out))",
                "= F.avg_pool2d(self.bn3(self.conv3(out)), 1 if identity.shape[2:] == out.shape[2:] else 2)",
            ),
            ("        out = F.relu(self.bn1", "        identity = self.shortcut(x)\n        out = F.relu(self.bn1"),
        ),
    )


class ProjectionPooled(Planted):
    id = "projection-pooled"
    message = (
        "The shortcut changes the resolution by pooling or resizing. In this block its 1×1 convolution has the stride "
        "and does that alone."
    )
    why = (
        "A 1×1 convolution with a stride takes some of the values of x and leaves their neighbours out. Pooling or "
        "resizing blends the neighbours in, which is another kind of block."
    )
    hints = (
        "The shortcut is as simple as the shapes allow: one small linear map at every second pixel.",
        "Look at each layer on the way of the shortcut, in the constructor and in `forward`.",
        "Let the convolution do it alone: `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)`, and "
        "then the batch norm.",
    )
    plants = (
        *(
            plant(pool_projection(how, place), where="projection")
            for place in ("before", "behind")
            for how in (*POOLS, *RESIZES)
        ),
        *(plant(pool_between(how), where="projection") for how in POOLS),
        *(
            plant(pool_alone(how, elsewhere=elsewhere), message=POOLED_ALONE)
            for elsewhere in (True, False)
            for how in (*POOLS, *RESIZES)
        ),
        # On even maps the nearest values are those of option A.
        *(
            plant(pad_pooled(how, where), message=POOLED_A)
            for how in (*POOLS, "adaptive")
            for where in ("end", "middle")
        ),
    )
    broken = (
        changed(RESBLOCK, (CONVOLUTION, "nn.AvgPool2d(stride), nn.Conv2d(in_channels, out_channels, 1, bias=False)")),
        changed(RESBLOCK, (CONVOLUTION, "nn.MaxPool2d(stride), nn.Conv2d(in_channels, out_channels, 1)")),
        changed(
            BOTTLENECK,
            (CONVOLUTION, "nn.MaxPool2d(3, stride, padding=1), nn.Conv2d(in_channels, out_channels, 1, bias=False)"),
        ),
        changed(
            RESBLOCK,
            ("1, stride=stride, bias=False),", "1, bias=False),"),
            ("out + identity", "out + F.interpolate(identity, size=out.shape[2:])"),
        ),
        changed(  # as fastai has it
            RESBLOCK,
            ("if stride != 1 or in_channels != out_channels:", "if in_channels != out_channels:"),
            ("1, stride=stride, bias=False),", "1, bias=False),"),
            (
                "self.shortcut(x)",
                "self.shortcut(F.avg_pool2d(x, 2, ceil_mode=True) if x.shape[2:] != out.shape[2:] else x)",
            ),
        ),
        changed(
            BOTTLENECK,
            (
                "        if stride != 1 or in_channels != out_channels:",
                "        if in_channels == out_channels:\n"
                "            self.shortcut = nn.MaxPool2d(stride, ceil_mode=True)\n"
                "        if in_channels != out_channels:",
            ),
        ),
        changed(
            RESBLOCK,
            (
                CONVOLUTION + ",\n",
                "nn.Conv2d(in_channels, out_channels, 1, bias=False),\n"
                "                nn.MaxPool2d(stride, ceil_mode=True),\n",
            ),
        ),
        changed(RESBLOCK, ("if stride != 1 or in_channels != out_channels:", "if False:"), (LAST, POOL_AND_PAD + LAST)),
    )


class ProjectionWithoutConvolution(Planted):
    id = "projection-without-convolution"
    message = (
        "There is no convolution on the shortcut where shapes differ. Pooling, resizing or a batch norm cannot change "
        "the number of channels, and learn no projection: use a 1×1 convolution with the block's stride, then a batch "
        "norm."
    )
    why = (
        "A sum needs as many channels on one side as on the other, and only a convolution can change their number. It "
        "also learns which of the old channels go into each new one."
    )
    hints = (
        "A 1×1 convolution is a small linear layer at each pixel: so many channels in, so many out.",
        "Look at what the constructor makes for the shortcut when `in_channels` and `out_channels` differ.",
        "Put `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)` there, followed by "
        "`nn.BatchNorm2d(out_channels)`.",
    )
    plants = (
        *(plant(replace_projection(how, norm=norm)) for norm in (False, True) for how in (*POOLS, *RESIZES)),
        plant(replace_projection("as it is", norm=True)),
    )
    broken = (
        changed(
            RESBLOCK, ("                " + CONVOLUTION + ",\n", "                nn.AvgPool2d(stride),\n"), (NORM, "")
        ),
        changed(
            RESBLOCK,
            ("                " + CONVOLUTION + ",\n", "                nn.MaxPool2d(stride),\n"),
            (NORM, "                nn.BatchNorm2d(in_channels),\n"),
        ),
        changed(
            BOTTLENECK,
            ("                " + CONVOLUTION + ",\n", ""),
            (NORM, "                nn.BatchNorm2d(in_channels),\n"),
        ),
    )
