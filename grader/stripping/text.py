"""Markdown, and raw text, without its solutions."""

from __future__ import annotations

import re

from grader.stripping.code import StrippedText
from grader.stripping.markers import Kind, MarkerError, find_regions, is_marker

PLACEHOLDER = "*Your answer here*"
# A comment with a marker may stand in the middle of a line of Markdown.
_INLINE = re.compile(
    r"[ \t]*(<!--+\s*(?:BEGIN|END)[\s_-]*(?:SOLUTIONS?|HIDDEN[\s_-]*TESTS?|MARK[\s_-]*SCHEMES?)\b[^<>]*?-->)[ \t]*",
    re.IGNORECASE,
)

_WITHIN = re.compile(r"\b(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)\b")
_CODE = re.compile(r"`[^`]*`")  # where markers are spoken of


def strip_text(source: str) -> StrippedText:
    """A cell of Markdown without its solutions, with a placeholder in their place.

    Raises:
        MarkerError: its markers do not pair up.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    lines = _apart(source)
    for number, line in enumerate(lines, start=1):
        if not is_marker(line) and _WITHIN.search(_CODE.sub("", line)):
            raise MarkerError(number, "a marker stands within a line: give it a line of its own")
    removed: list[str] = []
    for region in reversed(find_regions(lines)):
        between = lines[region.first + 1 : region.last]
        if region.kind is Kind.PROMPT:
            continue
        removed[:0] = between
        wanted = region.kind is Kind.SOLUTION and region.prompt
        indent = lines[region.first][: len(lines[region.first]) - len(lines[region.first].lstrip())]
        lines[region.first : region.last + 1] = [indent + PLACEHOLDER] if wanted else []
    return StrippedText("\n".join(lines), removed)


def _apart(source: str) -> list[str]:
    """Lines, in which each marker has one of its own. Where none shares its line, they are the source's."""
    lines: list[str] = []
    for line in source.split("\n"):
        marks = list(_INLINE.finditer(line))
        if not marks or (len(marks) == 1 and not (line[: marks[0].start()] + line[marks[0].end() :]).strip()):
            lines.append(line)
            continue
        position = 0
        for mark in marks:
            lines += [line[position : mark.start()], mark[1]] if line[position : mark.start()].strip() else [mark[1]]
            position = mark.end()
        lines += [line[position:]] if line[position:].strip() else []
    return lines
