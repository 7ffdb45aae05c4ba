"""`grader import` of otter's notebooks and tests: what comes of them loads and grades, and nothing of them was run."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from imported import by_id, grade, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grader.assignment import PredictExercise, load_assignment
from grader.errors import AssignmentError
from grader.importing import read_nbgrader, read_otter, write_imported
from grader.importing.tests import read_test_source, total_points
from grader.verdict import SubmissionStatus

OTTER = new_notebook(
    cells=[
        new_raw_cell("# ASSIGNMENT CONFIG\nrequirements: r.txt"),
        new_markdown_cell("# HW 1"),
        new_code_cell("## Ignore ##\nSECRET"),
        new_code_cell("import math\nmath.seed(42) # SEED\nmath.SECRET # IGNORE"),
        new_raw_cell("# BEGIN QUESTION\nname: q1\npoints: 3"),
        new_markdown_cell("Write `square`."),
        new_raw_cell("# BEGIN SOLUTION"),
        new_code_cell(
            "def square(x):\n    y = x * x # SOLUTION NO PROMPT\n    return y # SOLUTION\n\nnine = square(3) # SOLUTION"
        ),
        new_raw_cell("# END SOLUTION"),
        new_raw_cell("# BEGIN TESTS"),
        new_code_cell("square(3) == 9"),
        new_code_cell("# HIDDEN\nsquare(2.5)"),
        new_code_cell('""" # BEGIN TEST CONFIG\npoints: 1\nhidden: true\n""" # END TEST CONFIG\nsquare(x=-1)'),
        new_raw_cell("# END TESTS"),
        new_raw_cell("# END QUESTION"),
        new_raw_cell("# begin question\nname: q2\nmanual: true\npoints: 2"),
        new_markdown_cell("Explain."),
        new_raw_cell("# BEGIN SOLUTION"),
        new_markdown_cell("SECRET"),
        new_raw_cell("# END SOLUTION"),
        new_raw_cell("# END QUESTION"),
        new_raw_cell("# BEGIN QUESTION\nname: q3\npoints: {each: 2}"),
        new_raw_cell("# BEGIN SOLUTION"),
        new_code_cell("shape = (1, 2)\nSECRET = 1"),
        new_raw_cell("# END SOLUTION"),
        new_raw_cell("# BEGIN TESTS"),
        new_code_cell("shape[0] == 1"),
        new_code_cell("shape[1] == 2"),
        new_raw_cell("# END TESTS"),
        new_raw_cell("# END QUESTION"),
    ]
)


def test_a_master_notebook_of_otters(tmp_path: Path) -> None:
    folder = write_imported(read_otter(write(OTTER, tmp_path / "hw01.ipynb")), tmp_path / "hw01", None)
    exercises = by_id(load_assignment(folder))
    assert {"q1": ("function", 3.0), "q2": ("essay", 2.0), "q3": ("predict", 4.0)} == {
        id_: (each.kind, each.max_score) for id_, each in exercises.items()
    }
    assert [{"x": 3}, {"x": 2.5}, {"x": -1}] == [case.arguments for case in exercises["q1"].cases]
    assert isinstance(exercises["q3"], PredictExercise)
    assert [1, 2] == exercises["q3"].value
    starter = nbformat.read(folder / "starter.ipynb", as_version=4)
    assert [
        "# HW 1",
        "import math",
        "Write `square`.",
        "def square(x):\n    ...  # your code here\n\nnine = ...  # your code here",
        "Explain.",
        "*Your answer here*",
        "...  # your code here",
    ] == [cell.source for cell in starter.cells]
    assert "q2" == starter.cells[5].metadata.grader.answer
    left = (folder / "IMPORT.md").read_text()
    assert "- cell 5: q1: 3 tests, 2 of them hidden: kept" in left
    assert "- cell 24: q3: no line is marked: the whole cell is the solution" in left
    assert SubmissionStatus.GRADED is grade(folder, folder / "starter.ipynb")["starter"].status


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["# BEGIN QUESTION\nname: a"], "cell 1: BEGIN QUESTION without an END QUESTION"),
        (["# END QUESTION"], "cell 1: END QUESTION where no such block is open"),
        (["# BEGIN SOLUTION"], "cell 1: BEGIN SOLUTION outside of a question"),
        (["# BEGIN QUESTION\nname: a", "# BEGIN QUESTION\nname: b"], "cell 2: BEGIN QUESTION within QUESTION"),
        (["# BEGIN QUESTION\nname: a", "# BEGIN TESTS", "# END QUESTION"], "cell 3: END QUESTION where no such block"),
    ],
)
def test_blocks_that_do_not_fit_are_an_error(tmp_path: Path, cells: list[str], why: str) -> None:
    path = write(new_notebook(cells=[new_raw_cell(cell) for cell in cells]), tmp_path / "a.ipynb")
    with pytest.raises(AssignmentError, match=why):
        read_otter(path)


def test_an_error_in_markers_counts_cells_as_the_author_does(tmp_path: Path) -> None:
    cells = [new_raw_cell("# ASSIGNMENT CONFIG"), new_code_cell("## ignore ##"), new_code_cell("x\n# END SOLUTION")]
    with pytest.raises(AssignmentError, match=r"a\.ipynb: cell 3, line 2: END SOLUTION without"):
        write_imported(read_otter(write(new_notebook(cells=cells), tmp_path / "a.ipynb")), tmp_path / "w", None)
    assert ["a.ipynb"] == [path.name for path in tmp_path.iterdir()]


