"""What is to be said about the differences of two chains: which of them belong together, as one mistake does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Literal

from grader.judge.chain import WEIGHTED, Link, Step
from grader.judge.chain_changes import Pair, align, changed, is_rows, usual_row
from grader.judge.chain_edits import Item

Topic = Literal[
    "activation missing",
    "norm missing",
    "missing",
    "extra",
    "order",
    "changed",
    "kernel",
    "stride",
    "width",
    "length",
    "shortcut",
    "shared",
]
MOST_TOPICS = 4  # of what differs in more than that no cause is named
OF_FIELD: dict[str, Topic] = {
    "kernel": "kernel",
    "padding": "kernel",
    "stride": "stride",
    "out": "width",
    "into": "width",
    "shared": "shared",
}


@dataclass(frozen=True)
class Difference:
    """One step that differs.

    Attributes:
        wanted, found: the reference's and the student's, None where there is none.
        name: in which of its attributes, if both are there.
        row: the number of the reference's layer that it belongs to; -1 in front of all.
        at: the number of the student's step; of one that is missing, of the step in front of it; -1 if there is none.
    """

    topic: Topic
    wanted: Step | None
    found: Step | None
    row: int
    at: int
    name: str = ""


class Compared:
    """The chain that a student's network is to be, and the one that it is.

    Args:
        links: the student's steps that ran.
        raised: the layer that raised, if one did.
        bias_free: may a convolution in front of a batch norm have a bias?
        of_part: is it a part of a network? There it is not told how many rows of layers there are.
    """

    def __init__(
        self,
        wanted: Sequence[Step],
        found: Sequence[Step],
        links: Sequence[Link],
        pairs: Sequence[Pair],
        *,
        bias_free: bool,
        raised: str = "",
        of_part: bool = False,
    ) -> None:
        self.wanted = wanted
        self.found = found
        self.links = links
        self.raised = raised
        self.pairs = pairs
        self._bias_free = bias_free
        self._rows = set() if of_part else {usual_row(wanted), usual_row(found)}

    @staticmethod
    def of(wanted: Sequence[Link], links: Sequence[Link], *, bias_free: bool, of_part: bool = False) -> Compared:
        """One that ran, beside what it is to be."""
        steps, found = [link.step for link in wanted], [link.step for link in links]
        return Compared(steps, found, links, align(steps, found), bias_free=bias_free, of_part=of_part)

    @property
    def items(self) -> list[Item]:
        """The student's steps, and which of the reference's they are."""
        return [Item(self.found[pair.found], pair.wanted) for pair in self.pairs if pair.found is not None]

    @cached_property
    def differences(self) -> list[Difference]:
        """All that is to be said, first to last."""
        found = [*self._missing_and_extra(), *self._changed()]
        # Where steps stand elsewhere it cannot be told which value is the same one.
        is_moved = any(each.topic in ("order", "length") for each in found)
        return [each for each in found if each.name != "back" or not is_moved]

    def _missing_and_extra(self) -> Iterator[Difference]:
        left: list[int] = []
        for kind, run in groupby(range(len(self.pairs)), key=lambda n: self._is_apart(self.pairs[n])):
            numbers = list(run)
            steps = [step for n in numbers if (step := self._step(n)) is not None]
            if kind and any(is_rows([step.kind for step in steps], row) for row in self._rows):
                yield self._difference("length", numbers[0])
            elif kind:
                left += numbers
        moved: set[int] = set()
        for n, other in self._moves(left):
            moved |= {n, other}
            wanted, found = (n, other) if self.pairs[n].found is None else (other, n)
            at = self.pairs[found].found or 0
            yield replace(self._difference("order", wanted), found=self._found(found), at=at)
        for n in left:
            step = self._step(n)
            # What no pooling made one pixel has to become one row.
            follows = step is not None and step.kind == "flatten" and self._pools_otherwise
            if n not in moved and not follows:
                yield self._difference(self._topic(n), n)

    def _changed(self) -> Iterator[Difference]:
        for n, pair in enumerate(self.pairs):
            wanted, found = self._wanted(n), self._found(n)
            if wanted is None or found is None or pair.wanted is None:
                continue
            names = changed(wanted, found)
            for name in names:
                if name == "padding" and "kernel" in names and found.pads_as_usual:
                    continue  # goes with it
                if name == "into" and self._pools_otherwise:
                    continue  # so does it, as what is given is another number
                if name == "bias":
                    follower = self.wanted[pair.wanted + 1].kind if pair.wanted + 1 < len(self.wanted) else ""
                    if found.bias and found.kind == "convolution" and follower == "norm" and self._bias_free:
                        continue
                    yield self._difference("extra" if found.bias else "missing", n, name)
                    continue
                # Another layer altogether, as the stem of an ImageNet network: one mistake.
                field = "kernel" if name == "stride" and "kernel" in names else name
                yield self._difference(OF_FIELD.get(field, "changed"), n, name)
            if wanted.kind == "addition" and not self._adds_alike(pair):
                yield self._difference("changed", n, "back")

    def _adds_alike(self, pair: Pair) -> bool:
        """Does an addition add the same earlier value? Steps that are missing or too many on the way do not count."""
        assert pair.wanted is not None
        assert pair.found is not None
        wanted = pair.wanted - self.wanted[pair.wanted].back - 1
        found = pair.found - self.found[pair.found].back - 1
        known = [each for each in self.pairs if each.wanted is not None and each.found is not None]
        return self._last(known, "wanted", wanted) == self._last(known, "found", found)

    @staticmethod
    def _last(known: Sequence[Pair], side: str, number: int) -> Pair | None:
        """The last step up to a number that both have; None if there is none."""
        return next((each for each in reversed(known) if getattr(each, side) <= number), None)

    def _topic(self, n: int) -> Topic:
        wanted, found = self._wanted(n), self._found(n)
        if found is not None:
            return "shortcut" if found.kind == "addition" else "extra"
        assert wanted is not None
        if wanted.kind == "activation":
            return "activation missing"
        return "norm missing" if wanted.kind == "norm" else "missing"

    @cached_property
    def _pools_otherwise(self) -> bool:
        """Is a pooling another one, missing or too many?"""
        pairs = [(self._wanted(n), self._found(n)) for n in range(len(self.pairs))]
        return any(one != other and "pooling" in (one and one.kind, other and other.kind) for one, other in pairs)

    def _is_apart(self, pair: Pair) -> Literal["", "missing", "extra"]:
        if pair.wanted is None:
            return "extra"
        return "missing" if pair.found is None else ""

    def _moves(self, left: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Pairs of a step that is missing in one place and too many in another: several in a row wherever they went,
        single ones not far away."""
        moved: set[int] = set()
        runs: list[list[int]] = []
        for n in left:
            if runs and runs[-1][-1] == n - 1 and self._is_apart(self.pairs[n]) == self._is_apart(self.pairs[n - 1]):
                runs[-1].append(n)
            else:
                runs.append([n])
        for number, run in enumerate(runs):
            for other in runs[number + 1 :]:
                if len(run) == len(other) > 1 and not moved & {*run, *other} and self._is_alike(run, other):
                    moved |= {*run, *other}
                    yield from zip(run, other, strict=True)
        for n in left:
            to = next((m for m in left if m > n and not moved & {n, m} and self._is_moved(n, m)), None)
            if to is not None:
                moved |= {n, to}
                yield n, to

    def _is_alike(self, run: Sequence[int], other: Sequence[int]) -> bool:
        """Are these the same steps, there in the one place and not in the other?"""
        steps = [[self._step(n) for n in each] for each in (run, other)]
        kinds = [[(step.kind, step.what) for step in each if step is not None] for each in steps]
        return kinds[0] == kinds[1] and self._is_apart(self.pairs[run[0]]) != self._is_apart(self.pairs[other[0]])

    def _is_moved(self, n: int, m: int) -> bool:
        """Is it one step that stands in another place, not more than one layer away?"""
        steps = [self._step(n), self._step(m)]
        one, other = steps
        if one is None or other is None or one.kind in WEIGHTED or (one.kind, one.what) != (other.kind, other.what):
            return False
        if self._is_apart(self.pairs[n]) == self._is_apart(self.pairs[m]):
            return False
        between = [self._found(i) for i in range(n + 1, m)]
        return sum(step is not None and step.kind in WEIGHTED for step in between) <= 1

    def _difference(self, topic: Topic, n: int, name: str = "") -> Difference:
        before = [pair.found for pair in self.pairs[: n + 1] if pair.found is not None]
        return Difference(topic, self._wanted(n), self._found(n), self._row(n), before[-1] if before else -1, name)

    def _row(self, n: int) -> int:
        steps = map(self._wanted, range(n + 1))
        return sum(step is not None and step.kind in WEIGHTED for step in steps) - 1

    def _step(self, n: int) -> Step | None:
        """The reference's, else the student's."""
        return self._wanted(n) or self._found(n)

    def _wanted(self, n: int) -> Step | None:
        number = self.pairs[n].wanted
        return None if number is None else self.wanted[number]

    def _found(self, n: int) -> Step | None:
        number = self.pairs[n].found
        return None if number is None else self.found[number]

    # ------------------------------------------------------------------ rows

    def rows_of(self, kind: str) -> set[int]:
        """The numbers of the reference's layers that are such a step, or are followed by one before the next layer."""
        found: set[int] = set()
        row = -1
        for step in self.wanted:
            row += step.kind in WEIGHTED
            if step.kind == kind:
                found.add(row)
        return found

    def orders(self, moved: Sequence[Difference]) -> tuple[list[Step], list[Step]]:
        """The steps of a layer as they stand and as they should, as far as these moved ones of it reach."""
        row, starts = moved[0].row, [number for number, step in enumerate(self.wanted) if step.kind in WEIGHTED]
        start = starts[max(0, row)]
        end = next((number for number in starts if number > start), len(self.wanted))
        places = [each.at for each in moved if each.row == row]
        first = min(*places, self.layer_at(row))
        size = min(max(end - start, max(places) - first + 1), end - start + 1)  # one may come from far away
        return list(self.found[first : first + size]), list(self.wanted[start : start + size])

    def layer_at(self, row: int) -> int:
        """The number of the student's step that is the reference's layer with a number; 0 if there is none."""
        starts = [number for number, step in enumerate(self.wanted) if step.kind in WEIGHTED]
        layer = starts[max(0, row)]
        return next((pair.found for pair in self.pairs if pair.wanted == layer and pair.found is not None), 0)
