"""Layers made for other numbers of channels than the task's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice, permutations

from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.judge.shortcuts import add_projection, drop_projection
from grader.judge.strides import stride_of
from grader.judge.widths import groups_of, set_hidden_width
from grader.language import later
from grader.mistakes._changes import set_channels
from grader.mistakes._families import PREACT, RESNEXT
from grader.mistakes._hints import MOST, few
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

FIRST = "nn.Conv2d(in_channels, out_channels, 3, stride=stride"
SECOND = "nn.Conv2d(out_channels, out_channels, 3"
OF_NORM = "A batch norm is made for another number of channels than it gets."
OF_CONVOLUTION = later("A convolution is made for another number of channels than the layer before it gives.")
OF_NEIGHBOURS = later("A convolution has other channels than its neighbours: what one layer gives, the next must take.")
OF_PROJECTION = later("The batch norm of the shortcut is made for another number of channels than the 1×1 gives.")
EXCHANGED = later("The channels in and out of a convolution have changed places: first come those that it is given.")
ALL = (0, 1, 2)
# Batch norms that one slip makes too wide or too narrow: those of the branch, and that of the projection?
OF_NORMS = (((0,), False), ((1,), False), ((2,), False), ((0, 1), False), (ALL, False), ((), True), (ALL, True))
Call = tuple[int, int, int]  # channels in and out, and the stride: what tells a block's cases apart
Layer = tuple[int, int]  # channels out of a convolution and into it
Table = tuple[tuple[Call, tuple[Layer, ...]], ...]
BASIC, BOTTLENECKED = 2, 3  # convolutions of a branch


def call_of(block: Block) -> Call:
    """What the block was made for."""
    into, out = (block.editor[value].shape[1] for value in (block.x, block.parts.join))
    return into, out, stride_of(block)


def set_width(of: str, factor: float, convolutions: int) -> Edit:
    """Another width inside the branch: a multiple of the channels "in" or "out".

    Args:
        convolutions: how many there are in the blocks that are changed.
    """

    def change(block: Block) -> None:
        if len(block.convolutions) == convolutions and not block.splits:
            into, out, _ = call_of(block)
            set_hidden_width(block, int({"in": into, "out": out}[of] * factor))

    return edit(change)


@cache
def set_layers(table: Table, convolutions: int, *, norms: bool = True) -> Edit:
    """These channels for the convolutions of the branch, and then of the projection, in each case.

    Args:
        norms: do the batch norms fit what the convolutions give, or stay as they should be?
    """

    def change(block: Block) -> None:
        layers = dict(table).get(call_of(block), ())
        own = [*block.convolutions, *([block.projection] if block.projection is not None else [])]
        if len(block.convolutions) != convolutions or not convolutions <= len(layers) <= len(own):
            return
        if len(block.norms) != convolutions or block.splits:
            return
        for node, (out, into) in zip(own, layers, strict=False):
            set_channels(block, node, into=into, out=out)
        for norm, (out, into) in zip(block.norms if norms else (), layers, strict=False):
            set_channels(block, norm, out=into if block.is_preactivated else out)

    return edit(change)


def set_norm(number: int, of: str) -> Edit:
    """A batch norm of the branch made for the channels "in" or "out" of the block, whatever it gets."""

    def change(block: Block) -> None:
        into, out, _ = call_of(block)
        channels = into if of == "in" else out
        if block.norms[number].shape[1] != channels:
            set_channels(block, block.norms[number], out=channels)

    return edit(change)


@cache
def set_norms(of: str | int, numbers: tuple[int, ...], *, projection: bool) -> Plant:
    """Batch norms made for other channels than they get.

    Args:
        of: the channels "in" or "out" of the block, its "width" (those in front of its last convolution), or a number.
        numbers: those of the branch.
        projection: that of the projection too?
    """

    def change(block: Block) -> None:
        into, out, _ = call_of(block)
        width = block.editor[block.convolutions[-1].inputs[1]].shape[1]
        channels = of if isinstance(of, int) else {"in": into, "out": out, "width": width}[of]
        chosen = [norm for number in numbers for norm in block.norms_at(number)]
        if projection and block.projection_norm is not None:
            chosen.append(block.projection_norm)
        for norm in chosen:
            set_channels(block, norm, out=channels)

    if not numbers:
        return plant(edit(change), where="projection", message=OF_PROJECTION)
    return plant(edit(change), where=f"convolution {numbers[0]}", message=OF_NORM)


def exchange(*numbers: int, projection: bool = False, norm: bool = False) -> Plant:
    """Convolutions whose channels in and out have changed places.

    Args:
        norm: is the batch norm behind made for what they give then?
    """

    def change(block: Block) -> None:
        chosen = [(block.convolutions[number], block.norms[number : number + 1]) for number in numbers]
        if projection and block.projection is not None:
            chosen.append((block.projection, [block.projection_norm] if block.projection_norm is not None else []))
        for node, norms in chosen:
            out, into, *_ = block.editor[node.inputs[1]].shape
            set_channels(block, node, into=out, out=into * groups_of(node))
            for behind in norms if norm and not block.is_preactivated else []:
                set_channels(block, behind, out=into)

    where = f"convolution {numbers[0]}" if numbers else "projection"
    return plant(edit(change), where=where, message=EXCHANGED)


def expand(factor: int) -> Edit:
    """out_channels taken for the narrow width: the block gives a multiple of it."""

    def change(block: Block) -> None:
        if len(block.convolutions) != BOTTLENECKED or not block.norms:
            return
        into, out, stride = call_of(block)
        set_hidden_width(block, out)
        last, norm, wide = block.convolutions[-1], block.norms[-1], factor * out
        set_channels(block, last, out=wide)
        set_channels(block, norm, out=wide)
        if stride == 1 and into == wide:
            drop_projection(block)
        elif block.projection is None:
            add_projection(block, norm=True, channels=wide)
        else:
            set_channels(block, block.projection, out=wide)
            if block.projection_norm is not None:
                set_channels(block, block.projection_norm, out=wide)

    return edit(change)


def chains(seen: Observation, convolutions: int) -> Iterator[tuple[Layer, ...]]:
    """Orders of the student's convolutions in which each takes what the one before gives, as a branch has them."""
    call = _call(seen)
    layers = list(_layers(seen))
    if call is None or not convolutions <= len(layers) <= convolutions + 1:
        return
    found = dict.fromkeys(permutations(layers, convolutions))
    for order in found:
        ends = [call[0], *(out for out, _ in order)]
        if ends[-1] == call[1] and all(into == before for (_, into), before in zip(order, ends, strict=False)):
            yield order


