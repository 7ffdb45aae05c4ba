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
# Numbers of cells, by the names of the files that they wrote.
written: dict[str, int] = {}
_laid: set[str] = set()  # the names of the others


def write_cell(line: str, cell: str) -> None:
    """`%%writefile block.py`. What is imported from it, and raises, is found at its line of the cell."""
    words = line.replace("'", " ").replace('"', " ").split()
    append = "-a" in words or "--append" in words
    names = [word for word in words if not word.startswith("-")]
    if not names:
        raise ValueError("%%writefile needs the name of a file")
    path = _here(names[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".py" and not append:
        cell = "\n" + cell  # the cell's first line is the magic
        written[str(path)] = whereabouts.cell
    if str(path) not in written:
        _laid.add(str(path))
    with path.open("a" if append else "w", encoding="utf-8") as file:
        file.write(cell)
    importlib.invalidate_caches()


def offered(names: Iterable[str]) -> Iterator[tuple[str, str, int]]:
    """Which of these names are defined in a file that a cell wrote, each with that file and cell."""
    home, wanted = Path(os.getcwd()), set(names)
    for path, cell in written.items():
        file = Path(path)
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue  # nor could it be imported
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        for name in sorted(defined & wanted):
            wanted.remove(name)
            yield name, str(file.relative_to(home)), cell


def place(files: Mapping[str, str]) -> None:
    """Lay down what was handed in beside the notebook. What cannot be written is not there to be imported."""
    for name, text in files.items():
        path = _here(name)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            _laid.add(str(path))
    if files:
        importlib.invalidate_caches()


def line_of_file(error: BaseException) -> str:
    """Which file of these raised it, and where: "model.py, line 12". "" for what a cell raised."""
    places = [(frame.f_code.co_filename, number) for frame, number in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((str(error.filename), error.lineno or 1))
    home = os.getcwd() + os.sep
    for file, number in reversed(places):
        if file in _laid and file not in written:
            return f"{file.removeprefix(home)}, line {number}"
        if file.startswith("<cell ") or file in written:
            break
    return ""


def _here(name: str) -> Path:
    """Below the folder of this process, the only one that can be written."""
    home = Path(os.getcwd())
    path = Path(os.path.normpath(home / os.path.expanduser(name)))
    for folder in _AT_HOME:
        if path.is_relative_to(folder):
            path = home / path.relative_to(folder)
    return path if path.is_relative_to(home) else home / path.name
