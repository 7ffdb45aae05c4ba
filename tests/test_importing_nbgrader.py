"""`grader import` of nbgrader's source notebooks: what comes of them loads and grades at once."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from imported import NBGRADER, by_id, grade, mark, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.assignment import FunctionExercise, load_assignment
from grader.importing import read_nbgrader, write_imported
from grader.release import make_bundle
from grader.verdict import SubmissionStatus


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("nbgrader")
    write(NBGRADER, home / "source" / "ps1.ipynb")
    return write_imported(read_nbgrader(home / "source"), home / "ps1", None)


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
