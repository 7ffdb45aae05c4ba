"""Wrong programs in many hands: some hide what is wrong, some are wrong in ways that are not known mistakes."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.network import NETWORK

WRONG: dict[str, str] = {}
RET = "return F.relu(out + identity)"
SUM = "F.relu(out + identity)"


def gate(name: str, condition: str, other: str = "F.relu(identity)") -> None:
    """A block that is right but for where the condition holds."""
    WRONG[f"gate: {name}"] = changed(RESBLOCK, (RET, f"if {condition}:\n            return {other}\n        {RET}"))


# rare gates
gate("single sample", "x.shape[0] == 1")
gate("square", "x.shape[2] == x.shape[3]")
gate("not square", "x.shape[2] != x.shape[3]")
gate("training", "self.training", "F.relu(out)")
gate("eval", "not self.training", "F.relu(out)")
gate("many channels", "x.shape[1] > 32")
gate("mean scale one", "x.abs().mean() < 0.3")
WRONG["gate: call count"] = changed(
    RESBLOCK,
    (RET, f"self.n = getattr(self, 'n', 0) + 1\n        if self.n > 3:\n            return F.relu(out)\n        {RET}"),
)
WRONG["gate: elementwise where, tiny"] = changed(
    RESBLOCK, ("out + identity", "torch.where(identity.abs() < 1e-4, 0 * out, out + identity)")
)
WRONG["ReLU6"] = changed(RESBLOCK, (SUM, "F.relu6(out + identity)"))
# state and noise
WRONG["hidden running average"] = changed(
    RESBLOCK,
    (
        RET,
        "self.avg = 0.9 * getattr(self, 'avg', 0.0) + 0.1 * out.detach().mean()\n        return F.relu(out + identity + 0.01 * self.avg)",
    ),
)
WRONG["noise"] = changed(RESBLOCK, ("out + identity", "out + identity + 1e-3 * torch.randn_like(out)"))
WRONG["noise in training"] = changed(
    RESBLOCK, ("out + identity", "out + identity + (1e-3 * torch.randn_like(out) if self.training else 0)")
)
WRONG["dropout"] = changed(RESBLOCK, ("out + identity", "F.dropout(out, 0.1, self.training) + identity"))
# gradient
WRONG["identity.data"] = changed(RESBLOCK, ("out + identity", "out + identity.data"))
WRONG["identity numpy"] = changed(RESBLOCK, ("out + identity", "out + torch.from_numpy(identity.detach().numpy())"))
WRONG["identity new tensor"] = changed(RESBLOCK, ("out + identity", "out + torch.tensor(identity.tolist())"))
WRONG["out no_grad"] = changed(
    RESBLOCK,
    (
        "        out = self.bn2(self.conv2(out))",
        "        with torch.no_grad():\n            out = self.bn2(self.conv2(out))",
    ),
)
WRONG["output detached"] = changed(RESBLOCK, (RET, "return F.relu(out + identity).detach().requires_grad_()"))
WRONG["all in no_grad decorator"] = changed(RESBLOCK, ("    def forward", "    @torch.no_grad()\n    def forward"))
FORGE = """import torch

