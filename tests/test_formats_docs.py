"""The manual and the help name every format there is, in the words of the format itself."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from typer.testing import CliRunner

from grader.cli import app
from grader.formats import Document, format_names, formats

MANUAL = Path(__file__).parents[1] / "docs" / "cli.md"
BEGIN = "<!-- formats: written by GRADER_GOLDEN=write pytest tests/test_formats_docs.py -->\n\n"
END = "\n<!-- end of formats -->\n"


def table() -> str:
    """One row a format: its id, the first paragraph of its file, and whether it can be printed."""
    rows = ["| Format | What it writes | Can be printed |", "|---|---|---|"]
    for name, form in formats().items():
        about = (sys.modules[type(form).__module__].__doc__ or "").split("\n\n")[0]
        rows.append(f"| `{name}` | {' '.join(about.split())} | {'yes' if isinstance(form, Document) else ''} |")
    return "\n".join(rows) + "\n"


def test_the_manual_lists_every_format() -> None:
    """Nobody keeps the list by hand."""
    text = MANUAL.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    expected = before + BEGIN + table() + END + after
    if os.environ.get("GRADER_GOLDEN") == "write":
        MANUAL.write_text(expected, encoding="utf-8")
    assert expected == MANUAL.read_text(encoding="utf-8")


def test_every_format_says_what_it_writes() -> None:
    """In its file's first paragraph, as one table cell holds it."""
    for form in formats().values():
        about = (sys.modules[type(form).__module__].__doc__ or "").split("\n\n")[0]
        assert 20 < len(about) < 300
        assert "|" not in about


def test_the_help_lists_every_format() -> None:
    """`--help` names them all without importing one."""
    shown = CliRunner().invoke(app, ["check", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    words = re.split(r"[\s,.│]+", shown)
    assert set(format_names()) <= set(words)
    assert list(formats()) == format_names()
