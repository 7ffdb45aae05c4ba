"""What learning platforms do with a file, by their own rules: each reader refuses what its platform refuses.

Gradescope      "Autograder Specifications", sections "Output format", "Test case status", "Output string formatting"
PrairieLearn    docs/externalGrading.md, section "Grading results", and the element pl-external-grader-results
Canvas          lib/gradebook_importer.rb of instructure/canvas-lms
Moodle          mod/assign/feedback/offline/importgradeslib.php and locallib.php, grade/import/csv/classes/load_data.php
nbgrader        nbgrader/plugins/export.py and nbgrader/docs/source/contributor_guide/metadata.rst of jupyter/nbgrader

Written anew from reading these; no code of theirs is in here.
"""

from __future__ import annotations

import csv
import io
import math
import re
from html.parser import HTMLParser
from typing import Any

VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
TEXT_FORMATS = {"text", "html", "simple_format", "md", "ansi"}
_TOP = {
    *("score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility"),
    *("stdout_visibility", "extra_data", "tests", "leaderboard"),
}
_TEST = {
    *("score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"),
    *("visibility", "extra_data"),
}


class Refused(Exception):
    """The platform does not take this."""


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise Refused(what)


def _number(value: Any, what: str) -> None:
    _require(isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value), what)


# ---------------------------------------------------------------------- Gradescope


def gradescope(document: dict[str, Any]) -> float | None:
    """The score that Gradescope takes; None where it finds none and the autograder counts as failed."""
    _require(set(document) <= _TOP, f"unknown: {set(document) - _TOP}")
    for key in ("visibility", "stdout_visibility"):
        _require(document.get(key, "visible") in VISIBILITY, key)
    for key in ("output_format", "test_output_format", "test_name_format"):
        _require(document.get(key, "text") in TEXT_FORMATS, key)
    _require(isinstance(document.get("output", ""), str), "output is a text")
    tests = document.get("tests", [])
    _require(isinstance(tests, list), "tests is a list")
    for test in tests:
        _gradescope_test(test)
    if "score" in document:
        _number(document["score"], "score")
        return float(document["score"])
    if tests and all("score" in test for test in tests):
        return float(sum(test["score"] for test in tests))
    return None


def _gradescope_test(test: dict[str, Any]) -> None:
    _require(set(test) <= _TEST, f"unknown: {set(test) - _TEST}")
    for key in ("score", "max_score"):
        if key in test:
            _number(test[key], key)
    _require(test.get("status", "passed") in ("passed", "failed"), "status")
    _require(test.get("visibility", "visible") in VISIBILITY, "visibility")
    for key in ("name_format", "output_format"):
        _require(test.get(key, "text") in TEXT_FORMATS, key)
    for key in ("name", "number", "output"):
        _require(isinstance(test.get(key, ""), str), key)
    _require(all(isinstance(tag, str) for tag in test.get("tags", [])), "tags")


# ---------------------------------------------------------------------- PrairieLearn


def prairielearn(text: str, document: dict[str, Any]) -> float | None:
    """The score, from 0 to 1; None where the submission is not gradable and no attempt is used up."""
    _require(len(text.encode()) <= 1_000_000, "at most 1 MB")
    gradable = document.get("gradable", True)
    _require(isinstance(gradable, bool), "gradable")
    for key in ("message", "output"):
        _require(isinstance(document.get(key, ""), str), key)
    for test in document.get("tests", []):
        for key in ("name", "description", "message", "output"):
            _require(isinstance(test.get(key, ""), str), key)
        _number(test["points"], "points")
        _number(test["max_points"], "max_points")
        _require(0 <= test["points"] <= test["max_points"], "points of max_points")
    if not gradable:
        errors = document.get("format_errors", [])
        _require(isinstance(errors, str) or all(isinstance(error, str) for error in errors), "format_errors")
        return None
    _number(document.get("score"), "score is required")
    _require(0.0 <= document["score"] <= 1.0, "score is from 0 to 1")
    return float(document["score"])


# ---------------------------------------------------------------------- Canvas


