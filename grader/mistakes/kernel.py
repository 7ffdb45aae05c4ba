"""Convolutions of the branch with another kernel, padding, dilation or number of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.judge.widths import fix_groups
from grader.language import later
from grader.mistakes._families import RES2NET
from grader.mistakes._hints import few, nodes
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

FIRST = "nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)"
SECOND = "nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)"
MIDDLE = "nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)"
PROJECTED = later(
    "The 1×1 on the shortcut works in groups (groups=…); in this block each of its outputs sees all channels of x."
)
SEPARATED = "A convolution is split into a depthwise and a 1×1 convolution, as in MobileNet; this block has a full one."
NUMBERS = (0, 1, 2)
OF_WRONG_SIZE = (
    "The first convolution of the branch has a {size}×{size} kernel: the wrong size.",
    "The second convolution of the branch has a {size}×{size} kernel: the wrong size.",
    "The third convolution of the branch has a {size}×{size} kernel: the wrong size.",
)
OF_WRONG_SIZE_IN_PARTS = "The convolutions of the parts have a {size}×{size} kernel: the wrong size."
OF_WRONG_SIZES = "The convolutions of the branch have the kernels {sizes}: more than one of them has the wrong size."
AS_IN_TENSORFLOW = (
    "The padding is that of TensorFlow's SAME: with stride 2 an even map gets its zeros on the right and at the "
    "bottom alone. `padding=1` puts one on every side."
)
AS_KERAS = """import torch
from torch import nn
import torch.nn.functional as F


