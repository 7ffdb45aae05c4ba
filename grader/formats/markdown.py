"""`comment.md`: a comment on a pull or merge request, for GitHub and GitLab.

It begins with a comment that nobody sees and by which the next run finds it, to replace it. Nothing that a student
wrote tells anybody, links, loads or commands anything (`_inline`). GitHub takes 65,536 characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from grader.formats._digest import Digest
from grader.formats._format import Document, Run
from grader.verdict import Report

LIMIT = 65_536


class Markdown(Document):
    """Writes `comment.md`."""

    id = "markdown"
    file = "comment.md"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        marker = f"<!-- grader: {run.assignment.id} -->\n"
        digest = Digest(run, LIMIT - len(marker), _utf16)
        for report in reports:
            digest.add(report)
        stream.write(marker + digest.text())


def _utf16(text: str) -> int:
    """Characters as those count who count most: one beyond the first 65,536 of Unicode counts for two."""
    return len(text.encode("utf-16-le")) // 2
