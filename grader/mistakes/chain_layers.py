"""Layers of a plain network of another size, at another stride, too many or too few, and values that are added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from grader.judge.chain import WEIGHTED, Step
from grader.judge.chain_topics import Compared, Difference
from grader.language import say
from grader.mistakes._chained import Chained, ChainMistake, layer_at, layers_of, listed
from grader.mistakes._mistake import changed
from grader.mistakes.chain import LAST, PLAIN

MOST_SAID = 3
FIRST = "nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False)"
SECOND = "nn.Conv2d(c_out, c_out, 3, stride=1, padding=1, bias=False)"


class ChainKernel(ChainMistake):
    id = "chain-kernel"
    topic = "kernel"
    message = "A convolution has another kernel or padding than the task asks for."
    why = (
        "The kernel is how far a filter sees, and the padding is what it sees at the edge. With others the network "
        "finds other things, has another number of weights, or its maps shrink from layer to layer."
    )
    hints = (
        "A 3×3 with a frame of one zero around the map keeps height and width.",
        "Look at the third argument of each `nn.Conv2d`, and at `padding`.",
        "Write the size that the task names, with the padding that belongs to it: 3 with `padding=1`.",
    )
    check = "parameters"
    broken = (
        changed(PLAIN, (SECOND, "nn.Conv2d(c_out, c_out, 1, bias=False)")),
        changed(PLAIN, ("nn.Conv2d(3, 16, 3, padding=1, bias=False)", "nn.Conv2d(3, 16, 3, bias=False)")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        kernels = [each for each in found if each.name == "kernel"]
        first = (kernels or found)[0]
        same = [each for each in found if each.name == first.name and _values(each) == _values(first)]
        mine, theirs = _values(first)
        where = layers_of(chained, same, "convolution")
        if not kernels:
            return say("The padding is {found} instead of {wanted} in {where}.", found=mine, wanted=theirs, where=where)
        said = say("The kernel is {found} instead of {wanted} in {where}.", found=mine, wanted=theirs, where=where)
        strides = [each for each in found if each.name == "stride"]
        return f"{said} {_strides(chained, strides)}" if strides else said


def _values(each: Difference) -> tuple[str, str]:
    """The student's setting and the task's, as people write them: 3×3, or one number where all are alike."""
    found = [getattr(step, each.name) for step in (each.found, each.wanted)]
    mine, theirs = (_size(value, of_kernel=each.name == "kernel") for value in found)
    return mine, theirs


def _size(numbers: tuple[int, ...], *, of_kernel: bool = False) -> str:
    if len(set(numbers)) == 1 and not of_kernel:
        return str(numbers[0])
    return "×".join(map(str, numbers))


class ChainStride(ChainMistake):
    id = "chain-stride"
    topic = "stride"
    message = "The stride stands in another layer than the task asks for, or is missing."
    why = (
        "Where the map is halved decides at which resolution every layer behind it works. With a stride elsewhere the "
        "layers see other parts of the picture, and the network costs more or less."
    )
    hints = (
        "The map is halved where the channels double: in the first convolution of a stage, and nowhere else.",
        "Follow the argument `stride` from the loop that builds the stages down to `nn.Conv2d`.",
        "Give the layers that are named the stride of the task, and all others stride 1.",
    )
    check = "gradient"
    broken = (
        changed(PLAIN, ("(32, 64, n, 2)", "(32, 64, n, 1)")),
        changed(PLAIN, (FIRST, FIRST.replace("=stride", "=1")), (SECOND, SECOND.replace("=1, p", "=stride, p"))),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        return _strides(chained, found)


def _strides(chained: Chained, found: list[Difference]) -> str:
    said = [
        say(
            "{layer} has stride {found} instead of {wanted}",
            layer=layer_at(chained.compared, each.at),
            found=_values(each)[0],
            wanted=_values(each)[1],
        )
        for each in found
    ]
    return f"{listed(said)}."


class ChainWidth(ChainMistake):
    id = "chain-width"
    topic = "width"
    message = "Layers have another number of outputs than the task asks for."
    why = (
        "The channels decide how many things a layer can tell apart, and what it costs. Twice the channels are four "
        "times the weights."
    )
    hints = (
        "Each stage has its number of channels, and the last layer one output for each class.",
        "Follow the numbers from the code that builds the stages down to each layer. Does a number stand where an "
        "argument should?",
        "Write the channels of the task; the last layer is `nn.Linear(channels, num_classes)`.",
    )
    check = "parameters"
    broken = (
        changed(PLAIN, ("(32, 64,", "(32, 48,"), ("Linear(64,", "Linear(48,")),
        changed(PLAIN, ("Linear(64, num_classes)", "Linear(64, 10)")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        compared = chained.compared
        misfit = next((each for each in found if each.name == "into"), None)
        if misfit is not None:
            return _misfit(compared, misfit)
        said = []
        for (mine, theirs), group in groupby(found, key=lambda each: (_out(each.found), _out(each.wanted))):
            layers = listed(list(dict.fromkeys(layer_at(compared, each.at) for each in group)))
            said.append(say("{found} instead of {wanted} in {layers}", found=mine, wanted=theirs, layers=layers))
        return say("The number of outputs is {said}.", said=listed(said))


def _misfit(compared: Compared, each: Difference) -> str:
    """A layer that takes another number of values than the one before it gives."""
    assert each.found is not None
    layer = layer_at(compared, each.at)
    if each.found.kind != "convolution":
        return say("{layer} takes {n} numbers, and gets another number of them.", layer=layer, n=each.found.into)
    given = [step.out for step in compared.found[: each.at] if step.kind == "convolution"]
    return say(
        "{layer} takes {n} channels, and the layer in front of it gives {given}.",
        layer=layer,
        n=each.found.into,
        given=given[-1] if given else say("others"),
    )


def _out(step: Step | None) -> int:
    return step.out if step is not None else 0


class ChainLength(ChainMistake):
    id = "chain-length"
    topic = "length"
    elsewhere = ("wrong-depth", "trunk-step-extra", "trunk-step-missing")
    message = "The network has another number of layers than the task asks for."
    why = (
        "The depth is what these networks differ in, and what the experiment asks about. With another number of layers "
        "it answers another question."
    )
    hints = (
        "The argument says how many layers with weights there are, the first and the last among them.",
        "Show the network with `print(net)`, and count the layers of each stage.",
        "Change how often the loop of a stage runs. Does the argument come in there?",
    )
    check = "parameters"
    broken = (
        changed(PLAIN, ("(16, 32, n, 2)", "(16, 32, n + 1, 2)")),
        changed(PLAIN, ("n = (depth - 2) // 6", "n = 3")),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        compared = chained.compared
        mine, theirs = _stages(compared.found), _stages(compared.wanted)
        said = say(
            "The network has {found} layers with weights instead of {wanted}.",
            found=sum(mine.values()),
            wanted=sum(theirs.values()),
        )
        if list(mine) == list(theirs) and len(mine) > 1:
            said += " " + say(
                "With {outs} outputs there are {found}. The task asks for {wanted}.",
                outs=listed(list(map(str, mine))),
                found=listed(list(map(str, mine.values()))),
                wanted=listed(list(map(str, theirs.values()))),
            )
        has, wants = ({length[i] for length in chained.lengths} for i in (0, 1))
        if len(has) == 1 and len(wants) > 1:
            said += " " + say("There are as many in every case, whatever the arguments say.")
        return said


def _stages(steps: Sequence[Step]) -> dict[int, int]:
    """How many layers have as many outputs."""
    return Counter(step.out for step in steps if step.kind in WEIGHTED)


class ChainShared(ChainMistake):
    id = "chain-shared"
    topic = "shared"
    message = "A layer is used again where the task asks for one of its own."
    why = (
        "Layers that share their weights learn one thing together. The network has fewer weights than it seems to, and "
        "its depth is not what the experiment thinks it is."
    )
    hints = (
        "An object of a layer is one layer, however often it is called.",
        "Look for a layer that is made once and used twice: in a loop of `forward`, or put into a list several times.",
        "Make a new layer for each place: call the class inside the loop.",
    )
    check = "parameters"
    broken = (
        changed(
            PLAIN,
            (
                "blocks = [PlainBlock(c_out if i else c_in, c_out, 1 if i else stride) for i in range(blocks)]",
                "blocks = [PlainBlock(c_in, c_out, stride)] + [PlainBlock(c_out, c_out, 1)] * (blocks - 1)",
            ),
        ),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        layers = [each for each in found if each.found is not None and each.found.kind in WEIGHTED] or found
        compared = chained.compared
        return say(
            "{layers}: the weights of an earlier layer are used again.",
            layers=listed(list(dict.fromkeys(layer_at(compared, each.at) for each in layers))),
        )


class ChainShortcut(ChainMistake):
    id = "chain-shortcut"
    topic = "shortcut"
    message = "An earlier value is added: a shortcut, which this network is not to have."
    why = (
        "This network is there to be compared with the one that has shortcuts. If it has some itself, both are the "
        "same, and the comparison shows nothing."
    )
    hints = (
        "A plain network is one path from the input to the output: every layer reads the one before, and nothing else.",
        "Look for a plus sign in `forward`, and for the argument that says which of the two networks is built.",
        "Leave out the addition in this network.",
    )
    check = "gradient"
    broken = (
        changed(PLAIN, (LAST, "return F.relu(out + x if out.shape == x.shape else out)")),
        changed(
            PLAIN,
            (
                LAST,
                "s, d = x.shape[2] // out.shape[2], out.shape[1] - x.shape[1]\n"
                "        return F.relu(out + F.pad(x[:, :, ::s, ::s], (0, 0, 0, 0, d // 2, d - d // 2)))",
            ),
        ),
    )

    def told(self, chained: Chained, found: list[Difference]) -> str:
        return say(
            "Behind {where} an earlier value is added: a shortcut, which this network is not to have.",
            where=listed([layer_at(chained.compared, each.at) for each in found]),
        )