class Same(nn.Conv2d):
    def forward(self, x):
        pads = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [pad // 2, pad - pad // 2]
        return super().forward(F.pad(x, pads))

"""
UNEVEN = later(
    "The zeros around the map are not as many on each side: `F.pad` has {sides} (left, right, top, bottom) in front of "
    "a 3×3, which needs 1 on every side."
)


def convolutions(block: Block, numbers: tuple[int, ...]) -> list[Node]:
    """Those with these numbers that the branch has."""
    return [node for number in numbers for node in block.convolutions_at(number)]


def size_of(block: Block, node: Node) -> int:
    """Of a convolution's kernel."""
    return block.editor[node.inputs[1]].shape[-1]


@cache
def set_kernel(number: int, size: int, padding: int) -> Plant:
    """A kernel of another size."""

    def change(block: Block) -> None:
        for node in convolutions(block, (number,)):
            resize(block, node, size, padding)

    return plant(edit(change), where=f"convolution {number}", message=OF_WRONG_SIZE[number], size=size)


@cache
def set_part_kernels(size: int, padding: int) -> Plant:
    """Kernels of another size in the parts of a Res2Net block."""

    def change(block: Block) -> None:
        for part in block.splits:
            if part.convolution is not None:
                resize(block, block.editor[part.convolution], size, padding)

    return plant(edit(change), where="convolution 1", message=OF_WRONG_SIZE_IN_PARTS, size=size)


def set_kernels(*sizes: int) -> Plant:
    """The kernels of all convolutions, of a branch that has so many."""

    def change(block: Block) -> None:
        if len(block.convolutions) == len(sizes):
            for node, size in zip(block.convolutions, sizes, strict=True):
                resize(block, node, size, size // 2)

    said = ", ".join(f"{size}×{size}" for size in sizes)
    return plant(edit(change), where="convolution 0", message=OF_WRONG_SIZES, sizes=said)


def resize(block: Block, node: Node, size: int, padding: int) -> None:
    """Another kernel for a convolution, with the padding that goes with it."""
    shape = block.editor[node.inputs[1]].shape
    kernel = [size for _ in shape[2:]]
    if shape[2:] != kernel:
        block.resize(node.args[1], [*shape[:2], *kernel])
        block.set_padding(node, padding)


@cache
def set_padding(padding: int, *numbers: int) -> Plant:
    """The same padding for some of the convolutions."""

    def change(block: Block) -> None:
        for node in convolutions(block, numbers):
            block.set_padding(node, padding)

    return plant(edit(change), where=f"convolution {numbers[0]}")


def pad_otherwise(op: str, *numbers: int) -> Plant:
    """Not zeros around the image, but what another mode of padding puts there.

    Args:
        op: the one for images; rows and volumes have their own.
    """

    def change(block: Block) -> None:
        for node in convolutions(block, numbers):
            if isinstance(node.args[4], list) and any(node.args[4]):
                sides = [side for padding in reversed(node.args[4]) for side in (padding, padding)]
                padded = block.editor.add(op.replace("2d", f"{len(node.args[4])}d"), node.args[0], sides)
                block.editor.set_argument(node.id, 0, ref(padded))
                block.set_padding(node, 0)

    message = "A convolution of the branch pads with something other than zeros (padding_mode)."
    return plant(edit(change), where=f"convolution {numbers[0]}", message=message)


@cache
def pad_sides(sides: tuple[int, ...], *numbers: int) -> Plant:
    """Zeros in front of some of the convolutions, as many on each side as these say, and none in them."""

    def change(block: Block) -> None:
        for node in convolutions(block, numbers):
            padded = block.editor.add("aten.constant_pad_nd.default", node.args[0], list(sides), 0.0)
            block.editor.set_argument(node.id, 0, ref(padded))
            block.set_padding(node, 0)

    return plant(
        edit(change),
        where=f"convolution {numbers[0]}",
        message=UNEVEN,
        sides=str(sides),
    )


def pad_same(block: Block) -> None:
    """Padding as TensorFlow counts it: as many zeros as the stride needs, an odd one on the right and at the bottom."""
    for node in block.convolutions:
        size, strides = size_of(block, node), node.args[3]
        lengths = block.editor[node.inputs[0]].shape[2:]
        if not isinstance(strides, list) or size == 1:
            continue
        needed = [
            max((-(-length // step) - 1) * step + size - length, 0)
            for length, step in zip(lengths, strides, strict=True)
        ]
        sides = [side for zeros in reversed(needed) for side in (zeros // 2, zeros - zeros // 2)]
        padded = block.editor.add("aten.constant_pad_nd.default", node.args[0], sides, 0.0)
        block.editor.set_argument(node.id, 0, ref(padded))
        block.set_padding(node, 0)


@cache
def dilate(dilation: int, padding: int, *numbers: int) -> Plant:
    """A dilation for convolutions that are larger than 1×1."""

    def change(block: Block) -> None:
        for node in convolutions(block, numbers):
            if size_of(block, node) > 1:
                block.set_padding(node, padding)
                block.editor.set_argument(node.id, 5, [dilation for _ in node.shape[2:]])

    return plant(edit(change), where=f"convolution {numbers[0]}")


@cache
def split(groups: int | None, *numbers: int, projection: bool = False) -> Plant:
    """Convolutions in groups, also where they do not divide the channels: there it raises.

    Args:
        groups: None for one group for each channel that comes in (depthwise).
    """

    def change(block: Block) -> None:
        chosen = convolutions(block, numbers)
        if projection and block.projection is not None:
            chosen.append(block.projection)
        for node in chosen:
            if node.args[8] == 1:
                fix_groups(block, node, groups or block.editor[node.inputs[1]].shape[1])

    if not numbers:
        return plant(edit(change), where="projection", message=PROJECTED)
    return plant(edit(change), where=f"convolution {numbers[0]}")


def split_by_input(block: Block) -> None:
    """Every convolution of the branch in as many groups as the block has channels coming in."""
    groups = block.editor[block.x].shape[1]
    for node in block.convolutions:
        if node.args[8] == 1:
            fix_groups(block, node, groups)


def separate(*numbers: int) -> Edit:
    """A depthwise convolution and a 1×1 convolution instead of one convolution."""

    def change(block: Block) -> None:
        for position, node in enumerate(convolutions(block, numbers)):
            out, into, *kernel = block.editor[node.inputs[1]].shape
            if any(size != 1 for size in kernel) and node.args[8] == 1:
                pointwise = block.convolve(node.id, out, 1, 1, f"pointwise {position}")
                weight = block.editor[block.editor[pointwise].inputs[1]]
                block.editor.change(weight.id, shapes=[[out, into, *(1 for _ in kernel)]])
                block.resize(node.args[1], [into, 1, *kernel])
                block.editor.set_argument(node.id, 8, into)
                block.editor.redirect(node.id, pointwise)

    return edit(change)


def transpose(number: int) -> Edit:
    """A transposed convolution."""

    def change(block: Block) -> None:
        for node in convolutions(block, (number,)):
            out, into, *kernel = block.editor[node.inputs[1]].shape
            block.resize(node.args[1], [into, out, *kernel])
            block.editor.set_argument(node.id, 6, True)

    return edit(change)


def settings(observations: Sequence[Observation]) -> Iterator[tuple[int, int, int, int]]:
    """Size, padding, dilation and groups of the convolutions that were recorded, and of those that were built.

    A module that raises shows its weights alone.
    """
    for node, by_id in nodes(observations):
        if node.name == "convolution" and len(node.args) > 8 and len(node.inputs) > 1:
            size, found = by_id[node.inputs[1]].shape[-1:], [node.args[4], node.args[5], node.args[8]]
            numbers = [value[0] if isinstance(value, list) and value else value for value in found]
            padding, dilation, groups = (value if isinstance(value, int) else 1 for value in numbers)
            if size:
                yield size[0], padding, dilation, groups
    for seen in observations:
        for tensor in seen.built.parameters:
            if seen.built.graph is None and len(tensor.shape) > 2:
                size = tensor.shape[-1:]
                yield from ((size[0], padding, 1, 1) for padding in dict.fromkeys((size[0] // 2, 0, 1)))


class WrongKernel(Planted):
    id = "wrong-kernel"
    of_concatenation = True
    message = "A convolution of the branch has the wrong kernel size."
    why = (
        "The size of the kernel is how far a filter sees: a 3×3 looks at neighbours, a 1×1 mixes channels only. "
        "Another size changes what the layer can find, and how many weights it has."
    )
    hints = (
        "A basic block has two 3×3 convolutions. A bottleneck has a 1×1, a 3×3, and a 1×1 again.",
        "Look at the third argument of each `nn.Conv2d` on the branch.",
        "Set the size that the task names, with the padding that belongs to it: 3 with `padding=1`, or 1 without "
        "padding.",
    )
    # Only a bottleneck has a third one, which is a 1×1.
    plants = (
        *(set_kernel(number, size, size // 2) for number in NUMBERS for size in (1, 3, 5) if (number, size) != (2, 1)),
        *(set_kernels(*sizes) for sizes in ((3, 3, 3), (3, 1, 1), (3, 1, 3), (1, 1, 3), (5, 5), (1, 1), (3, 1))),
        *(set_part_kernels(size, size // 2) for size in (1, 5)),
    )
    broken = (
        changed(RESBLOCK, (SECOND, "nn.Conv2d(out_channels, out_channels, 1, stride=1, bias=False)")),
        changed(BOTTLENECK, ("nn.Conv2d(width, out_channels, 1", "nn.Conv2d(width, out_channels, 3, padding=1")),
        changed(RESBLOCK, (FIRST, "nn.Conv2d(in_channels, out_channels, 7, stride, 3, bias=False)")),
        changed(RESBLOCK, (SECOND, "nn.Conv2d(out_channels, out_channels, 2, bias=False)")),
        changed(BOTTLENECK, (MIDDLE, "nn.Conv2d(width, width, 1, stride=stride, padding=1, bias=False)")),
        changed(
            BOTTLENECK,
            ("nn.Conv2d(in_channels, width, 1", "nn.Conv2d(in_channels, width, 3, padding=1"),
            ("nn.Conv2d(width, out_channels, 1", "nn.Conv2d(width, out_channels, 3, padding=1"),
        ),
        changed(RES2NET, ("width, width, 3, padding=1", "width, width, 1")),
        changed(RES2NET, ("width, width, 3, padding=1", "width, width, 7, padding=3")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        sizes = few((size, padding) for size, padding, *_ in settings(observations))
        of_branch = [set_kernel(number, size, padding) for size, padding in sizes for number in NUMBERS]
        return of_branch + [set_part_kernels(size, padding) for size, padding in sizes]


def _sides(observations: Sequence[Observation]) -> Iterator[tuple[int, ...]]:
    """How many zeros are put on each side of a map, where they are not as many on all of them."""
    for node, _ in nodes(observations):
        sides = node.args[1] if node.name == "constant_pad_nd" and len(node.args) > 1 else None
        if isinstance(sides, list) and len(sides) == 4 and len(set(sides)) > 1:
            yield tuple(sides)


class WrongPadding(Planted):
    id = "wrong-padding"
    of_concatenation = True
    message = "A convolution of the branch has the wrong padding: 3×3 needs padding 1 to keep the resolution, 1×1 none."
    why = (
        "Padding decides what a filter sees at the edge of the map. With another amount the map changes its size, and "
        "with other values than zeros the results at the edge are different."
    )
    hints = (
        "Padding puts a frame of zeros around the map. A kernel of size 3 needs a frame of 1 to keep the size, a "
        "kernel of size 1 needs none.",
        "Look at `padding` and `padding_mode` of each convolution on the branch. Without a name, padding is the fifth "
        "argument.",
        "Write `padding=1` for a 3×3, leave it out for a 1×1, and do not set `padding_mode`.",
    )
    plants = (
        *(set_padding(padding, *numbers) for padding in (0, 1, 2) for numbers in ((0,), (1,), (2,), (0, 1), NUMBERS)),
        *(
            pad_otherwise(f"aten.{op}.default", *numbers)
            for op in ("reflection_pad2d", "replication_pad2d", "_pad_circular")
            for numbers in ((0, 1), (0,), (1,))
        ),
        plant(edit(pad_same), where="convolution 0", message=AS_IN_TENSORFLOW),
    )
    broken = (
        changed(RESBLOCK, ("3, stride=1, padding=1", "3, stride=1, padding=0")),
        *(
            AS_KERAS + source.replace("nn.Conv2d(", "Same(").replace(", padding=1", "")
            for source in (RESBLOCK, BOTTLENECK)
        ),
        changed(RESBLOCK, ("padding=1", "padding=1, padding_mode='reflect'")),
        changed(RESBLOCK, (SECOND, SECOND.replace("bias", "padding_mode='circular', bias"))),
        changed(BOTTLENECK, ("padding=1", "padding=1, padding_mode='replicate'")),
        changed(BOTTLENECK, ("nn.Conv2d(in_channels, width, 1, ", "nn.Conv2d(in_channels, width, 1, padding=1, ")),
        changed(
            RESBLOCK,
            ("3, stride=1, padding=1", "3, stride=1"),
            ("self.conv2(out)", "self.conv2(F.pad(out, (0, 2, 0, 2)))"),
        ),
        changed(
            BOTTLENECK,
            ("padding=1", "padding=2 - stride"),
            ("self.conv2(out)", "self.conv2(F.pad(out, (0, 1, 0, 1)) if self.conv2.stride[0] == 2 else out)"),
        ),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        return [pad_sides(sides, *numbers) for sides in few(_sides(observations)) for numbers in ((0,), (1,), (0, 1))]


class WrongDilation(Planted):
    id = "wrong-dilation"
    of_concatenation = True
    message = "A convolution of the branch is dilated: it skips values. The task asks for dilation 1, the default."
    why = (
        "A dilated filter reads values with gaps between them and misses what lies in the gaps. It has as many weights "
        "as a plain one but computes something else."
    )
    hints = (
        "Dilation spreads the nine values of a 3×3 over a larger area. This block looks at direct neighbours.",
        "Look for `dilation` in the convolutions of the branch. Without a name, it is the sixth argument.",
        "Take it out, and give a 3×3 its usual frame: `nn.Conv2d(out_channels, out_channels, 3, padding=1, "
        "bias=False)`.",
    )
    plants = tuple(dilate(2, padding, *numbers) for padding in (2, 1) for numbers in ((1,), (0,), (0, 1)))
    broken = (
        changed(RESBLOCK, (SECOND, "nn.Conv2d(out_channels, out_channels, 3, padding=2, dilation=2, bias=False)")),
        changed(BOTTLENECK, (MIDDLE, MIDDLE.replace("padding=1", "padding=3, dilation=3"))),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        found = few((dilation, padding) for _, padding, dilation, _ in settings(observations) if dilation > 1)
        return [dilate(*each, *numbers) for each in found for numbers in ((1,), (0,), (0, 1))]


class GroupsAdded(Planted):
    id = "groups-added"
    of_concatenation = True
    message = "A convolution of the branch works in groups (groups=…); in this block every output sees all inputs."
    why = (
        "In groups an output channel sees some of the input channels and not the others. The block has fewer weights "
        "then, and cannot combine all that it has found."
    )
    hints = (
        "A full convolution joins each output channel with every input channel. Groups cut most of these lines.",
        "Look for `groups` on the branch. Or do two layers, one for each channel and one 1×1, stand where one should "
        "be?",
        "Use one plain layer without groups, as in `nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)`.",
    )
    plants = (
        *(split(groups, *numbers) for groups in (None, 2) for numbers in ((1,), (0,), (0, 1))),
        split(None, *NUMBERS),
        split(None, *NUMBERS, projection=True),
        split(None, projection=True),
        plant(edit(split_by_input), where="convolution 0"),
        plant(separate(0, 1), where="convolution 0", message=SEPARATED),
        plant(separate(1), where="convolution 1", message=SEPARATED),
        plant(separate(0), where="convolution 0", message=SEPARATED),
    )
    broken = (
        changed(RESBLOCK, (SECOND, SECOND.replace("bias", "groups=out_channels, bias"))),
        changed(BOTTLENECK, (MIDDLE, MIDDLE.replace("bias", "groups=2, bias"))),
        changed(
            RESBLOCK,
            (FIRST, FIRST.replace("bias", "groups=4, bias")),
            (SECOND, SECOND.replace("bias", "groups=4, bias")),
        ),
        changed(
            RESBLOCK,
            (
                SECOND,
                "nn.Sequential(nn.Conv2d(out_channels, out_channels, 3, padding=1, groups=out_channels, bias=False), "
                "nn.Conv2d(out_channels, out_channels, 1, bias=False))",
            ),
        ),
        changed(
            RESBLOCK,
            (FIRST, FIRST.replace("bias", "groups=in_channels, bias")),
            (SECOND, SECOND.replace("bias", "groups=out_channels, bias")),
        ),
        changed(RESBLOCK, ("1, stride=stride, bias", "1, stride=stride, groups=2, bias")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        found = few(groups for *_, groups in settings(observations) if groups > 1)
        ways = [split(groups, *numbers) for groups in found for numbers in ((1,), (0,), (0, 1), (2,), NUMBERS)]
        return [*ways, *(split(groups, projection=True) for groups in found)]


class TransposedConvolution(Planted):
    id = "transposed-convolution"
    message = "A convolution of the branch is a transposed one (ConvTranspose2d); the task asks for nn.Conv2d."
    why = (
        "A transposed convolution is made to enlarge maps, and its weights are stored the other way round. In this "
        "block a map keeps its size or shrinks."
    )
    hints = (
        "A convolution gathers a neighbourhood into one value. A transposed one spreads one value over a "
        "neighbourhood.",
        "Search the constructor for the name `ConvTranspose2d`.",
        "Put `nn.Conv2d` there, with the same channels in and out, as in `nn.Conv2d(out_channels, out_channels, 3, "
        "padding=1, bias=False)`.",
    )
    plants = tuple(plant(transpose(number), where=f"convolution {number}") for number in (1, 0, 2))
    broken = (
        changed(RESBLOCK, (SECOND, SECOND.replace("Conv2d", "ConvTranspose2d"))),
        changed(BOTTLENECK, ("nn.Conv2d(width, out_channels, 1", "nn.ConvTranspose2d(width, out_channels, 1")),
    )
