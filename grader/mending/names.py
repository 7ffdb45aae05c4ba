"""Names and attributes that are spelt otherwise where they are used, or were not imported."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from torch import nn

from grader.mending._code import Block, Change, Code
from grader.mending._mend import Mender, Slip
from grader.mending._spelling import alike, instead, library_in
from grader.mistakes._mistake import RESBLOCK, changed

IMPORTS = {
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
    "torch": "import torch",
    "np": "import numpy as np",
    "math": "import math",
    "copy": "import copy",
    "OrderedDict": "from collections import OrderedDict",
    "partial": "from functools import partial",
    "Tensor": "from torch import Tensor",
} | {name: f"from typing import {name}" for name in ("Any", "Callable", "List", "Optional", "Tuple", "Type", "Union")}
_UNKNOWN = re.compile(r"name '(\w{1,60})' is not defined|local variable '(\w{1,60})'")
_MISSING = re.compile(r"'(\w{1,60})' object has no attribute '(\w{1,60})'")
_METHOD = re.compile(r"\bdef[ \t]++(\w++)")
_LOCAL = re.compile(r"([ \t]*+)(\w++)([ \t]*+(?::[^=\n]++)?=(?!=).*)")
_ASKED = re.compile(r"\bself\.(\w++)")
_NAMED = re.compile(r"(?<![\w.])(\w++)(?!=)")  # anything but a keyword of a call
_SET = re.compile(r"\bself\.(\w++)[ \t]*+(?::[^=\n]++)?=(?!=)")


class UnknownName(Mender):
    """`identiy` for `identity`, `bn2(x)` for `self.bn2(x)`, and the import that everybody has."""

    mistake = "name-error"
    broken = (
        changed(RESBLOCK, ("import torch.nn.functional as F\n", "")),
        changed(RESBLOCK, ("from torch import nn\n", "")),
        changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out + identiy)")),
        changed(RESBLOCK, ("        out = self.bn2(", "        out = bn2(")),
        changed(RESBLOCK, ("        identity = self", "        identiy = self")),
        changed(RESBLOCK, ("def forward(self, x)", "def forward(self, xs)")),
        changed(
            RESBLOCK,
            ("        identity = self.shortcut(x)", "        shortcut = shortcut(x)"),
            ("+ identity", "+ shortcut"),
        ),
        changed(
            RESBLOCK,
            ("nn.BatchNorm2d(out_channels)\n        self.conv2", "nn.BatchNorm2d(out_chanels)\n        self.conv2"),
        ),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        unknown = _UNKNOWN.search(slip.message)
        if slip.type not in ("NameError", "UnboundLocalError") or unknown is None:
            return
        name = unknown[1] or unknown[2]
        line = code.line(slip.cell, slip.line)
        if slip.cell is None or slip.line is None or not line:
            return
        if name in IMPORTS:
            yield code.preceded(IMPORTS[name], slip.cell, slip.line)
        if re.search(rf"\bself\.{name}\b", "\n".join(code.lines(slip.cell))):
            yield instead(code, slip.cell, slip.line, f"{name}(", f"self.{name}(")
            yield instead(code, slip.cell, slip.line, name, f"self.{name}")
        yield from _as_argument(name, slip.cell, slip.line, code)
        for other in alike(name, code.words(slip.cell)):
            yield instead(code, slip.cell, slip.line, name, other)


class UnknownAttribute(Mender):
    """`self.cnov1` for `self.conv1`, layers without `self.`, and a shortcut that is set only for a projection."""

    mistake = "attribute-missing"
    broken = (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(self.cnov2(out))")),
        changed(RESBLOCK, ("self.conv1(x)", "self.Conv1(x)")),
        changed(RESBLOCK, ("        self.shortcut = nn.Sequential()\n", "")),
        changed(RESBLOCK, ("        self.conv1 = nn", "        conv1 = nn")),
        changed(
            RESBLOCK, ("        self.conv1 = nn", "        conv1 = nn"), ("        self.bn2 = nn", "        bn2 = nn")
        ),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        missing = _MISSING.search(slip.message)
        if slip.type != "AttributeError" or missing is None:
            return
        name, line = missing[2], code.line(slip.cell, slip.line)
        if slip.cell is None or slip.line is None or not line:
            return
        text = "\n".join(code.lines(slip.cell))
        kept = list(dict.fromkeys([*_SET.findall(text), *_METHOD.findall(text)]))
        inherited = [each for each in dir(nn.Module) if not each.startswith("_")]
        yield from _kept_by_self(name, missing[1], code)
        if name in kept:
            yield from _always_set(name, missing[1], slip.cell, code)
        for other in [*alike(name, kept), *alike(name, inherited)]:
            yield instead(code, slip.cell, slip.line, f".{name}", f".{other}")


def _as_argument(name: str, cell: int, line: int, code: Code) -> Iterator[Change]:
    """An argument of the function around a line that is spelt nearly so: it is used everywhere but in its head."""
    whole = Block(cell, 0, len(code.lines(cell)), "")
    heads = [body.first for _, body in code.methods(whole) if body.first < line <= body.last]
    for head in heads[-1:]:
        arguments = re.findall(r"[(,][ \t]*+(\w++)", code.line(cell, head))
        for other in alike(name, (each for each in arguments if each != "self")):
            yield instead(code, cell, head, other, name)


class NoneIsCalled(Mender):
    """`self.shortcut = None`, which is called all the same."""

    mistake = "none-is-called"
    broken = (changed(RESBLOCK, ("self.shortcut = nn.Sequential()", "self.shortcut = None")),)

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if slip.type != "TypeError" or "'NoneType' object is not callable" not in slip.message or slip.cell is None:
            return
        called = re.findall(r"\bself\.(\w++)\(", code.line(slip.cell, slip.line))
        for number, text in enumerate(code.lines(slip.cell), 1):
            none = re.match(r"([ \t]*+)self\.(\w++)[ \t]*+=[ \t]*+None\b", text)
            if none is not None and none[2] in called:
                yield code.written(
                    slip.cell, {number: f"{none[1]}self.{none[2]} = {library_in(code, slip.cell)}.Identity()"}
                )


def _kept_by_self(name: str, owner: str, code: Code) -> Iterator[Change]:
    """The constructor's variables that are asked for as attributes, made attributes: all, as one was forgotten."""
    block = code.block("class", owner)
    constructor = dict(code.methods(block)).get("__init__") if block is not None else None
    if block is None or constructor is None:
        return
    text = "\n".join(code.lines(block.cell)[block.first - 1 : block.last])
    asked = set(_ASKED.findall(text)) - set(_SET.findall(text))
    found = {number: _LOCAL.match(code.line(block.cell, number)) for number in code.statements(constructor)}
    variables = {number: match for number, match in found.items() if match is not None and match[2] in asked}
    body = "\n".join(code.line(block.cell, number) for number in code.body(constructor))
    named = Counter(_NAMED.findall(body))
    lines = {}
    for number, match in variables.items():
        indent, variable, rest = match.groups()
        # What the constructor itself reads by its short name goes on having it.
        both = named[variable] > 1 and rest.lstrip().startswith("=")
        lines[number] = f"{indent}self.{variable}{f' = {variable}' if both else ''}{rest}"
    own = [number for number, match in variables.items() if match[2] == name]
    if own:
        yield code.written(block.cell, lines, shown=own[0])


def _always_set(name: str, owner: str, cell: int, code: Code) -> Iterator[Change]:
    """An identity for an attribute that is set in one case alone, in the line that begins the constructor's work."""
    block = code.block("class", owner)
    for method, body in code.methods(block) if block is not None else ():
        if method != "__init__" or body.cell != cell:
            continue
        for number in code.body(body):
            text = code.line(body.cell, number)
            if re.match(r"[ \t]*+super\(.*\)\.__init__\(\)$", text):
                identity = f"self.{name} = {library_in(code, body.cell)}.Identity()"
                yield code.written(body.cell, {number: f"{text}; {identity}"})
                return
