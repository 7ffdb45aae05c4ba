"""The generators of random numbers that a student's code may draw from: torch's, Python's and numpy's."""

from __future__ import annotations

import random
import sys

import torch


def seed_all(seed: int) -> None:
    """Another seed for each of them, so that the same submission is judged alike whoever was judged before."""
    # `torch.manual_seed` asks every kind of device and takes 2 ms; there is only a CPU here.
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)


def states() -> dict[str, object]:
    """The state of each, which changes when numbers are drawn."""
    found: dict[str, object] = {"torch": torch.default_generator.get_state().numpy().tobytes()}
    found["random"] = random.getstate()
    if "numpy" in sys.modules:
        _, numbers, position, *_ = sys.modules["numpy"].random.get_state()
        found["numpy.random"] = (numbers.tobytes(), position)
    return found
