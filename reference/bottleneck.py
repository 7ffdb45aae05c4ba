"""The bottleneck residual block.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015),
section 4.1, "Deeper Bottleneck Architectures", and figure 5, right.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn


class Bottleneck(nn.Module):
    """y = relu(F(x) + shortcut(x)), where F is 1×1 → BN → ReLU → 3×3 → BN → ReLU → 1×1 → BN.

    The first 1×1 narrows to out_channels // 4, the 3×3 works at that width, the last 1×1 widens again.
    The shortcut is that of the basic block: the identity when the two tensors agree in shape, otherwise a
    1×1 convolution with the stride, then BN.

    Which convolution strides differs between releases, and both are right:
        stride_on="3x3"  the 3×3, as in torchvision and most later code (v1.5): no value of x is skipped
        stride_on="1x1"  the first 1×1, as in the paper (v1): it reads every fourth pixel, and the 3×3 behind it has a
                         quarter of the work
    An assignment that takes both for right says stride_position = "free".

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters, with w = D // 4:
        C·w + 9·w² + w·D for the convolutions and 4·w + 2·D for the batch norms. When C = D the convolutions
        have C²/4 + 9·C²/16 + C²/4 = 17·C²/16, and all of it 17·C²/16 + 3·C; a projection adds C·D + 2·D.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, *, stride_on: Literal["1x1", "3x3"] = "3x3"
    ) -> None:
        super().__init__()
        if stride_on not in ("1x1", "3x3"):
            raise ValueError(f"stride_on: expected '1x1' or '3x3', found {stride_on!r}")
        width = out_channels // 4
        stride1, stride2 = (stride, 1) if stride_on == "1x1" else (1, stride)

        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, stride=stride1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
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
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y
