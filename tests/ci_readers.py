"""What the tests of the formats for CI share: all samples, and readers by the receivers' rules."""

from __future__ import annotations

import io
import re
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from test_formats_samples import RUN, SAMPLES, commanding, failing

from grader.formats import Document, Run, formats
from grader.submission import HandIn
from grader.verdict import Report

EVERYTHING = sorted([*(sample()[0] for sample in SAMPLES.values()), commanding()[0]], key=lambda made: made.student)


def written(name: str, reports: list[Report], run: Run = RUN) -> str:
    form = formats()[name]
    assert isinstance(form, Document)
    stream = io.StringIO(newline="")
    form.write(stream, run, iter(reports))
    return stream.getvalue()


def checked_out(tmp_path: Path, name: str = "homework/grace.ipynb") -> tuple[Run, Path]:
    """A run in a repository that holds the failing sample as a file."""
    made, handed_in = failing()
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(handed_in.notebook, path)
    hand_in = HandIn(made.student, path.name, path)
    return Run(RUN.assignment, 0, "bwrap", "cpu", "0.1.0", {made.student: hand_in}), path


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """As the runner reads a log: kind, properties and message of every command, unescaped by its rules."""

    def plain(value: str, *escapes: tuple[str, str]) -> str:
        for escape, sign in (*escapes, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            value = value.replace(escape, sign)
        return value

    found = []
    for each in text.split("\n"):
        if match := re.fullmatch(r"\s*::(\w[\w-]*)(?: ([^:]*))?::(.*)", each):
            pairs = [pair.split("=", 1) for pair in (match[2] or "").split(",") if pair]
            properties = {name: plain(value, ("%3A", ":"), ("%2C", ",")) for name, value in pairs}
            found.append((match[1], properties, plain(match[3])))
    return found


def rendered(text: str) -> BeautifulSoup:
    """As GitHub renders it: HTML is let through, which is the worst case."""
    return BeautifulSoup(MarkdownIt("commonmark", {"html": True}).enable("table").render(text), "html.parser")


# What GitHub and GitLab make of rendered text, anywhere but in code.
ACTS = re.compile(r"@\w|[#!~$&%]\w|\bGH-\d|://|www\.|\b[0-9a-f]{7,40}\b|^/\w|:\w+:", re.IGNORECASE | re.MULTILINE)


def prose(page: BeautifulSoup) -> str:
    """The text that is not code."""
    for code in page.find_all(["code"]):
        code.replace_with(" ")
    return page.get_text()
