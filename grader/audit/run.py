"""One run of `grader audit`: find the assignment, audit it behind the wall."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

from grader.assignment import find_assignment
from grader.audit.audit import audit
from grader.audit.findings import Audit
from grader.pipeline import Settings
from grader.sandbox import choose


def run_audit(assignment: str, programs: int, seed: int, isolation: str, progress: Callable[[str], None]) -> Audit:
    """Audit a shipped assignment, or one in a folder.

    Raises:
        UsageError: there is no such assignment.
        AssignmentError: it, or a reference of it, is wrong.
        WallError: the wall cannot be built.
    """
    found = find_assignment(assignment)
    torch.set_num_threads(1)
    settings = Settings(choose(isolation), "cpu", seed, found.limits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a reference may warn, here as in a student's process
        return audit(found, settings, programs, progress)
