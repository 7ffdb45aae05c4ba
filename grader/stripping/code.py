"""A code cell without its solutions, still valid Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.stripping.markers import Kind, MarkerError, Region, find_regions, is_trailing, plain
from grader.stripping.python import (
    Comment,
    comments,
    is_in_function,
    is_other_language,
    parse,
    statements,
)

UNFINISHED = "raise NotImplementedError  # your code here"
DOTS = "...  # your code here"
COMMENT = "# your code here"
# Below a decorator, nothing but a definition will do.
_DEFINITION = ["def your_code(*args, **kwargs):", "    raise NotImplementedError  # your code here"]
_SUFFIX = re.compile(r"\#+\s*SOLUTIONS?(?P<no_prompt>[\s_-]+NO[\s_-]+PROMPT)?\s*[:.!]*\s*$", re.IGNORECASE)
_SUFFIX_AND_MORE = re.compile(r"\#+\s*SOLUTION\b")  # in capitals: what follows may be said of it
_IS_SUFFIX = re.compile(r"(?P<before>.*?)(?P<comment>\#+\s*SOLUTIONS?\b[^'\"]*)$", re.IGNORECASE)


@dataclass(frozen=True)
class _Cut:
    """Lines from first to last, both included, and what may stand in their place: the first that is valid is taken."""

    first: int
    last: int
    choices: list[list[str]]
    removed: list[str]


@dataclass(frozen=True)
class StrippedText:
    """What is left of a cell's source, and what was taken out."""

    text: str
    removed: list[str]


