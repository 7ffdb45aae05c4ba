"""Right blocks that are put together in many ways: what holds the layers, and who builds them."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

STRUCTURES: dict[str, str] = {}
STRUCTURES["all in Sequential"] = """
class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super(ResBlock, self).__init__()
        self.body = nn.Sequential(
            nn.Sequential(nn.Conv2d(in_channels, out_channels, (3, 3), (stride, stride), (1, 1), bias=False)),
            nn.Sequential(nn.BatchNorm2d(out_channels, eps=1e-05, momentum=0.1), nn.ReLU(inplace=True)),
            nn.Sequential(nn.Sequential(
                nn.Conv2d(out_channels, out_channels, 3, padding="same", padding_mode="zeros", dilation=1, groups=1)),
                nn.Identity(), nn.BatchNorm2d(out_channels)),
        )
        same = stride == 1 and in_channels == out_channels
        self.down = nn.Identity() if same else nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride), nn.Dropout(p=0.0), nn.BatchNorm2d(out_channels))

    def forward(self, x):
        return torch.relu(torch.add(self.down(x), self.body(x)))
"""
STRUCTURES["downsample None, shuffled, random names"] = """
class ResBlock(nn.Module):
    expansion: int = 1
    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, norm=nn.BatchNorm2d, eps=1e-5):
        super().__init__()
        self.q9 = norm(out_channels, eps=eps)
        self.downsample = None
        if not (stride == 1 and in_channels == out_channels):
            self.downsample = nn.Sequential()
            self.downsample.add_module("n", nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride))
            self.downsample.add_module("c", norm(out_channels))
        self.zz = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.ab = norm(out_channels)
        self.aa = nn.Conv2d(in_channels, out_channels, 3, padding=1, stride=stride)
        self.note = "nothing"
        self.cfg = {"a": 1}

    def forward(self, t):
        keep = t
        if self.downsample is not None:
            keep = self.downsample(t)
        t = self.zz(self.q9(self.aa(t)).relu_())
        t = self.ab(t)
        t += keep
        return t.clamp_(min=0)
"""
STRUCTURES["ModuleList loop"] = """
class ResBlock(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        cin, cout, stride = (list(args) + [1])[:3]
        self.layers = nn.ModuleList()
        for i, (a, s) in enumerate([(cin, stride), (cout, 1)]):
            self.layers += [nn.Conv2d(a, cout, 3, s, 1, bias=False), nn.BatchNorm2d(cout)]
        if cin != cout or stride > 1:
            self.layers.insert(0, nn.BatchNorm2d(cout))
            self.layers.insert(0, nn.Conv2d(cin, cout, 1, stride, bias=False))

    def forward(self, x):
        branch, skip = list(self.layers), []
        if len(branch) > 4:
            skip, branch = branch[:2], branch[2:]
        y, z = x, x
        for i, layer in enumerate(branch):
            y = layer(y)
            if i == 1:
                y = torch.maximum(y, torch.zeros_like(y))
        for layer in skip:
            z = layer(z)
        y = sum([y, z])
        return torch.where(y > 0, y, torch.zeros((), dtype=y.dtype))
"""
STRUCTURES["ModuleDict, getattr and setattr"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.d = nn.ModuleDict({"relu": nn.ReLU(), "b1": nn.BatchNorm2d(o), "c1": nn.Conv2d(i, o, 3, s, 1)})
        for n in (2,):
            setattr(self, f"conv{n}", nn.Conv2d(o, o, 3, 1, 1))
            setattr(self, f"bn{n}", nn.BatchNorm2d(o))
        self.add_module("skip", nn.Sequential() if (i, s) == (o, 1) else nn.Sequential(
            nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)))

    def forward(self, x):
        h = self.d["relu"](self.d["b1"](self.d["c1"](x)))
        for n in (2,):
            h = getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(h))
        return torch.stack((h, self.skip(x))).sum(0).relu()
"""
STRUCTURES["base class with forward"] = """
from abc import ABC, abstractmethod
from functools import partial
import operator

conv = partial(nn.Conv2d, bias=False)

class Speaks:
    def say(self):
        return f"{self.__class__.__name__}"

class Residual(nn.Module, ABC):
    def __init__(self, i, o, s):
        super().__init__()
        self.residual = self.build(i, o, s)
        self.projection = self.match(i, o, s)
    @abstractmethod
    def build(self, i, o, s): ...
    @staticmethod
    def match(i, o, s):
        return nn.Sequential(*([] if i == o and s == 1 else [conv(i, o, 1, s), nn.BatchNorm2d(o)]))
    @property
    def relu(self):
        return F.relu
    def forward(self, x):
        return self.relu(operator.add(self.residual(x), self.projection(x)))

class ResBlock(Speaks, Residual):
    def __init__(self, i, o, s=1):
        super().__init__(i, o, s)
    def build(self, i, o, s):
        return nn.Sequential(conv(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), conv(o, o, 3, 1, 1), nn.BatchNorm2d(o))

class Bottleneck(Residual):
    def __init__(self, i, o, s=1):
        super().__init__(i, o, s)
    def build(self, i, o, s):
        w = o // 4
        return nn.Sequential(conv(i, w, 1, s), nn.BatchNorm2d(w), nn.ReLU(True), conv(w, w, 3, 1, 1), nn.BatchNorm2d(w),
                             nn.ReLU(True), conv(w, o, 1), nn.BatchNorm2d(o))
"""
STRUCTURES["dataclass config and class in if/try"] = """
from dataclasses import dataclass
@dataclass
class Config:
    i: int
    o: int
    s: int = 1
    @property
    def same(self): return self.i == self.o and self.s == 1
try:
    if torch.__version__ > "0":
        class ResBlock(nn.Module):
            def __init__(self, i, o, s=1):
                super().__init__()
                self.cfg = cfg = Config(i, o, s)
                dev = torch.device("cuda" if torch.cuda.is_available() else "cpu")
                self.c1 = nn.Conv2d(cfg.i, cfg.o, 3, cfg.s, 1, device=dev, dtype=torch.float32)
                self.n1 = nn.BatchNorm2d(cfg.o, device=dev)
                self.c2 = nn.Conv2d(cfg.o, cfg.o, 3, 1, 1).to(dev)
                self.n2 = nn.BatchNorm2d(cfg.o)
                self.skip = None if cfg.same else nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o))
                for m in self.modules():
                    if isinstance(m, nn.Conv2d):
                        nn.init.kaiming_uniform_(m.weight); nn.init.constant_(m.bias, 0.1)
                nn.init.zeros_(self.n2.weight)
            def forward(self, x):
                assert x.ndim == 4 and x.shape[1] == self.cfg.i, f"bad shape {x.shape}"
                if x.shape[1] != self.cfg.i:
                    raise ValueError("no")
                y = self.n2(self.c2(F.relu(self.n1(self.c1(x)))))
                try:
                    z = x + y if self.skip is None else self.skip(x) + y
                except RuntimeError:
                    print("shapes", x.shape, y.shape)
                    raise
                z = z.contiguous(memory_format=torch.channels_last)
                _ = f"mean {z.mean().item():.3f}"
                return F.relu(z)
except ImportError:
    pass
"""
STRUCTURES["try the sum, else project"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        if i != o or s != 1:
            self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o))
    def forward(self, x):
        y = self.f(x)
        try:
            return F.relu(x + y)
        except RuntimeError:
            return F.relu(self.p(x) + y)
