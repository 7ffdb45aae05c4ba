"""Whatever is handed in as a zip: nothing is made outside of one folder, and not much in it."""

from __future__ import annotations

import stat

import pytest
from fuzz_mutations import mutated
from fuzz_targets import CORPUS, archive_target, kept
from hostile_zips import BZIP2, DEFLATED, LZMA, STORED, Entry, zipped
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.heavy

SEEDS = [path.read_bytes() for path in sorted((CORPUS / "archive").iterdir())]
NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

parts = st.sampled_from(
    ["a", "A", "doe", "roe", "..", ".", "", "C:", "~", "submitted", "reports", "__MACOSX", ".hidden", "CON", "a\0b",
     "\x1b[31m", "\u202e", "\ud800", "-rf", "=1+1", "x" * 300, "\\\\host", "e\u0301", "\u00e9",
     "a\nb", "reports.ipynb"]
)  # fmt: skip
endings = st.sampled_from(
    [".ipynb", ".IPYNB", ".py", ".zip", ".txt", "", "/", ".ipynb/", ".zip/", ".ipynb ", "\0.ipynb"]
)
separators = st.sampled_from(["/", "\\", "//"])
names = st.builds(
    lambda pieces, separator, ending: (separator.join(pieces) + ending).encode("utf-8", "surrogatepass")[:2000],
    st.lists(parts, max_size=5),
    separators,
    endings,
)
names = names | st.builds(lambda depth: b"a/" * depth + b"a.ipynb", st.integers(20, 40)) | st.binary(max_size=30)
contents = st.sampled_from([NOTEBOOK, b"", b"{", b"\0" * 50_000, b"\0" * 200_000, b"x" * 30_000]) | st.binary(
    max_size=60
)
odd = st.none() | st.integers(0, 2**32 - 1) | st.integers(0, 100)
entries = st.builds(
    Entry,
    name=names,
    content=contents,
    method=st.sampled_from([STORED, DEFLATED]) | st.sampled_from([BZIP2, LZMA, 9, 99]),
    flags=st.sampled_from([0x800, 0, 1, 0x801, 0x8, 0x20, 0x40, 0xFFFF]),
    attributes=st.sampled_from(
        [0, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR]
    ),
    claimed=st.none() | odd,
    packed=st.none() | odd,
    checksum=st.none() | st.none() | odd,
    same_as=st.none() | st.integers(0, 3),
)
archives = st.builds(zipped, st.lists(entries, max_size=12), comment=st.binary(max_size=20), told=st.none() | odd)


def nested(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A zip with zips in it, under names that may be the same."""
    members = st.lists(st.tuples(names | st.sampled_from([b"b.zip", b"doe/b.zip"]), inner), min_size=1, max_size=4)
    return members.map(lambda found: zipped([Entry(name, content) for name, content in found]))


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    """Nothing that makes sense, behind the mark of a zip."""
    for each in (data, b"PK\x03\x04" + data, data + zipped([])):
        with kept("archive", each):
            archive_target(each)


@given(mutated(SEEDS))
def test_archives_with_faults(data: bytes) -> None:
    """Hostile zips, changed in a few places."""
    with kept("archive", data):
        archive_target(data)


@given(archives)
def test_any_archive(data: bytes) -> None:
    """Names, sizes, checksums, kinds and places that lie."""
    with kept("archive", data):
        archive_target(data)


@given(nested(archives | nested(archives) | st.just(zipped([Entry(b"a.ipynb", NOTEBOOK)] * 9))))
def test_archives_in_archives(data: bytes) -> None:
    """Zips in zips in zips, which share what one student may unpack."""
    with kept("archive", data):
        archive_target(data)
