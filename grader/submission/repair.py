"""Make a valid nbformat 4 notebook of whatever JSON a student handed in, and list what had to be mended.

Every key is looked at once, and only what the format knows is taken over. That costs a fraction of a
validation against the JSON Schema, and its outcome is valid by construction (a test holds it to the schema).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode
from nbformat.v4.convert import upgrade_cell, upgrade_output

from grader.errors import SubmissionError
from grader.language import later, say
from grader.submission.decode import DOWNLOAD
from grader.submission.nouns import Cell, Kind

MAX_CELLS = 5_000
MAX_OUTPUTS = 20_000
MAX_DEPTH = 60  # deeper than any output of a plotting library, far less than what breaks a recursive reader
MINOR = 5  # the newest minor version that is written here

Note = Callable[[str], None]

_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_JSON_MIME = re.compile(r"application/(.*\+)?json")
_CLEAR = later("in Jupyter: Kernel > Restart & Clear Output, save, and hand it in again")


class Repairs:
    """What was mended, once per kind, with the cells it concerns."""

    def __init__(self) -> None:
        self._cells: dict[str, list[int]] = {}

    def add(self, what: str, cell: int | None = None) -> None:
        cells = self._cells.setdefault(what, [])
        if cell is not None and (not cells or cells[-1] != cell):
            cells.append(cell)

    def sentences(self) -> list[str]:
        return [f"{_listed(cells)}: {what}" if cells else what for what, cells in self._cells.items()]


def _listed(cells: list[int], shown: int = 8) -> str:
    if len(cells) == 1:
        return say("cell {cell}", cell=cells[0])
    if len(cells) > shown:
        more = len(cells) - shown
        return say("cells {cells} and {more} more", cells=", ".join(map(str, cells[:shown])), more=more)
    return say("cells {cells} and {last}", cells=", ".join(map(str, cells[:-1])), last=cells[-1])


def repair(content: object, repairs: Repairs) -> tuple[list[Cell], NotebookNode]:
    """The cells, and the same as a valid notebook.

    Raises:
        SubmissionError: it is no notebook, or one that is too large or from the future.
    """
    if not isinstance(content, dict):
        what = say("the file is JSON but not a notebook: hand in the notebook itself ({how})", how=DOWNLOAD)
        raise SubmissionError(what)
    raws = _raw_cells(content, repairs)
    minor = content.get("nbformat_minor")
    if type(minor) is not int:
        repairs.add(say("the notebook did not say which minor version of the format it is in"))
        minor = 0
    cells: list[Cell] = []
    nodes: list[NotebookNode] = []
    ids: set[str] = set()
    for number, raw in enumerate(raws, start=1):
        node = _cell(raw, lambda what, number=number: repairs.add(what, number))  # type: ignore[misc]
        node["id"] = _id(raw, number, minor, ids, repairs)
        nodes.append(node)
        cells.append(Cell(number, node["cell_type"], node["source"]))
    notebook = NotebookNode(
        cells=nodes, metadata=_notebook_metadata(content, repairs), nbformat=4, nbformat_minor=MINOR
    )
    return cells, notebook


def _raw_cells(content: dict[str, Any], repairs: Repairs) -> list[Any]:
    """The cells as they stand in the file; those of versions 2 and 3 already in the shape of version 4."""
    version = content.get("nbformat")
    cells, sheets = content.get("cells"), content.get("worksheets")
    if isinstance(version, int) and version > 4:
        what = say(
            "the notebook is in version {version} of the format, which is newer than the grader knows (4): "
            "open it in Jupyter, save it, and hand it in again",
            version=version,
        )
        raise SubmissionError(what)
    if version == 1:
        what = say(
            "the notebook is in version 1 of the format, from 2011: open it in Jupyter, save it, and hand it in again"
        )
        raise SubmissionError(what)
    if isinstance(cells, list):
        if version != 4:
            repairs.add(say("the notebook did not say that it is in version 4 of the format"))
        return _cut(cells, repairs)
    if isinstance(sheets, list):
        old = f"{version!s:.3}"
        repairs.add(say("the notebook was in version {old} of the format and was brought to version 4", old=old))
        found = [
            cell
            for sheet in sheets
            if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)
            for cell in sheet["cells"]
        ]
        return [_upgraded(cell) for cell in _cut(found, repairs)]
    if "nbformat" in content:
        what = say(
            'the notebook has no list of "cells": it was damaged, or edited by hand; open it in '
            "Jupyter, save it, and hand it in again"
        )
        raise SubmissionError(what)
    raise SubmissionError(say('the file is JSON but not a notebook: it has no "cells" ({how})', how=DOWNLOAD))


def _cut(cells: list[Any], repairs: Repairs) -> list[Any]:
    """Not more than can be read in a moment: of too many outputs the first, for no point hangs on them."""
    if len(cells) > MAX_CELLS:
        what = say(
            "the notebook has {n} cells, and at most {most} are read: delete those that are not part of the homework",
            n=len(cells),
            most=MAX_CELLS,
        )
        raise SubmissionError(what)
    left = MAX_OUTPUTS
    for number, cell in enumerate(cells, start=1):
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        if isinstance(outputs, list):
            if len(outputs) > left:
                most = f"{MAX_OUTPUTS:,}"
                repairs.add(say("had outputs beyond the {most} that are read of a notebook", most=most), number)
                del outputs[left:]
            left -= len(outputs)
    return cells


def _upgraded(cell: Any) -> Any:
    """A cell of version 3 in version 4, by nbformat; unchanged, for the repair to mend, where that fails."""
    if not isinstance(cell, dict):
        return cell
    outputs = cell.get("outputs")
    node = _node({key: value for key, value in cell.items() if key != "outputs"})
    node["outputs"] = []
    for key in ("input", "source"):
        if key in node:
            node[key] = _text(node[key], _ignore)
    if "level" in node:
        node["level"] = _level(node["level"])
    try:
        node = upgrade_cell(node)
    except Exception:  # nbformat assumes that all keys are there and of the right type
        node["source"] = cell.get("input", cell.get("source", ""))
    node.pop("id", None)
    if node.get("cell_type") == "code":
        node["outputs"] = [_upgraded_output(output) for output in outputs] if isinstance(outputs, list) else []
    else:
        node.pop("outputs", None)
    return node


def _upgraded_output(output: Any) -> Any:
    try:
        return upgrade_output(_node(output))
    except SubmissionError:
        raise
    except Exception:  # as above
        return output


def _cell(raw: Any, note: Note) -> NotebookNode:
    if not isinstance(raw, dict):
        note(say("is not a cell and was replaced by an empty one"))
        raw = {"cell_type": "raw", "metadata": {}, "source": ""}
    kind = _kind(raw, note)
    if "source" not in raw:
        note(say("had no source"))
    source = _source(raw.get("source", raw.get("input", "")), note)  # "input" as in version 3
    node = NotebookNode(cell_type=kind, metadata=_cell_metadata(raw, note), source=source)
    if raw.get("cell_type") == "heading" and not source.startswith("#"):
        node["source"] = f"{'#' * _level(raw.get('level'))} {source}"
    if kind == "code":
        if "outputs" not in raw:
            note(say("had no list of outputs"))
        node["outputs"] = _outputs(raw.get("outputs", []), note)
        node["execution_count"] = _count(raw.get("execution_count"))
    elif "attachments" in raw:
        attachments = raw["attachments"]
        if isinstance(attachments, dict):
            node["attachments"] = NotebookNode(
                {str(name): _bundle(bundle, note) for name, bundle in attachments.items()}
            )
        else:
            note(say("had attachments that could not be read"))
    return node


def _kind(raw: dict[str, Any], note: Note) -> Kind:
    kind = raw.get("cell_type")
    match kind:
        case "code" | "markdown" | "raw":
            return kind  # type: ignore[no-any-return]  # narrowed by the pattern
        case "heading" | "html":
            note(say("was of the old kind {kind} and was made a markdown cell", kind=repr(kind)))
            return "markdown"
    if "outputs" in raw or "execution_count" in raw:
        note(say("did not say what kind of cell it is; it was taken for code"))
        return "code"
    note(say("did not say what kind of cell it is; it was taken for text"))
    return "markdown"


def _id(raw: Any, number: int, minor: int, taken: set[str], repairs: Repairs) -> str:
    """The cell's own id, if it has a valid one; cells have had ids since version 4.5."""
    own = raw.get("id") if isinstance(raw, dict) else None
    if isinstance(own, str) and _ID.fullmatch(own) and own not in taken:
        taken.add(own)
        return own
    if minor >= MINOR:
        repairs.add(say("had no valid id, or another cell's"), number)
    made = f"cell-{number}"
    attempt = 1
    while made in taken:
        attempt += 1
        made = f"cell-{number}-{attempt}"
    taken.add(made)
    return made


