"""Layers written by hand, from arithmetic."""

from __future__ import annotations

from grader.audit.layers import KINDS, module
from grader.audit.program import Layer
from grader.audit.style import Style

NORM = """
class Norm(nn.Module):
    def __init__(self, c, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.beta, self.gamma = nn.Parameter(torch.zeros(c)), nn.Parameter(torch.ones(c))
        self.register_buffer("var", torch.ones(c))
        self.register_buffer("mean", torch.zeros(c))

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            n = x.numel() / x.shape[1]
            with torch.no_grad():
                self.mean.mul_(1 - self.momentum).add_(self.momentum * mean)
                self.var.mul_(1 - self.momentum).add_(self.momentum * var * n / (n - 1))
        q = lambda v: v[None, :, None, None]
        return (x - q(mean)) * torch.rsqrt(q(var) + self.eps) * q(self.gamma) + q(self.beta)
"""
CONV = """
class Conv(nn.Module):
    def __init__(self, i, o, k, stride=1, padding=0, dilation=1, groups=1, bias=True):
        super().__init__()
        self.w = nn.Parameter(torch.randn(o, i // groups, k, k) * 0.1)
        self.b = nn.Parameter(torch.zeros(o)) if bias else None
        self.k, self.s, self.p, self.d, self.g = k, stride, padding, dilation, groups

    def size(self, n):
        return (n + 2 * self.p - self.d * (self.k - 1) - 1) // self.s + 1

    def forward(self, x):
        patches = F.unfold(x, self.k, dilation=self.d, padding=self.p, stride=self.s)
        patches = patches.view(len(x), self.g, -1, patches.shape[-1])
        w = self.w.view(self.g, -1, patches.shape[2])
        y = torch.einsum("gok,ngkl->ngol", w, patches) if self.g > 1 else w[0] @ patches[:, 0]
        y = y.reshape(len(x), -1, self.size(x.shape[2]), self.size(x.shape[3]))
        return y if self.b is None else y + self.b[:, None, None]
"""
POINT = """
class Point(nn.Linear):
    def __init__(self, i, o, k, stride=1, bias=True):
        super().__init__(i, o, bias=bias)
        self.stride = stride

    def forward(self, x):
        x = x[:, :, :: self.stride, :: self.stride].permute(0, 2, 3, 1)
        return super().forward(x).permute(0, 3, 1, 2)
"""


class Handmade(Style):
    """Convolution by unfold and einsum, batch norm by hand."""

    helpers = NORM + CONV

    def declare(self, layer: Layer) -> list[str]:
        by_hand = {"batch_norm": "Norm", "convolution": "Conv"}.get(layer.kind)
        if by_hand is None or layer.rank != 4 or not _is_square(layer) or not _is_complete(layer):
            return super().declare(layer)
        return [f"self.{self.named(layer.label)} = {module(layer, by_hand)}"]


class Pointwise(Style):
    """1×1 convolutions as linear layers over the channels."""

    helpers = POINT

    def declare(self, layer: Layer) -> list[str]:
        settings = layer.settings
        is_point = layer.kind == "convolution" and layer.rank == 4 and settings["kernel_size"] == "1"
        if not is_point or not _is_square(layer) or (settings["padding"], settings["groups"]) != ("0", "1"):
            return super().declare(layer)
        return [f"self.{self.named(layer.label)} = {module(layer, 'Point', skip=('dilation',))}"]


def _is_square(layer: Layer) -> bool:
    """Is there one number for both dimensions of an image?"""
    return not any(text.startswith("(") and text.endswith(")") for text in layer.settings.values())


def _is_complete(layer: Layer) -> bool:
    """Has a batch norm all its parts?"""
    return layer.kind != "batch_norm" or set(KINDS["batch_norm"].roles) == set(layer.tensors)
