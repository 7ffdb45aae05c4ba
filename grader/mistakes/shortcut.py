"""Branch and shortcut meet, but not as y = F(x) + shortcut(x).

Source: He et al., "Deep Residual Learning for Image Recognition" (2015), equations (1) and (2); and "Identity Mappings
in Deep Residual Networks" (2016), section 3, for what scaling, gating and activating the shortcut does.
"""

from __future__ import annotations

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

SUM = "F.relu(out + identity)"
FIRST, SECOND = "F.relu(self.bn1(self.conv1({})))", "self.bn2(self.conv2({}))"
IDENTITY = "        identity = self.shortcut(x)\n"


def combine(op: str, **kwargs: object) -> Edit:
    """Branch and shortcut combined by another operation."""
    return edit(lambda block: block.join(block.parts.branch, block.parts.shortcut, op, **kwargs))


def only(side: str) -> Edit:
    """One of the two instead of their sum."""
    return edit(lambda block: block.editor.redirect(block.parts.join, getattr(block.parts, side)))


def branch_alone(*, projected: bool) -> Edit:
    """The branch instead of the sum, where there is a projection or where there is none."""

    def change(block: Block) -> None:
        if (block.projection is not None) is projected:
            block.editor.redirect(block.parts.join, block.parts.branch)

    return edit(change)


class ShortcutMissing(Planted):
    id = "shortcut-missing"
    check = "skip-connection"
    message = "There is no skip connection: the block computes F(x) alone, its input is never added."
    why = (
        "Without the shortcut these are plain layers, and a deep pile of those gets worse with every layer more. The "
        "shortcut gives the gradient a road on which it does not fade."
    )
    hints = (
        "The branch learns only how the output should differ from the input. The input itself is added at the end.",
        "Look at the last lines of `forward`. Does the input have any part in what is returned, except through the "
        "branch?",
        "Add it in front of the last ReLU: `return F.relu(out + self.shortcut(x))`.",
    )
    plants = (
        plant(only("branch"), where="output"),
        plant(
            branch_alone(projected=False),
            where="output",
            message="Where the shapes agree nothing is added: there the shortcut is x itself, and it is missing.",
        ),
        plant(
            branch_alone(projected=True),
            where="output",
            message="Where the shapes differ nothing is added: there the shortcut is the projection. It is left out.",
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out)")),
        changed(RESBLOCK, (SUM, "F.relu(out + 0 * identity)")),
        changed(RESBLOCK, (SUM, "F.relu(out + identity) if len(self.shortcut) else F.relu(out)")),
        changed(BOTTLENECK, (SUM, "F.relu(out if len(self.shortcut) else out + identity)")),
    )


class BranchMissing(Planted):
    id = "branch-missing"
    check = "skip-connection"
    message = "The result of the branch is thrown away: the block gives its shortcut alone."
    why = (
        "If the shortcut alone is returned, the layers of the branch have no say. They get no gradient, and so they "
        "never learn."
    )
    hints = (
        "What a block gives has two parts: what its branch has found, and what came in.",
        "Look at the name in the `return` line. Where does the result of the last batch norm go?",
        "Return both, added: `return F.relu(out + shortcut)`.",
    )
    plants = (plant(only("shortcut"), where="output"),)
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(identity)")),
        changed(BOTTLENECK, (SUM, "F.relu(identity + 0 * out)")),
    )


