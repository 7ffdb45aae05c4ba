"""Modules that are written in odd ways, and right: what they compute can be recorded. Each is the body of a class.

They take an input of 2 × 4 × 6 × 6. The lines of `FAITHFUL` can be replayed; those of `TELLING` cannot, or not only,
and show a fact.
"""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import textwrap

HEAD = """
import copy, dataclasses, functools, itertools, math
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint
from torch.nn.utils import parametrizations, parametrize
SCALE = torch.full((1, 4, 1, 1), 1.5)
{before}

class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
{constructor}

    def forward(self, x):
{forward}
{methods}
"""


def module(forward: str, constructor: str = "pass", before: str = "", methods: str = "") -> str:
    """The source of a module with `self.conv` and `self.bn`."""
    return HEAD.format(
        before=textwrap.dedent(before),
        constructor=textwrap.indent(textwrap.dedent(constructor).strip("\n"), " " * 8),
        forward=textwrap.indent(textwrap.dedent(forward).strip("\n"), " " * 8),
        methods=textwrap.indent(textwrap.dedent(methods).strip("\n"), " " * 4),
    )


FAITHFUL = {
    # views and memory
    "view": module("y = self.conv(x)\nreturn y.view(2, -1).relu().view_as(y)"),
    "view of a view": module("y = self.conv(x)\nreturn y[:, 1:][:, :2].transpose(1, 2)[:, ::2] * 2"),
    "slice written to": module("y = self.conv(x).clone()\ny[:, :2] = self.bn(x)[:, 2:]\nreturn y"),
    "slice of a slice written to": module("y = self.conv(x) + 0\ny[:, 1:][:, :2] *= 3\nreturn y.relu()"),
    "ellipsis and None": module("y = self.conv(x)\nreturn y[..., None, ::2][:, -1:, ..., 0, :]"),
    "list of indices": module("return self.conv(x)[:, [3, 1]] + x[:, [0, 0]]"),
    "two views written": module(
        "y = self.conv(x) + 0\na, b = y[:, :2], y[:, 1:3]\na += 1\nb *= 2\na.relu_()\nreturn torch.cat([a, b, y], 1)"
    ),
    "written through a diagonal": module("y = self.conv(x) + 0\ny.diagonal(dim1=2, dim2=3).fill_(1)\nreturn y"),
    "strided window": module("return self.conv(x).unfold(3, 3, 1).amax(-1)"),
    "real and imag": module(
        "z = torch.view_as_complex(self.conv(x).unflatten(3, (3, 2)).contiguous())\nreturn z.imag * z.real"
    ),
    "view read after its base was written": module(
        "y = self.conv(x) + 0\nv = y[:, ::2]\ny.mul_(2)\nv2 = y.permute(0, 2, 3, 1)\ny += 1\nreturn v * v2.mean()"
    ),
    "view written, base read": module("y = self.conv(x) + 0\ny.view(2, -1)[:, 10:20].relu_()\nreturn y"),
    "transposed and written": module("y = self.conv(x) + 0\ny.transpose(1, 3)[:, 1].neg_()\nreturn y"),
    "chunks in place": module(
        "y = self.conv(x) + 0\nfor i in range(2):\n    y.unflatten(1, (2, 2))[:, i].mul_(i + 2)\nreturn y"
    ),
    "split and cat": module("a, b = self.conv(x).split([1, 3], 1)\nreturn torch.cat([b, a], 1)"),
    "unbind and stack": module("return torch.stack([y * i for i, y in enumerate(self.conv(x).unbind(1))], 1)"),
    "out=": module(
        "y = torch.empty(2, 4, 6, 6)\nwith torch.no_grad():\n    torch.add(x, 1, out=y)\nreturn self.conv(x) + y"
    ),
    "empty then filled": module(
        "y = torch.empty_like(x)\ny[:, :2] = self.conv(x)[:, :2]\ny[:, 2:] = x[:, 2:]\nreturn y"
    ),
    "new_zeros then filled": module(
        "y = x.new_zeros(2, 4, 6, 6)\nfor i in range(4):\n    y[:, i] += self.conv(x)[:, 3 - i]\nreturn y"
    ),
    "expand": module("return self.conv(x) * torch.ones(4).view(1, 4, 1, 1).expand(2, 4, 6, 6).clone().mul_(3)"),
    "in place on the input": module("x = x * 1\nx.relu_()\nreturn self.conv(x).add_(x)"),
    "iadd": module("y = self.conv(x)\ny += x\nreturn F.relu(y, inplace=True)"),
    "copy_": module("y = torch.zeros_like(x)\ny.copy_(self.conv(x))\nreturn y"),
    "masked_fill": module("y = self.conv(x)\nreturn y.masked_fill(y < 0, 0.0)"),
    "mask assigned": module("y = self.conv(x) + 0\ny[y < 0] = 0\nreturn y"),
    "index_put": module("y = self.conv(x) + 0\ny[torch.tensor([0, 1]), torch.tensor([2, 3])] = 7.0\nreturn y"),
    "where": module("y = self.conv(x)\nreturn torch.where(y > 0, y, y * 0.1)"),
    "gather": module(
        "return torch.gather(self.conv(x), 1, torch.arange(4).flip(0).view(1, 4, 1, 1).expand(2, 4, 6, 6))"
    ),
    "roll and flip": module("return self.conv(x).roll(1, 1).flip(3)"),
    "unfold": module(
        "p = F.unfold(x, 3, padding=1)\nreturn (self.conv.weight.flatten(1) @ p).view(2, 4, 6, 6) + self.conv.bias.view(4, 1, 1)"
    ),
    "Tensor.unfold": module("return x.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)) + self.conv(x)[:, :, ::2, ::2]"),
    "einsum": module("return torch.einsum('nchw,dc->ndhw', self.conv(x), self.conv.weight[:, :, 0, 0])"),
    "as_strided": module("return self.conv(x).as_strided((2, 4, 3, 3), (144, 36, 12, 2)) * 2"),
    "channels_last": module("y = self.conv(x).to(memory_format=torch.channels_last)\nreturn self.bn(y).contiguous()"),
    "channels_last viewed": module(
        "y = (self.conv(x) * 1).contiguous(memory_format=torch.channels_last)\nv = y[:, 1:3]\ny.mul_(2)\nreturn v.relu()"
    ),
    "module in channels_last": module("return self.conv(x)", "self.to(memory_format=torch.channels_last)"),
    "complex": module("z = torch.complex(self.conv(x), x)\nreturn (z * z.conj()).real + torch.view_as_real(z)[..., 1]"),
    "fft": module("return torch.fft.irfft(torch.fft.rfft(self.conv(x)) * 2, n=6)"),
    # numbers
    "float32 inside": module("y = self.conv(x).float()\nreturn (y * 2).double()"),
    "half inside": module("return self.conv(x).half().double() + x"),
    "bfloat16 inside": module("return self.conv(x).to(torch.bfloat16).to(x.dtype) + x"),
    "autocast": module(
        "with torch.autocast('cpu', torch.bfloat16):\n    y = F.conv2d(x.float(), self.conv.weight.float())\nreturn y.double()"
    ),
    "constants": module(
        "return self.conv(x) * math.pi + torch.tensor(0.5) + torch.tensor([1.0, 2, 3, 4]).view(4, 1, 1)"
    ),
    "global tensor": module("return self.conv(x) * SCALE"),
    "arange and linspace": module("return self.conv(x) + torch.arange(6.0) * torch.linspace(0, 1, 6)[:, None]"),
    "softmax attention": module("q = self.conv(x).flatten(2)\nreturn (F.softmax(q @ q.mT, -1) @ q).view_as(x)"),
    "scaled_dot_product_attention": module(
        "q = self.conv(x).flatten(2)\nreturn F.scaled_dot_product_attention(q, q, q).view_as(x)"
    ),
    "interpolate": module("return F.interpolate(self.conv(x)[:, :, ::2, ::2], scale_factor=2, mode='bilinear')"),
    "pooling": module("return F.max_pool2d(self.conv(x), 3, 1, 1) + F.adaptive_avg_pool2d(x, 1)"),
    # Python
    "prints": module("y = self.conv(x)\nprint('mean', y.mean(), y.shape)\nreturn y.relu()"),
    "asserts": module("y = self.conv(x)\nassert torch.isfinite(y).all() and not y.isnan().any()\nreturn y"),
    "f-string with item": module("y = self.conv(x)\ns = f'{y.mean().item():.3f} {float(y.max())}'\nreturn y.relu()"),
    "lambda": module("return self.f(self.conv(x))", "self.f = lambda y: F.relu(y) + 1"),
    "closure": module(
        "return self.f(x)", "def f(y, self=self):\n    return self.conv(y) * scale\nscale = 2\nself.f = f"
    ),
    "partial": module("return self.f(self.conv(x))", "self.f = functools.partial(F.leaky_relu, negative_slope=0.3)"),
    "recursion": module(
        "return self.deep(x, 3)",
        methods="def deep(self, x, n):\n    return x if n == 0 else self.deep(self.conv(x), n - 1)",
    ),
    "generator": module(
        "return sum(self.parts(x))", methods="def parts(self, x):\n    yield x\n    yield self.conv(x)"
    ),
    "dataclass": module(
        "s = State(self.conv(x), x)\nreturn s.a + s.b",
        before="@dataclasses.dataclass\nclass State:\n    a: torch.Tensor\n    b: torch.Tensor",
    ),
    "layers in a dict": module(
        "return functools.reduce(lambda y, k: self.d[k](y), 'ab', x)",
        "self.d = nn.ModuleDict({'b': self.bn, 'a': self.conv})",
    ),
    "getattr": module("for name in ('conv', 'bn'):\n    x = getattr(self, name)(x)\nreturn x"),
    "try and except": module(
        "y = self.conv(x)\ntry:\n    y = y + torch.zeros(3)\nexcept RuntimeError:\n    y = y + 1\nreturn y"
    ),
    "forward hook": module("return self.conv(x)", "self.conv.register_forward_hook(lambda m, i, o: o.relu() + i[0])"),
    "forward pre hook": module("return self.conv(x)", "self.conv.register_forward_pre_hook(lambda m, i: (i[0] * 2,))"),
    "hooks that look": module(
        "return self.conv(x)",
        "self.seen = []\nself.conv.register_forward_hook(lambda m, i, o: self.seen.append(o.mean().item()))",
    ),
    "tied weights": module(
        "return self.other(self.conv(x))",
        "self.other = nn.Conv2d(4, 4, 3, padding=1)\nself.other.weight = self.conv.weight",
    ),
    "shared layer": module("return self.conv(self.bn(self.conv(x)))"),
    "Lazy layers": module(
        "return self.lazy(x)", "self.lazy = nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d())"
    ),
    "DataParallel": module("return self.net(x)", "self.net = nn.DataParallel(nn.Sequential(self.conv, self.bn))"),
    "layers in a list": module("return self.layers[0](x)", "self.layers = [nn.Conv2d(4, 5, 3)]"),
    # autograd
    "detach": module("return self.conv(x) + self.bn(x).detach()"),
    ".data": module("return self.conv(x) + self.bn(x).data"),
    ".data of the input": module("return self.conv(x.data) + x"),
    ".data written": module("y = self.conv(x)\ny.data.clamp_(min=0)\nreturn y * x"),
    ".data of a view written": module("y = self.conv(x) + 0\ny.data[:, :2] = 0\nreturn y * x"),
    "weights clamped in place": module(
        "with torch.no_grad():\n    self.conv.weight.clamp_(-0.1, 0.1)\nreturn self.conv(x)"
    ),
    "no_grad": module("with torch.no_grad():\n    s = self.bn(x)\nreturn self.conv(x) + s"),
    "set_grad_enabled": module("with torch.set_grad_enabled(False):\n    s = x * 2\nreturn self.conv(x) * s"),
    "requires_grad_ inside": module("y = self.conv(x).detach().requires_grad_()\nreturn y * x"),
    "checkpoint": module("return checkpoint(self.conv, x, use_reentrant=False) + x"),
    "reentrant checkpoint": module("return checkpoint(self.conv, x, use_reentrant=True) + x"),
    "own autograd function": module(
        "return Clip.apply(self.conv(x)) + x",
        before="""
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, g):
        return g * (ctx.saved_tensors[0] > 0)
""",
    ),
    "vmap": module("return torch.vmap(lambda s: F.relu(s) * s.mean())(self.conv(x))"),
    "functional_call": module(
        "w = {k: v * 2 for k, v in self.conv.named_parameters()}\nreturn torch.func.functional_call(self.conv, w, (x,))"
    ),
    "tensor hook": module("y = self.conv(x)\ny.register_hook(lambda g: g)\nreturn y * 2"),
    "full backward hook": module("return self.conv(x)", "self.conv.register_full_backward_hook(lambda m, i, o: None)"),
    "forward hook on itself": module("return self.conv(x)", "self.register_forward_hook(lambda m, i, o: o.tanh())"),
    "checkpoint of a sequence": module(
        "return torch.utils.checkpoint.checkpoint_sequential([self.conv, self.bn], 2, x, use_reentrant=False)"
    ),
    "no_grad as a decorator": module(
        "return self.conv(x) * self.scale(x)", methods="@torch.no_grad()\ndef scale(self, x):\n    return x.std()"
    ),
    "context manager": module(
        "with twice() as k:\n    return self.conv(x) * k",
        before="import contextlib\n@contextlib.contextmanager\ndef twice():\n    yield 2",
    ),
    "retain_grad": module("y = self.conv(x)\ny.retain_grad()\nreturn y.relu()"),
    "detached and written": module("y = self.conv(x)\nm = y.detach().clone()\nm[:, 0] = 5\nreturn y * m"),
    "swapped by set_": module("y = torch.empty(0)\ny.set_((self.conv(x) * 2).detach())\nreturn y + x"),
    "buffer updated": module(
        "self.seen.mul_(0.5).add_(x.detach().mean())\nreturn self.conv(x)",
        "self.register_buffer('seen', torch.zeros(()))",
    ),
    # weights that are made of others
    "weight_norm": module("return self.conv(x)", "parametrizations.weight_norm(self.conv)"),
    "old weight_norm": module("return self.conv(x)", "torch.nn.utils.weight_norm(self.conv)"),
    "spectral_norm": module("return self.conv(x)", "parametrizations.spectral_norm(self.conv)"),
    "own parametrization": module(
        "return self.conv(x)",
        "parametrize.register_parametrization(self.conv, 'weight', Sym())",
        before="class Sym(nn.Module):\n    def forward(self, w):\n        return (w + w.mT) / 2",
    ),
    "weight standardisation": module(
        "w = self.conv.weight\nw = (w - w.mean((1, 2, 3), keepdim=True)) / w.std((1, 2, 3), keepdim=True)\nreturn F.conv2d(x, w, padding=1)"
    ),
    # compilers
    "script function": module(
        "return act(self.conv(x), 2.0)",
        before="def act(x: torch.Tensor, a: float) -> torch.Tensor:\n    return x.relu() * a",
        constructor="global act\nact = torch.jit.script(act) if not isinstance(act, torch.jit.ScriptFunction) else act",
    ),
    "traced function": module(
        "return self.act(self.conv(x))", "self.act = torch.jit.trace(lambda x: x.relu() * 2, torch.zeros(2, 4, 6, 6))"
    ),
}

