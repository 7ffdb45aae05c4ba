"""nbgrader's marks in a notebook: they help to find answers, and no student gains a point by writing them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from receivers import nbgrader_cell
from walls import SharingGrader, wall

from grader.assignment import Assignment, EssayExercise, Limits
from grader.pipeline import Settings
from grader.submission import Submission, find, find_answer, read
from grader.submission.nbgrader import changed, defined_in, mark_of
from grader.verdict import Report

ESSAY = EssayExercise(id="essay", title="Why", kind="essay", points=5, headings=["your answer"])
OTHER = EssayExercise(id="why", title="Why", kind="essay", points=5, grade_id="cell-3f2a")


def mark(grade_id: str, **more: Any) -> dict[str, Any]:
    """Metadata that version 3 of nbgrader's schema allows."""
    found = {"schema_version": 3, "grade_id": grade_id, "grade": False, "solution": False, "locked": False, **more}
    return {"nbgrader": {"task": False, **found}}


def markdown(text: str, **marked: Any) -> NotebookNode:
    return new_markdown_cell(text, metadata=mark(**marked) if marked else {})


def code(text: str, **marked: Any) -> NotebookNode:
    return new_code_cell(text, metadata=mark(**marked) if marked else {})


def handed_in(folder: Path, *cells: NotebookNode) -> Submission:
    """Written, found and read."""
    for cell in cells:
        if "nbgrader" in cell.metadata:
            nbgrader_cell(cell.cell_type, cell.metadata["nbgrader"])
    path = folder / "ada" / "hw.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(new_notebook(cells=list(cells))))
    with find([folder]) as hand_ins:
        return read(hand_ins[0])


# ---------------------------------------------------------------------- written answers


def test_an_answer_is_found_by_its_grade_id(tmp_path: Path) -> None:
    """That of the exercise, or the one that the assignment names."""
    submission = handed_in(
        tmp_path,
        markdown("Something else.", grade_id="other", grade=True, solution=True, points=1),
        markdown("It adds x.", grade_id="essay", grade=True, solution=True, points=9),
        markdown("It need not be learned.", grade_id="cell-3f2a", grade=True, solution=True, points=9),
    )
    assert "It adds x." == find_answer(submission, ESSAY)
    assert "It need not be learned." == find_answer(submission, OTHER)


def test_what_is_locked_is_the_question(tmp_path: Path) -> None:
    """Below a heading too, where the answer's own cell has an id that nobody knows."""
    submission = handed_in(
        tmp_path,
        markdown("## Your answer\n\nThree sentences, please.", grade_id="q", locked=True),
        markdown("It adds x.", grade_id="cell-77", grade=True, solution=True, points=2),
    )
    assert "It adds x." == find_answer(submission, ESSAY)


def test_what_was_handed_out_is_no_answer(tmp_path: Path) -> None:
    submission = handed_in(
        tmp_path, markdown("YOUR ANSWER HERE", grade_id="essay", grade=True, solution=True, points=2)
    )
    assert find_answer(submission, ESSAY) is None


# ---------------------------------------------------------------------- code


def test_the_last_definition_of_the_marked_cell_comes_first() -> None:
    nodes = [
        code("class Other: pass", grade_id="other", solution=True),
        code("class Test: pass", grade_id="block", grade=True, points=3),
        code(
            "def helper(): pass\nclass Conv: pass\nclass Mine(Conv):\n    def run(self): pass",
            grade_id="block",
            solution=True,
        ),
    ]
    assert ["Mine", "Conv"] == defined_in(nodes, {"block"}, ("class",))
    assert ["helper"] == defined_in(nodes, {"block"}, ("function",))
    assert ["Mine", "Conv", "helper"] == defined_in(nodes, {"block"}, ("class", "function"))


SPEC = {
    "id": "hw",
    "title": "HW",
    "exercise": [
        {
            "id": "count",
            "kind": "function",
            "title": "Count",
            "name": "count",
            "grade_id": "count_solution",
            "reference": "answers:count",
            "points": {"values": 4},
            "case": [{"title": "any", "arguments": {"n": {"shape": [], "low": 1, "high": 9, "as": "number"}}}],
        },
        {
            "id": "twice",
            "kind": "function",
            "title": "Twice",
            "name": "twice",
            "reference": "answers:twice",
            "points": {"values": 4},
            "case": [{"title": "any", "arguments": {"n": {"shape": [], "low": 1, "high": 9, "as": "number"}}}],
        },
    ],
}


