"""A student's text in a cell of a table that a spreadsheet opens: never a formula."""

from __future__ import annotations

import re

from grader.formats import _inert

# Spreadsheets calculate what begins with one of these, in full width too; and they take a semicolon for the end of a
# cell where the comma is the decimal sign.
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20])")


def cell(value: str, limit: int = 1_000) -> str:
    """The text on one line, with an apostrophe where something would be calculated, as spreadsheets mark text."""
    return _FORMULA.sub(r"\1'", _inert.line(value, limit))
