"""A cell's Python as far as it takes to cut something out of it: which lines, in which scope, and is it still valid?"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_CELL_MAGIC = re.compile(r"\s*%%\s*(?P<name>[\w.]+)")
_LINE_MAGIC = re.compile(r"\s*(?:[%!].*|[\w.\[\]()'\"]+\s*\?{1,2}\s*|\?{1,2}[\w.]+.*)$")
_ASSIGNED_MAGIC = re.compile(r"(\s*[\w.,\s]+=\s*)[%!].*$")
# What these are given is no Python.
_OTHER_LANGUAGES = frozenset(
    "bash sh cmd script perl ruby html HTML javascript js latex markdown svg SVG sql cython writefile file".split()
)


@dataclass(frozen=True)
class Comment:
    """A comment, and whether code stands before it on its line (counted from 0)."""

    line: int
    text: str
    behind_code: bool


def cell_magic(source: str) -> str | None:
    """The name of the magic that a cell is handed to, or None."""
    magic = _CELL_MAGIC.match(next((line for line in source.split("\n") if line.strip()), ""))
    return magic["name"] if magic else None


def is_other_language(source: str) -> bool:
    """Is a cell handed to something that takes no Python? A file that is written may be Python, and usually is."""
    name = cell_magic(source)
    if name in ("writefile", "file"):
        first = next(line for line in source.split("\n") if line.strip())
        return not first.rstrip().endswith(".py")
    return name in _OTHER_LANGUAGES


def as_python(source: str) -> str:
    """With IPython's own lines masked, line for line."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        if _CELL_MAGIC.match(line):
            lines[number] = ""
        break
    return "\n".join(map(_masked, lines))


def _masked(line: str) -> str:
    if assigned := _ASSIGNED_MAGIC.match(line):
        return f"{assigned[1]}0"
    if _LINE_MAGIC.match(line) and not line.lstrip().startswith("%="):
        return f"{line[: len(line) - len(line.lstrip())]}pass"
    return line


def parse(source: str) -> ast.Module | None:
    """The cell's syntax tree; None, where it is no valid Python, with IPython's lines or without."""
    return _parsed(source) or _parsed(as_python(source))


def _parsed(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes and comparisons in code that is not ours
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def comments(source: str) -> list[Comment] | None:
    """Every comment, and no text in a string that looks like one; None, where that cannot be told."""
    text = source if _parsed(source) is not None else as_python(source)
    rows, found = text.split("\n"), []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                found.append(Comment(row - 1, token.string, bool(rows[row - 1][:column].strip())))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None
    return found


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All statements, the outer ones first."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def is_in_function(tree: ast.AST, line: int) -> bool:
    """Is a function the innermost scope of this line (counted from 0)?"""
    scopes = [
        node
        for node in statements(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.body[0].lineno <= line + 1 <= (node.end_lineno or 0)
    ]
    inner = max(scopes, key=lambda node: node.lineno, default=None)
    return inner is not None and not isinstance(inner, ast.ClassDef)
