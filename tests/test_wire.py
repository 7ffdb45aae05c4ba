"""The wire carries what it should, and its trusted end believes nothing."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import struct
import tracemalloc
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grader import wire
from grader.errors import ProtocolViolated

Header = dict[str, Any]


def blob(header: bytes | Header, data: bytes = b"", *, length: int | None = None) -> bytes:
    """Bytes in the layout of safetensors, with whatever lies in them."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype: str, shape: list[Any], start: int, end: int) -> Header:
    """One tensor's line in the header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3, dtype=torch.float64),
        torch.randn(4, 6)[::2, 1::2].t(),
        torch.arange(5),
        torch.tensor([True, False]),
        torch.tensor(1.5),
        torch.zeros(0, 3),
        torch.randn(3, dtype=torch.complex64).conj(),
        torch.randn(2, requires_grad=True),
        torch.randn(1, 4).expand(3, 4),
        torch.tensor([math.nan, math.inf]),
    ],
)
def test_a_message_survives_the_way(tensor: torch.Tensor) -> None:
    """Views, conjugates, expanded and empty tensors arrive with the same numbers, on both kinds of reader."""
    head, body = wire.frame({"a": [1, "zwei", None, 2.5]}, {"t": tensor})
    near, far = socket.socketpair()
    with near, far:
        near.sendall(head + body)
        received = wire.receive(far)
    assert received is not None
    json_length, blob_length = wire.DEFAULT_CAPS.lengths(head[: wire.PREFIX.size])
    assert (json_length, blob_length) == (len(head) - wire.PREFIX.size, len(body))
    fields = wire.decode_fields(head[wire.PREFIX.size :])
    tensors = wire.decode_tensors(body)
    assert fields == received[0] == {"a": [1, "zwei", None, 2.5]}
    for arrived in (tensors["t"], received[1]["t"]):
        assert arrived.dtype == tensor.dtype
        assert torch.equal(torch.nan_to_num(arrived), torch.nan_to_num(tensor.detach().resolve_conj()))


def test_one_tensor_under_two_names_arrives_twice() -> None:
    """A function may return the same twice, or a part of it as well."""
    tensor = torch.randn(3, 4)
    _, body = wire.frame({}, {"a": tensor, "b": tensor, "c": tensor[:2], "d": tensor.view(4, 3)})
    arrived = wire.decode_tensors(body)
    for name, expected in {"a": tensor, "b": tensor, "c": tensor[:2], "d": tensor.view(4, 3)}.items():
        assert torch.equal(expected, arrived[name])


def test_a_stream_that_ends_is_no_message() -> None:
    """The worker's reader returns None when the judge hangs up, in the middle of a message too."""
    for sent in (b"", b"\x05\0\0\0" + bytes(8) + b"{}"):
        near, far = socket.socketpair()
        with far:
            near.sendall(sent)
            near.close()
            assert wire.receive(far) is None


def test_a_lone_surrogate_is_replaced_when_written() -> None:
    """A student's message with half a character in it can be sent, and read."""
    head, _ = wire.frame({"message": "half \ud800"})
    assert wire.decode_fields(head[wire.PREFIX.size :]) == {"message": "half ?"}


def test_words_about_surrogates_are_no_surrogates() -> None:
    """Python's own error text quotes the escape; that is plain ASCII and passes."""
    fields = {"message": r"can't encode character '\ud800' in position 0"}
    head, _ = wire.frame(fields)
    assert wire.decode_fields(head[wire.PREFIX.size :]) == fields


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nul",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9223372036854775808}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}",
        b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' * 100_000,
        b'{"a": [' + b"[]," * 1_000_000 + b"0]}",
        b'{"a": 1} trailing',
    ],
)
def test_json_that_could_trip_a_reader_is_refused(text: bytes) -> None:
    """Not an object, not finite, not unique, not UTF-8, too deep or too big."""
    with pytest.raises(ProtocolViolated) as refusal:
        wire.decode_fields(text)
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()


def test_the_deepest_answer_that_is_read() -> None:
    """64 levels, the outermost object counted."""
    inside = wire.DEPTH - 1
    assert wire.decode_fields(b'{"a": ' + b"[" * inside + b"]" * inside + b"}")
    with pytest.raises(ProtocolViolated, match="nested too deeply"):
        wire.decode_fields(b'{"a": ' + b"[" * (inside + 1) + b"]" * (inside + 1) + b"}")


