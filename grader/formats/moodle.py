"""Grades and feedback for Moodle, both in one file: where a grade is imported without its feedback, one is lost.

    moodle-worksheet.csv    for those whose participant's number is known: the assignment's offline grading worksheet
    moodle-email.csv        for those who handed in under an address: the gradebook, mapped by `useremail`
    moodle-idnumber.csv     for everybody else: the gradebook, mapped by `useridnumber`

Source: the importers themselves, `mod/assign/feedback/offline` and `grade/import/csv` of moodle/moodle. The gradebook's
gives a row whose mapped cell is empty to the student of the row before, so that every file holds only those who have
what it is mapped by. Feedback is HTML to Moodle: what a student wrote is escaped in it. Points that are not settled
leave the grade empty, and the feedback says so.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.formats import _words
from grader.formats._format import Format, Run
from grader.formats._grades import Grade, grades
from grader.formats._plain import Part, parts, summary
from grader.formats._spreadsheet import cell, harmless, number, table
from grader.language import later, say
from grader.verdict import Report
from grader.whole import replacing

WORKSHEET = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)", "Feedback comments"]
_LATER = later("The result of this check is not shown here.")
_MESSAGE = 600  # characters: feedback is a paragraph, the page of feedback tells everything


class Moodle(Format):
    """Writes three files."""

    id = "moodle"

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        told: list[str] = []
        found = list(zip(grades(_telling(run, reports, told)), told, strict=True))
        for name, rows in tables(run.assignment.title, found).items():
            with replacing(output / name) as file:
                table(file).writerows(rows)


def tables(title: str, found: list[tuple[Grade, str]]) -> dict[str, list[list[str]]]:
    """The rows of each file, by its name; each student is in one of them."""
    gradebook = [cell(title), f"{cell(title)} (Feedback)"]
    worksheet, by_email, by_idnumber = [WORKSHEET], [["Email address", *gradebook]], [["ID number", *gradebook]]
    for each, feedback in found:
        if each.whose.participant:
            worksheet.append(_in_worksheet(each, feedback))
        elif each.whose.email:
            by_email.append([cell(each.whose.email), each.final, feedback])
        else:
            by_idnumber.append([cell(each.whose.key), each.final, feedback])
    return {
        "moodle-worksheet.csv": worksheet,
        "moodle-email.csv": by_email,
        "moodle-idnumber.csv": by_idnumber,
    }


def feedback(run: Run, report: Report) -> str:
    """What a student is told, for a cell whose reader takes it for HTML."""
    lines = [summary(run, report, _MESSAGE)]
    for part in parts(run, report, _MESSAGE):
        text = say(_LATER) if part.visibility == "hidden" else part.text
        lines.append(f"{part.name} ({_points(part)}): {text}")
    # Moodle joins lines in HTML: a mark shows where each begins.
    return html.escape(harmless("\n• ".join(" ".join(line.split()) for line in lines)), quote=False)


def _points(part: Part) -> str:
    if part.pending:
        return say("open")
    return say("{score} of {max_score}", score=_words.points(part.score), max_score=_words.points(part.max_score))


def _telling(run: Run, reports: Iterable[Report], told: list[str]) -> Iterator[Report]:
    """The same reports, of which only what is told is kept."""
    for report in reports:
        told.append(feedback(run, report))
        yield report


def _in_worksheet(of: Grade, feedback: str) -> list[str]:
    # Moodle writes a dash where there is no grade yet.
    return [f"Participant {of.whose.participant}", cell(of.whose.name), of.final, number(of.max_points), "-", feedback]