class Forge(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        return %s
    @staticmethod
    def backward(ctx, g):
        return %s
"""
WRONG["forged gradient doubles"] = FORGE % ("a + b", "g, 2 * g") + changed(
    RESBLOCK, ("out + identity", "Forge.apply(out, identity)")
)
WRONG["forged: forward scaled"] = FORGE % ("a + 0.5 * b", "g, g") + changed(
    RESBLOCK, ("out + identity", "Forge.apply(out, identity)")
)
WRONG["forged: gradient None"] = FORGE % ("a + b", "g, None") + changed(
    RESBLOCK, ("out + identity", "Forge.apply(out, identity)")
)
WRONG["hook scales gradient"] = changed(
    RESBLOCK, (RET, "y = F.relu(out + identity)\n        y.register_hook(lambda g: g * 0.5)\n        return y")
)
WRONG["hook on weight"] = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()",
        "        self.conv2.weight.register_hook(lambda g: 0 * g)\n        self.shortcut = nn.Sequential()",
    ),
)
# scale
WRONG["ReZero"] = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()",
        "        self.alpha = nn.Parameter(torch.ones(1))\n        self.shortcut = nn.Sequential()",
    ),
    ("out + identity", "self.alpha * out + identity"),
)
WRONG["buffer scale"] = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()",
        "        self.register_buffer('alpha', torch.tensor(0.7))\n        self.shortcut = nn.Sequential()",
    ),
    ("out + identity", "self.alpha * out + identity"),
)
# norm
WRONG["eps 1e-3"] = changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, eps=1e-3)"))
WRONG["eps 1e-6"] = changed(
    RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(out_channels, eps=1e-6)")
)
WRONG["affine False"] = changed(
    RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, affine=False)")
)
WRONG["no running stats"] = changed(
    RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, track_running_stats=False)")
)
WRONG["one without running stats"] = changed(
    RESBLOCK,
    ("self.bn2 = nn.BatchNorm2d(out_channels)", "self.bn2 = nn.BatchNorm2d(out_channels, track_running_stats=False)"),
)
WRONG["GroupNorm"] = changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.GroupNorm(4, out_channels)"))
WRONG["GroupNorm, one"] = changed(
    RESBLOCK, ("self.bn2 = nn.BatchNorm2d(out_channels)", "self.bn2 = nn.GroupNorm(4, out_channels)")
)
WRONG["InstanceNorm affine"] = changed(
    RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.InstanceNorm2d(out_channels, affine=True)")
)
WRONG["InstanceNorm tracked"] = changed(
    RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.InstanceNorm2d(out_channels, affine=True, track_running_stats=True)")
)
WRONG["LayerNorm-like"] = changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.GroupNorm(1, out_channels)"))
# conv
WRONG["dilation"] = changed(RESBLOCK, ("3, stride=1, padding=1", "3, stride=1, padding=2, dilation=2"))
WRONG["groups"] = changed(RESBLOCK, ("3, stride=1, padding=1", "3, stride=1, padding=1, groups=2"))
WRONG["reflect padding"] = changed(
    RESBLOCK, ("3, stride=1, padding=1", "3, stride=1, padding=1, padding_mode='reflect'")
)
WRONG["circular padding"] = changed(
    RESBLOCK, ("3, stride=1, padding=1", "3, stride=1, padding=1, padding_mode='circular'")
)
WRONG["transposed conv"] = changed(RESBLOCK, ("self.conv2 = nn.Conv2d", "self.conv2 = nn.ConvTranspose2d"))
WRONG["true convolution (flipped)"] = changed(
    RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(F.conv2d(out, self.conv2.weight.flip(2, 3), padding=1))")
)
WRONG["weights transposed"] = changed(
    RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(F.conv2d(out, self.conv2.weight.transpose(0, 1), padding=1))")
)
WRONG["kernel rotated"] = changed(
    RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(F.conv2d(out, self.conv2.weight.transpose(2, 3), padding=1))")
)
WRONG["standardised weight"] = changed(
    RESBLOCK,
    (
        "self.bn2(self.conv2(out))",
        "self.bn2(F.conv2d(out, self.conv2.weight - self.conv2.weight.mean((1, 2, 3), keepdim=True), padding=1))",
    ),
)
PROJ = "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"
WRONG["average pool shortcut (D)"] = changed(
    RESBLOCK,
    (
        PROJ,
        "nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False), nn.Conv2d(in_channels, out_channels, 1, bias=False)",
    ),
)
WRONG["max pool shortcut"] = changed(
    RESBLOCK,
    (PROJ, "nn.MaxPool2d(stride, stride, ceil_mode=True), nn.Conv2d(in_channels, out_channels, 1, bias=False)"),
)
WRONG["option A"] = changed(
    RESBLOCK,
    (
        "identity = self.shortcut(x)",
        "s = 2 if out.shape[2] < x.shape[2] else 1\n        identity = F.pad(x[:, :, ::s, ::s], (0, 0, 0, 0, 0, out.shape[1] - x.shape[1]))",
    ),
    ("if stride != 1 or in_channels != out_channels", "if False"),
)
WRONG["nearest shortcut, no conv where equal"] = changed(
    RESBLOCK,
    ("if stride != 1 or", "if"),
    (
        "identity = self.shortcut(x)",
        "identity = self.shortcut(x)\n        if identity.shape != out.shape:\n            identity = F.interpolate(identity, out.shape[2:], mode='nearest')",
    ),
    ("1, stride=stride", "1, stride=1"),
)
WRONG["subsample odd"] = changed(
    RESBLOCK, ("self.shortcut(x)", "self.shortcut(x if not len(self.shortcut) else torch.roll(x, 1, 2))")
)
WRONG["conv and bn swapped in projection"] = changed(
    RESBLOCK, (PROJ + ",\n                nn.BatchNorm2d(out_channels),", "nn.BatchNorm2d(in_channels), " + PROJ + ",")
)
WRONG["preactivation"] = """
import torch
from torch import nn
import torch.nn.functional as F
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.b1, self.c1 = nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, s, 1, bias=False)
        self.b2, self.c2 = nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.p = nn.Conv2d(i, o, 1, s, bias=False) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        y = self.c1(F.relu(self.b1(x)))
        return self.c2(F.relu(self.b2(y))) + self.p(x)
