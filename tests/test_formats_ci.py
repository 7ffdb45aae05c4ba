"""What all formats for CI promise: bytes that do not change unseen, and nothing that a log obeys."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ci_readers import EVERYTHING, written
from test_formats_golden import golden
from test_formats_samples import RUN

from grader.formats import formats
from grader.formats._text import INVISIBLE


@pytest.mark.parametrize(("name", "file"), [("junit", "junit.xml"), ("markdown", "comment.md"), ("csv", "results.csv")])
def test_golden(name: str, file: str) -> None:
    """The bytes do not change unless somebody means it."""
    golden(file, written(name, EVERYTHING))


def test_golden_github(tmp_path: Path) -> None:
    """Both files of it."""
    formats()["github"].write_class(tmp_path / "reports", RUN, iter(EVERYTHING))
    for file in ("annotations.txt", "summary.md"):
        golden(file, (tmp_path / "reports" / file).read_bytes().decode("utf-8"))


@pytest.mark.parametrize("name", ["junit", "github", "markdown", "csv"])
def test_no_log_obeys_it(name: str) -> None:
    """Whatever prints a report to a CI log or a terminal: no line of it is a command but those that are meant."""
    text = written(name, EVERYTHING).replace("\r\n", "\n")
    assert not INVISIBLE.search(text)
    assert not re.search(r"##\w*\[", text)
    for each in text.split("\n"):
        assert name == "github" or not each.lstrip().startswith("::")
        assert name != "github" or not each or re.match(r"::(error|warning|notice) [^:]*::(?!.*::)", each)


@pytest.mark.parametrize("name", ["junit", "github", "markdown", "csv"])
def test_nobody_handed_in_anything(name: str) -> None:
    """No report is still a document."""
    text = written(name, [])
    assert name == "github" or text
