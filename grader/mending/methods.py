"""Methods that lack a line, a word or their name, and classes that lack their base."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from grader.mending._code import Block, Change, Code, indent_of
from grader.mending._mend import Mender, Slip
from grader.mending._spelling import library_in
from grader.mistakes._mistake import RESBLOCK, changed
from grader.observation import WITHOUT_FORWARD

FORWARDS = ("call", "__call__", "predict", "run", "fwd")  # names of those who come from another library
SUM = "return F.relu(out + identity)"
CALL = "super().__init__()"
_HEAD_OF_BLOCK = re.compile(r"[ \t]*+(?:(?:if|for|while|with|try|else|elif|def|class|async)\b|@)")
_SUPER = re.compile(r"[ \t]*+(?:super\(.*\)\.__init__\(.*\)|nn\.Module\.__init__\(.*\))[ \t]*+$")
_ASSIGNS = re.compile(r"[ \t]*+(\w++)[ \t]*+(?:[-+*/@]?=)(?!=)")
_METHODS_OF_CALLS = re.compile(r"[ \t]*+(\w++)\.\w++_\(")  # an operation in place


class SuperInitMissing(Mender):
    """`super().__init__()` in front of the first layer."""

    mistake = "super-init-missing"
    broken = (
        changed(RESBLOCK, (f"        {CALL}\n", "")),
        changed(
            RESBLOCK,
            (f"        {CALL}\n", ""),
            ("        self.shortcut = nn.Sequential()\n", f"        {CALL}\n        self.shortcut = nn.Sequential()\n"),
        ),
        changed(RESBLOCK, (CALL, "super().__init__")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if "before Module.__init__() call" not in slip.message or slip.cell is None or slip.line is None:
            return
        lines = code.lines(slip.cell)
        constructor = _constructor_around(code, slip.cell, slip.line)
        if constructor is None:
            return
        body = [number for number in code.body(constructor) if code.line(slip.cell, number).strip()]
        # What comes too late would throw away all that was kept before.
        late = {
            number: f"{indent_of(lines[number - 1])}pass"
            for number in body
            if _SUPER.match(code.line(slip.cell, number))
        }
        for number in dict.fromkeys([body[0], slip.line]):
            text = lines[number - 1]
            if not _HEAD_OF_BLOCK.match(text):
                yield code.written(
                    slip.cell, {**late, number: f"{indent_of(text)}{CALL}; {text.lstrip()}"}, shown=number
                )


def _constructor_around(code: Code, cell: int, line: int) -> Block | None:
    """The constructor in which a line stands."""
    whole = Block(cell, 0, len(code.lines(cell)), "")
    found = [body for name, body in code.methods(whole) if name == "__init__" and body.first < line <= body.last]
    return found[-1] if found else None


class ForwardMissing(Mender):
    """A method of nearly that name, or one that is indented too far or not far enough."""

    mistake = "forward-missing"
    broken = (
        changed(RESBLOCK, ("def forward(", "def foward(")),
        changed(RESBLOCK, ("def forward(", "def call(")),
        changed(RESBLOCK, ("    def forward(", "def forward(")),
        changed(
            RESBLOCK,
            (
                RESBLOCK[RESBLOCK.index("    def forward(") :],
                "".join(f"    {line}\n" for line in RESBLOCK[RESBLOCK.index("    def forward(") :].splitlines()),
            ),
        ),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        missing = WITHOUT_FORWARD.match(slip.message)
        block = code.block("class", missing[1]) if missing is not None else None
        if block is None:
            return
        methods = dict(code.methods(block))
        constructor = methods.get("__init__")
        indent = constructor.indent if constructor is not None else block.indent + "    "
        names = [*difflib.get_close_matches("forward", methods, n=2), *(name for name in FORWARDS if name in methods)]
        for name in names:
            if name != "forward":
                line = methods[name].first
                text = code.lines(block.cell)[line - 1]
                yield code.written(block.cell, {line: text.replace(f"{name}(", "forward(", 1)})
        inside = methods.get("forward") or code.block("def", "forward")
        if inside is not None and inside.cell == block.cell and inside.first > block.first and inside.indent != indent:
            yield _indented(code, inside, indent)


class ReturnMissing(Mender):
    """What the last line computes, returned."""

    mistake = "output-missing"
    broken = (
        changed(RESBLOCK, (SUM, "F.relu(out + identity)")),
        changed(RESBLOCK, (SUM, "out = F.relu(out + identity)")),
        changed(RESBLOCK, (SUM, "out = F.relu(\n            out + identity\n        )")),
        changed(RESBLOCK, (SUM, "out += identity\n        out.relu_()")),
        changed(RESBLOCK, (SUM, "out = F.relu(out + identity)\n        return")),
        changed(RESBLOCK, (SUM, "out = F.relu(out + identity)\n        print(out.shape)")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if slip.gave != "NoneType":
            return
        block = code.block("class", slip.found)
        method = dict(code.methods(block)).get("forward") if block is not None else code.block("def", slip.found)
        if method is None:
            return
        written = [number for number in code.body(method) if code.line(method.cell, number).strip()]
        if not written:
            return
        indent = indent_of(code.line(method.cell, written[0]))
        own = [number for number in written if indent_of(code.line(method.cell, number)) == indent]
        begins = [number for number in own if not code.line(method.cell, number).lstrip().startswith((")", "]", "}"))]
        last, end = begins[-1], written[-1]
        text, ending = code.line(method.cell, last), code.line(method.cell, end)
        if text.strip() == "return":
            yield from _returned(code, method, begins[:-1], {last: f"{indent}return {{}}"})
        elif text.lstrip().startswith("print("):
            yield from _returned(code, method, begins[:-1], {end: f"{ending}; return {{}}"})
        elif (assigned := _ASSIGNS.match(text)) and not _HEAD_OF_BLOCK.match(text):
            yield code.written(method.cell, {end: f"{ending}; return {assigned[1]}"})
        elif (in_place := _METHODS_OF_CALLS.match(text)) or not _HEAD_OF_BLOCK.match(text):
            yield code.written(method.cell, {last: f"{indent}return {text.lstrip()}"})
            if in_place:
                yield code.written(method.cell, {end: f"{ending}; return {in_place[1]}"})
        elif _HEAD_OF_BLOCK.match(text):
            # The end of an `if`: whatever it assigns is returned behind it.
            yield from _returned(code, method, written, {end: f"{ending}\n{indent}return {{}}"})


def _returned(code: Code, method: Block, lines: list[int], where: dict[int, str]) -> Iterator[Change]:
    """The last name that some lines assign, returned."""
    for number in reversed(lines):
        if assigned := _ASSIGNS.match(code.line(method.cell, number)):
            yield code.written(method.cell, {line: text.format(assigned[1]) for line, text in where.items()})
            return


class SelfMissing(Mender):
    """`def forward(x)` for `def forward(self, x)`."""

    mistake = "forward-rejects-input"
    broken = (changed(RESBLOCK, ("def forward(self, x)", "def forward(x)")),)

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        refused = re.match(r"(\w{1,100})\.forward\(\) takes", slip.message)
        if slip.type == "TypeError" and refused is not None:
            yield from _with_self(refused[1], "forward", code)


class SelfMissingInConstructor(Mender):
    """`def __init__(in_channels, …)` for `def __init__(self, in_channels, …)`."""

    mistake = "constructor-rejects-arguments"
    broken = (changed(RESBLOCK, ("def __init__(self, in_channels", "def __init__(in_channels")),)

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if slip.type == "TypeError" and ".__init__() takes" in slip.message and slip.cell is None:
            yield from _with_self(slip.found, "__init__", code)


def _with_self(owner: str, name: str, code: Code) -> Iterator[Change]:
    """A method with `self` in front of what it takes, if that is not there."""
    block = code.block("class", owner)
    method = dict(code.methods(block)).get(name) if block is not None else None
    if method is not None:
        text = code.lines(method.cell)[method.first - 1]
        if not re.search(rf"{name}\([ \t]*+self\b", text):
            yield code.written(method.cell, {method.first: text.replace(f"{name}(", f"{name}(self, ", 1)})


class BaseMissing(Mender):
    """`class ResBlock:` for `class ResBlock(nn.Module):`."""

    mistake = "not-a-module"
    broken = (
        changed(RESBLOCK, ("class ResBlock(nn.Module):", "class ResBlock:")),
        changed(RESBLOCK, ("class ResBlock(nn.Module):", "class ResBlock(object):"), (f"        {CALL}\n", "")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        block = code.block("class", slip.found) if slip.gave == slip.found else None
        if block is None:
            return
        head = re.match(
            r"([ \t]*+class[ \t]++\w++)[ \t]*+(?:\([ \t]*+(?:object)?[ \t]*+\))?[ \t]*+:",
            code.line(block.cell, block.first),
        )
        constructor = dict(code.methods(block)).get("__init__")
        if head is None or constructor is None:
            return
        module = f"{library_in(code, block.cell)}.Module"
        now = {block.first: f"{head[1]}({module}):"}
        body = code.body(constructor)
        lines = code.lines(block.cell)
        if not any(_SUPER.match(code.line(block.cell, number)) for number in body):
            first = next((number for number in body if code.line(block.cell, number).strip()), None)
            if first is None or _HEAD_OF_BLOCK.match(lines[first - 1]):
                return
            now[first] = f"{indent_of(lines[first - 1])}{CALL}; {lines[first - 1].lstrip()}"
        yield code.written(block.cell, now, shown=block.first)


def _indented(code: Code, block: Block, indent: str) -> Change:
    """A block with its head indented so."""
    lines = code.lines(block.cell)[block.first - 1 : block.last]
    moved = {
        number: indent + text[len(block.indent) :] if text.strip() else text
        for number, text in enumerate(lines, block.first)
    }
    return code.written(block.cell, moved, shown=block.first)
