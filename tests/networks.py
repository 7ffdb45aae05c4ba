"""Sources of residual networks, right or with a mistake in any of their blocks."""

from __future__ import annotations

from collections.abc import Mapping

Place = tuple[int, int]  # stage, counted from 1, and block in it, counted from 0

# What a block does wrong, as lines of its forward, and the id of that mistake.
BUGS: dict[str, tuple[str, str]] = {
    "no relu": ("out = self.bn2(self.conv2(self.bn1(self.conv1(x))))", "inner-relu-missing"),
    "relu first": ("return F.relu(out) + identity", "relu-before-add"),
    "no last relu": ("return out + identity", "final-relu-missing"),
    "no shortcut": ("return F.relu(out)", "shortcut-missing"),
    "multiplied": ("return F.relu(out * identity)", "shortcut-multiplied"),
    "subtracted": ("return F.relu(out - identity)", "shortcut-subtracted"),
    "halved": ("return F.relu(out + 0.5 * identity)", "shortcut-scaled"),
    "detached": ("identity = identity.detach()", "shortcut-detached"),
    "branch detached": ("out = out.detach()", "branch-detached"),
    "twice": ("identity = identity + identity", "shortcut-added-twice"),
    "no norm": ("out = self.conv2(F.relu(self.bn1(self.conv1(x))))", "bn-missing"),
    "gelu": ("return F.gelu(out + identity)", "wrong-activation"),
    "larger or": ("return F.relu(torch.maximum(out, identity))", "shortcut-gated"),
}

_SOURCE = """
import torch
from torch import nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, bug=None):
        super().__init__()
        self.bug = bug
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        identity = self.shortcut(x)
BUGS
        return F.relu(out + identity)


class ResNet(nn.Module):
    def __init__(self, bugs, num_classes, width, blocks):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        channels = width
        for stage, count in enumerate(blocks, start=1):
            made = []
            for number in range(count):
                stride = 2 if stage > 1 and number == 0 else 1
                made.append(Block(channels, width * 2 ** (stage - 1), stride, bugs.get((stage, number))))
                channels = width * 2 ** (stage - 1)
            setattr(self, f"layer{stage}", nn.Sequential(*made))
        self.stages = len(blocks)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x):
        x = self.stem(x)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


def build_network(num_classes=10):
    return ResNet(WHICH, num_classes, WIDTH, DEPTHS)
"""


def resnet(bugs: Mapping[Place, str], width: int = 8, blocks: tuple[int, ...] = (2, 2, 2, 2)) -> str:
    """A ResNet for small images with these mistakes in these blocks; width 64 and (2, 2, 2, 2) make it a ResNet-18."""
    lines = [f"        if self.bug == {bug!r}:\n            {line}" for bug, (line, _) in BUGS.items()]
    return (
        _SOURCE.replace("BUGS", "\n".join(lines))
        .replace("WHICH", repr(dict(bugs)))
        .replace("WIDTH", str(width))
        .replace("DEPTHS", repr(blocks))
    )
