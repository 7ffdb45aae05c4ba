"""A whole notebook without its solutions. What is kept is listed here; all else goes, for anything may hold one."""

from __future__ import annotations

import base64
import binascii
import json
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat

from grader.errors import AssignmentError
from grader.stripping.code import DOTS, StrippedText, strip_code
from grader.stripping.markers import MarkerError
from grader.stripping.text import PLACEHOLDER, strip_text

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9 ._+()-]{1,80}")
_ASSIGNMENT = re.compile(r"[a-z0-9-]{1,100}")
_TELLING = 12  # characters from which on a line of a solution is taken for one where it stands elsewhere
# Tags that change how a cell is shown or run, and say nothing else.
_TAGS = frozenset("raises-exception parameters hide-input hide-output hide-cell scroll-output full-width".split())


@dataclass
class Stripped:
    """What is left.

    Attributes:
        notebook: as JSON, with source as text.
        cells: numbers of the cells from which something was taken out, from 1.
        removed: the lines that were taken out.
        warnings: what an author should look at.
    """

    notebook: dict[str, Any]
    cells: list[int] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_notebook(path: Path) -> dict[str, Any]:
    """An author's notebook, as JSON of version 4.

    Raises:
        AssignmentError: it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ids that are missing: there will be some
            notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
            nbformat.validate(notebook)
    except OSError as error:
        raise AssignmentError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # whatever nbformat finds wrong with it
        said = str(error).split("\n", 1)[0]
        raise AssignmentError(f"{path}: is no notebook: {said[:300]}") from error
    content: dict[str, Any] = json.loads(json.dumps(notebook))
    return content


def write_notebook(notebook: dict[str, Any]) -> str:
    """As Jupyter writes it: the same notebook gives the same text."""
    cells = [{**cell, "source": _lines(cell["source"])} for cell in notebook["cells"]]
    return json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def strip_notebook(
    notebook: dict[str, Any], name: str, exercises: Collection[str] = (), numbers: Sequence[int] | None = None
) -> Stripped:
    """A notebook without solutions, hidden tests, outputs, and all metadata that is not known to be harmless.

    Args:
        name: the file's, for messages.
        exercises: ids that a cell may be marked with, as the place of an answer.
        numbers: of the cells, for messages, where some were left out before.

    Raises:
        AssignmentError: markers do not pair up, or a cell would be no valid Python; names file, cell and line.
    """
    kept: list[dict[str, Any]] = []
    found = Stripped({})
    for number, cell in zip(numbers or range(1, len(notebook["cells"]) + 1), notebook["cells"], strict=True):
        try:
            left = _strip_cell(cell)
        except MarkerError as error:
            raise AssignmentError(f"{name}: cell {number}, line {error.line}: {error}{_hint(cell)}") from None
        if left.removed:
            found.cells.append(number)
            found.removed += left.removed
        kept.append(_cell(cell, left.text, number, exercises))
    _unique_ids(kept)
    found.notebook = {"cells": kept, "metadata": _metadata(notebook), "nbformat": 4, "nbformat_minor": 5}
    found.warnings = [*_attachments(notebook["cells"], kept, found.removed), *_told_again(kept, found.removed)]
    return found


def _strip_cell(cell: dict[str, Any]) -> StrippedText:
    code = cell["cell_type"] == "code"
    source = cell["source"]
    left = strip_code(source) if code else strip_text(source)
    mark = cell["metadata"].get("nbgrader")
    if isinstance(mark, dict) and mark.get("solution") is True and left.text == _one_kind(source):
        # As nbgrader does: a solution cell without markers is a solution from its first line to its last.
        return StrippedText(DOTS if code else PLACEHOLDER, left.text.split("\n"))
    return left


def _one_kind(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\r", "\n")


def _hint(cell: dict[str, Any]) -> str:
    if cell["cell_type"] == "raw" and cell["source"].lstrip().startswith("#"):
        return " (a raw cell that marks other cells is otter's: `grader import otter` reads it)"
    return ""


# ---------------------------------------------------------------------- what is kept


def _cell(cell: dict[str, Any], source: str, number: int, exercises: Collection[str]) -> dict[str, Any]:
    kind = cell["cell_type"]
    id_ = cell.get("id")
    kept: dict[str, Any] = {
        "cell_type": kind,
        "id": id_ if isinstance(id_, str) and _CELL_ID.fullmatch(id_) else f"cell-{number}",
        "metadata": _cell_metadata(cell["metadata"], exercises),
        "source": source,
    }
    if kind == "code":
        kept |= {"execution_count": None, "outputs": []}
    return kept


def _unique_ids(cells: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        while cell["id"] in seen:
            cell["id"] = f"cell-{number}" if cell["id"] != f"cell-{number}" else f"cell-{number}-again"
        seen.add(cell["id"])


def _cell_metadata(metadata: dict[str, Any], exercises: Collection[str]) -> dict[str, Any]:
    """Marks of ours, and what Jupyter itself acts upon."""
    kept: dict[str, Any] = {
        name: metadata[name] for name in ("deletable", "editable") if isinstance(metadata.get(name), bool)
    }
    tags = metadata.get("tags")
    if isinstance(tags, list) and (known := [tag for tag in tags if isinstance(tag, str) and tag in _TAGS]):
        kept["tags"] = known
    mark = metadata.get("grader")
    if isinstance(mark, dict):
        own: dict[str, Any] = {}
        if isinstance(mark.get("answer"), str) and mark["answer"] in exercises:
            own["answer"] = mark["answer"]
        if mark.get("prompt") is True:
            own["prompt"] = True
        if own:
            kept["grader"] = own
    return kept


def _metadata(notebook: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, keys in (("kernelspec", ("display_name", "language", "name")), ("language_info", ("name", "version"))):
        told = notebook["metadata"].get(name)
        if isinstance(told, dict):
            plain = {key: told[key] for key in keys if isinstance(told.get(key), str) and _NAME.fullmatch(told[key])}
            if "name" in plain and ("display_name" in plain or name == "language_info"):
                kept[name] = plain
    named = notebook["metadata"].get("grader")
    own = named.get("assignment") if isinstance(named, dict) else None
    if isinstance(own, str) and _ASSIGNMENT.fullmatch(own):
        kept["grader"] = {"assignment": own}
    return kept


def _attachments(cells: list[dict[str, Any]], kept: list[dict[str, Any]], removed: list[str]) -> Iterator[str]:
    """Put pictures back that what is left of their cell still shows; the rest goes."""
    for number, (cell, left) in enumerate(zip(cells, kept, strict=True), start=1):
        shown: dict[str, Any] = {}
        for name, bundle in (cell.get("attachments") or {}).items():
            if f"attachment:{name}" not in left["source"] and f"attachment:{quote(name)}" not in left["source"]:
                continue
            pictures = {mime: data for mime, data in bundle.items() if mime.startswith("image/")}
            if not pictures or any(_tells(data, removed) for data in pictures.values()):
                yield f"cell {number}: the attachment {name!r} was left out: it is no picture, or holds a solution"
                continue
            shown[name] = pictures
        if shown:
            left["attachments"] = shown


def _tells(data: object, removed: list[str]) -> bool:
    """Does a picture hold a line of a solution? An SVG may."""
    text = "".join(data) if isinstance(data, list) else data
    if not isinstance(text, str):
        return True
    try:
        whole = text.encode() + base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError):
        whole = text.encode(errors="replace")
    return any(line.strip().encode() in whole for line in removed if len(line.strip()) >= _TELLING)


def _told_again(cells: list[dict[str, Any]], removed: list[str]) -> Iterator[str]:
    """Lines of a solution that another place hands out: perhaps on purpose."""
    telling = list(dict.fromkeys(line.strip() for line in removed if len(line.strip()) >= _TELLING))
    for number, cell in enumerate(cells, start=1):
        lines = {line.strip() for line in cell["source"].split("\n")}
        again = [line for line in telling if line in lines]
        if again:
            yield f"cell {number} holds a line that was taken out elsewhere as a solution: {again[0][:80]!r}"


def _lines(source: str) -> list[str]:
    """As Jupyter keeps them; a line ends where it does there, and nowhere else."""
    lines = source.split("\n")
    return [line for line in [*(f"{line}\n" for line in lines[:-1]), lines[-1]] if line]
