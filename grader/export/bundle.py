"""The autograder zip: all that Gradescope needs to grade an assignment, and the same bytes whenever it is built.

setup.sh, run_autograder                what Gradescope runs
requirements.txt, constraints.txt       what setup.sh installs
did_not_finish.json                     the result of a run that never came to its end
settings.json                           what was decided when the zip was built
grader/                                 this package
assignment/, reference/                 what is asked, and the right answers
"""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import grader
from grader.assignment import Assignment, shipped_folder
from grader.errors import OutputError, UsageError
from grader.export.autograder import Settings, did_not_finish
from grader.formats.gradescope import as_text
from grader.whole import replacing_path
from grader.zips import zip_of

SCRIPTS = ("setup.sh", "run_autograder")
_PACKAGE = Path(grader.__file__).parent
_LEFT_OUT = frozenset(["__pycache__", ".ipynb_checkpoints"])


def build(assignment: Assignment, output: Path, settings: Settings, indexes: tuple[str, ...] = ()) -> int:
    """Write the zip; how many files are in it.

    Args:
        indexes: where pip looks beside its own index, for PyTorch's build without CUDA, for instance.

    Raises:
        UsageError: there is a folder in its place.
        OutputError: it cannot be written.
    """
    files = dict(_files(assignment, settings, indexes))
    whole = zip_of(files, compression=zipfile.ZIP_DEFLATED, programs=SCRIPTS)
    try:
        with replacing_path(output) as part:
            part.write_bytes(whole)
    except IsADirectoryError as error:
        raise UsageError(f"--output {output}: this is a folder; name a file") from error
    except OSError as error:
        raise OutputError(f"{output}: cannot be written: {error.strerror or error}") from error
    return len(files)


def _files(assignment: Assignment, settings: Settings, indexes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for name in SCRIPTS:
        yield name, (Path(__file__).parent / "gradescope" / name).read_bytes()
    yield "requirements.txt", _requirements(indexes).encode()
    yield "constraints.txt", _constraints().encode()
    yield "did_not_finish.json", as_text(did_not_finish(assignment)).encode()
    yield "settings.json", (settings.model_dump_json(indent=2) + "\n").encode()
    yield from _below(_PACKAGE, "grader", frozenset(["shipped"]))
    yield from _below(assignment.folder, "assignment", frozenset(["examples"]))
    yield from _below(shipped_folder("reference"), "reference", frozenset())


def _below(folder: Path, name: str, but: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """The files of a folder, except what only its own machine needs and what is asked to be left out."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in but and not any(p in _LEFT_OUT or p.startswith(".") for p in parts):
            yield "/".join((name, *parts)), path.read_bytes()


def _requirements(indexes: tuple[str, ...]) -> str:
    """The libraries that the grader itself needs, none of its extras."""
    lines = [f"--extra-index-url {index}" for index in indexes]
    return "\n".join([*lines, *sorted(needed())]) + "\n"


def needed() -> list[str]:
    """The dependencies: of the checkout where this is one, else of what was installed."""
    declared = _PACKAGE.parent / "pyproject.toml"
    if declared.is_file():
        dependencies: list[str] = tomllib.loads(declared.read_text(encoding="utf-8"))["project"]["dependencies"]
        return dependencies
    return [line for line in importlib.metadata.requires("grader") or [] if not re.search(r";.*\bextra\b", line)]


def _constraints() -> str:
    """The versions that the grader is tested with."""
    for home in (_PACKAGE / "shipped", _PACKAGE.parent):
        if (home / "constraints.txt").is_file():
            return (home / "constraints.txt").read_text(encoding="utf-8")
    return ""
