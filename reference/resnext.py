"""The ResNeXt block, and ResNeXt-50.

Source: S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He, "Aggregated Residual Transformations for Deep Neural Networks"
(2017), section 3.3, equation (3), and figure 3(c): the sum over `cardinality` small bottlenecks is the same as one
bottleneck with a grouped 3×3 convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from .resnet import ResNet

Step = Literal["whole", "split", "split-norms"]
Last = Literal["whole", "summed"]


class ResNeXtBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), where F is 1×1 → BN → ReLU → grouped 3×3 → BN → ReLU → 1×1 → BN.

    The first 1×1 narrows to out_channels // 2, twice the width of a bottleneck; the 3×3 works at that width in
    `cardinality` groups that do not see each other; the last 1×1 widens again and mixes them. The 3×3 carries the
    stride (section 3.1). The shortcut is that of the basic block.

    Each of the three convolutions may be written out, one for each path. All forms give equal numbers for equal
    weights, and all are right:
        first, middle  "whole"        one convolution, the 3×3 in groups
                       "split"        one for each path, and one batch norm for all of them
                       "split-norms"  one for each path, each with a batch norm of its own
        last           "whole"        one 1×1 on all paths
                       "summed"       one on each path, added
    Figure 3(c) is the first of each, 3(b) has first and middle with norms of their own, 3(a) has all three written out.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters, with w = D // 2 and g = cardinality, which must divide w:
        C·w + 9·w²/g + w·D for the convolutions and 4·w + 2·D for the batch norms; a projection adds C·D + 2·D.
        At 256 channels and g = 32 the convolutions have 70 144; those of the bottleneck have 69 632 (section 3.4).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        cardinality: int = 32,
        *,
        first: Step = "whole",
        middle: Step = "whole",
        last: Last = "whole",
    ) -> None:
        super().__init__()
        for name, found, known in (("first", first, Step), ("middle", middle, Step), ("last", last, Last)):
            if found not in get_args(known):
                raise ValueError(f"{name}: expected one of {', '.join(get_args(known))}, found {found!r}")
        width = out_channels // 2
        self.relu = nn.ReLU()
        self.paths: nn.Module | None = None
        if (first, middle, last) == ("whole", "whole", "whole"):
            self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(
                width, width, kernel_size=3, stride=stride, padding=1, groups=cardinality, bias=False
            )
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        else:
            self.paths = _Paths(in_channels, width, out_channels, stride, cardinality, first, middle, last)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.paths is not None:
            residual = self.paths(x)
        else:
            residual = self.relu(self.bn1(self.conv1(x)))
            residual = self.conv3(self.relu(self.bn2(self.conv2(residual))))
        residual = self.bn3(residual)
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y


class _Paths(nn.Module):
    """The branch up to its last batch norm, with some of its convolutions written out."""

    def __init__(
        self,
        in_channels: int,
        width: int,
        out_channels: int,
        stride: int,
        cardinality: int,
        first: Step,
        middle: Step,
        last: Last,
    ) -> None:
        super().__init__()
        paths = 1 if first == "whole" else cardinality
        narrow = [nn.Conv2d(in_channels, width // paths, kernel_size=1, bias=False) for _ in range(paths)]
        self.first = _Step(narrow, norms=first == "split-norms")
        paths = 1 if middle == "whole" else cardinality
        part, groups = width // paths, cardinality // paths
        grouped = [
            nn.Conv2d(part, part, kernel_size=3, stride=stride, padding=1, groups=groups, bias=False)
            for _ in range(paths)
        ]
        self.middle = _Step(grouped, norms=middle == "split-norms")
        paths = 1 if last == "whole" else cardinality
        self.last = nn.ModuleList(
            nn.Conv2d(width // paths, out_channels, kernel_size=1, bias=False) for _ in range(paths)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = self.first([x] * len(self.first.convs))
        parts = self.middle(_cut(parts, len(self.middle.convs)))
        widened = [conv(part) for conv, part in zip(self.last, _cut(parts, len(self.last)), strict=True)]
        total: Tensor = widened[0]
        for each in widened[1:]:
            total = total + each
        return total


class _Step(nn.Module):
    """Convolutions side by side, and BN → ReLU behind each of them, or one behind all."""

    def __init__(self, convs: Sequence[nn.Conv2d], *, norms: bool) -> None:
        super().__init__()
        number = len(convs) if norms else 1
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(sum(conv.out_channels for conv in convs) // number) for _ in range(number)
        )
        self.relu = nn.ReLU()

    def forward(self, parts: Sequence[Tensor]) -> list[Tensor]:
        found = _cut([conv(part) for conv, part in zip(self.convs, parts, strict=True)], len(self.norms))
        return [self.relu(norm(part)) for norm, part in zip(self.norms, found, strict=True)]


def _cut(parts: list[Tensor], number: int) -> list[Tensor]:
    """The same channels in so many parts."""
    if len(parts) == number:
        return parts
    whole = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
    return list(whole.chunk(number, dim=1)) if number > 1 else [whole]


def resnext50(num_classes: int = 1000) -> nn.Module:
    """ResNeXt-50 32×4d, table 1: ResNet-50 with 32 groups that are 4 channels wide in the first stage.

    Parameters with 1,000 classes: 25,028,904.
    """
    return ResNet(ResNeXtBlock, 4, (3, 4, 6, 3), num_classes)
