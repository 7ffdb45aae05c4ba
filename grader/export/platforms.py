"""How each platform's own gradebook is laid out: which row is a student's, what they are known by, where points go."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from grader.errors import UsageError
from grader.export.matching import Known, addresses, names, plain
from grader.export.sheet import Sheet
from grader.formats._spreadsheet import number
from grader.formats._whose import Whose

_ID_BEHIND = re.compile(r"\s*\(\d+\)$")  # Canvas: Homework 3 (12345)
_PARTICIPANT = re.compile(r"\D*(\d+)")  # Moodle: Participant 12345, in the language of the site

_MOODLE_PROFILE = frozenset(
    ("first name", "last name", "surname", "full name", "username", "id number", "institution", "department")
) | {"email address", "last downloaded from this course"}


class Platform(ABC):
    """One kind of CSV."""

    id: ClassVar[str]

    @abstractmethod
    def person(self, sheet: Sheet, whose: Whose) -> Known:
        """What a hand-in tells of its student, in the terms of this gradebook."""

    @abstractmethod
    def student(self, sheet: Sheet, row: list[str]) -> Known | None:
        """What a row tells of its student; None where it is no student's."""

    @abstractmethod
    def columns(self, sheet: Sheet) -> list[str]:
        """The columns that points may go to."""

    def max_points(self, sheet: Sheet, column: int) -> str:
        """The points that there are, by the platform's own word; empty where it says nothing."""
        return ""

    def label(self, sheet: Sheet, row: list[str]) -> str:
        """How to call a student whom nobody knows."""
        return next((value.strip() for value in row if value.strip()), "(an empty row)")

    def put(self, sheet: Sheet, row: list[str], column: int, points: str, feedback: str) -> None:
        """Write what one student gets. No points: those that are there stay."""
        if points:
            sheet.put(row, column, points)

    def require(self, sheet: Sheet, *needed: str) -> None:
        """Raise, where a column is missing without which this is another kind of file."""
        for name in needed:
            if sheet.column(name) is None:
                raise UsageError(
                    f"--gradebook {sheet.path}: is no gradebook of {self.id}: the column {name!r} is missing; found "
                    f"{', '.join(sheet.header[:12])}"
                )


class CanvasGradebook(Platform):
    """What Canvas exports: Grades > Export."""

    id = "canvas"

    def person(self, sheet: Sheet, whose: Whose) -> Known:
        if whose.canvas:  # and nothing else: who has another id is somebody else
            return Known(plain(whose.canvas))
        return Known(plain(whose.key), plain(whose.key), addresses(whose.key), names(whose.name))

    def student(self, sheet: Sheet, row: list[str]) -> Known | None:
        self.require(sheet, "ID", "Section")
        first = row[0] if row else ""
        if "Points Possible" in first or not any(value.strip() for value in row[: self._section(sheet)]):
            return None
        at = [sheet.value(row, sheet.column(name)) for name in ("ID", "SIS User ID", "SIS Login ID", "Integration ID")]
        full = sheet.value(row, sheet.column("Student"))
        parts = [sheet.value(row, sheet.column(name)) for name in ("LastName", "FirstName")]
        return Known(plain(at[0], at[1], at[3]), plain(at[2]), addresses(at[2]), names(full, " ".join(parts)))

    def columns(self, sheet: Sheet) -> list[str]:
        points = self._points_row(sheet)
        start = self._section(sheet) + 1
        return [
            name
            for column, name in enumerate(sheet.header)
            if column >= start and "read only" not in sheet.value(points, column)
        ]

    def max_points(self, sheet: Sheet, column: int) -> str:
        return sheet.value(self._points_row(sheet), column)

    def _points_row(self, sheet: Sheet) -> list[str]:
        return next((row for row in sheet.rows if row and "Points Possible" in row[0]), [])

    def _section(self, sheet: Sheet) -> int:
        return sheet.column("Section") or 0


