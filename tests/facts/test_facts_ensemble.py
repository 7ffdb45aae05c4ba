"""A residual network as an ensemble of paths: how many, how long, and what happens when one block is cut out."""

from __future__ import annotations

import statistics

import pytest
import torch
from torch import nn

from reference.degradation import plain, residual, spirals, train, training_error
from reference.ensemble import path_lengths, share_of_paths, unravelled, without


def test_54_blocks_have_paths_of_27_on_average_and_few_short_ones() -> None:
    """Veit 2016, section 5: ResNet-110 has 54 blocks; 0.45 % of its paths are the "effective" ones of 5 to 17 blocks.

    Exactly 0.453667 %. The paper says of lengths 19 to 35 "more than 95 %": it is 98.0 %.
    """
    lengths = path_lengths(54)
    assert sum(lengths) == 2**54
    assert sum(length * count for length, count in enumerate(lengths)) == 27 * 2**54
    assert sum((length - 27) ** 2 * count for length, count in enumerate(lengths)) * 2 == 27 * 2**54  # variance n/4
    assert share_of_paths(54, 5, 17) == pytest.approx(0.00453667, abs=5e-9)
    assert share_of_paths(54, 19, 35) == pytest.approx(0.980166, abs=5e-7)
    assert share_of_paths(54, 0, 54) == 1.0


def test_three_blocks_have_eight_paths() -> None:
    """Veit 2016, section 3, figure 1: one of no branch, three of one, three of two, one of three."""
    assert path_lengths(3) == [1, 3, 3, 1]
    assert path_lengths(0) == [1]


@pytest.mark.parametrize("blocks", [0, 1, 2, 3, 6])
def test_linear_blocks_are_the_sum_over_their_paths(blocks: int) -> None:
    """Veit 2016, section 3: (I + W_n) … (I + W_1) x is the sum over all 2^n subsets."""
    x, branches = torch.randn(3, 5, dtype=torch.float64), [nn.Linear(5, 5, bias=False).double() for _ in range(blocks)]
    y = x
    for branch in branches:
        y = y + branch(y)
    torch.testing.assert_close(y, unravelled(branches, x))


def test_blocks_that_are_not_linear_are_not() -> None:
    """f₂(x + f₁(x)) is not f₂(x) + f₂(f₁(x)); equation (6) of the paper keeps the sum inside of f₂.

    Two branches that square: from 1 through 2 to 6, while the four paths sum up to 1 + 1 + 1 + 1.
    """
    square, x = Square(), torch.ones(1)
    first = x + square(x)
    assert first + square(first) == 6.0
    assert unravelled([square, square], x) == 4.0


class Square(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.square()


@pytest.mark.parametrize("seed", range(3))
def test_a_residual_network_survives_a_lesion_and_a_plain_one_does_not(seed: int) -> None:
    """Veit 2016, section 4.1, figure 3: 16 blocks, each cut out in turn; who guesses has an error of 0.5.

    On average over the blocks the residual network is left with less than 0.15 and the plain one with more than 0.3,
    and half of the residual one's blocks are not missed at all. (Of 12 seeds at most 0.09, and at least 0.35.) The
    blocks that are missed are the first ones: they have the unwinding to do.
    """
    x, y = spirals(seed, turn=1.5)
    after = {}
    for build in (plain, residual):
        network = train(build(16, seed), x, y)
        assert training_error(network, x, y) < 0.2
        after[build] = [training_error(without(network, position), x, y) for position in range(1, 17)]
    assert statistics.mean(after[residual]) < 0.15
    assert statistics.mean(after[plain]) > 0.3
    assert statistics.median(after[residual]) < 0.05
    assert statistics.median(after[plain]) > 0.3


def test_a_lesion_leaves_the_network_whole() -> None:
    """The weights are shared, the list of blocks is not."""
    network = residual(3, seed=0)
    cut = without(network, 2)
    assert (5, 4) == (len(network), len(cut))
    assert cut[1] is network[1]
    assert cut[2] is network[3]
