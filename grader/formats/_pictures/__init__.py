"""Pictures on the student's page, as SVG that is part of it: one file for each kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from grader.formats._pictures._block import block
from grader.formats._pictures._gradients import gradients
from grader.formats._pictures._network import network
from grader.formats._pictures._parameters import parameters
from grader.formats._pictures._shapes import shapes
from grader.formats._pictures._shown import Shown
from grader.pictures import Pictures
from grader.submission import Submission

__all__ = ["Shown", "pictures_of"]


def pictures_of(pictures: Pictures | None, anchor: str, submission: Submission | None) -> list[Shown]:
    """The pictures of an exercise in the order in which they help. One that cannot be drawn is left out.

    Args:
        anchor: the id of the exercise's section, with which theirs begin.
    """
    return [shown for draw in drawers(pictures, anchor, submission) if (shown := _drawn(draw)) is not None]


def drawers(pictures: Pictures | None, anchor: str, submission: Submission | None) -> list[Callable[[], Shown]]:
    """What draws each picture that there is."""
    if pictures is None:
        return []
    found: list[Callable[[], Shown]] = []
    if (of_shapes := pictures.shapes) is not None:
        found.append(lambda: shapes(of_shapes, f"{anchor}-shapes", submission))
    if (of_block := pictures.block) is not None:
        found.append(lambda: block(of_block, f"{anchor}-block", submission))
    if (of_network := pictures.network) is not None:
        found.append(lambda: network(of_network, f"{anchor}-network", submission))
    for number, each in enumerate(pictures.blocks, start=1):
        found.append(partial(block, each, f"{anchor}-block-{number}", submission))
    if (of_parameters := pictures.parameters) is not None:
        found.append(lambda: parameters(of_parameters, f"{anchor}-parameters"))
    if (of_gradients := pictures.gradients) is not None:
        found.append(lambda: gradients(of_gradients, f"{anchor}-gradients"))
    return found


def _drawn(draw: Callable[[], Shown]) -> Shown | None:
    try:
        return draw()
    except Exception:
        return None  # the page is worth more than a picture on it
