"""Convolutions written by hand: a class `Conv(i, o, k, s, p, g, bias)` each, that computes what `nn.Conv2d` does."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

CONVOLUTIONS: dict[str, str] = {}
_CONSTRUCTOR = """
class Conv(nn.Module):
    def __init__(self, i, o, k, s=1, p=0, g=1, bias=False):
        super().__init__()
        self.k, self.s, self.p, self.g = k, s, p, g
        self.w = nn.Parameter(torch.randn(WEIGHT) * 0.1)
        self.b = nn.Parameter(torch.zeros(o)) if bias else None
"""
_HEAD = (
    _CONSTRUCTOR
    + """
    def forward(self, x):
        pairs = zip(x.chunk(self.g, 1), self.w.chunk(self.g, DIMENSION))
        y = torch.cat([self.one(part, weight) for part, weight in pairs], 1)
        return y if self.b is None else y + self.b[:, None, None]

    def taps(self, x):
        x = F.pad(x, [self.p] * 4)
        h, w = ((size - self.k) // self.s * self.s + 1 for size in x.shape[2:])
        return [(i, j, x[:, :, i:i + h:self.s, j:j + w:self.s]) for i in range(self.k) for j in range(self.k)]
"""
)


def _written(name: str, body: str, weight: str = "o, i // g, k, k", dimension: int = 0) -> None:
    CONVOLUTIONS[name] = _HEAD.replace("WEIGHT", weight).replace("DIMENSION", str(dimension)) + body


_written(
    "by a real Fourier transform",
    """
    def one(self, x, w):
        x = F.pad(x, [self.p] * 4)
        size = x.shape[-2:]
        product = torch.einsum("bchw,ochw->bohw", torch.fft.rfft2(x), torch.fft.rfft2(w, s=size).conj())
        y = torch.fft.irfft2(product, s=size)
        return y[..., :size[0] - self.k + 1:self.s, :size[1] - self.k + 1:self.s]
""",
)
_written(
    "by a Fourier transform of a kernel that is written into a map",
    """
    def one(self, x, w):
        if self.k == 1:
            return F.conv2d(x, w, stride=self.s)
        h, b = x.shape[2:]
        x = F.pad(x, (0, 2, 0, 2))
        kernel = x.new_zeros(*w.shape[:2], *x.shape[2:])
        kernel[:, :, :3, :3] = w.flip(-1, -2)
        kernel = torch.roll(kernel, (-1, -1), (2, 3))
        product = torch.einsum("nchw,ochw->nohw", torch.fft.fft2(x, norm="ortho"), torch.fft.fft2(kernel))
        return torch.fft.ifft2(product, norm="ortho").real[..., :h, :b][..., ::self.s, ::self.s]
""",
)
_written(
    "by products with a kernel's pixels that are summed up one by one",
    """
    def one(self, x, w):
        total = 0
        for i, j, part in self.taps(x):
            total = total + (part[:, None] * w[None, :, :, i, j, None, None]).sum(2)
        return total
""",
)
_written(
    "by baddbmm",
    """
    def one(self, x, w):
        taps = self.taps(x)
        n, _, h, b = taps[0][2].shape
        total = x.new_zeros(n, w.shape[0], h * b)
        for i, j, part in taps:
            total = torch.baddbmm(total, w[:, :, i, j].expand(n, -1, -1), part.reshape(n, -1, h * b))
        return total.view(n, -1, h, b)
""",
)
_written(
    "by products with the pixels of a kernel kept as height, width, inputs, outputs",
    """
    def one(self, x, w):
        return sum((part.permute(0, 2, 3, 1) @ w[i, j]).permute(0, 3, 1, 2) for i, j, part in self.taps(x))
""",
    "k, k, i // g, o",
    3,
)
_written(
    "by products and sums with the pixels of such a kernel",
    """
    def one(self, x, w):
        return sum((part.permute(0, 2, 3, 1)[..., None] * w[i, j]).sum(-2) for i, j, part in self.taps(x)).permute(0, 3, 1, 2)
""",
    "k, k, i // g, o",
    3,
)
_written(
    "by 1x1 convolutions with slices of such a kernel",
    """
    def one(self, x, w):
        return sum(F.conv2d(part, w[i:i + 1, j:j + 1].permute(3, 2, 0, 1)) for i, j, part in self.taps(x))
""",
    "k, k, i // g, o",
    3,
)
_written(
    "by products with a list of pixels",
    """
    def one(self, x, w):
        pairs = zip(self.taps(x), w)
        return sum(torch.einsum("nihw,oi->nohw", part, pixel) for (_, _, part), pixel in pairs)
""",
    "k * k, o, i // g",
    1,
)
_written(
    "by patches times the kernel, summed up",
    """
    def one(self, x, w):
        x = F.pad(x, [self.p] * 4).unfold(2, self.k, self.s).unfold(3, self.k, self.s)
        return (x[:, None] * w).sum(dim=(2, 5, 6))
""",
    "1, o, i // g, 1, 1, k, k",
    1,
)
_GROUPS_IN_FRONT = (
    _CONSTRUCTOR
    + """
    def forward(self, x):
        y = self.all(x)
        return y if self.b is None else y + self.b[:, None, None]
"""
)
CONVOLUTIONS["by a product with a matrix for each group"] = (
    _GROUPS_IN_FRONT.replace("WEIGHT", "g, o // g, i // g * k * k")
    + """
    def all(self, x):
        n, _, h, w = x.shape
        size = [(side + 2 * self.p - self.k) // self.s + 1 for side in (h, w)]
        patches = F.unfold(x, self.k, padding=self.p, stride=self.s).view(n, self.g, -1, size[0] * size[1])
        return (self.w @ patches).view(n, -1, *size)
"""
)
CONVOLUTIONS["with one kernel for each group, by number"] = (
    _GROUPS_IN_FRONT.replace("WEIGHT", "g, o // g, i // g, k, k")
    + """
    def all(self, x):
        parts = enumerate(x.chunk(self.g, 1))
        return torch.cat([F.conv2d(part, self.w[n], stride=self.s, padding=self.p) for n, part in parts], 1)
"""
)
CONVOLUTIONS["with one kernel for each group, stacked"] = (
    _GROUPS_IN_FRONT.replace("WEIGHT", "g, o // g, i // g, k, k")
    + """
    def all(self, x):
        parts = zip(x.unflatten(1, (self.g, -1)).unbind(1), self.w.unbind())
        y = torch.stack([F.conv2d(part, kernel, stride=self.s, padding=self.p) for part, kernel in parts], 1)
        return y.flatten(1, 2)
"""
)

# A block of each kind that is made of them: with a projection, with biases, in groups.
BLOCKS = {
    "resblock": """
class ResBlock(nn.Module):
    def __init__(self, i, o, s=1):
        super().__init__()
        self.c1, self.n1, self.c2, self.n2 = Conv(i, o, 3, s, 1), nn.BatchNorm2d(o), Conv(o, o, 3, 1, 1), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential(Conv(i, o, 1, s), nn.BatchNorm2d(o)) if s != 1 or i != o else nn.Identity()

    def forward(self, x):
        return F.relu(self.n2(self.c2(F.relu(self.n1(self.c1(x))))) + self.shortcut(x))
""",
    "hackathon-5": """
class ResBlock(nn.Module):
    def __init__(self, c, s=1):
        super().__init__()
        self.n1, self.c1 = nn.BatchNorm2d(c), Conv(c, c, 3, s, 1, bias=True)
        self.n2, self.c2 = nn.BatchNorm2d(c), Conv(c, c, 3, 1, 1, bias=True)
        self.shortcut = nn.Sequential(Conv(c, c, 1, s, bias=True), nn.BatchNorm2d(c)) if s != 1 else nn.Identity()

    def forward(self, x):
        return self.c2(F.relu(self.n2(self.c1(F.relu(self.n1(x)))))) + self.shortcut(x)
""",
    "resnext": """
class ResNeXtBlock(nn.Module):
    def __init__(self, i, o, s=1, cardinality=32):
        super().__init__()
        w = o // 2
        self.c1, self.n1 = Conv(i, w, 1), nn.BatchNorm2d(w)
        self.c2, self.n2 = Conv(w, w, 3, s, 1, cardinality), nn.BatchNorm2d(w)
        self.c3, self.n3 = Conv(w, o, 1), nn.BatchNorm2d(o)
        self.shortcut = nn.Sequential(Conv(i, o, 1, s), nn.BatchNorm2d(o)) if s != 1 or i != o else nn.Identity()

    def forward(self, x):
        y = F.relu(self.n1(self.c1(x)))
        y = F.relu(self.n2(self.c2(y)))
        return F.relu(self.n3(self.c3(y)) + self.shortcut(x))
""",
}
