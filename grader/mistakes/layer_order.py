"""The layers of a post-activation block in another order than convolution, batch norm, ReLU.

Source: He et al., "Identity Mappings in Deep Residual Networks" (2016), figure 4: the block's order is (a), that of
pre-activation is (e).
"""

from __future__ import annotations

from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._changes import has_units, set_channels
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

PREACTIVATED = (
    "The order is batch norm, ReLU, convolution, as in a pre-activation block (He 2016). This block's is convolution, "
    "batch norm, ReLU (He 2015)."
)
FIRST = "F.relu(self.bn1(self.conv1(x)))"


def activate_before_norm(*numbers: int, last: bool = False) -> Edit:
    """convolution → ReLU → batch norm in these units.

    Args:
        last: in the branch's last unit too, which has no ReLU of its own.
    """

    def change(block: Block) -> None:
        if not has_units(block):
            return
        for number in numbers:
            if number < len(block.activations):
                block.bypass(block.activations[number])
                _activate_input(block, number)
        if last:
            _activate_input(block, -1)

    return edit(change)


def _activate_input(block: Block, number: int) -> None:
    norm = block.norms[number]
    activated = block.activate(block.editor[norm.id].inputs[0])
    block.editor.set_argument(norm.id, 0, ref(activated))


def preactivate(*, final: bool, projection: str) -> Edit:
    """batch norm → ReLU → convolution in all units.

    Args:
        final: does the ReLU after the addition stay?
        projection: "as it is", "bare" (without its batch norm), or "activated" (bare, of the first activation).
    """

    def change(block: Block) -> None:
        if not has_units(block):
            return
        value = block.x
        for convolution, norm in zip(block.convolutions, block.norms, strict=True):
            set_channels(block, norm, out=block.editor[convolution.inputs[1]].shape[1])
            block.editor.set_argument(norm.id, 0, ref(value))
            activated = block.activate(block.output_of(norm))
            block.editor.set_argument(convolution.id, 0, ref(activated))
            if value == block.x and projection == "activated" and block.projection is not None:
                block.editor.set_argument(block.projection.id, 0, ref(activated))
            value = convolution.id
        shortcut = block.parts.shortcut
        if projection != "as it is" and block.projection is not None and block.projection_norm is not None:
            shortcut = block.projection.id
        block.join(value, shortcut)
        if not final and block.final_activation is not None:
            block.bypass(block.final_activation)

    return edit(change)


def normalise_first(*numbers: int) -> Edit:
    """batch norm → convolution → ReLU in these units."""

    def change(block: Block) -> None:
        if not has_units(block):
            return
        for number, (convolution, norm) in enumerate(zip(block.convolutions, block.norms, strict=True)):
            if number in numbers:
                normalised = block.output_of(norm)
                set_channels(block, norm, out=block.editor[convolution.inputs[1]].shape[1])
                block.editor.redirect(normalised, convolution.id)
                block.editor.set_argument(norm.id, 0, block.editor[convolution.id].args[0])
                block.editor.set_argument(convolution.id, 0, ref(normalised))

    return edit(change)


def normalise_paths(block: Block) -> None:
    """Of several paths that are added each ends in a batch norm, and none stands behind their sum."""
    *_, ends = block.convolution_rows or [[]]
    if len(ends) < 2 or not block.norms:
        return
    behind = block.norms[-1]
    for number, convolution in enumerate(ends):
        normalised = block.normalise(convolution.id, behind, f"path {number}")
        for user in block.source.users[convolution.id]:
            block.editor.reread(user.id, convolution.id, normalised)
    block.bypass(behind)


class WrongOrder(Planted):
    id = "wrong-order"
    of_concatenation = True
    message = (
        "The ReLU comes before the batch norm. The order is convolution, batch norm, ReLU: the batch norm centres the "
        "values, and the ReLU cuts them at zero."
    )
    why = (
        "Batch norm brings the values around zero, and then ReLU cuts about half of them. In another order each layer "
        "meets values that it was not made for, and the outputs differ."
    )
    hints = (
        "This block repeats one pattern: convolution, batch norm, ReLU. Each name stands for one step.",
        "Read each line of `forward` from the inside to the outside. The innermost call runs first.",
        "Nest them so: `F.relu(self.bn1(self.conv1(x)))`. Each batch norm has as many channels as the convolution "
        "before it gives.",
    )
    plants = (
        plant(activate_before_norm(0, 1), where="convolution 0"),
        plant(activate_before_norm(0), where="convolution 0"),
        plant(activate_before_norm(1), where="convolution 1"),
        plant(activate_before_norm(0, 1, last=True), where="convolution 0"),
        plant(activate_before_norm(last=True), where="convolution 1"),
        *(
            plant(preactivate(final=final, projection=projection), where="convolution 0", message=PREACTIVATED)
            for final in (False, True)
            for projection in ("as it is", "bare", "activated")
        ),
        plant(
            normalise_first(0, 1, 2),
            where="convolution 0",
            message="The batch norms come before the convolutions. The order is convolution, batch norm, ReLU.",
        ),
        *(
            plant(
                normalise_first(number),
                where=f"convolution {number}",
                message="A batch norm of the branch comes before its convolution. The order is convolution, batch "
                "norm, ReLU.",
            )
            for number in (0, 1, 2)
        ),
        plant(
            edit(normalise_paths),
            where="convolution 2",
            message="Each path ends in a batch norm of its own, and they are added behind it. One batch norm stands "
            "behind the sum of the paths.",
        ),
    )
    broken = (
        changed(RESBLOCK, (FIRST, "self.bn1(F.relu(self.conv1(x)))")),
        changed(
            BOTTLENECK,
            (FIRST, "self.bn1(F.relu(self.conv1(x)))"),
            ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out).relu_())"),
        ),
        changed(
            RESBLOCK,
            ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(in_channels)"),
            (FIRST, "self.conv1(F.relu(self.bn1(x)))"),
            ("self.bn2(self.conv2(out))", "self.conv2(F.relu(self.bn2(out)))"),
        ),
        changed(
            RESBLOCK,
            ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(in_channels)"),
            (FIRST, "F.relu(self.conv1(self.bn1(x)))"),
            ("self.bn2(self.conv2(out))", "self.conv2(self.bn2(out))"),
        ),
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.conv2(self.bn2(out))")),
        changed(BOTTLENECK, ("self.bn2(self.conv2(out))", "self.conv2(self.bn2(out))")),
    )
