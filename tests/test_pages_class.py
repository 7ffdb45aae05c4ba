"""The page of the class: who needs a human first, everybody once, and memory that stays flat."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from test_formats_samples import RUN, SAMPLES, ended, essay, exercise, passed, report

from grader.formats._class_page import Class, needs_human, write_class_page
from grader.formats.html import Html
from grader.verdict import Report, Status, SubmissionStatus


def page_of(reports: Iterable[Report]) -> BeautifulSoup:
    stream = StringIO()
    write_class_page(stream, RUN, reports)
    return BeautifulSoup(stream.getvalue(), "html.parser")


def samples() -> list[Report]:
    """As they come back from disk: without what only the students' pages show."""
    made = [Report.model_validate_json(sample()[0].model_dump_json()) for sample in SAMPLES.values()]
    return sorted(made, key=lambda one: one.student)


def test_everybody_is_there_once_and_their_points_add_up() -> None:
    """The rows are the reports."""
    rows = page_of(samples()).select("tr:has([data-score])")
    assert len(samples()) == len(rows)
    assert sum(one.score for one in samples()) == sum(
        float(str(cell["data-score"])) for row in rows for cell in row.select("[data-score]")
    )
    for one in samples():
        assert sum(one.student == bdi.text for row in rows for bdi in row.select("a bdi")) == 1


def test_who_needs_a_human_comes_first() -> None:
    """Two tables, and why somebody is in the first."""
    page = page_of(samples())
    titles = [h2.text for h2 in page.select("h2")]
    assert titles.index("Look at these first (4)") < titles.index("Everybody else (2)")
    first = page.select("section:has(> h2:-soup-contains('Look at these first')) a bdi")
    assert [bdi.text for bdi in first] == ["barbara", "linus", "mallory", "margaret"]
    assert "10 points could not be judged" in page.get_text()


@pytest.mark.parametrize(
    ("made", "needs"),
    [
        (report("x", [exercise("resblock", [passed("shape", 10, "")])]), False),
        (report("x", [essay()]), False),
        (report("x", [exercise("resblock", [ended("shape", Status.SKIPPED, 10, "")])]), True),
        (report("x", [exercise("resblock", [ended("shape", Status.GRADER_BROKE, 0, "")])]), True),
        (report("x", [exercise("resblock", [ended("shape", Status.STUDENT_CRASHED, 10, "")])]), False),
        (report("x", [], status=SubmissionStatus.TIMED_OUT), True),
    ],
)
def test_needs_human(made: Report, needs: bool) -> None:
    """A written answer is no reason, a check that the grader could not judge is one."""
    assert needs == bool(needs_human(RUN, made))


def test_the_distribution_counts_everybody_who_could_be_read() -> None:
    """From 0 to 100, both included; an unreadable file has no percentage."""
    seen = Class()
    for score in (0, 9.99, 10, 55, 99, 100):
        checks = [passed("shape", score, ""), ended("gradient", Status.FAILED, 100 - score, "")]
        seen.add(RUN, report("x", [exercise("resblock", checks)]))
    seen.add(RUN, report("x", [], status=SubmissionStatus.UNREADABLE))
    assert [count for _, count, _ in seen.bars] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert seen.median == (10 + 55) / 2
    assert (seen.size, seen.statuses[SubmissionStatus.UNREADABLE]) == (7, 1)


def test_a_class_of_none_and_of_one() -> None:
    """Neither divides by nothing."""
    assert "0 submissions" in page_of([]).get_text()
    assert "1 submission, median" in page_of(samples()[:1]).get_text()


def test_memory_is_flat(tmp_path: Path) -> None:
    """Ten thousand students cost a number each, not a row each."""

    def many(count: int) -> Iterator[Report]:
        for number in range(count):
            yield report(f"student-{number:05}", [], file="f" * 200, warnings=["w" * 500])

    def peak(count: int) -> int:
        tracemalloc.start()
        Html().write_class(tmp_path, RUN, many(count))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)  # imports and caches
    few = peak(10)
    assert peak(3_000) < few + 300_000
    assert (tmp_path / "index.html").stat().st_size > 1_000_000
