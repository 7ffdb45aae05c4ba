"""A function of the branch, or of the shortcut, is added in place of what they give.

Source: He et al., "Identity Mappings in Deep Residual Networks" (2016), section 3: whatever is done to the shortcut is
done again in each block.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache

from grader.judge.observed import Observation
from grader.judge.parts import Block, edit
from grader.mistakes._composed import Composed, in_front_of_sums
from grader.mistakes._hints import few
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

SUM = "F.relu(out + identity)"
TANH, ABS = (Composed(json.dumps([[f"aten.{name}.default", [{"v": 0}], {}]])) for name in ("tanh", "abs"))
OF_BRANCH = "What the branch gives is changed before the addition, by {operations}. F(x) is added as it is."
OF_SHORTCUT = (
    "What the shortcut carries is changed before the addition, by {operations}. It is x as it is, or a projection of x."
)


@cache
def put_before(function: Composed, side: str) -> Plant:
    """A function at the end of the "branch" or of the "shortcut", or of the "input" on its way into the shortcut."""

    def change(block: Block) -> None:
        if side == "input":
            behind = function.of(block.editor, block.x)
            block.editor.redirect(block.x, behind, but=tuple(node.id for node in block.branch))
            return
        ends = {"branch": block.parts.branch, "shortcut": block.parts.shortcut}
        ends[side] = function.of(block.editor, ends[side])
        block.join(ends["branch"], ends["shortcut"])

    message = OF_BRANCH if side == "branch" else OF_SHORTCUT
    return plant(edit(change), message=message, operations=", ".join(function.operations))


class FunctionBeforeAdd(Planted):
    id = "function-before-add"
    check = "skip-connection"
    message = "Branch or shortcut is changed by a function before the addition: y = F(x) + x."
    why = (
        "A correction may be of any size and sign, and x should get through as it came. A function on one of the two "
        "roads limits what can be added, or loses a part of x in each block."
    )
    hints = (
        "Two tensors meet in the sum: what the last batch norm gives, and x or its projection. Nothing stands between "
        "them and the plus sign.",
        "Look at the line with the sum, and at those in front of it. Is there a call such as `torch.tanh`, `clamp`, "
        "`abs` or `flip`?",
        "Leave it out, and add the two: `F.relu(out + shortcut)`.",
    )
    plants = (put_before(TANH, "branch"), put_before(ABS, "shortcut"))
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(torch.tanh(out) + identity)")),
        changed(RESBLOCK, (SUM, "F.relu(out + identity.abs())")),
        changed(RESBLOCK, (SUM, "F.relu(torch.clamp(out, -1, 1) + identity)")),
        changed(BOTTLENECK, (SUM, "F.relu(out + torch.flip(identity, (2, 3)))")),
        changed(RESBLOCK, ("self.shortcut(x)", "self.shortcut(x.flip(3))")),
        changed(BOTTLENECK, (SUM, "F.relu(out / (1 + out.abs()) + identity)")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        for function in few(in_front_of_sums(observations)):
            yield from (put_before(function, side) for side in ("branch", "shortcut", "input"))
