"""Files of Python that belong to a notebook, in the folder in which its process runs.

`%%writefile` makes them, or they were handed in beside it.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from grader.worker import whereabouts

_AT_HOME = ("/content", "/kaggle/working")  # where Colab and Kaggle run a notebook
# By the paths of the files: the cells that wrote some, and what all are called from where the notebook began.
written: dict[str, int] = {}
_names: dict[str, str] = {}


def write_cell(line: str, cell: str) -> None:
    """`%%writefile block.py`. What is imported from it, and raises, is found at its line of the cell."""
    words = line.replace("'", " ").replace('"', " ").split()
    append = "-a" in words or "--append" in words
    names = [word for word in words if not word.startswith("-")]
    if not names:
        raise ValueError("%%writefile needs the name of a file")
    path = _laid_at(names[-1])
    if path.suffix == ".py" and not append:
        cell = "\n" + cell  # the cell's first line is the magic
        written[str(path)] = whereabouts.cell
    with path.open("a" if append else "w", encoding="utf-8") as file:
        file.write(cell)
    importlib.invalidate_caches()


def offered(names: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """Which of these names are defined in a file that a cell wrote, each with that file and cell."""
    wanted = set(names)
    for path, cell in written.items():
        try:
            tree = ast.parse(Path(path).read_text(encoding="utf-8"))
        except Exception:  # whatever a text can do to the parser
            continue  # nor could it be imported
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        for name in sorted(defined & wanted):
            wanted.remove(name)
            yield name, _names[path], cell


def place(files: Mapping[str, str]) -> None:
    """Lay down what was handed in beside the notebook. What cannot be written is not there to be imported."""
    for name, text in files.items():
        with contextlib.suppress(OSError):
            _laid_at(name).write_text(text, encoding="utf-8")
    if files:
        importlib.invalidate_caches()


def line_of_file(error: BaseException) -> str:
    """Which file of these raised it, and where: "model.py, line 12". "" for what a cell raised."""
    places = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((str(error.filename), error.lineno or 1))
    for file, number in reversed(places):
        if file in _names and file not in written:
            return f"{_names[file]}, line {number}"
        if file.startswith("<cell ") or file in written:
            break
    return ""


def _laid_at(name: str) -> Path:
    """Where a file of this name goes: below the folder of this process, the only one that can be written."""
    home = Path(os.getcwd())
    path = Path(os.path.normpath(home / os.path.expanduser(name)))
    for folder in _AT_HOME:
        if path.is_relative_to(folder):
            path = home / path.relative_to(folder)
    path = path if path.is_relative_to(home) else home / path.name
    _names[str(path)] = str(path.relative_to(home))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
