"""`prairielearn/<student>.json`: what PrairieLearn wants as `/grade/results/results.json`.

Source: PrairieLearn's documentation, "External grading", section "Grading results". The score is the part of the
decided points that was won; a test that a human decides about counts 0 of 0, which PrairieLearn shows as neither
right nor wrong. Where nothing is decided, and where a file cannot be read, the submission is not gradable: no points
are won or lost, and no attempt is used up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grader.formats import _words
from grader.formats._format import Format, Run
from grader.formats._plain import MESSAGE, Part, nothing_decided, parts, summary
from grader.language import later, say
from grader.submission import Submission
from grader.verdict import Report, SubmissionStatus
from grader.whole import replacing

MAX_BYTES = 1_000_000  # "limited to 1 MB"
_LATER = later("The result of this check is shown later.")


class PrairieLearn(Format):
    """Writes one file for each submission."""

    id = "prairielearn"

    def write_student(self, output: Path, run: Run, report: Report, submission: Submission | None) -> None:
        with replacing(output / "prairielearn" / f"{report.student}.json") as file:
            file.write(document(run, report))

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        return


def document(run: Run, report: Report) -> str:
    """The text of the file; what is told is shortened until it fits."""
    for limit in (MESSAGE, 400, 80, 0):
        text = json.dumps(results(run, report, limit), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        if len(text.encode()) <= MAX_BYTES:
            return text
    tests = [{**test, "message": ""} for test in results(run, report, 0)["tests"]]
    return json.dumps({**results(run, report, 0), "tests": tests}, allow_nan=False) + "\n"


def results(run: Run, report: Report, limit: int = MESSAGE) -> dict[str, Any]:
    """The document for one submission."""
    if nothing_decided(report) or report.status is SubmissionStatus.UNREADABLE:
        told = summary(run, report, limit, score=False)
        return {"gradable": False, "message": told, "format_errors": [told.split("\n", 1)[0]], "tests": []}
    told = summary(run, report, limit)
    listed = parts(run, report, limit)
    score = max(0.0, min(1.0, report.percent / 100))
    return {
        "gradable": True,
        "score": round(score, 6),
        "message": told,
        "tests": [_test(part) for part in listed],
    }


def _test(part: Part) -> dict[str, Any]:
    counted = not part.pending
    open_points = ""
    if part.pending:
        open_points = say("a human decides about {points} points", points=_words.points(part.max_score))
    return {
        "name": part.name,
        "description": open_points,
        "points": round(part.score, 2) if counted else 0.0,
        "max_points": round(part.max_score, 2) if counted else 0.0,
        # PrairieLearn has no results that are shown later.
        "message": part.text if part.visibility == "visible" else say(_LATER),
    }
