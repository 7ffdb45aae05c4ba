"""Reading and repairing one file. What comes out is valid, or a message for the student."""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from handed_in import Reads, cell, hand_in, notebook

from grader.errors import SubmissionError
from grader.submission import HandIn, Submission, defines, read, reading


@pytest.fixture
def read_in(tmp_path: Path) -> Reads:
    """Write this content and read it; what is rendered from must be valid whatever came in."""

    def write_and_read(content: Any, name: str = "doe.ipynb") -> Submission:
        submission = read(hand_in(tmp_path, content, name))
        nbformat.validate(submission.notebook)
        assert [each.source for each in submission.cells] == [each.source for each in submission.notebook.cells]
        return submission

    return write_and_read


def test_intact(read_in: Reads) -> None:
    """An intact notebook has no repairs, and its cells are numbered from 1, text cells too."""
    submission = read_in(notebook(cell("markdown", "# T"), cell("code", ["a = 1\n", "b = 2"]), cell("raw", "r")))
    assert submission.repairs + submission.warnings == []
    assert [(each.number, each.kind, each.source) for each in submission.cells] == [
        (1, "markdown", "# T"),
        (2, "code", "a = 1\nb = 2"),
        (3, "raw", "r"),
    ]


@pytest.mark.parametrize("minor", [0, 1, 2, 3, 4, 5, 6, 99])
def test_minor_versions(read_in: Reads, minor: int) -> None:
    """Every minor version of format 4 is read, ids or none, and those to come as well."""
    content = notebook(cell(), nbformat_minor=minor)
    if minor < 5:
        del content["cells"][0]["id"]
    assert read_in(content).repairs == []