def _text(value: Any, note: Note) -> str:
    """A text, which notebooks store as a string or as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        lines = [line for line in value if isinstance(line, str)]
        if len(lines) < len(value):
            note(say("had something other than text among its lines"))
        return "".join(lines)
    note(say("had something other than text where text belongs"))
    return ""


def _source(value: Any, note: Note) -> str:
    """The same for code, of which every line but the last has to end somewhere."""
    if isinstance(value, list) and len(value) > 1 and not any("\n" in str(line) for line in value):
        note(say("had lines without line ends, which were put in"))
        value = [f"{line}\n" if isinstance(line, str) else line for line in value]
    return _text(value, note)


def _level(value: Any) -> int:
    return value if type(value) is int and 0 < value < 7 else 1


def _ignore(what: str) -> None:
    """The same will be noted when the upgraded cell is repaired."""


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


_METADATA_IS_VALID: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str) and re.search(r"^.+$", value) is not None,
    "format": lambda value: isinstance(value, str),
    "collapsed": lambda value: isinstance(value, bool),
    "scrolled": lambda value: isinstance(value, bool) or value == "auto",
    "jupyter": lambda value: isinstance(value, dict),
    "execution": lambda value: isinstance(value, dict) and all(isinstance(each, str) for each in value.values()),
    "tags": lambda value: (
        isinstance(value, list)
        and all(isinstance(tag, str) and re.search(r"^[^,]+$", tag) for tag in value)
        and len(set(value)) == len(value)
    ),
}


def _cell_metadata(raw: dict[str, Any], note: Note) -> NotebookNode:
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        note(say("had no metadata"))
        return NotebookNode()
    kept = NotebookNode()
    for key, value in metadata.items():
        is_valid = _METADATA_IS_VALID.get(key)
        if is_valid is not None and not is_valid(value):
            note(say("had {key} in its metadata, with a value that the format does not allow", key=repr(key)))
        else:
            kept[key] = _node(value)
    return kept


def _notebook_metadata(content: dict[str, Any], repairs: Repairs) -> NotebookNode:
    """Only what is needed to show the notebook. The rest, from widgets' state to a site's own, is not."""
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        repairs.add(say("the notebook had no metadata"))
        metadata = {}
    kept = NotebookNode(language_info=NotebookNode(name="python", pygments_lexer="ipython3"))
    kernel = metadata.get("kernelspec")
    if isinstance(kernel, dict):
        name, title = kernel.get("name"), kernel.get("display_name")
        if isinstance(name, str):
            kept["kernelspec"] = NotebookNode(name=name, display_name=title if isinstance(title, str) else name)
    if isinstance(metadata.get("title"), str):
        kept["title"] = metadata["title"]
    if isinstance(metadata.get("grader"), dict):
        kept["grader"] = _node(metadata["grader"])
    return kept


def _outputs(value: Any, note: Note) -> list[NotebookNode]:
    if not isinstance(value, list):
        note(say("had outputs that could not be read"))
        return []
    outputs = []
    for each in value:
        output = _output(each, note) if isinstance(each, dict) else None
        if output is None:
            note(say("had an output that could not be read"))
        else:
            outputs.append(output)
    return outputs


def _output(raw: dict[str, Any], note: Note) -> NotebookNode | None:
    kind = raw.get("output_type")
    if kind == "stream":
        name = raw.get("name")
        return NotebookNode(
            output_type=kind,
            name=name if isinstance(name, str) else "stdout",
            text=_text(raw.get("text"), note),
        )
    if kind in ("display_data", "execute_result"):
        metadata = raw.get("metadata")
        output = NotebookNode(
            output_type=kind,
            data=_bundle(raw.get("data"), note),
            metadata=_node(metadata) if isinstance(metadata, dict) else NotebookNode(),
        )
        if kind == "execute_result":
            output["execution_count"] = _count(raw.get("execution_count"))
        return output
    if kind == "error":
        traceback = raw.get("traceback")
        return NotebookNode(
            output_type=kind,
            ename=str(raw.get("ename", "")),
            evalue=str(raw.get("evalue", "")),
            traceback=[line for line in traceback if isinstance(line, str)] if isinstance(traceback, list) else [],
        )
    return None


def _bundle(value: Any, note: Note) -> NotebookNode:
    """The same content in several formats, by MIME type."""
    if not isinstance(value, dict):
        note(say("had an output without its data"))
        return NotebookNode()
    return NotebookNode(
        {mime: _node(data) if _JSON_MIME.fullmatch(mime) else _text(data, note) for mime, data in value.items()}
    )


def _node(value: Any, depth: int = 0) -> Any:
    """As nbformat's own `from_dict`, and it refuses what would break every recursive reader after it."""
    if depth > MAX_DEPTH:
        what = say("the notebook's outputs or metadata are nested too deeply: clear them ({how})", how=_CLEAR)
        raise SubmissionError(what)
    if isinstance(value, dict):
        return NotebookNode({key: _node(each, depth + 1) for key, each in value.items()})
    if isinstance(value, list):
        return [_node(each, depth + 1) for each in value]
    return value