def registered(seen: Observation, *, projection_first: bool) -> tuple[Layer, ...]:
    """The student's convolutions as they were registered, the projection last."""
    layers = list(_layers(seen))
    return (*layers[1:], layers[0]) if projection_first and layers else tuple(layers)


def _layers(seen: Observation) -> Iterator[Layer]:
    groups = _groups(seen)
    for tensor in seen.built.parameters:
        if len(tensor.shape) in (2, 4):
            out, into = tensor.shape[:2]
            number = groups.get(tensor.key, 1)
            yield out, into * number if 0 < number <= out and out % number == 0 else into


def _groups(seen: Observation) -> dict[str, int]:
    """In how many groups its convolutions work, by the keys of their weights, as its graph says: it may lie."""
    graph = seen.built.graph or seen.built.partial
    if graph is None:
        return {}
    told = [node for node in graph.nodes if node.name == "convolution" and len(node.inputs) > 1 and len(node.args) > 8]
    weights = ((graph.by_id[node.inputs[1]].leaf, node.args[8]) for node in told)
    return {leaf.key: groups for leaf, groups in weights if leaf is not None and isinstance(groups, int)}


def _call(seen: Observation) -> Call | None:
    """By position: channels in, channels out, and a stride that may be left out."""
    into, out, stride, *_ = [*seen.case.arguments.values(), 1, 1, 1]
    if isinstance(into, int) and isinstance(out, int) and isinstance(stride, int):
        return into, out, stride
    return None


