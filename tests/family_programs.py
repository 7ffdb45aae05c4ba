"""Right blocks of the families by hand, in many hands. Each must get full marks."""

from __future__ import annotations

from grader.mistakes._families import HEAD, PREACT, PREACT_BOTTLENECK, RES2NET, RESNEXT, SE, SE_BOTTLENECK
from grader.mistakes._mistake import changed

PREACT_SHORTCUT = "identity = x if self.shortcut is None else self.shortcut(out)"
GATE = """        z = u.mean((2, 3))
        z = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))
        return u * z[:, :, None, None]
"""
GATE_LAYERS = """        self.fc1 = nn.Linear(out_channels, out_channels // reduction)
        self.fc2 = nn.Linear(out_channels // reduction, out_channels)
"""
PROJECTION = """        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
"""
GROUPED = "out = F.relu(self.bn2(self.conv2(out)))"
HIERARCHY = """        parts = torch.chunk(out, self.scale, dim=1)
        ys = [parts[0]]
        for i in range(1, self.scale):
            part = parts[i] if i == 1 else parts[i] + ys[-1]
            ys.append(F.relu(self.bns[i - 1](self.convs[i - 1](part))))
        out = torch.cat(ys, dim=1)
"""

PREACT_RIGHT = {
    "as shown": PREACT,
    "projection of x": changed(PREACT, (PREACT_SHORTCUT, PREACT_SHORTCUT.replace("(out)", "(x)"))),
    "redundant bias": changed(
        PREACT, ("out_channels, 3, stride=stride, padding=1, bias=False", "out_channels, 3, stride=stride, padding=1")
    ),
    "in place": changed(
        PREACT,
        ("F.relu(self.bn1(x))", "self.bn1(x).relu_()"),
        ("F.relu(self.bn2(out))", "F.relu_(self.bn2(out))"),
        ("return out + identity", "out += identity\n        return out"),
    ),
    "one sequence": f"""{HEAD}
class PreActBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.skip = nn.Identity() if stride == 1 and cin == cout else nn.Conv2d(cin, cout, 1, stride, bias=False)
        self.body = nn.Sequential(
            nn.BatchNorm2d(cin),
            nn.ReLU(),
            nn.Conv2d(cin, cout, 3, stride, 1, bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
            nn.Conv2d(cout, cout, 3, 1, 1, bias=False),
        )

    def forward(self, x):
        return self.skip(x) + self.body(x)
""",
    "registered backwards, in a loop": f"""{HEAD}
class PreActBlock(nn.Module):
    def __init__(self, a, b, s=1):
        super().__init__()
        self.p = nn.Conv2d(a, b, 1, s, bias=False) if s != 1 or a != b else None
        self.convs = nn.ModuleList([nn.Conv2d(b, b, 3, padding=1, bias=False), nn.Conv2d(a, b, 3, s, 1, bias=False)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(b), nn.BatchNorm2d(a)])

    def forward(self, x):
        h, skip = x, x
        for number in (1, 0):
            h = self.norms[number](h).clamp(min=0)
            if number == 1 and self.p is not None:
                skip = self.p(h)
            h = self.convs[number](h)
        return torch.stack([h, skip]).sum(0)
""",
    "functions and parameters": f"""{HEAD}
class PreActBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.stride = stride
        self.w1 = nn.Parameter(torch.randn(cout, cin, 3, 3) * 0.1)
        self.w2 = nn.Parameter(torch.randn(cout, cout, 3, 3) * 0.1)
        self.g1, self.b1 = nn.Parameter(torch.ones(cin)), nn.Parameter(torch.zeros(cin))
        self.g2, self.b2 = nn.Parameter(torch.ones(cout)), nn.Parameter(torch.zeros(cout))
        for n, c in ((1, cin), (2, cout)):
            self.register_buffer(f"m{{n}}", torch.zeros(c))
            self.register_buffer(f"v{{n}}", torch.ones(c))
        if stride != 1 or cin != cout:
            self.ws = nn.Parameter(torch.randn(cout, cin, 1, 1))

    def forward(self, x):
        a = F.relu(F.batch_norm(x, self.m1, self.v1, self.g1, self.b1, self.training))
        y = F.conv2d(a, self.w1, None, self.stride, 1)
        y = F.relu(F.batch_norm(y, self.m2, self.v2, self.g2, self.b2, self.training))
        y = F.conv2d(y, self.w2, None, 1, 1)
        return y + (F.conv2d(x, self.ws, None, self.stride) if hasattr(self, "ws") else x)
""",
}

