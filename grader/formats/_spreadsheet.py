"""Tables for spreadsheets and importers: nothing that a student wrote is a formula there, or a command in a log."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, TextIO

from grader.formats import _inert
from grader.formats._text import no_command, visible

if TYPE_CHECKING:
    from _csv import Writer

# With which a spreadsheet begins a formula; the wide forms are turned into these by some.
_FORMULA = re.compile(r"^(?=\s*[=+\-@|%＝＋－＠])")
# Where the comma is the decimal sign, a semicolon ends a cell.
_BEHIND_SEMICOLON = re.compile(_FORMULA.pattern.replace("^", "(?<=;)", 1))


def table(stream: TextIO) -> Writer:
    """Writes rows: commas, quotes where they are needed, and a line feed behind each."""
    return csv.writer(stream, lineterminator="\n")


def cell(text: str, limit: int = 300) -> str:
    """Text of a student's for one cell, on one line, with an apostrophe where something would be calculated."""
    return _BEHIND_SEMICOLON.sub("'", harmless(_inert.line(text, limit)))


def harmless(text: str) -> str:
    """The same text, and no spreadsheet takes it for a formula."""
    return _FORMULA.sub("'", no_command(visible(text)))


def number(points: float) -> str:
    """With two decimals, as Canvas compares them."""
    return f"{round(points, 2) + 0.0:.2f}"
