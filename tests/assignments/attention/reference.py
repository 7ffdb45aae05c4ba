import math

import torch
from torch import Tensor, nn


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """For every query the values, weighted by how well their keys fit it. ... × length × width each."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value


def not_scaled(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return torch.softmax(query @ key.transpose(-2, -1), dim=-1) @ value


def softmax_over_queries(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-2) @ value


class Head(nn.Module):
    """One head with layers of its own."""

    def __init__(self, width: int, size: int, bias: bool) -> None:
        super().__init__()
        self.query = nn.Linear(width, size, bias=bias)
        self.key = nn.Linear(width, size, bias=bias)
        self.value = nn.Linear(width, size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return attention(self.query(x), self.key(x), self.value(x))


class MultiHeadAttention(nn.Module):
    """N × length × width in and out; the heads share the width.

    Args:
        layers: "separate": one each for query, key and value. "by head": one for all three, with the three of the
            first head first. "heads": three for each head.
        bias: of "all" layers, of the "last" alone, or of "none".
    """

    def __init__(self, width: int, heads: int, layers: str = "separate", bias: str = "all") -> None:
        super().__init__()
        self.heads, self.layers = heads, layers
        if layers == "heads":
            self.each = nn.ModuleList(Head(width, width // heads, bias == "all") for _ in range(heads))
        elif layers == "separate":
            self.query = nn.Linear(width, width, bias=bias == "all")
            self.key = nn.Linear(width, width, bias=bias == "all")
            self.value = nn.Linear(width, width, bias=bias == "all")
        else:
            self.projection = nn.Linear(width, 3 * width, bias=bias == "all")
        self.output = nn.Linear(width, width, bias=bias != "none")

    def forward(self, x: Tensor) -> Tensor:
        if self.layers == "heads":
            mixed = torch.cat([head(x) for head in self.each], dim=-1)
        elif self.layers == "by head":
            query, key, value = self._by_head(self.projection(x)).chunk(3, dim=-1)
            mixed = attention(query, key, value).transpose(1, 2).flatten(2)
        else:
            query, key, value = map(self._by_head, (self.query(x), self.key(x), self.value(x)))
            mixed = attention(query, key, value).transpose(1, 2).flatten(2)
        y: Tensor = self.output(mixed)
        return y

    def _by_head(self, x: Tensor) -> Tensor:
        """N × length × width to N × heads × length × width of one."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
