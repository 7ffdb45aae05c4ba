"""Hints that are held back: until a date a report does not hold them, so that no format can show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, writes
from specs import SPEC, refusal
from walls import RESBLOCK, SharingGrader, wall

from grader.assignment import Assignment, Hints, Limits, find_assignment, load_assignment
from grader.formats import Run, formats
from grader.identity import identity
from grader.mistakes import mistakes
from grader.pipeline import Settings
from grader.slot import Order
from grader.submission import find
from grader.verdict import Report

NOON = datetime(2026, 12, 1, 12, tzinfo=timezone(timedelta(hours=1)))
WRONG = RESBLOCK.replace("self.branch(x) + self", "self.branch(x) * self")
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    """The basic block alone, whose last hints are shown from noon."""
    shipped = find_assignment("residual-blocks")
    only = [exercise for exercise in shipped.exercises if exercise.id == "resblock"]
    return shipped.model_copy(update={"hints": Hints(last_from=NOON), "exercises": only})


def written(assignment: Assignment, folder: Path, now: datetime) -> tuple[Report, str]:
    """The report of a wrong block at this moment, and everything that all formats write of it."""
    handed_in = folder / "ada.ipynb"
    handed_in.write_text(writes(new_notebook(cells=[new_code_cell(WRONG)])))
    with (
        SharingGrader(assignment, Settings(wall(), "cpu", 0, Limits(), now=now, draw=True)) as grader,
        find([handed_in]) as hand_ins,
    ):
        grader.prepare()
        report, submission = grader.grade(hand_ins[0])
    run = Run(assignment, 0, "bwrap", "cpu")
    output = folder / "reports"
    output.mkdir()
    for form in formats().values():
        form.write_student(output, run, report, submission)
        form.write_class(output, run, [report])
    files = [path for path in sorted(output.rglob("*")) if path.is_file()]
    assert files
    return report, "\n".join(path.read_bytes().decode("utf-8", errors="replace") for path in files)


def plain(text: str) -> str:
    """As it stands in a page: code in tags, quotes escaped."""
    return text.split("`")[0]


def test_before_the_date_the_last_hint_is_in_no_format(assignment: Assignment, tmp_path: Path) -> None:
    """What is not in the report cannot be shown, whatever the format."""
    report, text = written(assignment, tmp_path, NOON - SECOND)
    (diagnosis,) = report.exercises[0].diagnoses
    *first, last = mistakes()[diagnosis.mistake].hints
    assert all(plain(hint) in text for hint in first)
    assert plain(last) not in text
    assert "2026-12-01 12:00 (UTC+01:00)" in text
    assert "Your block, step by step" in text
    assert "Your block beside the reference" not in text
    assert not any(check.advice for check in report.exercises[0].checks if not check.status.pending)


def test_from_the_date_on_it_is_shown(assignment: Assignment, tmp_path: Path) -> None:
    """To the second, wherever the clock stands."""
    report, text = written(assignment, tmp_path, NOON.astimezone(UTC))
    (diagnosis,) = report.exercises[0].diagnoses
    assert plain(mistakes()[diagnosis.mistake].hints[-1]) in text
    assert "2026-12-01" not in text
    assert "Your block beside the reference" in text


def test_without_a_date_nothing_is_held_back() -> None:
    """Most assignments say nothing of hints."""
    assert Hints().show_last(datetime.min.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("last_from = 2026-12-01T12:00:00", "expected a date and time with a time zone"),
        ("last_from = 2026-12-01", "expected a date and time with a time zone"),
        ('last_from = "2026-12-01T12:00:00Z"', "expected a date and time with a time zone"),
        ("last_from = 1700000000", "expected a date and time with a time zone"),
        ("first_from = 2026-12-01T12:00:00Z", "hints.first_from: unknown key"),
    ],
)
def test_a_mistake_in_the_date_is_named(tmp_path: Path, line: str, said: str) -> None:
    """A moment without a time zone is another in every place."""
    refused = refusal(tmp_path, SPEC.replace("[[exercise]]", f"[hints]\n{line}\n\n[[exercise]]", 1))
    assert said in refused
    assert "hints" in refused


def test_a_date_with_a_time_zone_is_read(tmp_path: Path) -> None:
    spec = SPEC.replace("[[exercise]]", "[hints]\nlast_from = 2026-12-01T12:00:00+01:00\n\n[[exercise]]", 1)
    (tmp_path / "assignment.toml").write_text(spec)
    assert NOON == load_assignment(tmp_path).hints.last_from


def test_a_run_before_the_date_is_not_continued_after_it(assignment: Assignment) -> None:
    """Its pages lack what the others have; and a later hour alone makes no other run."""
    order = Order(assignment, "auto", "cpu", 0, Limits(), None, ("html",), now=NOON - SECOND)
    before, still, after = (identity(replace(order, now=now)) for now in (order.now, NOON - 9 * SECOND, NOON))
    assert before == still
    assert before != after
