"""Activations that are missing, misplaced, too many, or of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial

from grader.graph import Leaf, Node
from grader.judge.edits import ref
from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._changes import put_in
from grader.mistakes._composed import Composed, in_front_of_layers
from grader.mistakes._hints import few, nodes
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

SUM = "F.relu(out + identity)"
SHORTCUT = "        self.shortcut = nn.Sequential()\n"
PLACES = ("all", "inner", "final", "0", "1", "2")  # see `replace`
# Frequent ones; others, and other constants, are read from the code.
OTHERS: dict[str, tuple[float, ...]] = {
    "leaky_relu": (0.01,),
    "gelu": (),
    "sigmoid": (),
    "tanh": (),
    "silu": (),
    "elu": (),
    "hardtanh": (0.0, 6.0),
    "softplus": (),
    "abs": (),
}
# Functions of one value that may stand for an activation in a graph, with numbers for arguments.
FUNCTIONS = frozenset(
    (
        *OTHERS,
        "clamp",
        "celu",
        "hardsigmoid",
        "hardswish",
        "hardshrink",
        "softshrink",
        "mish",
        "log_sigmoid",
        "sin",
        "exp",
        "square",
    )
)


def drop_inner(*numbers: int) -> Edit:
    def change(block: Block) -> None:
        for number in numbers:
            for node in block.activations_at(number):
                block.bypass(node)

    return edit(change)


@cache
def replace(function: str, arguments: tuple[float, ...], which: str) -> Plant:
    """Another activation instead of ReLU: for "all" of them, the "inner" ones, one of these by its number, or the
    "final" one."""

    def change(block: Block) -> None:
        for node in _chosen(block, which):
            block.editor.change(node.id, op=f"aten.{function}.default", args=[ref(node.inputs[0]), *arguments])

    return plant(edit(change), where=_place(which))


def _chosen(block: Block, which: str) -> list[Node]:
    """Activations, as `replace` has them."""
    if which.isdecimal():
        return block.activations_at(int(which))
    inner = block.activations if which in ("all", "inner") else []
    return [*inner, block.final_activation] if block.final_activation and which in ("all", "final") else inner


def _place(which: str) -> str:
    if which == "final":
        return "output"
    return f"convolution {which}" if which.isdecimal() else "convolution 0"


@cache
def compose(function: Composed, which: str) -> Plant:
    """The same with a function that is composed of several operations."""

    def change(block: Block) -> None:
        for node in _chosen(block, which):
            block.editor.redirect(node.id, function.of(block.editor, node.inputs[0]))

    return plant(edit(change), where=_place(which))


@cache
def learn_slope(which: str, *, for_channels: bool = False, anew: bool = False) -> Plant:
    """PReLU, with one slope for all of its uses, and for all channels.

    Args:
        for_channels: is there a slope for each of them?
        anew: has each use slopes of its own?
    """

    def change(block: Block) -> None:
        slopes: dict[tuple[int, ...], int] = {}
        for number, node in enumerate(_chosen(block, which)):
            size = node.shape[1] if for_channels else 1
            key = (size, number) if anew else (size,)
            if key not in slopes:
                leaf = Leaf(kind="parameter", key=f"slope {key}", learnable=True)
                slopes[key] = block.editor.add_leaf(leaf, [size])
            block.editor.change(node.id, op="aten.prelu.default", args=[ref(node.inputs[0]), ref(slopes[key])])

    message = "The activation is PReLU, whose slope is learned; the task asks for ReLU."
    return plant(edit(change), where="output" if which == "final" else "convolution 0", message=message)


def drop_final(block: Block) -> None:
    if block.final_activation is not None:
        block.bypass(block.final_activation)


def activate_end(block: Block) -> None:
    """A ReLU at the end of the branch, although one follows the addition."""
    if block.final_activation is not None:
        block.join(block.activate(block.parts.branch), block.parts.shortcut)


def move_before(block: Block) -> None:
    """The last ReLU on the branch instead of after the addition."""
    activate_end(block)
    drop_final(block)


def activate_convolutions(block: Block, numbers: tuple[int, ...]) -> None:
    """A ReLU between these convolutions and their batch norms."""
    for number in numbers:
        if not (block.is_preactivated and number == len(block.convolutions) - 1):  # it ends the branch
            put_in(block, f"convolution {number}", ("relu",))


class FinalReluMissing(Planted):
    id = "final-relu-missing"
    message = "The ReLU after the addition is missing: the block must give relu(F(x) + x)."
    why = (
        "Every block of this kind ends with a ReLU, so the next block gets no value below zero. Without it the sum "
        "goes straight into the next convolution, and the network bends its values one time less in each block."
    )
    hints = (
        "A ReLU sets every negative number to zero. Here one stands behind each batch norm of the branch but the last, "
        "and one behind the sum.",
        "Look at the last line of `forward`. What is done to the sum before it is returned?",
        "Pass the sum through a ReLU: `return F.relu(out + shortcut)`.",
    )
    plants = (plant(edit(drop_final), where="output"),)
    broken = (changed(RESBLOCK, (SUM, "out + identity")),)


class ReluBeforeAdd(Planted):
    id = "relu-before-add"
    message = (
        "The last ReLU is applied to F(x) before the addition; it belongs after it: relu(F(x) + x). As it stands, "
        "the branch can only add, never take away."
    )
    why = (
        "After a ReLU the branch gives no number below zero, so it can push the values of the shortcut up and never "
        "down. A block should be able to learn corrections in both directions."
    )
    hints = (
        "F(x) is a correction to x: it may add, and it may take away. The ReLU cuts the result, not the correction.",
        "Follow the end of the branch, from its last batch norm to the plus sign. Where does the last ReLU stand?",
        "Add first, then apply the ReLU: `F.relu(out + shortcut)`, not `F.relu(out) + shortcut`.",
    )
    plants = (plant(edit(move_before), where="join"),)
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out) + identity")),
        changed(BOTTLENECK, (SUM, "out.clamp(min=0) + identity")),
    )


class ExtraActivation(Planted):
    id = "extra-activation"
    of_concatenation = True
    message = "There is one ReLU too many: on F(x) before the addition, although one follows it."
    why = (
        "Each ReLU throws away all that is below zero at its place. One too many loses values that the next layer, or "
        "the sum, still needs."
    )
    hints = (
        "The block has as many ReLUs as its formula: one behind each batch norm of the branch but the last, and one at "
        "the very end, after the sum.",
        'Count the ReLUs in `forward`, layer by layer. Compare each with the formula under "What your code computes".',
        "Remove the ReLU that the formula does not have. The last batch norm goes straight into the sum: "
        "`F.relu(self.bn2(out) + shortcut)`.",
    )
    plants = (
        plant(edit(activate_end), where="join"),
        plant(
            edit(lambda block: put_in(block, "input", ("relu",))),
            where="convolution 0",
            message="There is one ReLU too many: the branch starts with relu(x), where it should start with x.",
        ),
        *(
            plant(
                edit(partial(activate_convolutions, numbers=numbers)),
                where=f"convolution {numbers[0]}",
                message="There is one ReLU too many: between a convolution and its batch norm.",
            )
            for numbers in ((0,), (1,), (2,), (0, 1), (0, 1, 2))
        ),
    )
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(F.relu(out) + identity)")),
        changed(RESBLOCK, ("self.conv1(x)", "self.conv1(F.relu(x))")),
        changed(RESBLOCK, ("self.bn1(self.conv1(x))", "self.bn1(torch.relu(self.conv1(x)))")),
        changed(BOTTLENECK, ("self.bn3(self.conv3(out))", "self.bn3(self.conv3(out).relu())")),
    )


class InnerReluMissing(Planted):
    id = "inner-relu-missing"
    of_concatenation = True
    message = (
        "A ReLU inside the branch is missing. Without it the layers on both sides of its place are one linear map, and "
        "the block loses the depth it was given."
    )
    why = (
        "Two convolutions in a row with no ReLU between them can do no more than one convolution could. The block pays "
        "for the weights of two layers and gets the power of one."
    )
    hints = (
        "Convolutions are linear, and so is batch norm in evaluation. Only a function that bends, such as ReLU, makes "
        "the second layer worth having.",
        "Look at each batch norm of the branch but the last. What comes between it and the next convolution?",
        "Put a ReLU behind it: `out = F.relu(self.bn1(self.conv1(x)))`.",
    )
    plants = (
        plant(drop_inner(0), where="convolution 0"),
        plant(drop_inner(1), where="convolution 1"),
        plant(drop_inner(0, 1), where="convolution 0"),
        plant(drop_inner(2), where="convolution 2"),  # in front of it: only a pre-activation bottleneck has a third one
        plant(drop_inner(0, 1, 2), where="convolution 0"),
    )
    broken = (
        changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "self.bn1(self.conv1(x))")),
        changed(BOTTLENECK, ("F.relu(self.bn2(self.conv2(out)))", "self.bn2(self.conv2(out))")),
    )


class WrongActivation(Planted):
    id = "wrong-activation"
    of_concatenation = True
    message = "An activation other than ReLU is used; the task asks for ReLU."
    why = (
        "Another activation gives other outputs and other gradients, so this is not the block of the paper. A ReLU is "
        "the simplest choice: it passes the gradient on unchanged wherever its input is above zero."
    )
    hints = (
        "An activation bends the values between two linear layers. These networks use max(0, x), which has nothing to "
        "set and nothing to learn.",
        "Search your class for names such as `LeakyReLU`, `PReLU`, `GELU`, `SiLU`, `ELU`, `tanh` or `sigmoid`, in the "
        "constructor and in `forward`.",
        "Replace each of them by `F.relu(out)`, or by a layer `nn.ReLU()`.",
    )
    plants = (
        *(replace(*other, which) for which in ("all", "inner", "final") for other in OTHERS.items()),
        *map(learn_slope, ("all", "inner", "final")),
    )
    broken = (
        changed(RESBLOCK, ("F.relu(", "F.leaky_relu(")),
        changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "F.gelu(self.bn1(self.conv1(x)))")),
        changed(RESBLOCK, (SUM, "torch.sigmoid(out + identity)")),
        changed(
            RESBLOCK,
            ("F.relu(", "F.leaky_relu_("),
            ("self.conv1(x)))", "self.conv1(x)), 0.23)"),
            ("identity)", "identity, 0.23)"),
        ),
        changed(BOTTLENECK, ("F.relu(", "F.selu(")),
        changed(BOTTLENECK, ("F.relu(self.bn2(self.conv2(out)))", "F.leaky_relu(self.bn2(self.conv2(out)), 0.2)")),
        changed(RESBLOCK, (SUM, "F.hardtanh(out + identity, 0, 5)")),
        changed(BOTTLENECK, ("F.relu(", "F.logsigmoid(")),
        changed(
            RESBLOCK,
            (SHORTCUT, f"        self.act = nn.PReLU()\n{SHORTCUT}"),
            ("F.relu(", "self.act("),
        ),
        changed(RESBLOCK, ("F.relu(", "F.softsign(")),
        changed(BOTTLENECK, ("F.relu(self.bn2", "F.tanhshrink(self.bn2")),
        changed(RESBLOCK, (SUM, "(lambda v: v * torch.sigmoid(1.7 * v))(out + identity)")),
        changed(
            RESBLOCK,
            (SHORTCUT, f"        self.act = nn.PReLU(out_channels)\n{SHORTCUT}"),
            ("F.relu(self.bn1", "self.act(self.bn1"),
        ),
        changed(
            BOTTLENECK,
            (
                SHORTCUT,
                "        self.act1, self.act2 = nn.PReLU(width), nn.PReLU(width)\n"
                f"        self.act3 = nn.PReLU(out_channels)\n{SHORTCUT}",
            ),
            ("F.relu(self.bn1", "self.act1(self.bn1"),
            ("F.relu(self.bn2", "self.act2(self.bn2"),
            (SUM, SUM.replace("F.relu", "self.act3")),
        ),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        for function, arguments in few(_activations(observations)):
            yield from (replace(function, arguments, which) for which in PLACES)
        for composed in few(in_front_of_layers(observations)):
            yield from (compose(composed, which) for which in PLACES)
        if any("prelu" in node.name for node, _ in nodes(observations)):
            for which in ("all", "inner", "final"):
                yield learn_slope(which, anew=True)
                yield from (learn_slope(which, for_channels=True, anew=anew) for anew in (False, True))


def _activations(observations: Sequence[Observation]) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Functions with their constants that stand where a ReLU could."""
    for node, _ in nodes(observations):
        name = node.name.removesuffix("_forward")  # as log-sigmoid is recorded
        if name in FUNCTIONS and len(node.inputs) == 1:
            numbers = tuple(value for value in node.args[1:] if isinstance(value, int | float))
            if len(numbers) == len(node.args) - 1:
                yield name, numbers
