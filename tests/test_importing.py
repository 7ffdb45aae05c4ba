"""`grader import`: what comes of other graders' assignments loads and grades at once, and nothing of them was run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell
from typer.testing import CliRunner
from walls import wall

from grader.assignment import Assignment, FunctionExercise, Limits, PredictExercise, load_assignment
from grader.cli import app
from grader.errors import AssignmentError, UsageError
from grader.importing import read_nbgrader, read_otter, write_imported
from grader.importing.code import Notebook, calls_of, mentioned
from grader.importing.tests import read_test_source, total_points
from grader.pipeline import Grader, Settings
from grader.release import make_bundle
from grader.submission import find
from grader.verdict import Report, Status, SubmissionStatus


def mark(grade_id: str, *flags: str, points: Any = None, version: int = 3) -> dict[str, Any]:
    told = {"schema_version": version, "grade_id": grade_id, "locked": False, "task": False}
    told |= {flag: flag in flags for flag in ("grade", "solution", "task")}
    return {"metadata": {"nbgrader": told | ({} if points is None else {"points": points})}}


SQUARES = """\
def helper(i):
    return i ** 2 + ZERO

def squares(n):
    \"\"\"The first n.\"\"\"
    ### BEGIN SOLUTION
    if n < 1:
        raise ValueError("SECRET")
    return [helper(i) for i in range(1, n + 1)]
    ### END SOLUTION
"""
TESTS = """\
assert squares(1) == [1]
### BEGIN HIDDEN TESTS
assert squares(11)[-1] == 121, "HIDDEN"
try:
    squares(0)
except ValueError:
    pass
### END HIDDEN TESTS
"""
BLOCK = """\
class Block(nn.Module):
    ### BEGIN SOLUTION
    def forward(self, x):
        return x  # SECRET
    ### END SOLUTION