def canvas(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Points possible by column, and the rows: `Student`, `ID`, the login and the grades, as the importer has them."""
    first = text.splitlines()[:3]
    semicolons = {len(next(csv.reader([line], delimiter=";"))) for line in first}
    commas = {len(next(csv.reader([line]))) for line in first}
    delimiter = ";" if len(semicolons) == 1 and (len(commas) != 1 or max(semicolons) > max(commas)) else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    header, *rest = rows
    _require(len(header) > 3 and "Student" in header[0] and "ID" in header[1], "invalid header row")
    columns = 3
    sis = login = None
    if re.search(r"SIS\s+Login\s+ID", header[2]):
        login, columns = 2, 4
    elif re.search(r"SIS\s+User\s+ID", header[2]) and re.search(r"SIS\s+Login\s+ID", header[3]):
        sis, login, columns = 2, 3, 5
        if re.search(r"Integration\s+ID", header[4]):
            columns = 6
    _require("Section" in header[columns - 1], "invalid header row: Section is the last of the student's columns")
    assignments = header[columns:]
    possible: dict[str, str] = {}
    students = []
    for row in rest:
        _require(len(row) == len(header), "as many cells as columns")
        if re.fullmatch(r"[;, ]+", delimiter.join(row)):
            continue
        if "Points Possible" in row[0]:
            possible = dict(zip(assignments, row[columns:], strict=True))
        elif not all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell, re.IGNORECASE) for cell in row):
            grades = dict(zip(assignments, (cell.strip() for cell in row[columns:]), strict=True))
            for grade in grades.values():
                _require(re.fullmatch(r"|-|EX|N/A|[0-9]+(?:[.,][0-9]{1,2})?", grade) is not None, f"grade {grade!r}")
            known = {"Student": row[0], "ID": row[1], "SIS User ID": row[sis] if sis else ""}
            students.append({**known, "SIS Login ID": row[login] if login else "", **grades})
    return possible, students


# ---------------------------------------------------------------------- Moodle


def moodle_worksheet(text: str) -> dict[str, tuple[float | None, str]]:
    """Grade and feedback by participant; no grade where the importer would skip it."""
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    for needed in ("Identifier", "Grade", "Last modified (grade)"):
        _require(needed in header, f"the column {needed!r} is missing")
    feedback = header.index("Feedback comments")
    _require(feedback > 0, "a first column of feedback is not seen")
    found = {}
    for row in rows:
        _require(len(row) == len(header), "as many cells as columns")
        number = row[header.index("Identifier")][len("Participant ") :]
        _require(number.isdigit(), f"participant {number!r}")
        grade = row[header.index("Grade")]
        found[number] = (float(grade) if grade not in ("", "-") else None, row[feedback])
        _require(found[number][0] is None or found[number][0] >= 0, "a grade below nothing is skipped")
    return found


def moodle_gradebook(text: str, key: str, grade: str, feedback: str) -> dict[str, tuple[float | None, str]]:
    """Grade and feedback by what `key` holds, both mapped to one grade item.

    The importer gives a row without a key to the student of the row before, and aborts where a grade is no number.
    """
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, tuple[float | None, str]] = {}
    for row in rows:
        _require(len(row) == len(header), "as many cells as columns")
        who = row[header.index(key)].strip()
        _require(who not in ("", "0"), "a row without a key goes to the student before")
        value = row[header.index(grade)].strip()
        _require(value in ("", "-") or re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", value) is not None, "bad grade")
        points = float(value) if value not in ("", "-") else None
        _require(points is None or points <= 100, "the grade is above the highest that a gradebook takes by default")
        found[who] = (points, row[header.index(feedback)])
    return found


class Shown(HTMLParser):
    """A cell of feedback as a browser shows it: tags, and the text."""

    def __init__(self, cell: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(cell)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


# ---------------------------------------------------------------------- nbgrader

NBGRADER_COLUMNS = [
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score"),
    *("late_submission_penalty", "score", "max_score"),
]
_CELL_KEYS = {
    *("schema_version", "grade", "locked", "solution", "task", "grade_id", "points", "checksum", "cell_type"),
}


def nbgrader(text: str) -> dict[tuple[str, str], tuple[float, float, float, float] | None]:
    """raw_score, penalty, score and max_score by assignment and student; None where the score is not known."""
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    _require(rows.fieldnames == NBGRADER_COLUMNS, "columns")
    found = {}
    for row in rows:
        numbers = [row[name] for name in NBGRADER_COLUMNS[-4:]]
        known = bool(numbers[0]) and bool(numbers[2])
        raw, penalty, score, most = (float(number or 0) for number in numbers)
        _require(not known or math.isclose(score, max(0.0, raw - penalty), abs_tol=0.005), "score is raw less penalty")
        found[row["assignment"], row["student_id"]] = (raw, penalty, score, most) if known else None
    return found


def nbgrader_cell(cell_type: str, metadata: dict[str, Any]) -> None:
    """Refuse metadata that version 3 of the schema refuses."""
    _require(set(metadata) <= _CELL_KEYS, f"unknown: {set(metadata) - _CELL_KEYS}")
    _require(metadata.get("schema_version") == 3, "schema_version")
    for key in ("grade", "locked", "solution"):
        _require(isinstance(metadata.get(key), bool), key)
    marked = metadata["grade"] or metadata["solution"] or metadata["locked"]
    grade_id = metadata.get("grade_id", "")
    _require(re.fullmatch(r"[a-zA-Z0-9_-]*", grade_id) is not None, "grade_id")
    _require(not marked or grade_id != "", "grade_id is empty")
    _require(not metadata["grade"] or metadata.get("points", -1) >= 0, "points")
    if "checksum" in metadata:
        _require(len(metadata["checksum"]) == 32, "checksum")
    if cell_type == "markdown" and not metadata.get("task", False):
        _require(metadata["grade"] == metadata["solution"], "a markdown cell is graded and a solution, or neither")
