"""Zip files byte by byte, for what `zipfile` refuses to write: lies about sizes, entries that overlap, odd names."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14


@dataclass(frozen=True)
class Entry:
    """One member. What is None is told as it is."""

    name: bytes
    content: bytes = b""
    method: int = DEFLATED
    flags: int = 0x800  # the name is UTF-8
    attributes: int = 0  # st_mode, as on Unix
    claimed: int | None = None  # size when unpacked
    packed: int | None = None  # size in the archive
    checksum: int | None = None
    same_as: int | None = None  # index of the entry whose bytes these are
    raw: bytes | None = None  # what lies in the archive instead of the packed content


def zipped(entries: Sequence[Entry], *, comment: bytes = b"", told: int | None = None) -> bytes:
    """The archive; `told` is how many entries it says it has."""
    body, directory = bytearray(), bytearray()
    offsets: list[int] = []
    for entry in entries:
        packed = entry.raw if entry.raw is not None else _packed(entry)
        claimed = len(entry.content) if entry.claimed is None else entry.claimed
        size = len(packed) if entry.packed is None else entry.packed
        checksum = zlib.crc32(entry.content) if entry.checksum is None else entry.checksum
        head = struct.pack(
            "<HHHHHIIIHH",
            20, entry.flags, entry.method, 0, 33, checksum, size & 0xFFFFFFFF, claimed & 0xFFFFFFFF, len(entry.name), 0,
        )  # fmt: skip
        if entry.same_as is not None and entry.same_as < len(offsets):
            offset = offsets[entry.same_as]
        else:
            offset = len(body)
            body += b"PK\x03\x04" + head + entry.name + packed
        offsets.append(offset)
        directory += b"PK\x01\x02" + struct.pack("<H", 0x0314) + head
        directory += struct.pack("<HHHII", 0, 0, 0, (entry.attributes & 0xFFFF) << 16, offset) + entry.name
    count = (len(entries) if told is None else told) & 0xFFFF
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), len(comment) & 0xFFFF)
    return bytes(body + directory + b"PK\x05\x06" + end + comment)


def _packed(entry: Entry) -> bytes:
    if entry.method != DEFLATED:
        return entry.content
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(entry.content) + packer.flush()
