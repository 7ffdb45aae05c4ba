"""Signs that make another value than was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from grader.mending._code import Change, Code
from grader.mending._mend import Mender, Slip
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.slips import FRACTION, OTHER_DIMENSIONS, POOL_TOO_LARGE, TUPLE_CALLED, TUPLE_GIVEN

_KEEPS = re.compile(r"[ \t]*+self\.\w++[ \t]*+=(?!=)[^=].*\)[ \t]*+,$")
_COMPUTES = re.compile(r"[ \t]*+\w++[ \t]*+[-+*/]?=(?!=).*[\w)\]][ \t]*+,$")
MOST_COMMAS = 4  # lines above the one that raises whose comma is looked at
_DIVISION = re.compile(r"(?<!/)/(?![/=])")
_NOT_2D = re.compile(r"\b((?:Lazy)?(?:Batch|Instance)Norm|(?:Lazy)?Conv(?:Transpose)?|\w{3,11}Pool)[13]d\b")
_POOL = re.compile(r"\bAvgPool2d\([^()]*+\)")
_POOLED = re.compile(r"\bavg_pool2d\(((?:[^(),]|\([^()]*+\))*+),[^()]*+\)")


class MadeATuple(Mender):
    """A layer that is kept with a comma behind it, or what a line of `forward` computes."""

    mistake = "made-a-tuple"
    broken = (
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(out_channels),")),
        changed(RESBLOCK, ("out = self.bn2(self.conv2(out))", "out = self.bn2(self.conv2(out)),")),
        changed(RESBLOCK, ("identity = self.shortcut(x)", "identity = self.shortcut(x),")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if slip.cell is None:
            return
        if TUPLE_GIVEN.search(slip.message) and slip.line is not None:
            above = ((number, code.line(slip.cell, number)) for number in range(slip.line, 0, -1))
            computed = ((number, text) for number, text in above if _COMPUTES.match(text))
            for number, text in islice(computed, MOST_COMMAS):
                yield code.written(slip.cell, {number: text.rstrip(" \t,")})
        if TUPLE_CALLED not in slip.message:
            return
        kept = {number: code.line(slip.cell, number) for number in range(1, len(code.lines(slip.cell)) + 1)}
        lines = {number: text.rstrip(" \t,") for number, text in kept.items() if _KEEPS.match(text)}
        if lines:
            yield code.written(slip.cell, lines)


class WidthIsAFraction(Mender):
    """`/` for `//`."""

    mistake = "width-is-a-fraction"
    broken = (changed(BOTTLENECK, ("out_channels // 4", "out_channels / 4")),)

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if slip.cell is None or slip.line is None or not FRACTION.match(slip.message):
            return
        # Where it is refused, or at the nearest place above.
        for number in range(slip.line, 0, -1):
            text = code.line(slip.cell, number)
            if _DIVISION.search(text):
                yield code.written(slip.cell, {number: _DIVISION.sub("//", text)})


class PoolingOfOneSize(Mender):
    """`nn.AvgPool2d(7)` for an average over the whole map."""

    mistake = "pooling-of-one-size"
    broken = ()  # of a block: see the networks in tests/test_mending.py

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if POOL_TOO_LARGE not in slip.message:
            return
        for cell in code.cells:  # a layer may be made in another than that which calls it
            for number in range(1, len(code.lines(cell.number)) + 1):
                text = code.line(cell.number, number)
                now = _POOL.sub("AdaptiveAvgPool2d(1)", _POOLED.sub(r"adaptive_avg_pool2d(\1, 1)", text))
                if now != text:
                    yield code.written(cell.number, {number: now})


class OtherDimensions(Mender):
    """`nn.BatchNorm1d` for `nn.BatchNorm2d`."""

    mistake = "layer-of-other-dimensions"
    broken = (
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(", "self.bn1 = nn.BatchNorm1d(")),
        changed(RESBLOCK, ("nn.BatchNorm2d(", "nn.BatchNorm3d(")),
        changed(BOTTLENECK, ("self.conv1 = nn.Conv2d(", "self.conv1 = nn.Conv1d(")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if not OTHER_DIMENSIONS.search(slip.message):
            return
        for cell in code.cells:  # a layer may be made in another than that which calls it
            texts = enumerate(code.lines(cell.number), 1)
            lines = {n: now for n, text in texts if (now := _NOT_2D.sub(r"\g<1>2d", text)) != text}
            if lines:
                yield code.written(cell.number, lines)
