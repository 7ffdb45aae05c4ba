"""`results.parquet`: one row a check, for pandas, Polars, DuckDB and Spark.

Needs pyarrow (`pip install 'grader[parquet]'`). `score` is null where a human still decides, so that no mean takes
pending points for lost ones; `pending` has them. A submission of which nothing could be asked has one row, without
exercise and check, so that nobody is missing. What the run was is in the file's metadata, under `grader.`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.errors import UsageError
from grader.formats import _inert
from grader.formats._format import Format, Run
from grader.verdict import CheckResult, ExerciseReport, Report, SubmissionStatus
from grader.whole import replacing_path

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "results.parquet"
_BATCH = 20_000  # rows that are in memory at a time: a row group


class Parquet(Format):
    """Writes `results.parquet`."""

    id = "parquet"

    def require(self) -> None:
        if find_spec("pyarrow") is None:
            raise UsageError(
                "--format parquet needs pyarrow, which is not installed here: pip install 'grader[parquet]' "
                "(or: pip install pyarrow)"
            )

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        # Here, for it takes longer to import than a notebook to grade.
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        schema = _schema(run)
        rows = (row for report in reports for row in _rows(report))
        with replacing_path(output / FILE) as path, ParquetWriter(path, schema, compression="zstd") as writer:
            while batch := list(islice(rows, _BATCH)):
                writer.write_table(pa.Table.from_pylist(batch, schema))


def _schema(run: Run) -> pa.Schema:
    import pyarrow as pa

    text, number, count = pa.string(), pa.float64(), pa.int64()
    told = {
        "assignment": run.assignment.id,
        "version": run.grader_version,
        "seed": str(run.seed),
        "isolation": run.isolation,
        "device": run.device,
    }
    return pa.schema(
        [
            pa.field("student", text, nullable=False),
            pa.field("file", text, nullable=False),
            pa.field("submission_status", text, nullable=False),
            pa.field("exercise", text),
            pa.field("check", text),
            pa.field("status", text),
            pa.field("score", number),
            pa.field("max_score", number, nullable=False),
            pa.field("pending", number, nullable=False),
            pa.field("message", text),
            pa.field("cell", count),
            pa.field("line", count),
            pa.field("mistakes", pa.list_(text), nullable=False),
        ],
        metadata={f"grader.{name}": value for name, value in told.items()},
    )


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    submission = {
        "student": _inert.line(report.student),
        "file": _inert.line(report.file),
        "submission_status": report.status.value,
    }
    rows = [submission | _row(exercise, check) for exercise in report.exercises for check in exercise.checks]
    return iter(rows or [submission | _nothing_asked(report)])


def _row(exercise: ExerciseReport, check: CheckResult) -> dict[str, Any]:
    pending = check.status.pending
    return {
        "exercise": _inert.line(exercise.id),
        "check": _inert.line(check.id),
        "status": check.status.value,
        "score": None if pending else check.score,
        "max_score": check.max_score,
        "pending": check.max_score if pending else 0.0,
        "message": _inert.text(check.message),
        "cell": _int64(check.cell),
        "line": _int64(check.line),
        "mistakes": sorted({_inert.line(diagnosis.mistake) for diagnosis in exercise.diagnoses}),
    }


def _nothing_asked(report: Report) -> dict[str, Any]:
    pending = report.status is SubmissionStatus.GRADER_BROKE
    return {
        "score": None if pending else report.score,
        "max_score": report.max_score,
        "pending": report.max_score if pending else 0.0,
        "message": _inert.text("\n".join(report.warnings)),
        "mistakes": [],
    }


def _int64(place: int | None) -> int | None:
    """What a student's process reports may be any number."""
    return place if place is not None and abs(place) < 2**63 else None
