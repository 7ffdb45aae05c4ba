"""`csv` and `parquet`: read again by a library that is not ours, and added up."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ci_readers import EVERYTHING, written
from test_formats_samples import RUN, essay, exercise, failed, report, right

import grader.formats.parquet
from grader.batch import Request, check
from grader.errors import UsageError
from grader.formats import formats
from grader.formats._spreadsheet import cell
from grader.terminal import Terminal
from grader.verdict import Report


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    read = "read_csv" if path.suffix == ".csv" else "read_parquet"
    rows: list[tuple[Any, ...]] = duckdb.sql(f"select {sql} from {read}('{path}') order by all").fetchall()
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both tables, of all samples."""
    output = tmp_path_factory.mktemp("tables")
    for name in ("csv", "parquet"):
        formats()[name].write_class(output, RUN, iter(EVERYTHING))
    return output


# ---------------------------------------------------------------------- csv


def test_csv_is_what_the_rfc_says(folder: Path) -> None:
    """Lines end with CRLF, every row has as many cells as the header, and there is no byte order mark."""
    data = (folder / "results.csv").read_bytes()
    assert data.startswith(b"student,file,status,score,")
    assert data.count(b"\n") == data.count(b"\r\n") == len(EVERYTHING) + 1
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    assert {len(row) for row in rows} == {7 + 4 * len(RUN.assignment.exercises) + 1}


def test_csv_on_standard_output_is_the_file(folder: Path) -> None:
    """To the byte."""
    assert written("csv", EVERYTHING).encode() == (folder / "results.csv").read_bytes()


def test_csv_adds_up(folder: Path) -> None:
    """Read by DuckDB: points are numbers, exercises add up to the submission, an empty cell is no number."""
    columns = ["score", "max_score", "pending", "percent"]
    of_exercises = [
        " + ".join(f'coalesce(cast("{each.id}.{name}" as double), 0)' for each in RUN.assignment.exercises)
        for name in columns[:3]
    ]
    rows = query(folder / "results.csv", ", ".join(["student", "status", *columns, *of_exercises]))
    by_student = {cell(made.student): made for made in EVERYTHING}
    assert len(by_student) == len(rows)
    for student, status, score, max_score, pending, percent, *sums in rows:
        made = by_student[student]
        assert (made.status, made.score, made.max_score, made.pending) == (status, score, max_score, pending)
        assert percent == pytest.approx(made.percent, abs=0.005)
        parts = made.exercises
        assert sums == [sum(p.score for p in parts), sum(p.max_score for p in parts), sum(p.pending for p in parts)]


def test_csv_tells_pending_from_zero() -> None:
    """An exercise that a human marks has no score yet, so that no mean takes it for 0."""
    (row,) = csv.DictReader(io.StringIO(written("csv", [right()[0]]), newline=""))
    assert ("", "10.0", "10.0", "") == tuple(
        row[f"essay.{name}"] for name in ("score", "max_score", "pending", "correct")
    )
    (row,) = csv.DictReader(io.StringIO(written("csv", [report("m", [], status="unreadable")]), newline=""))
    assert ("0.0", "0.0", "") == (row["score"], row["pending"], row["resblock.score"])
    (row,) = csv.DictReader(io.StringIO(written("csv", [report("m", [essay()], max_score=10)]), newline=""))
    assert ("", "10.0", "") == (row["score"], row["pending"], row["percent"])


@pytest.mark.parametrize("begin", [*"=+-@|%＝＋－＠", "\t=", "\n=", "\r=", " ="])
@pytest.mark.parametrize("before", ["", "x;", "x; "])
def test_no_cell_is_a_formula(begin: str, before: str) -> None:
    """A spreadsheet shows it as text, also one that takes a semicolon for the end of a cell."""
    shown = cell(f"{before}{begin}cmd()")
    for part in shown.split(";"):
        assert part.strip()[0] not in "=+-@|%\t\r\n＝＋－＠"
    assert "cmd()" in shown


def test_what_is_no_formula_stays_as_it_is() -> None:
    """Names are names."""
    assert ["anna-maria", "O'Hara; Jo", "a=b"] == [cell("anna-maria"), cell("O'Hara; Jo"), cell("a=b")]


