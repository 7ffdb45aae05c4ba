"""nbgrader's source notebook, or the version that it releases: what each cell is stands in its metadata.

solution          an answer that tests mark; without markers the whole cell is the solution
grade             tests, with points
solution, grade   an answer that a human marks
task              something that a human marks, whatever cells it is answered in
locked            to be read; nothing of ours keeps students from changing it
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.importing.nouns import (
    Imported,
    Question,
    Test,
    find_notebook,
    mark_answer,
    require_python,
    settle_answers,
    title_of,
    words_of,
)
from grader.stripping import read_notebook


def read_nbgrader(path: Path) -> Imported:
    """Read a notebook, or the only one of a folder.

    Raises:
        UsageError, AssignmentError: there is none that can be read, or it is in another language.
    """
    path = find_notebook(path)
    notebook = read_notebook(path)
    require_python(notebook, path)
    imported = Imported("nbgrader", path, title_of(notebook, path), notebook)
    _Reader(imported).read()
    imported.name_questions()
    settle_answers(imported)
    return imported


@dataclass(frozen=True)
class _Mark:
    """The metadata of a cell, as far as it is used."""

    grade_id: str
    points: float
    grade: bool
    solution: bool
    task: bool


class _Reader:
    def __init__(self, imported: Imported) -> None:
        self._imported = imported
        self._said = ""  # the last words before a question
        self._solutions: list[int] = []  # cells that the tests below them are about
        self._tested = False  # did tests follow these?

    def read(self) -> None:
        marks = [self._mark(number, cell) for number, cell in self._cells()]
        if not any(marks):
            self._imported.leave("the notebook", "no cell has nbgrader's metadata: nothing is asked in it")
        for (number, cell), mark in zip(self._cells(), marks, strict=True):
            self._read_cell(number, cell, mark)

    def _cells(self) -> list[tuple[int, dict[str, Any]]]:
        return list(enumerate(self._imported.notebook["cells"], start=1))

    def _read_cell(self, number: int, cell: dict[str, Any], mark: _Mark | None) -> None:
        code = cell["cell_type"] == "code"
        is_test = mark is not None and mark.grade and not mark.solution
        if code and not is_test:
            self._imported.code.append((number, cell["source"]))
        if mark is None or not (mark.grade or mark.solution or mark.task):
            if cell["cell_type"] == "markdown":
                self._said = cell["source"]
            return
        if mark.task or (mark.grade and mark.solution):
            question = Question(mark.grade_id, f"cell {number}", mark.points, manual=True, task=words_of(self._said))
            if mark.task:
                question.task = words_of(cell["source"])
                self._imported.leave(
                    f"cell {number}", f"{mark.grade_id}: a task is answered in whatever cells; a human looks for them"
                )
            elif code:
                self._imported.leave(
                    f"cell {number}", f"{mark.grade_id}: the answer is code, which a human reads in the notebook"
                )
            else:
                mark_answer(cell, question)
            self._imported.questions.append(question)
        elif mark.solution:
            self._solutions = [number] if self._tested else [*self._solutions, number]
            self._tested = False
        else:
            self._tested = True
            test = Test(mark.grade_id, cell["source"], f"cell {number}", "BEGIN HIDDEN TESTS" in cell["source"])
            self._imported.questions.append(
                Question(
                    mark.grade_id,
                    f"cell {number}",
                    mark.points,
                    task=words_of(self._said),
                    solutions=list(self._solutions),
                    tests=[test],
                )
            )

    def _mark(self, number: int, cell: dict[str, Any]) -> _Mark | None:
        told = cell["metadata"].get("nbgrader")
        if not isinstance(told, dict):
            return None
        where = f"cell {number}"
        is_graded = told.get("grade") is True or told.get("task") is True
        points = _points(told.get("points")) if is_graded else 0.0
        if points is None:
            self._imported.leave(where, f"its points are {told.get('points')!r}, which is no number of points: 0 here")
            points = 0.0
        name = told.get("grade_id")
        if not isinstance(name, str) or not name.strip():
            name = f"cell-{number}"
            if is_graded:
                self._imported.leave(where, f"it has no grade_id, and is called {name}")
        if told.get("grade") is True and told.get("solution") is not True and cell["cell_type"] != "code":
            self._imported.leave(where, f"{name}: tests in a cell that is no code were left out")
            return None
        flags = {key: told.get(key) is True for key in ("grade", "solution", "task")}
        return _Mark(name, points, **flags)


def _points(told: object) -> float | None:
    """As a number; the first versions wrote text."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return 0.0 if told is None else None
    try:
        points = float(told or 0)
    except ValueError:
        return None
    return points if 0 <= points < 1e9 else None
