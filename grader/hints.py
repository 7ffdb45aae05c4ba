"""What of its hints a report holds back. Whatever is written of a report is written after this."""

from __future__ import annotations

from typing import TypeVar

from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Report

Finding = TypeVar("Finding", CheckResult, Diagnosis)


def without_last_hints(report: Report) -> Report:
    """The report with nothing in it that says what to change: no format can show what is not there."""
    return report.model_copy(update={"exercises": [_exercise(exercise) for exercise in report.exercises]})


def _exercise(exercise: ExerciseReport) -> ExerciseReport:
    checks = [_without_advice(_finding(check)) for check in exercise.checks]
    return exercise.model_copy(
        update={"checks": checks, "diagnoses": [_finding(diagnosis) for diagnosis in exercise.diagnoses]}
    )


def _finding(finding: Finding) -> Finding:
    if finding.lesson is None:
        return finding
    return finding.model_copy(update={"lesson": finding.lesson.without_last()})


def _without_advice(check: CheckResult) -> CheckResult:
    """Advice on a failure says what to change; on points that are pending it says what happens to them."""
    return check if check.status.pending else check.model_copy(update={"advice": ""})
