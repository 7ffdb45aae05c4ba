"""What the page of the class shows, ready for its templates."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from grader.formats import _class_words as words
from grader.formats._class.common import Shared
from grader.formats._class.findings import Finding
from grader.formats._class.groups import Group
from grader.formats._class.items import Item
from grader.formats._class.names import Names
from grader.formats._class.tally import Tally
from grader.formats._words import Label

FREQUENT = 6  # mistakes and checks of an exercise that are shown at once; the others are folded
_FOLLOWED = 100  # of those, whatever comes
_LINKS = 40  # of students who have one of them
_REASON_LINKS = 200  # of students at whom to look for one reason
_POINTED = 6  # groups that are named for one mistake


@dataclass(frozen=True)
class Who:
    """Links to students: the first, and how many more there are."""

    names: list[str]
    more: int
    groups: list[int]  # numbers of the groups that hold them

    @property
    def count(self) -> int:
        return len(self.names) + self.more


@dataclass(frozen=True)
class ReasonView:
    """One reason to look, and at whom."""

    label: Label
    todo: str
    points: float
    who: Who


@dataclass(frozen=True)
class FrequentView:
    """A mistake or a failed check: "41 of 230 multiply …"."""

    count: int
    asked: int
    words: str
    title: str  # of the check
    id: str
    told: str
    who: Who

    @property
    def share(self) -> float:
        return 100.0 * self.count / self.asked if self.asked else 0.0


@dataclass(frozen=True)
class ItemView:
    """One line of the table of exercises and checks."""

    title: str
    part: bool  # a check of the exercise above
    read: bool  # can points be lost here, or does a human mark it?
    item: Item
    word: str  # behind the discrimination

    @property
    def percent(self) -> float | None:
        return 100.0 * self.item.difficulty if self.item.decided else None

    @property
    def value(self) -> str:
        value = self.item.discrimination
        return "" if value is None else f"{value + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True)
class GroupView:
    """A group of students, without their names, which may be many."""

    number: int  # 0: it is not shown as a group, since it has one member
    exercise: str
    words: str
    size: int
    asked: int
    mistakes: list[str]  # ids
    checks: list[str]  # titles
    comment: str


class Views:
    """All views of one class."""

    def __init__(self, tally: Tally, wording: words.Wording) -> None:
        self._tally = tally
        self._wording = wording
        self.groups = tally.groups.biggest_first()
        self._holding: dict[tuple[str, Finding], list[int]] = {}
        for number, group in enumerate(self.groups, start=1):
            for finding in group.findings:
                holding = self._holding.setdefault((group.exercise, finding), [])
                if len(group) > 1 and len(holding) < _POINTED:
                    holding.append(number)

    def reasons(self) -> list[ReasonView]:
        """Why to look at whom, the most urgent first."""
        return [
            ReasonView(*words.REASON[reason], points, self._who(students, _REASON_LINKS))
            for reason, points, students in self._tally.attention
        ]

    def items(self) -> list[ItemView]:
        """Exercises, each followed by its checks where it has several."""
        views = []
        for id, item in self._tally.items.exercises.items():
            read = id not in self._tally.kinds.essay
            views.append(self._item(self._wording.exercise(id), item, read=read, part=False))
            checks = self._tally.items.checks[id]
            if len(checks) > 1:
                views += [
                    self._item(self._wording.check(id, name), check, read=read, part=True)
                    for name, check in checks.items()
                ]
        return views

    def frequent(self) -> list[tuple[str, list[FrequentView], list[FrequentView]]]:
        """Of each exercise in which something is wrong: its title, its mistakes, its failed checks."""
        views = []
        for id, common in self._tally.common.items():
            mistakes, checks = (
                [self._frequent(id, finding, shared, common.asked) for finding, shared in found[:_FOLLOWED]]
                for found in (common.of(mistakes=True), common.of(mistakes=False))
            )
            if mistakes or checks:
                views.append((self._wording.exercise(id), mistakes, checks))
        return views

    def group(self, number: int, group: Group) -> GroupView:
        """One group."""
        alone = len(group) == 1
        return GroupView(
            number=0 if alone else number,
            exercise=self._wording.exercise(group.exercise),
            words=self._wording.group(group),
            size=len(group),
            asked=self._tally.common[group.exercise].asked,
            mistakes=[each.id for each in group.mistakes if not _is_sentence(each)],
            checks=[self._wording.check(group.exercise, each.id) for each in group.checks],
            comment="" if alone else self._wording.comment(group),
        )

    def _item(self, title: str, item: Item, *, read: bool, part: bool) -> ItemView:
        return ItemView(title, part, read, item, words.discrimination(item))

    def _frequent(self, exercise: str, finding: Finding, shared: Shared, asked: int) -> FrequentView:
        count = len(shared)
        if finding.mistake:
            said = self._wording.mistake(exercise, finding, shared.said, count)
        else:
            said = self._wording.failed(exercise, [finding], count)
        return FrequentView(
            count=count,
            asked=asked,
            words=said,
            title="" if finding.mistake else self._wording.check(exercise, finding.id),
            id="" if _is_sentence(finding) else finding.id,
            told=" ".join(shared.said.common) if finding.mistake else "",
            who=self._who(shared.students, _LINKS, self._holding.get((exercise, finding), ())),
        )

    def _who(self, students: array[int], most: int, groups: Sequence[int] = ()) -> Who:
        return Who(named(self._tally.names, students[:most]), max(0, len(students) - most), list(groups))


def named(names: Names, students: Sequence[int]) -> list[str]:
    """The names of these students."""
    return [names[student] for student in students]


def _is_sentence(finding: Finding) -> bool:
    """A wrong answer to a question has no id but what was said to it."""
    return " " in finding.id
