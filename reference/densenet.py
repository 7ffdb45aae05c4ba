"""The dense layer, and the network made of it.

Source: G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely Connected Convolutional Networks" (2017), section 3
and table 1. Where a residual block adds what it computed to its input, a dense layer puts it beside: the sum cannot be
taken apart again, the concatenation can (equations 1 and 2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

COUNTS = (6, 12, 24, 16)  # table 1, DenseNet-121


class DenseLayer(nn.Module):
    """y = [x, F(x)], where F is BN → ReLU → 1×1 → BN → ReLU → 3×3: DenseNet-B of section 3.

    The 1×1 narrows to bn_size·growth_rate channels, the 3×3 makes growth_rate new ones of them. The first channels of
    y are x itself.

    Shapes, with C = in_channels, k = growth_rate:
        x N × C × H × W, F(x) N × k × H × W, y N × (C + k) × H × W

    Parameters, with b = bn_size:
        C·b·k + 9·b·k² for the convolutions and 2·C + 2·b·k for the batch norms.
    """

    def __init__(self, in_channels: int, growth_rate: int, bn_size: int = 4) -> None:
        super().__init__()
        width = bn_size * growth_rate
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth_rate, kernel_size=3, padding=1, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu(self.bn1(x)))
        new = self.conv2(self.relu(self.bn2(new)))
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    """BN → ReLU → 1×1 → average pooling: half the channels at half the resolution (θ = 0.5, DenseNet-C).

    Shapes: x N × C × H × W, y N × C/2 × H/2 × W/2. Parameters: C²/2 + 2·C.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pool(self.conv(self.relu(self.bn(x))))
        return y


class DenseNet121(nn.Module):
    """A stem that quarters the resolution, four stages of dense layers with transitions between them, and a head.

    Shapes:
        x           N × 3 × H × W
        stem        N × 64 × H/4 × W/4
        stages      N × 256 × H/4 × W/4, N × 512 × H/8 × W/8, N × 1024 × H/16 × W/16, N × 1024 × H/32 × W/32
        transitions half the channels of each stage but the last
        logits      N × num_classes

    Parameters with 1,000 classes: 7,978,856.
    """

    def __init__(self, num_classes: int = 1000, growth_rate: int = 32) -> None:
        super().__init__()
        channels = 2 * growth_rate
        self.conv1 = nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        layers: list[nn.Module] = []
        for number, count in enumerate(COUNTS):
            if number > 0:
                layers.append(Transition(channels))
                channels //= 2
            for _ in range(count):
                layers.append(DenseLayer(channels, growth_rate))
                channels += growth_rate
        self.features = nn.Sequential(*layers)
        self.bn2 = nn.BatchNorm2d(channels)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        features = self.relu(self.bn2(self.features(features)))
        logits: Tensor = self.fc(self.flatten(self.avgpool(features)))
        return logits


def densenet121(num_classes: int = 1000) -> nn.Module:
    """The smallest network of table 1: 121 weighted layers, growth rate 32."""
    return DenseNet121(num_classes)
