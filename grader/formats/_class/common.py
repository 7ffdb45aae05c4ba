"""Which mistakes and which failed checks are frequent, exercise by exercise, and who has them."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from grader.formats._class.findings import Finding, Findings
from grader.formats._class.said import Said

_DISTINCT = 500  # findings of an exercise that are counted: ids are the grader's, yet memory stays flat


@dataclass
class Shared:
    """Students who have something in common, and what they were told."""

    students: array[int] = field(default_factory=lambda: array("I"))
    said: Said = field(default_factory=Said)

    def __len__(self) -> int:
        return len(self.students)


@dataclass
class Common:
    """The findings of one exercise. A student counts once for each, in however many places it was made."""

    asked: int = 0  # students in whose report this exercise is
    shared: dict[Finding, Shared] = field(default_factory=dict)

    def add(self, student: int, findings: Findings) -> None:
        self.asked += 1
        for finding, told in findings.told.items():
            if finding in self.shared or len(self.shared) < _DISTINCT:
                shared = self.shared.setdefault(finding, Shared())
                shared.students.append(student)
                shared.said.add(told)

    def of(self, *, mistakes: bool) -> list[tuple[Finding, Shared]]:
        """Mistakes, or failed checks, the most frequent first."""
        found = [(finding, shared) for finding, shared in self.shared.items() if finding.mistake is mistakes]
        return sorted(found, key=lambda each: (-len(each[1]), each[0].id))
