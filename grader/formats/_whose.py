"""Whose is a hand-in, in the words of the platform that it was downloaded from?

    doejane_12345_67890_hw5.ipynb                       Canvas: 12345 is the user's id (and LATE_ may stand before it)
    Jane Doe_1234567_assignsubmission_file_/hw5.ipynb   Moodle: participant 1234567
    jane@example.org/hw5.ipynb                          an address
    doe/hw5/hw5.ipynb                                   nbgrader and everybody else: the student's own id

Only that part of a path counts which names the student (see `grader.submission.discover`): what lies below it has a
name of the student's own choosing, which might be a classmate's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from grader.submission.student_ids import safe
from grader.verdict import Report

# Canvas writes no `_12_` into the name and Moodle no `_`, so that the first match is the platform's.
_CANVAS = re.compile(r"(?P<name>.+?)_(?:late_)?(?P<id>[0-9]{1,20})_[0-9]{1,20}_.", re.IGNORECASE | re.DOTALL)
_MOODLE = re.compile(r"(?P<name>[^_]+)_(?P<id>[0-9]{1,20})_assignsubmission_(?:file|onlinetext)", re.DOTALL)
_EMAIL = re.compile(r"[^@\s/]+@[^@\s/]+\.[^@\s/.]+")


@dataclass(frozen=True)
class Whose:
    """What is known of the student.

    Attributes:
        key: as the folder or file gives it: an id, a login or a name.
        name: that without what the platform put there.
        canvas: the user's id in Canvas, if it is there.
        participant: the number of the participant in a Moodle assignment, if it is there.
        email: the key, if it is an address.
    """

    key: str
    name: str
    canvas: str = ""
    participant: str = ""
    email: str = ""


def whose(report: Report) -> Whose:
    """Whose report it is."""
    key = _key(report)
    if moodle := _MOODLE.match(key):
        return Whose(key, moodle["name"], participant=moodle["id"])
    if canvas := _CANVAS.match(key):
        return Whose(key, canvas["name"], canvas=canvas["id"])
    return Whose(key, key, email=key if _EMAIL.fullmatch(key) else "")


def _key(report: Report) -> str:
    """The part of the path that `report.student` was made of: there, what no file name may hold is replaced."""
    folders = report.file.split("/")
    parts = [*folders[:-1], *(_without_zip(part) for part in folders), PurePath(folders[-1]).stem]
    fitting = [part for part in parts if part and _made_of(report.student, safe(part))]
    return max(fitting, key=lambda part: (safe(part) == report.student, len(part)), default=report.student)


def _without_zip(part: str) -> str:
    return PurePath(part).stem if part.casefold().endswith(".zip") else part


def _made_of(student: str, base: str) -> bool:
    """`doe`, `doe-2` (a second one of that name), `doe--hw1` (one of several notebooks)."""
    rest = student.removeprefix(base)
    return student.startswith(base) and re.fullmatch(r"(?:--.*)?(?:-\d+)?", rest, re.DOTALL) is not None
