"""Pictures on the student's page, as SVG that is part of it: one file for each kind."""

from __future__ import annotations

from grader.formats._pictures._block import block
from grader.formats._pictures._shown import Shown
from grader.pictures import Pictures
from grader.submission import Submission

__all__ = ["Shown", "pictures_of"]


def pictures_of(pictures: Pictures | None, anchor: str, submission: Submission | None) -> list[Shown]:
    """The pictures of an exercise in the order in which they help.

    Args:
        anchor: the id of the exercise's section, with which theirs begin.
    """
    if pictures is None:
        return []
    found = []
    if pictures.block is not None:
        found.append(block(pictures.block, f"{anchor}-block", submission))
    return found