PREACT_BOTTLENECK_RIGHT = {
    "as shown": PREACT_BOTTLENECK,
    "stride on the first 1×1": changed(
        PREACT_BOTTLENECK,
        ("nn.Conv2d(in_channels, width, 1, bias", "nn.Conv2d(in_channels, width, 1, stride, bias"),
        ("3, stride=stride, padding=1", "3, padding=1"),
    ),
    "a class for each step": f"""{HEAD}
class Step(nn.Sequential):
    def __init__(self, i, o, k, s=1):
        super().__init__(nn.BatchNorm2d(i), nn.ReLU(), nn.Conv2d(i, o, k, s, k // 2, bias=False))


class PreActBottleneck(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.project = nn.Conv2d(i, o, 1, s, bias=False) if s != 1 or i != o else nn.Identity()
        self.steps = nn.Sequential(Step(i, o // 4, 1), Step(o // 4, o // 4, 3, s), Step(o // 4, o, 1))

    def forward(self, x):
        return torch.add(self.project(x), self.steps(x))
""",
}

RESNEXT_RIGHT = {
    "as shown": RESNEXT,
    "redundant biases": changed(RESNEXT, (", bias=False", "")),
    "groups cut by hand": changed(
        RESNEXT,
        (
            GROUPED,
            """weights = self.conv2.weight.chunk(self.conv2.groups, 0)
        pieces = out.chunk(self.conv2.groups, 1)
        out = torch.cat([F.conv2d(p, w, stride=self.conv2.stride, padding=1) for p, w in zip(pieces, weights)], 1)
        out = F.relu(self.bn2(out))""",
        ),
    ),
    "one sequence": f"""{HEAD}
class ResNeXtBlock(nn.Module):
    def __init__(self, cin, cout, stride=1, cardinality=32):
        super().__init__()
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut.append(nn.Conv2d(cin, cout, 1, stride, bias=False)).append(nn.BatchNorm2d(cout))
        w = cout // 2
        layers = []
        for i, o, k, s, g in ((cin, w, 1, 1, 1), (w, w, 3, stride, cardinality), (w, cout, 1, 1, 1)):
            layers += [nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False), nn.BatchNorm2d(o), nn.ReLU(True)]
        self.branch = nn.Sequential(*layers[:-1])
        self.out = layers[-1]

    def forward(self, x):
        return self.out(self.shortcut(x) + self.branch(x))
""",
}

SE_RIGHT = {
    "as shown": SE,
    "without biases": changed(
        SE,
        ("// reduction)\n", "// reduction, bias=False)\n"),
        ("reduction, out_channels)", "reduction, out_channels, bias=False)"),
    ),
    "1×1 convolutions": changed(
        SE,
        (
            GATE_LAYERS,
            """        self.se = nn.Sequential(
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Conv2d(out_channels, out_channels // reduction, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels // reduction, out_channels, kernel_size=1),
            nn.Sigmoid(),
        )
""",
        ),
        (GATE, "        return u * self.se(u)\n"),
    ),
    "pooled, flattened, expanded": changed(
        SE,
        (
            GATE,
            """        b, c, _, _ = u.size()
        z = F.adaptive_avg_pool2d(u, 1).view(b, c)
        z = self.fc2(F.relu(self.fc1(z), inplace=True)).sigmoid().view(b, c, 1, 1)
        return u * z.expand_as(u)
""",
        ),
    ),
    "pooled over the whole map": changed(
        SE,
        (
            GATE,
            """        z = F.avg_pool2d(u, kernel_size=u.shape[-2:]).flatten(1)
        z = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))
        return torch.mul(z.unsqueeze(-1).unsqueeze(-1), u)
""",
        ),
    ),
    "by hand": changed(
        SE,
        (
            GATE,
            """        z = u.flatten(2).sum(2) / (u.shape[2] * u.shape[3])
        z = z @ self.fc1.weight.T + self.fc1.bias
        z = torch.maximum(z, torch.zeros_like(z)) @ self.fc2.weight.t() + self.fc2.bias
        z = 1 / (1 + torch.exp(-z))
        return torch.einsum("nchw,nc->nchw", u, z)
""",
        ),
    ),
    "in place": changed(
        SE,
        ("return u * z[:, :, None, None]", "u *= z.view(*z.shape, 1, 1)\n        return u"),
        ("return F.relu(out + identity)", "out += identity\n        return F.relu_(out)"),
    ),
    "after the shortcut": changed(
        SE,
        (
            "        out = self.gate(out)\n        identity = self.shortcut(x)\n",
            "        identity = self.shortcut(x)\n        out = self.gate(out)\n",
        ),
        ("return F.relu(out + identity)", "return F.relu(identity + out)"),
    ),
}

