"""The projection shortcut: a 1×1 convolution with the block's stride, then BN, exactly where shapes differ.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), section 3.3, option B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from grader.judge.edits import ref
from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import add_projection, drop_projection, pad_shortcut, strided
from grader.judge.strides import stride_of
from grader.mistakes._hints import few
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant
from grader.mistakes.kernel import resize, settings

PADDED = (
    "Where shapes differ, there is no projection: x loses rows and columns by the stride, and missing channels are "
    "zeros (option A of the paper). The task asks for a projection: a 1×1 convolution with the block's stride, "
    "followed by a batch norm."
)
LAST = "        return F.relu(out + identity)\n"
PAD = """        missing = out.shape[1] - x.shape[1]
        step = -(-x.shape[2] // out.shape[2])
        identity = F.pad(x[:, :, ::step, ::step], (0, 0, 0, 0, {}))
"""
IN_FRONT = "The batch norm of the shortcut stands in front of the 1×1 convolution. It belongs behind it."
TEST = "if stride != 1 or in_channels != out_channels:"
CONVOLUTION = "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"
NORM = "                nn.BatchNorm2d(out_channels),\n"


def drop_norm(block: Block) -> None:
    if block.projection_norm is not None:
        block.bypass(block.projection_norm)


def norm_in_front(*, activated: bool) -> Edit:
    """A batch norm, and perhaps a ReLU, in front of the 1×1 in place of the one behind it."""

    def change(block: Block) -> None:
        if block.projection is not None and block.projection_norm is not None:
            block.bypass(block.projection_norm)
            source = block.normalise(block.projection.inputs[0], block.projection_norm, "in front")
            source = block.activate(source) if activated else source
            block.editor.set_argument(block.projection.id, 0, ref(source))

    return edit(change)


def normalise_identity(block: Block) -> None:
    """A batch norm of its own."""
    if block.projection is None and block.norms:
        block.join(block.parts.branch, block.normalise(block.x, block.norms[0], "identity"))


def normalise_identity_like_branch(number: int) -> Edit:
    """A batch norm of the branch."""

    def change(block: Block) -> None:
        if block.projection is None and block.norms:
            norm = block.norms[number]
            shared = block.editor.add(norm.op, ref(block.x), *norm.args[1:], shapes=norm.shapes)
            block.join(block.parts.branch, block.editor.add("getitem", ref(shared), 0, shapes=[norm.shape]))

    return edit(change)


@cache
def set_kernel(size: int, padding: int) -> Plant:
    """A kernel of another size."""

    def change(block: Block) -> None:
        if block.projection is not None:
            resize(block, block.projection, size, padding)

    return plant(edit(change), where="projection")


def kernel_as_stride(block: Block) -> None:
    """As large a kernel as the stride, so that each number is read once."""
    if block.projection is not None:
        resize(block, block.projection, stride_of(block), 0)


def pad(padding: int) -> Edit:
    """Zeros around the image."""

    def change(block: Block) -> None:
        if block.projection is not None:
            block.editor.set_argument(block.projection.id, 4, [padding, padding])

    return edit(change)


def set_stride(stride: int, *, only_when: int | None = None) -> Edit:
    def change(block: Block) -> None:
        node = block.projection
        if node is not None and (only_when is None or node.args[3] == [only_when for _ in node.shape[2:]]):
            block.set_stride(node, stride)

    return edit(change)


def project_from_second(block: Block) -> None:
    """Every stride-th row and column from the second one on, and no stride."""
    stride = stride_of(block)
    if block.projection is not None and stride != 1 and block.projection.inputs[0] == block.x:
        block.editor.set_argument(block.projection.id, 0, ref(strided(block, stride, 1)))
        block.set_stride(block.projection, 1)


def repeat_channels(block: Block) -> None:
    """x with a stride, and again behind itself until there are enough channels."""
    channels, wanted = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
    source = strided(block, stride_of(block))
    if wanted > channels:
        source = block.editor.add("aten.cat.default", [ref(source)] * (wanted // channels), 1)
    if block.projection is not None:
        block.join(block.parts.branch, source)


def project_padded(*, norm: bool) -> Edit:
    """Option B in place of A."""

    def change(block: Block) -> None:
        if block.projection is None and _shapes_differ(block):
            add_projection(block, norm=norm)

    return edit(change)


def keep_equal_shapes(block: Block) -> None:
    """Option B in place of C."""
    if block.projection is not None and not _shapes_differ(block):
        drop_projection(block)


def _shapes_differ(block: Block) -> bool:
    before, behind = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
    return stride_of(block) != 1 or before != behind


class ProjectionIgnoresStride(Planted):
    id = "projection-ignores-stride"
    message = (
        "The 1×1 convolution on the shortcut does not use the stride: the branch shrinks and the shortcut does not, so "
        "they cannot be added."
    )
    why = (
        "With stride 2 the branch gives a map of half the size, while the shortcut keeps the full one. Two maps of "
        "different size cannot be added, so the block stops."
    )
    hints = (
        "Both roads have to arrive with the same channels, the same height and the same width.",
        "Compare the strides: that of the convolutions on the branch, and that of the 1×1 on the shortcut.",
        "Hand it over there, too: `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)`.",
    )
    plants = (plant(set_stride(1), where="projection"),)
    broken = (changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, bias=False)")),)


class ProjectionMissing(Planted):
    id = "projection-missing"
    message = (
        "Where the block changes the number of channels or the resolution, x and F(x) have different shapes. "
        "There the shortcut needs a 1×1 convolution with the block's stride, followed by a batch norm."
    )
    why = (
        "Where the channels or the size of the map change, x does not fit F(x) any more. A projection brings x to the "
        "new shape and learns how to do it."
    )
    hints = (
        "Where shapes agree the shortcut is x itself. Where they do not, it is a 1×1 convolution and a batch norm: "
        "option B of the paper.",
        "Look at what `forward` adds to the branch, and at what the constructor makes for stride 2 or for new "
        "channels.",
        "Make `nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), "
        "nn.BatchNorm2d(out_channels))`, and add what it gives.",
    )
    plants = (
        plant(edit(drop_projection)),
        *(plant(pad_shortcut(where), message=PADDED) for where in ("end", "middle", "front")),
        plant(
            edit(repeat_channels),
            message="Where the block changes the number of channels, x is repeated to fit."
            " There the shortcut needs a 1×1 convolution with the block's stride, followed by a batch norm.",
        ),
    )
    broken = (
        changed(RESBLOCK, (TEST, "if False:")),
        changed(RESBLOCK, (TEST, "if False:"), (LAST, PAD.format("0, missing") + LAST)),
        changed(RESBLOCK, (TEST, "if False:"), (LAST, PAD.format("missing // 2, missing - missing // 2") + LAST)),
        changed(RESBLOCK, (TEST, "if False:"), (LAST, PAD.format("missing, 0") + LAST)),
    )


class ProjectionWithoutBN(Planted):
    id = "projection-without-bn"
    message = "The 1×1 convolution on the shortcut is not followed by a batch norm (in the paper it is)."
    why = (
        "The branch ends with a batch norm, so its values have a steady size. A projection without one can be far "
        "larger or far smaller, and then one of the two drowns the other."
    )
    hints = (
        "In this paper each convolution has a batch norm behind it, and so has the projection.",
        "Look at the layers that the constructor makes for the shortcut.",
        "Add `nn.BatchNorm2d(out_channels)` behind the 1×1, in the same `nn.Sequential`.",
    )
    plants = (
        plant(edit(drop_norm), where="projection"),
        *(plant(norm_in_front(activated=a), where="projection", message=IN_FRONT) for a in (False, True)),
    )
    broken = (
        changed(RESBLOCK, (NORM, "")),
        changed(
            RESBLOCK,
            (
                "                " + CONVOLUTION,
                "                nn.BatchNorm2d(in_channels),\n                " + CONVOLUTION,
            ),
            (NORM, ""),
        ),
        changed(RESBLOCK, (NORM, ""), ("1, stride=stride, bias=False", "1, stride")),
    )


class ProjectionWrongKernel(Planted):
    id = "projection-wrong-kernel"
    message = "The convolution on the shortcut must be 1×1: it only matches the number of channels and the resolution."
    why = (
        "The shortcut should change x as little as it can. A larger kernel mixes neighbours and brings many weights: "
        "that is more a second branch than a shortcut."
    )
    hints = (
        "Only the number of channels and the size have to change. A 1×1 does just that, pixel by pixel.",
        "Look at the third argument of the convolution on the shortcut, and at its padding.",
        "Make it 1 and leave the padding out: `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)`.",
    )
    plants = (
        set_kernel(3, 1),
        set_kernel(5, 2),
        set_kernel(3, 0),
        set_kernel(2, 0),
        plant(edit(kernel_as_stride), where="projection"),
    )
    broken = (
        changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)")),
        changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 7, stride, 3, bias=False)")),
        changed(BOTTLENECK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 3, stride)")),
        changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, stride, stride, bias=False)")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        return [set_kernel(*each) for each in few((size, padding) for size, padding, *_ in settings(observations))]


class ProjectionWrongPadding(Planted):
    id = "projection-wrong-padding"
    message = "The 1×1 convolution on the shortcut has a padding: it needs none, and its result becomes too large."
    why = (
        "A filter of size 1 needs no frame around the map. With one, the shortcut grows by an empty border, and it "
        "does not fit the branch any more."
    )
    hints = (
        "Padding makes up for what a kernel loses at the edge. A 1×1 kernel loses nothing there.",
        "Look at the convolution on the shortcut: at `padding`, or at its fifth argument.",
        "Leave the padding out: `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)`.",
    )
    plants = (plant(pad(1), where="projection"), plant(pad(2), where="projection"))
    broken = (
        changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, stride, padding=1, bias=False)")),
        changed(BOTTLENECK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, stride, 1)")),
    )


class ProjectionWrongStride(Planted):
    id = "projection-wrong-stride"
    message = "The convolution on the shortcut has a fixed stride. It must have the block's."
    why = (
        "Blocks with stride 1 but new channels have a projection, too. With a fixed stride the shortcut changes its "
        "size where the branch does not, and the sum fails."
    )
    hints = (
        "Branch and shortcut always have the same stride, that of the block.",
        "Look at the stride of the 1×1 on the shortcut. Is it a number or the argument, and is x cut in front of it?",
        "Give it `stride=stride`, in place of a number or of a slice.",
    )
    plants = (
        plant(set_stride(2), where="projection"),
        plant(
            edit(project_from_second),
            where="projection",
            message="The 1×1 on the shortcut is given every second pixel from the second row and column on. A "
            "convolution with the block's stride begins with the first.",
        ),
    )
    broken = (
        changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, stride=2, bias=False)")),
        changed(
            RESBLOCK,
            (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, bias=False)"),
            ("self.shortcut(x)", "self.shortcut(x if self.conv1.stride == (1, 1) else x[:, :, 1::2, 1::2])"),
        ),
    )


class BNOnIdentity(Planted):
    id = "bn-on-identity"
    message = "There is a batch norm on the identity shortcut. Where shapes agree the shortcut is x itself, unchanged."
    why = (
        "An identity has nothing to learn and nothing to change. A batch norm on it changes the size of x in every "
        "block, and the free road for the gradient is gone."
    )
    hints = (
        "Where the shapes agree, the shortcut is x itself: no weights, no layers.",
        "Look at what the shortcut is for stride 1 and equal channels, and whether `forward` normalises x.",
        "Use `nn.Identity()` there, or an empty `nn.Sequential()`, and add what it gives.",
    )
    plants = (
        plant(edit(normalise_identity)),
        plant(normalise_identity_like_branch(-1)),
        plant(normalise_identity_like_branch(0)),
    )
    broken = (
        changed(
            RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.Sequential(nn.BatchNorm2d(in_channels))")
        ),
        changed(RESBLOCK, ("= self.shortcut(x)", "= self.shortcut(x) if len(self.shortcut) else self.bn2(x)")),
    )


class ProjectionInsteadOfPadding(Planted):
    id = "projection-instead-of-padding"
    message = (
        "Where shapes differ the shortcut is a projection with weights. The task asks for the paper's option A: the "
        "identity with the block's stride, and zeros for the new channels."
    )
    why = (
        "Zeros need no weights, so a plain and a residual network have just as many parameters. That makes the "
        "comparison between the two fair, and it is why the task asks for it."
    )
    hints = (
        "Option A takes x at every second pixel and fills the new channels with zeros.",
        "Look at what the constructor makes for the shortcut when the shapes differ. It should have no parameters at "
        "all.",
        "Cut and pad in `forward`: `F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, more))`, where `more` is the number of "
        "new channels.",
    )
    plants = tuple(plant(project_padded(norm=norm), where="projection") for norm in (True, False))
    broken = (changed(RESBLOCK, ("ResBlock", "PaddedBlock")),)


class IdentityInsteadOfProjection(Planted):
    id = "identity-instead-of-projection"
    message = (
        "Where shapes agree the shortcut is the identity. The task asks for the paper's option C: a projection in "
        "every case."
    )
    why = (
        "The task is about option C of the paper, which has a projection in each block. With identities between them "
        "this is option B, a network with fewer weights."
    )
    hints = (
        "There are three options for the shortcut. In C each one is a 1×1 convolution with a batch norm, also where "
        "the shapes agree.",
        "Look for the test in front of the projection in the constructor.",
        "Drop the `if`, and make `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)` with its batch "
        "norm in every case.",
    )
    plants = (plant(edit(keep_equal_shapes)),)
    broken = (changed(RESBLOCK, ("ResBlock", "ProjectedBlock")),)
