"""A small residual network for 32×32 images.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015),
section 4.2, "CIFAR-10 and Analysis": a 3×3 stem of 16 channels, three stages of n blocks with 16, 32 and 64
channels on maps of size 32, 16 and 8, global average pooling, one linear layer: 6n + 2 layers. One thing
differs: where channels double, the paper's CIFAR networks pad the shortcut with zeros (option A), and this
one projects (option B), as `ResBlock` does.
"""

from __future__ import annotations

from torch import Tensor, nn

from .residual import ResBlock


class ResidualNetwork(nn.Module):
    """Stem, three stages of basic blocks, and a head.

    Shapes:
        x      N × 3 × 32 × 32
        stem   N × 16 × 32 × 32
        stages N × 16 × 32 × 32, N × 32 × 16 × 16, N × 64 × 8 × 8
        logits N × num_classes, with no softmax: `nn.CrossEntropyLoss` brings its own
    """

    def __init__(self, num_classes: int = 10, blocks_per_stage: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.stage1 = _stage(16, 16, blocks_per_stage, stride=1)
        self.stage2 = _stage(16, 32, blocks_per_stage, stride=2)
        self.stage3 = _stage(32, 64, blocks_per_stage, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(64, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.relu(self.bn1(self.conv1(x)))
        features = self.stage3(self.stage2(self.stage1(features)))
        logits: Tensor = self.fc(self.flatten(self.pool(features)))
        return logits


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    """Blocks at one resolution: the first may change channels and resolution, the others keep both."""
    first = ResBlock(in_channels, out_channels, stride)
    return nn.Sequential(first, *(ResBlock(out_channels, out_channels) for _ in range(blocks - 1)))


def build_network(num_classes: int = 10) -> nn.Module:
    """The network that the assignment asks for: N×3×32×32 images to N×num_classes logits."""
    return ResidualNetwork(num_classes)
