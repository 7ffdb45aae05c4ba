"""Where the steps of a drawing stand: the main path straight down, what runs beside it in lanes at its side.

A layout of layers, as of commits in a history: rows are given by how deep a step is, lanes by which chain
it is part of.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.pictures import Flow, Pair

Rows = dict[int, int]


@dataclass(frozen=True)
class Lane:
    """A column: wide enough for boxes, or only for a line."""

    wide: bool


@dataclass(frozen=True)
class Edge:
    """From a step to one that reads it, down a lane; None where it is straight on."""

    start: int
    end: int
    lane: int | None
    on_skip: bool


@dataclass
class Layout:
    """Lane and row of each step, and the way of each edge."""

    rows: Rows
    lane: dict[int, int] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def lay_out(flow: Flow, rows: Rows | None = None) -> Layout:
    """A layout, with the rows that were chosen for two drawings side by side, or with rows of its own."""
    layout = Layout(rows or depths(flow))
    chains = _chains(flow)
    chain_of = {step: number for number, chain in enumerate(chains) for step in chain}
    room = _Room(layout)
    for number, chain in enumerate(chains):
        first, last = layout.rows[chain[0]], layout.rows[chain[-1]]
        sources = [layout.rows[i] for i in flow.steps[chain[0]].reads]
        targets = [layout.rows[i] for i, step in enumerate(flow.steps) if chain[-1] in step.reads]
        lane = room.take(min([first, *sources]), max([last, *targets[:1]]), wide=True) if number else room.main()
        layout.lane.update(dict.fromkeys(chain, lane))
    skips = set(flow.skips)
    for end, step in enumerate(flow.steps):
        for start in step.reads:
            lane = _lane(flow, layout, chains, chain_of, start, end)
            if lane == OWN:
                lane = room.take(layout.rows[start], layout.rows[end], wide=(start, end) in skips)
            layout.edges.append(Edge(start, end, lane if lane != STRAIGHT else None, (start, end) in skips))
    return layout


STRAIGHT, OWN = -1, -2


def _lane(flow: Flow, layout: Layout, chains: list[list[int]], chain_of: dict[int, int], start: int, end: int) -> int:
    """Down which lane an edge goes."""
    mine, other = chains[chain_of[start]], chains[chain_of[end]]
    if mine is other and mine.index(end) == mine.index(start) + 1:
        return STRAIGHT
    if other[0] == end and mine is not other and flow.steps[end].reads[0] == start:
        return layout.lane[end]
    readers = [i for i, step in enumerate(flow.steps) if start in step.reads]
    if mine[-1] == start and mine is not other and readers[0] == end:
        return layout.lane[start]
    return OWN


def depths(flow: Flow) -> Rows:
    """The row of each step: one below the lowest that it reads."""
    rows: Rows = {}
    for number, step in enumerate(flow.steps):
        rows[number] = max((rows[i] + 1 for i in step.reads), default=0)
    return rows


def _chains(flow: Flow) -> list[list[int]]:
    """The main path, with the most layers and not on the skip; then what is left, path by path."""
    score: list[int] = []
    before: list[int | None] = []
    for step in flow.steps:
        best = max(step.reads, key=lambda i: score[i], default=None)
        own = 0 if step.on_skip else 10 if step.kind == "layer" else 1
        score.append(own + (score[best] if best is not None else 0))
        before.append(best)
    main: list[int] = []
    at: int | None = len(flow.steps) - 1
    while at is not None:
        main.append(at)
        at = before[at]
    chains = [main[::-1]]
    taken = set(main)
    for number in range(len(flow.steps)):
        if number in taken:
            continue
        chain = [number]
        taken.add(number)
        while True:
            following = next(
                (i for i, step in enumerate(flow.steps) if chain[-1] in step.reads and i not in taken), None
            )
            if following is None:
                break
            chain.append(following)
            taken.add(following)
        chains.append(chain)
    return chains


class _Room:
    """Lanes and the rows of them that are taken."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._taken: list[list[tuple[int, int]]] = []

    def main(self) -> int:
        """The first lane, for the main path alone."""
        self._layout.lanes.append(Lane(wide=True))
        self._taken.append([(-1, 1 << 20)])
        return 0

    def take(self, start: int, end: int, *, wide: bool) -> int:
        """The first lane that is free between two rows."""
        for number, (lane, taken) in enumerate(zip(self._layout.lanes, self._taken, strict=True)):
            if lane.wide == wide and all(end <= first or last <= start for first, last in taken):
                taken.append((start, end))
                return number
        self._layout.lanes.append(Lane(wide))
        self._taken.append([(start, end)])
        return len(self._taken) - 1