def test_of_too_many_outputs_the_first_are_kept(read_in: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    """No point hangs on an output: what goes beyond is left out, before an old notebook is brought to version 4."""
    monkeypatch.setattr("grader.submission.repair.MAX_OUTPUTS", 5)
    new = [{"output_type": "stream", "name": "stdout", "text": "x"} for _ in range(4)]
    old = [{"output_type": "stream", "stream": "stdout", "text": "x"} for _ in range(4)]
    for content in (
        notebook(cell(outputs=list(new)), cell(), cell(outputs=list(new)), cell(outputs=list(new))),
        {"nbformat": 3, "worksheets": [{"cells": [cell(outputs=list(old)) for _ in range(3)]}], "metadata": {}},
    ):
        submission = read_in(content)
        assert 5 == sum(len(each.get("outputs", [])) for each in submission.notebook.cells)
        assert any("outputs beyond the 5 that are read" in each for each in submission.repairs)


def test_outputs_are_kept(read_in: Reads) -> None:
    """What the student's own run printed is there to be shown."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
        {
            "output_type": "execute_result",
            "data": {"text/plain": ["1"]},
            "metadata": {},
            "execution_count": 3,
        },
        {"output_type": "display_data", "data": {"application/json": {"a": [1]}}, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
    ]
    submission = read_in(notebook(cell(outputs=outputs)))
    assert submission.repairs == []
    stream, result, shown, error = submission.notebook.cells[0].outputs
    assert (stream.text, result.data["text/plain"], shown.data["application/json"], error.ename) == (
        "a\nb",
        "1",
        {"a": [1]},
        "E",
    )


def test_repairs_are_listed(read_in: Reads) -> None:
    """What is missing is filled in and listed once, with the cells it concerns."""
    first, second = cell(), cell()
    del first["id"], second["id"], second["metadata"], second["outputs"]
    repairs = read_in(notebook(first, second, {"source": "text"}, 7, cell(source=None))).repairs
    assert "cells 1, 2, 3 and 4: had no valid id, or another cell's" in repairs
    assert "cells 2 and 3: had no metadata" in repairs
    assert "cell 2: had no list of outputs" in repairs
    assert "cell 3: did not say what kind of cell it is; it was taken for text" in repairs
    assert "cell 4: is not a cell and was replaced by an empty one" in repairs
    assert "cell 5: had something other than text where text belongs" in repairs


def test_code_is_not_lost_to_how_it_is_stored(read_in: Reads) -> None:
    """Lines without line ends, as scripts write them, and code under version 3's key are code, and that is said."""
    old = cell()
    old["input"] = old.pop("source")
    submission = read_in(notebook(cell(source=["if x:", "    y = 1", "z = 2"]), old, cell(source=["a = 1\n", "b = 2"])))
    assert ["if x:\n    y = 1\nz = 2\n", "x = 1\n", "a = 1\nb = 2"] == [each.source for each in submission.cells]
    assert ["cell 1: had lines without line ends, which were put in", "cell 2: had no source"] == submission.repairs


def test_version_three(read_in: Reads) -> None:
    """A notebook of format 3 is brought to 4, and numbered over all its worksheets."""
    sheet = {
        "cells": [
            {"cell_type": "heading", "level": 2, "source": ["Title"], "metadata": {}},
            {
                "cell_type": "code",
                "input": ["a = 1\n", "b = 2"],
                "language": "python",
                "outputs": [{"output_type": "pyout", "text": ["1"], "prompt_number": 1, "metadata": {}}],
                "prompt_number": 1,
            },
            {"cell_type": "heading", "level": 10**12, "source": "T"},
            {"input": "z"},
        ]
    }
    submission = read_in({"worksheets": [sheet, {"cells": [cell("markdown", "M")]}], "nbformat": 3, "metadata": {}})
    assert [each.source for each in submission.cells] == ["## Title", "a = 1\nb = 2", "# T", "z", "M"]
    assert submission.notebook.cells[1].outputs[0].data == {"text/plain": "1"}
    assert "the notebook was in version 3 of the format and was brought to version 4" in submission.repairs


@pytest.mark.parametrize(
    ("encoding", "repair"),
    [
        ("utf-8", None),
        ("utf-8-sig", "byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("latin-1", "Latin-1"),
    ],
)
def test_encodings(read_in: Reads, encoding: str, repair: str | None) -> None:
    """Whatever editor saved the file, the text is the same, and the repair is named."""
    content = json.dumps(notebook(cell(source="# café")), ensure_ascii=False)
    submission = read_in(content.encode(encoding))
    assert submission.cells[0].source == "# café"
    assert [repair in each for each in submission.repairs] == ([True] if repair else [])


def test_half_characters(read_in: Reads) -> None:
    """Escaped emoji stay; half a character, which no file can hold, is replaced."""
    intact = read_in(json.dumps(notebook(cell(source="😀"))).encode())
    assert (intact.cells[0].source, intact.repairs) == ("😀", [])
    for source in ("a\ud83db", "a\udc00b", "a\udc00\udc00b"):
        broken = read_in(notebook(cell(source=source, metadata={source: 1})))
        assert broken.cells[0].source.strip("\ufffdab") == ""
        assert "\ufffd" in broken.cells[0].source
        assert broken.repairs == ["halves of characters (UTF-16 surrogates) were replaced by \ufffd"]


def test_ids_and_metadata_are_valid(read_in: Reads) -> None:
    """An id used twice is replaced, and a value that the format does not allow is left out."""
    cells = [cell(id="a"), cell(id="a"), cell(id="b"), cell(metadata={"tags": ["t", "t"], "mine": 1})]
    submission = read_in(notebook(*cells))
    assert [each.id for each in submission.notebook.cells][:3] == ["a", "cell-2", "b"]
    assert submission.notebook.cells[3].metadata == {"mine": 1}
    assert submission.repairs == [
        "cell 2: had no valid id, or another cell's",
        "cell 4: had 'tags' in its metadata, with a value that the format does not allow",
    ]


def test_made_up_ids_meet_no_other(read_in: Reads) -> None:
    """An id that is made up differs from those that stand in the file."""
    cells = [cell(id="cell-2"), cell(id="")]
    assert [each.id for each in read_in(notebook(*cells)).notebook.cells] == ["cell-2", "cell-2-2"]


def test_line_breaks_in_strings(read_in: Reads) -> None:
    """JSON with raw line breaks in its strings is read."""
    content = json.dumps(notebook(cell(source="a\nb"))).replace("\\n", "\n").encode()
    assert read_in(content).cells[0].source == "a\nb"


NESTED = json.dumps(notebook(cell(metadata={"a": 0})))
DEEP, DEEPER = (NESTED.replace('{"a": 0}', '{"a":' * depth + "0" + "}" * depth).encode() for depth in (70, 500))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty: save the notebook"),
        (b" \n\0\0", "the file is empty"),
        (json.dumps(notebook(cell())).encode()[:-20], "it was not saved whole"),
        (json.dumps(notebook(cell())).encode()[:30], "it was not saved whole"),
        (b"<!DOCTYPE html>\n<html>", "is a web page: you saved the page"),
        (b"\xef\xbb\xbf \n<html lang='en'>", "is a web page"),
        (b"PK\x03\x04abc", "is a zip archive, not a notebook"),
        (b"%PDF-1.4", "is a PDF, not a notebook"),
        (bytes(range(256)), "holds binary data"),
        (b"import torch\n", "is not a notebook, whatever its name says"),
        (b"[1, 2]", "is JSON but not a notebook"),
        (b'{"a": 1}', 'is JSON but not a notebook: it has no "cells"'),
        (b'{"nbformat": 4}', 'has no list of "cells"'),
        (b'{"nbformat": 4, "cells": {}}', 'has no list of "cells"'),
        (b'{"nbformat": 1, "cells": []}', "version 1 of the format"),
        (b'{"nbformat": 5, "cells": []}', "version 5 of the format, which is newer"),
        (b'{"nbformat": 4, "cells": [}', r"damaged: line 1, column 27 is not JSON"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "number with thousands of digits"),
        (b'{\n<<<<<<< HEAD\n "a": 1\n=======\n>>>>>>> b\n}', "marks of a merge conflict"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "run `git lfs pull`"),
        (b'{"cells":' + b"[" * 100_000, "nested too deeply"),
        (DEEP, "outputs or metadata are nested too deeply"),
        (DEEPER, "nested too deeply"),
        (json.dumps(notebook(*[cell()] * 5001)).encode(), "has 5001 cells, and at most 5000"),
        (b'{"cells":[' + b"[]," * 1_000_001 + b"0]}", "over 1,000,000 lists and objects"),
    ],
    ids=range(25),
)
def test_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """What is no notebook is refused by what it is, with the file's name and what to do."""
    with pytest.raises(SubmissionError, match=message) as caught:
        read(hand_in(tmp_path, content))
    assert str(caught.value).startswith("doe.ipynb: ")


