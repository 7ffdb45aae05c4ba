"""Blocks that end as a network does: with an average over the map, a flat vector, or probabilities."""

from __future__ import annotations

from functools import partial
from math import prod

from grader.judge.edits import ref
from grader.judge.parts import Block, edit
from grader.language import later
from grader.mistakes._changes import put_behind, value_at
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

SUM = "F.relu(out + identity)"
ENDS = {
    "flatten": later(
        "The block gives a vector in place of a map: it is flattened. That belongs at the end of a network, in front "
        "of the linear layer."
    ),
    "average": later(
        "The block averages each map to a single pixel. That belongs at the end of a network, in front of the linear "
        "layer."
    ),
    "softmax": later(
        "The block ends in a softmax. Probabilities belong at the end of a network, if anywhere; a block gives a map."
    ),
    "log-softmax": later(
        "The block ends in a log-softmax. Probabilities belong at the end of a network, if anywhere; a block gives a "
        "map."
    ),
}
OF_BRANCH = later(
    "The branch averages each map to a single pixel before it is added. Every pixel of x needs a correction of its own."
)


def end_in(block: Block, steps: tuple[str, ...], place: str) -> None:
    """These steps behind a place: "activation" for those that stand in place of the last ReLU, else see `value_at`.

    Args:
        steps: "relu" where none stands at the end, "average" over the whole map, "flatten", "softmax" or "log-softmax"
            over the channels, "softmax of rows".
    """
    instead = block.final_activation if place == "activation" else None
    if place == "activation" and instead is None:
        return
    value = instead.inputs[0] if instead is not None else value_at(block, place)
    if value is None or len(block.editor[value].shape) != 4 or block.is_dense:
        return
    if "relu" in steps and block.final_activation is not None:
        return
    result = value
    for step in steps:
        result = _step(block, result, step)
    if instead is not None:
        block.editor.redirect(instead.id, result)
    else:
        put_behind(block, place, value, result)


def _step(block: Block, value: int, step: str) -> int:
    batch, channels, *rest = block.editor[value].shape
    add = block.editor.add
    if step == "relu":
        return block.activate(value)
    if step == "average":
        return add("aten.mean.dim", ref(value), [2, 3], True, shapes=[[batch, channels, 1, 1]])
    if step == "flatten":
        # The batch is read off the value: another mistake may have made another map of it.
        return add("aten.flatten.using_ints", ref(value), 1, shapes=[[batch, channels * prod(rest)]])
    op = "aten._log_softmax.default" if step == "log-softmax" else "aten._softmax.default"
    return add(op, ref(value), 3 if step.endswith("rows") else 1, False)


def _end(what: str, *steps: str, place: str = "output") -> Plant:
    return plant(edit(partial(end_in, steps=steps, place=place)), where="output", message=ENDS[what])


class HeadInBlock(Planted):
    id = "head-in-block"
    message = "The block ends as a network does. A block gives a map, which the next block can take."
    why = (
        "Blocks are put one behind the other, so each takes a map and gives a map. One that averages, flattens or "
        "gives probabilities leaves nothing for the next to work on."
    )
    hints = (
        "A network is stem, blocks and head. Pooling, flattening and the linear layer are its head, and come once, "
        "behind the last block.",
        "Look at the last lines of `forward`, behind the sum and its ReLU. What is done there that the task does not "
        "ask for?",
        "Take it out, so that the block ends with its result: `return F.relu(out + shortcut)`. Put it into the network "
        "instead.",
    )
    plants = (
        _end("flatten", "flatten"),
        _end("average", "average"),
        _end("average", "average", "flatten"),
        # The end of a network of pre-activation blocks.
        _end("average", "relu", "average"),
        _end("average", "relu", "average", "flatten"),
        *(
            _end(what.removesuffix(" of rows"), what, place=place)
            for what in ("softmax", "log-softmax", "softmax of rows")
            for place in ("output", "activation")
        ),
        plant(edit(partial(end_in, steps=("average",), place="branch")), where="join", message=OF_BRANCH),
    )
    broken = (
        changed(RESBLOCK, (SUM, "torch.flatten(F.relu(out + identity), 1)")),
        changed(RESBLOCK, (SUM, "F.adaptive_avg_pool2d(F.relu(out + identity), 1)")),
        changed(BOTTLENECK, (SUM, "F.relu(out + identity).mean((2, 3))")),
        changed(RESBLOCK, (SUM, "F.softmax(F.relu(out + identity), dim=1)")),
        changed(BOTTLENECK, (SUM, "torch.log_softmax(out + identity, 1)")),
    )
