"""Fresh numbers: inputs, weights and cotangents. A draw depends on the seed and on what it is for, on nothing else.

So the student's module and the reference get equal values in equal slots, whatever order they are asked in, and the
reference's answers can be kept from one submission to the next.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

import torch
from torch import Tensor

from grader.assignment import Drawn
from grader.judge.slots import Slot
from grader.observation import Probe, Recipe

# How much smaller the numbers of a branch are: what an `if` takes for no signal. The branch of a pre-activation block
# shrinks with the square.
FAINT: dict[Recipe, float] = {"faint-branch": 1e-3, "fainter-branch": 1e-6}
SILENT: tuple[Recipe, ...] = ("zero-branch", "constant-branch")
OF_BRANCH = frozenset({*SILENT, *FAINT})
# With what a batch norm starts.
NEW: dict[str, float] = {"scale": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}
LONG = 65_537  # a prime number: where a long draw is repeated, rows of a weight do not repeat with it
SMALL = 1 << 13  # numbers in a draw that is kept
WIDE, MOST_WIDE = 1 << 18, 16  # numbers in a value of a wide block that is kept, and how many are: 32 MiB
MOST_MEDIUM = 64  # longer ones that are kept, up to LONG: 32 MiB


def draw_input(seed: int, size: list[int], probe: Probe) -> Tensor:
    """Input of a probe, batch × `size`, in float64."""
    return probe.shift + probe.scale * _normal(seed, f"input {probe.name}", input_shape(size, probe))


def input_shape(size: list[int], probe: Probe) -> tuple[int, ...]:
    """Shape of a probe's input, batch included, in a case whose declared size is this."""
    if len(size) == 3:
        size = [size[0], max(1, size[1] + probe.grow[0]), max(1, size[2] + probe.grow[1])]
    return (probe.batch, *size)


def draw_cotangent(seed: int, shape: list[int], probe: Probe) -> Tensor:
    """What a probe's output is multiplied with before the backward pass."""
    drawn = _normal(seed, f"cotangent {probe.name}", tuple(shape))
    return drawn if probe.pull == 1.0 else probe.pull * drawn


def draw_value(seed: int, slot: Slot, recipe: Recipe, *, in_branch: bool) -> Tensor:
    """The value of one parameter or buffer under a recipe."""
    if recipe == "zero" or (in_branch and recipe in SILENT):
        if recipe == "constant-branch" and slot.role == "shift":
            return _random_value(seed, slot)
        return torch.full(slot.shape, float(slot.role == "variance"), dtype=torch.float64)
    if recipe == "alike":
        slot = Slot(slot.role, slot.shape, 0)
    if recipe == "new-norms" and slot.role in NEW:
        return torch.full(slot.shape, NEW[slot.role], dtype=torch.float64)
    if in_branch and recipe in FAINT and slot.role != "variance":
        return FAINT[recipe] * _random_value(seed, slot)
    return _random_value(seed, slot)


def _random_value(seed: int, slot: Slot) -> Tensor:
    size = math.prod(slot.shape)
    if size <= SMALL:
        return _small_value(seed, slot)
    # The weights of wide networks, which come in all sizes, would fill the memory if they were kept.
    return _wide_value(seed, slot) if size <= WIDE else _fresh_value(seed, slot)


@lru_cache(maxsize=4096)
def _small_value(seed: int, slot: Slot) -> Tensor:
    return _fresh_value(seed, slot)


@lru_cache(maxsize=MOST_WIDE)
def _wide_value(seed: int, slot: Slot) -> Tensor:
    return _fresh_value(seed, slot)


def _fresh_value(seed: int, slot: Slot) -> Tensor:
    normal = _normal(seed, f"value {slot}", slot.shape)
    match slot.role:
        case "weight":
            # Keeps the signal's size through ReLU layers, so that no difference drowns or explodes.
            return normal * 1.4 / math.sqrt(max(1, math.prod(slot.shape[1:])))
        case "scale":
            # Away from zero and of both signs: a positive scale would hide a ReLU in the wrong place.
            return (0.5 + normal.abs()) * torch.where(_normal(seed, f"sign {slot}", slot.shape) > -0.5, 1.0, -1.0)
        case "variance":
            return 0.5 + normal.abs()
        case _:
            return 0.5 * normal


def _normal(seed: int, purpose: str, shape: tuple[int, ...]) -> Tensor:
    size = math.prod(shape)
    if size <= SMALL:
        return _small_draw(seed, purpose, shape)
    if size <= LONG:
        return _medium_draw(seed, purpose, shape)
    # Millions of numbers are one long draw again and again, from another place for each purpose.
    start = _number(seed, purpose) % LONG
    return _long_draw(seed).repeat(2 + size // LONG)[start : start + size].view(shape)


@lru_cache(maxsize=1024)
def _small_draw(seed: int, purpose: str, shape: tuple[int, ...]) -> Tensor:
    return _draw(seed, purpose, shape)


@lru_cache(maxsize=MOST_MEDIUM)
def _medium_draw(seed: int, purpose: str, shape: tuple[int, ...]) -> Tensor:
    return _draw(seed, purpose, shape)


@lru_cache(maxsize=1)
def _long_draw(seed: int) -> Tensor:
    return _draw(seed, "long", (LONG,))


def _draw(seed: int, purpose: str, shape: tuple[int, ...]) -> Tensor:
    generator = torch.Generator().manual_seed(_number(seed, purpose))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _number(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=7).digest(), "little")


def draw_argument(seed: int, purpose: str, drawn: Drawn, scale: float) -> Tensor:
    """An argument of a function: float64 around its mean, `scale` times as wide as it says, or int64 in its bounds."""
    shape = tuple(drawn.shape)
    if drawn.low is not None and drawn.high is not None:
        generator = torch.Generator().manual_seed(_number(seed, purpose))
        return torch.randint(drawn.low, drawn.high, shape, generator=generator)
    return drawn.mean + scale * drawn.spread * _draw(seed, purpose, shape)