"""
STRUCTURES["factory and closure"] = """
def make(width_of):
    class Block(nn.Module):
        def __init__(self, i, o, s=1):
            super().__init__()
            w = width_of(o)
            convs = [(i, w, 1, 1), (w, w, 3, s), (w, o, 1, 1)]
            self.steps = nn.ModuleList([nn.ModuleList([nn.Conv2d(a, b, k, t, k // 2), nn.BatchNorm2d(b)]) for a, b, k, t in convs])
            self.short = nn.ModuleList([nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)] if (i, s) != (o, 1) else [])
            self.act = lambda t: t.clamp(min=0)
        def forward(self, x):
            h = x
            for n, (c, b) in enumerate(self.steps):
                h = b(c(h))
                if n < 2:
                    h = self.act(h)
            for layer in self.short:
                x = layer(x)
            return self.act(h + x)
    return Block
Bottleneck = make(lambda o: o // 4)
"""
STRUCTURES["function that builds"] = """
class _Block(nn.Module):
    def __init__(self, f, g):
        super().__init__()
        self.f, self.g = f, g
    def forward(self, x):
        out = torch.empty_like(self.f(x[:1])).expand(len(x), -1, -1, -1).clone() if False else self.f(x)
        torch.add(out, self.g(x), out=None)
        return (out + self.g.forward(x)).relu() if not isinstance(self.g, nn.Identity) else (out + x).relu()
def ResBlock(in_channels, out_channels, stride=1):
    f = nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride, 1), nn.BatchNorm2d(out_channels), nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels))
    g = nn.Identity() if in_channels == out_channels and stride == 1 else nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride), nn.BatchNorm2d(out_channels))
    return _Block(f, g)
"""
STRUCTURES["partial"] = """
from functools import partial
class Any_(nn.Module):
    def __init__(self, i, o, s=1, kind="basic"):
        super().__init__()
        assert kind == "basic"
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
ResBlock = partial(Any_, kind="basic")
"""
STRUCTURES["lazy"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.LazyConv2d(o, 3, s, 1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(o, 3, 1, 1), nn.LazyBatchNorm2d())
        self.p = nn.Sequential(nn.LazyConv2d(o, 1, s), nn.LazyBatchNorm2d()) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
STRUCTURES["dataclass module"] = """
from dataclasses import dataclass
@dataclass(eq=False)
class ResBlock(nn.Module):
    in_channels: int
    out_channels: int
    stride: int = 1
    def __post_init__(self):
        super().__init__()
        i, o, s = self.in_channels, self.out_channels, self.stride
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
STRUCTURES["subclass of Sequential"] = """
class ResBlock(nn.Sequential):
    def __init__(self, i, o, s=1):
        super().__init__(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        y = x
        for layer in list(self)[:5]:
            y = layer(y)
        return F.relu(y.add_(self.p(x)), inplace=True)
"""
STRUCTURES["alias"] = (
    STRUCTURES["subclass of Sequential"].replace("class ResBlock(", "class MyBlock(") + "\nResBlock = MyBlock\n"
)
STRUCTURES["train override"] = STRUCTURES["alias"].replace(
    "    def forward",
    "    def train(self, mode=True):\n        print('mode', mode)\n        return super().train(mode)\n    def forward",
)
STRUCTURES["numpy used for printing"] = STRUCTURES["alias"].replace(
    "        y = x\n", "        y = x\n        shown = x.detach().cpu().numpy().mean()\n"
)
