"""Residual blocks with a squeeze-and-excitation gate, and SE-ResNet-50.

Source: J. Hu, L. Shen, G. Sun, "Squeeze-and-Excitation Networks" (2018), sections 3.1 and 3.2, equations (2) to (4),
and figure 3: the gate scales the channels of the branch, behind its last batch norm and before the addition.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor, nn

from .resnet import ResNet


class Gate(nn.Module):
    """u · σ(W₂ · relu(W₁ · z)), where z is the mean of each channel of u.

    The linear layers narrow to channels // reduction and widen again; σ is the sigmoid. Whether they have a bias
    differs between releases: the first version of the paper has one, the later ones leave it out.

    Shapes, with D = channels, h = D // reduction:
        u N × D × H × W, z N × D, hidden N × h, gate N × D, result N × D × H × W

    Parameters: 2·D·h, and h + D with biases.
    """

    def __init__(self, channels: int, reduction: int, *, bias: bool) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, channels // reduction, bias=bias)
        self.fc2 = nn.Linear(channels // reduction, channels, bias=bias)
        self.relu = nn.ReLU()
        self.sigmoid = nn.Sigmoid()

    def forward(self, u: Tensor) -> Tensor:
        squeezed = u.mean(dim=(2, 3))
        gate = self.sigmoid(self.fc2(self.relu(self.fc1(squeezed))))
        scaled: Tensor = u * gate[:, :, None, None]
        return scaled


class SEBasicBlock(nn.Module):
    """y = relu(gate(F(x)) + shortcut(x)), where F is 3×3 → BN → ReLU → 3×3 → BN.

    All but the gate is the basic block. Shapes are its shapes; the gate adds 2·D·(D // r) parameters, and D // r + D
    with biases, for D = out_channels and r = reduction.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int = 1, reduction: int = 16, *, gate_bias: bool = True
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.gate = Gate(out_channels, reduction, bias=gate_bias)
        self.relu = nn.ReLU()

        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.gate(self.bn2(self.conv2(residual)))
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y


class SEBottleneck(nn.Module):
    """y = relu(gate(F(x)) + shortcut(x)), where F is 1×1 → BN → ReLU → 3×3 → BN → ReLU → 1×1 → BN.

    All but the gate is the bottleneck, with its two places for the stride. The gate adds 2·D·(D // r) parameters, and
    D // r + D with biases, for D = out_channels and r = reduction.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        reduction: int = 16,
        *,
        gate_bias: bool = True,
        stride_on: Literal["1x1", "3x3"] = "3x3",
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
        self.gate = Gate(out_channels, reduction, bias=gate_bias)
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
        residual = self.gate(self.bn3(self.conv3(residual)))
        y: Tensor = self.relu(residual + self.shortcut(x))
        return y


def se_resnet50(num_classes: int = 1000, *, stride_on: Literal["1x1", "3x3"] = "3x3") -> nn.Module:
    """SE-ResNet-50, table 1: ResNet-50 with a gate in every block, r = 16, biases in the gates.

    Parameters with 1,000 classes: 28,088,024.
    """
    return ResNet(partial(SEBottleneck, stride_on=stride_on), 4, (3, 4, 6, 3), num_classes)
