"""Otter's assignments: a master notebook, or what `otter assign` makes of it, with its tests beside it.

A master notebook cuts itself into blocks by raw cells. `# BEGIN QUESTION` holds YAML with name, points and manual;
within a question stand `# BEGIN PROMPT`, `# BEGIN SOLUTION` and `# BEGIN TESTS`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import yaml

from grader.errors import AssignmentError
from grader.importing.nouns import (
    Imported,
    Question,
    Test,
    cell_number,
    find_notebook,
    mark_answer,
    number_cells,
    require_python,
    settle_answers,
    title_of,
    words_of,
)
from grader.importing.tests import TestFile, read_ok_test, read_test_file, read_test_source, total_points
from grader.stripping import MarkerError, read_notebook, strip_code
from grader.stripping.code import DOTS
from grader.stripping.python import parse
from grader.stripping.text import PLACEHOLDER

_BOUNDARY = re.compile(r"\s*#\s+(begin|end)\s+(question|prompt|solution|tests)\b", re.IGNORECASE)
_CONFIG = re.compile(r"\s*#\s+assignment\s+config\b", re.IGNORECASE)
_IGNORED_CELL = re.compile(r"\s*##+\s*ignore\s*##+\s*$", re.IGNORECASE | re.MULTILINE)
_TEST_CONFIG = re.compile(r"\s*(?:.\s*=\s*)?\"{1,3}\s*#\s*BEGIN\s*TEST\s*CONFIG", re.IGNORECASE)
_TEST_CONFIG_END = re.compile(r"\s*\"{1,3}\s*#\s*END\s*TEST\s*CONFIG", re.IGNORECASE)
_DROPPED_LINE = re.compile(r"#\s?(?:SEED|IGNORE)\s*$")


def read_otter(path: Path) -> Imported:
    """Read a notebook, or the only one of a folder, and the folder `tests` beside it.

    Raises:
        UsageError, AssignmentError: there is none that can be read, its blocks do not fit, or it is in another
            language.
    """
    path = find_notebook(path)
    notebook = read_notebook(path)
    require_python(notebook, path)
    number_cells(notebook)
    imported = Imported("otter", path, title_of(notebook, path), notebook)
    tests = _tests_beside(imported)
    if any(cell["cell_type"] == "raw" and _BOUNDARY.match(cell["source"]) for cell in notebook["cells"]):
        _Master(imported).read()
    else:
        _read_assigned(imported, tests)
    if not imported.questions:
        imported.leave("the notebook", "no question of otter's was found: nothing is asked in it")
    _drop_otters_cells(imported)
    imported.name_questions()
    settle_answers(imported)
    return imported


def _tests_beside(imported: Imported) -> dict[str, TestFile]:
    """Tests in files and in the notebook's metadata, by the name of the question."""
    found: dict[str, TestFile] = {}
    folder = imported.path.parent / "tests"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_symlink() or not path.is_file() or path.name.startswith(("_", ".")):
            continue
        if path.suffix != ".py":
            imported.leave(f"tests/{path.name}", "tests that are no Python were left out")
            continue
        imported.tests[path.name] = path.read_bytes()
        test = read_test_file(path)
        if test.problem:
            imported.leave(f"tests/{path.name}", f"no exercise was made of it: {test.problem}")
            continue
        found[test.name] = test
    told = imported.notebook["metadata"].get("otter")
    inside = told.get("tests") if isinstance(told, dict) else None
    for name, test_ in inside.items() if isinstance(inside, dict) else ():
        where = f"the notebook's metadata, test {name}"
        read = read_test_source(test_, name, where) if isinstance(test_, str) else read_ok_test(test_, name, where)
        if read.problem:
            imported.leave(where, f"no exercise was made of it: {read.problem}")
            continue
        found.setdefault(read.name, read)
    return found


# ---------------------------------------------------------------------- a master notebook


