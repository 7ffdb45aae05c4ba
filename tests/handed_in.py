"""Notebooks and files as they are handed in."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.assignment import EssayExercise
from grader.submission import HandIn, Submission, find_answer, read

numbers = itertools.count()


def cell(kind: str = "code", source: Any = "x = 1\n", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": kind,
        "metadata": {},
        "source": source,
        "id": f"id-{next(numbers)}",
    }
    if kind == "code":
        made |= {"outputs": [], "execution_count": None}
    return made | more


def notebook(*cells: Any, **more: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more


def hand_in(tmp_path: Path, content: Any, name: str = "doe.ipynb") -> HandIn:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return HandIn("doe", name, path)


Reads = Callable[..., Submission]


def answer_in(tmp_path: Path, exercise: EssayExercise, *cells: tuple[Any, ...]) -> str | None:
    """The answer found in a notebook of these cells: (kind, source) or (kind, source, grader's metadata)."""
    content = [
        {
            "cell_type": kind,
            "source": source,
            "metadata": {"grader": mark[0]} if mark else {},
            **({"outputs": [], "execution_count": None} if kind == "code" else {}),
        }
        for kind, source, *mark in cells
    ]
    path = tmp_path / "doe.ipynb"
    path.write_text(json.dumps({"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return find_answer(read(HandIn("doe", "doe.ipynb", path)), exercise)
