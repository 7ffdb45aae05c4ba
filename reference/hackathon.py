"""Residual blocks as a hackathon asks for them: pre-activation, with biases, and with as many channels out as in.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks" (2016), section 4.1, figure 4(e).
Three things differ from the paper's block (`PreActBlock`):
    the block takes `channels` and `stride` alone, so that its shortcut projects only to stride;
    every convolution has a bias, though in front of a batch norm it does nothing;
    the 1×1 of the shortcut is followed by BN, as in the paper before (2015), option B.
Nothing comes after the addition. Channels double between blocks, in a convolution of the network.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class ResBlock(nn.Module):
    """y = F(x) + shortcut(x), where F is BN → ReLU → 3×3 → BN → ReLU → 3×3.

    The first 3×3 strides.

    Shapes, with C = channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × C × ⌈H/s⌉ × ⌈W/s⌉

    Parameters: 18·C² + 6·C, and C² + 3·C in the shortcut when s > 1 (C² + 2·C without its bias,
        which the BN behind it takes out again).
    """

    def __init__(self, channels: int, stride: int = 1, *, shortcut_bias: bool = True) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, stride=stride, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        self.shortcut = _shortcut(channels, stride, bias=shortcut_bias)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv1(self.relu(self.bn1(x)))
        residual = self.conv2(self.relu(self.bn2(residual)))
        y: Tensor = residual + self.shortcut(x)
        return y


class Bottleneck(nn.Module):
    """y = F(x) + shortcut(x), where F is BN → ReLU → 1×1 → BN → ReLU → 3×3 → BN → ReLU → 1×1.

    The expansion is 4: the first 1×1 narrows to channels // 4, the last one widens again. The 3×3 strides.

    Shapes, with C = channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × C × ⌈H/s⌉ × ⌈W/s⌉

    Parameters: 17·C²/16 + 9·C/2 when 4 divides C, and C² + 3·C in the shortcut when s > 1 (C² + 2·C without its bias,
        which the BN behind it takes out again).
    """

    def __init__(self, channels: int, stride: int = 1, *, shortcut_bias: bool = True) -> None:
        super().__init__()
        width = channels // 4
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, channels, kernel_size=1)
        self.relu = nn.ReLU()
        self.shortcut = _shortcut(channels, stride, bias=shortcut_bias)

    def forward(self, x: Tensor) -> Tensor:
        residual = self.conv1(self.relu(self.bn1(x)))
        residual = self.conv2(self.relu(self.bn2(residual)))
        residual = self.conv3(self.relu(self.bn3(residual)))
        y: Tensor = residual + self.shortcut(x)
        return y


def _shortcut(channels: int, stride: int, *, bias: bool) -> nn.Module:
    if stride == 1:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel_size=1, stride=stride, bias=bias), nn.BatchNorm2d(channels)
    )


def build_network(num_classes: int = 10, block: Callable[[int], nn.Module] = ResBlock, blocks: int = 6) -> nn.Module:
    """3×3 stem of 32 channels; blocks with a transition after every second; pooling; one linear layer.

    A transition is a 3×3 convolution that doubles the channels and halves the resolution. It could be a 1×1 as well:
    but with stride 2 a 1×1 reads one pixel in four, and here no shortcut leads around it. Behind the last block come
    BN and ReLU, which a pre-activation block leaves to its successor (He 2016, appendix).

    Shapes, with 6 blocks:
        x      N × 3 × 32 × 32
        blocks N × 32 × 32 × 32, N × 64 × 16 × 16, N × 128 × 8 × 8, two of each
        logits N × num_classes
    """
    channels = 32
    layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel_size=3, padding=1)]
    for number in range(blocks):
        if number > 0 and number % 2 == 0:
            layers.append(nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2, padding=1))
            channels *= 2
        layers.append(block(channels))
    head = [
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, num_classes),
    ]
    return nn.Sequential(*layers, *head)
