"""Right blocks that compute the same in many ways: by other functions, other layers, other bookkeeping."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

COMPUTATIONS: dict[str, str] = {}
COMPUTATIONS["functional"] = """
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
COMPUTATIONS["hand-written batch norm and convolution"] = (
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
COMPUTATIONS["einsum projection"] = """
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
COMPUTATIONS["1x1 as Linear"] = """
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
COMPUTATIONS["1x1 as matmul"] = """
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
COMPUTATIONS["slices and chunks"] = """
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
COMPUTATIONS["cat then sum over halves"] = """
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
COMPUTATIONS["checkpoint"] = """
from torch.utils.checkpoint import checkpoint
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(checkpoint(self.f, x, use_reentrant=False) + self.p(x))
"""
COMPUTATIONS["hooks"] = """
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
COMPUTATIONS["ReLU as autograd.Function"] = """
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
COMPUTATIONS["explicit float32"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        x = x.float()
        return F.relu(self.f(x) + self.p(x))
"""
COMPUTATIONS["hand BN, standard deviation"] = """
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
COMPUTATIONS["BN as F.linear-ish fold in eval"] = """
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
COMPUTATIONS["BatchNorm1d on flattened"] = """
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
COMPUTATIONS["affine of its own"] = """
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
COMPUTATIONS["sample by sample, data-dependent debug"] = """
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
COMPUTATIONS["same choice by data, two spellings"] = COMPUTATIONS["sample by sample, data-dependent debug"].replace(
    "return F.relu(y + self.p(x))", "return F.relu(y + self.p(x)) if y.mean() > 0 else (self.p(x) + y).clamp(min=0)"
)
COMPUTATIONS["two names of one layer"] = """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.a, self.n, self.b, self.m = nn.Conv2d(i, o, 3, s, 1), nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1), nn.BatchNorm2d(o)
        self.all = nn.Sequential(self.a, self.n, nn.ReLU(), self.b, self.m)
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.all(x) + self.p(x))
"""
COMPUTATIONS["data of parameters initialised in place"] = COMPUTATIONS["two names of one layer"].replace(
    "        self.p =",
    "        self.a.weight.data.normal_(0, 0.02)\n        self.n.weight.data.fill_(1.0)\n        self.p =",
)
COMPUTATIONS["bias frozen out by zero init"] = COMPUTATIONS["two names of one layer"].replace(
    "        self.p =", "        nn.init.zeros_(self.m.weight)\n        nn.init.zeros_(self.b.weight)\n        self.p ="
)
COMPUTATIONS["subsample then 1x1"] = COMPUTATIONS["two names of one layer"].replace(
    "nn.Sequential(nn.Conv2d(i, o, 1, s), nn.BatchNorm2d(o))",
    "nn.Sequential(nn.MaxPool2d(1, s), nn.Conv2d(i, o, 1), nn.BatchNorm2d(o))",
)
COMPUTATIONS["einsum add"] = COMPUTATIONS["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))",
    "return F.relu(torch.einsum('k...->...', torch.stack([self.all(x), self.p(x)])))",
)
COMPUTATIONS["lerp add"] = COMPUTATIONS["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))", "return F.relu(2 * torch.lerp(self.all(x), self.p(x), 0.5))"
)
COMPUTATIONS["mean of stack times two"] = COMPUTATIONS["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))", "return F.relu(torch.stack([self.all(x), self.p(x)]).mean(0) * 2)"
)
COMPUTATIONS["stateful counter"] = COMPUTATIONS["two names of one layer"].replace(
    "        return F.relu(", "        self.calls = getattr(self, 'calls', 0) + 1\n        return F.relu("
)
COMPUTATIONS["counter as buffer"] = (
    COMPUTATIONS["two names of one layer"]
    .replace("        self.p =", "        self.register_buffer('calls', torch.zeros(()))\n        self.p =")
    .replace("        return F.relu(", "        self.calls += 1\n        return F.relu(")
)
COMPUTATIONS["integer counter buffer"] = COMPUTATIONS["counter as buffer"].replace("torch.zeros(())", "torch.tensor(0)")
COMPUTATIONS["float device buffer"] = (
    COMPUTATIONS["two names of one layer"]
    .replace("        self.p =", "        self.register_buffer('dummy', torch.empty(0))\n        self.p =")
    .replace("        return F.relu(", "        x = x.to(self.dummy.device)\n        return F.relu(")
)
COMPUTATIONS["zero constant attribute"] = """
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
COMPUTATIONS["max with zero constant"] = COMPUTATIONS["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))", "return torch.max(self.all(x) + self.p(x), torch.tensor(0.0))"
)
COMPUTATIONS["float32 zero constant"] = COMPUTATIONS["two names of one layer"].replace(
    "return F.relu(self.all(x) + self.p(x))",
    "y = self.all(x) + self.p(x)\n        return torch.where(y > 0, y, torch.zeros(y.shape, dtype=torch.float32))",
)
COMPUTATIONS["first convolution and projection are one, the second keeps its bias"] = """
class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.stride = stride
        self.conv1, self.norm1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False), nn.BatchNorm2d(out_channels)
        self.conv2, self.norm2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels)
        self.projection = None
        if (in_channels, stride) != (out_channels, 1):
            self.projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.norm3 = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        if self.projection is None:
            y, z = self.conv1(x), x
        else:
            both = torch.cat([self.conv1.weight, F.pad(self.projection.weight, (1, 1, 1, 1))])
            y, z = F.conv2d(x, both, stride=self.stride, padding=1).chunk(2, 1)
            z = self.norm3(z)
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(y)))) + z)
"""
COMPUTATIONS["running statistics in parameters that need no gradient"] = """
class BN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.g, self.b = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))
        self.mean = nn.Parameter(torch.zeros(c), requires_grad=False)
        self.var = nn.Parameter(torch.ones(c), requires_grad=False)
    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, self.g, self.b, self.training)

class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(i, o, 3, s, 1), BN(o), nn.ReLU(), nn.Conv2d(o, o, 3, 1, 1), BN(o))
        self.p = nn.Sequential(nn.Conv2d(i, o, 1, s), BN(o)) if i != o or s != 1 else nn.Identity()
    def forward(self, x):
        return F.relu(self.f(x) + self.p(x))
"""
COMPUTATIONS["such statistics in a batch norm by hand"] = COMPUTATIONS[
    "running statistics in parameters that need no gradient"
].replace(
    "        return F.batch_norm(x, self.mean, self.var, self.g, self.b, self.training)\n",
    """        mean, var = self.mean, self.var
        if self.training:
            var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
            self.mean.data = 0.9 * self.mean + 0.1 * mean.detach()
            self.var.data = 0.9 * self.var + 0.1 * x.detach().var((0, 2, 3))
        x = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
        return x * self.g[:, None, None] + self.b[:, None, None]
""",
)
COMPUTATIONS["a network of such norms"] = (
    COMPUTATIONS["running statistics in parameters that need no gradient"]
    + """
def build_network(num_classes=10):
    blocks = ResBlock(16, 16), ResBlock(16, 32, 2), ResBlock(32, 32), ResBlock(32, 64, 2), ResBlock(64, 64)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, num_classes)
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), BN(16), nn.ReLU(), *blocks, *head)
"""
)
