"""Activations that are missing, misplaced, too many, or of the wrong kind."""

from __future__ import annotations

from grader.graph import Graph
from grader.judge.activations import activate_branch, toggle_final_activation
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

SUM = "F.relu(out + identity)"
OTHERS: dict[str, tuple[object, ...]] = {
    "aten.leaky_relu.default": (0.01,),
    "aten.gelu.default": (),
    "aten.sigmoid.default": (),
    "aten.tanh.default": (),
    "aten.silu.default": (),
    "aten.elu.default": (),
    "aten.hardtanh.default": (0.0, 6.0),
    "aten.softplus.default": (),
    "aten.abs.default": (),
}


def drop_inner(*numbers: int) -> Edit:
    def change(block: Block) -> None:
        for number in numbers:
            if number < len(block.activations):
                block.bypass(block.activations[number])

    return edit(change)


def replace(op: str, args: tuple[object, ...], which: str) -> Edit:
    """Another activation instead of ReLU: for "all" of them, the "inner" ones or the "final" one."""

    def change(block: Block) -> None:
        inner = block.activations if which in ("all", "inner") else []
        final = [block.final_activation] if block.final_activation and which in ("all", "final") else []
        for node in [*inner, *final]:
            block.editor.change(node.id, op=op, args=[ref(node.inputs[0]), *args])

    return edit(change)


def move_before(graph: Graph) -> Graph:
    """The last ReLU on the branch instead of after the addition."""
    return activate_branch(toggle_final_activation(graph))


class FinalReluMissing(Planted):
    id = "final-relu-missing"
    message = "The ReLU after the addition is missing: the block must give relu(F(x) + x)."
    plants = (plant(toggle_final_activation, where="output"),)
    broken = (changed(RESBLOCK, (SUM, "out + identity")),)


class ReluBeforeAdd(Planted):
    id = "relu-before-add"
    message = (
        "The last ReLU is applied to F(x) before the addition; it belongs after it: relu(F(x) + x). As it stands, "
        "the branch can only add, never take away."
    )
    plants = (plant(move_before, where="join"),)
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out) + identity")),
        changed(BOTTLENECK, (SUM, "out.clamp(min=0) + identity")),
    )


class ExtraActivation(Planted):
    id = "extra-activation"
    message = "There is one ReLU too many: on F(x) before the addition, although one follows it."
    plants = (plant(activate_branch, where="join"),)
    broken = (changed(RESBLOCK, (SUM, "F.relu(F.relu(out) + identity)")),)


class InnerReluMissing(Planted):
    id = "inner-relu-missing"
    message = (
        "A ReLU inside the branch is missing. Without it two convolutions in a row are one linear map, and the "
        "block loses the depth it was given."
    )
    plants = (
        plant(drop_inner(0), where="convolution 0"),
        plant(drop_inner(1), where="convolution 1"),
        plant(drop_inner(0, 1), where="convolution 0"),
    )
    broken = (
        changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")),
        changed(BOTTLENECK, ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))")),
    )


class WrongActivation(Planted):
    id = "wrong-activation"
    message = "An activation other than ReLU is used; the task asks for ReLU."
    plants = tuple(
        plant(replace(op, args, which), where="output" if which == "final" else "convolution 0")
        for which in ("all", "inner", "final")
        for op, args in OTHERS.items()
    )
    broken = (
        changed(RESBLOCK, ("F.relu(", "F.leaky_relu(")),
        changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "F.gelu(self.bn1(self.conv1(x)))")),
        changed(RESBLOCK, (SUM, "torch.sigmoid(out + identity)")),
    )