TELLING = {
    "branch by item": (
        module("y = self.conv(x)\nreturn y if y.mean().item() > 0 else -y"),
        {"reads": ["local_scalar_dense"]},
    ),
    "branch by bool": (
        module("y = self.conv(x)\nif (y > 0).all():\n    y = y * 2\nreturn y"),
        {"reads": ["local_scalar_dense"]},
    ),
    "tolist": (module("y = self.conv(x)\nreturn y * max(y.mean((0, 2, 3)).tolist())"), {"reads": ["tolist"]}),
    "nonzero": (module("y = self.conv(x)\nreturn y * len((y > 0).nonzero())"), {"reads": ["nonzero"]}),
    "equal": (module("y = self.conv(x)\nreturn y if torch.equal(y, x) else y * 2"), {"reads": ["equal"]}),
    "numpy round trip": (
        module("y = self.conv(x).detach().numpy()\nreturn torch.from_numpy(np.maximum(y, 0)) + x"),
        {"reads": ["numpy"]},
    ),
    "np.asarray": (
        module("y = np.asarray(self.conv(x).detach())\nreturn torch.tensor(y.clip(0)) + x"),
        {"reads": ["array", "numpy"]},
    ),
    "numpy writes": (
        module("y = self.conv(x)\na = y.detach().numpy()\na[a < 0] = 0\nreturn y * 1"),
        {"reads": ["numpy", "changed"], "unlike_autograd": 4},
    ),
    "dropout": (module("return F.dropout(self.conv(x))"), {"draws": ["aten.bernoulli_.float"]}),
    "noise": (module("return self.conv(x) + torch.randn_like(x)"), {"draws": ["aten.randn_like.default"]}),
    "result thrown away": (
        module("y = self.bn(self.conv(x))\nF.relu(y)\nreturn y"),
        {"discarded": ["aten.relu.default"]},
    ),
    "layer's result thrown away": (
        module("y = self.conv(x)\nself.bn(y)\nreturn y"),
        {"discarded": ["aten.native_batch_norm.default"]},
    ),
    "sum thrown away": (module("y = self.conv(x)\ny + x\nreturn y"), {"discarded": ["aten.add.Tensor"]}),
    "layer made in forward": (
        module("return nn.Conv2d(4, 4, 1)(self.conv(x))"),
        {"created": 1, "draws": ["aten.uniform_.default"]},
    ),
    "parameter made in forward": (module("return self.conv(x) * nn.Parameter(torch.ones(1))"), {"created": 1}),
    "copy of itself": (module("return copy.deepcopy(self.conv)(x)"), {"created": 1}),
    "layer overwritten": (module("return self.conv(x)", "self.conv = nn.Conv2d(4, 4, 1)"), {"overwritten": ["Conv2d"]}),
    "layer dropped": (module("return self.conv(x)", "nn.BatchNorm2d(4)"), {"dropped": ["BatchNorm2d"]}),
    "Sequential dropped": (
        module("return self.conv(x)", "nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU())"),
        {"dropped": ["Conv2d"]},
    ),
    "layer with a method of the name modules": (
        module(
            "return self.conv(x)",
            "self.inner = Inner()",
            before="class Inner(nn.Module):\n    def modules(self, x): return x",
        ),
        {},
    ),
    "layer deleted again": (
        module("return self.conv(x)", "self.more = nn.Sequential(nn.Conv2d(4, 4, 1))\ndel self.more"),
        {},
    ),
    "own autograd function, named": (FAITHFUL["own autograd function"], {"functions": ["Clip"]}),
}

# Ran as if nothing had been recorded; but nothing was.
NOT_RECORDED = {
    "jvp": module("return torch.func.jvp(self.conv, (x,), (torch.ones_like(x),))[1] * x"),
    "sparse": module("return self.conv(x).to_sparse().to_dense()"),
}

# Need torch's compiler, or would.
COMPILED = {
    "compiled without a compiler": module(
        "return self.f(self.conv(x))", "self.f = torch.compile(lambda y: y.relu() * 2, backend='eager')"
    ),
    "compiled": module("return self.f(self.conv(x))", "self.f = torch.compile(lambda y: y.relu() * 2)"),
}