def tables(observations: Sequence[Observation], convolutions: int) -> Iterator[Table]:
    """Channels of the student's layers in every case, as far as they make a branch."""
    ways = [list(islice(chains(seen, convolutions), MOST)) for seen in observations]
    for number in range(max(map(len, ways), default=0)):
        rows = {
            _call(seen): found[min(number, len(found) - 1)]
            for seen, found in zip(observations, ways, strict=True)
            if found
        }
        yield tuple((call, row) for call, row in rows.items() if call is not None)


class BottleneckNotNarrowed(Planted):
    id = "bottleneck-not-narrowed"
    message = (
        "The 3×3 convolution works on the full number of channels. A bottleneck first narrows them: that is what makes "
        "it cheap."
    )
    why = (
        "The 3×3 is the dear layer, and its cost grows with the square of its channels. At a quarter of the channels "
        "it costs a sixteenth: that is what lets bottlenecks be deep."
    )
    hints = (
        "A bottleneck is narrow in the middle: a 1×1 narrows, the 3×3 works, a 1×1 widens again.",
        "Look at the channels of the three convolutions. How many does the 3×3 have?",
        "Compute the width that the task names, as in `width = out_channels // 4`, and use it in the middle: "
        "`nn.Conv2d(width, width, 3, padding=1, bias=False)`.",
    )
    plants = (plant(set_width("out", 1, BOTTLENECKED), where="convolution 1"),)
    broken = (changed(BOTTLENECK, ("out_channels // 4", "out_channels")),)


