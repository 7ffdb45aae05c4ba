"""Which value of one graph plays the part of which value of another: by role and place, never by name.

Every parameter and buffer gets a *slot*: its role (weight, scale, shift, slope, mean, variance), its shape, and its
number among those of the same role and shape in a canonical order over the graph (see `leaves`). Equal slots of the
student's module and of the reference hold equal values; whether that pairing was right is then a matter of numbers
alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice, permutations, product
from typing import Literal

from grader.judge.keeping import Keeping

Role = Literal["weight", "scale", "shift", "slope", "mean", "variance"]
MOST_EXCHANGES = 24  # ways to fill like slots that are tried
TOLD = 6  # of a place's order so many numbers tell what it is for; the others depend on style


def is_learnable(role: Role) -> bool:
    """Is it a parameter's, and not a buffer's?"""
    return role not in ("mean", "variance")


@dataclass(frozen=True, order=True)
class Slot:
    """A part that a parameter or buffer plays. `shape` is canonical: outputs and inputs of each output for weights
    (so that a 3×3 convolution's weight is the same as a matrix for unfolded patches), one number for the others."""

    role: Role
    shape: tuple[int, ...]
    index: int

    @property
    def learnable(self) -> bool:
        return is_learnable(self.role)


@dataclass(frozen=True)
class Place:
    """A leaf of a graph and where in the graph it acts."""

    key: str
    role: Role
    shape: tuple[int, ...]
    order: tuple[float, ...] = ()
    keeping: Keeping | None = None  # of a weight that is not kept as outputs × inputs


def layout(places: Iterable[Place]) -> Counter[tuple[object, ...]]:
    """Roles and shapes with how deep and how high they stand: tells a bias of one layer from that of another."""
    return Counter((place.role, place.shape, *place.order[:2]) for place in places)


class Signature(Counter[tuple[Role, tuple[int, ...]]]):
    """How many slots of each role and shape; not to be changed. None is counted zero times, so that two compare as
    dictionaries do: a search compares thousands."""

    __eq__ = dict.__eq__
    __ne__ = dict.__ne__

    def __hash__(self) -> int:  # type: ignore[override]
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(frozenset(self.items()))


def fill_slots(places: Iterable[Place]) -> dict[Slot, str]:
    """The key that fills each slot, in canonical order."""
    groups: dict[tuple[Role, tuple[int, ...]], list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: place.order):
        groups[place.role, place.shape].append(place)
    return {
        Slot(role, shape, index): place.key
        for (role, shape), group in groups.items()
        for index, place in enumerate(group)
    }


def relabellings(filled: Mapping[Slot, str], most: int = MOST_EXCHANGES) -> Iterator[dict[Slot, str]]:
    """Other ways to fill the slots: keys exchanged among slots of one role and shape.

    The four vectors of a batch norm move together, and so the vectors of one length that there are equally many of.
    """
    groups: dict[tuple[bool, tuple[int, ...], int], list[Role]] = defaultdict(list)
    counts = signature(filled)
    for (role, shape), number in counts.items():
        if number > 1:
            groups[role == "weight", shape, number].append(role)
    ways = [
        [
            {Slot(role, shape, i): filled[Slot(role, shape, j)] for role in roles for i, j in enumerate(order)}
            for order in islice(permutations(range(number)), most)  # seven like layers have 5,040 orders
        ]
        for (_, shape, number), roles in groups.items()
    ]
    for chosen in islice(product(*ways), 1, most):
        exchanged = dict(filled)
        for change in chosen:
            exchanged.update(change)
        yield exchanged


def ties(places: Iterable[Place]) -> tuple[tuple[Slot, ...], ...]:
    """Runs of slots that only style orders: like layers side by side, as those of query, key and value are."""
    groups: dict[tuple[Role, tuple[int, ...]], list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: place.order):
        groups[place.role, place.shape].append(place)
    runs: list[tuple[Slot, ...]] = []
    for (role, shape), group in groups.items():
        numbered = ((place.order[:TOLD], Slot(role, shape, i)) for i, place in enumerate(group))
        for _, run in groupby(numbered, key=lambda pair: pair[0]):
            tied = tuple(slot for _, slot in run)
            if len(tied) > 1:
                runs.append(tied)
    return tuple(runs)


def exchanges(filled: Mapping[Slot, str], runs: Iterable[tuple[Slot, ...]]) -> Iterator[dict[Slot, str]]:
    """Other ways to fill the slots of tied runs. All runs of one length are exchanged alike: weights and biases belong
    together, and so do the layers of one head and of the next."""
    by_length: dict[int, list[tuple[Slot, ...]]] = defaultdict(list)
    for run in runs:
        by_length[len(run)].append(run)
    orders = [islice(permutations(range(length)), MOST_EXCHANGES) for length in by_length]
    for chosen in islice(product(*orders), 1, MOST_EXCHANGES):
        exchanged = dict(filled)
        for order, alike in zip(chosen, by_length.values(), strict=True):
            for run in alike:
                exchanged.update({run[i]: filled[run[j]] for i, j in enumerate(order)})
        yield exchanged


def signature(filled: Iterable[Slot]) -> Signature:
    """How many slots of each role and shape: two modules can only be aligned if these agree."""
    return Signature((slot.role, slot.shape) for slot in filled)
