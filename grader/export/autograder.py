"""What runs inside Gradescope, for one submission: grade `submission/`, write `results/results.json`.

    python -m grader.export.autograder /autograder

The submission is graded as `grader check` grades it, behind the wall. A result that names a score is written only when
the grading came to its end; until then the one stands that `run_autograder` put there, which names none.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from grader import __version__
from grader.assignment import Assignment, load_assignment
from grader.batch import Request, Tally, check
from grader.errors import GraderError, NothingFound, UsageError
from grader.formats import Run
from grader.formats._text import one_line, visible
from grader.formats.gradescope import AS_IT_IS, as_text
from grader.row import Row
from grader.verdict import Report, Results, SubmissionStatus
from grader.whole import replacing

_MOST_NAMES = 5  # of files that are no hand-in
_OUR_FAULT = (
    "The grader could not do its work on this submission. This is not your mistake and costs you nothing: no score was "
    "given. Your instructor can see what happened and run the autograder again."
)


class Settings(BaseModel):
    """What the instructor decided when the zip was built. Students' code never runs without a wall here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    isolation: Literal["auto", "bwrap", "landlock"] = "auto"
    seed: int = 0


def main(root: Path) -> int:
    """Grade what lies in `root/submission`; 0, or 3 where the grader failed."""
    target = root / "results" / "results.json"
    assignment: Assignment | None = None
    try:
        assignment = load_assignment(root / "source" / "assignment")
        settings = Settings.model_validate_json((root / "source" / "settings.json").read_text(encoding="utf-8"))
        _write(target, grade(root / "submission", assignment, settings))
        return 0
    except Exception as error:
        # For the instructor alone: Gradescope keeps it, and shows it to no student.
        print(f"The grader failed: {error}" if isinstance(error, GraderError) else traceback.format_exc())
        _write(target, failed(assignment, f"{type(error).__name__}: {error}"))
        return 3


def grade(submission: Path, assignment: Assignment, settings: Settings) -> dict[str, Any]:
    """The result of the submission in this folder.

    Raises:
        GraderError: it cannot be graded, and that is not the student's fault.
    """
    if not submission.is_dir():
        raise UsageError(f"{submission}: there is no such folder, although Gradescope puts the submission there")
    with tempfile.TemporaryDirectory(prefix="grader-results-") as folder:
        output = Path(folder)
        try:
            check(_request(submission, assignment, settings, output), _Log())
        except NothingFound:
            return nothing_handed_in(assignment, submission)
        results = Results.model_validate_json((output / "results.json").read_bytes())
        chosen = best(results.submissions)
        document: dict[str, Any] = json.loads(
            (output / "gradescope" / f"{chosen.student}.json").read_text(encoding="utf-8")
        )
    if len(results.submissions) > 1:
        document["output"] = (
            f"You handed in {len(results.submissions)} files that can be graded. This is the result of "
            f"{visible(one_line(chosen.file, 120))}, which has the most points.\n{document['output']}"
        )
    return document


def best(reports: Iterable[Report]) -> Report:
    """Of several notebooks that count: what can be graded before what cannot, notebooks before scripts, then points."""
    return max(
        reports,
        key=lambda report: (
            report.status is not SubmissionStatus.UNREADABLE,
            report.score + report.pending,
            report.file.casefold().endswith(".ipynb"),
        ),
    )


def nothing_handed_in(assignment: Assignment, submission: Path) -> dict[str, Any]:
    """The result where no file can be graded: this is the student's to mend, and the message says how."""
    names = sorted(visible(one_line(path.name, 80)) for path in submission.iterdir())
    there = ", ".join(names[:_MOST_NAMES]) + (f" and {len(names) - _MOST_NAMES} more" * (len(names) > _MOST_NAMES))
    output = (
        "There is no notebook in what you handed in. Hand in the notebook itself, the file that ends in .ipynb (in "
        f"Jupyter: File > Download). You handed in: {there or 'nothing'}."
    )
    return {"score": 0.0, **_document(assignment, output, "no_submission")}


def failed(assignment: Assignment | None, what: str) -> dict[str, Any]:
    """The result where the grader failed: no score anywhere, and why, for the instructor."""
    instructor = {
        "name": "For the instructor: the grader failed",
        "name_format": "text",
        "output": f"{visible(what[:4000])}\nNo score was given. Mend this, then run the autograder again for all.",
        "output_format": "text",
        "visibility": "hidden",
    }
    return {**_document(assignment, _OUR_FAULT, "grader_broke"), "tests": [instructor]}


def did_not_finish(assignment: Assignment) -> dict[str, Any]:
    """The result of a run that was cut off: it stands before anything is begun."""
    return failed(
        assignment, "The run was cut off: Gradescope's time or memory was used up, or the grader could not be started."
    )


def _document(assignment: Assignment | None, output: str, status: str) -> dict[str, Any]:
    return {
        "output": output,
        **AS_IT_IS,
        "tests": [],
        "extra_data": {
            "assignment": assignment.id if assignment else None,
            "grader_version": __version__,
            "status": status,
        },
    }


def _request(submission: Path, assignment: Assignment, settings: Settings, output: Path) -> Request:
    return Request(
        paths=[submission],
        assignment=str(assignment.folder),
        output=output,
        formats=("gradescope", "json"),
        jobs=1,
        device="cpu",
        seed=settings.seed,
        isolation=settings.isolation,
        limits={},
        fail_under=None,
        one_student=True,
    )


def _write(target: Path, document: dict[str, Any]) -> None:
    with replacing(target) as file:
        file.write(as_text(document))


class _Log:
    """Tells the instructor's log how it goes."""

    def left_out(self, files: Sequence[str]) -> None:
        print(f"cannot be graded: {visible(one_line(', '.join(files[:_MOST_NAMES]), 400))}", flush=True)

    def begin(self, assignment: Assignment, total: int, continued: int) -> None:
        print(f"grader {__version__}: {total} file(s) for {assignment.id}", flush=True)

    def ready(self, run: Run) -> None:
        print(f"wall: {run.isolation}", flush=True)

    def done(self, row: Row) -> None:
        print(f"{visible(one_line(row.file, 120))}: {row.status}, {row.score:g} of {row.max_score:g}", flush=True)

    def end(self, request: Request, tally: Tally, rows: Iterable[Row], only: Report | None) -> None:
        return


if __name__ == "__main__":
    code = main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("AUTOGRADER_ROOT", "/autograder")))
    sys.exit(code)
