"""Solutions are taken out of notebooks and their Markdown: cells, outputs, metadata, and what is pointed out."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import nbformat
import pytest
from stripped import DOTS, UNFINISHED, notebook

from grader.errors import AssignmentError
from grader.stripping import MarkerError, read_notebook, strip_notebook, strip_text, write_notebook


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("Why?\n\n<!-- BEGIN SOLUTION -->\nSECRET\n<!-- END SOLUTION -->\n", "Why?\n\n*Your answer here*\n"),
        ("Why?\n### BEGIN SOLUTION\nSECRET\n### END SOLUTION\nEnd", "Why?\n*Your answer here*\nEnd"),
        ("<!-- BEGIN SOLUTION\nSECRET\nEND SOLUTION -->", "*Your answer here*"),
        ("- a\n  <!--begin solution-->\n  SECRET\n  <!--end solution-->", "- a\n  *Your answer here*"),
        ("It is <!-- BEGIN SOLUTION -->SECRET<!-- END SOLUTION --> m.", "It is\n*Your answer here*\nm."),
        ("```python\n# BEGIN SOLUTION\nSECRET\n# END SOLUTION\n```", "```python\n*Your answer here*\n```"),
        ("Begin solution by reading.", "Begin solution by reading."),
        ("# Solution\n\nSee below", "# Solution\n\nSee below"),
    ],
)
def test_markdown_gets_a_placeholder(source: str, left: str) -> None:
    assert left == strip_text(source).text
    assert left == strip_text(source.replace("\n", "\r\n")).text


def test_markers_in_markdown_have_to_pair_up() -> None:
    with pytest.raises(MarkerError, match="without an END SOLUTION"):
        strip_text("<!-- BEGIN SOLUTION -->\nSECRET")


def test_a_marker_within_a_line_of_markdown_is_an_error_unless_it_is_spoken_of() -> None:
    with pytest.raises(MarkerError, match="give it a line of its own"):
        strip_text("The answer: BEGIN SOLUTION\nSECRET\nThat was END SOLUTION")
    source = "Write between `### BEGIN SOLUTION` and `### END SOLUTION`."
    assert source == strip_text(source).text


def test_outputs_counts_and_unknown_metadata_go() -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "SECRET"}
    whole = notebook(
        {"source": "f()", "outputs": [output], "execution_count": 7, "metadata": {"jupyter": {"source_hidden": True}}},
        {"source": "g()", "metadata": {"answer": "SECRET", "tags": ["SECRET", "hide-input"], "editable": False}},
        {"cell_type": "markdown", "source": "Why?", "metadata": {"grader": {"answer": "why", "key": "SECRET"}}},
        widgets={"state": "SECRET"},
        otter={"tests": {"q1": "SECRET"}},
        kernelspec={"name": "python3", "display_name": "Python 3", "language": "python", "env": {"KEY": "SECRET"}},
        grader={"assignment": "week-6", "key": "SECRET"},
    )
    left = strip_notebook(whole, "starter.ipynb", ["why"]).notebook
    assert "SECRET" not in write_notebook(left)
    assert [[], []] == [cell["outputs"] for cell in left["cells"][:2]]
    assert [None, None] == [cell["execution_count"] for cell in left["cells"][:2]]
    assert [{}, {"tags": ["hide-input"], "editable": False}, {"grader": {"answer": "why"}}] == [
        cell["metadata"] for cell in left["cells"]
    ]
    assert {"assignment": "week-6"} == left["metadata"]["grader"]
    nbformat.validate(nbformat.from_dict(left))


def test_pictures_stay_that_are_still_shown() -> None:
    picture, secret = (base64.b64encode(data).decode() for data in (b"\x89PNG a picture", b"the SECRET of it all"))
    whole = notebook(
        {
            "cell_type": "markdown",
            "source": "![](attachment:a.png) ![](attachment:c.png)\n### BEGIN SOLUTION\n![](attachment:b.png)\n"
            "the SECRET of it all\n### END SOLUTION",
            "attachments": {
                "a.png": {"image/png": picture, "text/plain": "SECRET"},
                "b.png": {"image/png": picture},
                "c.png": {"image/png": secret},
            },
        }
    )
    left = strip_notebook(whole, "starter.ipynb")
    assert {"a.png": {"image/png": picture}} == left.notebook["cells"][0]["attachments"]
    assert secret not in write_notebook(left.notebook)
    assert any("'c.png' was left out" in warning for warning in left.warnings)


def test_a_solution_cell_of_nbgrader_without_markers_is_one_from_top_to_bottom() -> None:
    mark = {"nbgrader": {"grade": False, "grade_id": "f", "locked": False, "schema_version": 3, "solution": True}}
    whole = notebook(
        {"source": "SECRET = 1", "metadata": mark},
        {"source": "def f():\n    ### BEGIN SOLUTION\n    SECRET\n    ### END SOLUTION", "metadata": mark},
        {"cell_type": "markdown", "source": "SECRET", "metadata": mark},
    )
    left = strip_notebook(whole, "starter.ipynb")
    sources = [cell["source"] for cell in left.notebook["cells"]]
    assert [DOTS, f"def f():\n    {UNFINISHED}", "*Your answer here*"] == sources
    assert [1, 2, 3] == left.cells
    again = strip_notebook(left.notebook, "starter.ipynb")
    assert (left.notebook, []) == (again.notebook, again.cells)


def test_an_error_names_file_cell_and_line() -> None:
    whole = notebook({"source": "x"}, {"cell_type": "markdown", "source": "a\n<!-- END SOLUTION -->"})
    with pytest.raises(AssignmentError, match=r"week/starter.ipynb: cell 2, line 2: END SOLUTION without"):
        strip_notebook(whole, "week/starter.ipynb")


def test_a_raw_cell_of_otters_is_explained() -> None:
    with pytest.raises(AssignmentError, match="grader import otter"):
        strip_notebook(notebook({"cell_type": "raw", "source": "# BEGIN SOLUTION"}), "starter.ipynb")


def test_a_solution_that_stands_elsewhere_too_is_pointed_out() -> None:
    line = "y = relu(branch(x) + x)"
    left = strip_notebook(
        notebook({"source": f"# BEGIN SOLUTION\n{line}\n# END SOLUTION"}, {"source": line}), "s.ipynb"
    )
    assert [f"cell 2 holds a line that was taken out elsewhere as a solution: {line!r}"] == left.warnings


def test_old_notebooks_are_read_and_ids_are_unique(tmp_path: Path) -> None:
    old = {"cells": [{"cell_type": "raw", "metadata": {}, "source": ["a\n", "b"]}] * 2, "metadata": {}, "nbformat": 4}
    (tmp_path / "a.ipynb").write_text(json.dumps({**old, "nbformat_minor": 2}))
    left = strip_notebook(read_notebook(tmp_path / "a.ipynb"), "a.ipynb").notebook
    assert ["cell-1", "cell-2"] == [cell["id"] for cell in left["cells"]]
    assert ["a\n", "b"] == json.loads(write_notebook(left))["cells"][0]["source"]
    (tmp_path / "b.ipynb").write_text("{}")
    with pytest.raises(AssignmentError, match=r"b.ipynb: is no notebook"):
        read_notebook(tmp_path / "b.ipynb")
