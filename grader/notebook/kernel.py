"""What the kernel knows of the notebook that it runs: what is defined, what was run as In [1], In [2], …, and its file.

A kernel never sees the cells of the notebook, only what was sent to it. So cells go by the number that Jupyter puts
beside them when they are run.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from nbformat.v4 import new_notebook

from grader.errors import SubmissionError
from grader.notebook.untouched import running_shell
from grader.submission import Cell, HandIn, Submission, read


@dataclass(frozen=True)
class Notebook:
    """The notebook of this kernel, as far as it has been run.

    Attributes:
        namespace: its global variables.
        defined: the names of those that the student's cells define.
        numbers: of the cells, by the names of files that stand for them in tracebacks; a cell that was run twice has
            the later one.
        executed: what was run; cell number n is In [n].
    """

    namespace: Mapping[str, Any]
    defined: list[str]
    numbers: Mapping[str, int]
    executed: Submission

    @property
    def sources(self) -> list[str]:
        return [cell.source for cell in self.executed.cells]

    def cell_of(self, subject: object) -> int | None:
        """The cell that defined a class or function."""
        parts = [subject, *vars(subject).values()] if isinstance(subject, type) else [subject]
        for part in parts:
            code = getattr(getattr(part, "__func__", part), "__code__", None)
            if code is not None and code.co_filename in self.numbers:
                return self.numbers[code.co_filename]
        return None


def this_notebook() -> Notebook:
    """The notebook that is running; outside of one, what `__main__` defines."""
    shell = running_shell()
    if shell is None:
        namespace = vars(sys.modules["__main__"])
        return Notebook(namespace, _names(namespace, ()), {}, _executed({}, None))
    numbers = dict(getattr(shell.compile, "_filename_map", {}))
    named = _named_in(shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME"))
    return Notebook(
        namespace=shell.user_ns,
        defined=_names(shell.user_ns, shell.user_ns_hidden),
        numbers=numbers,
        executed=_executed(_sources(numbers), named),
    )


def _names(namespace: Mapping[str, Any], hidden: Any) -> list[str]:
    return [name for name in namespace if not name.startswith("_") and name not in hidden]


def _sources(numbers: Mapping[str, int]) -> dict[int, str]:
    """By number, what was run, as IPython keeps it for tracebacks: its history forgets on `%reset`."""
    kept = {number: linecache.cache.get(file) for file, number in numbers.items()}
    return {number: "".join(entry[2]) for number, entry in kept.items() if entry is not None and len(entry) > 2}


def _executed(sources: Mapping[int, str], named: str | None) -> Submission:
    """What was run, as if it had been handed in."""
    return Submission(
        student="you",
        file="this notebook",
        cells=[Cell(n, "code", sources.get(n, "")) for n in range(1, max(sources, default=0) + 1)],
        notebook=new_notebook(),
        repairs=[],
        warnings=[],
        assignment_id=named,
    )


def _named_in(file: object) -> str | None:
    """The assignment that the notebook's metadata name, where the kernel is told which file it runs.

    JupyterLab and VS Code tell it; Colab does not.
    """
    if not isinstance(file, str) or not file.endswith(".ipynb"):
        return None
    try:
        return _read_name(Path(file), Path(file).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=1)
def _read_name(path: Path, changed: int) -> str | None:
    try:
        return read(HandIn("you", path.name, path)).assignment_id
    except SubmissionError:
        return None  # it may be half saved
