"""The residual networks for ImageNet.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015), table 1. Where a
bottleneck halves the resolution, its 3×3 convolution strides (v1.5) unless one asks for the paper's own place, the
first 1×1 (v1): as many parameters, 6 % less work in 50 layers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn

from .bottleneck import Bottleneck
from .residual import ResBlock

Counts = tuple[int, int, int, int]

# Table 1: the kind of block, how many times wider than the stage's base width its output is, and blocks per stage.
TABLE: dict[int, tuple[type[ResBlock] | type[Bottleneck], int, Counts]] = {
    18: (ResBlock, 1, (2, 2, 2, 2)),
    34: (ResBlock, 1, (3, 4, 6, 3)),
    50: (Bottleneck, 4, (3, 4, 6, 3)),
    101: (Bottleneck, 4, (3, 4, 23, 3)),
    152: (Bottleneck, 4, (3, 8, 36, 3)),
}
WIDTHS = (64, 128, 256, 512)


class ResNet(nn.Module):
    """A stem that quarters the resolution, four stages of residual blocks, and a head.

    `block(in_channels, out_channels, stride)` makes a block. The relatives of the residual network (ResNeXt, SE,
    Res2Net) are this network with another block.

    Shapes, with e = expansion, which is 1 for basic blocks and 4 for bottlenecks:
        x               N × 3 × H × W
        stem            N × 64 × H/4 × W/4
        layer1 … layer4 N × 64e × H/4 × W/4, N × 128e × H/8 × W/8, N × 256e × H/16 × W/16, N × 512e × H/32 × W/32
        logits          N × num_classes

    Parameters with 1,000 classes: 11,689,512 (18 layers), 21,797,672 (34), 25,557,032 (50), 44,549,160 (101),
    60,192,808 (152).
    """

    def __init__(
        self, block: Callable[[int, int, int], nn.Module], expansion: int, counts: Counts, num_classes: int = 1000
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        channels = 64
        stages = []
        for number, (width, count) in enumerate(zip(WIDTHS, counts, strict=True)):
            blocks: list[nn.Module] = []
            for position in range(count):
                stride = 2 if number > 0 and position == 0 else 1
                blocks.append(block(channels, width * expansion, stride))
                channels = width * expansion
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        logits: Tensor = self.fc(self.flatten(self.avgpool(features)))
        return logits


def resnet(depth: int, num_classes: int = 1000, *, stride_on: Literal["1x1", "3x3"] = "3x3") -> nn.Module:
    """The network of table 1 with this many weighted layers.

    A basic block strides in its first convolution whatever `stride_on` says: it has no 1×1 to stride in.
    """
    if depth not in TABLE:
        raise ValueError(f"depth: expected one of {', '.join(map(str, TABLE))}, found {depth!r}")
    kind, expansion, counts = TABLE[depth]
    block = partial(Bottleneck, stride_on=stride_on) if kind is Bottleneck else kind
    return ResNet(block, expansion, counts, num_classes)


def resnet18(num_classes: int = 1000) -> nn.Module:
    return resnet(18, num_classes)


def resnet34(num_classes: int = 1000) -> nn.Module:
    return resnet(34, num_classes)


def resnet50(num_classes: int = 1000) -> nn.Module:
    return resnet(50, num_classes)
