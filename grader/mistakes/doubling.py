"""A block that is asked to keep its channels and doubles them where it has a stride."""

from __future__ import annotations

from grader.judge.parts import Block, Edit, edit
from grader.judge.strides import stride_of
from grader.mistakes._changes import set_channels
from grader.mistakes._families import BIASED
from grader.mistakes._mistake import RESBLOCK, Planted, changed, plant


def double_channels(*, inside: bool) -> Edit:
    """Twice the channels out of a block with a stride, and perhaps between its layers too."""

    def change(block: Block) -> None:
        if stride_of(block) == 1 or not block.convolutions or block.splits:
            return
        weights = [block.editor[node.inputs[1]].shape for node in block.convolutions]
        outs = [shape[0] * (2 if inside else 1) for shape in weights[:-1]] + [2 * weights[-1][0]]
        intos = [weights[0][1], *outs[:-1]]
        for node, into, out in zip(block.convolutions, intos, outs, strict=True):
            set_channels(block, node, into=into, out=out)
        for norm, into, out in zip(block.norms, intos, outs, strict=False):
            set_channels(block, norm, out=into if block.is_preactivated else out)
        for layer in (block.projection, block.projection_norm):
            if layer is not None:
                set_channels(block, layer, out=outs[-1])

    return edit(change)


class ChannelsDoubled(Planted):
    id = "channels-doubled"
    message = "Where it has a stride, the block gives twice the channels that it is asked for."
    why = (
        "In a network the channels are doubled where the resolution is halved, but it is the network that says so. A "
        "block that doubles by itself gives what its caller did not ask for."
    )
    hints = (
        "Height and width follow the stride. The channels follow the arguments alone.",
        "Look for a product such as `channels * stride` or `2 * channels` in the constructor.",
        "Let every layer give the channels of the arguments, and make them more outside of the block.",
    )
    check = "shape"
    plants = tuple(plant(double_channels(inside=inside), where="convolution 0") for inside in (True, False))
    broken = (
        changed(
            BIASED,
            ("conv1 = nn.Conv2d(channels, channels,", "conv1 = nn.Conv2d(channels, channels * stride,"),
            ("bn2 = nn.BatchNorm2d(channels)", "bn2 = nn.BatchNorm2d(channels * stride)"),
            ("conv2 = nn.Conv2d(channels, channels,", "conv2 = nn.Conv2d(channels * stride, channels * stride,"),
            ("nn.Conv2d(channels, channels, 1, stride", "nn.Conv2d(channels, channels * stride, 1, stride"),
            ("nn.BatchNorm2d(channels))", "nn.BatchNorm2d(channels * stride))"),
        ),
        changed(RESBLOCK, ("__init__()\n", "__init__()\n        out_channels *= stride\n")),
        changed(
            RESBLOCK,
            (
                "        self.conv2 = nn.Conv2d(out_channels, out_channels,",
                "        self.conv2 = nn.Conv2d(out_channels, WIDE,",
            ),
            ("self.bn2 = nn.BatchNorm2d(out_channels)", "self.bn2 = nn.BatchNorm2d(WIDE)"),
            ("nn.Conv2d(in_channels, out_channels, 1", "nn.Conv2d(in_channels, WIDE, 1"),
            ("                nn.BatchNorm2d(out_channels)", "                nn.BatchNorm2d(WIDE)"),
            ("WIDE", "stride * out_channels"),
        ),
    )
