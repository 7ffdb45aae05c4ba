"""Right blocks in several hands, and for each what students break in it: a table of source and mistake."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

from grader.mistakes._mistake import changed

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"

HANDS: dict[str, str] = {}
HANDS["sequential"] = f"""{HEAD}
class ResBlock(nn.Module):
    def __init__(self, c_in, c_out, stride=1):
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(),
            nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.g = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.g = nn.Sequential(nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out))

    def forward(self, x):
        return torch.relu(self.f(x) + self.g(x))
"""
HANDS["functional"] = f"""{HEAD}
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        P = lambda *shape: nn.Parameter(torch.randn(*shape) * 0.05)
        self.w1, self.w2 = P(o, i, 3, 3), P(o, o, 3, 3)
        self.s = s
        norms = ["1", "2"]
        self.project = s != 1 or i != o
        if self.project:
            self.w3 = P(o, i, 1, 1)
            norms.append("3")
        for n in norms:
            setattr(self, "g" + n, nn.Parameter(torch.ones(o)))
            setattr(self, "b" + n, nn.Parameter(torch.zeros(o)))
            self.register_buffer("m" + n, torch.zeros(o))
            self.register_buffer("v" + n, torch.ones(o))

    def norm(self, n, t):
        a = [getattr(self, k + n) for k in "mvgb"]
        return F.batch_norm(t, *a, training=self.training, momentum=0.1, eps=1e-5)

    def forward(self, x):
        y = F.conv2d(x, self.w1, stride=self.s, padding=1)
        y = F.relu(self.norm("1", y))
        y = F.conv2d(y, self.w2, stride=1, padding=1)
        y = self.norm("2", y)
        z = x
        if self.project:
            z = F.conv2d(x, self.w3, stride=self.s)
            z = self.norm("3", z)
        return F.relu(y + z)
"""
HANDS["loop"] = f"""{HEAD}
class ResBlock(nn.Module):
    def __init__(self, inc, outc, stride=1):
        super().__init__()
        self.convs, self.bns = nn.ModuleList(), nn.ModuleList()
        sizes = [inc, outc, outc]
        strides = [stride, 1]
        for a, b, s in zip(sizes, sizes[1:], strides):
            self.convs.append(nn.Conv2d(a, b, kernel_size=3, stride=s, padding=1))
            self.bns.append(nn.BatchNorm2d(b))
        self.down = None
        if stride != 1 or inc != outc:
            self.down = nn.ModuleList([nn.Conv2d(inc, outc, kernel_size=1, stride=stride), nn.BatchNorm2d(outc)])

    def forward(self, x):
        h = x
        for i, (conv, bn) in enumerate(zip(self.convs, self.bns)):
            h = bn(conv(h))
            if i == 0:
                h = h.clamp(min=0)
        short = x
        if self.down is not None:
            for layer in self.down:
                short = layer(short)
        return (h + short).clamp(min=0)
"""
HANDS["in place"] = f"""{HEAD}
class ResBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super(ResBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or in_planes != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False),
                nn.BatchNorm2d(planes),
            )

    def forward(self, x):
        identity = x
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        out = self.relu(out)
        return out
"""
HANDS["bottleneck"] = f"""{HEAD}
def unit(i, o, k, s=1, act=True):
    layers = [nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, nn.ReLU()) if act else nn.Sequential(*layers)


