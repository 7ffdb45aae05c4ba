"""Networks of which nothing but their sizes is asked."""

from __future__ import annotations

import torch
from torch import nn

from grader.worker.chance import seed_all
from grader.worker.undrawn import sizes


class Small(nn.Module):
    """A layer of each kind that draws its weights in another way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear, self.attention = nn.Conv2d(2, 3, 3), nn.Linear(3, 4), nn.MultiheadAttention(4, 2)
        self.embedding = nn.Embedding(5, 4)
        for init in (nn.init.xavier_normal_, nn.init.kaiming_normal_, nn.init.trunc_normal_):
            init(self.linear.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.conv(x).mean((2, 3)))


def test_no_weight_is_drawn() -> None:
    """Which would take most of the time in a network of a hundred layers."""
    told = sizes({"Small": Small}, {"name": "Small", "positional": [], "named": {}}, torch.ones(2, 2, 5, 5))
    now = torch.get_rng_state()
    seed_all(0)
    assert told is not None
    assert told["output"]["shape"] == [2, 4]
    assert [4, 3] in [each["shape"] for each in told["tensors"]]
    assert torch.equal(now, torch.get_rng_state())
