"""The shape of the tensor at each step of the student's module, until it breaks."""

from __future__ import annotations

from grader.graph import Graph
from grader.illustrate.align import pairs_of
from grader.illustrate.steps import Drawn, drawn_form, with_failure
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.pictures import Flow, Shape, ShapePicture

MOST_LETTERS = 200


def broken_graph(seen: Observation) -> Graph | None:
    """What ran until an operation raised, with that operation; None where none did."""
    raised = seen.built.raised
    return with_failure(seen.built.partial, raised.operation) if raised is not None else None


def shape_picture(
    case: str, seen: Observation, mine: Drawn | None, form: Form | None, expected: list[int] | None
) -> ShapePicture | None:
    """The picture; None where every shape is as it should be.

    Args:
        expected: the shape that the output must have.
    """
    if mine is None or len(mine.flow.steps) < 2:
        return None
    broken = seen.built.graph is None
    last = len(mine.flow.steps) - 1
    wanted = _wanted(mine, drawn_form(form) if form is not None else None)
    flow = mine.flow
    if broken:
        wanted[last] = None
        end = flow.steps[last].model_copy(update={"kind": "broken", "shape": ()})
        flow = Flow(steps=(*flow.steps[:-1], end), skips=flow.skips)
    elif expected is not None:
        wanted[last] = tuple(expected)
    wrong = next(
        (
            number
            for number, (step, shape) in enumerate(zip(flow.steps, wanted, strict=True))
            if shape is not None and shape != step.shape
        ),
        None,
    )
    if wrong is None and not broken:
        return None
    raised = seen.built.raised
    said = raised.words if raised is not None and broken else ""
    return ShapePicture(
        case=case,
        flow=flow,
        wanted=tuple(wanted),
        wrong=last if wrong is None else wrong,
        raised=said[:MOST_LETTERS],
    )


def _wanted(mine: Drawn, reference: Drawn | None) -> list[Shape | None]:
    """The shape that the reference has at the step that corresponds to each."""
    found: list[Shape | None] = [None] * len(mine.flow.steps)
    if reference is not None:
        for i, j in pairs_of(mine.flow, reference.flow):
            if i is not None and j is not None and len(mine.flow.steps[i].shape) == len(reference.flow.steps[j].shape):
                found[i] = reference.flow.steps[j].shape
    return found
