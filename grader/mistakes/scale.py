"""Branch or shortcut enters the sum with another weight than 1.

Source: He et al., "Identity Mappings in Deep Residual Networks" (2016), section 3.1 and table 1: what constant scaling
of the shortcut does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from grader.graph import Leaf
from grader.judge.edits import ref
from grader.judge.formula import told_from
from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._hints import factors
from grader.mistakes._mistake import RESBLOCK, Plant, Planted, changed, plant

SUM = "F.relu(out + identity)"
LAST = "        self.shortcut = nn.Sequential()\n"
WEIGHED = "The block computes {formula} instead of F(x) + x: both enter with weight 1."
WEIGHED_SHORTCUT = (
    "The block computes {formula} instead of F(x) + x: both enter with weight 1. A shortcut scaled by λ is scaled by λ "
    "to the power of the depth in a network of such blocks (He 2016, section 3.1)."
)
MISTAKES_OF_THEIR_OWN = {(1, -1), (-1, 1), (-1, -1), (1, 2)}  # subtracted, or added twice


@cache
def weigh(branch: float, shortcut: float) -> Plant:
    """branch·F(x) + shortcut·S(x)."""

    def change(block: Block) -> None:
        parts = block.parts
        scaled = block.editor.add("aten.mul.Tensor", ref(parts.branch), branch) if branch != 1 else parts.branch
        block.join(scaled, parts.shortcut, alpha=shortcut)

    sides = ((branch, "F(x)"), (shortcut, "x"))
    terms = [f"{told_from(1, weight, 4)}·{side}" if weight != 1 else side for weight, side in sides]
    return plant(edit(change), message=WEIGHED if shortcut == 1 else WEIGHED_SHORTCUT, formula=" + ".join(terms))


def learn(side: str, shape: tuple[int, ...], initial: str) -> Edit:
    """A weight that is learned: one number, or one for each channel, on the branch or on the shortcut."""

    def change(block: Block) -> None:
        value = getattr(block.parts, side)
        channels = block.editor[block.parts.join].shape[1]
        size = [channels if length < 0 else length for length in shape]
        leaf = Leaf.model_validate({"kind": "parameter", "key": "factor", "learnable": True, "initial": initial})
        scaled = block.editor.add("aten.mul.Tensor", ref(value), ref(block.editor.add_leaf(leaf, size)))
        sides = {"branch": block.parts.branch, "shortcut": block.parts.shortcut, side: scaled}
        block.join(sides["branch"], sides["shortcut"])

    return edit(change)


class ShortcutScaled(Planted):
    id = "shortcut-scaled"
    check = "skip-connection"
    message = (
        "Branch or shortcut is multiplied by a constant before the addition. Both enter with weight 1; a shortcut "
        "scaled by λ is scaled by λ to the power of the depth in a network of such blocks (He 2016, section 3.1)."
    )
    why = (
        "A factor on the shortcut works once in each block, so it multiplies up: a half in ten blocks leaves a "
        "thousandth of x. A factor on the branch changes how much a block may correct."
    )
    hints = (
        "In y = F(x) + x both enter with weight 1. The batch norm of the branch has a learned scale already.",
        "Look at the line with the sum: is there a factor, a division or a mean in it, or close to it?",
        "Add the two and nothing more: `F.relu(out + shortcut)`.",
    )
    # The most frequent; others are read from the code.
    plants = tuple(weigh(*weights) for weights in ((0.5, 0.5), (1, 0.5), (0.5, 1), (2, 1), (1, 0.1), (0.1, 1), (2, 2)))
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + 0.5 * identity)")),
        changed(RESBLOCK, (SUM, "F.relu((out + identity) / 2)")),
        changed(RESBLOCK, (SUM, "F.relu(torch.add(out, identity, alpha=0.1))")),
        changed(RESBLOCK, (SUM, "F.relu(0.37 * out + identity)")),
        changed(RESBLOCK, (SUM, "F.relu((out + identity) * 2 ** -0.5)")),
        changed(RESBLOCK, (SUM, "F.relu(torch.lerp(out, identity, 0.15))")),
        changed(RESBLOCK, (SUM, "F.relu(out.mul_(torch.tensor(1.7)) - identity / 3)")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        found = dict.fromkeys(_weights(factors(observations)))
        return [weigh(*weights) for weights in found if weights not in MISTAKES_OF_THEIR_OWN]


def _weights(constants: list[float]) -> Iterator[tuple[float, float]]:
    """Pairs of weights that code with these constants may give to branch and shortcut."""
    for constant in constants:
        yield from (
            (1, constant),
            (constant, 1),
            (constant, constant),
            (constant, 1 - constant),
            (1 - constant, constant),
        )
    for first in constants:
        yield from ((first, second) for second in constants if second != first)


class LearnedScale(Planted):
    id = "learned-scale"
    message = (
        "Branch or shortcut is multiplied by a parameter before the addition. In a residual block both enter with "
        "weight 1, and nothing there is learned."
    )
    why = (
        "A factor that is learned can shrink to zero and close one of the two roads. It is also one more parameter "
        "than the block of the task has."
    )
    hints = (
        "What a block learns is in the layers of its branch. The sum itself learns nothing.",
        "Look for an `nn.Parameter` in the constructor, and for the place in `forward` that multiplies by it.",
        "Delete the parameter, and add plainly: `F.relu(out + shortcut)`.",
    )
    plants = tuple(
        plant(learn(side, shape, initial))
        for side in ("branch", "shortcut")
        for initial in ("one", "other", "zero")
        for shape in ((1,), (1, -1, 1, 1))
    )
    broken = (
        changed(
            RESBLOCK,
            (LAST, LAST + "        self.alpha = nn.Parameter(torch.zeros(1))\n"),
            (SUM, "F.relu(self.alpha * out + identity)"),
        ),
        changed(
            RESBLOCK,
            (LAST, LAST + "        self.alpha = nn.Parameter(torch.tensor(0.5))\n"),
            (SUM, "F.relu(out + identity * self.alpha)"),
        ),
    )


class ShortcutAddedTwice(Planted):
    id = "shortcut-added-twice"
    check = "skip-connection"
    message = "The shortcut is added twice: the block computes F(x) + 2·x instead of F(x) + x."
    why = (
        "With 2·x the signal doubles in each block, and after ten blocks it is a thousand times as large. Outputs and "
        "gradients get out of hand in deep networks."
    )
    hints = (
        "The input goes around the branch once, and it enters the sum once.",
        "Look for two places that add the input: a sum, a `+=`, a factor of two, or one more sum behind the last ReLU.",
        "Keep a single sum: `return F.relu(out + shortcut)`.",
    )

    @staticmethod
    def _add_again(block: Block) -> None:
        output = block.source.output
        again = block.editor.add("aten.add.Tensor", ref(output), ref(block.parts.shortcut))
        block.editor.redirect(output, again)

    @staticmethod
    def _add_identity(block: Block) -> None:
        join = block.editor[block.parts.join]
        if block.projection is not None and block.editor[block.x].shape == join.shape:
            both = block.editor.add("aten.add.Tensor", ref(join.id), ref(block.x), shapes=join.shapes)
            block.editor.redirect(join.id, both)

    plants = (
        plant(weigh(1, 2).edits[0]),
        plant(
            edit(_add_identity),
            where="output",
            message="Beside the projection x itself is added, too. The shortcut is one of the two.",
        ),
        plant(
            edit(_add_again),
            where="output",
            message="The shortcut is added a second time, behind the block's last ReLU.",
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + identity + identity)")),
        changed(RESBLOCK, (SUM, "F.relu(out + identity) + identity")),
        changed(
            RESBLOCK,
            ("ResBlock", "ProjectedBlock"),
            ("stride != 1 or in_channels != out_channels", "True"),
            (SUM, "F.relu(out + identity + (x if x.shape == out.shape else 0))"),
        ),
    )


class ShortcutSubtracted(Planted):
    id = "shortcut-subtracted"
    check = "skip-connection"
    message = "You subtract where a residual block adds: y = F(x) + x."
    why = (
        "A difference is another function than the sum of the paper: on one of the two roads all signs are turned. "
        "Weights that were trained for the sum do not work in it."
    )
    hints = (
        "A block gives y = F(x) + x. The branch itself can learn to be negative where something has to be taken away.",
        "Look at the sign in the line that joins branch and shortcut, and for `-=` or `torch.sub`.",
        "Write a plus there: `F.relu(out + shortcut)`.",
    )
    plants = tuple(plant(*weigh(*weights).edits) for weights in ((1, -1), (-1, 1), (-1, -1)))
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out - identity)")),
        changed(RESBLOCK, (SUM, "F.relu(identity - out)")),
    )
