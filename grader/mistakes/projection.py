"""The projection shortcut: a 1×1 convolution with the block's stride, then BN, exactly where shapes differ.

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), section 3.3, option B.
"""

from __future__ import annotations

from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import add_projection, drop_projection, pad_shortcut, project_shortcut
from grader.mistakes._mistake import RESBLOCK, Planted, changed, plant

TEST = "if stride != 1 or in_channels != out_channels:"
CONVOLUTION = "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"
NORM = "                nn.BatchNorm2d(out_channels),\n"


def drop_norm(block: Block) -> None:
    if block.projection_norm is not None:
        block.bypass(block.projection_norm)


def project_identity(*, norm: bool, bias: bool) -> Edit:
    """A projection where the identity would do."""

    def change(block: Block) -> None:
        if block.projection is None and block.norms:
            add_projection(block, norm=norm, bias=bias)

    return edit(change)


def normalise_identity(block: Block) -> None:
    if block.projection is None and block.norms:
        block.join(block.parts.branch, block.normalise(block.x, block.norms[0], "identity"))


def set_kernel(size: int) -> Edit:
    def change(block: Block) -> None:
        node = block.projection
        if node is not None:
            shape = block.editor[node.inputs[1]].shape
            block.resize(node.args[1], [*shape[:2], size, size])
            block.editor.set_argument(node.id, 4, [size // 2, size // 2])

    return edit(change)


def set_stride(stride: int, *, only_when: int | None = None) -> Edit:
    def change(block: Block) -> None:
        node = block.projection
        if node is not None and (only_when is None or node.args[3] == [only_when, only_when]):
            block.editor.set_argument(node.id, 3, [stride, stride])

    return edit(change)


def only_if(condition: str) -> Edit:
    """The projection only where the stride is not 1 ("stride"), or only where the channels differ ("channels")."""

    def change(block: Block) -> None:
        node = block.projection
        if node is None:
            return
        weight = block.editor[node.inputs[1]].shape
        strided, widened = node.args[3] != [1, 1], weight[0] != weight[1]
        if not (strided if condition == "stride" else widened):
            drop_projection(block)

    return edit(change)


class ProjectionIgnoresStride(Planted):
    id = "projection-ignores-stride"
    message = (
        "The 1×1 convolution on the shortcut does not use the stride: the branch shrinks and the shortcut does "
        "not, so they cannot be added. Pass stride=stride to it as well."
    )
    plants = (plant(set_stride(1), where="projection"),)
    broken = (changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, bias=False)")),)


class ProjectionMissing(Planted):
    id = "projection-missing"
    message = (
        "Where the block changes the number of channels or the resolution, x and F(x) have different shapes. "
        "There the shortcut needs a 1×1 convolution with the block's stride, followed by a batch norm."
    )
    plants = (plant(edit(drop_projection)), plant(pad_shortcut("end")), plant(pad_shortcut("middle")))
    broken = (changed(RESBLOCK, (TEST, "if False:")),)


class ProjectionAlways(Planted):
    id = "projection-always"
    message = "The shortcut is always a projection. Where stride is 1 and the channels agree it must be the identity."
    plants = tuple(
        plant(project_identity(norm=norm, bias=bias), where="projection")
        for norm in (True, False)
        for bias in (False, True)
    )
    broken = (changed(RESBLOCK, (TEST, "if True:")),)


class ProjectionWrongCondition(Planted):
    id = "projection-wrong-condition"
    message = (
        "The projection is used under the wrong condition. It is needed when the stride is not 1 or when the "
        "numbers of channels differ; one of the two is not asked for."
    )
    plants = (plant(only_if("channels")), plant(only_if("stride")))
    broken = (
        changed(RESBLOCK, (TEST, "if in_channels != out_channels:")),
        changed(RESBLOCK, (TEST, "if stride != 1:")),
        changed(RESBLOCK, (TEST, "if stride == 2:")),
    )


class ProjectionWithoutBN(Planted):
    id = "projection-without-bn"
    message = "The 1×1 convolution on the shortcut is not followed by a batch norm (option B of the paper has one)."
    plants = (plant(edit(drop_norm), where="projection"),)
    broken = (
        changed(RESBLOCK, (NORM, "")),
        changed(RESBLOCK, (NORM, ""), ("1, stride=stride, bias=False", "1, stride")),
    )


class ProjectionWrongKernel(Planted):
    id = "projection-wrong-kernel"
    message = "The convolution on the shortcut must be 1×1: it only matches the number of channels and the resolution."
    plants = (plant(set_kernel(3), where="projection"), plant(set_kernel(5), where="projection"))
    broken = (changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)")),)


class ProjectionWrongStride(Planted):
    id = "projection-wrong-stride"
    message = "The convolution on the shortcut has a fixed stride. It must have the block's: stride=stride."
    plants = (plant(set_stride(2), where="projection"),)
    broken = (changed(RESBLOCK, (CONVOLUTION, "nn.Conv2d(in_channels, out_channels, 1, stride=2, bias=False)")),)


class BNOnIdentity(Planted):
    id = "bn-on-identity"
    message = "There is a batch norm on the identity shortcut. Where shapes agree the shortcut is x itself, unchanged."
    plants = (plant(edit(normalise_identity)),)
    broken = (
        changed(
            RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.Sequential(nn.BatchNorm2d(in_channels))")
        ),
    )


class ProjectionInsteadOfPadding(Planted):
    id = "projection-instead-of-padding"
    message = (
        "Where shapes differ the shortcut is a projection with weights. The task asks for the paper's option A: the "
        "identity with the block's stride, and zeros for the new channels."
    )
    plants = tuple(plant(project_shortcut(always=False, norm=norm), where="projection") for norm in (True, False))
    broken = (changed(RESBLOCK, ("ResBlock", "PaddedBlock")),)


class IdentityInsteadOfProjection(Planted):
    id = "identity-instead-of-projection"
    message = (
        "Where shapes agree the shortcut is the identity. The task asks for the paper's option C: a projection in "
        "every case."
    )
    plants = (plant(project_shortcut(always=False)),)
    broken = (changed(RESBLOCK, ("ResBlock", "ProjectedBlock")),)
