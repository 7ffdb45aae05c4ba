"""Slips of the pen that keep Python from reading a cell at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from grader.mending._code import Change, Code, indent_of
from grader.mending._mend import Mender, Slip
from grader.mistakes._mistake import RESBLOCK, changed

CLOSING = {"(": ")", "[": "]", "{": "}"}
MOST_BEHIND = 12  # lines behind an open bracket in which it may have been meant to end
MOST_GAPS = 8  # of a line in which a comma may be missing
MOST_INDENTS = 3  # of lines before, as which a line may be meant to be indented
WIDTH_OF_TAB = 8
_HEAD = re.compile(r"[ \t]*+(?:class|def|if|elif|else|for|while|with|try|except|finally)\b")
_GAP = re.compile(r"(?P<before>\w++|[)\]\"'])[ \t]++(?=(?P<behind>\w++|[\"']))")
_KEYWORDS = frozenset(
    "and or not in is if else for import from as return lambda def class yield await del raise with".split()
)
# What a word processor or another keyboard writes.
_TYPED = str.maketrans("“”„‘’–—−，（）：\u00a0", '"""\'\'---,(): ')
CONVOLUTION = "nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"

Way = Callable[[str, Code, int, int], Iterator[Change]]


class SyntaxMended(Mender):
    """A colon, a bracket, a comma, an equals sign or a quote; and lines that are indented by chance."""

    mistake = "syntax-error"
    broken = (
        changed(RESBLOCK, ("def forward(self, x):", "def forward(self, x)")),
        changed(RESBLOCK, ("!= out_channels:", "!= out_channels")),
        changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.bn1(self.conv1(x))")),
        changed(RESBLOCK, ("F.relu(self.bn1(self.conv1(x)))", "F.relu(self.bn1(self.conv1(x))))")),
        changed(RESBLOCK, ("self.bn1(self.conv1(x))", "self.bn1(self.conv1(x]))")),
        changed(RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels)", "self.bn1 = nn.BatchNorm2d(out_channels")),
        changed(RESBLOCK, ("\n            )\n", "\n")),
        changed(RESBLOCK, ("stride=1, padding=1, bias", "stride=1 padding=1, bias")),
        changed(RESBLOCK, ("def forward(self, x)", "def forward(self x)")),
        changed(RESBLOCK, (f"{CONVOLUTION},", CONVOLUTION)),
        changed(RESBLOCK, ("if stride != 1 or", "if stride = 2 or")),
        changed(RESBLOCK, ("        identity = self", "       identity = self")),
        changed(RESBLOCK, ("        identity = self", "          identity = self")),
        changed(RESBLOCK, ("        identity = self", "\tidentity = self")),
        changed(RESBLOCK, ("        out = F.relu(self.bn1", "       out = F.relu(self.bn1")),
        changed(RESBLOCK, ("            self.shortcut = nn.Sequential(", "        self.shortcut = nn.Sequential(")),
        changed(RESBLOCK, ("out + identity)", "out + identity)”")),
        changed(RESBLOCK, ("stride=1, padding=1", "stride=1， padding=1")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        if slip.type not in ("SyntaxError", "IndentationError", "TabError") or slip.cell is None:
            return
        line = slip.line or 1
        if code.line(slip.cell, line):
            for way in _WAYS if slip.type == "SyntaxError" else (_indentation,):
                yield from way(slip.message, code, slip.cell, line)


def _colon(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    for number in (line, line - 1):
        text = code.line(cell, number)
        if _HEAD.match(text) and not text.endswith(":"):
            yield code.written(cell, {number: f"{text}:"})


def _unclosed(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    """A bracket ends in its own line, or behind one of the next that go with it."""
    opened = re.match(r"'([(\[{])' was never closed", error)
    for number in range(line, line + MOST_BEHIND) if opened is not None else ():
        text = code.line(cell, number)
        is_inside = len(indent_of(text)) > len(indent_of(code.line(cell, line)))
        if number > line and text and not is_inside and text.lstrip()[0] not in ")]}":
            return
        if opened is not None and text:
            yield code.written(cell, {number: text + CLOSING[opened[1]]})


def _unopened(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    """A bracket too many goes; one of another kind becomes that which is open."""
    if found := re.match(r"(?:unmatched|closing parenthesis) '([)\]}])'(?:.*parenthesis '([(\[{])')?", error):
        before, bracket, behind = code.line(cell, line).rpartition(found[1])
        if bracket:
            yield code.written(cell, {line: before + behind})
            yield code.written(cell, {line: before + CLOSING.get(found[2], "") + behind})


def _characters(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    """Quotes, dashes and commas that are not Python's; what is nothing of the kind goes."""
    if "invalid character" in error or "non-printable" in error:
        text = code.line(cell, line)
        yield code.written(cell, {line: text.translate(_TYPED)})
        yield code.written(cell, {line: re.sub(r"[^\x00-\x7f]++", "", text)})


def _else_if(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    yield code.written(cell, {line: re.sub(r"\belse[ \t]++if\b", "elif", code.line(cell, line), count=1)})


def _equals(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    text = code.line(cell, line)
    if "==" in error or re.match(r"[ \t]*+(?:if|elif|while)\b", text):
        yield code.written(cell, {line: re.sub(r"(?<![=!<>:+\-*/])=(?!=)", "==", text, count=1)})


def _comma(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    """Between two arguments, or behind the last one of a line."""
    text = code.line(cell, line)
    for gap in islice(_GAP.finditer(text), MOST_GAPS):
        if "(" in text[: gap.start()] and _KEYWORDS.isdisjoint([gap["before"], gap["behind"]]):
            yield code.written(cell, {line: f"{text[: gap.end('before')]}, {text[gap.end() :]}"})
    for number in (line, line - 1):
        text = code.line(cell, number)
        if re.search(r"[\w)\]\"']$", text):
            yield code.written(cell, {number: f"{text},"})


def _indentation(error: str, code: Code, cell: int, line: int) -> Iterator[Change]:
    """As far as a line before, the nearest first, or further than the head of a block; blanks in place of tabs."""
    lines = code.lines(cell)
    if any("\t" in indent_of(text) for text in lines):
        spread = {number: text.expandtabs(WIDTH_OF_TAB) for number, text in enumerate(lines, 1)}
        yield code.written(cell, spread, shown=line)
    own = lines[line - 1]
    indents = [indent_of(text) for text in reversed(lines[: line - 1]) if text.strip()]
    if indents and "expected an indented block" in error:
        yield code.written(cell, {line: f"{indents[0]}    {own.lstrip()}"})
    for indent in list(dict.fromkeys(indents))[:MOST_INDENTS]:
        yield code.written(cell, {line: indent + own.lstrip()})
    if "unexpected indent" in error:
        yield code.written(cell, {line - 1: indent_of(own) + lines[line - 2].lstrip()})


_WAYS: tuple[Way, ...] = (_colon, _unclosed, _unopened, _characters, _else_if, _equals, _comma)