def test_an_answer_takes_no_more_memory_than_its_text_allows() -> None:
    """Numbers are looked at where they are, and lists are counted before any is made."""
    text = b'{"a": [' + b"1000," * 400_000 + b"0]}"
    tracemalloc.start()
    wire.decode_fields(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * len(text)


@pytest.mark.parametrize("shape", [[0, 1 << 47, 1 << 47], [737, 889222, 28_147_643_100, 0], [1 << 48, 0]])
def test_a_layout_that_hides_its_sizes_is_refused(shape: list[int]) -> None:
    """Nothing times anything is nothing, but torch multiplies the rest."""
    with pytest.raises(ValueError, match="too large"):
        wire.unpack([("a", shape)], torch.zeros(0, dtype=torch.float64))


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        blob(b""),
        blob(b"{}", length=1 << 63),
        blob(b"{}", length=3),
        blob(b"[]"),
        blob({"t": 1}),
        blob({"t": entry("F32", [1], 0, 4)}),
        blob({"t": entry("F32", [2], 0, 4)}, bytes(4)),
        blob({"t": entry("F32", [-1], 0, 4)}, bytes(4)),
        blob({"t": entry("F32", [True], 0, 4)}, bytes(4)),
        blob({"t": entry("F32", [1], 4, 0)}, bytes(4)),
        blob({"t": entry("Q99", [1], 0, 4)}, bytes(4)),
        blob({"t": entry("F32", [0, 1 << 62], 0, 0)}),
        blob({"t": entry("F32", [1 << 32, 1 << 32], 0, 0)}),
        blob({"t": entry("F32", [1] * 33, 0, 4)}, bytes(4)),
        blob({"t": entry("F32", [1], 0, 4)}, bytes(8)),
        blob({"t": entry("F32", [1], 0, 4), "u": entry("F32", [1], 0, 4)}, bytes(4)),
        blob({"__metadata__": {"a": "b"}}),
        blob(b'{"t": {"dtype":"U8","shape":[1],"data_offsets":[0,1]}, "t": {}}', b"x"),
        blob({"t": {**entry("U8", [1], 0, 1), "more": 1}}, b"x"),
        blob({str(i): entry("U8", [0], 0, 0) for i in range(10_000)}),
        blob(b"{}" + b" " * (2 << 20)),
    ],
)
def test_tensors_that_lie_are_refused(data: bytes) -> None:
    """Headers too long, too many, malformed, overlapping or at odds with their bytes."""
    with pytest.raises(ProtocolViolated):
        wire.decode_tensors(data)


def test_no_bytes_are_no_tensors() -> None:
    """An answer without tensors has an empty blob."""
    assert wire.decode_tensors(b"") == {}


def test_a_bool_is_true_or_false() -> None:
    """Other bytes in a bool tensor are undefined behaviour in torch; they arrive as true."""
    tensors = wire.decode_tensors(blob({"t": entry("BOOL", [3], 0, 3)}, b"\x00\x01\xff"))
    assert tensors["t"].view(torch.uint8).tolist() == [0, 1, 1]


def test_lengths_are_capped_before_anything_is_read() -> None:
    """A frame that announces too much is refused on its first twelve bytes."""
    caps = wire.Caps(json_bytes=10, blob_bytes=20)
    assert caps.lengths(wire.PREFIX.pack(10, 20)) == (10, 20)
    for lengths in ((11, 0), (0, 21), (2**32 - 1, 2**64 - 1)):
        with pytest.raises(ProtocolViolated, match="too large"):
            caps.lengths(wire.PREFIX.pack(*lengths))


@given(st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_a_violation(data: bytes) -> None:
    """No input raises anything but ProtocolViolated."""
    for decode in (wire.decode_fields, wire.decode_tensors):
        try:
            decode(data)
        except ProtocolViolated:
            continue


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
def test_one_wrong_byte_is_an_answer_or_a_violation(tail: bytes, place: int, value: int) -> None:
    """A valid blob with a byte changed and bytes added is refused or read, never worse."""
    _, body = wire.frame({}, {"a": torch.ones(2, 3), "b": torch.zeros(4, dtype=torch.int64)})
    changed = bytearray(body)
    changed[place % len(changed)] = value
    with contextlib.suppress(ProtocolViolated):
        wire.decode_tensors(bytes(changed) + tail)
