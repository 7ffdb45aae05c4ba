"""A shortcut that is there in one of the two modes alone, as dropout is.

Source: Huang et al., "Deep Networks with Stochastic Depth" (2016), with which it may have been mixed up: there branches
are left out in training, and the shortcut never is.
"""

from __future__ import annotations

from functools import partial

from grader.judge.parts import Block, edit
from grader.language import later
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

SUM = "        return F.relu(out + identity)\n"
IN_TRAINING = later("The shortcut is added in training mode alone: in evaluation the block gives F(x) without x.")
IN_EVALUATION = later("The shortcut is added in evaluation mode alone: in training the block gives F(x) without x.")


def add_in_mode(block: Block, *, training: bool) -> None:
    """The sum in one mode, and the branch alone in the other one; the batch norms tell which it is."""
    modes = {node.args[5] for node in block.source.nodes if node.name == "native_batch_norm"}
    if modes == {not training}:
        block.editor.redirect(block.parts.join, block.parts.branch)


class ShortcutInOneMode(Planted):
    id = "shortcut-in-one-mode"
    check = "skip-connection"
    message = "The shortcut is added in one mode alone. It is part of the block, in training and in evaluation."
    why = (
        "A network is used as it was trained: what it learned to add to x is of no use where x is missing. Only layers "
        "such as dropout and batch norm have two modes."
    )
    hints = (
        "`model.train()` and `model.eval()` switch `self.training`. It is there for layers that work in another way "
        "while they learn.",
        "Look in `forward` for `self.training`. What is done under that `if`?",
        "Take the `if` away, and add in every case: `return F.relu(out + shortcut)`.",
    )
    plants = (
        plant(edit(partial(add_in_mode, training=True)), where="output", message=IN_TRAINING),
        plant(edit(partial(add_in_mode, training=False)), where="output", message=IN_EVALUATION),
    )
    broken = (
        changed(RESBLOCK, (SUM, f"        if self.training:\n            out = out + identity\n{SUM}")).replace(
            "F.relu(out + identity)", "F.relu(out)"
        ),
        changed(BOTTLENECK, (SUM, SUM.replace("identity", "(0 if self.training else identity)"))),
    )
