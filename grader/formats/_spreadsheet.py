"""Tables for spreadsheets and importers: nothing that a student wrote is a formula there, or a command in a log."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from grader.formats._text import no_command, one_line, visible

if TYPE_CHECKING:
    from _csv import Writer

# With which a spreadsheet begins a formula; the wide forms are turned into these by some.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def table(stream: TextIO) -> Writer:
    """Writes rows: commas, quotes where they are needed, and a line feed behind each."""
    return csv.writer(stream, lineterminator="\n")


def cell(text: str, limit: int = 300) -> str:
    """Text of a student's for one cell, on one line."""
    return harmless(one_line(text, limit))


def harmless(text: str) -> str:
    """The same text, and no spreadsheet takes it for a formula."""
    text = no_command(visible(text))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def number(points: float) -> str:
    """With two decimals, as Canvas compares them."""
    return f"{round(points, 2) + 0.0:.2f}"
