"""The class at a glance, for its instructor: who needs a human, how it went, what to tell whom.

Reports come one at a time from disk. They are counted (`grader.formats._class`), and their rows go to disk as they
come, so that ten thousand students cost no memory but some numbers each. Long lists are written in pieces. The page is
in English; what students were told, or are to be told, stands on it in their language.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import TextIO, TypeVar

from grader.closing import Closing
from grader.formats import _class_words, _words
from grader.formats._class.attention import Look
from grader.formats._class.tally import Tally
from grader.formats._class_views import FREQUENT, Views, named
from grader.formats._format import Run
from grader.formats._pages import render
from grader.formats._text import one_line
from grader.formats._words import Label
from grader.language import SOURCE, speaking, spoken
from grader.verdict import Report, SubmissionStatus

Each = TypeVar("Each")

_PIECE = 50  # rows or links that are rendered at once
_CHUNK = 16_384  # characters copied at a time
_OPEN = 10  # groups that are shown at once; the others are folded
_GROUPS = 300  # groups that are shown with their comment
_NAMED = 12  # students of a group who are named at once; of more the list is folded


@dataclass(frozen=True)
class RowView:
    """One student in a table."""

    student: str
    file: str  # where it is not as the student's name would have it
    status: Label
    why: list[str]
    score: float
    max_score: float
    pending: float
    notebook: bool


def write_class_page(
    stream: TextIO, run: Run, reports: Iterable[Report], has_notebook: Callable[[str], bool] = lambda _: False
) -> None:
    """Write the page.

    Args:
        has_notebook: is there a page of this student's notebook to link to?
    """
    language = spoken()
    with ExitStack() as stack:
        tally = stack.enter_context(Tally(run.assignment))
        flagged = stack.enter_context(_Rows())
        others = stack.enter_context(_Rows())
        for report in reports:
            looks = tally.add(report)
            urgent = any(not look.reason.routine for look in looks)
            with speaking(SOURCE):
                (flagged if urgent else others).add(_row(report, looks, has_notebook))
        stack.enter_context(speaking(SOURCE))
        views = Views(tally, _class_words.Wording(run.assignment, language))
        context = {
            "run": run,
            "tally": tally,
            "scores": tally.scores,
            "quartiles": tally.scores.quartiles,
            "statuses": [
                (_words.SUBMISSION[each], tally.statuses[each]) for each in SubmissionStatus if tally.statuses[each]
            ],
            "reasons": views.reasons(),
            "items": views.items(),
            "frequent": views.frequent(),
            "shown": FREQUENT,
            "isolation": _words.isolation(run),
            "walled": run.isolation == "bwrap",
            "told_in": language,
        }
        stream.write(render("class_head.html.j2", **context))
        _write_groups(stream, tally, views, language)
        if tally.size:
            _write_students(stream, flagged, others)
        _write_by_score(stream, tally)
        stream.write(render("class_tail.html.j2", **context))


class _Rows(Closing):
    """Rows of a table, rendered some at a time, on disk."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115  closed by `close`
        self._next: list[RowView] = []
        self.count = 0

    def add(self, row: RowView) -> None:
        self._next.append(row)
        self.count += 1
        if len(self._next) >= _PIECE:
            self._flush()

    def copy_to(self, stream: TextIO) -> None:
        self._flush()
        self._file.seek(0)
        shutil.copyfileobj(self._file, stream, _CHUNK)

    def _flush(self) -> None:
        self._file.write(render("class_rows.html.j2", rows=self._next))
        self._next.clear()

    def close(self) -> None:
        self._file.close()


def _row(report: Report, looks: list[Look], has_notebook: Callable[[str], bool]) -> RowView:
    plain = report.file in (f"{report.student}.ipynb", f"{report.student}.py")
    return RowView(
        student=report.student,
        file="" if plain else one_line(report.file, 120),
        status=_words.SUBMISSION[report.status],
        why=_class_words.why(looks),
        score=report.score,
        max_score=report.max_score,
        pending=report.pending,
        notebook=has_notebook(report.student),
    )


def _write_students(stream: TextIO, flagged: _Rows, others: _Rows) -> None:
    """Everybody once, by name: at whom to look first, then the others."""
    stream.write(render("class_table.html.j2", part="begin"))
    for rows, title in ((flagged, "Look at these first"), (others, "Everybody else" if flagged.count else "Everybody")):
        if rows.count:
            stream.write(render("class_table.html.j2", title=title, count=rows.count, part="head"))
            rows.copy_to(stream)
            stream.write(render("class_table.html.j2", part="tail"))
    stream.write(render("class_table.html.j2", part="end"))


def _write_groups(stream: TextIO, tally: Tally, views: Views, language: str) -> None:
    """Groups of two and more, the biggest first, each with its students; then whoever is alone with their mistakes."""
    together = [group for group in views.groups if len(group) > 1]
    alone = views.groups[len(together) :]
    if not views.groups:
        return

    def part(name: str, **context: object) -> None:
        stream.write(render("class_groups.html.j2", part=name, told_in=language, **context))

    part("head", together=len(together), alone=len(alone))
    for number, group in enumerate(together, start=1):
        if number == _OPEN + 1:
            part("fold", count=len(together) - _OPEN)
        view = views.group(number, group)
        part("group", group=view, told=number <= _GROUPS, folded=view.size > _NAMED)
        _write_links(stream, tally, group.students)
        part("end of group", folded=view.size > _NAMED)
    if len(together) > _OPEN:
        part("end of fold")
    if alone:
        part("alone", count=len(alone))
        for piece in _pieces(alone):
            part("rows alone", rows=[(views.group(0, each), tally.names[each.students[0]]) for each in piece])
        part("end of alone")
    part("tail")


def _write_by_score(stream: TextIO, tally: Tally) -> None:
    """Everybody once more by score: without a script a table cannot be sorted."""
    by_percent = tally.scores.by_percent()
    if not by_percent:
        return
    stream.write(render("class_scores.html.j2", part="head"))
    for percent, students in by_percent:
        stream.write(render("class_scores.html.j2", part="score", percent=percent, count=len(students)))
        _write_links(stream, tally, students)
        stream.write(render("class_scores.html.j2", part="end of score"))
    stream.write(render("class_scores.html.j2", part="tail"))


def _write_links(stream: TextIO, tally: Tally, students: Sequence[int]) -> None:
    for piece in _pieces(students):
        stream.write(render("class_links.html.j2", names=named(tally.names, piece)))


def _pieces(each: Sequence[Each]) -> Iterator[list[Each]]:
    rest = iter(each)
    while piece := list(islice(rest, _PIECE)):
        yield piece
