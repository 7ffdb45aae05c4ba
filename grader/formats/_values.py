"""Expected and actual values, shown so that the difference is seen: small tables, or one line of code."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from grader.formats._text import one_line
from grader.language import say

_ROWS = 40
_COLUMNS = 8
_LENGTH = 400
_DEPTH = 4


@dataclass(frozen=True)
class Table:
    """Head and rows of ready text. `differs` has the rows in which the two sides do not agree."""

    head: list[str]
    rows: list[list[str]]
    differs: frozenset[int] = frozenset()
    left_out: int = 0


@dataclass(frozen=True)
class Comparison:
    """Either one table of both sides, or each side by itself as text or as a table."""

    both: Table | None = None
    expected: Table | str | None = None
    actual: Table | str | None = None


def compare(expected: JsonValue, actual: JsonValue) -> Comparison | None:
    """None when there is nothing to show."""
    if expected is None and actual is None:
        return None
    if isinstance(expected, dict) and isinstance(actual, dict):
        return Comparison(both=_side_by_side(expected, actual))
    return Comparison(expected=_shown(expected), actual=_shown(actual))


def _side_by_side(expected: dict[str, JsonValue], actual: dict[str, JsonValue]) -> Table:
    keys = list(dict.fromkeys([*expected, *actual]))
    # What differs is what the reader looks for; when there is too much, it goes first.
    if len(keys) > _ROWS:
        keys.sort(key=lambda key: _same(expected, actual, key))
    rows = [[one_line(key), _cell(expected, key), _cell(actual, key)] for key in keys[:_ROWS]]
    differs = frozenset(i for i, key in enumerate(keys[:_ROWS]) if not _same(expected, actual, key))
    return Table(["", say("Expected"), say("Your code")], rows, differs, max(0, len(keys) - _ROWS))


def _same(expected: dict[str, JsonValue], actual: dict[str, JsonValue], key: str) -> bool:
    return key in expected and key in actual and expected[key] == actual[key]


def _cell(side: dict[str, JsonValue], key: str) -> str:
    return _code(side[key]) if key in side else "-"


def _shown(value: JsonValue) -> Table | str | None:
    if value is None:
        return None
    if isinstance(value, dict) and value:
        rows = [[one_line(key), _code(item)] for key, item in list(value.items())[:_ROWS]]
        return Table([say("Name"), say("Value")], rows, left_out=max(0, len(value) - _ROWS))
    if isinstance(value, list) and value and all(isinstance(item, dict) and item for item in value):
        records = [item for item in value[:_ROWS] if isinstance(item, dict)]
        columns = list(dict.fromkeys(key for record in records for key in record))[:_COLUMNS]
        rows = [[_cell(record, key) for key in columns] for record in records]
        return Table([one_line(column) for column in columns], rows, left_out=max(0, len(value) - _ROWS))
    return _code(value)


def _code(value: JsonValue, depth: int = _DEPTH) -> str:
    """As Python would write it, but floats to six digits; a sentence stays a sentence."""
    return value if isinstance(value, str) and len(value) <= _LENGTH else one_line(_python(value, depth), _LENGTH)


def _python(value: JsonValue, depth: int) -> str:
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"  # and no minus before a zero
    if isinstance(value, str):
        return repr(value[:_LENGTH])
    if isinstance(value, list | dict) and depth == 0:
        return "…"
    if isinstance(value, list):
        items = [_python(item, depth - 1) for item in value[:_ROWS]]
        return "[" + ", ".join(items + ["…"] * (len(value) > _ROWS)) + "]"
    if isinstance(value, dict):
        pairs = [f"{key}: {_python(item, depth - 1)}" for key, item in list(value.items())[:_ROWS]]
        return "{" + ", ".join(pairs + ["…"] * (len(value) > _ROWS)) + "}"
    return str(value)