class Bottleneck(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        mid = cout // 4
        self.a = unit(cin, mid, 1)
        self.b = unit(mid, mid, 3, stride)
        self.c = unit(mid, cout, 1, act=False)
        same = stride == 1 and cin == cout
        self.d = nn.Sequential() if same else unit(cin, cout, 1, stride, act=False)

    def forward(self, x):
        return F.relu(torch.add(self.c(self.b(self.a(x))), self.d(x)))
"""

S, U, L, P, B = "sequential", "functional", "loop", "in place", "bottleneck"
TABLE: list[tuple[str, str, tuple[tuple[str, str], ...]]] = [
    # where branch and shortcut meet
    ("shortcut-missing", S, (("self.f(x) + self.g(x)", "self.f(x)"),)),
    ("shortcut-missing", P, (("        out += identity\n", ""),)),
    ("branch-missing", U, (("F.relu(y + z)", "F.relu(z)"),)),
    ("shortcut-multiplied", L, (("h + short", "h * short"),)),
    ("shortcut-multiplied", P, (("out += identity", "out *= identity"),)),
    ("shortcut-subtracted", P, (("out += identity", "out -= identity"),)),
    ("shortcut-divided", S, (("self.f(x) + self.g(x)", "self.f(x) / self.g(x)"),)),
    ("shortcut-concatenated", B, (("torch.add(self.c(self.b(self.a(x))), self.d(x))", "torch.cat((self.c(self.b(self.a(x))), self.d(x)), 1)"),)),
    ("shortcut-scaled", P, (("out += identity", "out += 0.42 * identity"),)),
    ("shortcut-scaled", B, (("self.d(x)))", "self.d(x), alpha=0.6))"),)),
    ("shortcut-scaled", U, (("y + z", "(3 * y + z) / 4"),)),
    ("shortcut-scaled", L, (("(h + short)", "torch.stack([h, short]).mean(0)"),)),
    ("learned-scale", S, (("        self.g = nn.Identity()\n", "        self.g = nn.Identity()\n        self.gain = nn.Parameter(torch.zeros(1))\n"), ("self.f(x) +", "self.gain * self.f(x) +"))),
    ("learned-scale", P, (("        self.downsample = None\n", "        self.downsample = None\n        self.gamma = nn.Parameter(torch.ones(planes, 1, 1))\n"), ("out += identity", "out = out * self.gamma + identity"))),
    ("shortcut-added-twice", P, (("        out = self.relu(out)\n        return out", "        out = self.relu(out)\n        out = out + identity\n        return out"),)),
    ("shortcut-gated", L, (("(h + short)", "torch.maximum(h, short)"),)),
    ("shortcut-detached", S, (("self.g(x))", "self.g(x.detach()))"),)),
    ("branch-detached", U, (("F.relu(y + z)", "F.relu(y.data + z)"),)),
    ("branch-added-to-itself", P, (("        identity = x\n", ""), ("        if self.downsample is not None:\n            identity = self.downsample(x)\n        out += identity", "        out = out + out"))),
    ("branch-run-twice", S, (("self.f(x) + self.g(x)", "self.f(self.f(x)) + self.g(x)"),)),
    ("shortcut-added-early", P, (("        out = self.conv2(out)\n", "        out = self.conv2(out + (x if self.downsample is None else self.downsample(x)))\n"), ("        out += identity\n", ""))),
    # where the shortcut starts, and what it carries
    ("shortcut-from-wrong-tensor", P, (("        identity = x\n        out = self.conv1(x)\n        out = self.bn1(out)\n", "        out = self.conv1(x)\n        out = self.bn1(out)\n        identity = out\n"), ("if self.downsample is not None:", "if False:"))),
    ("shortcut-from-wrong-tensor", P, (("self.downsample(x)", "self.downsample(out)"),)),
    ("shortcut-activated", L, (("                short = layer(short)\n", "                short = layer(short)\n            short = F.relu(short)\n"),)),
    ("shortcut-activated", B, (("unit(cin, cout, 1, stride, act=False)", "unit(cin, cout, 1, stride)"),)),
    ("shortcut-activated", S, (("self.g(x))", "self.g(torch.relu(x)))"),)),
    ("bn-on-identity", B, (("nn.Sequential() if same", "nn.BatchNorm2d(cin) if same"),)),
    # projections
    ("projection-missing", P, (("if stride != 1 or in_planes != planes:", "if False:"),)),
    ("projection-missing", U, (("self.project = s != 1 or i != o", "self.project = False"),)),
    ("projection-missing", L, (("stride != 1 or inc != outc", "False"), ("(h + short)", "(h + F.pad(x[..., ::-(-x.shape[2] // h.shape[2]), ::-(-x.shape[3] // h.shape[3])], (0, 0, 0, 0, 0, h.shape[1] - x.shape[1])))"))),
    ("projection-always", L, (("stride != 1 or inc != outc", "True"),)),
    ("projection-always", U, (("self.project = s != 1 or i != o", "self.project = True"),)),
    ("projection-wrong-condition", U, (("s != 1 or i != o", "i != o"),)),
    ("projection-wrong-condition", L, (("stride != 1 or inc != outc", "stride != 1 and inc != outc"),)),
    ("projection-wrong-condition", B, (("same = stride == 1 and cin == cout", "same = cin >= cout"),)),
    ("projection-wrong-condition", P, (("if stride != 1 or in_planes != planes", "if stride == 1 or in_planes != planes"),)),
    ("projection-without-bn", U, (('            z = self.norm("3", z)\n', ""), ('            norms.append("3")\n', ""))),
    ("projection-without-bn", L, (("stride=stride), nn.BatchNorm2d(outc)])", "stride=stride)])"),)),
    ("projection-wrong-kernel", S, (("nn.Conv2d(c_in, c_out, 1, stride, bias", "nn.Conv2d(c_in, c_out, 3, stride, 1, bias"),)),
    ("projection-wrong-kernel", U, (("P(o, i, 1, 1)", "P(o, i, 5, 5)"), ("self.w3, stride=self.s", "self.w3, stride=self.s, padding=2"))),
    ("projection-wrong-padding", L, (("kernel_size=1, stride=stride", "kernel_size=1, stride=stride, padding=1"),)),
    ("projection-ignores-stride", U, (("self.w3, stride=self.s", "self.w3"),)),
    ("projection-ignores-stride", B, (("unit(cin, cout, 1, stride, act", "unit(cin, cout, 1, act"),)),
    ("projection-wrong-stride", S, (("nn.Conv2d(c_in, c_out, 1, stride, bias", "nn.Conv2d(c_in, c_out, 1, 2, bias"),)),
    ("projection-pooled", B, (("unit(cin, cout, 1, stride, act=False)", "nn.Sequential(nn.AvgPool2d(stride), *unit(cin, cout, 1, act=False))"),)),
    ("projection-pooled", U, (("F.conv2d(x, self.w3, stride=self.s)", "F.conv2d(F.max_pool2d(x, self.s), self.w3)"),)),
    ("projection-without-convolution", P, (("                nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False),\n                nn.BatchNorm2d(planes),\n", "                nn.MaxPool2d(stride),\n"),)),
    # activations
    ("final-relu-missing", P, (("        out += identity\n        out = self.relu(out)\n", "        out += identity\n"),)),
    ("final-relu-missing", L, (("(h + short).clamp(min=0)", "h + short"),)),
    ("relu-before-add", U, (("F.relu(y + z)", "F.relu(y) + z"),)),
    ("extra-activation", S, (("            nn.BatchNorm2d(c_out),\n        )", "            nn.BatchNorm2d(c_out),\n            nn.ReLU(),\n        )"),)),
    ("extra-activation", L, (("            h = bn(conv(h))\n", "            h = bn(conv(h).relu())\n"),)),
    ("inner-relu-missing", L, (("            if i == 0:\n                h = h.clamp(min=0)\n", ""),)),
    ("inner-relu-missing", S, (("            nn.ReLU(),\n", ""),)),
    ("wrong-activation", L, (("(h + short).clamp(min=0)", "(h + short).clamp(-1, 1)"), ("h = h.clamp(min=0)", "h = h.clamp(-1, 1)"))),
    ("wrong-activation", B, (("nn.ReLU()", "nn.LeakyReLU(0.15)"), ("F.relu(", "F.leaky_relu(negative_slope=0.15, input="))),
    ("wrong-activation", P, (("nn.ReLU(inplace=True)", "nn.PReLU()"),)),
    ("wrong-activation", U, (('F.relu(self.norm("1", y))', 'F.elu(self.norm("1", y), 0.7)'),)),
    # batch norms
    ("bn-missing", S, (("            nn.BatchNorm2d(c_out),\n            nn.ReLU(),\n", "            nn.ReLU(),\n"),)),
    ("bn-missing", P, (("        self.bn2 = nn.BatchNorm2d(planes)\n", ""), ("        out = self.bn2(out)\n", ""))),
    ("bn-shared", P, (("        self.bn2 = nn.BatchNorm2d(planes)\n", ""), ("self.bn2(out)", "self.bn1(out)"))),
    ("bn-after-add", P, (("        out = self.bn2(out)\n", ""), ("        out += identity\n", "        out += identity\n        out = self.bn2(out)\n"))),
    ("bn-frozen", U, (("training=self.training", "training=False"),)),
    ("bn-always-training", U, (("training=self.training", "training=True"),)),
    ("wrong-order", L, (("            h = bn(conv(h))\n            if i == 0:\n                h = h.clamp(min=0)\n", "            h = conv(h)\n            if i == 0:\n                h = h.clamp(min=0)\n            h = bn(h)\n"),)),
    ("wrong-order", B, (("    layers = [nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.BatchNorm2d(o)]\n    return nn.Sequential(*layers, nn.ReLU()) if act else nn.Sequential(*layers)", "    layers = [nn.Conv2d(i, o, k, s, k // 2, bias=False), nn.ReLU(), nn.BatchNorm2d(o)]\n    return nn.Sequential(*layers) if act else nn.Sequential(layers[0], layers[2])"),)),
    ("wrong-order", S, (("            nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),\n            nn.BatchNorm2d(c_out),\n            nn.ReLU(),\n            nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False),\n            nn.BatchNorm2d(c_out),\n", "            nn.BatchNorm2d(c_in),\n            nn.ReLU(),\n            nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False),\n            nn.BatchNorm2d(c_out),\n            nn.ReLU(),\n            nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False),\n"), ("torch.relu(self.f(x) + self.g(x))", "self.f(x) + self.g(x)"))),
    ("wrong-normalisation", L, (("nn.BatchNorm2d(b)", "nn.GroupNorm(2, b)"), ("nn.BatchNorm2d(outc)", "nn.GroupNorm(2, outc)"))),
    ("wrong-normalisation", P, (("nn.BatchNorm2d(planes)", "nn.InstanceNorm2d(planes, affine=True)"),)),
    ("wrong-normalisation", U, (("F.batch_norm(t, *a, training=self.training, momentum=0.1, eps=1e-5)", "F.instance_norm(t, weight=a[2], bias=a[3])"), ('            self.register_buffer("m" + n, torch.zeros(o))\n            self.register_buffer("v" + n, torch.ones(o))\n', ""), ('for k in "mvgb"', 'if k in "gb" else None for k in "mvgb"'), ("getattr(self, k + n) if", "getattr(self, k + n) if"))),
    ("bn-without-affine", S, (("nn.BatchNorm2d(c_out)", "nn.BatchNorm2d(c_out, affine=False)"),)),
    ("bn-without-statistics", B, (("nn.BatchNorm2d(o)", "nn.BatchNorm2d(o, track_running_stats=False)"),)),
    ("wrong-epsilon", U, (("eps=1e-5", "eps=1e-2"),)),
    ("wrong-epsilon", P, (("nn.BatchNorm2d(planes)", "nn.BatchNorm2d(planes, eps=2e-5, momentum=0.9)"),)),
    # convolutions
    ("wrong-kernel", U, (("P(o, o, 3, 3)", "P(o, o, 1, 1)"), ("self.w2, stride=1, padding=1", "self.w2"))),
    ("wrong-kernel", L, (("kernel_size=3, stride=s, padding=1", "kernel_size=3 if s == stride and a == inc and not len(self.convs) else 5, stride=s, padding=1 if not len(self.convs) else 2"),)),
    ("wrong-padding", P, (("planes, 3, padding=1, bias", "planes, 3, bias"),)),
    ("wrong-padding", L, (("padding=1)", "padding=1, padding_mode='replicate')"),)),
    ("wrong-dilation", U, (("self.w2, stride=1, padding=1", "self.w2, stride=1, padding=2, dilation=2"),)),
    ("groups-added", U, (("P(o, o, 3, 3)", "P(o, o // 4, 3, 3)"), ("self.w2, stride=1, padding=1", "self.w2, stride=1, padding=1, groups=4"))),
    ("transposed-convolution", S, (("nn.Conv2d(c_out, c_out, 3, 1, 1", "nn.ConvTranspose2d(c_out, c_out, 3, 1, 1"),)),
    ("stride-ignored", L, (("strides = [stride, 1]", "strides = [1, 1]"),)),
    ("stride-in-both", L, (("strides = [stride, 1]", "strides = [stride, stride]"),)),
    ("stride-in-both", P, (("nn.Conv2d(planes, planes, 3, padding=1", "nn.Conv2d(planes, planes, 3, stride, padding=1"),)),
    ("wrong-stride-layer", L, (("strides = [stride, 1]", "strides = [1, stride]"),)),
    ("wrong-channels", L, (("sizes = [inc, outc, outc]", "sizes = [inc, inc, outc]"),)),
    ("wrong-channels", L, (("sizes = [inc, outc, outc]", "sizes = [inc, outc * 3, outc]"),)),
    ("wrong-channels", P, (("nn.Conv2d(planes, planes, 3", "nn.Conv2d(in_planes, planes, 3"),)),
    ("wrong-expansion", B, (("mid = cout // 4", "mid = cout // 2"),)),
    ("wrong-expansion", B, (("mid = cout // 4", "mid = 6"),)),
    ("wrong-expansion", B, (("        mid = cout // 4\n", "        mid, cout = cout, cout * 4\n"),)),
    ("bottleneck-not-narrowed", B, (("mid = cout // 4", "mid = cout"),)),
    ("layer-missing", L, (("sizes = [inc, outc, outc]", "sizes = [inc, outc]"), ("            if i == 0:\n                h = h.clamp(min=0)\n", ""))),
    ("layer-missing", B, (("self.c(self.b(self.a(x)))", "self.c(self.a(x))"), ("        self.b = unit(mid, mid, 3, stride)\n", ""), ("self.a = unit(cin, mid, 1)", "self.a = unit(cin, mid, 1, stride)"))),
    ("layer-shared", P, (("        out = self.conv2(out)\n", "        out = self.conv1(out)\n"),)),
    ("extra-layer", L, (("sizes = [inc, outc, outc]", "sizes = [inc, outc, outc, outc]"), ("strides = [stride, 1]", "strides = [stride, 1, 1]"), ("if i == 0", "if i < 2"))),
    ("extra-layer", S, (("torch.relu(self.f(x) + self.g(x))", "F.avg_pool2d(torch.relu(self.f(x) + self.g(x)), 2)"),)),
    ("extra-layer", B, (("self.c(self.b(self.a(x)))", "self.c(self.e(self.b(self.a(x))))"), ("        self.c = ", "        self.e = unit(mid, mid, 3)\n        self.c = "))),
    ("argument-ignored", L, (("stride=stride)", "stride=1)"), ("strides = [stride, 1]", "strides = [1, 1]"))),
    ("argument-ignored", B, (("        mid = cout // 4\n", "        mid, cout = cin // 4, cin\n"),)),
    # what belongs to a network, and what is exchanged by position
    ("head-in-block", P, (("        return out", "        return torch.flatten(out, 1)"),)),
    ("head-in-block", S, (("torch.relu(self.f(x) + self.g(x))", "F.adaptive_avg_pool2d(torch.relu(self.f(x) + self.g(x)), 1).flatten(1)"),)),
    ("head-in-block", L, (("(h + short).clamp(min=0)", "torch.softmax((h + short).clamp(min=0), 1)"),)),
    ("head-in-block", B, (("F.relu(torch.add", "F.log_softmax(dim=1, input=torch.add"),)),
    ("head-in-block", U, (("return F.relu(y + z)", "return F.relu(y + z).view(len(x), -1)"),)),
    ("stride-and-padding-exchanged", S, (("c_in, c_out, 3, stride, 1", "c_in, c_out, 3, 1, stride"),)),
    ("stride-and-padding-exchanged", U, (("self.w1, stride=self.s, padding=1", "self.w1, None, 1, self.s"),)),
    ("stride-and-padding-exchanged", B, (("unit(cin, cout, 1, stride, act=False)", "nn.Sequential(nn.Conv2d(cin, cout, 1, 1, stride, bias=False), nn.BatchNorm2d(cout))"),)),
    ("stride-and-padding-exchanged", L, (("stride=s, padding=1", "stride=1, padding=s"), ("kernel_size=1, stride=stride", "kernel_size=1, padding=stride"))),
    ("wrong-channels", U, (("P(o, i, 3, 3)", "P(i, o, 3, 3)"),)),
    ("wrong-channels", B, (("unit(cin, cout, 1, stride, act=False)", "unit(cout, cin, 1, stride, act=False)"),)),
    ("wrong-channels", S, (("nn.BatchNorm2d(c_out)", "nn.BatchNorm2d(c_in)"),)),
    ("wrong-channels", P, (("                nn.BatchNorm2d(planes)", "                nn.BatchNorm2d(in_planes)"),)),
    ("wrong-channels", S, (("nn.BatchNorm2d(c_out)", "nn.BatchNorm2d(32)"),)),
    ("wrong-channels", P, (("nn.Conv2d(planes, planes, 3", "nn.Conv2d(in_planes, in_planes, 3"),)),
    ("groups-added", S, (("c_in, c_out, 3, stride, 1,", "c_in, c_out, 3, stride, 1, groups=c_in,"), ("c_out, c_out, 3, 1, 1,", "c_out, c_out, 3, 1, 1, groups=c_out,"))),
    ("groups-added", P, (("planes, 1, stride=stride,", "planes, 1, stride=stride, groups=in_planes,"),)),
    ("bn-shared", B, (("torch.add(self.c(self.b(self.a(x)))", "torch.add(self.b[1](self.c[0](self.b(self.a(x))))"),)),
    ("shortcut-in-one-mode", P, (("        out += identity\n", "        if self.training:\n            out += identity\n"),)),
    ("shortcut-in-one-mode", U, (("F.relu(y + z)", "F.relu(y + z if self.training else y)"),)),
    ("shortcut-in-one-mode", B, (("self.d(x)))", "(0 if self.training else 1) * self.d(x)))"),)),
    ("layer-not-called", P, (("self.bn2 = nn.BatchNorm2d(planes)", "self.bn2 = nn.BatchNorm2d"),)),
    ("layer-not-called", P, (("nn.ReLU(inplace=True)", "nn.ReLU"),)),
    ("function-without-input", U, (("F.relu(y + z)", "F.relu()(y + z)"),)),
]  # fmt: skip


def planted_programs() -> list[tuple[str, str, str]]:
    """Mistake, hand, and the broken source."""
    return [(mistake, hand, changed(HANDS[hand], *changes)) for mistake, hand, changes in TABLE]
