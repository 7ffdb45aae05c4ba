"""A network as its blocks, one below the other; blocks that follow each other and are alike are one step."""

from __future__ import annotations

from itertools import groupby

from grader.illustrate.operations import MOST_LETTERS, show
from grader.judge.examined import Examined
from grader.judge.network import JudgedBlock
from grader.language import say
from grader.pictures import MOST_STEPS, Flow, NetworkPicture, Step, Verdict

MOST_DIMENSIONS = 8


def network_picture(examined: Examined) -> NetworkPicture | None:
    """The picture of a network whose recording is true; None where no blocks were found in it."""
    graph = examined.network.graph
    if graph is None or not examined.blocks:
        return None
    seen = examined.taken_apart
    if seen is None:
        return None
    first = Step(says=say("input"), kind="input", detail=show(graph.input.shape), shape=tuple(graph.input.shape))
    steps: list[Step] = [first]
    verdicts: list[Verdict] = [""]
    for _, group in groupby(examined.blocks, key=_alike):
        blocks = list(group)
        steps.append(_step(blocks, len(steps) - 1))
        verdicts.append(verdict_of(blocks[0]))
    output = graph.by_id[graph.output]
    steps.append(
        Step(
            says=say("output"),
            kind="reshape",
            detail=show(output.shape),
            shape=tuple(output.shape[:MOST_DIMENSIONS]),
            reads=(len(steps) - 1,),
            cell=output.cell,
            line=output.line,
        )
    )
    if len(steps) > MOST_STEPS:
        return None
    return NetworkPicture(
        case=f"{examined.call(seen.case)}, {seen.case.title}",
        flow=Flow(steps=tuple(steps)),
        verdicts=(*verdicts, ""),
        blocks=len(examined.blocks),
    )


def _alike(block: JudgedBlock) -> tuple[object, ...]:
    mistakes = tuple(diagnosis.mistake for diagnosis in block.diagnoses)
    return block.call, verdict_of(block), mistakes, tuple(block.segment.output.shape)


def _step(blocks: list[JudgedBlock], before: int) -> Step:
    block = blocks[0]
    what = block.call or say("residual block")
    name = block.name if len(blocks) == 1 else f"{block.name} … {blocks[-1].name}"
    place = block.diagnoses[0] if block.diagnoses else block.segment.output
    return Step(
        says=(f"{len(blocks)} × {what}" if len(blocks) > 1 else what)[:MOST_LETTERS],
        kind="layer",
        detail=say("to {shape}", shape=show(block.segment.output.shape))[:MOST_LETTERS],
        layer=name[:MOST_LETTERS],
        shape=tuple(block.segment.output.shape[:MOST_DIMENSIONS]),
        reads=(before,),
        cell=place.cell,
        line=place.line,
    )


def verdict_of(block: JudgedBlock) -> Verdict:
    """What was found out about a block; "" where nothing was."""
    if block.right:
        return "right"
    if block.excused:
        return "excused"
    return "wrong" if block.diagnoses else ""
