"""`grader import`: what is read of Python, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from imported import NBGRADER, grade, mark, write
from nbformat.v4 import new_markdown_cell, new_notebook
from typer.testing import CliRunner

from grader.assignment import load_assignment
from grader.cli import app
from grader.errors import AssignmentError, UsageError
from grader.importing import read_nbgrader, read_otter, write_imported
from grader.importing.code import Notebook, calls_of, mentioned
from grader.verdict import Status


@pytest.mark.parametrize(
    ("source", "calls", "others"),
    [
        ("assert f(1, 2) == 3", [{"a": 1, "b": 2}], 0),
        ("f(b=2, a=1); f(1, b=2)", [{"a": 1, "b": 2}], 0),
        ("f([1, [2.5]], 'x')", [{"a": [1, [2.5]], "b": "x"}], 0),
        ("f(-1)", [{"a": -1}], 0),
        ("f(b=2)", [], 1),
        ("f(1, 2, 3)", [], 1),
        ("f(x)", [], 1),
        ("f(None); f((1, 2)); f({1: 2}); f(1e999); f(*[1]); f(**{})", [], 6),
        ("with raises(E):\n    f(1)\ntry:\n    f(2)\nexcept E:\n    pass", [], 0),
        ("x.f(1)", [], 0),
        ("env['f'](1)", [{"a": 1}], 0),
        ("f(", [], 0),
    ],
)
def test_calls_are_taken_where_their_arguments_are_written_out(
    source: str, calls: list[dict[str, Any]], others: int
) -> None:
    found, more = calls_of("f", ["a", "b"], source)
    assert (calls, others) == (found, more)


def test_names_are_found_in_the_order_of_the_text() -> None:
    assert ["b", "a", "c", "env"] == mentioned("b(a)\nenv['c']\nb")


def test_what_a_definition_needs_is_followed() -> None:
    cells = [
        (1, "%matplotlib inline\nimport math, nowhere_at_all\nN = 3\nM = f()"),
        (2, "def g(x):\n    return h(x) + N"),
        (3, "def h(x, y=math.pi):\n    z = x\n    return [z for z in range(y)]"),
        (4, "def bad():\n    return M + zzz"),
    ]
    notebook = Notebook.of(cells)
    parts, missing = notebook.needs("g")
    assert (["math", "N", "g", "h"], []) == ([part.name for part in parts], missing[1:])
    assert {"M", "zzz"} == set(notebook.needs("bad")[1])


def test_nothing_is_written_over(tmp_path: Path) -> None:
    imported = read_nbgrader(write(NBGRADER, tmp_path / "ps1.ipynb"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("mine", "ps1.ipynb", "link"):
        with pytest.raises(UsageError, match="is there already"):
            write_imported(imported, tmp_path / name, "ps1")
    assert {"ps1.ipynb", "mine", "link"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("id_", "why"),
    [("residual-blocks", "there is a shipped assignment"), ("My PS", "cannot be the id"), ("", "cannot be")],
)
def test_ids_that_cannot_be_are_refused(tmp_path: Path, id_: str, why: str) -> None:
    imported = read_nbgrader(write(NBGRADER, tmp_path / "ps1.ipynb"))
    with pytest.raises(UsageError, match=why):
        write_imported(imported, tmp_path / "out", id_)
    assert not (tmp_path / "out").exists()


def test_what_is_no_notebook_of_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read_nbgrader(tmp_path / "nowhere.ipynb")
    with pytest.raises(UsageError, match="holds no notebooks"):
        read_otter(tmp_path)
    (tmp_path / "bad.ipynb").write_text("{")
    with pytest.raises(AssignmentError, match=r"bad\.ipynb: is no notebook"):
        read_nbgrader(tmp_path / "bad.ipynb")
    write(
        new_notebook(metadata={"kernelspec": {"language": "R", "name": "ir", "display_name": "R"}}),
        tmp_path / "r.ipynb",
    )
    with pytest.raises(UsageError, match="its language is 'R'"):
        read_otter(tmp_path / "r.ipynb")
    with pytest.raises(UsageError, match="holds 2 notebooks"):
        read_otter(tmp_path)


def test_the_command_says_what_is_there_and_what_is_left(tmp_path: Path) -> None:
    write(NBGRADER, tmp_path / "ps1.ipynb")
    run = CliRunner().invoke(
        app, ["import", "nbgrader", str(tmp_path / "ps1.ipynb"), "--output", str(tmp_path / "out")]
    )
    assert 0 == run.exit_code, run.output
    assert "  cell 14: plot: the answer is code" in run.stdout
    assert f"  grader check {tmp_path}/out/starter.ipynb --assignment {tmp_path}/out\n" in run.stdout
    again = CliRunner().invoke(app, ["import", "otter", str(tmp_path / "ps1.ipynb"), "--output", str(tmp_path / "out")])
    assert 2 == again.exit_code


def test_hostile_names_do_not_reach_the_files(tmp_path: Path) -> None:
    """Words of the notebook are data in TOML, and one line in Markdown."""
    name = 'a"\n[[exercise]]\nid = "evil"\x1b[31m'
    cells = [
        new_markdown_cell(f"# T\u202e\n{name}"),
        new_markdown_cell("?", **mark(name, "grade", "solution", points=1)),
    ]
    notebook = json.loads(json.dumps(new_notebook(cells=cells)))
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    folder = write_imported(read_nbgrader(tmp_path / "a.ipynb"), tmp_path / "out", None)
    assert 1 == len(load_assignment(folder).exercises)
    assert "\x1b" not in (folder / "IMPORT.md").read_text()
    assert Status.SKIPPED is grade(folder, folder / "starter.ipynb")["starter"].exercises[0].checks[0].status
