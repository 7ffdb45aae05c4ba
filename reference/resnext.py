"""The ResNeXt block, and ResNeXt-50.

Source: S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He, "Aggregated Residual Transformations for Deep Neural Networks"
(2017), section 3.3, equation (3), and figure 3(c): the sum over `cardinality` small bottlenecks is the same as one
bottleneck with a grouped 3×3 convolution.
"""

from __future__ import annotations

from torch import Tensor, nn

from .resnet import ResNet


class ResNeXtBlock(nn.Module):
    """y = relu(F(x) + shortcut(x)), where F is 1×1 → BN → ReLU → grouped 3×3 → BN → ReLU → 1×1 → BN.

    The first 1×1 narrows to out_channels // 2, twice the width of a bottleneck; the 3×3 works at that width in
    `cardinality` groups that do not see each other; the last 1×1 widens again and mixes them. The 3×3 carries the
    stride (section 3.1). The shortcut is that of the basic block.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters, with w = D // 2 and g = cardinality, which must divide w:
        C·w + 9·w²/g + w·D for the convolutions and 4·w + 2·D for the batch norms; a projection adds C·D + 2·D.
        At 256 channels and g = 32 the convolutions have 70 144; those of the bottleneck have 69 632 (section 3.4).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, cardinality: int = 32) -> None:
        super().__init__()
        width = out_channels // 2

        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, groups=cardinality, bias=False)
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


def resnext50(num_classes: int = 1000) -> nn.Module:
    """ResNeXt-50 32×4d, table 1: ResNet-50 with 32 groups that are 4 channels wide in the first stage.

    Parameters with 1,000 classes: 25,028,904.
    """
    return ResNet(ResNeXtBlock, 4, (3, 4, 6, 3), num_classes)
