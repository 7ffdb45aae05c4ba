"""Degradation: a plain network that is deeper has a higher *training* error, and a residual one has not.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition" (2015), section 1 and figure 1:
it is not overfitting, for then the training error would fall; and section 4.1: it is hardly vanishing gradients, for
batch norm is everywhere. The deeper network could do at least as well, with identities for its further layers. It just
does not find them.

Seen here in a second, on two spirals:

    x, y = spirals(seed=0)
    training_error(train(plain(4, seed=0), x, y), x, y)      0.00
    training_error(train(plain(32, seed=0), x, y), x, y)     0.2 to 0.5, by the seed
    training_error(train(residual(32, seed=0), x, y), x, y)  0.00
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 16


class PlainLayer(nn.Module):
    """y = F(x), where F is BN → ReLU → linear. Shapes: x and y N × 16."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm1d(WIDTH)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(self.relu(self.bn(x)))
        return y


class ResidualLayer(PlainLayer):
    """y = F(x) + x. The same parameters: all that differs is the + x."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x


def plain(depth: int, seed: int = 0) -> nn.Sequential:
    """2 → 16, this many layers, 16 → 2. Shapes: x N × 2, logits N × 2."""
    return _network(PlainLayer, depth, seed)


def residual(depth: int, seed: int = 0) -> nn.Sequential:
    """The same network with shortcuts; of the same seed, it starts with the same weights."""
    return _network(ResidualLayer, depth, seed)


def _network(layer: type[PlainLayer], depth: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, WIDTH), *(layer() for _ in range(depth)), nn.Linear(WIDTH, 2))


def spirals(seed: int, points: int = 256, turn: float = 3.0) -> tuple[Tensor, Tensor]:
    """Two arms, one per class, wound around each other by `turn` radians per unit of radius: x N × 2, y N."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(points) % 2
    radius = 0.3 + 3.0 * torch.rand(points, generator=generator)
    angle = turn * radius + torch.pi * y
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1) / 2
    return x + 0.02 * torch.randn(points, 2, generator=generator), y


def train(network: nn.Sequential, x: Tensor, y: Tensor, steps: int = 60) -> nn.Sequential:
    """Adam on all points at once: the same budget whatever the network. Changes the network and returns it."""
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, fused=True)  # fused: in half the time
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        torch.autograd.backward(F.cross_entropy(network(x), y))
        optimiser.step()
    return network.eval()


@torch.no_grad()
def training_error(network: nn.Sequential, x: Tensor, y: Tensor) -> float:
    """The share of the points it was trained on that it gets wrong: 0 to 1; who guesses has 0.5."""
    return float((network(x).argmax(1) != y).float().mean())


# ---------------------------------------------------------------- as an exercise of the kind `experiment`

Targets = tuple[Tensor, Tensor]  # the classes of the points it is trained on, and of points that it has not seen


def task(seed: int) -> tuple[dict[str, Tensor], Targets]:
    """What `train_and_predict` is given: points N × 2, labels N, and asked 2N × 2: the same points, then N new ones.

    The labels of the new ones are told to nobody but the measures; their order says nothing about them. The spirals are
    turned by an angle and wind either way, and the arms have either label: whoever trains on other points than these
    learns nothing of these.
    """
    generator = torch.Generator().manual_seed(seed)
    angle = 2 * torch.pi * torch.rand((), generator=generator)
    swapped, mirrored = torch.randint(2, (2,), generator=generator)
    turn = torch.stack([torch.stack([angle.cos(), angle.sin()]), torch.stack([-angle.sin(), angle.cos()])])
    turn[0] *= 1 - 2 * mirrored
    given, labels, new, hidden = *spirals(seed), *spirals(seed + 2**31)
    first, then = (torch.randperm(len(each), generator=generator) for each in (given, new))
    points, labels = given[first] @ turn, labels[first] ^ swapped
    new, hidden = new[then] @ turn, hidden[then] ^ swapped
    return {"points": points, "labels": labels, "asked": torch.cat([points, new])}, (labels, hidden)


def error_on_trained(returned: Tensor, targets: Targets) -> float:
    """The training error: the share of the points it was trained on whose class is wrong. Classes 2N."""
    labels, _ = targets
    return float((returned[: len(labels)] != labels).double().mean())


def error_on_new(returned: Tensor, targets: Targets) -> float:
    """The share of the points it has not seen whose class is wrong."""
    labels, hidden = targets
    return float((returned[len(labels) :] != hidden).double().mean())
