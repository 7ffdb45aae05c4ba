"""Otter's tests: files, the same in a notebook's metadata, and cells. They are parsed, and never run."""

from __future__ import annotations

import ast
import doctest
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.importing.nouns import Test


@dataclass
class TestFile:
    """What a test file says.

    Attributes:
        points: of the question: a number, one for each case, `{"each": …}`, or nothing.
        cases: points of each case, where it has some of its own.
        problem: why it could not be read, or "".
    """

    name: str
    points: Any = None
    tests: list[Test] = field(default_factory=list)
    cases: list[float | None] = field(default_factory=list)
    problem: str = ""


def read_test_file(path: Path) -> TestFile:
    """`tests/q1.py`, of either format."""
    try:
        return read_test_source(path.read_text(encoding="utf-8-sig"), path.stem, f"tests/{path.name}")
    except (OSError, UnicodeDecodeError) as error:
        return TestFile(path.stem, problem=f"it cannot be read: {error}")


def read_test_source(source: str, name: str, where: str) -> TestFile:
    """The text of a test file: `test = {…}`, or functions with the decorator `test_case`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return TestFile(name, problem=f"it is no valid Python: {error}")
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if "test" in values and _literal(values.get("OK_FORMAT")) is not False:
        return read_ok_test(_literal(values["test"]), name, where)
    found = TestFile(_text(_literal(values.get("name"))) or name, _literal(values.get("points")))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (said := _test_case(node)) is not None:
            text = ast.get_source_segment(source, node) or ""
            found.tests.append(Test(node.name, text, where, hidden=said.get("hidden") is True))
            found.cases.append(_number(said.get("points")))
    if not found.tests:
        found.problem = "no test was found in it: neither `test = {…}` of plain values nor a function with @test_case"
    return found


def read_ok_test(test: object, name: str, where: str) -> TestFile:
    """The dictionary of the OK format."""
    if not isinstance(test, dict):
        return TestFile(name, problem="its `test` is no dictionary of plain values")
    found = TestFile(_text(test.get("name")) or name, test.get("points"))
    for suite in _list(test.get("suites")):
        for case in _list(suite.get("cases")) if isinstance(suite, dict) else ():
            if isinstance(case, dict) and isinstance(case.get("code"), str):
                found.tests.append(Test(found.name, _from_doctest(case["code"]), where, case.get("hidden") is True))
                found.cases.append(_number(case.get("points")))
    if not found.tests:
        found.problem = "its `test` has no cases"
    return found


def total_points(points: object, cases: Sequence[float | None]) -> float | None:
    """What a question is worth, by otter's rules; None, where it says something else.

    A number is the total, and cases without points share what the others leave. Without one, the cases' own points are
    added up, or it is one point.
    """
    if isinstance(points, dict):
        each = _number(points.get("each", 1))
        return None if each is None else each * max(1, len(cases))
    if isinstance(points, list):
        each_points = [_number(each) for each in points]
        return sum(each for each in each_points if each is not None)
    if points is not None:
        return _number(points)
    own = [each for each in cases if each is not None]
    return sum(own) if any(own) else 1.0


def _from_doctest(code: str) -> str:
    """The statements of a doctest, without what they print."""
    try:
        return "".join(example.source for example in doctest.DocTestParser().get_examples(code))
    except ValueError:
        return "\n".join(line.lstrip().removeprefix(">>> ").removeprefix("... ") for line in code.split("\n"))


def _test_case(node: ast.FunctionDef) -> dict[str, Any] | None:
    """What the decorator `test_case` is given, or None without one."""
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = call.attr if isinstance(call, ast.Attribute) else call.id if isinstance(call, ast.Name) else ""
        if name == "test_case":
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            return {each.arg: _literal(each.value) for each in keywords if each.arg}
    return None


def _literal(node: ast.AST | None) -> Any:
    try:
        return None if node is None else ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> Iterator[Any]:
    yield from value if isinstance(value, list | tuple) else ()