# ---------------------------------------------------------------------- parquet


def test_parquet_adds_up(folder: Path) -> None:
    """Read by DuckDB: one row a check, whose points are the report's."""
    table = folder / "results.parquet"
    sums = "coalesce(sum(score), 0), sum(max_score), sum(pending)"
    rows = duckdb.sql(f"select student, count(*), {sums} from '{table}' group by student order by student").fetchall()
    expected = []
    for made in EVERYTHING:
        checks = [check for part in made.exercises for check in part.checks]
        most = sum(check.max_score for check in checks) if checks else made.max_score
        expected.append((made.student, max(1, len(checks)), made.score, most, made.pending))
    assert sorted(expected) == rows


def test_parquet_tells_pending_from_zero(folder: Path) -> None:
    """A score that a human still decides is null, and nothing else is."""
    rows = query(folder / "results.parquet", "distinct status, score is null, pending > 0")
    assert [row for row in rows if row[0] in ("skipped", "grader_broke")] == [
        ("grader_broke", True, True),
        ("skipped", True, True),
    ]
    assert not any(row[1] or row[2] for row in rows if row[0] not in ("skipped", "grader_broke"))


def test_parquet_misses_nobody(folder: Path) -> None:
    """A file that could not be read has a row, without a check."""
    assert [("margaret", "unreadable", None, None, 0.0, 100.0)] == [
        row
        for row in query(folder / "results.parquet", 'student, submission_status, exercise, "check", score, max_score')
        if row[1] == "unreadable"
    ]


def test_parquet_says_what_was_run(folder: Path) -> None:
    """In the file's metadata, for who finds only the file."""
    pairs = duckdb.sql(f"select key, value from parquet_kv_metadata('{folder / 'results.parquet'}')").fetchall()
    told = {bytes(key).decode(): bytes(value).decode() for key, value in pairs}
    assert {
        "grader.assignment": "residual-blocks",
        "grader.seed": "0",
        "grader.isolation": "bwrap",
    }.items() <= told.items()


def test_parquet_takes_any_number_of_a_students(tmp_path: Path) -> None:
    """A place that a process reports may be no 64-bit number."""
    made = report("ada", [exercise("resblock", [failed("shape", 10, "x", cell=2**70, line=3)])])
    formats()["parquet"].write_class(tmp_path, RUN, [made])
    assert [(None, 3)] == query(tmp_path / "results.parquet", "cell, line")


def test_parquet_of_nobody(tmp_path: Path) -> None:
    """No report is still a table."""
    formats()["parquet"].write_class(tmp_path, RUN, [])
    assert [] == query(tmp_path / "results.parquet", "student, score")
    assert ["results.parquet"] == [path.name for path in tmp_path.iterdir()]


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything is graded, with the command."""
    monkeypatch.setattr(grader.formats.parquet, "find_spec", lambda name: None)
    request = Request([tmp_path], None, tmp_path / "out", ("parquet",), 1, "cpu", 0, "none", {}, None)
    with pytest.raises(UsageError, match=r"pip install 'grader\[parquet\]'"):
        check(request, Terminal(quiet=True))
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------------- memory


@pytest.mark.usefixtures("usual_garbage")
@pytest.mark.parametrize("name", ["csv", "junit", "markdown", "github", "parquet"])
def test_memory_is_flat(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of thousands never stands in memory: six times the students cost what one does."""
    monkeypatch.setattr(grader.formats.parquet, "_BATCH", 100)
    parts = [exercise("resblock", [failed("shape", 10, "w" * 700, cell=1, line=1)] * 3), essay()]

    def many(count: int) -> Iterator[Report]:
        for number in range(count):
            yield report(f"student-{number:05}", parts, warnings=[f"{number} {'w' * 3000}"])

    def peak(count: int) -> int:
        tracemalloc.start()
        formats()[name].write_class(tmp_path, RUN, many(count))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)  # imports and caches
    # What a comment or a summary may hold is held: up to 1 MiB, several times over while it is put together.
    held = {"github": 6_000_000, "markdown": 700_000}.get(name, 300_000)
    assert peak(900) < peak(150) + held