def strip_code(source: str) -> StrippedText:
    """A code cell without its solutions. Line feeds are its line ends, whatever they were.

    Raises:
        MarkerError: its markers do not pair up, or what is left would be no valid Python.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    lines = source.split("\n")
    python = not is_other_language(source)
    said = comments(source) if python else None
    trailing = [each.line for each in said or () if each.behind_code and is_trailing(each.text)]
    if python and said is None:
        trailing = [number for number, line in enumerate(lines) if re.search(r"\S.*#+\s*(BEGIN|END)\s+SOL", line)]
    regions = find_regions(lines, trailing)
    cuts = [_cut(lines, region, python=python, behind_code=region.last in trailing) for region in regions]
    tree = parse(source) if python else None
    inside = {number for region in regions for number in range(region.first, region.last + 1)}
    if python:
        cuts += _suffixes(lines, tree, said, inside)
    cuts = sorted(_merged(cuts), key=lambda cut: cut.first, reverse=True)
    for cut in cuts:
        lines[cut.first : cut.last + 1] = _chosen(lines, cut, valid=tree is not None)
    text = "\n".join(lines)
    if tree is not None and parse(text) is None:
        raise MarkerError(cuts[-1].first + 1, "what is left of this cell without its solutions is no valid Python")
    return StrippedText(text, [removed for cut in reversed(cuts) for removed in cut.removed])


# ---------------------------------------------------------------------- regions


def _cut(lines: list[str], region: Region, *, python: bool, behind_code: bool) -> _Cut:
    between = lines[region.first + 1 : region.last]
    # The last line of a solution may have the marker behind it.
    removed = [*between, lines[region.last]] if behind_code else between
    if region.kind is Kind.PROMPT:
        return _Cut(region.first, region.last, [between], [])
    indents = dict.fromkeys([_indent_of_code(between), _indent(lines[region.first])])
    wanted = region.kind is Kind.SOLUTION and region.prompt
    if not python:
        sign = re.match(r"\s*(#+|//+|--+|%+|;+)", lines[region.first])
        stub = f"{_indent(lines[region.first])}{sign[1] if sign else '#'} your code here"
        return _Cut(region.first, region.last, [[stub] if wanted else []], removed)
    if region.kind is not Kind.SOLUTION:
        return _Cut(
            region.first, region.last, [[], *([f"{indent}pass"] for indent in indents if indent is not None)], removed
        )
    stubs: list[list[str]] = [] if wanted else [[]]
    for indent in indents:
        if indent is not None:
            stubs += [[indent + UNFINISHED], [indent + DOTS]]
    for indent in indents:
        if indent is not None:
            stubs += [[f"{indent}...,  {COMMENT}"], [indent + line for line in _DEFINITION], [indent + COMMENT]]
    return _Cut(region.first, region.last, stubs, removed)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _indent_of_code(lines: list[str]) -> str | None:
    """That of the first line of code: a marker need not stand where the block does."""
    return next((_indent(line) for line in lines if line.strip() and not line.lstrip().startswith("#")), None)


def _chosen(lines: list[str], cut: _Cut, *, valid: bool) -> list[str]:
    """What stands in the place of a cut."""
    for choice in cut.choices:
        whole = [*lines[: cut.first], *choice, *lines[cut.last + 1 :]]
        tree = parse("\n".join(whole))
        if tree is None:
            continue
        if choice and choice[0].strip() == UNFINISHED and not is_in_function(tree, cut.first):
            continue  # in a class or a cell it would end the definition, or the notebook
        return choice
    if len(cut.choices) == 1 or not valid:
        return cut.choices[0]
    raise MarkerError(
        cut.first + 1, "nothing can stand in the place of this solution so that the cell is still valid Python"
    )


# ---------------------------------------------------------------------- lines that end in # SOLUTION


def _suffixes(
    lines: list[str], tree: ast.Module | None, said: list[Comment] | None, inside: set[int]
) -> Iterator[_Cut]:
    for number, comment, code_before in _solution_comments(lines, said):
        if number in inside:
            continue
        mark = plain(comment)
        ended = _SUFFIX.match(mark)
        if ended is None and not _SUFFIX_AND_MORE.match(mark):
            continue
        if not code_before:
            raise MarkerError(
                number + 1,
                f"{mark.strip()[:60]!r} stands alone: put it behind the line that is the solution, or write "
                "BEGIN SOLUTION and END SOLUTION",
            )
        first, last, kept = _statement(lines, tree, number)
        indent = _indent(lines[first])
        choices = [[indent + DOTS]]
        if kept:
            choices.insert(0, [f"{indent}{kept} = {DOTS}"])
        if (ended is not None and ended["no_prompt"]) or "NO PROMPT" in mark:
            choices.insert(0, [])
        yield _Cut(first, last, choices, lines[first : last + 1])


def _solution_comments(lines: list[str], said: list[Comment] | None) -> Iterator[tuple[int, str, bool]]:
    if said is not None:
        yield from ((each.line, each.text, each.behind_code) for each in said)
        return
    for number, line in enumerate(lines):
        if found := _IS_SUFFIX.match(line):
            yield number, found["comment"], bool(found["before"].strip())


def _statement(lines: list[str], tree: ast.Module | None, line: int) -> tuple[int, int, str]:
    """First and last line of the statement that has this line, and the names it is assigned to, if these may stay."""
    if tree is None:
        return line, line, ""
    around = [each for each in statements(tree) if each.lineno <= line + 1 <= (each.end_lineno or 0)]
    if not around:
        return line, line, ""
    inner = max(around, key=lambda each: (each.lineno, each.col_offset))
    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or hasattr(inner, "body"):
        raise MarkerError(
            line + 1,
            "# SOLUTION stands behind the head of a block: write BEGIN SOLUTION above it and END SOLUTION below",
        )
    first, last = inner.lineno - 1, (inner.end_lineno or inner.lineno) - 1
    alone = (
        not any(
            other is not inner
            and not hasattr(other, "body")
            and other.lineno - 1 <= last
            and (other.end_lineno or 0) > first
            for other in statements(tree)
        )
        and not lines[first][: _column(lines[first], inner)].strip()
    )
    return first, last, _target(inner) if alone else ""


def _column(line: str, node: ast.stmt) -> int:
    return len(line.encode()[: node.col_offset].decode(errors="ignore"))


def _target(node: ast.stmt) -> str:
    """The left side of an assignment, where it is made of names and tells nothing."""
    if isinstance(node, ast.Assign) and all(map(_is_plain, node.targets)):
        return " = ".join(ast.unparse(each).removeprefix("(").removesuffix(")") for each in node.targets)
    if isinstance(node, ast.AnnAssign) and _is_plain(node.target):
        return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}"
    return ""


def _is_plain(target: ast.expr) -> bool:
    match target:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _is_plain(value)
        case ast.Subscript(value=value, slice=ast.Constant()):
            return _is_plain(value)
        case ast.Tuple(elts=elements):
            return all(map(_is_plain, elements))
        case _:
            return False


def _merged(cuts: list[_Cut]) -> list[_Cut]:
    """Several marked lines of one statement are one cut."""
    kept: list[_Cut] = []
    for cut in sorted(cuts, key=lambda cut: (cut.first, -cut.last)):
        if kept and cut.first <= kept[-1].last:
            if cut.last > kept[-1].last:
                raise MarkerError(cut.first + 1, "a solution begins within a statement that is one already")
            continue
        kept.append(cut)
    return kept