SE_BOTTLENECK_RIGHT = {
    "as shown": SE_BOTTLENECK,
    "stride on the first 1×1": changed(
        SE_BOTTLENECK,
        ("nn.Conv2d(in_channels, width, 1, bias", "nn.Conv2d(in_channels, width, 1, stride, bias"),
        ("3, stride=stride, padding=1", "3, padding=1"),
    ),
    "linear layers": changed(
        SE_BOTTLENECK,
        (
            "            nn.Conv2d(channels, channels // reduction, 1)",
            "            nn.Linear(channels, channels // reduction)",
        ),
        (
            "            nn.Conv2d(channels // reduction, channels, 1)",
            "            nn.Linear(channels // reduction, channels)",
        ),
        (
            "return x * self.fc(self.avg_pool(x))",
            "y = self.fc(self.avg_pool(x).flatten(1))\n        return x * y.reshape(len(x), -1, 1, 1)",
        ),
    ),
    "the gate last in the branch": changed(
        SE_BOTTLENECK,
        ("        out = self.bn3(self.conv3(out))\n        out = self.se(out)\n", ""),
        (
            "return F.relu(out + self.shortcut(x))",
            "return torch.relu(self.shortcut(x) + nn.Sequential(self.conv3, self.bn3, self.se)(out))",
        ),
    ),
}

RES2NET_RIGHT = {
    "as shown": RES2NET,
    "slices": changed(
        RES2NET,
        (
            HIERARCHY,
            """        w = out.shape[1] // self.scale
        y = out[:, :w]
        result = [y]
        for i, (conv, bn) in enumerate(zip(self.convs, self.bns), start=1):
            part = out[:, i * w : (i + 1) * w]
            if i > 1:
                part = part + y
            y = torch.relu(bn(conv(part)))
            result.append(y)
        out = torch.cat(result, 1)
""",
        ),
    ),
    "a view of parts": changed(
        RES2NET,
        (
            HIERARCHY,
            """        n, c, h, w = out.shape
        parts = out.view(n, self.scale, c // self.scale, h, w)
        ys = [parts[:, 0]]
        for i in range(1, self.scale):
            part = parts[:, i]
            if i >= 2:
                part = part.add(ys[i - 1])
            ys.append(self.bns[i - 1](self.convs[i - 1](part)).relu())
        out = torch.stack(ys, 1).reshape(n, c, h, w)
""",
        ),
    ),
    "written into one tensor": changed(
        RES2NET,
        (
            HIERARCHY,
            """        w = out.shape[1] // self.scale
        y = torch.empty_like(out)
        y[:, :w] = out[:, :w]
        before = 0
        for i, conv in enumerate(self.convs):
            a, b = (i + 1) * w, (i + 2) * w
            before = F.relu(self.bns[i](conv(out[:, a:b] + before)))
            y[:, a:b] = before
        out = y
""",
        ),
    ),
    "the authors' code": f"""{HEAD}
class Res2NetBlock(nn.Module):
    def __init__(self, inplanes, planes, stride=1, scale=4):
        super().__init__()
        width = planes // 4 // scale
        self.conv1 = nn.Conv2d(inplanes, width * scale, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width * scale)
        self.nums = scale - 1
        self.stype = "stage" if stride != 1 else "normal"
        if self.stype == "stage":
            self.pool = nn.AvgPool2d(kernel_size=3, stride=stride, padding=1)
        convs, bns = [], []
        for i in range(self.nums):
            convs.append(nn.Conv2d(width, width, kernel_size=3, stride=stride, padding=1, bias=False))
            bns.append(nn.BatchNorm2d(width))
        self.convs = nn.ModuleList(convs)
        self.bns = nn.ModuleList(bns)
        self.conv3 = nn.Conv2d(width * scale, planes, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, planes, kernel_size=1, stride=stride, bias=False), nn.BatchNorm2d(planes)
            )
        self.width = width

    def forward(self, x):
        residual = x
        out = self.relu(self.bn1(self.conv1(x)))
        spx = torch.split(out, self.width, 1)
        for i in range(self.nums):
            sp = spx[i] if i == 0 or self.stype == "stage" else sp + spx[i]
            sp = self.relu(self.bns[i](self.convs[i](sp)))
            out = sp if i == 0 else torch.cat((out, sp), 1)
        last = spx[self.nums] if self.stype == "normal" else self.pool(spx[self.nums])
        out = self.bn3(self.conv3(torch.cat((out, last), 1)))
        if self.downsample is not None:
            residual = self.downsample(x)
        out += residual
        return self.relu(out)
""",
    "the authors' code, backwards": "",  # filled in below
}
RES2NET_RIGHT["the authors' code, backwards"] = changed(
    RES2NET_RIGHT["the authors' code"],
    (
        """        for i in range(self.nums):
            sp = spx[i] if i == 0 or self.stype == "stage" else sp + spx[i]
            sp = self.relu(self.bns[i](self.convs[i](sp)))
            out = sp if i == 0 else torch.cat((out, sp), 1)
        last = spx[self.nums] if self.stype == "normal" else self.pool(spx[self.nums])
        out = self.bn3(self.conv3(torch.cat((out, last), 1)))
""",
        """        ys = [spx[self.nums] if self.stype == "normal" else self.pool(spx[self.nums])]
        order = range(self.nums) if self.stype == "normal" else reversed(range(self.nums))
        made = {}
        for i in order:
            sp = spx[i] if i == 0 or self.stype == "stage" else sp + spx[i]
            sp = made[i] = self.relu(self.bns[i](self.convs[i](sp)))
        out = self.bn3(self.conv3(torch.cat([made[i] for i in range(self.nums)] + ys, 1)))
""",
    ),
)

