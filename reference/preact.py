"""The pre-activation residual blocks.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks" (2016), section 4.1,
"full pre-activation", figures 1(b) and 4(e).

BN and ReLU come in front of each convolution, and nothing comes after the addition: a value that enters a stack of
such blocks reaches its end unchanged but for what the branches add. Where the shapes differ, the shortcut is a bare
1×1 convolution, without batch norm. What it reads differs between releases, and both are right:
    project="activated"  relu(bn(x)), which the branch computes first anyway: the authors' own code
    project="input"      x itself, as the formula y = F(x) + Wx of the first paper has it
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn


class PreActBlock(nn.Module):
    """y = F(x) + shortcut(x), where F is BN → ReLU → 3×3 → BN → ReLU → 3×3.

    The first 3×3 convolution carries the stride.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters:
        9·C·D + 9·D² for the convolutions and 2·C + 2·D for the batch norms, which is 18·C² + 4·C when C = D, as
        many as in the basic block; a projection adds C·D.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        *,
        project: Literal["activated", "input"] = "activated",
    ) -> None:
        super().__init__()
        if project not in ("activated", "input"):
            raise ValueError(f"project: expected 'activated' or 'input', found {project!r}")
        self.project = project

        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=1, padding=1, bias=False)
        self.relu = nn.ReLU()

        self.projection: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.projection = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        activated = self.relu(self.bn1(x))
        residual = self.conv1(activated)
        residual = self.conv2(self.relu(self.bn2(residual)))
        shortcut = x
        if self.projection is not None:
            shortcut = self.projection(activated if self.project == "activated" else x)
        y: Tensor = residual + shortcut
        return y


class PreActBottleneck(nn.Module):
    """y = F(x) + shortcut(x), where F is BN → ReLU → 1×1 → BN → ReLU → 3×3 → BN → ReLU → 1×1.

    The first 1×1 narrows to out_channels // 4, the 3×3 works at that width, the last 1×1 widens again. As in the
    bottleneck of the first paper, the stride may sit on the first 1×1 (`stride_on="1x1"`) or on the 3×3.

    Shapes, with C = in_channels, D = out_channels, s = stride:
        x                    N × C × H × W
        F(x), shortcut(x), y N × D × ⌈H/s⌉ × ⌈W/s⌉

    Parameters, with w = D // 4:
        C·w + 9·w² + w·D for the convolutions and 2·C + 4·w for the batch norms. When C = D it is 17·C²/16 + 3·C, as
        many as in the bottleneck; a projection adds C·D.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        *,
        project: Literal["activated", "input"] = "activated",
        stride_on: Literal["1x1", "3x3"] = "3x3",
    ) -> None:
        super().__init__()
        if project not in ("activated", "input"):
            raise ValueError(f"project: expected 'activated' or 'input', found {project!r}")
        if stride_on not in ("1x1", "3x3"):
            raise ValueError(f"stride_on: expected '1x1' or '3x3', found {stride_on!r}")
        self.project = project
        width = out_channels // 4
        stride1, stride2 = (stride, 1) if stride_on == "1x1" else (1, stride)

        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, stride=stride1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, stride=stride2, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.relu = nn.ReLU()

        self.projection: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.projection = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        activated = self.relu(self.bn1(x))
        residual = self.conv1(activated)
        residual = self.conv2(self.relu(self.bn2(residual)))
        residual = self.conv3(self.relu(self.bn3(residual)))
        shortcut = x
        if self.projection is not None:
            shortcut = self.projection(activated if self.project == "activated" else x)
        y: Tensor = residual + shortcut
        return y
