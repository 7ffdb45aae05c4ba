"""Notebooks of other graders to import, and what is done with what comes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from walls import wall

from grader.assignment import Assignment, Limits, load_assignment
from grader.pipeline import Grader, Settings
from grader.submission import find
from grader.verdict import Report


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
