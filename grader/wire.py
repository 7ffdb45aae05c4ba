"""The wire between the judge and a student's process: one frame a message.

    u32 length of the JSON │ u64 length of the tensors │ JSON object │ safetensors bytes

Requests are written by the judge and read by `receive`. Answers are written by `send`, in a process that a
student controls, so the judge reads them with `Caps.lengths`, `decode_fields` and `decode_tensors`, which
believe nothing: whatever they refuse raises `ProtocolViolated`. Nothing here unpickles or evaluates.
"""

from __future__ import annotations

import itertools
import json
import math
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from grader.errors import ProtocolViolated
from grader.language import say

PREFIX = struct.Struct("<IQ")

Fields = dict[str, Any]
Tensors = dict[str, Tensor]
Message = tuple[Fields, Tensors]

# Deep enough for any answer; shallow enough that whoever walks one later cannot run out of stack.
DEPTH = 64

# A list or an object takes up to forty times the memory of its two characters. A recording of `MAX_NODES`
# operations has a tenth of these.
CONTAINERS = 1_000_000

_HEADER_LENGTH = struct.Struct("<Q")
_ITEM_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "C64": 8,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Caps:
    """The largest answer that the judge reads."""

    json_bytes: int = 8 << 20
    blob_bytes: int = 512 << 20
    header_bytes: int = 1 << 20
    tensors: int = 8192

    def lengths(self, prefix: bytes) -> tuple[int, int]:
        """The announced lengths of JSON and tensors, found small enough before anything is allocated."""
        json_length, blob_length = PREFIX.unpack(prefix)
        if json_length > self.json_bytes or blob_length > self.blob_bytes:
            what = say(
                "your process sent an answer that is too large ({text} bytes of text, {tensors} bytes of tensors)",
                text=json_length,
                tensors=blob_length,
            )
            raise ProtocolViolated(what)
        return json_length, blob_length


DEFAULT_CAPS = Caps()


# Writing, on both sides.


def frame(fields: Fields, tensors: Mapping[str, Tensor] | None = None) -> tuple[bytes, bytes]:
    """One message as two buffers, so that large tensors are not copied once more just to be joined.

    Raises TypeError, ValueError or RuntimeError for what cannot be sent; a lone surrogate becomes "?".
    """
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    blob = safetensors.torch.save(_plain(tensors)) if tensors else b""
    return PREFIX.pack(len(text), len(blob)) + text, blob


def _plain(tensors: Mapping[str, Tensor]) -> Tensors:
    """Dense, on the CPU, and copies but where all of a memory is one tensor's own: safetensors refuses views, shared
    memory and lazy conjugates."""
    found: Tensors = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        owns_all = plain.is_contiguous() and plain.untyped_storage().nbytes() == plain.nbytes
        if not owns_all or plain.data_ptr() in taken:
            plain = plain.clone(memory_format=torch.contiguous_format)
        taken.add(plain.data_ptr())
        found[name] = plain
    return found


# Many small tensors travel as one row: serialising one costs as much as serialising a thousand times its size.

Layout = list[tuple[str, list[int]]]


def pack(tensors: Mapping[str, Tensor]) -> tuple[Layout, Tensor]:
    """Name and shape of each tensor, and all of their values in a row of float64."""
    return [(name, list(tensor.shape)) for name, tensor in tensors.items()], in_a_row(tensors.values(), torch.float64)


def in_a_row(tensors: Iterable[Tensor], dtype: torch.dtype) -> Tensor:
    """All values of some tensors, one after the other."""
    rows = [tensor.detach().to(dtype).reshape(-1) for tensor in tensors]
    return torch.cat(rows) if rows else torch.zeros(0, dtype=dtype)


def unpack(layout: Layout, row: Tensor) -> Tensors:
    """The tensors of a row, as views of it.

    Raises ValueError when the layout does not describe the row.
    """
    sizes = [math.prod(shape) for _, shape in layout]
    if row.dim() != 1 or any(size < 0 for _, shape in layout for size in shape) or sum(sizes) != row.numel():
        raise ValueError("a row of values is not as long as was announced")
    if any(_hidden(shape) for _, shape in layout):
        raise ValueError("a shape is too large")
    parts = row.split_with_sizes(sizes)
    return {
        name: part.view(shape) if len(shape) != 1 else part for (name, shape), part in zip(layout, parts, strict=True)
    }


# Reading and writing on the worker's side: blocking, and trusting the judge.


def send(channel: socket.socket, fields: Fields, tensors: Mapping[str, Tensor] | None = None) -> None:
    """Write one whole message; nothing is written if it cannot be expressed."""
    head, blob = frame(fields, tensors)
    channel.sendall(head)
    if blob:
        channel.sendall(blob)


