"""Lines of cells, as lines of the file on disk."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.submission import FileText, HandIn, read

ASSIGNMENTS = Path(__file__).parents[1] / "assignments"


def line_of(text: str, cell: int | None, line: int | None) -> int | None:
    return FileText(text, is_notebook=True).line(cell, line)


def test_every_line_of_the_shipped_notebooks_is_found() -> None:
    """What stands in the file at the line that is named is the line that was meant."""
    found = 0
    for path in sorted(ASSIGNMENTS.glob("resid*/**/*.ipynb")):
        text = path.read_text(encoding="utf-8")
        lines, file = text.split("\n"), FileText(text, is_notebook=True)
        for number, cell in enumerate(json.loads(text)["cells"], start=1):
            for count, meant in enumerate("".join(cell["source"]).split("\n"), start=1):
                if meant.strip():
                    at = file.line(number, count)
                    assert at is not None
                    assert json.dumps(meant, ensure_ascii=False)[1:-1] in lines[at - 1]
                    found += 1
    assert found > 1_000


# As Jupyter writes it: one line of the source is one line of the file.
USUAL = """{
 "cells": [
  {
   "cell_type": "markdown",
   "source": []
  },
  {
   "cell_type": "code",
   "outputs": [{"text": ["]", "\\"source\\": [", "{"]}],
   "source": [
    "a = 1\\n",
    "\\n",
    "b = '\\\\n'\\n",
    "c"
   ]
  }
 ],
 "metadata": {"cells": [{"source": "no"}]},
 "nbformat": 4,
 "nbformat_minor": 4
}
"""


@pytest.mark.parametrize(
    ("cell", "line", "expected"),
    [
        *((2, 1, 11), (2, 2, 12), (2, 3, 13), (2, 4, 14), (1, 1, 5)),
        *((2, 99, 14), (2, None, 11), (2, -5, 11)),
        *((3, 1, None), (0, 1, None), (-1, 1, None), (None, None, None), (None, 3, None), (10**12, 1, None)),
    ],
)
def test_a_notebook_as_jupyter_writes_it(cell: int | None, line: int | None, expected: int | None) -> None:
    """Past the end of a cell counts its last line; a cell that is not there has none."""
    assert expected == line_of(USUAL, cell, line)


@pytest.mark.parametrize(
    ("text", "cell", "line", "expected"),
    [
        ('{"cells":[{"source":"a\\nb\\nc"}]}', 1, 3, 1),  # all on one line
        ('{"cells":[\n{"source":\n"a\\nb"}]}', 1, 2, 3),  # a string, which cannot be broken
        ('{"cells":[{"source":[\n"a",\n"b\\n",\n"c"]}]}', 1, 2, 4),  # strings that end no line
        ('{"cells":[{"source":[\n"a\\nb\\n",\n"c"]}]}', 1, 3, 3),  # strings of several lines
        ('{"cells":[{"source":[\n"a\\r\\n",\n"b\\u000a",\n"c"]}]}', 1, 3, 4),  # other ways to write a line end
        ('{"cells":[{"source":[\n"a\\\\n",\n"b"]}]}', 1, 2, 2),  # a backslash and an n are no line end
        ('{"cells":[{"source":"a\nb\nc"}]}', 1, 3, 3),  # line ends as they are, which no JSON allows
        ('{"cells":[{"source":"x"}],"cells":[\n{"source":"y"}]}', 1, 1, 2),  # of two the last counts
        ('\n{"worksheets":[{"cells":[{"input":[\n"a\\n",\n"b"]}]},{"cells":[\n{"input":"c"}]}]}', 2, 1, 5),  # version 3
        ('{"cells":[1,null,[],{},{"source":{"a":1}},{"source":\n"x"}]}', 6, 1, 2),  # what is no cell counts as one
        ('{"cells":[{"source":"x"}', 1, 1, 1),  # broken off
        ('{"cells":{"source":"x"}}', 1, 1, None),
        ("[]", 1, 1, None),
        ("", 1, 1, None),
        ('{"cells":[{"source":"', 1, 1, 1),
        ('{"cells":"x"}', 1, 1, None),
    ],
)
def test_notebooks_as_others_write_them(text: str, cell: int, line: int, expected: int | None) -> None:
    """However the source is cut into strings, and whatever is wrong with the file."""
    assert expected == line_of(text, cell, line)


@given(
    sources=st.lists(st.text(st.characters(codec="utf-8") | st.sampled_from('\n"\\')), min_size=1, max_size=4),
    data=st.data(),
)
def test_what_nbformat_writes_is_found(sources: list[str], data: st.DataObject) -> None:
    """Any source, by the library that Jupyter writes with: every line that its writer gave a line is at that line."""
    cells = [nbformat.v4.new_code_cell(source.replace("\r", "")) for source in sources]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=cells), version=4)
    number = data.draw(st.integers(1, len(cells)))
    lines = cells[number - 1].source.split("\n")
    count = data.draw(st.integers(1, len(lines)))
    at = line_of(text, number, count)
    assert at is not None
    # nbformat cuts at further characters than line feeds, so that the line of the file may hold but its beginning.
    begin = json.dumps(lines[count - 1].splitlines()[0] if lines[count - 1] else "", ensure_ascii=False)[1:-1]
    assert begin in text.split("\n")[at - 1]


@given(st.text('{}[]",:\\\n souce1', max_size=60), st.integers(0, 3), st.integers(0, 3))
def test_no_text_breaks_it(text: str, cell: int, line: int) -> None:
    """What is no notebook has no places, and takes no exception."""
    at = line_of('{"cells":[' + text, cell, line)
    assert at is None or 1 <= at <= text.count("\n") + 1


def hand_in(path: Path, content: bytes) -> HandIn:
    path.write_bytes(content)
    return HandIn("ada", path.name, path)


def test_a_python_file_has_its_own_lines(tmp_path: Path) -> None:
    """A script is one cell, whatever its line ends."""
    file = FileText.of(hand_in(tmp_path / "a.py", b"a = 1\r\nb = 2\r\n"))
    assert [1, 2, 3, None, None] == [file.line(*place) for place in [(1, 1), (1, 2), (1, 99), (2, 1), (1, None)]]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("a.ipynb", "utf-8"), ("a.ipynb", "utf-8-sig"), ("a.ipynb", "utf-16"), ("a.py", "utf-8")],
)
def test_the_file_is_read_as_it_was_to_be_graded(name: str, encoding: str, tmp_path: Path) -> None:
    """Encodings, and notebooks that are called `.py`."""
    written = hand_in(tmp_path / name, USUAL.replace("b =", "ü =").encode(encoding))
    assert read(written).cells[1].source.split("\n")[2] == "ü = '\\n'"
    assert FileText.of(written).line(2, 3) == 13


def test_large_outputs_are_passed_over_in_a_moment() -> None:
    """Three megabytes of output before the cell that is meant."""
    outputs = json.dumps([{"text": "x" * 1000, "data": [1, 2, 3]}] * 3_000)
    text = '{"cells":[{"outputs":' + outputs + '},\n{"source":"a"}]}'
    file = FileText(text, is_notebook=True)
    assert [2] * 20 == [file.line(2, 1) for _ in range(20)]
