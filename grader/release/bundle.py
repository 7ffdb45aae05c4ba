"""All files of a student's copy, as bytes: the same assignment gives the same bytes."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from grader import __version__
from grader.assignment import UNTOLD, Assignment
from grader.errors import AssignmentError, UsageError
from grader.release.public import public_spec
from grader.release.readme import left_to_the_marking, readme
from grader.release.shapes import told_outputs
from grader.specfile import spec_text
from grader.stripping import read_notebook, strip_notebook, write_notebook

MANIFEST = "release.json"
STARTER = "starter.ipynb"
_HEAD = ("The student's copy of this assignment, written by grader. What is right is not in it.",)
_OWN = frozenset({"assignment.toml", STARTER, "README.md", MANIFEST})


@dataclass
class Bundle:
    """A student's copy.

    Attributes:
        files: content by name, with / between folders.
        left: what students cannot check by themselves, by the id of the exercise.
        stripped: numbers of the starter's cells from which solutions were taken out.
        warnings: what the author should look at before handing it out.
    """

    files: dict[str, bytes]
    left: dict[str, str] = field(default_factory=dict)
    stripped: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def make_bundle(assignment: Assignment) -> Bundle:
    """What students get. Nothing is written.

    Raises:
        UsageError: it is a student's copy already, or has no starter.
        AssignmentError: the starter's markers, a reference or a file is wrong; the message says where.
    """
    folder = assignment.folder
    if (folder / MANIFEST).is_file():
        raise UsageError(
            f"{folder} is a student's copy already, and not the assignment: name the folder that it was made of"
        )
    if not (folder / STARTER).is_file():
        raise UsageError(f"{folder} holds no {STARTER}, the notebook that students get: write one first")
    exercises = [each.id for each in assignment.exercises]
    stripped = strip_notebook(read_notebook(folder / STARTER), str(folder / STARTER), exercises)
    spec = public_spec(assignment, told_outputs(assignment))
    files = {
        "README.md": readme(assignment).encode(),
        STARTER: _text(folder / STARTER, write_notebook(stripped.notebook)),
        "assignment.toml": spec_text(spec, _HEAD).encode(),
    }
    warnings = [f"{STARTER}: {warning}" for warning in stripped.warnings]
    references = _references(assignment)
    if assignment.release.reference == "public":
        for path in references:
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    for name in assignment.release.files:
        content, said = _further(assignment, name, references)
        files[PurePosixPath(name).as_posix()] = content
        warnings += said
    files[MANIFEST] = _manifest(assignment, files)
    left = {each.id: left_to_the_marking(each, assignment) for each in assignment.exercises}
    return Bundle(files, {id_: what for id_, what in left.items() if what}, stripped.cells, warnings)


def _manifest(assignment: Assignment, files: dict[str, bytes]) -> bytes:
    """By which a later release knows a former one, and that nobody has written into it since."""
    told = {
        "assignment": assignment.id,
        "grader_version": __version__,
        "files": {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)},
    }
    return (json.dumps(told, indent=2) + "\n").encode()


def _text(path: Path, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise AssignmentError(f"{path}: holds half a character (a UTF-16 surrogate): save it anew") from error


# ---------------------------------------------------------------------- what references are made of


def _references(assignment: Assignment) -> list[Path]:
    """The files of the assignment's folder that its references are in, and those that these import from it."""
    named = sorted(set(_named(assignment.model_dump(mode="json"))))
    todo = [assignment.folder / f"{file}.py" for file in named if file != UNTOLD]
    found: dict[Path, None] = {}
    while todo:
        path = todo.pop(0)
        if path not in found and path.is_file():
            found[path] = None
            todo += _imported(path, assignment.folder)
    return list(found)


def _named(value: Any, key: str = "") -> Iterator[str]:
    """The files that are named as `file:name`."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _named(each, "measures" if key == "measures" else name)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each, key)
    elif isinstance(value, str) and key in ("reference", "data", "measures") and ":" in value:
        yield value.split(":")[0]


def _imported(path: Path, folder: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise AssignmentError(f"{path}: is no valid Python: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (folder / f"{name.split('.')[0]}.py" for name in names)


def _further(assignment: Assignment, name: str, references: list[Path]) -> tuple[bytes, list[str]]:
    """A file that the author names, and what to look at in it."""
    folder = assignment.folder
    where = f"{folder / 'assignment.toml'}: release.files: {name!r}"
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    if not inside or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise AssignmentError(f"{where}: expected a file within the assignment's folder")
    if not path.is_file():
        raise AssignmentError(f"{where}: there is no such file")
    if PurePosixPath(name).as_posix() in _OWN:
        raise AssignmentError(f"{where}: this is written by grader: leave it out")
    if PurePosixPath(name).parts[0] == "examples":
        raise AssignmentError(f"{where}: examples are right and wrong answers, and never given to students")
    if path in references and assignment.release.reference != "public":
        raise AssignmentError(
            f'{where}: this holds a reference, which is secret: leave it out, or say reference = "public"'
        )
    if path.suffix != ".ipynb":
        return path.read_bytes(), []
    stripped = strip_notebook(read_notebook(path), str(path))
    return _text(path, write_notebook(stripped.notebook)), [f"{name}: {warning}" for warning in stripped.warnings]
