"""The ResNeXt block, and ResNeXt-50.

Source: S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He, "Aggregated Residual Transformations for Deep Neural Networks"
(2017), section 3.3, equation (3), and figure 3(c): the sum over `cardinality` small bottlenecks is the same as one
bottleneck with a grouped 3×3 convolution.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from .resnet import ResNet

Form = Literal["grouped", "split", "split-norms", "concatenated", "summed"]


class ResNeXtBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), where F is 1×1 → BN → ReLU → grouped 3×3 → BN → ReLU → 1×1 → BN.

    The first 1×1 narrows to out_channels // 2, twice the width of a bottleneck; the 3×3 works at that width in
    `cardinality` groups that do not see each other; the last 1×1 widens again and mixes them. The 3×3 carries the
    stride (section 3.1). The shortcut is that of the basic block.

    Five forms give equal numbers for equal weights, and all are right:
        form="grouped"       figure 3(c), as above
        form="split"         the grouped 3×3 written out, one convolution a group
        form="split-norms"   the same with a batch norm a group
        form="concatenated"  figure 3(b): separate paths up to the last 1×1
        form="summed"        figure 3(a): separate paths, each with a last 1×1 of its own, added

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters, with w = D // 2 and g = cardinality, which must divide w:
        C·w + 9·w²/g + w·D for the convolutions and 4·w + 2·D for the batch norms; a projection adds C·D + 2·D.
        At 256 channels and g = 32 the convolutions have 70 144; those of the bottleneck have 69 632 (section 3.4).
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, cardinality: int = 32, *, form: Form = "grouped"
    ) -> None:
        super().__init__()
        if form not in get_args(Form):
            raise ValueError(f"form: expected one of {', '.join(get_args(Form))}, found {form!r}")
        width = out_channels // 2
        self.relu = nn.ReLU()
        self.paths: nn.Module | None = None
        if form in ("grouped", "split", "split-norms"):
            self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2: nn.Module = nn.Conv2d(
                width, width, kernel_size=3, stride=stride, padding=1, groups=cardinality, bias=False
            )
            if form != "grouped":
                self.conv2 = _Split(width, stride, cardinality, norms=form == "split-norms")
            self.bn2 = nn.Identity() if form == "split-norms" else nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        else:
            self.paths = _Paths(in_channels, width, out_channels, stride, cardinality, is_summed=form == "summed")
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


class _Split(nn.Module):
    """A grouped 3×3, group by group, each with a batch norm of its own if there are to be such."""

    def __init__(self, width: int, stride: int, cardinality: int, *, norms: bool) -> None:
        super().__init__()
        part = width // cardinality
        self.convs = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(part, part, kernel_size=3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(part) if norms else nn.Identity(),
            )
            for _ in range(cardinality)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = x.chunk(len(self.convs), dim=1)
        return torch.cat([conv(part) for conv, part in zip(self.convs, parts, strict=True)], dim=1)


class _Paths(nn.Module):
    """1×1 → BN → ReLU → 3×3 → BN → ReLU for each path, then a 1×1 on all of them (b), or one on each and a sum (a)."""

    def __init__(
        self, in_channels: int, width: int, out_channels: int, stride: int, cardinality: int, *, is_summed: bool
    ) -> None:
        super().__init__()
        part = width // cardinality
        self.paths = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(in_channels, part, kernel_size=1, bias=False),
                nn.BatchNorm2d(part),
                nn.ReLU(),
                nn.Conv2d(part, part, kernel_size=3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(part),
                nn.ReLU(),
            )
            for _ in range(cardinality)
        )
        self.widen = nn.ModuleList(
            nn.Conv2d(part if is_summed else width, out_channels, kernel_size=1, bias=False)
            for _ in range(cardinality if is_summed else 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        parts = [path(x) for path in self.paths]
        if len(self.widen) == 1:
            y: Tensor = self.widen[0](torch.cat(parts, dim=1))
            return y
        total: Tensor = self.widen[0](parts[0])
        for conv, part in zip(self.widen[1:], parts[1:], strict=True):
            total = total + conv(part)
        return total


def resnext50(num_classes: int = 1000) -> nn.Module:
    """ResNeXt-50 32×4d, table 1: ResNet-50 with 32 groups that are 4 channels wide in the first stage.

    Parameters with 1,000 classes: 25,028,904.
    """
    return ResNet(ResNeXtBlock, 4, (3, 4, 6, 3), num_classes)
