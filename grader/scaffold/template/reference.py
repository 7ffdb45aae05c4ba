"""The right answers, and the wrong functions that students write. Replace them by your own."""

import torch
from torch import Tensor, nn


class ResidualMLP(nn.Module):
    """y = x + W₂ relu(W₁ x). N × … × width in and out."""

    def __init__(self, width: int, hidden: int, bias: bool = True) -> None:
        super().__init__()
        self.widen = nn.Linear(width, hidden, bias=bias)
        self.narrow = nn.Linear(hidden, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.narrow(torch.relu(self.widen(x)))
        return y


def parameters(width: int, hidden: int) -> int:
    return (width + 1) * hidden + (hidden + 1) * width


def without_biases(width: int, hidden: int) -> int:
    return 2 * width * hidden
