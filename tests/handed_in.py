"""Notebooks and files as they are handed in."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.submission import HandIn, Submission

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