# ------------------------------------------------------------------ two drawings side by side


@dataclass
class Shared:
    """Rows in which two drawings can be compared.

    Attributes:
        mine, theirs: the row of each step.
        missing: steps of the reference that the student's drawing lacks, with the row they would stand in.
        count: how many rows there are.
    """

    mine: Rows
    theirs: Rows
    missing: Rows
    count: int


def shared_rows(mine: Flow, theirs: Flow, pairs: tuple[Pair, ...]) -> Shared | None:
    """Rows for both; None where a drawing is no path with one skip."""
    crossed = any(
        i is not None and j is not None and mine.steps[i].on_skip != theirs.steps[j].on_skip for i, j in pairs
    )
    if crossed or not (is_block(mine) and is_block(theirs)):
        return None
    found = Shared({}, {}, {}, 0)
    main = [pair for pair in pairs if not _on_skip(mine, theirs, pair)]
    skip = [pair for pair in pairs if _on_skip(mine, theirs, pair)]
    for row, (i, j) in enumerate(main):
        _place(found, i, j, row)
    found.count = len(main)
    if skip:
        _place_skip(found, mine, theirs, skip)
    return found


def _place(found: Shared, i: int | None, j: int | None, row: int) -> None:
    if i is not None:
        found.mine[i] = row
    if j is not None:
        found.theirs[j] = row
        if i is None:
            found.missing[j] = row


def _place_skip(found: Shared, mine: Flow, theirs: Flow, skip: list[Pair]) -> None:
    """In the middle between where the skip begins and where it ends; with more room there, if it needs it."""
    ends = [_ends(flow, rows) for flow, rows in ((mine, found.mine), (theirs, found.theirs))]
    start = max(first for first, _ in ends)
    stop = min(last for _, last in ends)
    lacking = len(skip) - (stop - start - 1)
    if lacking > 0:
        for rows in (found.mine, found.theirs, found.missing):
            rows.update({step: row + lacking for step, row in rows.items() if row >= stop})
        found.count += lacking
        stop += lacking
    first = start + 1 + (stop - start - 1 - len(skip)) // 2
    for number, (i, j) in enumerate(skip):
        _place(found, i, j, first + number)


def _ends(flow: Flow, rows: Rows) -> tuple[int, int]:
    """The rows where a skip path begins and ends; all of the drawing where there is none."""
    main = [rows[i] for i, step in enumerate(flow.steps) if not step.on_skip]
    skip = {i for i, step in enumerate(flow.steps) if step.on_skip}
    starts = [rows[a] for a, _ in flow.skips if a not in skip]
    stops = [rows[b] for _, b in flow.skips if b not in skip]
    return min(starts, default=min(main)), max(stops, default=max(main))


def _on_skip(mine: Flow, theirs: Flow, pair: Pair) -> bool:
    i, j = pair
    return mine.steps[i].on_skip if i is not None else j is not None and theirs.steps[j].on_skip


def is_block(flow: Flow) -> bool:
    """Is it one path, with at most one path beside it?"""
    before: int | None = None
    before_skip: int | None = None
    for number, step in enumerate(flow.steps):
        main = [i for i in step.reads if not flow.steps[i].on_skip]
        beside = [i for i in step.reads if flow.steps[i].on_skip]
        if step.on_skip:
            if step.reads != ((before_skip,) if before_skip is not None else tuple(main[:1])):
                return False
            before_skip = number
            continue
        if (before is None) != (not main) or (before is not None and before not in main):
            return False
        others = [i for i in main if i != before]
        if any((i, number) not in flow.skips for i in others) or len(others) + len(beside) > 1:
            return False
        before = number
    return True