RIGHT: dict[str, dict[str, str]] = {
    "preact": PREACT_RIGHT,
    "preact-bottleneck": PREACT_BOTTLENECK_RIGHT,
    "resnext": RESNEXT_RIGHT,
    "se": SE_RIGHT,
    "se-bottleneck": SE_BOTTLENECK_RIGHT,
    "res2net": RES2NET_RIGHT,
}

SEQUENCE = PREACT_RIGHT["one sequence"]
STEPS = PREACT_BOTTLENECK_RIGHT["a class for each step"]
CONV_GATE = SE_RIGHT["1×1 convolutions"]
BY_HAND = SE_RIGHT["by hand"]
WIDE = RESNEXT_RIGHT["one sequence"]
SLICES = RES2NET_RIGHT["slices"]
AUTHORS = RES2NET_RIGHT["the authors' code"]

# Exercise, the mistake, and a source that makes it.
WRONG: list[tuple[str, str, str]] = [
    # the order of a pre-activation block
    (
        "preact",
        "relu-after-add",
        changed(SEQUENCE, ("return self.skip(x) + self.body(x)", "return F.relu(self.skip(x) + self.body(x))")),
    ),
    (
        "preact",
        "relu-ends-branch",
        changed(
            SEQUENCE,
            (
                "nn.Conv2d(cout, cout, 3, 1, 1, bias=False),\n",
                "nn.Conv2d(cout, cout, 3, 1, 1, bias=False),\n            nn.ReLU(),\n",
            ),
        ),
    ),
    ("preact", "inner-relu-missing", changed(SEQUENCE, ("            nn.ReLU(inplace=True),\n", ""))),
    ("preact", "shortcut-missing", changed(SEQUENCE, ("return self.skip(x) + self.body(x)", "return self.body(x)"))),
    (
        "preact",
        "shortcut-overwritten",
        changed(PREACT, ("out = F.relu(self.bn1(x))", "out = F.relu(self.bn1(x.relu_()))")),
    ),
    (
        "preact",
        "bn-missing",
        changed(
            PREACT, ("F.relu(self.bn2(out))", "F.relu(out)"), ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", "")
        ),
    ),
    ("preact", "projection-missing", changed(PREACT, ("if stride != 1 or in_channels != out_channels:", "if False:"))),
    (
        "preact-bottleneck",
        "preact-relu-before-bn",
        changed(STEPS, ("nn.BatchNorm2d(i), nn.ReLU(), ", "nn.ReLU(), nn.BatchNorm2d(i), ")),
    ),
    ("preact-bottleneck", "shortcut-multiplied", changed(STEPS, ("torch.add(", "torch.mul("))),
    ("preact-bottleneck", "bottleneck-not-narrowed", changed(STEPS, ("o // 4", "o"))),
    # groups
    ("resnext", "groups-missing", changed(WIDE, ("groups=g, ", ""))),
    ("resnext", "groups-misplaced", changed(WIDE, ("(w, cout, 1, 1, 1))", "(w, cout, 1, 1, cardinality))"))),
    (
        "resnext",
        "final-relu-missing",
        changed(
            WIDE, ("return self.out(self.shortcut(x) + self.branch(x))", "return self.shortcut(x) + self.branch(x)")
        ),
    ),
    ("resnext", "wrong-expansion", changed(RESNEXT, ("width = out_channels // 2", "width = out_channels // 4"))),
    (
        "resnext",
        "stride-in-both",
        changed(RESNEXT, ("nn.Conv2d(width, out_channels, 1, bias", "nn.Conv2d(width, out_channels, 1, stride, bias")),
    ),
    # the gate
    ("se", "se-gate-wrong", changed(CONV_GATE, ("            nn.Sigmoid(),\n", ""))),
    ("se", "se-gate-wrong", changed(BY_HAND, ("z = 1 / (1 + torch.exp(-z))", "z = torch.exp(z)"))),
    (
        "se",
        "se-squeeze-wrong",
        changed(BY_HAND, ("u.flatten(2).sum(2) / (u.shape[2] * u.shape[3])", "u.flatten(2).max(2).values")),
    ),
    ("se", "se-squeeze-missing", changed(CONV_GATE, ("            nn.AdaptiveAvgPool2d((1, 1)),\n", ""))),
    ("se", "se-relu-missing", changed(BY_HAND, ("torch.maximum(z, torch.zeros_like(z))", "z"))),
    ("se", "se-gate-added", changed(BY_HAND, ('torch.einsum("nchw,nc->nchw", u, z)', "u + z[..., None, None]"))),
    (
        "se",
        "se-after-add",
        changed(
            CONV_GATE,
            ("        out = self.gate(out)\n", ""),
            ("F.relu(out + identity)", "self.gate(out + identity).relu()"),
        ),
    ),
    ("se", "final-relu-missing", changed(CONV_GATE, ("F.relu(out + identity)", "out + identity"))),
    ("se", "inner-relu-missing", changed(CONV_GATE, ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))"))),
    (
        "se",
        "bn-missing",
        changed(
            SE,
            ("self.bn2(self.conv2(out))", "self.conv2(out)"),
            ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", ""),
        ),
    ),
    (
        "se-bottleneck",
        "se-gate-missing",
        changed(SE_BOTTLENECK, ("        out = self.se(out)\n", "        self.se(out)\n")),
    ),
    (
        "se-bottleneck",
        "se-after-add",
        changed(
            SE_BOTTLENECK,
            ("        out = self.se(out)\n", ""),
            ("return F.relu(out + self.shortcut(x))", "return self.se(F.relu(out + self.shortcut(x)))"),
        ),
    ),
    (
        "se-bottleneck",
        "se-misplaced",
        changed(
            SE_BOTTLENECK,
            (
                "        out = self.bn3(self.conv3(out))\n        out = self.se(out)\n",
                "        out = self.bn3(self.se(self.conv3(out)))\n",
            ),
        ),
    ),
    (
        "se-bottleneck",
        "shortcut-scaled",
        changed(SE_BOTTLENECK, ("out + self.shortcut(x)", "0.3 * out + self.shortcut(x)")),
    ),
    # the hierarchy
    ("res2net", "res2net-no-hierarchy", changed(SLICES, ("part = part + y", "part = part"))),
    ("res2net", "res2net-no-hierarchy", changed(AUTHORS, ('if i == 0 or self.stype == "stage" else sp + spx[i]', ""))),
    (
        "res2net",
        "res2net-link-to-first",
        changed(SLICES, ("            if i > 1:\n                part = part + y", "            part = part + y")),
    ),
    ("res2net", "res2net-relu-missing", changed(SLICES, ("torch.relu(bn(conv(part)))", "bn(conv(part))"))),
    ("res2net", "res2net-layer-shared", changed(AUTHORS, ("self.convs[i](sp)", "self.convs[0](sp)"))),
    ("res2net", "res2net-wrong-order", changed(SLICES, ("torch.cat(result, 1)", "torch.cat(result[::-1], 1)"))),
    ("res2net", "shortcut-missing", changed(AUTHORS, ("        out += residual\n", ""))),
    (
        "res2net",
        "relu-before-add",
        changed(
            AUTHORS,
            ("        out += residual\n        return self.relu(out)", "        return self.relu(out) + residual"),
        ),
    ),
]