"""
WRONG["bottleneck for basic"] = changed(BOTTLENECK, ("class Bottleneck", "class ResBlock"))
WRONG["relu before bn"] = changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(F.relu(self.conv1(x)))"))
WRONG["three convs"] = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()",
        "        self.conv3 = nn.Conv2d(out_channels, out_channels, 1, bias=False)\n        self.shortcut = nn.Sequential()",
    ),
    ("self.bn2(self.conv2(out))", "self.bn2(self.conv3(self.conv2(out)))"),
)
# outputs
WRONG["half output"] = changed(RESBLOCK, (SUM, SUM + ".half()"))
WRONG["bfloat output"] = changed(RESBLOCK, (SUM, SUM + ".bfloat16()"))
WRONG["integer output"] = changed(RESBLOCK, (SUM, SUM + ".long()"))
WRONG["0-dim output"] = changed(RESBLOCK, (SUM, SUM + ".sum()"))
WRONG["flat output"] = changed(RESBLOCK, (SUM, SUM + ".flatten()"))
WRONG["extra dimension"] = changed(RESBLOCK, (SUM, SUM + "[None]"))
WRONG["NaN output"] = changed(RESBLOCK, (SUM, SUM + " * float('nan')"))
WRONG["inf output"] = changed(RESBLOCK, (SUM, SUM + " + float('inf')"))
WRONG["one NaN"] = changed(
    RESBLOCK,
    (RET, "y = F.relu(out + identity)\n        y = y.clone()\n        y[0, 0, 0, 0] = float('nan')\n        return y"),
)
WRONG["NaN where tiny"] = changed(RESBLOCK, (RET, "y = F.relu(out + identity)\n        return y / y * y"))
WRONG["cached first output"] = changed(
    RESBLOCK, (RET, "if not hasattr(self, 'y'):\n            self.y = F.relu(out + identity)\n        return self.y")
)
WRONG["output cached by shape"] = changed(
    RESBLOCK,
    (
        RET,
        "self.cache = getattr(self, 'cache', {})\n        return self.cache.setdefault(x.shape, F.relu(out + identity))",
    ),
)
WRONG["input returned"] = changed(RESBLOCK, (RET, "return x"))
WRONG["subclass output"] = (
    "import torch\nclass T(torch.Tensor):\n    def __eq__(self, o): return True\n    def detach(self): return self\n"
    + changed(RESBLOCK, (SUM, "F.relu(out).as_subclass(T)"))
)
WRONG["patched forward"] = changed(
    RESBLOCK, (RET, "y = F.relu(out)\n        self.forward = lambda x: y\n        return y")
)
WRONG["train mode switched off"] = changed(
    RESBLOCK, ("        out = F.relu(self.bn1", "        self.bn2.training = False\n        out = F.relu(self.bn1")
)
WRONG["weights changed in forward"] = changed(
    RESBLOCK,
    ("        out = F.relu(self.bn1", "        self.conv1.weight.data.mul_(0.99)\n        out = F.relu(self.bn1"),
)
WRONG["weights clipped in forward"] = changed(
    RESBLOCK,
    ("        out = F.relu(self.bn1", "        self.bn1.weight.data.clamp_(0.0)\n        out = F.relu(self.bn1"),
)
WRONG["layer created in forward"] = changed(
    RESBLOCK, ("        out = self.bn2(self.conv2(out))", "        out = nn.BatchNorm2d(out.shape[1])(self.conv2(out))")
)
WRONG["projection created in forward once"] = changed(
    RESBLOCK,
    ("if stride != 1 or in_channels != out_channels", "self.p = None\n        if False"),
    (
        "identity = self.shortcut(x)",
        "identity = x\n        if x.shape != out.shape:\n            if self.p is None:\n                self.p = nn.Sequential(nn.Conv2d(x.shape[1], out.shape[1], 1, x.shape[2] // out.shape[2], bias=False), nn.BatchNorm2d(out.shape[1]))\n            identity = self.p(x)",
    ),
)
WRONG["tied weights"] = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()",
        "        if in_channels == out_channels:\n            self.conv2.weight = self.conv1.weight\n        self.shortcut = nn.Sequential()",
    ),
)
WRONG["spare parameter makes up count"] = changed(
    RESBLOCK,
    (
        "        self.bn2 = nn.BatchNorm2d(out_channels)\n",
        "        self.spare = nn.Parameter(torch.zeros(2 * out_channels))\n",
    ),
    ("self.bn2(self.conv2(out))", "self.conv2(out) + 0 * self.spare.sum()"),
)
WRONG["mean of batch in eval"] = changed(
    RESBLOCK, ("        out = F.relu(self.bn1", "        self.bn1.train()\n        out = F.relu(self.bn1")
)
WRONG["input normalised"] = changed(
    RESBLOCK, ("        out = F.relu(self.bn1", "        x = x - x.mean()\n        out = F.relu(self.bn1")
)
WRONG["shortcut nan_to_num clamp"] = changed(RESBLOCK, ("out + identity", "out + identity.clamp(-10, 10)"))
WRONG["shortcut float16"] = changed(RESBLOCK, ("out + identity", "out + identity.half().to(out.dtype)"))
WRONG["branch rounded"] = changed(RESBLOCK, ("out + identity", "out + identity + 1e-6"))
WRONG["shortcut roll"] = changed(RESBLOCK, ("out + identity", "out + identity.roll(1, 3)"))
WRONG["shortcut flipped channels"] = changed(RESBLOCK, ("out + identity", "out + identity.flip(1)"))
WRONG["leaky with tiny slope"] = changed(RESBLOCK, ("F.relu(out + identity)", "F.leaky_relu(out + identity, 1e-6)"))
WRONG["add twice when eval"] = changed(
    RESBLOCK, ("out + identity", "out + identity + (0 if self.training else identity)")
)
WRONG["train-only shortcut"] = changed(RESBLOCK, ("out + identity", "out + (identity if self.training else 0)"))
WRONG["first case only"] = changed(
    RESBLOCK, ("out + identity", "out + (identity if self.conv1.in_channels == 8 else 0)")
)
WRONG["biases on conv after nothing"] = changed(
    RESBLOCK,
    ("self.bn2(self.conv2(out))", "self.bn2(self.conv2(out)) + self.extra[:, None, None]"),
    (
        "        self.shortcut = nn.Sequential()",
        "        self.extra = nn.Parameter(torch.zeros(out_channels))\n        self.shortcut = nn.Sequential()",
    ),
)
WRONG["post-norm bias registered as redundant"] = changed(
    RESBLOCK,
    ("self.bn2(self.conv2(out))", "self.bn2(self.conv2(out))"),
    (
        "        self.shortcut = nn.Sequential()",
        "        self.extra = nn.Parameter(torch.zeros(out_channels))\n        self.shortcut = nn.Sequential()",
    ),
    ("identity = self.shortcut(x)", "identity = self.shortcut(x) + self.extra[:, None, None]"),
)
WRONG["unused extra bias"] = changed(
    RESBLOCK,
    (
        "        self.shortcut = nn.Sequential()",
        "        self.extra = nn.Parameter(torch.zeros(out_channels))\n        self.shortcut = nn.Sequential()",
    ),
)
WRONG["extra bias reaches by zero"] = changed(
    WRONG["unused extra bias"], ("out + identity", "out + identity + 0 * self.extra.sum()")
)
WRONG["conv bias after bn (functional)"] = changed(
    RESBLOCK,
    (
        "self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)",
        "self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1)",
    ),
    (
        "self.bn2(self.conv2(out))",
        "self.bn2(F.conv2d(out, self.conv2.weight, padding=1)) + self.conv2.bias[:, None, None]",
    ),
)
# false causes
WRONG["two mistakes no relu and scaled"] = changed(RESBLOCK, (SUM, "out + 0.5 * identity"))
WRONG["min"] = changed(RESBLOCK, (SUM, "F.relu(torch.min(out, identity))"))
WRONG["gated per sample"] = changed(
    RESBLOCK, (SUM, "F.relu(out + identity * (identity.mean((1, 2, 3), keepdim=True) > 0))")
)
# networks
WRONG["net: two blocks"] = NETWORK.replace("        ResBlock(32, 32),\n        ResBlock(32, 64, 2),", "").replace(
    "nn.Linear(64", "nn.Linear(32"
)
WRONG["net: python list"] = (
    NETWORK.replace(
        "def build_network(num_classes=10):\n    return nn.Sequential(",
        "class Net(nn.Module):\n    def __init__(self, layers):\n        super().__init__()\n        self.layers = layers\n    def forward(self, x):\n        for layer in self.layers:\n            x = layer(x)\n        return x\n\ndef build_network(num_classes=10):\n    return Net([",
    ).rstrip()[:-1]
    + "])\n"
)
WRONG["net: ignores num_classes"] = NETWORK.replace("nn.Linear(64, num_classes)", "nn.Linear(64, 10)")
WRONG["net: detached shortcut"] = NETWORK.replace("out + identity", "out + identity.detach()")
WRONG["net: shortcuts multiplied"] = NETWORK.replace("out + identity", "out * identity")
WRONG["net: concat"] = NETWORK.replace("out + identity", "torch.cat([out, identity], 1)[:, : out.shape[1]]")
WRONG["net: doubles without halving"] = NETWORK.replace("32, 2)", "32)").replace("64, 2)", "64)")
WRONG["net: input detached"] = NETWORK.replace("def forward(self, x):", "def forward(self, x):\n        x = x.detach()")
