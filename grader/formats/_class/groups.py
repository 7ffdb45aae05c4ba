"""Students who made the same mistakes: the same set of mistakes and failed checks in one exercise.

Every student in whom something is wrong is in exactly one group for each exercise in which it is.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.formats._class.findings import Finding, Findings
from grader.formats._class.said import Said

_DISTINCT = 500  # groups of an exercise; whoever would make a further one goes to the group of all others
OTHERS: tuple[Finding, ...] = ()


@dataclass
class Group:
    """Students with the same findings, and what they were told about each.

    Attributes:
        findings: named mistakes first; none for the group of all combinations that came too late to be told apart.
    """

    exercise: str
    findings: tuple[Finding, ...]
    students: array[int] = field(default_factory=lambda: array("I"))
    said: dict[Finding, Said] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.students)

    def add(self, student: int, told: Mapping[Finding, tuple[str, ...]]) -> None:
        self.students.append(student)
        for finding in self.findings:
            self.said.setdefault(finding, Said()).add(told[finding])

    @property
    def mistakes(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.mistake]

    @property
    def checks(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.mistake]


@dataclass
class Groups:
    """All groups of all exercises."""

    _by_exercise: dict[str, dict[tuple[Finding, ...], Group]] = field(default_factory=dict)

    def add(self, student: int, exercise: str, findings: Findings) -> None:
        if not findings.told:
            return
        groups = self._by_exercise.setdefault(exercise, {})
        key = findings.key
        if key not in groups and len(groups) >= _DISTINCT:
            key = OTHERS
        groups.setdefault(key, Group(exercise, key)).add(student, findings.told)

    def biggest_first(self) -> list[Group]:
        """Groups of all exercises, the biggest first; of equal ones in the order of the exercises."""
        groups = [group for groups in self._by_exercise.values() for group in groups.values()]
        return sorted(groups, key=lambda group: -len(group))