class _Master:
    """Walks the cells of a master notebook, and keeps those that students get."""

    def __init__(self, imported: Imported) -> None:
        self._imported = imported
        self._open: list[tuple[str, int]] = []  # blocks, and the cells in which they begin
        self._kept: list[dict[str, Any]] = []
        self._question: Question | None = None
        self._points: Any = None
        self._cases: list[float | None] = []
        self._prompted = False
        self._said: list[str] = []

    def read(self) -> None:
        for number, cell in enumerate(self._imported.notebook["cells"], start=1):
            if cell["cell_type"] == "raw" and (edge := _BOUNDARY.match(cell["source"])):
                self._boundary(number, cell, edge[1].casefold(), edge[2].casefold())
            elif cell["cell_type"] == "raw" and _CONFIG.match(cell["source"]):
                self._imported.leave(f"cell {number}", "the assignment's config: files, requirements, seeds")
            elif _IGNORED_CELL.match(cell["source"].split("\n", 1)[0]):
                continue
            else:
                self._cell(number, cell)
        if self._open:
            block, number = self._open[-1]
            name = block.upper()
            raise AssignmentError(f"{self._imported.path}: cell {number}: BEGIN {name} without an END {name}")
        self._imported.notebook["cells"] = self._kept

    def _boundary(self, number: int, cell: dict[str, Any], edge: str, block: str) -> None:
        where = f"{self._imported.path}: cell {number}"
        if edge == "end":
            if not self._open or self._open[-1][0] != block:
                raise AssignmentError(f"{where}: END {block.upper()} where no such block is open")
            self._open.pop()
            if block == "question":
                self._end_question()
            return
        depth = 0 if block == "question" else 1
        if len(self._open) != depth:
            inside = f"within {self._open[-1][0].upper()}" if self._open else "outside of a question"
            raise AssignmentError(f"{where}: BEGIN {block.upper()} {inside}")
        self._open.append((block, number))
        if block == "question":
            self._begin_question(number, cell["source"])

    def _begin_question(self, number: int, source: str) -> None:
        config = _yaml(source)
        name = config.get("name")
        if not isinstance(name, str | int) or isinstance(name, bool):
            self._imported.leave(f"cell {number}", "this question has no name that can be read")
            name = f"question-{len(self._imported.questions) + 1}"
        for key in sorted(set(map(str, config)) - {"name", "points", "manual", "export", "check_cell"}):
            self._imported.leave(f"cell {number}", f"{name}: {key[:40]} of its config")
        self._question = Question(str(name), f"cell {number}", 0.0, manual=config.get("manual") is True)
        self._points, self._cases, self._prompted, self._said = config.get("points"), [], False, []

    def _end_question(self) -> None:
        question = self._question
        assert question is not None
        points = total_points(self._points, self._cases)
        if points is None:
            self._imported.leave(question.where, f"{question.name}: points {str(self._points)[:60]!r} : 1 here")
        question.points = 1.0 if points is None else points
        question.task = words_of("\n".join(self._said))
        self._imported.questions.append(question)
        self._question = None

    def _cell(self, number: int, cell: dict[str, Any]) -> None:
        block = self._open[-1][0] if self._open else ""
        code = cell["cell_type"] == "code"
        if code and block != "tests":
            cell["source"] = _without_dropped(cell["source"])
            self._imported.code.append((number, cell["source"]))
        question = self._question
        if question is None or block == "question":
            if question is not None and not code:
                self._said.append(cell["source"])
            self._kept.append(cell)
        elif block == "tests":
            self._test(number, cell, question)
        elif block == "prompt":
            self._prompted = True
            if question.manual and not code:
                mark_answer(cell, question)
            self._kept.append(cell)
        else:
            self._solution(number, cell, question)

    def _solution(self, number: int, cell: dict[str, Any], question: Question) -> None:
        question.solutions.append(number)
        if cell["cell_type"] == "code":
            if not _marks_something(cell["source"]):
                # Otter would show it. It stands in a block of solutions, so it is taken for one.
                self._imported.leave(
                    f"cell {number}",
                    f"{question.name}: no line is marked: the whole cell is the solution",
                )
                cell = {**cell, "source": DOTS}
            elif question.manual:
                self._imported.leave(
                    f"cell {number}", f"{question.name}: the answer is code, which a human reads in the notebook"
                )
            self._kept.append(cell)
        elif not self._prompted:
            self._prompted = True
            answer = {**cell, "cell_type": "markdown", "source": PLACEHOLDER, "metadata": {}, "attachments": {}}
            mark_answer(answer, question)
            self._kept.append(answer)

    def _test(self, number: int, cell: dict[str, Any], question: Question) -> None:
        lines = cell["source"].split("\n")
        hidden = bool(re.match(r"\s*#.*\bhidden\b", lines[0], re.IGNORECASE))
        config: dict[Any, Any] = {}
        if _TEST_CONFIG.match(lines[0]):
            end = next((i for i, line in enumerate(lines) if _TEST_CONFIG_END.match(line)), len(lines) - 1)
            config = _yaml("\n".join(lines[1:end]))
            lines = lines[end + 1 :]
        source = _without_dropped("\n".join(lines))
        points = config.get("points")
        number_ = float(points) if isinstance(points, int | float) and not isinstance(points, bool) else None
        question.tests.append(Test(question.name, source, f"cell {number}", hidden or config.get("hidden") is True))
        self._cases.append(number_)


