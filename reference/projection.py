"""The three kinds of shortcut.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015), section 3.3, "Residual
Network", and section 4.1, "Identity vs. Projection Shortcuts" and table 3:
    A  where the shapes differ, every s-th pixel with zeros for the channels that are not there: no parameters
    B  where the shapes differ, a 1×1 convolution with the stride, then BN; elsewhere the identity
    C  a 1×1 convolution, then BN, in every block

A and B read one pixel in s² alike: a 1×1 with stride 2 sees the even rows and columns and never the others.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


class ZeroPadding(nn.Module):
    """Option A: every stride-th row and column, with channels of zeros behind those that are there.

    Shapes, with C = in_channels, D = out_channels ≥ C, s = stride:
        x N × C × H × W, y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters: none.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        if out_channels < in_channels:
            raise ValueError(f"out_channels: padding adds channels, so at least {in_channels}, found {out_channels}")
        self.missing, self.stride = out_channels - in_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        kept = x[:, :, :: self.stride, :: self.stride]
        return F.pad(kept, (0, 0, 0, 0, 0, self.missing))  # pairs from the last dimension on: width, height, channels


class ProjectionBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), where F is 3×3 → BN → ReLU → 3×3 → BN, and the shortcut is one of A, B and C.

    With option B it is `ResBlock`.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters:
        9·C·D + 9·D² + 4·D in the branch; the shortcut has none (A), or C·D + 2·D (B where the shapes differ; C).
        From 64×32×32 to 128×16×16: 221,696 in the branch and 8,448 in the projection.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, option: Literal["A", "B", "C"] = "B"
    ) -> None:
        super().__init__()
        if option not in ("A", "B", "C"):
            raise ValueError(f"option: expected 'A', 'B' or 'C', found {option!r}")
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

        agree = stride == 1 and in_channels == out_channels
        self.shortcut: nn.Module = nn.Identity()
        if option == "A" and not agree:
            self.shortcut = ZeroPadding(in_channels, out_channels, stride)
        elif option == "C" or (option == "B" and not agree):
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y