class MoodleGradebook(Platform):
    """What Moodle exports: an assignment's grading worksheet, or the gradebook as plain text."""

    id = "moodle"

    def person(self, sheet: Sheet, whose: Whose) -> Known:
        if whose.participant and sheet.column("Identifier") is not None:
            # Every assignment numbers its participants anew, so that another one's worksheet has the same numbers.
            return Known(plain(whose.participant), called=whose.name)
        if whose.participant:
            return Known(names=names(whose.name))
        return Known(plain(whose.key), plain(whose.key), addresses(whose.key), names(whose.name))

    def student(self, sheet: Sheet, row: list[str]) -> Known | None:
        if not any(value.strip() for value in row):
            return None
        participant = _PARTICIPANT.fullmatch(sheet.value(row, sheet.column("Identifier")))
        id_number = sheet.value(row, sheet.column("ID number"))
        email = sheet.value(row, sheet.column("Email address"))
        first, last = sheet.column("First name"), sheet.column("Last name", "Surname")
        name = " ".join([sheet.value(row, first), sheet.value(row, last)])
        full = sheet.value(row, sheet.column("Full name"))
        return Known(
            # A participant's number is no id number, though both are digits.
            plain(participant[1]) if participant else plain(id_number),
            plain(sheet.value(row, sheet.column("Username"))),
            addresses(email),
            names(full, name),
            called=full,
        )

    def columns(self, sheet: Sheet) -> list[str]:
        if sheet.column("Identifier") is not None:
            self.require(sheet, "Grade")
            return ["Grade"]
        return [
            name
            for name in sheet.header
            if name.strip().casefold() not in _MOODLE_PROFILE and not name.strip().endswith("(Feedback)")
        ]

    def max_points(self, sheet: Sheet, column: int) -> str:
        return next((found for row in sheet.rows if (found := sheet.value(row, sheet.column("Maximum Grade")))), "")

    def put(self, sheet: Sheet, row: list[str], column: int, points: str, feedback: str) -> None:
        super().put(sheet, row, column, points, feedback)
        if (beside := self.feedback_column(sheet, column)) is not None:
            sheet.put(row, beside, feedback)

    def feedback_column(self, sheet: Sheet, column: int) -> int | None:
        """Where feedback goes, beside the grade; None where the export has no place for it."""
        grade = sheet.header[column].strip()
        base = re.sub(r" \((?:Real|Percentage|Letter)\)$", "", grade)
        return sheet.column("Feedback comments") if grade == "Grade" else sheet.column(f"{base} (Feedback)")


class NbgraderGradebook(Platform):
    """What `nbgrader export` writes: a row for each student and assignment."""

    id = "nbgrader"

    def person(self, sheet: Sheet, whose: Whose) -> Known:
        return Known(plain(whose.key), emails=addresses(whose.key), names=names(whose.name))

    def student(self, sheet: Sheet, row: list[str]) -> Known | None:
        self.require(sheet, "assignment", "student_id", "raw_score", "late_submission_penalty", "score", "max_score")
        at = [sheet.value(row, sheet.column(name)) for name in ("student_id", "email", "first_name", "last_name")]
        return Known(plain(at[0]), emails=addresses(at[1]), names=names(" ".join(at[2:]))) if at[0] else None

    def columns(self, sheet: Sheet) -> list[str]:
        """Here it is assignments that are chosen from: all of them share the columns."""
        return list(dict.fromkeys(sheet.value(row, sheet.column("assignment")) for row in sheet.rows))

    def label(self, sheet: Sheet, row: list[str]) -> str:
        return sheet.value(row, sheet.column("student_id"))

    def put(self, sheet: Sheet, row: list[str], column: int, points: str, feedback: str) -> None:
        if not points:
            return
        columns = [sheet.column(name) for name in ("raw_score", "late_submission_penalty", "score")]
        raw, penalty, score = [column for column in columns if column is not None]
        try:
            late = float(sheet.value(row, penalty) or 0)
        except ValueError:
            raise UsageError(
                f"--gradebook {sheet.path}: late_submission_penalty of {self.label(sheet, row)}: expected a number, "
                f"found {sheet.value(row, penalty)!r}"
            ) from None
        sheet.put(row, raw, points)
        sheet.put(row, score, number(max(0.0, float(points) - late)))


PLATFORMS: dict[str, Platform] = {each.id: each for each in (CanvasGradebook(), MoodleGradebook(), NbgraderGradebook())}


def choose_column(platform: Platform, sheet: Sheet, wanted: str | None, guesses: tuple[str, ...]) -> str:
    """The column, or nbgrader's assignment, that points go to.

    Args:
        guesses: names of the assignment, where none is given.

    Raises:
        UsageError: there is none of this name, or more than one; lists what there is.
    """
    there = platform.columns(sheet)
    for name in (wanted,) if wanted is not None else guesses:
        exact = [each for each in there if each.strip() == name.strip()]
        found = exact or [each for each in there if _bare(each) == _bare(name)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise UsageError(f"--column {name!r}: there are {len(found)} of that name: {', '.join(found)}")
    if wanted is None and len(there) == 1:
        return there[0]
    what = f"there is no column {wanted!r}" if wanted is not None else "it is not clear which column is meant"
    raise UsageError(f"--gradebook {sheet.path}: {what}; name one with --column: {', '.join(there) or 'none is there'}")


def _bare(name: str) -> str:
    return _ID_BEHIND.sub("", name.strip()).casefold()
