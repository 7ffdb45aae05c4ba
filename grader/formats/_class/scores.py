"""The distribution of scores, in percent of the points that are decided."""

from __future__ import annotations

import statistics
from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from grader.verdict import Report, SubmissionStatus

BARS = 10
# Of these nothing is known, so that they have no percentage: not 0, and not 100.
UNSCORED = (SubmissionStatus.UNREADABLE, SubmissionStatus.GRADER_BROKE)


class Bar(NamedTuple):
    """One range of the distribution."""

    name: str
    size: int
    length: float  # the longest is 100


@dataclass
class Scores:
    """Every student's percentage, with the number of the student."""

    percents: array[float] = field(default_factory=lambda: array("d"))
    students: array[int] = field(default_factory=lambda: array("I"))
    unscored: int = 0

    def add(self, student: int, report: Report, pending: float) -> None:
        """Count a report. Who could not be read, or has no point decided, has no percentage."""
        decided = report.max_score - pending
        if report.status in UNSCORED or decided <= 0:
            self.unscored += 1
            return
        self.percents.append(100.0 * report.score / decided)
        self.students.append(student)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.percents) if self.percents else 0.0

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """A quarter of the class is at or below the first, half at the second (the median), three quarters at the
        third; between two students, in proportion (Hyndman and Fan's type 7, as numpy and spreadsheets have it)."""
        if not self.percents:
            return None
        if len(self.percents) == 1:
            return (self.percents[0],) * 3
        first, second, third = statistics.quantiles(self.percents, n=4, method="inclusive")
        return first, second, third

    @property
    def bars(self) -> list[Bar]:
        """How many students are in each tenth; 100 belongs to the last."""
        counts = [0] * BARS
        for percent in self.percents:
            counts[max(0, min(BARS - 1, int(percent * BARS / 100)))] += 1
        longest = max(counts) or 1
        width = 100 // BARS
        names = [f"{i * width}–{i * width + width - 1}" for i in range(BARS - 1)] + [f"{100 - width}–100"]
        return [Bar(name, count, 100 * count / longest) for name, count in zip(names, counts, strict=True)]

    def by_percent(self) -> list[tuple[int, array[int]]]:
        """Students by whole percent, rounded down, the lowest first; each student once."""
        found: dict[int, array[int]] = {}
        for percent, student in zip(self.percents, self.students, strict=True):
            found.setdefault(int(percent), array("I")).append(student)
        return sorted(found.items())
