"""Read one hand-in: any file in, a Submission or one clear SubmissionError out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from grader.errors import SubmissionError
from grader.language import later, say
from grader.submission import nbgrader
from grader.submission.beside import Along
from grader.submission.decode import DOWNLOAD, decode_notebook, decode_script
from grader.submission.endings import SUBMISSION_ENDINGS, ending
from grader.submission.nouns import Cell, HandIn, Submission
from grader.submission.repair import MINOR, Repairs, repair

MAX_BYTES = 50 * 2**20
# Lists and objects take a hundred times the memory of their two characters.
MAX_CONTAINERS = 1_000_000

_AGAIN = later("save it in Jupyter, and hand it in again")
_CLEAR = later("clear the outputs (in Jupyter: Kernel > Restart & Clear Output), save, and hand it in again")
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
# A pair of escaped halves is how some programs write every emoji; a half alone is no character.
_HALVES = re.compile(r"\\u[dD]([89a-fA-F])..(\\u[dD][c-fC-F]..)?", re.DOTALL)
_CONFLICT = re.compile(r"^(?:<<<<<<< |>>>>>>> )", re.MULTILINE)


def read(hand_in: HandIn) -> Submission:
    """Read a notebook or a Python file. Nothing in it is executed or compiled.

    Raises:
        SubmissionError: it cannot be read; says, for the student, what the file is and what to do.
    """
    if hand_in.problem:
        raise SubmissionError(f"{hand_in.file}: {say(hand_in.problem)}")
    try:
        return _read(hand_in)
    except SubmissionError as error:
        raise SubmissionError(f"{hand_in.file}: {error}") from None
    except RecursionError:
        what = say("the file's JSON is nested too deeply; {remedy}", remedy=_CLEAR)
        raise SubmissionError(f"{hand_in.file}: {what}") from None
    except MemoryError:
        what = say("the file needs too much memory; {remedy}", remedy=_CLEAR)
        raise SubmissionError(f"{hand_in.file}: {what}") from None


def _read(hand_in: HandIn) -> Submission:
    data = file_bytes(hand_in.path)
    mended: list[str] = []
    if ending(hand_in.file) in SUBMISSION_ENDINGS and not hand_in.file.casefold().endswith(SUBMISSION_ENDINGS):
        mended.append(say("the file's name ends in another way than {ending}", ending=ending(hand_in.file)))
    if not is_notebook(hand_in.file, data):
        return _script(hand_in, decode_script(data, mended), mended)
    if _is_python(hand_in.file):
        mended.append(say("the file is a notebook, although its name ends in .py"))
    content = _json(decode_notebook(data, mended), mended)
    repairs = Repairs()
    cells, notebook = repair(content, repairs)
    along = _along(hand_in, cells)
    return Submission(
        student=hand_in.student,
        file=hand_in.file,
        cells=cells,
        notebook=notebook,
        repairs=mended + repairs.sentences() + along.said,
        warnings=_oddities(content, cells) + nbgrader.changed(notebook.cells),
        assignment_id=_assignment_id(notebook),
        files=along.files,
    )


def _along(hand_in: HandIn, cells: list[Cell]) -> Along:
    """The files that were handed in beside it and that its code imports. One that cannot be read is none."""
    code = (cell.source for cell in cells if cell.kind == "code") if hand_in.beside else ()
    along = Along((name for name, _ in hand_in.beside), code)
    while wanted := [(name, path) for name, path in hand_in.beside if along.wants(name) and name not in along.left_out]:
        for name, path in wanted:
            try:
                along.take(name, decode_script(file_bytes(path), []))
            except SubmissionError:
                along.take(name, "")
    return along


def is_notebook(name: str, data: bytes) -> bool:
    """Or else a Python file. The name that counts is the student's: what was unpacked from a zip lies under another."""
    return not _is_python(name) or (data.lstrip()[:1] == b"{" and b'"nbformat"' in data)


def _is_python(name: str) -> bool:
    return ending(name) == ".py"


def fingerprint(hand_in: HandIn) -> str:
    """Differs where the file does, or why it cannot be read."""
    try:
        data = b"why " + hand_in.problem.encode() if hand_in.problem else b"file" + file_bytes(hand_in.path)
    except SubmissionError as error:
        data = b"why " + str(error).encode()
    digest = hashlib.sha256(data)
    for name, path in hand_in.beside:
        with contextlib.suppress(SubmissionError):
            digest.update(name.encode() + hashlib.sha256(file_bytes(path)).digest())
    return digest.hexdigest()


