"""Hand-in, sheet 5: residual blocks.

I don't like notebooks so here is a plain script.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv_a = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.conv_b = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn_a = nn.BatchNorm2d(out_channels)
        self.bn_b = nn.BatchNorm2d(out_channels)
        self.conv_s = self.bn_s = None
        if (in_channels, 1) != (out_channels, stride):
            self.conv_s = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.bn_s = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        x = F.relu(self.bn_a(self.conv_a(x)))
        return self.bn_b(self.conv_b(x))

    def shortcut(self, x):
        return x if self.conv_s is None else self.bn_s(self.conv_s(x))

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.residual(x))


class Bottleneck(ResBlock):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__(in_channels, out_channels, stride)
        w = out_channels // 4
        # replace the branch, keep the shortcut
        self.conv_a = nn.Conv2d(in_channels, w, 1, bias=False)
        self.bn_a = nn.BatchNorm2d(w)
        self.conv_b = nn.Conv2d(w, w, 3, stride, 1, bias=False)
        self.bn_b = nn.BatchNorm2d(w)
        self.conv_c = nn.Conv2d(w, out_channels, 1, bias=False)
        self.bn_c = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        x = F.relu(self.bn_a(self.conv_a(x)))
        x = F.relu(self.bn_b(self.conv_b(x)))
        return self.bn_c(self.conv_c(x))


def build_network(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *[ResBlock(16, 16) for _ in range(3)],
        ResBlock(16, 32, 2),
        *[ResBlock(32, 32) for _ in range(2)],
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, num_classes),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--classes", type=int, default=10)
    args = parser.parse_args()
    net = build_network(args.classes)
    print(net(torch.randn(1, 3, 32, 32)))