class ShortcutMultiplied(Planted):
    id = "shortcut-multiplied"
    check = "skip-connection"
    message = (
        "You multiply the branch by the shortcut. A residual block adds them: y = F(x) + x. With a product, the "
        "gradient through the shortcut is scaled by F(x) and vanishes where F(x) is small."
    )
    why = (
        "A product with a small number is small: where the branch is close to zero, nothing of x gets through. A sum "
        "lets x through in any case."
    )
    hints = (
        "A sum hands the whole gradient to both of its sides. A product gives each side only as much as the other is "
        "worth.",
        "Look at the sign between branch and shortcut: a star, `mul` or `mul_`.",
        "Make it a plus: `F.relu(out + shortcut)`.",
    )
    plants = (
        plant(combine("aten.mul.Tensor")),
        plant(
            edit(
                lambda block: block.join(
                    block.editor.add("aten.mul.Tensor", ref(block.parts.branch), ref(block.parts.shortcut)),
                    block.parts.shortcut,
                )
            )
        ),
    )
    broken = (changed(RESBLOCK, (SUM, "F.relu(out * identity)")), changed(RESBLOCK, (SUM, "out.mul_(identity).relu()")))


class ShortcutDivided(Planted):
    id = "shortcut-divided"
    check = "skip-connection"
    message = "You divide where a residual block adds: y = F(x) + x."
    why = (
        "A division gets huge where the lower number is close to zero, and after a batch norm many numbers are. Its "
        "gradients are worse still, so that training breaks down."
    )
    hints = (
        "A block adds a correction to its input. To divide by something is not part of any residual block.",
        "Look at the sign between branch and shortcut: a slash, `div` or `div_`.",
        "Put a plus in place of it: `F.relu(out + shortcut)`.",
    )
    plants = (
        plant(combine("aten.div.Tensor")),
        plant(
            edit(
                lambda block: block.editor.change(
                    block.parts.join, op="aten.div.Tensor", args=[ref(block.parts.shortcut), ref(block.parts.branch)]
                )
            )
        ),
    )
    broken = (changed(RESBLOCK, (SUM, "F.relu(out / identity)")),)


