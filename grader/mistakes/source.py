"""The shortcut does not start at the block's input, or does not carry it unchanged."""

from __future__ import annotations

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._families import BIASED
from grader.mistakes._mistake import RESBLOCK, Planted, changed, plant
from grader.mistakes._orders import take_shortcut

SUM = "F.relu(out + identity)"
PROJECTED = "The 1×1 on the shortcut reads what the first BN and ReLU made of x. Here it projects x itself."
NORMALISED = "The 1×1 on the shortcut reads what the first BN made of x, without the ReLU."
ENDS = (
    "The shortcut ends in a ReLU, so that everything negative is lost on the way. The shortcut is the identity or a "
    "projection, without an activation."
)


def start_from(stage: str, number: int, *, kind: str, fitted: bool = False) -> Edit:
    """The shortcut taken from inside the branch: behind a convolution, a batch norm or an activation.

    Args:
        kind: "shortcut" for that of every case; "identity" for one that needs no projection now; "projection" where
            there is one, while the identity is right.
        fitted: does the projection fit what it is given, in its channels (as Lazy layers do) and its stride?
    """

    def change(block: Block) -> None:
        inside = {"convolution": block.convolutions, "norm": block.norms, "activation": block.activations}[stage]
        if number >= len(inside) or (block.is_preactivated and number == 0 and stage != "convolution"):
            return  # what a pre-activation block does first has mistakes of its own
        source = block.output_of(inside[number])
        if block.projection is not None and kind != "identity":
            block.editor.set_argument(block.projection.id, 0, ref(source))
            weight = block.leaf(block.projection.args[1])
            if fitted and weight is not None:
                channels = block.editor[source].shape[1]
                block.resize(block.projection.args[1], [weight.shape[0], channels, *weight.shape[2:]])
                if block.editor[source].shape[2:] == block.editor[block.parts.join].shape[2:]:
                    block.set_stride(block.projection, 1)
        elif kind != "projection":
            block.join(block.parts.branch, source)

    return edit(change)


def activate_input(*, branch_too: bool) -> Edit:
    """relu(x) on the shortcut, and on the branch as well when the ReLU wrote into x."""

    def change(block: Block) -> None:
        activated = block.activate(block.x)
        block.editor.redirect(block.x, activated, but=() if branch_too else tuple(n.id for n in block.branch))

    return edit(change)


def activate_shortcut(block: Block) -> None:
    block.join(block.parts.branch, block.activate(block.parts.shortcut))


def activate_projection(block: Block) -> None:
    if block.projection is not None:
        activate_shortcut(block)


def activate_inside_projection(block: Block) -> None:
    """1×1 convolution, ReLU, batch norm."""
    if block.projection is not None and block.projection_norm is not None:
        activated = block.activate(block.projection.id)
        block.editor.set_argument(block.projection_norm.id, 0, ref(activated))


