"""Which steps of two drawings correspond: a sequence alignment, main path with main path and skip path with skip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from grader.pictures import Flow, Pair, Step

Item = TypeVar("Item")
NEVER = 4.0  # dearer than to leave both alone
# What it costs to leave a step alone: where two steps are exchanged, it is the lesser one that is out of place.
GAPS = {"join": 1.6, "layer": 1.4, "norm": 1.2}
GAP = 1.0
ALIKE = {"layer": 0.6, "norm": 0.7, "activation": 0.8, "join": 0.8, "pool": 0.8}


def aligned(
    mine: Sequence[Item], theirs: Sequence[Item], cost: Callable[[Item, Item], float], gap: Callable[[Item], float]
) -> list[Pair]:
    """Positions that correspond, in the order of both; what is alone has None beside it.

    Args:
        cost: of two that correspond.
        gap: of one that is alone.
    """
    start = 0
    while start < min(len(mine), len(theirs)) and cost(mine[start], theirs[start]) == 0:
        start += 1
    end = 0
    while end < min(len(mine), len(theirs)) - start and cost(mine[-1 - end], theirs[-1 - end]) == 0:
        end += 1
    middle = _aligned(mine[start : len(mine) - end], theirs[start : len(theirs) - end], cost, gap)
    found: list[Pair] = [(i, i) for i in range(start)]
    found += [(None if i is None else i + start, None if j is None else j + start) for i, j in middle]
    return found + [(len(mine) - i, len(theirs) - i) for i in range(end, 0, -1)]


def _aligned(
    mine: Sequence[Item], theirs: Sequence[Item], cost: Callable[[Item, Item], float], gap: Callable[[Item], float]
) -> list[Pair]:
    """The cheapest alignment, by the cheapest of every two beginnings."""
    rows, columns = len(mine), len(theirs)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    step: list[list[tuple[int, int]]] = [[(0, 1)] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(columns + 1):
            ways = []
            if i and j:
                ways.append((best[i - 1][j - 1] + cost(mine[i - 1], theirs[j - 1]), (1, 1)))
            if i:
                ways.append((best[i - 1][j] + gap(mine[i - 1]), (1, 0)))
            if j:
                ways.append((best[i][j - 1] + gap(theirs[j - 1]), (0, 1)))
            if ways:
                best[i][j], step[i][j] = min(ways, key=lambda way: way[0])
    found: list[Pair] = []
    i, j = rows, columns
    while i or j:
        down, right = step[i][j]
        i, j = i - down, j - right
        found.append((i if down else None, j if right else None))
    return found[::-1]


def gap_of(step: Step) -> float:
    """What it costs to leave a step alone."""
    return GAPS.get(step.kind, GAP)


def unlike(mine: Step, theirs: Step) -> float:
    """From 0, where two steps say the same, to more than they cost apart."""
    if mine.says == theirs.says and mine.kind == theirs.kind:
        same = mine.detail == theirs.detail or mine.kind in ("input", "activation")
        return 0.0 if same else 0.3
    return ALIKE.get(mine.kind, NEVER) if mine.kind == theirs.kind else NEVER


def pairs_of(mine: Flow, theirs: Flow) -> tuple[Pair, ...]:
    """The steps of two flows that correspond: those of the main path, then those of the skip."""
    found: list[Pair] = []
    for on_skip in (False, True):
        my, their = ([i for i, step in enumerate(f.steps) if step.on_skip == on_skip] for f in (mine, theirs))
        pairs = aligned([mine.steps[i] for i in my], [theirs.steps[i] for i in their], unlike, gap_of)
        found += [(None if i is None else my[i], None if j is None else their[j]) for i, j in pairs]
    return tuple(found)


def distance(mine: Flow, theirs: Flow) -> float:
    """How far apart two drawings are."""
    total = 0.0
    for i, j in pairs_of(mine, theirs):
        if i is not None and j is not None:
            total += unlike(mine.steps[i], theirs.steps[j])
        else:
            total += gap_of(mine.steps[i] if i is not None else theirs.steps[j or 0])
    return total
