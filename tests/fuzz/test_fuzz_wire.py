"""Whatever a student's process sends: plain data within the caps, or ProtocolViolated."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from fuzz_mutations import mutated
from fuzz_targets import CAPS, CORPUS, ID, Answering, kept, wire_target
from hypothesis import given
from hypothesis import strategies as st

from grader import wire
from grader.errors import ProtocolViolated, SessionEnded

SEEDS = [path.read_bytes() for path in sorted((CORPUS / "wire").iterdir())]

numbers = st.integers() | st.integers(-(2**65), 2**65) | st.sampled_from([0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63])
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=30,
)
sizes = st.lists(st.integers(-1, 4) | numbers, max_size=6)
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F64", "F32", "BF16", "C64", "I64", "U8", "BOOL", "F8_E4M3", "U64", ""]) | values,
        "shape": sizes | values,
        "data_offsets": st.lists(st.integers(0, 64), min_size=2, max_size=2) | sizes | values,
    }
)
names = st.sampled_from(["row", "y", "__metadata__", ""]) | st.text(max_size=5)
shapes = st.lists(st.integers(0, 3) | st.integers(0, 2**48 - 1), max_size=5)


def frame(text: bytes, blob: bytes, lengths: tuple[int, int] | None = None) -> bytes:
    json_length, blob_length = lengths or (len(text), len(blob))
    return wire.PREFIX.pack(json_length % 2**32, blob_length % 2**64) + text + blob


def answer(fields: Any) -> bytes:
    """JSON text; what JSON lacks is written as Python writes it, NaN for one."""
    if isinstance(fields, dict):
        fields = {"id": ID.decode(), "ok": True} | fields
    return json.dumps(fields).encode()


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    """Nothing that makes sense."""
    with kept("wire", data):
        wire_target(data)


@given(mutated(SEEDS))
def test_answers_with_faults(data: bytes) -> None:
    """Valid answers, headers and frames, changed in a few places."""
    with kept("wire", data):
        wire_target(data)


@given(values, st.none() | st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)))
def test_any_json(fields: Any, lengths: tuple[int, int] | None) -> None:
    """Valid JSON of any shape, with lengths that lie."""
    data = frame(answer(fields), b"", lengths)
    with kept("wire", data):
        wire_target(data)


@given(st.dictionaries(names, entries, max_size=4), st.binary(max_size=64), st.integers(-2, 2))
def test_any_header(header: dict[str, Any], content: bytes, lie: int) -> None:
    """Tensors whose header says anything at all."""
    text = json.dumps(header).encode()
    blob = struct.pack("<Q", max(0, len(text) + lie)) + text + content
    for data in (blob, frame(answer({}), blob)):
        with kept("wire", data):
            wire_target(data)


@given(st.lists(st.tuples(names, shapes), max_size=4), st.integers(0, 9))
def test_any_layout(layout: list[tuple[str, list[int]]], length: int) -> None:
    """A row of values, and how it is said to be divided."""
    header = {"row": {"dtype": "F64", "shape": [length], "data_offsets": [0, 8 * length]}}
    text = json.dumps(header).encode()
    blob = struct.pack("<Q", len(text)) + text + bytes(8 * length)
    data = frame(answer({"answers": [], "layout": layout}), blob)
    with kept("wire", data):
        wire_target(data)


@given(st.binary(max_size=wire.PREFIX.size))
def test_any_prefix(data: bytes) -> None:
    """The first twelve bytes: lengths within the caps, or refused."""
    prefix = data.ljust(wire.PREFIX.size, b"\xff")
    try:
        json_length, blob_length = CAPS.lengths(prefix)
    except ProtocolViolated:
        return
    assert json_length <= CAPS.json_bytes
    assert blob_length <= CAPS.blob_bytes


def test_a_right_answer_is_read() -> None:
    """The harness lets a right answer through, so that what it refuses was refused for a reason."""
    head, blob = wire.frame({"id": ID.decode(), "ok": True, "x": 1}, {"row": wire.torch.ones(3)})
    read = Answering(head + blob).call("build", seconds=1.0)
    assert (read.fields, read.tensors["row"].tolist()) == ({"ok": True, "x": 1}, [1.0, 1.0, 1.0])
    with pytest.raises(SessionEnded):
        Answering(head.replace(b'"x"', b'"id"') + blob).call("build", seconds=1.0)
