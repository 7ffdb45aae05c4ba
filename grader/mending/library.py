"""Names and arguments of PyTorch, spelt as PyTorch does."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import torch

from grader.mending._code import Change, Code
from grader.mending._mend import Mender, Slip
from grader.mending._spelling import alike, instead
from grader.mending.layers import with_width
from grader.mistakes._mistake import RESBLOCK, changed
from grader.mistakes.library import REFUSED, STRIDED_SAME, UNKNOWN_NAME

_MODULES = {"torch": torch, "torch.nn": torch.nn, "torch.nn.functional": torch.nn.functional}
_BASES = {"ConvNd": "Conv2d", "BatchNorm": "BatchNorm2d"}
_KEYWORD = re.compile(r"unexpected keyword argument '(\w{1,60})'")
KERAS = {"strides": "stride", "filters": "out_channels", "use_bias": "bias", "groups": "groups"}


class UnknownInTorch(Mender):
    """`nn.Con2d` for `nn.Conv2d`."""

    mistake = "unknown-in-torch"
    broken = (
        changed(RESBLOCK, ("self.conv1 = nn.Conv2d", "self.conv1 = nn.Con2d")),
        changed(RESBLOCK, ("nn.Module", "nn.Moduel")),
        changed(RESBLOCK, ("return F.relu", "return F.Relu")),
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d", "self.bn1 = nn.Batchnorm2D")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        unknown = UNKNOWN_NAME.search(slip.message)
        module = _MODULES.get(unknown[1]) if unknown is not None else None
        if unknown is None or module is None or not code.line(slip.cell, slip.line):
            return
        assert slip.cell is not None
        assert slip.line is not None
        for other in alike(unknown[2], (name for name in dir(module) if not name.startswith("_"))):
            yield instead(code, slip.cell, slip.line, f".{unknown[2]}", f".{other}")


class ArgumentOfALayer(Mender):
    """`strides=2` for `stride=2`, and the padding that a strided convolution does not know."""

    mistake = "layer-rejects-arguments"
    broken = (
        changed(RESBLOCK, ("3, stride=stride", "3, strides=stride")),
        changed(RESBLOCK, ("stride=1, padding=1, bias=False", "stride=1, padding=1, use_bias=False")),
        changed(RESBLOCK, ("stride=stride, padding=1", "stride=stride, padding='same'")),
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d()")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        line = code.line(slip.cell, slip.line)
        if not line or slip.cell is None or slip.line is None:
            return
        refused, keyword = REFUSED.match(slip.message), _KEYWORD.search(slip.message)
        if refused is not None and keyword is not None:
            layer = getattr(torch.nn, _BASES.get(refused[1], refused[1]), None)
            known = list(inspect.signature(layer).parameters) if isinstance(layer, type) else []
            meant = [KERAS[keyword[1]]] if keyword[1] in KERAS else []
            for other in [*meant, *alike(keyword[1], known)]:
                yield instead(code, slip.cell, slip.line, keyword[1], other)
        elif refused is not None and refused[1] == "BatchNorm":
            yield from with_width(code, slip.cell)
        elif slip.message == STRIDED_SAME:
            for padding in ("1", "0"):
                yield code.written(slip.cell, {slip.line: re.sub(r"""['"]same['"]""", padding, line)})
