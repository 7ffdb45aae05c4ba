"""Sums over the paths of linear residual blocks; and what students take for the right answers.

Source: A. Veit, M. Wilber, S. Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks"
(2016), section 3. The right answers on path lengths are those of the shipped reference `ensemble`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import comb

from torch import Tensor


def unravelled(weights: Tensor, x: Tensor) -> Tensor:
    """(I + Wₙ) … (I + W₁) x, which is the sum over all 2ⁿ paths. Shapes: weights n × d × d, x d → d."""
    return _stack(weights, x)


def _stack(weights: Iterable[Tensor], x: Tensor) -> Tensor:
    for weight in weights:
        x = x + weight @ x
    return x


# ---------------------------------------------------------------------- wrong


def powers_of_two(blocks: int) -> list[int]:
    return [2**length for length in range(blocks + 1)]


def without_longest(blocks: int) -> list[int]:
    return [comb(blocks, length) for length in range(blocks)]


def count_of_paths(blocks: int, shortest: int, longest: int) -> int:
    return sum(comb(blocks, length) for length in range(shortest, longest + 1))


def share_without_longest(blocks: int, shortest: int, longest: int) -> float:
    return count_of_paths(blocks, shortest, longest - 1) / 2**blocks


def share_of_lengths(blocks: int, shortest: int, longest: int) -> float:
    return (longest - shortest + 1) / (blocks + 1)


def reversed_blocks(weights: Tensor, x: Tensor) -> Tensor:
    return _stack(list(weights)[::-1], x)


def without_identity(weights: Tensor, x: Tensor) -> Tensor:
    return unravelled(weights, x) - x


def first_order(weights: Tensor, x: Tensor) -> Tensor:
    return x + sum(weight @ x for weight in weights)
