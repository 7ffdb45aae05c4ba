"""The networks of the CIFAR-10 experiments, plain and residual.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015), section 4.2 and
table 6: 6n + 2 layers, where shortcuts are identities and, at the two places where the shapes change, pad with zeros
(option A). The residual networks therefore have exactly as many parameters as the plain ones beside them: where one
trains better, it is not because it is larger.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from .projection import ProjectionBlock


class PlainBlock(nn.Module):
    """y = relu(F(x)), where F is 3×3 → BN → ReLU → 3×3 → BN: the basic block without its shortcut.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x N × C × H × W, y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters: 9·C·D + 9·D² + 4·D.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.relu(self.bn1(self.conv1(x)))
        y: Tensor = self.relu(self.bn2(self.conv2(hidden)))
        return y


class CifarNetwork(nn.Module):
    """Stem, three stages of n blocks, and a head.

    `block(in_channels, out_channels, stride)` makes a block of two layers.

    Shapes:
        x      N × 3 × 32 × 32
        stem   N × 16 × 32 × 32
        stages N × 16 × 32 × 32, N × 32 × 16 × 16, N × 64 × 8 × 8
        logits N × num_classes

    Parameters with 10 classes, for blocks without parameters in the shortcut: 97,216·n − 21,926.
    """

    def __init__(self, block: Callable[[int, int, int], nn.Module], blocks_per_stage: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.stage1 = nn.Sequential(*(block(16, 16, 1) for _ in range(blocks_per_stage)))
        self.stage2 = nn.Sequential(block(16, 32, 2), *(block(32, 32, 1) for _ in range(blocks_per_stage - 1)))
        self.stage3 = nn.Sequential(block(32, 64, 2), *(block(64, 64, 1) for _ in range(blocks_per_stage - 1)))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.relu(self.bn1(self.conv1(x)))
        features = self.stage3(self.stage2(self.stage1(features)))
        logits: Tensor = self.fc(self.flatten(self.pool(features)))
        return logits


def cifar_resnet(depth: int, num_classes: int = 10) -> nn.Module:
    """The residual network of table 6 with this many layers: 20, 32, 44, 56, 110 or any other 6n + 2."""
    return CifarNetwork(partial(ProjectionBlock, option="A"), _blocks_per_stage(depth), num_classes)


def plain(depth: int, num_classes: int = 10) -> nn.Module:
    """The same network without shortcuts: the other half of figure 6."""
    return CifarNetwork(PlainBlock, _blocks_per_stage(depth), num_classes)


def _blocks_per_stage(depth: int) -> int:
    blocks, rest = divmod(depth - 2, 6)
    if blocks < 1 or rest:
        raise ValueError(f"depth: expected 6n + 2 (20, 32, 44, 56, 110, …), found {depth!r}")
    return blocks