class ShortcutConcatenated(Planted):
    id = "shortcut-concatenated"
    check = "skip-connection"
    message = (
        "You concatenate branch and shortcut, as DenseNet does; a residual block adds them, and the channels stay."
    )
    why = (
        "Side by side there are more channels than before, so the next block does not fit, and the cost grows with the "
        "depth. A residual block keeps the number of channels that it was asked for."
    )
    hints = (
        "A sum lays two tensors on top of each other, number on number. Concatenation puts one behind the other.",
        "Search `forward` for `torch.cat`, `torch.concat` or `torch.stack`.",
        "Add in place of it: `out = out + shortcut`.",
    )

    @staticmethod
    def _concatenate(block: Block) -> None:
        both = [ref(block.parts.branch), ref(block.parts.shortcut)]
        block.editor.change(block.parts.join, op="aten.cat.default", args=[both, 1], kwargs={})

    plants = (
        plant(edit(_concatenate)),
        plant(
            edit(
                lambda block: block.editor.change(
                    block.parts.join,
                    op="aten.cat.default",
                    args=[[ref(block.parts.shortcut), ref(block.parts.branch)], 1],
                    kwargs={},
                )
            )
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(torch.cat([out, identity], dim=1))")),
        changed(RESBLOCK, (SUM, "torch.cat((identity, out), 1).relu()")),
    )


class BranchAddedToItself(Planted):
    id = "branch-added-to-itself"
    check = "skip-connection"
    message = "The branch is added to itself, and the block's input nowhere."
    why = (
        "F(x) + F(x) is only twice the branch, and x itself does not get past it. The gradient has to go through all "
        "layers, as in a plain network."
    )
    hints = (
        "The shortcut needs the old x. A name that is assigned again does not show the old value any more.",
        "Follow the name that you add. Did it get a new value between the start of `forward` and the sum?",
        "Keep the input in the first line, `identity = x`, and add `identity` in the last.",
    )
    plants = (plant(edit(lambda block: block.join(block.parts.branch, block.parts.branch))),)
    broken = (changed(RESBLOCK, (SUM, "F.relu(out + out)")),)


def add_early(number: int) -> Edit:
    """The shortcut added in front of a convolution inside the branch, and not at its end."""

    def change(block: Block) -> None:
        if number < len(block.convolutions):
            node = block.convolutions[number]
            added = block.editor.add("aten.add.Tensor", node.args[0], ref(block.parts.shortcut))
            block.editor.set_argument(node.id, 0, ref(added))
            block.editor.redirect(block.parts.join, block.parts.branch)

    return edit(change)


class ShortcutAddedEarly(Planted):
    id = "shortcut-added-early"
    check = "skip-connection"
    message = (
        "The shortcut is added inside the branch, before its last layers. It belongs behind the last batch norm, so "
        "that the whole branch is skipped."
    )
    why = (
        "The layers behind the sum change x as well, so x does not get around them. The last convolution or batch norm "
        "then stands in the way of the shortcut."
    )
    hints = (
        "The shortcut goes around the whole branch: from before its first layer to behind its last batch norm.",
        "Find the plus sign in `forward`. Which layers of the branch run after it?",
        "Move the sum to the end: first `out = self.bn2(self.conv2(out))`, then `F.relu(out + shortcut)`.",
    )
    plants = tuple(plant(add_early(number)) for number in (1, 2))
    broken = (
        changed(
            RESBLOCK,
            (
                "        out = self.bn2(self.conv2(out))\n",
                "        out = self.bn2(self.conv2(out + self.shortcut(x)))\n",
            ),
            (SUM, "F.relu(out)"),
        ),
        changed(
            BOTTLENECK,
            ("self.conv2(out)", "self.conv2(out + self.shortcut(x))"),
            (SUM, "F.relu(out)"),
            ("out_channels // 4", "out_channels"),
        ),
    )


def repeat_branch(block: Block) -> None:
    """F(F(x)) with the same layers instead of F(x)."""
    copies = {block.x: block.parts.branch}
    for node in block.branch:
        if node.leaf is None:
            copies[node.id] = block.editor.repeat(node.id, copies)
    block.join(copies[block.parts.branch], block.parts.shortcut)


class BranchRunTwice(Planted):
    id = "branch-run-twice"
    check = "skip-connection"
    message = "The branch runs twice, the second time on its own result: F(F(x)) + x instead of F(x) + x."
    why = (
        "The same weights work twice, the second time on values that they were not made for. What comes out is F(F(x)) "
        "+ x, at double the cost."
    )
    hints = (
        "For each input each layer of the branch runs once.",
        "Count how often `forward` calls each layer. Is there a loop, or a helper that is called two times?",
        "Run the branch once and keep what it gives: `out = self.branch(x)`, then `F.relu(out + shortcut)`.",
    )
    plants = (plant(edit(repeat_branch)),)
    broken = (changed(RESBLOCK, (IDENTITY, f"        out = {SECOND.format(FIRST.format('out'))}\n{IDENTITY}")),)


class ShortcutGated(Planted):
    id = "shortcut-gated"
    check = "skip-connection"
    message = (
        "The block chooses between F(x) and x (an if/else, torch.where or a maximum). A skip connection skips "
        "nothing: both are always computed and added."
    )
    why = (
        "If only one of the two is used, either the branch does not learn or the input is lost. In a sum both are used "
        "each time, and both get their gradient."
    )
    hints = (
        "The name misleads: x skips the layers, but none of the two sides is ever skipped.",
        "Look for an `if`, `torch.where`, `torch.max` or `torch.maximum` between branch and shortcut.",
        "Take the choice out, and add: `F.relu(out + shortcut)`.",
    )
    plants = (
        plant(only("branch"), only("shortcut")),
        plant(combine("aten.maximum.default")),
        plant(combine("aten.minimum.default")),
        plant(
            edit(lambda block: None),
            only("shortcut"),
            message="For some inputs the block gives its shortcut alone, for others the sum. Both are always added.",
        ),
        plant(
            edit(lambda block: None),
            only("branch"),
            message="For some inputs the block gives F(x) alone, for others the sum. A skip connection skips nothing.",
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out if out.mean() > identity.mean() else identity)")),
        changed(RESBLOCK, (SUM, "F.relu(torch.max(out, identity))")),
        changed(RESBLOCK, (SUM, "F.relu(out + identity) if x.abs().mean() > 1 else F.relu(identity)")),
    )


class BranchSkipped(Planted):
    id = "branch-skipped"
    check = "skip-connection"
    message = (
        "Where the shortcut is the identity, the branch is left out. Mind that `f + g if condition else x` means `(f + "
        "g) if condition else x`."
    )
    why = (
        "Wherever the shortcut is the identity, such a block only hands x on. Its layers are there, but they have no "
        "effect and never learn."
    )
    hints = (
        "In one line of Python, `if ... else ...` comes after the plus. It takes the whole sum for its first choice.",
        "Look for a line that has both a plus and an `if`.",
        "Put brackets around the choice: `out + (self.shortcut(x) if self.shortcut is not None else x)`.",
    )

    @staticmethod
    def _skip(block: Block) -> None:
        if block.projection is None:
            block.editor.redirect(block.parts.join, block.parts.shortcut)

    plants = (plant(edit(_skip)),)
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + identity if len(self.shortcut) else x)")),
        changed(RESBLOCK, (SUM, "F.relu(out + self.shortcut(x) if len(self.shortcut) > 0 else identity)")),
    )


