"""Pictures of an exercise from what is known of it already: nothing is asked of the student's process for them.

    examined ─▶ steps of the student's graph and of the reference's ─▶ block, gradients, parameters, shapes

A picture says what was seen and decides nothing. What cannot be drawn is left out without a word.
"""

from __future__ import annotations

from grader.assignment import ModuleExercise
from grader.illustrate.block import block_picture, nearest_form
from grader.illustrate.gradients import gradient_picture
from grader.illustrate.parameters import parameter_picture
from grader.illustrate.shapes import broken_graph, shape_picture
from grader.illustrate.steps import drawn
from grader.judge.examine import Observation
from grader.judge.examined import Examined
from grader.pictures import BlockPicture, Pictures
from grader.verdict import CheckResult, Status

__all__ = ["illustrate"]


def illustrate(examined: Examined, results: list[CheckResult]) -> Pictures | None:
    """The pictures of a module exercise: its block where it is right, and what is wrong where it is not."""
    if not isinstance(examined.exercise, ModuleExercise) or examined.answers is None:
        return None
    if all(result.status is Status.PASSED for result in results):
        return _of_right(examined)
    failed = {result.id for result in results if result.status is not Status.PASSED}
    wrong = sorted(
        (seen for seen in examined.observations if examined.right_form(seen) is None),
        key=lambda seen: seen.case.confirm,
    )
    drawings = [(seen, drawn(seen.built.graph or broken_graph(seen))) for seen in wrong[:1]]
    if not drawings:
        return None
    seen, mine = drawings[0]
    form = nearest_form(examined, seen, mine)
    block = block_picture(_case(examined, seen), seen, mine, form) if mine is not None else None
    found = Pictures(block=block)
    for seen in wrong:
        case, is_first = _case(examined, seen), seen is wrong[0]
        its = mine if is_first else None
        nearest = form if is_first else nearest_form(examined, seen, its)
        more: dict[str, object] = {}
        if "gradient" in failed | {"skip-connection"} and found.gradients is None:
            more["gradients"] = gradient_picture(case, seen, its, nearest)
        if "parameters" in failed and found.parameters is None:
            more["parameters"] = parameter_picture(case, seen, its or drawn(seen.built.graph), nearest)
        if "shape" in failed and found.shapes is None:
            wanted = examined.output_shape(seen.case, (2, *seen.case.input))
            more["shapes"] = shape_picture(case, seen, nearest, wanted)
        found = found.model_copy(update=more)
    return found


def _of_right(examined: Examined) -> Pictures | None:
    """The student's own block, in the case with the most to see."""
    graphs = [(seen, seen.built.graph) for seen in examined.ran if seen.built.graph is not None]
    if not graphs:
        return None
    seen, graph = max(graphs, key=lambda each: len(each[1].nodes))
    mine = drawn(graph)
    if mine is None:
        return None
    return Pictures(block=BlockPicture(case=_case(examined, seen), mine=mine.flow, chooses=seen.reads))


def _case(examined: Examined, seen: Observation) -> str:
    return f"{examined.call(seen.case)}, {seen.case.title}"
