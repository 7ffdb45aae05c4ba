"""Whatever is handed in as a notebook: a Submission, or SubmissionError."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from fuzz_mutations import mutated
from fuzz_targets import CORPUS, kept, notebook_target
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.heavy

EXAMPLES = Path(__file__).parents[2] / "assignments" / "residual-blocks" / "examples"
SEEDS = [path.read_bytes() for path in sorted((CORPUS / "notebook").iterdir())]
REAL = sorted((path.read_bytes() for path in EXAMPLES.glob("*.ipynb")), key=len)[:8]

KEYS = (
    "cells cell_type metadata source outputs execution_count attachments id nbformat nbformat_minor worksheets input "
    "output_type name text data ename evalue traceback text/plain text/html image/png application/json "
    "application/x+json "
    "grader assignment answer prompt kernelspec display_name language_info tags collapsed scrolled jupyter execution "
    "level language pyout pyerr png svg html json javascript"
).split()
WORDS = ["code", "markdown", "raw", "heading", "html", "stream", "display_data", "execute_result", "error", "pyout"]
WORDS += ["pyerr", "stdout", "# Answer", "residual-blocks", "x = 1\n", "\ud800", "\0", "", "python", "\ud83d\ude00"]
scalars = st.none() | st.booleans() | st.integers(-2, 6) | st.integers(-(10**40), 10**40) | st.floats()
scalars = scalars | st.sampled_from(WORDS) | st.text(st.characters(), max_size=10)
keys = st.sampled_from(KEYS) | st.text(st.characters(), max_size=5)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=25,
)
texts = st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), max_size=3)


def sometimes(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each of these keys, or not; each of the right type, or not."""
    return st.fixed_dictionaries(
        {}, optional={name.replace("__", "/"): field | anything for name, field in fields.items()}
    )


OUTPUTS = ["stream", "stream", "display_data", "execute_result", "error", "pyout", "pyerr"]
bundles = sometimes(text__plain=texts, text__html=texts, image__png=texts, application__json=anything)
outputs = sometimes(
    output_type=st.sampled_from(OUTPUTS), name=st.just("stdout"), text=texts, data=bundles, metadata=bundles,
    ename=texts, evalue=texts, traceback=texts, png=texts, execution_count=st.integers(0, 9),
)  # fmt: skip
cells = sometimes(
    cell_type=st.sampled_from(["code", "code", "markdown", "raw", "heading", "html"]), source=texts, input=texts,
    outputs=st.lists(outputs, max_size=3),
    metadata=sometimes(grader=sometimes(answer=st.just("essay")), tags=texts, name=texts), level=st.integers(0, 7),
    attachments=st.dictionaries(keys, bundles, max_size=2), execution_count=st.integers(0, 9), id=st.just("a"),
)  # fmt: skip
notebooks = sometimes(
    cells=st.lists(cells, max_size=4),
    worksheets=st.lists(sometimes(cells=st.lists(cells, max_size=3)), max_size=2),
    nbformat=st.just(4) | st.integers(1, 5),
    nbformat_minor=st.integers(0, 6),
    metadata=sometimes(grader=sometimes(assignment=st.just("x")), kernelspec=sometimes(name=texts), title=texts),
)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "utf-7"])


@given(st.sampled_from(["", "EF BB BF", "FF FE", "FE FF", "FF FE 00 00", "7B", "7B 00"]), st.binary(max_size=300))
def test_any_bytes(start: str, data: bytes) -> None:
    """Nothing that makes sense, behind any byte order mark."""
    data = bytes.fromhex(start) + data
    with kept("notebook", data):
        notebook_target(data)


@given(mutated(SEEDS))
def test_notebooks_with_faults(data: bytes) -> None:
    """Notebooks that are odd already, changed in a few places."""
    with kept("notebook", data):
        notebook_target(data)


@settings(max_examples=max(10, settings().max_examples // 10))
@given(mutated(REAL))
def test_real_notebooks_with_faults(data: bytes) -> None:
    """The examples that are shipped, changed in a few places."""
    with kept("notebook", data):
        notebook_target(data)


@given(notebooks, encodings)
def test_any_notebook(content: dict[str, Any], encoding: str) -> None:
    """The right keys with wrong values, in all versions of the format and in other encodings."""
    text = json.dumps(content, ensure_ascii=encoding == "cp1252")
    data = text.encode(encoding, "surrogatepass" if encoding.startswith("utf-") and encoding != "utf-7" else "replace")
    with kept("notebook", data):
        notebook_target(data)


@given(st.sampled_from(["[", '{"a":', '{"cells":[', '{"nbformat":4,"cells":[{"metadata":']), st.integers(1, 5000))
def test_any_depth(opening: str, depth: int) -> None:
    """Nested as deeply as you like, closed or not."""
    closing = "]" if opening[-1] == "[" else "}"
    for data in (opening * depth, opening * depth + "1" + closing * depth):
        with kept("notebook", data.encode()):
            notebook_target(data.encode())


@given(st.text(max_size=200), st.sampled_from([b"", *(codecs.BOM_UTF8, codecs.BOM_UTF16_LE)]), st.text(max_size=20))
def test_any_script(text: str, mark: bytes, encoding: str) -> None:
    """Python files that declare any encoding."""
    data = mark + f"# coding: {encoding}\n{text}".encode("utf-8", "surrogatepass")
    with kept("notebook", data):
        notebook_target(data)
