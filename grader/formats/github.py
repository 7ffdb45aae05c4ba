"""`annotations.txt` and `summary.md`: findings at the lines of the notebooks in a pull request, and the job's summary.

GitHub takes annotations from what a step prints. So with `--output -` they are printed; in a folder they are a file,
which the step may print (`cat reports/annotations.txt`). The summary, of less than 1 MiB, is added to
`$GITHUB_STEP_SUMMARY` where that is set. Lines are those of the file on disk: of an `.ipynb`, lines of its JSON.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from grader.formats._annotations import Annotations
from grader.formats._digest import Digest
from grader.formats._format import Document, Run
from grader.verdict import Report
from grader.whole import replacing

LIMIT = 1_000_000  # bytes; of 1 MiB, what other commands of the same step may need is left
SUMMARY = "summary.md"


class GitHub(Document):
    """Writes `annotations.txt` and `summary.md`."""

    id = "github"
    file = "annotations.txt"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        annotations, summary = _both(run, reports)
        stream.writelines(f"{line}\n" for line in annotations)
        _add_to_job(summary)

    def write_class(self, output: Path, run: Run, reports: Iterable[Report]) -> None:
        annotations, summary = _both(run, reports)
        with replacing(output / self.file) as stream:
            stream.writelines(f"{line}\n" for line in annotations)
        with replacing(output / SUMMARY) as stream:
            stream.write(summary)
        _add_to_job(summary)


def _both(run: Run, reports: Iterable[Report]) -> tuple[list[str], str]:
    """Read the reports once."""
    annotations = Annotations(run)
    digest = Digest(run, LIMIT, lambda text: len(text.encode()))
    for report in reports:
        annotations.add(report)
        digest.add(report)
    return annotations.lines(), digest.text()


def _add_to_job(summary: str) -> None:
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8", newline="\n") as file:
            file.write(f"{summary}\n")
