"""The spool gives back what it got, in the order of the numbers."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

from grader.formats.json import document
from grader.row import row_of
from grader.spool import NAME, Spool
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus


def report(student: str, status: Status = Status.FAILED, words: str = "") -> Report:
    check = CheckResult(
        id="shape", status=status, score=0.0, max_score=10.0, message=f"wrong{words}", actual=[1, "nan"]
    )
    exercise = ExerciseReport(id="block", score=0.0, max_score=10.0, correct=False, checks=[check], diagnoses=[])
    return Report(
        student=student,
        file=f"{student}.ipynb",
        status=SubmissionStatus.GRADED,
        score=0.0,
        max_score=10.0,
        exercises=[exercise],
        repairs=["mended\nthis"],
        warnings=[],
    )


def append(spool: Spool, number: int, what: Report) -> None:
    spool.append(number, row_of(what), json.dumps(document(what)))


def test_reports_come_back_sorted_by_number(tmp_path: Path) -> None:
    with Spool(4, tmp_path) as spool:
        for number in (3, 0, 2):
            append(spool, number, report(f"s{number}"))
        assert ["s0", "s2", "s3"] == [row.student for row in spool.rows()]
        assert [report("s0"), report("s2"), report("s3")] == list(spool.reports())
        append(spool, 1, report("s1"))  # reading does not end writing
        assert ["s0", "s1", "s2", "s3"] == [each.student for each in spool.reports()]
    assert [tmp_path / NAME] == list(tmp_path.iterdir())


def test_a_row_tells_the_first_thing_to_fix_and_whether_the_grader_broke() -> None:
    assert "block: wrong" == row_of(report("a")).fix
    assert not row_of(report("a")).broke
    assert row_of(report("a", Status.GRADER_BROKE)).broke
    assert row_of(report("a", Status.SKIPPED)).correct
    assert 100.0 == row_of(report("a", Status.SKIPPED)).percent


def test_reports_take_no_memory() -> None:
    big = report("s", words="x" * 10_000)
    row, text = row_of(big), json.dumps(document(big))
    with Spool(3_000) as spool:
        tracemalloc.start()
        for number in range(3_000):
            spool.append(number, row, text)
        assert 3_000 == sum(1 for _ in spool.rows())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 1_000_000
