"""Right and wrong programs in many hands: none that is right is accused, none that is wrong passes.

Hand-written ones first, then generated ones. `GRADER_PROGRAMS=2000` runs more of the latter.
"""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import os

import pytest
from judging import judge
from programs import HEAD, MISTAKES, Program, programs

from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.network import NETWORK

RIGHT: dict[str, str] = {}
RIGHT["all in Sequential"] = """
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
RIGHT["downsample None, shuffled, random names"] = """
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
RIGHT["ModuleList loop"] = """
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
RIGHT["ModuleDict, getattr and setattr"] = """
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
RIGHT["functional"] = """
class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.stride = stride
        self.projects = stride != 1 or in_channels != out_channels
        self.beta = nn.ParameterList([nn.Parameter(torch.zeros(out_channels)) for _ in range(2 + self.projects)])
        self.gamma = nn.ParameterList([nn.Parameter(torch.ones(out_channels)) for _ in range(2 + self.projects)])
        for k in range(2 + self.projects):
            self.register_buffer(f"var{k}", torch.ones(out_channels))
            self.register_buffer(f"mean{k}", torch.zeros(out_channels))
        if self.projects:
            self.wp = nn.Parameter(torch.empty(out_channels, in_channels, 1, 1))
        self.w1 = nn.Parameter(torch.randn(out_channels, out_channels, 3, 3))
        self.w0 = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.kaiming_normal_(p, mode="fan_out", nonlinearity="relu")

    def norm(self, x, k):
        return F.batch_norm(x, getattr(self, f"mean{k}"), getattr(self, f"var{k}"), self.gamma[k], self.beta[k],
                            self.training, 0.1, 1e-5)

    def forward(self, x):
        y = F.relu(self.norm(F.conv2d(x, self.w0, None, self.stride, 1), 0))
        y = self.norm(F.conv2d(y, self.w1, padding=1), 1)
        s = self.norm(F.conv2d(x, self.wp, stride=self.stride), 2) if self.projects else x
        return F.threshold(y - (-s), 0.0, 0.0)
"""
BATCH_NORM = """
class BN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, c, 1, 1))
        self.b = nn.Parameter(torch.zeros(1, c, 1, 1))
        self.register_buffer("m", torch.zeros(1, c, 1, 1))
        self.register_buffer("v", torch.ones(1, c, 1, 1))
    def forward(self, x):
        if self.training:
            m = x.mean((0, 2, 3), keepdim=True)
            v = ((x - m) ** 2).mean((0, 2, 3), keepdim=True)
            n = x.numel() / x.size(1)
            with torch.no_grad():
                self.m.mul_(0.9).add_(0.1 * m)
                self.v.mul_(0.9).add_(0.1 * v * n / (n - 1))
        else:
            m, v = self.m, self.v
        return (x - m) * torch.rsqrt(v + 1e-5) * self.g + self.b
"""
RIGHT["hand-written batch norm and convolution"] = (
    BATCH_NORM
    + """
class Conv(nn.Module):
    def __init__(self, i, o, k, s):
        super().__init__()
        self.k, self.s = k, s
        self.w = nn.Parameter(torch.randn(o, i, k, k) * 0.1)
    def forward(self, x):
        n, c, h, w = x.shape
        p = self.k // 2
        u = F.unfold(x, self.k, padding=p, stride=self.s)
        y = torch.einsum("oc,ncl->nol", self.w.flatten(1), u)
        return y.reshape(n, -1, (h + 2 * p - self.k) // self.s + 1, (w + 2 * p - self.k) // self.s + 1)

class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a, self.an, self.b, self.bn = Conv(i, o, 3, s), BN(o), Conv(o, o, 3, 1), BN(o)
        self.skip = nn.Sequential(Conv(i, o, 1, s), BN(o)) if s != 1 or i != o else (lambda t: t)
    def forward(self, x):
        y = self.an(self.a(x))
        y = self.bn(self.b(y * (y > 0)))
        y = y + self.skip(x)
        return (y + y.abs()) / 2
"""
)
RIGHT["einsum projection"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.s = s
        self.c1 = nn.Conv2d(i, o, 3, s, 1); self.b1 = nn.BatchNorm2d(o)
        self.c2 = nn.Conv2d(o, o, 3, 1, 1); self.b2 = nn.BatchNorm2d(o)
        self.w = nn.Parameter(torch.randn(o, i)) if s != 1 or i != o else None
        self.b3 = nn.BatchNorm2d(o) if self.w is not None else None
    def forward(self, x):
        y = self.b2(self.c2(self.b1(self.c1(x)).relu()))
        if self.w is not None:
            x = self.b3(torch.einsum("nchw,dc->ndhw", x[:, :, ::self.s, ::self.s], self.w))
        return (x + y).relu()
"""
RIGHT["1x1 as Linear"] = """
class Bottleneck(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.s, w = s, o // 4
        self.l1, self.l3 = nn.Linear(i, w, bias=False), nn.Linear(w, o, bias=False)
        self.c2 = nn.Conv2d(w, w, 3, s, 1)
        self.n3, self.n2, self.n1 = nn.BatchNorm2d(o), nn.BatchNorm2d(w), nn.BatchNorm2d(w)
        if s != 1 or i != o:
            self.lp, self.np = nn.Linear(i, o, bias=False), nn.BatchNorm2d(o)
    def point(self, layer, x):
        return layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    def forward(self, x):
        y = self.n1(self.point(self.l1, x)).relu()
        y = self.n2(self.c2(y)).relu()
        y = self.n3(self.point(self.l3, y))
        if hasattr(self, "lp"):
            x = self.np(self.point(self.lp, x[..., ::self.s, ::self.s]))
        return torch.add(y, x).relu_()
"""
RIGHT["1x1 as matmul"] = """
class Bottleneck(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.s, w = s, o // 4
        self.w1, self.w3 = nn.Parameter(torch.randn(w, i)), nn.Parameter(torch.randn(o, w))
        self.c2 = nn.Conv2d(w, w, 3, s, 1)
        self.n1, self.n2, self.n3 = nn.BatchNorm2d(w), nn.BatchNorm2d(w), nn.BatchNorm2d(o)
        if s != 1 or i != o:
            self.wp, self.np = nn.Parameter(torch.randn(o, i)), nn.BatchNorm2d(o)
    def point(self, w, x):
        return (w @ x.flatten(2)).unflatten(2, x.shape[2:])
    def forward(self, x):
        y = self.n1(self.point(self.w1, x)).relu()
        y = self.n2(self.c2(y)).relu()
        y = self.n3(self.point(self.w3, y))
        if hasattr(self, "wp"):
            x = self.np(self.point(self.wp, F.avg_pool2d(x, 1, self.s)))
        return torch.cat([y[None], x[None]]).sum(0).relu_()
"""
RIGHT["base class with forward"] = """
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
RIGHT["dataclass config and class in if/try"] = """
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
RIGHT["try the sum, else project"] = """
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
RIGHT["factory and closure"] = """
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
RIGHT["function that builds"] = """
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
RIGHT["partial"] = """
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
RIGHT["lazy"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.LazyConv2d(o, 3, s, 1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.LazyConv2d(o, 3, 1, 1), nn.LazyBatchNorm2d())
        self.p = nn.Sequential(nn.LazyConv2d(o, 1, s), nn.LazyBatchNorm2d()) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
RIGHT["slices and chunks"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(i, o, 3, s), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        f, g = self.f(x), self.p(x)
        y = torch.zeros_like(f)
        k = y.shape[1] // 2
        y[:, :k] = f[:, :k] + g[:, :k]
        y[:, k:] = f[:, k:]
        y[:, k:] += g[:, k:]
        y[y < 0] = 0
        return y
"""
RIGHT["cat then sum over halves"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.o = o
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        both = torch.cat([self.f(x), self.p(x)], dim=1)
        a, b = both.split(self.o, dim=1)
        return F.relu(torch.add(input=a, other=b, alpha=1))
"""
RIGHT["checkpoint"] = """
from torch.utils.checkpoint import checkpoint
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(checkpoint(self.f, x, use_reentrant=False) + self.p(x))
"""
RIGHT["hooks"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.seen = []
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
        self.f[0].register_forward_hook(lambda m, a, out: self.seen.append(out.detach().mean().item()))
        self.f.register_full_backward_hook(lambda m, gi, go: None)
    def forward(self, x):
        out = self.f(x)
        self.last = out
        x.register_hook(lambda g: None)
        return F.relu(out + self.p(x))
"""
RIGHT["ReLU as autograd.Function"] = """
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (x > 0)
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f1 = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o))
        self.f2 = nn.Sequential(nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return MyReLU.apply(self.f2(MyReLU.apply(self.f1(x))) + self.p(x))
"""
RIGHT["explicit float32"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        x = x.float()
        return F.relu(self.f(x) + self.p(x))
"""
RIGHT["hand BN, standard deviation"] = """
class BN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, c, 1, 1))
        self.b = nn.Parameter(torch.zeros(1, c, 1, 1))
        self.register_buffer("m", torch.zeros(1, c, 1, 1))
        self.register_buffer("v", torch.ones(1, c, 1, 1))
    def forward(self, x):
        if self.training:
            m = x.mean((0, 2, 3), keepdim=True)
            v = ((x - m) ** 2).mean((0, 2, 3), keepdim=True)
            n = x.numel() / x.size(1)
            with torch.no_grad():
                self.m.mul_(0.9).add_(0.1 * m)
                self.v.mul_(0.9).add_(0.1 * v * n / (n - 1))
        else:
            m, v = self.m, self.v
        return torch.addcmul(self.b, (x - m).div((v + 1e-5).sqrt()), self.g)

class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), BN(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), BN(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), BN(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
RIGHT["BN as F.linear-ish fold in eval"] = """
class BN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, c, 1, 1))
        self.b = nn.Parameter(torch.zeros(1, c, 1, 1))
        self.register_buffer("m", torch.zeros(1, c, 1, 1))
        self.register_buffer("v", torch.ones(1, c, 1, 1))
    def forward(self, x):
        if self.training:
            m = x.mean((0, 2, 3), keepdim=True)
            v = ((x - m) ** 2).mean((0, 2, 3), keepdim=True)
            n = x.numel() / x.size(1)
            with torch.no_grad():
                self.m.mul_(0.9).add_(0.1 * m)
                self.v.mul_(0.9).add_(0.1 * v * n / (n - 1))
        else:
            m, v = self.m, self.v
        a = self.g / (v + 1e-5).sqrt()
        return x * a + (self.b - m * a)

class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), BN(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), BN(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), BN(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
RIGHT["dataclass module"] = """
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
RIGHT["subclass of Sequential"] = """
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
RIGHT["alias"] = RIGHT["subclass of Sequential"].replace("class ResBlock(", "class MyBlock(") + "\nResBlock = MyBlock\n"
RIGHT["BatchNorm1d on flattened"] = """
class Flat(nn.BatchNorm1d):
    def forward(self, x):
        return super().forward(x.flatten(2)).view(x.shape)
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), Flat(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), Flat(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), Flat(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
RIGHT["affine of its own"] = """
class Affine(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.bn = nn.BatchNorm2d(c, affine=False)
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))
    def forward(self, x):
        return self.bn(x) * self.weight[:, None, None] + self.bias[:, None, None]
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), Affine(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), Affine(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), Affine(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
RIGHT["sample by sample, data-dependent debug"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a, self.n, self.b, self.m = nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o)
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        y = torch.cat([self.a(x[k : k + 1]) for k in range(len(x))])
        if torch.isnan(y).any():
            print("NaN!")
        y = self.m(self.b(F.relu(self.n(y))))
        if y.mean() > 1e6:
            print("large", y.mean().item())
        return F.relu(y + self.p(x))
"""
RIGHT["same choice by data, two spellings"] = RIGHT["sample by sample, data-dependent debug"].replace(
    "return F.relu(y + self.p(x))", "return F.relu(y + self.p(x)) if y.mean() > 0 else (self.p(x) + y).clamp(min=0)"
)
RIGHT["train override"] = RIGHT["alias"].replace(
    "    def forward",
    "    def train(self, mode=True):\n        print('mode', mode)\n        return super().train(mode)\n    def forward",
)
RIGHT["numpy used for printing"] = RIGHT["alias"].replace(
    "        y = x\n", "        y = x\n        shown = x.detach().cpu().numpy().mean()\n"
)
RIGHT["two names of one layer"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a, self.n, self.b, self.m = nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o)
        self.all = nn.Sequential(self.a, self.n, nn.ReLU(), self.b, self.m)
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.all(x) + self.p(x))
"""
RIGHT["data of parameters initialised in place"] = RIGHT["two names of one layer"].replace(
    "        self.p =",
    "        self.a.weight.data.normal_(0, 0.02)\n        self.n.weight.data.fill_(1.0)\n        self.p =",
)
RIGHT["bias frozen out by zero init"] = RIGHT["two names of one layer"].replace(
    "        self.p =", "        nn.init.zeros_(self.m.weight)\n        nn.init.zeros_(self.b.weight)\n        self.p ="
)
RIGHT["subsample then 1x1"] = RIGHT["two names of one layer"].replace(
    "nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o))",
    "nn.Sequential(nn.MaxPool2d(1, s), nn.Conv2d(i, o, 1), nn.BatchNorm2d(o))",
)
RIGHT["einsum add"] = RIGHT["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))",
    "return F.relu(torch.einsum('k...->...', torch.stack([self.all(x), self.p(x)])))",
)
RIGHT["lerp add"] = RIGHT["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))", "return F.relu(2 * torch.lerp(self.all(x), self.p(x), 0.5))"
)
RIGHT["mean of stack times two"] = RIGHT["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))", "return F.relu(torch.stack([self.all(x), self.p(x)]).mean(0) * 2)"
)
RIGHT["stateful counter"] = RIGHT["two names of one layer"].replace(
    "        return F.relu(", "        self.calls = getattr(self, 'calls', 0) + 1\n        return F.relu("
)
RIGHT["counter as buffer"] = (
    RIGHT["two names of one layer"]
    .replace("        self.p =", "        self.register_buffer('calls', torch.zeros(()))\n        self.p =")
    .replace("        return F.relu(", "        self.calls += 1\n        return F.relu(")
)
RIGHT["integer counter buffer"] = RIGHT["counter as buffer"].replace("torch.zeros(())", "torch.tensor(0)")
RIGHT["float device buffer"] = (
    RIGHT["two names of one layer"]
    .replace("        self.p =", "        self.register_buffer('dummy', torch.empty(0))\n        self.p =")
    .replace("        return F.relu(", "        x = x.to(self.dummy.device)\n        return F.relu(")
)
RIGHT["zero constant attribute"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a, self.n, self.b, self.m = nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o)
        self.all = nn.Sequential(self.a, self.n, nn.ReLU(), self.b, self.m)
        self.zero = torch.tensor(0.0)
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return torch.maximum(self.all(x) + self.p(x), self.zero)
"""
RIGHT["max with zero constant"] = RIGHT["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))", "return torch.max(self.all(x) + self.p(x), torch.tensor(0.0))"
)
RIGHT["float32 zero constant"] = RIGHT["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))",
    "y = self.all(x) + self.p(x)\n        return torch.where(y > 0, y, torch.zeros(y.shape, dtype=torch.float32))",
)

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


def exercises(source: str) -> list[str]:
    """The exercises that a source answers."""
    if "build_network" in source:
        return ["network"]
    return [name.lower() for name in ("ResBlock", "Bottleneck") if name in source]


def cases(sources: dict[str, str]) -> list[object]:
    """Each source with each of its exercises."""
    return [
        pytest.param(source, exercise, id=f"{name}-{exercise}")
        for name, source in sources.items()
        for exercise in exercises(source)
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), cases(RIGHT))
def test_a_right_program_gets_everything(source: str, exercise: str) -> None:
    """Whatever the hand."""
    report = judge(HEAD + source, exercise)
    assert [] == [(check.id, check.message) for check in report.checks if check.status != "passed"]
    assert [] == report.diagnoses
    assert report.correct
    assert report.max_score == report.score


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), cases(WRONG))
@pytest.mark.usefixtures("no_diagnosis")
def test_a_wrong_program_does_not_pass(source: str, exercise: str) -> None:
    """However well it hides."""
    report = judge(source, exercise)
    assert not report.correct
    assert report.score < report.max_score


