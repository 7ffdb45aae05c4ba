"""Right blocks with the constructors that real code has, and which departures from the task each of them needs.

The task says `(in_channels, out_channels, stride=1)`. What is computed is always what the task asks for.
"""

from __future__ import annotations

from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n\n"
SIGNATURE = "self, in_channels, out_channels, stride=1"


def taking(parameters: str, first: str, source: str = RESBLOCK) -> str:
    """A right block with other parameters, and a first line of its constructor that makes the usual names of them."""
    return changed(source, (SIGNATURE, f"self, {parameters}"), ("        super()", f"        {first}\n        super()"))


# The caller makes the projection.
BASIC_GIVEN_A_MODULE = f"""{HEAD}class ResBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, dilation=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + identity)
"""
BASIC_GIVEN_A_MODULE_FIRST = changed(
    BASIC_GIVEN_A_MODULE,
    ("inplanes, planes, stride=1, downsample=None,", "in_channels, out_channels, i_downsample=None, stride=1,"),
    ("= downsample\n", "= i_downsample\n"),
    ("inplanes", "in_channels"),
    ("planes", "out_channels"),
)
# A flag says whether there is a projection.
BASIC_WITH_A_FLAG = f"""{HEAD}class ResBlock(nn.Module):
    def __init__(self, input_channels, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.Conv2d(input_channels, num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.conv3 = None
        if use_1x1conv:
            self.conv3 = nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides)
            self.bn3 = nn.BatchNorm2d(num_channels)
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        identity = self.bn3(self.conv3(x)) if self.conv3 else x
        return F.relu(out + identity)
"""
# The width inside is given; what comes out is four times as wide.
BOTTLENECK_WITH_EXPANSION = f"""{HEAD}class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        wide = planes * self.expansion
        self.branch = nn.Sequential(
            nn.Conv2d(in_planes, planes, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
            nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes), nn.ReLU(),
            nn.Conv2d(planes, wide, 1, bias=False), nn.BatchNorm2d(wide),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != wide:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))

    def forward(self, x):
        out = self.branch(x)
        identity = self.shortcut(x)
        return F.relu(out + identity)
"""
BOTTLENECK_GIVEN_A_MODULE_FIRST = f"""{HEAD}class Bottleneck(nn.Module):
    def __init__(self, in_channels, intermediate_channels, identity_downsample=None, stride=1):
        super().__init__()
        self.expansion = 4
        self.conv1 = nn.Conv2d(in_channels, intermediate_channels, 1)
        self.bn1 = nn.BatchNorm2d(intermediate_channels)
        self.conv2 = nn.Conv2d(intermediate_channels, intermediate_channels, 3, stride, 1)
        self.bn2 = nn.BatchNorm2d(intermediate_channels)
        self.conv3 = nn.Conv2d(intermediate_channels, intermediate_channels * self.expansion, 1)
        self.bn3 = nn.BatchNorm2d(intermediate_channels * self.expansion)
        self.relu = nn.ReLU()
        self.identity_downsample = identity_downsample

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.identity_downsample is not None:
            identity = self.identity_downsample(identity)
        return F.relu(out + identity)
"""

# Exercise, departures that it needs, source.
CONSTRUCTORS: dict[str, tuple[str, frozenset[str], str]] = {
    "other order": ("resblock", frozenset({"any-order"}), taking("out_channels, in_channels, stride=1", "pass")),
    "names alone": ("resblock", frozenset({"any-order"}), taking("*, stride=1, out_channels, in_channels", "pass")),
    "another argument between": (
        "resblock",
        frozenset({"any-order"}),
        taking("in_ch, out_ch, kernel_size=3, stride=1", "in_channels, out_channels = in_ch, out_ch"),
    ),
    "a flag for the stride": (
        "resblock",
        frozenset({"downsample-flag"}),
        taking("in_channels, out_channels, downsample=False", "stride = 2 if downsample else 1"),
    ),
    "a flag for the projection": ("resblock", frozenset({"any-order", "downsample-flag"}), BASIC_WITH_A_FLAG),
    "a module": ("resblock", frozenset({"downsample-module"}), BASIC_GIVEN_A_MODULE),
    "a module without a default": (
        "resblock",
        frozenset({"any-order", "downsample-module"}),
        changed(BASIC_GIVEN_A_MODULE, ("stride=1, downsample=None,", "downsample, stride=1,")),
    ),
    "a module before the stride": (
        "resblock",
        frozenset({"any-order", "downsample-module"}),
        BASIC_GIVEN_A_MODULE_FIRST,
    ),
    "expansion": ("bottleneck", frozenset({"expansion"}), BOTTLENECK_WITH_EXPANSION),
    "expansion under the name of the output": (
        "bottleneck",
        frozenset({"expansion"}),
        changed(BOTTLENECK_WITH_EXPANSION, (" planes", " out_channels"), ("(planes", "(out_channels")),
    ),
    "expansion, and a module before the stride": (
        "bottleneck",
        frozenset({"any-order", "expansion", "downsample-module"}),
        BOTTLENECK_GIVEN_A_MODULE_FIRST,
    ),
    "an expansion that is stated and not used": (
        "bottleneck",
        frozenset({"any-order"}),
        changed(
            taking("in_channels, out_channels, groups=1, stride=1", "pass", BOTTLENECK),
            ("    def __init__", "    expansion = 4\n\n    def __init__"),
        ),
    ),
}
