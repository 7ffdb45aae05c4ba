"""Reading whatever was handed in: it comes out valid, or as a message for the student, and takes no time."""

import json
from typing import Any

import nbformat
import pytest
from handed_in import cell, hand_in, notebook
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import SubmissionError
from grader.submission import read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "cells",
        "cell_type",
        "metadata",
        "source",
        "outputs",
        "execution_count",
        "id",
        "output_type",
        "data",
        "text",
        "name",
        "traceback",
        "attachments",
        "nbformat",
        "nbformat_minor",
        "worksheets",
        "input",
        "level",
        "tags",
        "jupyter",
        "execution",
        "language_info",
        "kernelspec",
        "grader",
    ]
)
VALUES = st.sampled_from(
    ["code", "markdown", "raw", "heading", "stream", "display_data", "pyout", "error", 3, 4, 5, "a,b"]
)


@settings(max_examples=300)
@given(
    st.binary(max_size=200),
    st.sampled_from(["a.ipynb", "a.py"]),
    st.sampled_from([b"", b"{", b"\xff\xfe", b"# coding: "]),
)
def test_arbitrary_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str, start: bytes) -> None:
    """Arbitrary bytes are a submission or a SubmissionError, nothing else."""
    folder = tmp_path_factory.getbasetemp()
    try:
        read(hand_in(folder, start + content, name))
    except SubmissionError:
        return


@settings(max_examples=400)
@given(st.data())
def test_mutated_notebooks(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A notebook with any value replaced, dropped or added is valid when read, or a SubmissionError."""
    sheet = {
        "cells": [
            {"cell_type": "heading", "level": 1, "source": "T"},
            cell(input="x", outputs=[{"output_type": "pyout"}]),
        ]
    }
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "a"},
        {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
    ]
    content: Any = notebook(cell("markdown", attachments={"a": {"image/png": "x"}}), cell(outputs=outputs), cell("raw"))
    if data.draw(st.booleans()):
        content = {"worksheets": [sheet], "nbformat": 3, "metadata": {}}
    for _ in range(data.draw(st.integers(1, 5))):
        mutate(content, data)
    folder = tmp_path_factory.getbasetemp()
    try:
        submission = read(hand_in(folder, content))
    except SubmissionError:
        return
    nbformat.validate(submission.notebook)
    assert len(submission.cells) == len(submission.notebook.cells)
    json.dumps(submission.notebook, ensure_ascii=False).encode()


def mutate(content: Any, data: st.DataObject) -> None:
    """Walk down to some list or object in `content` and change one thing there."""
    while True:
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        inner = [key for key in keys if isinstance(content[key], dict | list)]
        if not inner or not data.draw(st.integers(0, 3)):
            break
        content = content[data.draw(st.sampled_from(inner))]
    value = data.draw(VALUES | JSON)
    if isinstance(content, list):
        content.insert(data.draw(st.integers(0, len(content))), value)
    elif keys and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            del content[key]
        else:
            content[key] = value
    else:
        content[data.draw(KEYS)] = value
