"""The Res2Net block, and Res2Net-50.

Source: S.-H. Gao, M.-M. Cheng, K. Zhao, X.-Y. Zhang, M.-H. Yang, P. Torr, "Res2Net: A New Multi-scale Backbone
Architecture" (2019), section 3.1, equation (1), and figure 2(b).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .resnet import ResNet


class Res2NetBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)): a bottleneck whose 3×3 is a hierarchy of small ones.

    The first 1×1 → BN → ReLU narrows to out_channels // 4, as in the bottleneck. Its result is split along the channels
    into `scale` parts of equal width x₁ … xₛ, and with Kᵢ = 3×3 → BN → ReLU
        y₁ = x₁,  y₂ = K₂(x₂),  yᵢ = Kᵢ(xᵢ + yᵢ₋₁) for i > 2.
    The yᵢ are concatenated, and 1×1 → BN widens them again. The shortcut is that of the basic block.

    Two things the paper leaves open; all answers are right:
        passed     which part is handed on without convolution: the "first", as in the figure, or the "last", as in
                   the authors' code (there y₁ = K₁(x₁), yᵢ = Kᵢ(xᵢ + yᵢ₋₁), and yₛ = xₛ)
        stride_on  "1x1": the first 1×1 strides; or "3x3", as in the authors' code: every 3×3 strides, no yᵢ₋₁ is added
                   (it is smaller than xᵢ), and the part without convolution is averaged over 3×3 with that stride

    In the authors' networks two more things differ:
        width           channels of a part, when they are not D // 4 // scale: 26 of 4 parts make n = 104 where D = 256
        first_of_stage  the first block of a stage averages and adds no yᵢ₋₁ even where its stride is 1

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        xᵢ                   N × D // 4 // scale × ⌈H/s⌉ × ⌈W/s⌉ (× H × W for stride_on="3x3")
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters, with w = D // 4 // scale, where scale must divide D // 4, or w = width, and n = scale·w:
        C·n + 9·(scale − 1)·w² + n·D for the convolutions, 2·n + 2·(scale − 1)·w + 2·D for the batch norms; a
        projection adds C·D + 2·D.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        scale: int = 4,
        *,
        passed: Literal["first", "last"] = "first",
        stride_on: Literal["1x1", "3x3"] = "1x1",
        width: int | None = None,
        first_of_stage: bool = False,
    ) -> None:
        super().__init__()
        if passed not in ("first", "last"):
            raise ValueError(f"passed: expected 'first' or 'last', found {passed!r}")
        if stride_on not in ("1x1", "3x3"):
            raise ValueError(f"stride_on: expected '1x1' or '3x3', found {stride_on!r}")
        if width is None:
            if out_channels // 4 % scale:
                raise ValueError(f"scale: {scale} parts cannot be made of {out_channels // 4} channels")
            width = out_channels // 4 // scale
        hidden = width * scale
        stride1, stride2 = (stride, 1) if stride_on == "1x1" else (1, stride)
        self.scale, self.passed = scale, passed
        self.is_hierarchical = stride2 == 1 and not first_of_stage

        self.conv1 = nn.Conv2d(in_channels, hidden, kernel_size=1, stride=stride1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.convs = nn.ModuleList(
            nn.Conv2d(width, width, kernel_size=3, stride=stride2, padding=1, bias=False) for _ in range(scale - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(scale - 1))
        self.pool = nn.Identity() if self.is_hierarchical else nn.AvgPool2d(kernel_size=3, stride=stride2, padding=1)
        self.conv3 = nn.Conv2d(hidden, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn3(self.conv3(self._hierarchy(residual)))
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y

    def _hierarchy(self, x: Tensor) -> Tensor:
        """x₁ … xₛ to y₁ … yₛ, concatenated."""
        parts = list(x.chunk(self.scale, dim=1))
        idle = self.pool(parts.pop(0 if self.passed == "first" else -1))
        done: list[Tensor] = []
        for part, conv, bn in zip(parts, self.convs, self.bns, strict=True):
            if done and self.is_hierarchical:
                part = part + done[-1]
            done.append(self.relu(bn(conv(part))))
        return torch.cat([idle, *done] if self.passed == "first" else [*done, idle], dim=1)


def res2net50(num_classes: int = 1000) -> nn.Module:
    """Res2Net-50 26w×4s of the authors: ResNet-50 with 4 parts of 26 channels, doubled from stage to stage.

    Parameters with 1,000 classes: 25,699,120.
    """

    def block(in_channels: int, out_channels: int, stride: int) -> nn.Module:
        return Res2NetBlock(
            in_channels,
            out_channels,
            stride,
            passed="last",
            stride_on="3x3",
            width=26 * out_channels // 256,
            first_of_stage=in_channels != out_channels,
        )

    return ResNet(block, 4, (3, 4, 6, 3), num_classes)
