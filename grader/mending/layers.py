"""Layers that are named, or made, where they should be applied; and functions that are taken for layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from grader.mending._code import Change, Code
from grader.mending._mend import Mender, Slip
from grader.mending._spelling import library_in
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed
from grader.mistakes.library import WITHOUT_INPUT
from grader.mistakes.result import names_layer
from grader.observation import WITHOUT_FORWARD

SUM = "return F.relu(out + identity)"
BN1 = "self.bn1 = nn.BatchNorm2d(out_channels)"
CALLED = "F.relu(self.bn1(self.conv1(x)))"
MADE = "        self.shortcut = nn.Sequential()\n"
# Layers that do without arguments, by the functions that do the same.
OF_FUNCTION = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "gelu": "GELU"}
MOST_WIDTHS = 4  # that are tried for a batch norm
_FUNCTIONS = r"\b(?:F|torch|nn\.functional)"
_ACTIVATION = rf"(?:torch\.)?nn\.(?:{'|'.join(OF_FUNCTION.values())})"
_UNMADE = re.compile(rf"\b({_ACTIVATION}|(?:torch\.)?nn\.(?:Identity|Sequential|Flatten))\b(?![ \t]*+[(.\w])")
_FUNCTION = re.compile(rf"{_FUNCTIONS}\.({'|'.join(OF_FUNCTION)})\b(?![ \t]*+[(.\w])")
# With a tensor in the brackets, and neither a number nor the name of an argument.
_APPLIED = re.compile(rf"\b({_ACTIVATION})\((?=[ \t]*+[\w(])(?![ \t]*+(?:\w++[ \t]*+=(?!=)|True\b|False\b|[\d.]))")
_NAMED = re.compile(r"([ \t]*+)(\w++)[ \t]*+=[ \t]*+(self\.\w++)$")
_NORM = re.compile(r"\b((?:torch\.)?nn\.BatchNorm2d)(?:\([ \t]*+\)|$|(?=[ \t]*+,))")
_CHANNELS = re.compile(
    r"\bConv2d\([ \t]*+(?:in_channels[ \t]*+=[ \t]*+)?([^,()=]++),[ \t]*+(?:out_channels[ \t]*+=[ \t]*+)?([^,()=]++),"
)
_HEAD = re.compile(r"[ \t]*+(?:class|def)\b")
_LIST = re.compile(r"\b((?:torch\.)?nn\.)ModuleList\(")
_FILLED_LIST = re.compile(_LIST.pattern + r"(?![ \t]*+\))")


class LayerNotCalled(Mender):
    """`nn.ReLU(x)` for `nn.ReLU()(x)`, `self.bn1 = nn.BatchNorm2d` without brackets, and `out = self.relu`."""

    mistake = "layer-not-called"
    broken = (
        changed(RESBLOCK, (SUM, "return nn.ReLU(out + identity)")),
        changed(RESBLOCK, ("F.relu(", "nn.ReLU(")),
        changed(RESBLOCK, (BN1, "self.bn1 = nn.BatchNorm2d")),
        changed(BOTTLENECK, ("BatchNorm2d(width)", "BatchNorm2d")),
        changed(BOTTLENECK, ("self.bn3 = nn.BatchNorm2d(out_channels)", "self.bn3 = nn.BatchNorm2d")),
        changed(RESBLOCK, (MADE, f"        self.relu = nn.ReLU\n{MADE}"), ("F.relu(", "self.relu(")),
        changed(
            RESBLOCK,
            (MADE, f"        self.relu = nn.ReLU()\n{MADE}"),
            (SUM, "out = out + identity\n        out = self.relu\n        return out"),
        ),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if not names_layer(slip.gave or slip.message, of=slip.type):
            return
        for cell in code.cells:  # a layer may be made in another than that which calls it
            yield from _everywhere(code, cell.number, lambda text: _APPLIED.sub(r"\1()(", text))
            yield from _everywhere(code, cell.number, lambda text: _UNMADE.sub(r"\1()", text))
            yield from with_width(code, cell.number)
            yield from _everywhere(code, cell.number, lambda text: _NAMED.sub(r"\1\2 = \3(\2)", text))


class NotALayer(Mender):
    """`nn.ReLU` and `F.relu` for `nn.ReLU()` among the layers of a container."""

    mistake = "not-a-layer"
    broken = (
        changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.Sequential(nn.Identity, )")),
        changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.Sequential")),
        changed(
            RESBLOCK,
            (MADE, f"        self.act = nn.Sequential(F.relu)\n{MADE}"),
            ("F.relu(", "self.act("),
        ),
        changed(RESBLOCK, (MADE, f"        self.act = nn.Sequential(nn.ReLU)\n{MADE}"), ("F.relu(", "self.act(")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if not slip.message.endswith(" is not a Module subclass"):
            return
        for cell in code.cells:
            yield from _everywhere(code, cell.number, partial(_made, library=library_in(code, cell.number)))


class ContainerCalled(Mender):
    """`nn.ModuleList([...])` for `nn.Sequential(*[...])`."""

    mistake = "container-called"
    broken = (
        changed(
            RESBLOCK,
            (BN1, f"{BN1}\n        self.first = nn.ModuleList([self.conv1, self.bn1, nn.ReLU()])"),
            (CALLED, "self.first(x)"),
        ),
        changed(
            RESBLOCK,
            (BN1, f"{BN1}\n        self.first = nn.ModuleList()\n        self.first.extend([self.conv1, self.bn1])"),
            (CALLED, "F.relu(self.first(x))"),
        ),
        changed(BOTTLENECK, ("self.shortcut = nn.Sequential()", "self.shortcut = nn.ModuleList()")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        missing = WITHOUT_FORWARD.match(slip.message)
        if missing is None or missing[1] != "ModuleList":
            return
        for cell in code.cells:
            yield from _everywhere(code, cell.number, _run_in_a_row)


class FunctionWithoutInput(Mender):
    """`F.relu()(x)` for `F.relu(x)`, and `self.relu = F.relu()` for `nn.ReLU()`."""

    mistake = "function-without-input"
    broken = (
        changed(RESBLOCK, (SUM, "return F.relu()(out + identity)")),
        changed(RESBLOCK, (MADE, f"        self.relu = F.relu()\n{MADE}"), ("F.relu(o", "self.relu(o")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        found = WITHOUT_INPUT.fullmatch(slip.message)
        if found is None or slip.cell is None:
            return
        called = re.compile(rf"({_FUNCTIONS}\.{re.escape(found[1])})\([ \t]*+\)")
        yield from _everywhere(code, slip.cell, lambda text: re.sub(called.pattern + r"(?=\()", r"\1", text))
        if found[1] in OF_FUNCTION:
            layer = f"{library_in(code, slip.cell)}.{OF_FUNCTION[found[1]]}()"
            yield from _everywhere(code, slip.cell, lambda text: called.sub(layer, text))


def _run_in_a_row(text: str) -> str:
    """A line with its lists of layers made layers."""
    return _LIST.sub(r"\1Sequential(", _FILLED_LIST.sub(r"\1Sequential(*", text))


def _made(text: str, library: str) -> str:
    """A line with its classes and functions made layers."""
    text = _FUNCTION.sub(lambda match: f"{library}.{OF_FUNCTION[match[1]]}()", text)
    return _UNMADE.sub(r"\1()", text)


def with_width(code: Code, cell: int) -> Iterator[Change]:
    """Batch norms without brackets, or with nothing in them, made for the channels of a convolution near them."""
    texts = {number: code.line(cell, number) for number in range(1, len(code.lines(cell)) + 1)}
    near = _widths_near(texts)
    widths = list(dict.fromkeys(width for found in near.values() for width in found))[:MOST_WIDTHS]
    ways = [
        {number: found[0] for number, found in near.items() if found},
        {number: found[-1] for number, found in near.items() if found},  # where norms stand in front
        *(dict.fromkeys(near, width) for width in widths),
    ]
    for way in ways:
        lines = {number: _NORM.sub(rf"\1({width})", texts[number]) for number, width in way.items()}
        if lines:
            yield code.written(cell, lines)


def _widths_near(texts: Mapping[int, str]) -> dict[int, list[str]]:
    """By the line of a batch norm what the convolution above it in its class gives, and what the one below takes."""
    found: dict[int, list[str]] = {}
    above: list[str] = []
    waiting: list[int] = []
    for number, text in texts.items():
        if text.lstrip().startswith("class "):
            above, waiting = [], []
        if channels := _CHANNELS.search(text):
            for norm in waiting:
                found[norm].append(channels[1].strip())
            above, waiting = [channels[2].strip()], []
        if _NORM.search(text):
            found[number] = list(above)
            waiting.append(number)
    return found


def _everywhere(code: Code, cell: int, write: Callable[[str], str]) -> Iterator[Change]:
    """Every line of a cell written otherwise, if any is: heads of classes and functions stay."""
    texts = {number: code.line(cell, number) for number in range(1, len(code.lines(cell)) + 1)}
    lines = {number: now for number, text in texts.items() if not _HEAD.match(text) and (now := write(text)) != text}
    if lines:
        yield code.written(cell, lines)
