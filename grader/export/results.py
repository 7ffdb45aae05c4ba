"""Read `results.json` back. It may have been edited by hand since it was written: nothing in it is taken on trust."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import ValidationError

from grader.errors import UsageError
from grader.verdict import SCHEMA_VERSION, CheckResult, ExerciseReport, Report, Results

_ROUNDING = 0.005  # points have two decimals
_SHOWN = 5  # problems that are named


def read_results(path: Path) -> Results:
    """The results in this file, or in the `results.json` of this folder.

    Raises:
        UsageError: there are none, or they are damaged; says where.
    """
    file = path / "results.json" if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file}: cannot be read: {error.strerror}; name the results.json that grader check wrote"
        ) from error
    try:
        results = Results.model_validate_json(data)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors()]
        more = f"\n(and {len(problems) - _SHOWN} more)" if len(problems) > _SHOWN else ""
        listed = "\n".join(problems[:_SHOWN])
        raise UsageError(f"{file}: is no results.json of this grader:\n{listed}{more}") from None
    if results.schema_version != SCHEMA_VERSION:
        raise UsageError(
            f"{file}: has schema_version {results.schema_version}, and this grader reads {SCHEMA_VERSION}: "
            "grade again, or use the grader that wrote it"
        )
    _check_students(file, results)
    for report in results.submissions:
        _check_points(file, report)
    return results


def _check_students(file: Path, results: Results) -> None:
    seen: set[str] = set()
    for report in results.submissions:
        if report.student in seen:
            raise UsageError(f"{file}: the student {report.student!r} is there twice: remove one of the entries")
        seen.add(report.student)


def _check_points(file: Path, report: Report) -> None:
    """Points are numbers between nothing and what there is, at every level, and each is the sum of those below it."""
    for exercise in report.exercises:
        for check in exercise.checks:
            _check_range(file, report, f"check {exercise.id}/{check.id}", check)
        _check_range(file, report, f"exercise {exercise.id}", exercise)
        _check_sum(file, report, f"exercise {exercise.id}", exercise.score, [check.score for check in exercise.checks])
    _check_range(file, report, "submission", report)
    if report.exercises:  # there are none where a file could not be read: a human may have marked it by eye
        parts = [exercise.score for exercise in report.exercises]
        _check_sum(file, report, "submission", report.score, parts)


def _check_range(file: Path, report: Report, what: str, of: Report | ExerciseReport | CheckResult) -> None:
    numbers = (of.score, of.max_score)
    if not all(map(math.isfinite, numbers)) or not -_ROUNDING < of.score < of.max_score + _ROUNDING:
        raise UsageError(
            f"{file}: student {report.student!r}: {what}: a score of {of.score:g} of {of.max_score:g} cannot be"
        )


def _check_sum(file: Path, report: Report, what: str, score: float, parts: list[float]) -> None:
    if abs(score - sum(parts)) > _ROUNDING * (len(parts) + 1):
        raise UsageError(
            f"{file}: student {report.student!r}: {what}: the score is {score:g}, but what it is made of gives "
            f"{sum(parts):g}: whoever changes a score by hand changes the check too"
        )
