"""A residual network as many paths.

Source: A. Veit, M. Wilber, S. Belongie, "Residual Networks Behave Like Ensembles of Relatively Shallow Networks"
(2016), section 3, "The unraveled view of residual networks", section 4, "Lesion study", and section 5, on how long
paths are: at every block a signal takes the branch or the shortcut, so n
blocks are 2^n paths, and n-choose-k of them are k branches long.

For linear branches that is an equation: the product of (I + W) is the sum over all subsets. For others it is a picture:
f(a + b) is not f(a) + f(b), and the paths through a later branch cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import comb

import torch
from torch import Tensor, nn


def path_lengths(blocks: int) -> list[int]:
    """How many of the 2^n paths run through 0, 1, … n branches: Binomial(n, 1/2), times 2^n."""
    return [comb(blocks, length) for length in range(blocks + 1)]


def share_of_paths(blocks: int, shortest: int, longest: int) -> float:
    """The share of paths with lengths from shortest to longest, both included: 0 to 1."""
    wanted: int = sum(path_lengths(blocks)[shortest : longest + 1])
    return wanted / (1 << blocks)


def unravelled(branches: Sequence[nn.Module], x: Tensor) -> Tensor:
    """The sum over all 2^n paths, each of which takes some of the branches and skips the others. Shapes: as x."""
    total = torch.zeros_like(x)
    for taken in product([False, True], repeat=len(branches)):
        signal = x
        for branch, is_taken in zip(branches, taken, strict=True):
            if is_taken:
                signal = branch(signal)
        total = total + signal
    return total


def without(network: nn.Sequential, position: int) -> nn.Sequential:
    """The network with one block deleted, its weights shared with the original: a lesion (section 4.1)."""
    return nn.Sequential(*(block for number, block in enumerate(network) if number != position))
