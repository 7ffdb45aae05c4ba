"""Files as a repository's readers know them: their path from its root, and lines of the file on disk."""

from __future__ import annotations

import os
from functools import cached_property

from grader.errors import SubmissionError
from grader.formats._format import Run
from grader.submission import FileText
from grader.verdict import Report

# Where GitHub and GitLab have checked out; else where we are.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


class RepositoryFile:
    """Where what was handed in lies, for whoever reads the repository.

    Attributes:
        name: what it is called where its path is not known.
    """

    def __init__(self, run: Run, report: Report) -> None:
        self.name = report.file
        self._hand_in = run.hand_ins.get(report.student)

    @cached_property
    def path(self) -> str | None:
        """From the repository's root, with `/` between; None for what is not in there, as what came in a zip."""
        if self._hand_in is None:
            return None
        root = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), os.curdir)
        path = os.path.relpath(os.path.realpath(self._hand_in.path), os.path.realpath(root))
        return None if path.split(os.sep)[0] == os.pardir else path.replace(os.sep, "/")

    def read(self) -> FileText | None:
        """The file as it lies on disk, to find lines in; None where it cannot be read."""
        if self._hand_in is None or self._hand_in.problem:
            return None
        try:
            return FileText.of(self._hand_in)
        except SubmissionError:
            return None  # it changed or went away since it was graded
