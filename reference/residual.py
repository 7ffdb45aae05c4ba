"""The basic residual block.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015),
sections 3.2 and 3.3, equations (1) and (2), and figure 5, left.
"""

from __future__ import annotations

from torch import Tensor, nn


class ResBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), where F is 3×3 → BN → ReLU → 3×3 → BN.

    The first 3×3 convolution carries the stride. The shortcut is the identity when the two tensors agree in
    shape (stride 1 and equal channels); otherwise it is a 1×1 convolution with that stride, then BN: the
    paper's option B. No convolution has a bias, since the batch norm behind it would subtract it again.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters:
        9·C·D + 9·D² for the convolutions and 4·D for the batch norms, which is 18·C² + 4·C when C = D;
        a projection adds C·D + 2·D.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y
