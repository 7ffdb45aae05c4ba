"""In what the chain of a student differs from that of the reference: step by step, with as few changes as will do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from grader.judge.chain import WEIGHTED, Kind, Step

# What it costs to leave a step out or put one in. A row of layers costs more than a few that are changed.
COSTS: dict[Kind, float] = {
    "convolution": 1.0,
    "linear": 1.5,
    "norm": 0.59,  # of a norm and an activation that changed places the norm has moved
    "activation": 0.6,
    "pooling": 0.8,
    "flatten": 0.5,
    "addition": 0.3,
}
# What it costs to change a step in this; all else is free, as redundant biases are.
CHANGED = {
    "kernel": 0.3,
    "stride": 0.3,
    "padding": 0.1,
    "dilation": 0.2,
    "groups": 0.2,
    "out": 0.4,
    "into": 0.1,
    "bias": 0.01,
}
OTHERWISE = 0.4
# The first shows in running statistics alone, the second where values are equal; the third is told by `Compared`.
FREE = ("momentum", "first", "back")
NAMES = tuple(each.name for each in fields(Step) if each.name not in ("kind", *FREE))


@dataclass(frozen=True)
class Pair:
    """A step of the reference and the student's for it, by their numbers; None where one of them has none."""

    wanted: int | None
    found: int | None


def align(wanted: Sequence[Step], found: Sequence[Step], *, open_end: bool = False) -> list[Pair]:
    """Pairs of steps, first to last, of which as little as possible is changed.

    Args:
        open_end: is it not known what the student's chain goes on with? Then the reference's last steps cost nothing.
    """
    if not open_end:
        # From the end: of several ways the one that pairs the first steps, so that what is too many comes behind them.
        last = (len(wanted) - 1, len(found) - 1)
        turned = _align(wanted[::-1], found[::-1], open_end=False)[::-1]
        return [
            Pair(*(None if n is None else end - n for n, end in zip((p.wanted, p.found), last, strict=True)))
            for p in turned
        ]
    return _align(wanted, found, open_end=True)


def _align(wanted: Sequence[Step], found: Sequence[Step], *, open_end: bool) -> list[Pair]:
    rows, columns = len(wanted) + 1, len(found) + 1
    cost = [[0.0] * columns for _ in range(rows)]
    for i in range(rows):
        for k in range(columns):
            if i or k:
                cost[i][k] = min(
                    cost[i - 1][k] + COSTS[wanted[i - 1].kind] if i else _NEVER,
                    cost[i][k - 1] + COSTS[found[k - 1].kind] if k else _NEVER,
                    cost[i - 1][k - 1] + difference(wanted[i - 1], found[k - 1]) if i and k else _NEVER,
                )
    k = columns - 1
    i = min(range(rows), key=lambda row: cost[row][k]) if open_end else rows - 1
    pairs = [Pair(row, None) for row in range(rows - 2, i - 1, -1)]
    while i or k:
        here = cost[i][k]
        if i and k and _is(here, cost[i - 1][k - 1] + difference(wanted[i - 1], found[k - 1])):
            i, k = i - 1, k - 1
            pairs.append(Pair(i, k))
        elif k and _is(here, cost[i][k - 1] + COSTS[found[k - 1].kind]):
            k -= 1
            pairs.append(Pair(None, k))
        else:
            i -= 1
            pairs.append(Pair(i, None))
    return pairs[::-1]


_NEVER = float("inf")


def _is(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9


def difference(one: Step, other: Step) -> float:
    """What it costs to make one step of another."""
    if one.kind != other.kind:
        return _NEVER
    return sum(CHANGED.get(name, OTHERWISE) for name in changed(one, other))


def changed(one: Step, other: Step) -> list[str]:
    """In which of their attributes two steps differ."""
    if one == other:
        return []
    return [name for name in NAMES if getattr(one, name) != getattr(other, name)]


def usual_row(steps: Sequence[Step]) -> tuple[Kind, ...]:
    """The kinds of steps that a layer most often goes with, up to the next layer, but for additions."""
    rows: Counter[tuple[Kind, ...]] = Counter()
    steps = [step for step in steps if step.kind != "addition"]
    starts = [number for number, step in enumerate(steps) if step.kind in WEIGHTED]
    for start, stop in pairwise(starts):
        rows[tuple(step.kind for step in steps[start:stop])] += 1
    return max(rows, key=lambda row: rows[row]) if rows else ()


def is_rows(kinds: Sequence[Kind], row: Sequence[Kind]) -> bool:
    """Are these the steps of one such row or several, whichever comes first, with or without additions?"""
    kinds = [kind for kind in kinds if kind != "addition"]
    if not row or not kinds or len(kinds) % len(row):
        return False
    turned = [tuple(row[i:]) + tuple(row[:i]) for i in range(len(row))]
    return tuple(kinds) in [each * (len(kinds) // len(row)) for each in turned]
