"""Layers too many, and layers that are not there."""

from __future__ import annotations

from grader.judge.parts import Block, Edit, edit
from grader.judge.strides import stride_of
from grader.mistakes._changes import has_units, put_in, set_channels
from grader.mistakes._families import PREACT
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant
from grader.mistakes._orders import drop_step

SUM = "F.relu(out + identity)"
SECOND = "        out = self.bn2(self.conv2(out))\n"


def insert(place: str, *layers: str, bias: bool = False) -> Edit:
    """Layers behind a place; see `put_in`."""
    return edit(lambda block: put_in(block, place, layers, bias=bias))


def drop_units(*numbers: int, activated: bool = False) -> Edit:
    """Without these convolutions, their batch norms and one activation each; the others take over their channels.

    Args:
        activated: the activation in front of the last unit stays when that unit goes.
    """

    def change(block: Block) -> None:
        count = len(block.convolutions)
        if not has_units(block) or max(numbers) >= count or len(numbers) >= count:
            return
        left = [number for number in range(count) if number not in numbers]
        stride = stride_of(block)
        out = block.editor[block.parts.join].shape[1]
        into = block.editor[block.x].shape[1]
        for number in left:
            convolution, norm = block.convolutions[number], block.norms[number]
            width = out if number == left[-1] else block.editor[convolution.inputs[1]].shape[0]
            set_channels(block, convolution, into=into, out=width)
            set_channels(block, norm, out=width)
            into = width
        if any(block.is_strided(block.convolutions[number]) for number in numbers):
            block.set_stride(block.convolutions[left[0]], stride)
        for number in numbers:
            is_last = number == count - 1
            block.bypass(block.convolutions[number])
            block.bypass(block.norms[number])
            if not (is_last and activated):
                block.bypass(block.activations[number - is_last])

    return edit(change)


def drop_convolution(number: int) -> Edit:
    """Without a convolution that keeps the channels; its batch norm stays."""

    def change(block: Block) -> None:
        if number < len(block.convolutions):
            node = block.convolutions[number]
            shape = block.editor[node.inputs[1]].shape
            if shape[0] == shape[1]:
                block.bypass(node)

    return edit(change)


def _convolutions_too_many() -> list[Plant]:
    message = "There is one convolution too many on the branch."
    places: list[tuple[str, str, tuple[str, ...]]] = [
        ("activation 0", "convolution 1", ("conv {}", "bn", "relu")),
        ("activation 1", "convolution 2", ("conv {}", "bn", "relu")),
        ("input", "convolution 0", ("conv {}", "bn", "relu")),
        ("branch", "join", ("relu", "conv {}", "bn")),
        ("branch", "join", ("conv {}", "bn")),
        ("branch", "join", ("conv {}",)),
        ("convolution 0", "convolution 1", ("conv {}",)),
        ("convolution 1", "convolution 1", ("conv {}",)),
        ("activation 0", "convolution 1", ("conv {}",)),
        ("activation 0", "convolution 1", ("conv {}", "relu")),
        ("input", "convolution 0", ("conv {}",)),
    ]
    return [
        plant(insert(place, *(layer.format(size) for layer in layers), bias=bias), where=where, message=message)
        for place, where, layers in places
        for size in (3, 1)
        for bias in (False, True)
    ]


def _behind_the_sum() -> list[Plant]:
    message = "A layer with weights follows the addition. In this block none does."
    ways: list[tuple[str, ...]] = [
        ("bn",),
        ("conv 3",),
        ("conv 1",),
        ("conv 3", "bn"),
        ("conv 1", "bn"),
        ("conv 3", "bn", "relu"),
        ("conv 1", "bn", "relu"),
    ]
    return [
        plant(insert(place, *layers, bias=bias), where="output", message=message)
        for place in ("join", "output")
        for layers in ways
        for bias in (False, True)
        if layers != ("bn",) or not bias
    ]


