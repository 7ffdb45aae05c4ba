"""Slips of one sign, which show only where the value is used."""

from __future__ import annotations

import re

from grader.judge.examined import Examined
from grader.language import say
from grader.mistakes._evidence import at, raised
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Notice, Noticed, changed

TUPLE_CALLED = "'tuple' object is not callable"
# How Python and torch refuse a tuple where a tensor belongs.
TUPLE_GIVEN = re.compile(
    r"must be Tensor, not tuple$|but got tuple$|invalid combination of arguments - got \(tuple, Param"
    r"|^'tuple' object has no attribute|^can only concatenate tuple \(not \"Tensor\"\)"
    r"|^unsupported operand type\(s\) for \S+: (?:'Tensor' and 'tuple'|'tuple' and 'Tensor')$"
)
# How functions of torch that make tensors refuse a fraction as a size.
FRACTION = re.compile(r"(?:empty|zeros|ones|full|rand|randn)\(\).*\bfloat\b", re.DOTALL)
POOL_TOO_LARGE = "Output size is too small"
# How layers for sequences or volumes refuse maps.
OTHER_DIMENSIONS = re.compile(
    r"expected (?:2D or 3D|5D) input \(got 4D input\)|expected 2D (?:\(unbatched\) )?or 3D \(batch"
    r"|expected 2 to 3 dimensions, but got 4-dimensional",
    re.IGNORECASE,
)


class MadeATuple(Noticed):
    id = "made-a-tuple"
    message = "A tuple is called as if it were a layer: a comma at the end of a line makes a tuple of it."
    why = (
        "In Python it is the comma that makes a tuple, and not the brackets. So `self.bn = nn.BatchNorm2d(8),` keeps a "
        "tuple that holds a layer, which can neither be called nor trained."
    )
    hints = (
        "A comma behind a value makes a tuple of one element. Between the arguments of a call it does not.",
        "Look at the end of each line in the constructor that assigns a layer. Is there a comma?",
        "Take that comma away: `self.bn1 = nn.BatchNorm2d(out_channels)`.",
    )
    broken = (
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(out_channels),")),
        changed(RESBLOCK, ("out = self.bn2(self.conv2(out))", "out = self.bn2(self.conv2(out)),")),
        changed(RESBLOCK, ("out = F.relu(self.bn1(self.conv1(x)))", "out = F.relu(self.bn1(self.conv1(x))),")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or error.stage == "backward":
            return None
        if TUPLE_GIVEN.search(error.message):
            said = say(
                "A tuple stands where a tensor belongs: a comma at the end of a line makes a tuple of one value, and "
                "functions that give several values give one, too."
            )
            return at(error, said)
        return at(error) if TUPLE_CALLED in error.message else None


class WidthIsAFraction(Noticed):
    id = "width-is-a-fraction"
    message = "A layer is given a fraction where it needs a whole number: `/` gives 16.0, `//` gives 16."
    why = (
        "A layer has a whole number of channels. `/` always gives a number with a decimal point in Python, even where "
        "nothing is left over."
    )
    hints = (
        "Python has two divisions. `/` gives a fraction, and `//` a whole number.",
        "Go to the marked line, and look where the width of that layer is computed: there, or in a line above it.",
        "Divide with two strokes: `width = out_channels // 4`.",
    )
    broken = (
        changed(BOTTLENECK, ("out_channels // 4", "out_channels / 4")),
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(out_channels / 1)")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        is_size = error is not None and error.stage == "constructor" and FRACTION.match(error.message)
        return at(error) if error is not None and is_size else None


class PoolingOfOneSize(Noticed):
    id = "pooling-of-one-size"
    message = "The pooling is made for maps of one size, and those that reach it are smaller."
    why = (
        "A network for images of any size cannot know how large its last maps are. A window that is larger than the "
        "map leaves nothing to average."
    )
    hints = (
        "An average over the whole map fits maps of every size. A window of seven pixels fits images of 224 alone.",
        "Look at the last pooling, in front of the linear layer. Where does its size come from?",
        "Use `nn.AdaptiveAvgPool2d(1)`, or `x.mean((2, 3))`.",
    )
    broken = (changed(RESBLOCK, ("return F.relu(out + identity)", "return F.avg_pool2d(F.relu(out + identity), 16)")),)

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        if error is None or POOL_TOO_LARGE not in error.message:
            return None
        return at(error, say("{message} (PyTorch says: {error})", message=self.said, error=error.message))


class OtherDimensions(Noticed):
    id = "layer-of-other-dimensions"
    message = "A layer for sequences or volumes is given maps: its name ends in 1d or 3d, where maps need 2d."
    why = (
        "The number in a layer's name counts the dimensions of what it works on, without batch and channels. Images "
        "and feature maps have two, height and width, so their layers end in 2d."
    )
    hints = (
        "A batch of maps is batch × channels × height × width. Each layer for it comes in versions for one, two and "
        "three dimensions.",
        "Read the names of the layers in the constructor to their last letters. Which one ends in 1d or 3d?",
        "Write 2d there, as in `nn.BatchNorm2d(out_channels)`. If a layer for vectors is meant, flatten the maps "
        "first.",
    )
    broken = (
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(", "self.bn1 = nn.BatchNorm1d(")),
        changed(RESBLOCK, ("self.bn2 = nn.BatchNorm2d(", "self.bn2 = nn.BatchNorm3d(")),
        changed(BOTTLENECK, ("self.conv1 = nn.Conv2d(", "self.conv1 = nn.Conv1d(")),
        changed(RESBLOCK, ("return F.relu(out + identity)", "return nn.AvgPool1d(1)(F.relu(out + identity))")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        error = raised(examined)
        return at(error) if error is not None and OTHER_DIMENSIONS.search(error.message) else None