def detach_shortcut(block: Block) -> None:
    block.join(block.parts.branch, block.editor.add("aten.detach.default", ref(block.parts.shortcut)))


def detach_projection(block: Block) -> None:
    if block.projection is not None:
        detach_shortcut(block)


class ShortcutDetached(Planted):
    id = "shortcut-detached"
    check = "skip-connection"
    message = (
        "The shortcut is cut from autograd (detach(), .data or torch.no_grad()). The output is right, but the "
        "gradient cannot flow back along the shortcut, and that is what the shortcut is for."
    )
    why = (
        "The output looks right, so this is easy to miss. But on the way back the short road is closed, and the "
        "gradient has to pass through every layer."
    )
    hints = (
        "PyTorch follows the history of a tensor to find its gradient. A detached tensor has its numbers and no "
        "history.",
        "Look on the way of the shortcut for `detach()`, `.data`, `torch.no_grad()` or a copy made with "
        "`torch.tensor`.",
        "Add the tensor itself: `shortcut = x`, or `self.shortcut(x)`, outside of any `no_grad`.",
    )
    plants = (
        plant(edit(detach_shortcut)),
        plant(edit(detach_projection)),
        # The block's input detached in front of the projection.
        plant(
            edit(
                lambda block: block.editor.redirect(
                    block.x,
                    block.editor.add("aten.detach.default", ref(block.x)),
                    but=tuple(node.id for node in block.branch),
                )
            )
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + identity.detach())")),
        changed(RESBLOCK, ("self.shortcut(x)", "self.shortcut(x.data)")),
        changed(
            RESBLOCK,
            (
                "        identity = self.shortcut(x)",
                "        with torch.no_grad():\n            identity = self.shortcut(x)",
            ),
        ),
    )


class BranchDetached(Planted):
    id = "branch-detached"
    check = "skip-connection"
    message = "The branch is cut from autograd (detach(), .data or torch.no_grad()): its layers can never learn."
    why = (
        "The layers of the branch get no gradient, so they keep the random weights that they began with. All the depth "
        "of the network is of no use then."
    )
    hints = (
        "Learning needs an unbroken line from the loss to each weight. Cut it, and everything in front of the cut "
        "stands still.",
        "Look for `detach()`, `.data` or `torch.no_grad()` between the first layer of the branch and the sum.",
        "Leave it out, so that `forward` reads `out = self.bn2(self.conv2(out))` and no more.",
    )
    plants = (
        plant(
            edit(
                lambda block: block.join(
                    block.editor.add("aten.detach.default", ref(block.parts.branch)), block.parts.shortcut
                )
            )
        ),
    )
    broken = (changed(RESBLOCK, (SUM, "F.relu(out.detach() + identity)")),)