# Spread over the seeds, so that each hand and most mistakes come up; a misjudged one is kept in
# test_judge_surprises.py.
COUNT = int(os.environ.get("GRADER_PROGRAMS", "36"))
FIRST = int(os.environ.get("GRADER_PROGRAMS_FROM", "0"))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(one, id=f"{FIRST + number}-{one.exercise_id}-{one.hand}-{one.mistake or 'right'}")
        for number, one in enumerate(programs(COUNT, FIRST))
    ],
)
def test_a_generated_program_is_judged_truly(program: Program) -> None:
    """Right ones get everything; wrong ones do not pass, and a cause that is claimed is the true one."""
    report = judge(program.source, program.exercise_id)
    if program.mistake is None:
        assert [] == [(check.id, check.message) for check in report.checks if check.status != "passed"]
        assert [] == report.diagnoses
        assert report.correct
        return
    assert not report.correct
    assert report.score < report.max_score
    for diagnosis in report.diagnoses:
        assert diagnosis.mistake in program.names or any(name in diagnosis.message for name in program.names), diagnosis


def test_every_mistake_of_the_generator_changes_the_program() -> None:
    """A change that changes nothing would prove nothing."""
    from programs import BLOCKS, HANDS, program

    for mistake, (_, _, blocks) in MISTAKES.items():
        for block in blocks:
            for hand in HANDS:
                wrong, again = (program(7, block, hand, mistake) for _ in range(2))
                assert wrong == again
                compile(wrong.source, "student", "exec")
    assert set(BLOCKS) == {"ResBlock", "Bottleneck"}