class ShortcutFromWrongTensor(Planted):
    id = "shortcut-from-wrong-tensor"
    check = "skip-connection"
    message = "The shortcut starts inside the branch, behind its first layers, rather than at the block's input."
    why = (
        "A shortcut that begins inside the branch does not go around all of it. Its first layers are then in the way "
        "of the signal and of the gradient."
    )
    hints = (
        "The shortcut begins where the block begins: at the input, before any layer has run.",
        "Look at the line that takes the shortcut. Which layers have run before, and was the name of the input "
        "assigned again?",
        "Take it in the first line of `forward`: `identity = x`.",
    )
    plants = tuple(
        plant(start_from(stage, number, kind=kind))
        for kind in ("shortcut", "identity", "projection")
        for number in (0, 1, 2)
        for stage in ("activation", "norm", "convolution")
    ) + tuple(
        plant(start_from(stage, number, kind=kind, fitted=True))
        for kind in ("shortcut", "projection")
        for number in (0, 1, 2)
        for stage in ("activation", "norm", "convolution")
    )
    plants += (
        plant(take_shortcut("activation", identity=False), where="projection", message=PROJECTED),
        plant(take_shortcut("norm", identity=False), where="projection", message=NORMALISED),
    )
    broken = (
        changed(
            RESBLOCK,
            (
                "        out = self.bn2(self.conv2(out))\n",
                "        first = out\n        out = self.bn2(self.conv2(out))\n",
            ),
            ("self.shortcut(x)", "self.shortcut(first) if len(self.shortcut) == 0 else self.shortcut(x)"),
            ("if stride != 1 or in_channels != out_channels", "if False"),
        ),
        changed(RESBLOCK, ("self.shortcut(x)", "self.shortcut(out)")),
        changed(
            RESBLOCK,
            ("self.shortcut(x)", "self.shortcut(out)"),
            ("nn.Conv2d(in_channels, out_channels, 1, stride=stride", "nn.LazyConv2d(out_channels, 1"),
        ),
        changed(
            BIASED,
            (
                "        out = self.conv1(F.relu(self.bn1(x)))\n",
                "        first = F.relu(self.bn1(x))\n        out = self.conv1(first)\n",
            ),
            ("self.shortcut(x)", "(x if isinstance(self.shortcut, nn.Identity) else self.shortcut(first))"),
        ),
    )


class ShortcutActivated(Planted):
    id = "shortcut-activated"
    check = "skip-connection"
    message = (
        "The shortcut carries relu(x) instead of x, so that everything negative is lost on the way. The shortcut "
        "is the identity or a projection, without an activation."
    )
    why = (
        "Behind a ReLU the shortcut carries no negative number, so about half of what came in is lost. A free road "
        "should let everything pass."
    )
    hints = (
        "The shortcut is the identity or a linear projection. Neither of them bends its values.",
        "Look for a ReLU on the way of the shortcut: in its `nn.Sequential`, or on the input before you keep it.",
        "Take that ReLU out. A projection is `nn.Conv2d` and `nn.BatchNorm2d`, and an identity is `identity = x`.",
    )
    plants = (
        plant(edit(activate_shortcut), message=ENDS),
        plant(edit(activate_projection), where="projection", message=ENDS),
        plant(activate_input(branch_too=False)),
        plant(
            edit(activate_inside_projection),
            where="projection",
            message="There is a ReLU on the shortcut, between its 1×1 convolution and its batch norm. A shortcut has "
            "no activation.",
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + F.relu(identity))")),
        changed(RESBLOCK, ("self.shortcut(x)", "self.shortcut(torch.relu(x))")),
        changed(
            RESBLOCK,
            (
                "                nn.BatchNorm2d(out_channels),\n",
                "                nn.BatchNorm2d(out_channels),\n                nn.ReLU(),\n",
            ),
        ),
        changed(
            RESBLOCK,
            (
                "                nn.BatchNorm2d(out_channels),\n",
                "                nn.ReLU(),\n                nn.BatchNorm2d(out_channels),\n",
            ),
        ),
    )


class ShortcutOverwritten(Planted):
    id = "shortcut-overwritten"
    check = "skip-connection"
    message = (
        "Branch and shortcut both start with relu(x), so that the shortcut no longer carries x. Either x is given a "
        "new value before the branch, or an operation in place wrote into it (relu_, inplace=True): both are for "
        "values that are not needed again."
    )
    why = (
        "Once x has been changed, what was negative in it is lost for the shortcut as well. Even a branch that gives "
        "zero would not let x through."
    )
    hints = (
        "Two names may stand for one tensor. Whoever writes into it changes it under both names.",
        "Look for `relu_`, `inplace=True` or `x = F.relu(x)` before the shortcut is taken.",
        "Keep the input first, `identity = x`, and let the branch use `F.relu(x)`, which makes a new tensor.",
    )
    plants = (plant(activate_input(branch_too=True)),)
    broken = (
        changed(RESBLOCK, ("out = F.relu(self.bn1(self.conv1(x)))", "out = F.relu(self.bn1(self.conv1(F.relu_(x))))")),
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "        x = F.relu(x)\n        out = F.relu(self.bn1")),
    )
