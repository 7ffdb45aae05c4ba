"""Layers in Python's own lists and dicts, put into the containers that `nn.Module` knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from grader.mending._code import Change, Code
from grader.mending._mend import Mender, Slip
from grader.mending._spelling import library_in
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, changed

FIRST = "nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)"
WEIGHT = "torch.randn(out_channels, out_channels, 3, 3, requires_grad=True)"
MOST = 12  # brackets that are looked at in a cell
LONGEST = 4000  # characters between two of them
CONTAINERS = {"[": "ModuleList", "(": "ModuleList", "{": "ModuleDict"}
_ASSIGNED = re.compile(r"^[ \t]*+self\.\w++[ \t]*+(?::[^=\n]++)?=[ \t]*+(?=[\[({])", re.MULTILINE)
_SEVERAL = re.compile(r"^[ \t]*+self\.\w++[ \t]*+(?:,[ \t]*+self\.\w++[ \t]*+)++=(?:[ \t]*+\[\],?)++$", re.MULTILINE)
_BY_NAME = re.compile(r"^([ \t]*+self\.\w++[ \t]*+=[ \t]*+)(\w++)$", re.MULTILINE)
_TENSOR = re.compile(r"^([ \t]*+self\.\w++[ \t]*+=[ \t]*+)(torch\..*\brequires_grad=True\).*)$", re.MULTILINE)
_BRACKET = re.compile(r"[\[({\])}]")


class LayersUnregistered(Mender):
    """`self.layers = [...]` for `self.layers = nn.ModuleList([...])`. Such code runs; its layers are no parameters."""

    mistake = "layers-unregistered"
    broken = (
        changed(RESBLOCK, (f"self.conv1 = {FIRST}", f"self.convs = [{FIRST}]"), ("self.conv1(", "self.convs[0](")),
        changed(
            RESBLOCK,
            (f"self.conv1 = {FIRST}", f"self.convs, self.others = [], []\n        self.convs.append({FIRST})"),
            ("self.conv1(", "self.convs[0]("),
        ),
        changed(
            BOTTLENECK,
            ("self.conv1 = nn", "layers = []\n        layers.append(nn"),
            ("width, 1, bias=False)", "width, 1, bias=False))\n        self.layers = layers"),
            ("self.conv1(", "self.layers[0]("),
        ),
        changed(
            RESBLOCK,
            ("self.conv2 = nn", "self.second = {\n            'conv': nn"),
            ("stride=1, padding=1, bias=False)", "stride=1, padding=1, bias=False)\n        }"),
            ("self.conv2(", "self.second['conv']("),
        ),
        changed(
            RESBLOCK,
            ("self.conv2 = ", f"self.weight = {WEIGHT}  # "),
            ("self.conv2(out)", "F.conv2d(out, self.weight, padding=1)"),
        ),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if not slip.is_unregistered:
            return
        for cell in code.cells:
            text = "\n".join(code.line(cell.number, n) for n in range(1, len(code.lines(cell.number)) + 1))
            library = library_in(code, cell.number)
            found = list(islice(_replacements(text, library), MOST))
            # What holds layers, as far as that shows; else one after the other.
            ways = [[each for each in found if "nn." in each[2] or each[2].endswith("()")], *([each] for each in found)]
            for way in ways:
                if way:
                    yield _with(code, cell.number, text, way)


Replacement = tuple[int, int, str]  # from here to there, and what stands there instead


def _replacements(text: str, library: str) -> Iterator[Replacement]:
    """Containers and parameters in place of what a module does not look into."""
    for match in _ASSIGNED.finditer(text):
        end = _end_of(text, match.end())
        if end is not None:
            inside = text[match.end() : end]
            kind = CONTAINERS[inside[0]]
            empty = not inside[1:-1].strip()
            yield match.end(), end, f"{library}.{kind}()" if empty else f"{library}.{kind}({inside})"
    for match in _SEVERAL.finditer(text):
        yield match.start(), match.end(), match[0].replace("[]", f"{library}.ModuleList()")
    for match in _BY_NAME.finditer(text):
        if re.search(rf"^[ \t]*+{match[2]}[ \t]*+=[ \t]*+\[", text, re.MULTILINE):
            yield match.start(), match.end(), f"{match[1]}{library}.ModuleList({match[2]})"
    for match in _TENSOR.finditer(text):
        yield match.start(), match.end(), f"{match[1]}{library}.Parameter({match[2]})"


def _end_of(text: str, start: int) -> int | None:
    """Behind the bracket that closes the one at a place, where nothing else stands in its line."""
    depth = 0
    for match in _BRACKET.finditer(text, start, start + LONGEST):
        depth += 1 if match[0] in "[({" else -1
        if depth == 0:
            rest = text[match.end() :].split("\n", 1)[0]
            return match.end() if not rest.strip() else None
    return None


def _with(code: Code, cell: int, text: str, replacements: list[Replacement]) -> Change:
    """A cell with these replacements, none of which overlap."""
    for start, end, instead in sorted(replacements, reverse=True):
        text = text[:start] + instead + text[end:]
    written = enumerate(text.split("\n"), 1)  # as many lines as before
    return code.written(cell, {number: now for number, now in written if now != code.line(cell, number)})