def file_bytes(path: Path) -> bytes:
    """What lies at `path`, if it is a file of a size that is read.

    Raises:
        SubmissionError: it is not, or cannot be opened.
    """
    try:
        # Not to wait for ever: somebody may have put a pipe where a file was found.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise SubmissionError(say("it is not a file"))
            if status.st_size > MAX_BYTES:
                what = say(
                    "the file has {size} MB, and at most {most} are read: {remedy}",
                    size=f"{status.st_size / 2**20:.0f}",
                    most=MAX_BYTES // 2**20,
                    remedy=_CLEAR,
                )
                raise SubmissionError(what)
            return file.read(MAX_BYTES)
    except PermissionError:
        what = say("the file may not be read: its permissions do not let the grader open it")
        raise SubmissionError(what) from None
    except OSError as error:
        raise SubmissionError(say("the file cannot be opened: {error}", error=error.strerror or error)) from None


def _json(text: str, repairs: list[str]) -> Any:
    if len(text) > MAX_CONTAINERS and text.count("{") + text.count("[") > MAX_CONTAINERS:
        most = f"{MAX_CONTAINERS:,}"
        what = say("the notebook holds over {most} lists and objects: {remedy}", most=most, remedy=_CLEAR)
        raise SubmissionError(what)
    try:
        content = json.loads(text)
    except ValueError as error:
        try:
            content = json.loads(text, strict=False)
        except ValueError:
            raise SubmissionError(_why_no_json(text, error)) from None
        repairs.append(say("the JSON had line breaks or tabs inside its strings, which were kept"))
    if any(halves[2] is None or halves[1] not in "89abAB" for halves in _HALVES.finditer(text)):
        content, changed = _whole_characters(content)
        if changed:
            repairs.append(say("halves of characters (UTF-16 surrogates) were replaced by �"))
    return content


def _why_no_json(text: str, error: ValueError) -> str:
    if _CONFLICT.search(text):
        return say(
            "the file holds the marks of a merge conflict (<<<<<<<, >>>>>>>): settle the conflict in Git, "
            "check that the notebook opens in Jupyter, and hand it in again"
        )
    if text.lstrip()[:1] != "{":
        return say(
            "the file is not a notebook, whatever its name says: hand in the notebook itself ({how})", how=DOWNLOAD
        )
    if isinstance(error, json.JSONDecodeError):
        rest = text[error.pos :].strip()
        if not rest or error.msg.startswith("Unterminated string"):
            return say(
                "the notebook breaks off in line {line}, it was not saved whole: {remedy}",
                line=error.lineno,
                remedy=_AGAIN,
            )
        return say(
            "the notebook is damaged: line {line}, column {column} is not JSON ({error}): {remedy}",
            line=error.lineno,
            column=error.colno,
            error=error.msg,
            remedy=_AGAIN,
        )
    return say("the notebook is damaged: it holds a number with thousands of digits: {remedy}", remedy=_AGAIN)


def _whole_characters(value: Any) -> tuple[Any, bool]:
    """Without lone surrogates, which no file can hold, and whether there were any. Lists and objects are changed in
    place, for a copy of millions of strings takes a gigabyte."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), True
        return value, False
    changed = False
    if isinstance(value, dict):
        for key in [key for key in value if _whole_characters(key)[1]]:
            value[_whole_characters(key)[0]] = value.pop(key)
            changed = True
    if isinstance(value, dict | list):
        for place, each in value.items() if isinstance(value, dict) else enumerate(value):
            whole, changed_here = _whole_characters(each)
            if changed_here:
                value[place] = whole
                changed = True
    return value, changed


def _script(hand_in: HandIn, text: str, repairs: list[str]) -> Submission:
    """A Python file is one cell, so that line numbers are the file's; `# %%` marks do not cut it."""
    node = NotebookNode(
        cell_type="code", id="cell-1", metadata=NotebookNode(), source=text, outputs=[], execution_count=None
    )
    language = NotebookNode(name="python", pygments_lexer="ipython3")
    notebook = NotebookNode(
        cells=[node], metadata=NotebookNode(language_info=language), nbformat=4, nbformat_minor=MINOR
    )
    along = _along(hand_in, [Cell(1, "code", text)])
    warnings = []
    if len(set(_CONFLICT.findall(text))) == 2:
        warnings.append(say("the file holds lines that look like marks of a merge conflict (<<<<<<<, >>>>>>>)"))
    return Submission(
        student=hand_in.student,
        file=hand_in.file,
        cells=[Cell(1, "code", text)],
        notebook=notebook,
        repairs=repairs + along.said,
        warnings=warnings,
        assignment_id=None,
        files=along.files,
    )


def _oddities(content: dict[str, Any], cells: list[Cell]) -> list[str]:
    warnings = []
    if not any(cell.kind == "code" and cell.source.strip() for cell in cells):
        warnings.append(say("the notebook holds no code"))
    metadata = content.get("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    name = _key(told.get("language_info"), "name") or _key(told.get("kernelspec"), "language")
    if name and name.casefold() not in ("python", "ipython"):
        warnings.append(
            say("the notebook says that its language is {name}, and is graded as Python", name=repr(name[:40]))
        )
    return warnings


def _key(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _assignment_id(notebook: NotebookNode) -> str | None:
    named = notebook.metadata.get("grader", {}).get("assignment")
    return named if isinstance(named, str) and _ID.fullmatch(named) else None