def _marks_something(source: str) -> bool:
    """Is there a marker in it, so that otter would take something out?"""
    try:
        return bool(strip_code(source).removed) or "BEGIN PROMPT" in source
    except MarkerError:
        return True  # told with its place when the notebook is stripped


def _without_dropped(source: str) -> str:
    """Without the lines that otter keeps for itself: `# SEED` and `# IGNORE`."""
    kept, inside = [], False
    for line in source.split("\n"):
        if re.match(r"\s*#\s*(BEGIN|END)\s+IGNORE\b", line, re.IGNORECASE):
            inside = "begin" in line.casefold()
        elif not inside and not _DROPPED_LINE.search(line):
            kept.append(line)
    return "\n".join(kept)


def _yaml(source: str) -> dict[Any, Any]:
    """YAML of plain values; what is none says nothing."""
    try:
        told = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


# ---------------------------------------------------------------------- what otter assign makes


def _read_assigned(imported: Imported, tests: dict[str, TestFile]) -> None:
    """A student's or an autograder's notebook: a question for each test, and for each part that a human reads."""
    said, manual = "", False
    asked: dict[str, tuple[int, str]] = {}
    solutions: list[int] = []
    belongs: dict[str, list[int]] = {}
    for number, cell in enumerate(imported.notebook["cells"], start=1):
        source = cell["source"]
        if cell["cell_type"] == "code":
            told = cell["metadata"].get("otter")
            own = [name for name in told.get("tests") or () if isinstance(name, str)] if isinstance(told, dict) else []
            for name in [*own, *re.findall(r"\.check\(\s*['\"]([^'\"]+)['\"]", source)]:
                asked.setdefault(name, (number, said))
                belongs.setdefault(name, solutions)
                solutions = []
            if isinstance(told, dict) and told.get("ignore") is True:
                continue
            imported.code.append((number, source))
            solutions = [*solutions, number]
            continue
        if "<!-- BEGIN QUESTION -->" in source:
            manual = True
        answer = re.fullmatch(r"\s*[_*]*type your answer here,? replacing this text\.?[_*]*\s*", source, re.IGNORECASE)
        if answer:
            name = _manual_name(cell, len(imported.questions) + 1)
            question = Question(name, f"cell {number}", 1.0, manual=True, task=words_of(said))
            mark_answer(cell, question)
            imported.questions.append(question)
            imported.leave(f"cell {number}", f"{name}: its points stand in otter's master notebook: 1 here")
        elif cell["cell_type"] == "markdown":
            said = source
    if manual and not any(question.manual for question in imported.questions):
        imported.leave("the notebook", "questions that a human reads, whose places for answers were not found")
    for name, test in tests.items():
        number, words = asked.get(name, (0, ""))
        where = f"cell {number}" if number else f"test {name}"
        points = total_points(test.points, test.cases)
        if points is None:
            imported.leave(where, f"{name}: points {str(test.points)[:60]!r} : 1 here")
        worth = 1.0 if points is None else points
        question = Question(name, where, worth, task=words_of(words), solutions=belongs.get(name, []), tests=test.tests)
        imported.questions.append(question)
    imported.questions.sort(key=lambda question: cell_number(question.where))
    for name, (number, _) in asked.items():
        if name not in tests:
            imported.leave(f"cell {number}", f"{name}: its tests are neither in tests/ nor in the metadata")


def _manual_name(cell: dict[str, Any], number: int) -> str:
    told = cell["metadata"].get("otter")
    names = told.get("tests") if isinstance(told, dict) else None
    return names[0] if isinstance(names, list) and names and isinstance(names[0], str) else f"written-{number}"


def _drop_otters_cells(imported: Imported) -> None:
    """Cells that do nothing but call otter: `grader.check("q1")`, `grader.export()`, the one that starts it."""
    kept = []
    for cell in imported.notebook["cells"]:
        if cell["cell_type"] == "code" and _only_otter(cell["source"]):
            imported.leave(f"cell {cell['number']}", "a cell that calls otter was left out of the starter")
            continue
        kept.append(cell)
    imported.notebook["cells"] = kept


def _only_otter(source: str) -> bool:
    if "otter" not in source and not re.search(r"\bgrader\.(check|check_all|export|run_plugin)\b", source):
        return False
    tree = parse(source)
    return tree is not None and bool(tree.body) and all(_is_otter(node) for node in tree.body)


def _is_otter(node: ast.stmt) -> bool:
    match node:
        case ast.Import(names=names):
            return all(alias.name.split(".")[0] == "otter" for alias in names)
        case ast.ImportFrom(module=str(module)):
            return module.split(".")[0] == "otter"
        case ast.Assign(value=ast.Call(func=ast.Attribute(value=ast.Name(id="otter")))):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="grader")))):
            return True
        case _:
            return False
