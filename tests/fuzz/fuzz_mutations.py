"""Inputs that are nearly right: something valid, with a few bytes, tokens or pieces changed."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

TOKENS = [
    b"null", b"true", b"0", b"-1", b"1e999", b"-0.0", b"NaN", b"9" * 400, b"9223372036854775807",
    b"18446744073709551616",
    b"[]", b"{}", b'""', b'"\\ud800"', b'"\\udc00\\ud83d"', b'"\\u0000"', b"[[[[[[[[", b"]]]]", b'{"', b'":',
    b",", b"\\",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\r\n", b"\x1b[31m", "\u202e".encode(), "\U0001f600".encode(),
    b"\xed\xa0\x80",
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff" * 8, b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"../", b"/",
]  # fmt: skip

_EDITS = st.one_of(
    st.tuples(st.just("set"), st.integers(0), st.integers(0, 255)),
    st.tuples(st.just("flip"), st.integers(0), st.integers(0, 7)),
    st.tuples(st.just("insert"), st.integers(0), st.sampled_from(TOKENS)),
    st.tuples(st.just("overwrite"), st.integers(0), st.sampled_from(TOKENS)),
    st.tuples(st.just("delete"), st.integers(0), st.integers(1, 64)),
    st.tuples(st.just("repeat"), st.integers(0), st.integers(1, 64)),
    st.tuples(st.just("cut"), st.integers(0), st.just(0)),
)


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, changed in up to eight places."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for kind, place, detail in draw(st.lists(_EDITS, max_size=8)):
        at = place % (len(data) + 1)
        match kind, detail:
            case "set", int(value):
                data[at : at + 1] = bytes([value])
            case "flip", int(bit) if at < len(data):
                data[at] ^= 1 << bit
            case "insert", bytes(token):
                data[at:at] = token
            case "overwrite", bytes(token):
                data[at : at + len(token)] = token
            case "delete", int(count):
                del data[at : at + count]
            case "repeat", int(count):
                data[at:at] = data[at : at + count] * 3
            case "cut", _:
                del data[at:]
    return bytes(data)
