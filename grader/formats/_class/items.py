"""Item analysis: how hard an exercise or a check is, and whether it tells strong students from weak ones.

difficulty       the mean share of its points, 0 to 1, over those in whom it is decided; the larger, the easier
discrimination   the corrected item-total correlation: Pearson's correlation, over students, between the share of the
                 item's points and the share of the points of all *other* items together.
                 J. P. Guilford, The correlation of an item with a composite of the remaining items in a test,
                 Educational and Psychological Measurement 13 (1953), 87-93.

    r = Σ (x - x̄)(y - ȳ) / √(Σ (x - x̄)² · Σ (y - ȳ)²)      x: the item, y: the rest

The item itself is left out of the rest, since it would agree with itself. Points that are pending, or that the grader
failed on, are in neither. Where nothing is pending, the share of the rest's points is the rest's sum but for a factor,
so that r is what textbooks call by this name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from grader.verdict import CheckResult, Report, Status

FEWEST = 20  # students; with fewer, chance alone gives |r| > 0.44 more often than once in twenty
_DISTINCT = 1_000  # items that are counted, whatever comes
_EQUAL = 1e-12  # variance below which all are alike
_NOTHING = 1e-9  # points
_NORMAL_95 = 1.959964  # standard deviations that hold 95 % of a normal distribution
LOST = frozenset({Status.FAILED, Status.STUDENT_CRASHED, Status.TIMED_OUT})
OPEN = frozenset(status for status in Status if status.pending)


class _Part(NamedTuple):
    """Checks of one student, summed up."""

    won: float  # points, of the checks that are decided
    most: float  # points there are in those
    all_points: float
    passed: bool  # all of them
    failed: bool  # one of them
    pending: bool  # one of them

    @classmethod
    def of(cls, checks: Sequence[CheckResult]) -> _Part:
        won = most = pending = 0.0
        passed, failed, open_ = True, False, False
        for check in checks:
            status = check.status
            passed = passed and status is Status.PASSED
            failed = failed or status in LOST
            if status in OPEN:
                open_, pending = True, pending + check.max_score
            else:
                won, most = won + check.score, most + check.max_score
        return cls(won, most, most + pending, passed, failed, open_)


@dataclass
class Item:
    """Sums over the students. Deviations from the mean are summed, not squares, which would cancel."""

    max_score: float = 0.0
    decided: int = 0  # students in whom at least a part of its points is decided
    full: int = 0  # students who pass all of it
    failed: int = 0  # students who fail it, though points may be kept: a mistake costs once
    pending: int = 0  # students in whom at least a part is left to a human
    difficulty: float = 0.0
    compared: int = 0  # students in whom the rest is decided too
    _x: float = 0.0
    _y: float = 0.0
    _xx: float = 0.0
    _yy: float = 0.0
    _xy: float = 0.0

    def count(self, part: _Part, won: float, most: float, *, read: bool) -> None:
        """Count a student, with what is decided of all items that are compared."""
        self.max_score = part.all_points
        self.full += part.passed
        self.failed += part.failed
        self.pending += part.pending
        if read and part.most > 0:
            others = most - part.most
            self.add(part.won / part.most, (won - part.won) / others if others > _NOTHING else None)

    def add(self, share: float, rest: float | None) -> None:
        """Count a student's shares.

        Args:
            share: of the points of this item that are decided, 0 to 1.
            rest: the same of all other items; None where none of them is decided.
        """
        self.decided += 1
        self.difficulty += (share - self.difficulty) / self.decided
        if rest is None:
            return
        self.compared += 1
        off_x, off_y = share - self._x, rest - self._y
        self._x += off_x / self.compared
        self._y += off_y / self.compared
        self._xx += off_x * (share - self._x)
        self._yy += off_y * (rest - self._y)
        self._xy += off_x * (rest - self._y)

    @property
    def few(self) -> bool:
        """Are there too few students to say how well it discriminates?"""
        return self.compared < FEWEST

    @property
    def alike(self) -> bool:
        """Have all the same share, of this item or of the rest? Then there is nothing to correlate."""
        return min(self._xx, self._yy) <= _EQUAL * max(1, self.compared)

    @property
    def discrimination(self) -> float | None:
        """From -1 to 1; None where it cannot be told."""
        if self.few or self.alike:
            return None
        return max(-1.0, min(1.0, self._xy / math.sqrt(self._xx * self._yy)))

    @property
    def certain(self) -> bool:
        """Is the correlation further from 0 than chance puts it once in twenty times (Fisher's z)?"""
        value = self.discrimination
        if value is None:
            return False
        return abs(value) == 1.0 or abs(math.atanh(value)) * math.sqrt(self.compared - 3) > _NORMAL_95


@dataclass
class Items:
    """All items of the class: exercises by their ids, checks by exercise and check."""

    exercises: dict[str, Item] = field(default_factory=dict)
    checks: dict[str, dict[str, Item]] = field(default_factory=dict)
    _left: int = _DISTINCT

    def add(self, report: Report, unread: frozenset[str] = frozenset()) -> None:
        """Count a report.

        Args:
            unread: exercises of which only what is won is known before a human has read them: written answers. They
                are counted as pending, and are no part of any comparison.
        """
        decided = {exercise.id: _Part.of(exercise.checks) for exercise in report.exercises}
        won = sum(part.won for id, part in decided.items() if id not in unread)
        most = sum(part.most for id, part in decided.items() if id not in unread)
        for exercise in report.exercises:
            read = exercise.id not in unread
            self._item(self.exercises, exercise.id).count(decided[exercise.id], won, most, read=read)
            checks = self.checks.setdefault(exercise.id, {}) if exercise.id in self.exercises else {}
            for check in exercise.checks:
                self._item(checks, check.id).count(_Part.of([check]), won, most, read=read)

    def _item(self, items: dict[str, Item], id: str) -> Item:
        """The item of this id. Ids are the grader's; yet whatever comes, memory stays flat."""
        if id in items:
            return items[id]
        if not self._left:
            return Item()  # counted for nobody
        self._left -= 1
        items[id] = Item()
        return items[id]
