"""Pictures of an exercise from what is known of it already: nothing is asked of the student's process for them.

    examined ─▶ steps of the student's graph and of the reference's ─▶ block, gradients, parameters, shapes

A picture says what was seen and decides nothing. What cannot be drawn is left out without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from grader.assignment import ModuleExercise
from grader.illustrate.block import block_picture, nearest_form
from grader.illustrate.gradients import gradient_picture
from grader.illustrate.network import network_picture
from grader.illustrate.parameters import parameter_picture
from grader.illustrate.shapes import broken_graph, shape_picture
from grader.illustrate.steps import drawn
from grader.illustrate.wrong_blocks import wrong_block_pictures
from grader.judge.examined import Examined
from grader.judge.network import JudgedBlock
from grader.judge.observed import Observation
from grader.pictures import BlockPicture, Pictures
from grader.verdict import CheckResult, Status

__all__ = ["illustrate"]


MOST_CASES = 3  # that are looked into


def illustrate(
    examined: Examined,
    results: list[CheckResult],
    look_at: Callable[[JudgedBlock], Examined | None] | None = None,
) -> Pictures | None:
    """The pictures of an exercise: its block where it is right, and what is wrong where it is not.

    Args:
        look_at: gives a block of a network as if it were a submission of its own.
    """
    if not isinstance(examined.exercise, ModuleExercise):
        blocks = wrong_block_pictures(examined.blocks, look_at) if look_at is not None else ()
        return Pictures(network=network_picture(examined), blocks=blocks)
    if examined.answers is None:
        return None
    if all(result.status is Status.PASSED for result in results):
        return _of_right(examined)
    failed = {result.id for result in results if result.status is not Status.PASSED}
    # What behaves rightly may still be wrong: layers in a list, for instance, are no parameters of the module.
    cases = sorted(examined.observations, key=lambda seen: seen.case.confirm)
    wrong = islice((seen for seen in cases if examined.right_form(seen) is None), MOST_CASES)
    found = Pictures()
    for seen in list(wrong) or cases[:MOST_CASES]:
        found = _more(found, examined, seen, failed)
    return found


def _more(found: Pictures, examined: Examined, seen: Observation, failed: set[str]) -> Pictures:
    """The pictures with those that there were none of in the cases before."""
    wanted = {"block", *_KINDS} - {name for name, picture in found if picture is not None}
    wanted -= {name for name, check in _KINDS.items() if not failed & check}
    if not wanted:
        return found
    case = _case(examined, seen)
    mine = drawn(seen.built.graph or broken_graph(seen))
    form = nearest_form(examined, seen, mine)
    more: dict[str, object] = {}
    if "block" in wanted and mine is not None:
        more["block"] = block_picture(case, seen, mine, form)
    if "gradients" in wanted:
        more["gradients"] = gradient_picture(case, seen, mine, form)
    if "parameters" in wanted:
        more["parameters"] = parameter_picture(case, seen, mine, form)
    if "shapes" in wanted:
        expected = examined.output_shape(seen.case, (2, *seen.case.input))
        more["shapes"] = shape_picture(case, seen, mine, form, expected)
    return found.model_copy(update=more)


# Which checks, when they are not passed, each kind of picture says more about.
_KINDS = {
    "gradients": {"gradient", "skip-connection"},
    "parameters": {"parameters"},
    "shapes": {"shape"},
}


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