"""
NBGRADER = new_notebook(
    cells=[
        new_markdown_cell("# Problem set 1 #\n\nHello."),
        new_code_cell("import math\nfrom torch import nn\nZERO = 0"),
        new_markdown_cell("## Squares\nWrite `squares(n)`."),
        new_code_cell(SQUARES, **mark("squares", "solution")),
        new_code_cell(TESTS, **mark("correct_squares", "grade", points=2)),
        new_code_cell("assert squares(n=3) == [1, 4, 9]", **mark("more", "grade", points=1)),
        new_code_cell(BLOCK, **mark("block", "solution")),
        new_code_cell("assert Block(3)(x).shape == x.shape", **mark("test_block", "grade", points=3)),
        new_markdown_cell("How many?"),
        new_code_cell("answer = 42", **mark("answer", "solution")),
        new_code_cell("assert answer == 42", **mark("test_answer", "grade", points="1", version=0)),
        new_markdown_cell("Why?"),
        new_markdown_cell("SECRET", **mark("why", "grade", "solution", points=4)),
        new_code_cell("plot(SECRET)", **mark("plot", "grade", "solution", points=2)),
        new_markdown_cell(
            "Do it.\n\n=== BEGIN MARK SCHEME ===\nSECRET\n=== END MARK SCHEME ===", **mark("task1", "task", points=5)
        ),
        new_code_cell("frame = load(SECRET)", **mark("frame", "solution")),
        new_code_cell("assert len(frame) == 3", **mark("test_frame", "grade", points=1)),
        new_code_cell("assert 1 == 1", **mark("nothing", "grade", points=0.5)),
    ]
)


def write(notebook: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def grade(assignment: Path, *paths: Path) -> dict[str, Report]:
    with (
        Grader(load_assignment(assignment), Settings(wall(), "cpu", 0, Limits())) as grader,
        find(list(paths)) as found,
    ):
        grader.prepare()
        return {Path(each.file).stem: grader.grade(each)[0] for each in found}


def by_id(assignment: Assignment) -> dict[str, Any]:
    return {exercise.id: exercise for exercise in assignment.exercises}


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("nbgrader")
    write(NBGRADER, home / "source" / "ps1.ipynb")
    return write_imported(read_nbgrader(home / "source"), home / "ps1", None)


# ---------------------------------------------------------------------- nbgrader


def test_every_question_of_nbgrader_is_an_exercise_with_its_points(nbgrader: Path) -> None:
    assignment = load_assignment(nbgrader)
    assert ("ps1", "Problem set 1", 18.5 + 1) == (assignment.id, assignment.title, assignment.max_score)
    assert {
        "correct-squares": ("function", 3.0, False),
        "test-block": ("module", 3.0, True),
        "test-answer": ("predict", 1.0, False),
        "why": ("essay", 4.0, False),
        "plot": ("essay", 2.0, False),
        "task1": ("essay", 5.0, False),
        "test-frame": ("predict", 1.0, True),
        "nothing": ("essay", 0.5, False),
    } == {id_: (each.kind, each.max_score, each.withheld) for id_, each in by_id(assignment).items()}


def test_a_solution_is_the_reference_and_calls_in_tests_are_the_cases(nbgrader: Path) -> None:
    exercise = by_id(load_assignment(nbgrader))["correct-squares"]
    assert isinstance(exercise, FunctionExercise)
    assert ("squares", "reference:squares") == (exercise.name, exercise.reference)
    assert [{"n": 1}, {"n": 11}, {"n": 3}] == [case.arguments for case in exercise.cases]
    reference = (nbgrader / "reference.py").read_text()
    assert "BEGIN SOLUTION" not in reference
    assert ["ZERO = 0", "def helper(i):", "def squares(n):"] == [
        line for line in reference.split("\n") if line.startswith(("ZERO", "def"))
    ]
    assert "import math" not in reference


def test_the_starter_has_no_solution_and_no_hidden_test(nbgrader: Path) -> None:
    text = (nbgrader / "starter.ipynb").read_text()
    assert not [word for word in ("SECRET", "HIDDEN", "nbgrader", "answer = 42") if word in text]
    assert "squares(1) == [1]" in text
    assert "SECRET" not in (nbgrader / "assignment.toml").read_text()
    nbformat.validate(nbformat.read(nbgrader / "starter.ipynb", as_version=4))


def test_what_is_left_to_do_is_told_with_its_place(nbgrader: Path) -> None:
    left = (nbgrader / "IMPORT.md").read_text()
    for line in (
        "- cell 5: correct_squares: 1 test, 1 of them hidden: kept in original/tests, and never run",
        "- cell 8: test_block: Block is not compared yet: a module is compared in sizes that only you can choose",
        "- cell 14: plot: the answer is code, which a human reads in the notebook",
        "- cell 15: task1: a task is answered in whatever cells; a human looks for them",
        "- cell 17: test_frame: frame is not compared yet: its solution is no plain number",
        "- cell 18: nothing: its tests name nothing that students define",
    ):
        assert f"{line}\n" in left
    spec = (nbgrader / "assignment.toml").read_text()
    assert '#   Write, in place of `withheld = true`:  reference = "reference:Block"\n' in spec
    assert 3 == spec.count("# TODO: ")


def test_the_original_is_kept_and_never_released(nbgrader: Path) -> None:
    assert (nbgrader.parent / "source" / "ps1.ipynb").read_bytes() == (nbgrader / "original" / "ps1.ipynb").read_bytes()
    assert (
        'assert squares(11)[-1] == 121, "HIDDEN"'
        in (nbgrader / "original" / "tests" / "correct-squares.txt").read_text()
    )
    files = make_bundle(load_assignment(nbgrader)).files
    assert {"README.md", "assignment.toml", "release.json", "starter.ipynb"} == set(files)
    assert b"SECRET" not in b"".join(files.values())


def test_an_import_grades_at_once(nbgrader: Path, tmp_path: Path) -> None:
    """The starter gets nothing, a right answer its points; what nobody can compare yet is pending."""
    starter = nbformat.read(nbgrader / "starter.ipynb", as_version=4)
    for cell in starter.cells:
        if "def squares" in cell.source:
            cell.source = "def squares(n):\n    return [i * i for i in range(1, n + 1)]"
        if "class Block" in cell.source:
            cell.source = "class Block(nn.Module):\n    pass"
        if cell.metadata.get("grader", {}).get("answer") == "why":
            cell.source = "Because it is so."
    starter.cells.append(new_code_cell("answer = 40 + 2\nframe = 3"))
    reports = grade(nbgrader, nbgrader / "starter.ipynb", write(starter, tmp_path / "right.ipynb"))
    assert (SubmissionStatus.GRADED, 0.0) == (reports["starter"].status, reports["starter"].score)
    right = {each.id: each for each in reports["right"].exercises}
    assert {"correct-squares": 3.0, "test-answer": 1.0} == {id_: e.score for id_, e in right.items() if e.score}
    assert "Because it is so." == right["why"].answer
    assert 3 + 4 + 2 + 5 + 1 + 0.5 == reports["right"].pending


@pytest.mark.parametrize(
    ("told", "points", "said"),
    [(-1, 0.0, "its points are -1"), ("many", 0.0, "its points are 'many'"), (None, 0.0, ""), ("2.5", 2.5, "")],
)
def test_points_that_are_none_are_told(tmp_path: Path, told: object, points: float, said: str) -> None:
    cell = new_markdown_cell(
        "?", metadata={"nbgrader": {"grade": True, "solution": True, "points": told, "grade_id": "a"}}
    )
    imported = read_nbgrader(write(new_notebook(cells=[cell]), tmp_path / "a.ipynb"))
    assert [points] == [question.points for question in imported.questions]
    assert said in " ".join(left.what for left in imported.left)


def test_ids_are_ours_and_unique(tmp_path: Path) -> None:
    ids = ["Ex_1", "ex-1", "", "é", "ex 1"]
    cells = [new_markdown_cell("?", **mark(id_, "grade", "solution", points=1)) for id_ in ids]
    folder = write_imported(read_nbgrader(write(new_notebook(cells=cells), tmp_path / "a.ipynb")), tmp_path / "w", None)
    exercises = by_id(load_assignment(folder))
    assert ["ex-1", "ex-1-2", "cell-3", "question-4", "ex-1-3"] == list(exercises)
    # A notebook that nbgrader handed out names the cell as it was, where that is a name to nbgrader.
    assert ["Ex_1", "ex-1", "", "", ""] == [each.grade_id for each in exercises.values()]


def test_a_notebook_that_asks_nothing_still_loads(tmp_path: Path) -> None:
    imported = read_nbgrader(write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "a.ipynb"))
    folder = write_imported(imported, tmp_path / "w", None)
    assert 0 == load_assignment(folder).max_score
    assert "no cell has nbgrader's metadata" in (folder / "IMPORT.md").read_text()


@pytest.mark.parametrize(
    ("solution", "why"),
    [
        ("def f(a):\n    raise NotImplementedError()", "the notebook holds no solution of it"),
        ("def f(a):\n    pass", "the notebook holds no solution of it"),
        ("def f(a):\n    return data[a]", "its solution needs data, which could not be taken along"),
        ("import nowhere_at_all as n\ndef f(a):\n    return n.x", "its solution needs nowhere_at_all"),
        ("data = open('x')\ndef f(a):\n    return data", "its solution needs data"),
    ],
)
def test_a_solution_that_cannot_be_the_reference_is_withheld(tmp_path: Path, solution: str, why: str) -> None:
    cells = [new_code_cell(solution, **mark("f", "solution")), new_code_cell("f(1)", **mark("t", "grade", points=1))]
    folder = write_imported(read_nbgrader(write(new_notebook(cells=cells), tmp_path / "a.ipynb")), tmp_path / "w", None)
    (exercise,) = load_assignment(folder).exercises
    assert ("function", True) == (exercise.kind, exercise.withheld)
    assert f"t: f is not compared yet: {why}" in (folder / "IMPORT.md").read_text()
    assert not (folder / "reference.py").exists()


# ---------------------------------------------------------------------- otter

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


# ---------------------------------------------------------------------- code


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
    assert (calls, others) == ([call.arguments for call in found], more)


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


# ---------------------------------------------------------------------- what is refused


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
