"""Report formats, one file each, found by walking this folder.

A file whose name begins with `_` is no format but a part that formats share. Every other file defines exactly
one subclass of `Format`, whose `id` is what `--format` takes.
"""

from __future__ import annotations

import importlib
from functools import cache

from grader.bundled import format_names
from grader.formats._format import Document, Format, Run

__all__ = ["Document", "Format", "Run", "format_names", "formats"]


@cache
def formats() -> dict[str, Format]:
    """One instance of every format, by id, sorted by id."""
    found: dict[str, Format] = {}
    for name in format_names():
        member = _only_format(name)
        if member.id != name:
            raise TypeError(f"grader/formats/{name}.py: the id is {member.id!r}, and should be the file's name")
        found[name] = member()
    return found


def _only_format(name: str) -> type[Format]:
    module = importlib.import_module(f"{__name__}.{name}")
    members = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Format) and value.__module__ == module.__name__
    ]
    if len(members) != 1:
        raise TypeError(f"grader/formats/{name}.py: expected exactly one Format, found {len(members)}")
    return members[0]