def test_problem_of_the_search(tmp_path: Path) -> None:
    """A hand-in that was found to be broken is refused with what was found."""
    with pytest.raises(SubmissionError, match=r"doe\.zip: the zip is broken"):
        read(HandIn("doe", "doe.zip", tmp_path, "the zip is broken"))


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is gone, no file, too large or not permitted is refused."""
    with pytest.raises(SubmissionError, match="cannot be opened: No such file"):
        read(HandIn("doe", "gone.ipynb", tmp_path / "gone.ipynb"))
    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(SubmissionError, match="it is not a file"):
        read(HandIn("doe", "pipe.ipynb", tmp_path / "pipe.ipynb"))
    with (tmp_path / "large.ipynb").open("wb") as large:
        large.truncate(51 * 2**20)
    with pytest.raises(SubmissionError, match="51 MB, and at most 50 are read: clear the outputs"):
        read(HandIn("doe", "large.ipynb", tmp_path / "large.ipynb"))

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SubmissionError, match="its permissions do not let"):
        read(HandIn("doe", "doe.ipynb", tmp_path / "doe.ipynb"))


def test_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that runs out on one file is that student's problem alone."""

    def exhaust(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(reading, "repair", exhaust)
    with pytest.raises(SubmissionError, match="too much memory; clear the outputs"):
        read(hand_in(tmp_path, notebook(cell())))


def test_script(read_in: Reads) -> None:
    """A Python file is one cell with the file's own line numbers, `# %%` or not."""
    submission = read_in(b"# %%\r\na = 1\r# %%\nb = 2\n", "doe.py")
    assert [(each.number, each.kind, each.source) for each in submission.cells] == [
        (1, "code", "# %%\na = 1\n# %%\nb = 2\n")
    ]
    assert submission.repairs + submission.warnings == []


@pytest.mark.parametrize(
    ("content", "repairs"),
    [
        ("# -*- coding: latin-1 -*-\n# é".encode("latin-1"), 0),
        ("#!/usr/bin/python\n# coding: cp1252\n# é".encode("cp1252"), 0),
        ("# é".encode("latin-1"), 1),
        ("# coding: nonsense\n# é".encode(), 0),
        ("# coding: punycode\n# é".encode("latin-1"), 1),
        ("# coding: unicode_escape\n# \\u00e8 # é".encode(), 0),
        ("# coding: rot13\n# é".encode(), 0),
        ("# é".encode("utf-8-sig"), 1),
        ("# é".encode("utf-16"), 1),
    ],
)
def test_encoding_of_a_script(read_in: Reads, content: bytes, repairs: int) -> None:
    """A Python file is read in the encoding it declares, if that is one of text."""
    submission = read_in(content, "doe.py")
    assert submission.cells[0].source.endswith("# é")
    assert repairs == len(submission.repairs)


def test_scripts_that_are_none(read_in: Reads) -> None:
    """An empty or binary Python file is refused, a notebook under that name is read."""
    for content, message in ((b"", "the file is empty"), (b"a\0b", "binary data")):
        with pytest.raises(SubmissionError, match=message):
            read_in(content, "doe.py")
    submission = read_in(notebook(cell(source="y = 2")), "doe.py")
    assert submission.cells[0].source == "y = 2"
    assert submission.repairs == ["the file is a notebook, although its name ends in .py"]


def test_warnings(read_in: Reads) -> None:
    """What is odd but readable is a warning."""
    content = notebook(metadata={"language_info": {"name": "R"}})
    assert (read_in(content).warnings) == [
        "the notebook holds no code",
        "the notebook says that its language is 'R', and is graded as Python",
    ]
    told_by_kernel = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    assert 2 == len(read_in(notebook(metadata=told_by_kernel)).warnings)
    assert len(read_in(b"<<<<<<< HEAD\n=======\n>>>>>>> b\n", "doe.py").warnings) == 1


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"grader": {"assignment": "hw-5"}}, "hw-5"),
        ({"grader": {"assignment": "../x"}}, None),
        ({"grader": 1}, None),
    ],
)
def test_assignment_in_metadata(read_in: Reads, metadata: Any, expected: str | None) -> None:
    """The notebook names its assignment by a plain id, or not at all."""
    assert expected == read_in(notebook(metadata=metadata)).assignment_id


def test_defines(read_in: Reads) -> None:
    """Classes, functions and variables count, in code cells alone and wherever they are indented."""
    source = "class A(nn.Module):\n  pass\nif 1:\n  async  def B(): ...\nC = A\nD: type = A\n"
    source += "E == 1\nF()\n# class G\nxH = 1"
    submission = read_in(notebook(cell(source=source), cell("markdown", "class I:")))
    assert {"A", "B", "C", "D"} == defines(submission, "ABCDEFGHI")


@pytest.mark.parametrize("text", ["a" * 200_000, " " * 200_000, "def " * 50_000, "a:" * 100_000, "async " * 40_000])
def test_hostile_text_takes_no_longer(read_in: Reads, text: str) -> None:
    """No text makes the search for names slow (quadratic time would take minutes here)."""
    assert set() == defines(read_in(notebook(cell(source=text))), ["A"])