def receive(channel: socket.socket) -> Message | None:
    """Read one whole message, or None at the end of the stream."""
    prefix = _exactly(channel, PREFIX.size)
    if prefix is None:
        return None
    json_length, blob_length = PREFIX.unpack(prefix)
    text, blob = _exactly(channel, json_length), _exactly(channel, blob_length)
    if text is None or blob is None:
        return None
    return json.loads(text), safetensors.torch.load(blob) if blob else {}


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    """So many bytes, which come in one piece unless a signal interrupts: hundreds of megabytes are not copied."""
    read = channel.recv(count, socket.MSG_WAITALL) if count else b""
    while len(read) < count:
        more = channel.recv(count - len(read), socket.MSG_WAITALL)
        if not more:
            return None
        read += more
    return read


# Reading on the judge's side.


def decode_fields(text: bytes) -> Fields:
    """The JSON object of an answer: plain, finite, shallow, without repeated keys."""
    try:
        if len(text) > CONTAINERS and text.count(b"{") + text.count(b"[") > CONTAINERS:
            raise ValueError("it holds too many lists and objects")
        fields = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        _inspect(fields)
    except (ValueError, RecursionError, MemoryError) as error:
        what = say("your process sent an answer that is not valid JSON: {why}", why=_short(error))
        raise ProtocolViolated(what) from None
    if not isinstance(fields, dict):
        raise ProtocolViolated(say("your process sent an answer that is not a JSON object"))
    return fields


def decode_tensors(blob: bytes, caps: Caps = DEFAULT_CAPS) -> Tensors:
    """The tensors of an answer."""
    if not blob:
        return {}
    try:
        _inspect_header(blob, caps)
        tensors = safetensors.torch.load(blob)
        return {name: _true_or_false(tensor) for name, tensor in tensors.items()}
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic in safetensors' Rust code is a BaseException
        what = say("your process sent tensors that cannot be read: {why}", why=_short(error))
        raise ProtocolViolated(what) from None


def _inspect(value: object) -> None:
    """Refuse what json accepts but what would trip whoever reads it later.

    Level by level, so that only lists and objects are kept in mind, and no more than the answer holds.
    """
    level: list[object] = [value]
    for _ in range(DEPTH):
        deeper: list[object] = []
        for container in level:
            for item in _items(container):
                if isinstance(item, list | dict):
                    deeper.append(item)
                elif isinstance(item, str):
                    item.encode("utf-8")  # a lone surrogate could not be written to a report
                elif isinstance(item, float):
                    if not math.isfinite(item):
                        raise ValueError("a number is not finite")
                elif isinstance(item, int) and not -(1 << 63) <= item < 1 << 63:
                    raise ValueError("an integer does not fit 64 bits")
        if not deeper:
            return
        level = deeper
    raise ValueError("it is nested too deeply")


def _items(container: object) -> Iterable[object]:
    if isinstance(container, dict):
        return itertools.chain(container, container.values())
    return container if isinstance(container, list) else (container,)


def _inspect_header(blob: bytes, caps: Caps) -> None:
    """Check the safetensors header before anything is allocated for it."""
    if len(blob) < _HEADER_LENGTH.size:
        raise ValueError("the header is cut off")
    (length,) = _HEADER_LENGTH.unpack_from(blob)
    if length > caps.header_bytes or length > len(blob) - _HEADER_LENGTH.size:
        raise ValueError("the header is too long")
    start = _HEADER_LENGTH.size
    header = decode_fields(blob[start : start + length])
    if len(header) > caps.tensors:
        raise ValueError(f"there are {len(header)} tensors")
    for entry in header.values():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ValueError("an entry of the header is malformed")
        if entry["dtype"] not in _ITEM_SIZES:
            raise ValueError("a dtype is unknown")
        shape, offsets = _naturals(entry["shape"]), _naturals(entry["data_offsets"])
        if len(shape) > 32 or len(offsets) != 2:
            raise ValueError("a shape or an offset is malformed")
        if _hidden(shape):
            raise ValueError("a shape is too large")
        if math.prod(shape) * _ITEM_SIZES[entry["dtype"]] != offsets[1] - offsets[0]:
            raise ValueError("a tensor's size and its bytes disagree")


def _hidden(shape: list[int]) -> bool:
    """Are there sizes that an empty tensor hides from the count of values? torch multiplies them for strides."""
    return math.prod(max(size, 1) for size in shape) >= 1 << 48


def _naturals(value: object) -> list[int]:
    if isinstance(value, list) and all(type(item) is int and item >= 0 for item in value):
        return value
    raise ValueError("a list of sizes is malformed")


def _true_or_false(tensor: Tensor) -> Tensor:
    """Bytes other than 0 and 1 in a bool tensor are undefined behaviour in torch; make them true."""
    return tensor.view(torch.uint8) != 0 if tensor.dtype == torch.bool else tensor


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key is repeated")
    return mapping


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _short(error: BaseException) -> str:
    """The error's own words, which may quote the sender: one short printable line."""
    words = f"{error}"[:160].encode("ascii", "backslashreplace").decode("ascii")
    return "".join(c if c.isprintable() else " " for c in words)
