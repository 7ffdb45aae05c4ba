"""`assignment.toml` as text: what is read by `tomllib`, written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

_LONG = 100  # characters from which on a list stands on several lines
Table = Mapping[str, Any]


def spec_text(spec: Table, head: Sequence[str] = (), remarks: Mapping[str, Sequence[str]] | None = None) -> str:
    """The text of an assignment: its values, then its tables, then its exercises.

    Args:
        head: lines of comment at the top.
        remarks: lines of comment above an exercise, by its id.
    """
    lines = [*_comment(head)]
    if lines:
        lines.append("")
    lines += [f"{_key(key)} = {_value(value)}" for key, value in spec.items() if not isinstance(value, dict | list)]
    for key, value in spec.items():
        if isinstance(value, dict):
            lines += ["", f"[{_key(key)}]", *(f"{_key(name)} = {_value(each)}" for name, each in value.items())]
    for exercise in spec.get("exercise", ()):
        lines += ["", "", *_comment((remarks or {}).get(exercise["id"], ())), *_exercise(exercise)]
    return "\n".join(lines) + "\n"


def _comment(lines: Sequence[str]) -> Iterator[str]:
    for text in lines:
        for line in text.split("\n"):
            # A control character would end the comment, or the file.
            yield f"# {''.join(sign if sign.isprintable() else ' ' for sign in line)}".rstrip()


def _exercise(exercise: Table) -> Iterator[str]:
    yield "[[exercise]]"
    for key, value in exercise.items():
        if not _is_tables(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in exercise.items():
        for table in value if _is_tables(value) else ():
            yield from (
                "",
                f"[[exercise.{_key(key)}]]",
                *(f"{_key(name)} = {_value(each)}" for name, each in table.items()),
            )


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case datetime():
            return value.isoformat()
        case str():
            # TOML's strings are JSON's, but for one character that JSON leaves alone.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case dict():
            inside = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            items = [_value(each) for each in value]
            line = f"[{', '.join(items)}]"
            return line if len(line) <= _LONG else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    raise TypeError(f"{type(value).__name__} has no place in an assignment")


def _key(key: str) -> str:
    return key if key and all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in key) else _value(key)