class WrongChannels(Planted):
    id = "wrong-channels"
    of_concatenation = True
    message = "Between its two convolutions the branch has another number of channels than out_channels."
    why = (
        "The channels between two layers say how much can be passed on there. With another number the block has other "
        "weights, and often two layers do not fit each other."
    )
    hints = (
        "In a basic block the first convolution already gives `out_channels`, and all that follow keep that number.",
        "Write the channels in and out beside each layer. What one gives, the next has to take.",
        "The first is `nn.Conv2d(in_channels, out_channels, 3, ...)`, the second `nn.Conv2d(out_channels, "
        "out_channels, 3, ...)`.",
    )
    plants = (
        plant(
            set_width("in", 1, BASIC),
            where="convolution 0",
            message="The first convolution keeps in_channels; it must already give out_channels.",
        ),
        plant(set_width("out", 1 / 2, BASIC), where="convolution 0"),
        plant(set_width("out", 1 / 4, BASIC), where="convolution 0"),
        *(
            plant(
                set_norm(number, of),
                where=f"convolution {number}",
                message=OF_NORM,
            )
            for number in range(BOTTLENECKED)
            for of in ("in", "out")
        ),
        *(set_norms("in", numbers, projection=projection) for numbers, projection in OF_NORMS[3:]),
        *(set_norms("width", numbers, projection=both) for numbers, both in (((2,), False), ((2,), True), ((), True))),
        set_norms("out", (0, 1), projection=False),
        *(exchange(*numbers) for numbers in ((0,), (2,), (0, 2))),
        *(exchange(0, projection=True, norm=norm) for norm in (False, True)),
        *(exchange(projection=True, norm=norm) for norm in (False, True)),
        exchange(0, norm=True),
    )
    broken = (
        changed(
            RESBLOCK,
            (FIRST, "nn.Conv2d(in_channels, in_channels, 3, stride=stride"),
            ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(in_channels)"),
            (SECOND, "nn.Conv2d(in_channels, out_channels, 3"),
        ),
        changed(
            RESBLOCK,
            (FIRST, "nn.Conv2d(in_channels, out_channels + 3, 3, stride=stride"),
            ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(out_channels + 3)"),
            (SECOND, "nn.Conv2d(out_channels + 3, out_channels, 3"),
        ),
        changed(RESBLOCK, (SECOND, "nn.Conv2d(in_channels, out_channels, 3")),
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(in_channels)")),
        changed(BOTTLENECK, ("self.bn1 = nn.BatchNorm2d(width)", "self.bn1 = nn.BatchNorm2d(out_channels)")),
        changed(PREACT, ("self.bn1 = nn.BatchNorm2d(in_channels)", "self.bn1 = nn.BatchNorm2d(out_channels)")),
        changed(BOTTLENECK, ("nn.Conv2d(width, out_channels, 1", "nn.Conv2d(in_channels, out_channels, 1")),
        changed(RESBLOCK, (FIRST, "nn.Conv2d(out_channels, in_channels, 3, stride=stride")),
        changed(BOTTLENECK, ("nn.Conv2d(in_channels, out_channels, 1", "nn.Conv2d(out_channels, in_channels, 1")),
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(in_channels)")),
        changed(BOTTLENECK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(width)")),
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(64)")),
        changed(RESBLOCK, (SECOND, "nn.Conv2d(in_channels, in_channels, 3")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        for table in tables(observations, BASIC):
            yield plant(set_layers(table, BASIC), where="convolution 0")
        raising = [seen for seen in observations if seen.built.raised is not None]
        for projection_first in (False, True) if raising else ():
            found = ((_call(seen), registered(seen, projection_first=projection_first)) for seen in raising)
            rows = tuple((call, layers) for call, layers in found if call is not None)
            for convolutions in (BASIC, BOTTLENECKED):
                yield plant(set_layers(rows, convolutions), where="convolution 1", message=OF_CONVOLUTION)
                yield plant(set_layers(rows, convolutions, norms=False), where="convolution 1", message=OF_NEIGHBOURS)
        for size in few(_fixed(raising)):
            yield from (set_norms(size, numbers, projection=projection) for numbers, projection in OF_NORMS)


def _fixed(raising: Sequence[Observation]) -> Iterator[int]:
    """Sizes of vectors that modules have whatever they are made for: numbers that were written into the code."""
    sizes = [{tensor.shape[0] for tensor in seen.built.parameters if len(tensor.shape) == 1} for seen in raising]
    yield from sorted(set[int].intersection(*sizes)) if sizes else ()


class WrongExpansion(Planted):
    id = "wrong-expansion"
    message = "The bottleneck narrows to another width than the task asks for."
    why = (
        "How far a bottleneck narrows sets its cost and its number of weights. With another width the result may still "
        "fit, but it is a block of another size."
    )
    hints = (
        "`out_channels` is what the block gives. The middle has a fixed part of that, a quarter in the plain "
        "bottleneck.",
        "Look at the line that computes the width, and at the channels of the last 1×1 and of the shortcut.",
        "Divide by the number that the task names, as in `width = out_channels // 4`, and let the last convolution "
        "give `out_channels`.",
    )
    plants = (
        *(
            plant(set_width(of, factor, BOTTLENECKED), where="convolution 0")
            for of, factor in (
                ("out", 1 / 2),
                ("out", 1 / 4),
                ("in", 1 / 4),
                ("in", 1 / 2),
                ("out", 1 / 8),
                ("in", 1),
                ("out", 4),
            )
        ),
        *(
            plant(
                expand(factor),
                where="output",
                message="The block gives {factor} times as many channels as it is asked for: out_channels is taken "
                "for the narrow width in the middle.",
                factor=factor,
            )
            for factor in (4, 2)
        ),
    )
    broken = (
        changed(BOTTLENECK, ("out_channels // 4", "out_channels // 2")),
        changed(BOTTLENECK, ("out_channels // 4", "in_channels // 4")),
        changed(RESNEXT, ("out_channels // 2", "3 * cardinality")),
        changed(BOTTLENECK, ("out_channels // 4", "max(out_channels // 3, 1)")),
        changed(
            BOTTLENECK, ("        width = out_channels // 4", "        width = out_channels\n        out_channels *= 4")
        ),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        return [
            plant(set_layers(table, BOTTLENECKED), where="convolution 0")
            for table in tables(observations, BOTTLENECKED)
        ]