STUDENT = new_notebook(
    cells=[
        new_code_cell("# Initialize Otter\nimport otter\ngrader = otter.Notebook('hw02.ipynb')"),
        new_markdown_cell("# HW 2"),
        new_markdown_cell("Write `sieve`."),
        new_code_cell("def sieve(n):\n    ..."),
        new_code_cell('grader.check("q1")'),
        new_markdown_cell("<!-- BEGIN QUESTION -->\nWhy?"),
        new_markdown_cell("_Type your answer here, replacing this text._"),
        new_code_cell("x = ..."),
        new_code_cell('grader.check("q3")\ngrader.check("q4")'),
        new_code_cell("grader.export()"),
    ],
    metadata={
        "otter": {
            "OK_FORMAT": True,
            "tests": {"q4": {"name": "q4", "points": [1, 2], "suites": [{"cases": [{"code": ">>> y\n5"}] * 2}]}},
        }
    },
)
EXCEPTION_BASED = """
from otter.test_files import test_case
OK_FORMAT = False
name = "q1"
points = 2
@test_case()
def test_low(sieve):
    assert sieve(1) == set()
@test_case(points=2, hidden=True)
def test_high(env):
    assert env["sieve"](20) == {2, 3}
"""
OK = '''
OK_FORMAT = True
test = {"name": "q3", "points": None, "suites": [{"cases": [{"code": r""">>> x == 3
True""", "hidden": False, "locked": False, "points": 2}], "type": "doctest"}]}
'''


@pytest.fixture
def student(tmp_path: Path) -> Path:
    folder = tmp_path / "hw02"
    write(STUDENT, folder / "hw02.ipynb")
    (folder / "tests").mkdir()
    (folder / "tests" / "q1.py").write_text(EXCEPTION_BASED)
    (folder / "tests" / "q3.py").write_text(OK)
    return folder


def test_a_students_notebook_of_otters_with_its_tests(student: Path, tmp_path: Path) -> None:
    (student / "tests" / "r.R").write_text("test = 1")
    folder = write_imported(read_otter(student), tmp_path / "out", "week-2")
    assignment = load_assignment(folder)
    assert "week-2" == assignment.id
    assert {
        "q1": ("function", 2.0, "sieve"),
        "written-1": ("essay", 1.0, None),
        "q3": ("predict", 2.0, "x"),
        "q4": ("predict", 3.0, "y"),
    } == {id_: (e.kind, e.max_score, getattr(e, "name", None)) for id_, e in by_id(assignment).items()}
    starter = nbformat.read(folder / "starter.ipynb", as_version=4)
    assert not any("grader." in cell.source or "otter" in cell.source for cell in starter.cells)
    assert {"assignment": "week-2"} == starter.metadata.grader
    left = (folder / "IMPORT.md").read_text()
    assert "- tests/r.R: tests that are no Python were left out" in left
    assert EXCEPTION_BASED == (folder / "original" / "tests" / "q1.py").read_text()
    report = grade(folder, folder / "starter.ipynb")["starter"]
    assert (SubmissionStatus.GRADED, 2 + 1) == (report.status, report.pending)


def test_nothing_of_an_import_is_executed(student: Path, tmp_path: Path) -> None:
    """Neither tests nor cells, nor what YAML could construct."""
    touched = tmp_path / "touched"
    evil = f"import pathlib\npathlib.Path({str(touched)!r}).touch()\n"
    for name in ("q1", "q3"):
        (student / "tests" / f"{name}.py").write_text(evil + (student / "tests" / f"{name}.py").read_text())
    (student / "tests" / "evil.py").write_text(f"{evil}test = exec('1')\n")
    (student / "tests" / "conftest.py").write_text(evil)
    write_imported(read_otter(student), tmp_path / "one", "one")
    yaml = f"# BEGIN QUESTION\nname: !!python/object/apply:os.mkdir [{touched}]\n"
    cells = [new_raw_cell(yaml), new_code_cell(evil), new_raw_cell("# END QUESTION")]
    imported = read_otter(write(new_notebook(cells=cells), tmp_path / "two.ipynb"))
    write_imported(imported, tmp_path / "two", None)
    assert ["this question has no name that can be read"] == [left.what for left in imported.left][:1]
    write_imported(read_nbgrader(tmp_path / "two.ipynb"), tmp_path / "three", None)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("points", "cases", "total"),
    [
        (3, [None, 1.0], 3.0),
        (None, [1.0, 2.0, None], 3.0),
        (None, [None, None], 1.0),
        (None, [0.0, None], 1.0),
        ({"each": 2}, [None, None], 4.0),
        ([1, None, 0.5], [None] * 3, 1.5),
        ("three", [], None),
        (-1, [], None),
        (True, [], None),
    ],
)
def test_points_are_added_up_by_otters_rules(points: object, cases: list[float | None], total: float | None) -> None:
    assert total == total_points(points, cases)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = (", "no valid Python"),
        ("x = 1", "no test was found"),
        ("test = {'name': f()}", "no dictionary of plain values"),
        ("test = {'name': 'a', 'suites': 3}", "has no cases"),
        ("\0", "no valid Python"),
    ],
)
def test_a_test_file_that_cannot_be_read_says_why(source: str, problem: str) -> None:
    assert problem in read_test_source(source, "q", "tests/q.py").problem


def test_a_notebook_that_is_none_of_otters_says_so(tmp_path: Path) -> None:
    source = write(new_notebook(cells=[new_code_cell("x = 1")]), tmp_path / "plain.ipynb")
    folder = write_imported(read_otter(source), tmp_path / "plain", None)
    assert "no question of otter's" in (folder / "IMPORT.md").read_text()
