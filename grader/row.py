"""One submission in one line: what progress, summary and exit code need of a report."""

from __future__ import annotations

from dataclasses import dataclass

from grader.verdict import Report, Status, SubmissionStatus


@dataclass(frozen=True)
class Row:
    """The small facts of a report, plain enough for JSON."""

    student: str
    file: str
    status: str
    score: float
    max_score: float
    pending: float
    percent: float
    correct: bool
    broke: bool  # the grader failed, on all of it or on one check
    fix: str  # the first thing to mend, in the words of the report

    @property
    def graded(self) -> bool:
        return self.status == SubmissionStatus.GRADED

    def passes(self, fail_under: float | None) -> bool:
        """Graded, and not below the threshold."""
        return self.graded and not self.broke and (fail_under is None or self.percent >= fail_under)


def row_of(report: Report) -> Row:
    """The line for this report. Percents have two decimals, as points have: what is compared can be read."""
    checks = [check for exercise in report.exercises for check in exercise.checks]
    return Row(
        student=report.student,
        file=report.file,
        status=report.status.value,
        score=round(report.score, 2),
        max_score=round(report.max_score, 2),
        pending=round(report.pending, 2),
        percent=round(report.percent, 2),
        correct=all(check.status in (Status.PASSED, Status.SKIPPED) for check in checks),
        broke=report.status is SubmissionStatus.GRADER_BROKE
        or any(check.status is Status.GRADER_BROKE for check in checks),
        fix=_first_fix(report),
    )


def _first_fix(report: Report) -> str:
    if report.status is not SubmissionStatus.GRADED and report.message:
        return report.message
    for exercise in report.exercises:
        if exercise.diagnoses:
            return f"{exercise.id}: {exercise.diagnoses[0].message}"
        for check in exercise.checks:
            if check.status not in (Status.PASSED, Status.SKIPPED):
                return f"{exercise.id}: {check.message}"
    return ""