FOREIGN = "def mine(n):\n    return n + 1\n\ndef twice(n):\n    return 2 * n"


@pytest.fixture
def grade(tmp_path: Path) -> Any:
    """Grades cells as one hand-in."""
    (tmp_path / "answers.py").write_text("def count(n):\n    return n + 1\n\ndef twice(n):\n    return 2 * n\n")
    assignment = Assignment.model_validate({**SPEC, "folder": tmp_path})

    def graded(*cells: NotebookNode) -> Report:
        handed_in(tmp_path / "in", *cells)
        with (
            SharingGrader(assignment, Settings(wall(), "cpu", 0, Limits())) as grader,
            find([tmp_path / "in"]) as hand_ins,
        ):
            grader.prepare()
            return grader.grade(hand_ins[0])[0]

    return graded


def test_an_exercise_is_found_by_its_grade_id(grade: Any) -> None:
    """Under any name; what another exercise asks for stays that one's, and the points are the assignment's."""
    report = grade(
        code(
            "def mine(n):\n    return n + 1\n\ndef twice(n):\n    return 2 * n",
            grade_id="count_solution",
            solution=True,
        ),
        code("assert mine(1) == 2", grade_id="test_count", grade=True, points=50),
    )
    assert (8.0, 8.0) == (report.score, report.max_score)
    assert "mine was taken for count." in report.repairs


def test_without_the_mark_a_foreign_name_is_not_taken(grade: Any) -> None:
    report = grade(code(FOREIGN))
    assert 4.0 == report.score


# ---------------------------------------------------------------------- what was changed, and what is none


def sealed(cell: NotebookNode) -> NotebookNode:
    """With the checksum that nbgrader would write."""
    meta = cell.metadata["nbgrader"]
    locked = not meta["solution"] and (meta["grade"] or meta["locked"])
    seal = hashlib.md5()
    for part in (cell.source, cell.cell_type, str(meta["grade"]), str(meta["solution"]), str(locked), meta["grade_id"]):
        seal.update(part.encode())
    if meta["grade"]:
        seal.update(str(float(meta["points"])).encode())
    meta["checksum"] = seal.hexdigest()
    return cell


def test_a_locked_cell_that_was_changed_is_told(tmp_path: Path) -> None:
    """It costs nothing: whoever changes it could change the checksum as well."""
    kept = sealed(code("assert f(1) == 2", grade_id="test_f", grade=True, points=2))
    edited = sealed(code("assert f(2) == 3", grade_id="test_g", grade=True, points=2))
    edited.source = "pass"
    answered = sealed(code("raise NotImplementedError()", grade_id="f", solution=True))
    answered.source = "def f(x):\n    return x + 1"
    sentence = "cell 2 (test_g) is locked by nbgrader, and differs from what was handed out"
    assert [sentence] == changed([kept, edited, answered])
    assert sentence in handed_in(tmp_path, kept, edited, answered).warnings


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "x",
        [],
        {},
        {"grade_id": 7},
        {"grade_id": ""},
        {"grade_id": "a b"},
        {"grade_id": "x" * 10_000},
        {"grade_id": "<script>"},
    ],
)
def test_what_is_no_mark_of_nbgrader_is_none(metadata: object) -> None:
    node = from_dict({"cell_type": "code", "metadata": {"nbgrader": metadata}, "source": ""})
    assert mark_of(node) is None


@pytest.mark.parametrize("points", [10**400, float("nan"), "9", None, [9], True])
def test_hostile_points_are_no_matter(points: object) -> None:
    marked = {"grade_id": "x", "grade": True, "points": points, "checksum": 5}
    node = from_dict({"cell_type": "code", "metadata": {"nbgrader": marked}, "source": ""})
    found = mark_of(node)
    assert found is not None
    assert found.locked
    assert [] == changed([node])
