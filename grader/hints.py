"""What of its hints a report holds back. Whatever is written of a report is written after this."""

from __future__ import annotations

from typing import TypeVar

from grader.pictures import BlockPicture, Pictures
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Report

Finding = TypeVar("Finding", CheckResult, Diagnosis)


def without_last_hints(report: Report) -> Report:
    """The report with nothing in it that says what to change: no format can show what is not there."""
    return report.model_copy(
        update={"exercises": [exercise_without_last_hints(exercise) for exercise in report.exercises]}
    )


def exercise_without_last_hints(exercise: ExerciseReport) -> ExerciseReport:
    """The same of one exercise."""
    return exercise.model_copy(
        update={
            "checks": [_without_advice(_finding(check)) for check in exercise.checks],
            "diagnoses": [_finding(diagnosis) for diagnosis in exercise.diagnoses],
            "pictures": _without_reference(exercise.pictures),
        }
    )


def _finding(finding: Finding) -> Finding:
    if finding.lesson is None:
        return finding
    return finding.model_copy(update={"lesson": finding.lesson.without_last()})


def _without_reference(pictures: Pictures | None) -> Pictures | None:
    """A drawing of the reference says what to change as plainly as any hint: the student's own blocks are left."""
    if pictures is None:
        return None
    block = _alone(pictures.block) if pictures.block is not None else None
    return pictures.model_copy(update={"block": block, "blocks": tuple(map(_alone, pictures.blocks))})


def _alone(block: BlockPicture) -> BlockPicture:
    return block.model_copy(update={"reference": None, "pairs": (), "first": None})


def _without_advice(check: CheckResult) -> CheckResult:
    """Advice on a failure says what to change; on points that are pending it says what happens to them."""
    return check if check.status.pending else check.model_copy(update={"advice": ""})
