"""A network as its blocks, each with what was found out about it."""

from __future__ import annotations

from grader.formats._excerpt import Place, place
from grader.formats._pictures._graph import Drawing, Marks, heights_of
from grader.formats._pictures._layout import depths, lay_out
from grader.formats._pictures._shown import Panel, Shown
from grader.formats._pictures._svg import clean
from grader.language import later, many, say
from grader.pictures import NetworkPicture
from grader.submission import Submission

SAYS = {
    "right": later("✓ as the reference"),
    "wrong": later("✗ not as it should be"),
    "excused": later("– marked down before"),
    "": "",
}


def network(picture: NetworkPicture, id: str, submission: Submission | None) -> Shown:
    """The picture, ready to be shown."""
    flow = picture.flow
    wrong = [number for number, verdict in enumerate(picture.verdicts) if verdict == "wrong"]
    rows = depths(flow)
    marks = Marks(
        first=wrong[0] if wrong else None,
        beside={number: say(SAYS[verdict]) for number, verdict in enumerate(picture.verdicts) if verdict},
    )
    drawing = Drawing(flow, lay_out(flow, rows), heights_of(flow, rows, len(flow.steps)), marks, widths=(186.0, 126.0))
    found = place(submission, flow.steps[wrong[0]].cell, flow.steps[wrong[0]].line) if wrong else None
    return Shown(
        id=id,
        title=say("Your network, block by block"),
        says=_says(picture, wrong),
        note=say("{case}. Blocks that follow each other and are alike are drawn as one.", case=clean(picture.case)),
        panels=[Panel(f"{id}-mine", say("Your network"), drawing.markup(f"{id}-mine", f"{id}-words"))],
        head=[say("Step"), say("Name"), say("Result"), say("Compared with the reference")],
        rows=[
            [clean(step.says), clean(step.layer), clean(step.detail), say(SAYS[verdict])]
            for step, verdict in zip(flow.steps, picture.verdicts, strict=True)
        ],
        marked=frozenset(wrong),
        place=Place(found.cell, found.line, [], found.linked) if found is not None else None,
        folded=not wrong,
    )


def _says(picture: NetworkPicture, wrong: list[int]) -> str:
    if not wrong:
        return many(
            "{n} residual block, from the input to the output.",
            "{n} residual blocks, from the input to the output.",
            picture.blocks,
        )
    step = picture.flow.steps[wrong[0]]
    name = f"{step.says} ({step.layer})" if step.layer else step.says
    return many(
        "{n} residual block. The first that is not as it should be: {block}.",
        "{n} residual blocks. The first that is not as it should be: {block}.",
        picture.blocks,
        block=clean(name),
    )