class ExtraLayer(Planted):
    id = "extra-layer"
    message = "There is one layer too many."
    why = (
        "One more layer gives another function, and often more weights, so this is not the block that was asked for. "
        "Behind the sum it would also stand in the way of the shortcut."
    )
    hints = (
        "A residual block follows a recipe: each convolution has its batch norm, and after the sum comes the ReLU "
        "alone.",
        "Write down the layers of `forward` in the order in which they run. Hold them beside the recipe in the task "
        "and the formula on this page.",
        "Remove the layer that the recipe does not have, from `forward` and from the constructor. A basic block has "
        "two convolutions, a bottleneck three.",
    )
    plants = (
        *_convolutions_too_many(),
        *_behind_the_sum(),
        *(
            plant(insert(place, "bn"), where=where, message="There is one batch norm too many on the branch.")
            for place, where in (
                ("activation 0", "convolution 1"),
                ("input", "convolution 0"),
                ("branch", "join"),
                ("activation 1", "convolution 2"),
            )
        ),
        *(
            plant(
                insert(place, pool),
                where="output" if place == "output" else "join",
                message="There is a pooling layer, which halves the resolution. In a residual block only the strided "
                "convolutions do.",
            )
            for pool in ("max pool", "average pool")
            for place in ("output", "input", "activation 0", "branch", "activation 1")
        ),
    )
    broken = (
        changed(
            RESBLOCK,
            (
                "        self.shortcut = nn.Sequential()\n",
                "        self.conv3 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)\n"
                "        self.bn3 = nn.BatchNorm2d(out_channels)\n        self.shortcut = nn.Sequential()\n",
            ),
            (SECOND, SECOND + "        out = self.bn3(self.conv3(F.relu(out)))\n"),
        ),
        changed(
            BOTTLENECK,
            (
                "        self.shortcut = nn.Sequential()\n",
                "        self.extra = nn.Conv2d(width, width, 3, padding=1)\n"
                "        self.bn4 = nn.BatchNorm2d(width)\n        self.shortcut = nn.Sequential()\n",
            ),
            (
                "        out = self.bn3(self.conv3(out))\n",
                "        out = torch.relu(self.bn4(self.extra(out)))\n        out = self.bn3(self.conv3(out))\n",
            ),
        ),
        changed(RESBLOCK, (SUM, "F.max_pool2d(F.relu(out + identity), 2)")),
        changed(
            RESBLOCK,
            (
                "        self.shortcut = nn.Sequential()\n",
                "        self.last = nn.BatchNorm2d(out_channels)\n        self.shortcut = nn.Sequential()\n",
            ),
            (SUM, "F.relu(self.last(out + identity))"),
        ),
    )


class LayerMissing(Planted):
    id = "layer-missing"
    of_concatenation = True
    message = "A convolution of the branch is missing."
    why = (
        "The branch learns the correction to x, and each layer gives it one more step. With a layer less it can "
        "express less, and the number of weights is wrong."
    )
    hints = (
        "A basic block has two convolutions on its branch, a bottleneck has three. Each of them has a batch norm.",
        "Count the convolutions in the constructor, then the calls in `forward`. Is one made and not used, or not made "
        "at all?",
        "Add the convolution with its batch norm, and call both, as in `out = self.bn2(self.conv2(out))`.",
    )
    plants = (
        plant(drop_units(1), where="convolution 0"),
        plant(drop_units(0), where="convolution 0"),
        plant(drop_units(2), where="convolution 1"),
        plant(drop_units(1, activated=True), where="convolution 0"),
        plant(drop_units(2, activated=True), where="convolution 1"),
        plant(drop_convolution(1), where="convolution 0"),
        *(plant(drop_step(number), where="convolution 0") for number in (1, 0, 2)),
        *(
            plant(drop_units(*numbers), where="convolution 0", message="Two convolutions of the branch are missing.")
            for numbers in ((0, 2), (1, 2))
        ),
    )
    broken = (
        changed(
            RESBLOCK,
            ("        out = F.relu(self.bn1(self.conv1(x)))\n" + SECOND, "        out = self.bn1(self.conv1(x))\n"),
            (
                "        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)\n"
                "        self.bn2 = nn.BatchNorm2d(out_channels)\n",
                "",
            ),
        ),
        changed(
            BOTTLENECK,
            ("        out = F.relu(self.bn2(self.conv2(out)))\n", ""),
            ("        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)\n", ""),
            ("        self.bn2 = nn.BatchNorm2d(width)\n", ""),
            ("nn.Conv2d(in_channels, width, 1, bias=False)", "nn.Conv2d(in_channels, width, 1, stride, bias=False)"),
        ),
        changed(PREACT, ("        out = self.conv2(F.relu(self.bn2(out)))\n", "")),
    )
