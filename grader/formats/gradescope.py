"""`gradescope/<student>.json`: what Gradescope wants as `/autograder/results/results.json`.

Source: Gradescope's "Autograder Specifications", section "Output format". All names and outputs are of the format
`text`, so that Gradescope shows them as they are. The score is that of the points that are decided; a test that a
human decides about has no score of its own, and where nothing is decided, because the grader failed, none is named
anywhere: Gradescope then has no number to put in the gradebook, and the instructor runs the autograder again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grader.formats import _words
from grader.formats._format import Format, Run
from grader.formats._plain import Part, nothing_decided, parts, summary
from grader.language import say
from grader.submission import Submission
from grader.verdict import Report
from grader.whole import replacing

AS_IT_IS = {
    "output_format": "text",
    "test_output_format": "text",
    "test_name_format": "text",
    "stdout_visibility": "hidden",
}
PENDING = "pending"  # the tag of a test that a human decides about


class Gradescope(Format):
    """Writes one file for each submission."""

    id = "gradescope"

    def write_student(self, output: Path, run: Run, report: Report, submission: Submission | None) -> None:
        with replacing(output / "gradescope" / f"{report.student}.json") as file:
            file.write(as_text(results(run, report)))

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        return


def results(run: Run, report: Report) -> dict[str, Any]:
    """The document for one submission."""
    tests = [_test(part) for part in parts(run, report)]
    score = {} if nothing_decided(report) else {"score": round(sum((test.get("score", 0.0) for test in tests), 0.0), 2)}
    return {
        **score,
        "output": summary(run, report),
        **AS_IT_IS,
        "tests": tests,
        "extra_data": {
            "assignment": run.assignment.id,
            "grader_version": run.grader_version,
            "status": report.status.value,
            "max_score": round(report.max_score, 2),
            "pending": round(report.pending, 2),
        },
    }


def as_text(document: dict[str, Any]) -> str:
    """The same bytes for the same document."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _test(part: Part) -> dict[str, Any]:
    name = part.name
    if part.pending:
        name = say("{name} ({points} points, not marked yet)", name=name, points=_words.points(part.max_score))
    mark = (
        {"tags": [PENDING], "extra_data": {"pending": round(part.max_score, 2)}}
        if part.pending
        else {
            "score": round(part.score, 2),
            "max_score": round(part.max_score, 2),
            "status": "passed" if part.passed else "failed",
        }
    )
    return {
        "name": name,
        "name_format": "text",
        "number": part.number,
        "output": part.text,
        "output_format": "text",
        "visibility": part.visibility,
        **mark,
    }
