"""A journal keeps what was written whole, whatever happens to its end; a run goes on from it, or starts over."""

from __future__ import annotations

import json
import resource
from contextlib import closing
from pathlib import Path

import pytest
from test_spool import report

from grader.errors import OutputError
from grader.formats.json import document
from grader.journal import Journal
from grader.row import row_of
from grader.spool import NAME, Spool
from grader.verdict import Status

LINES = [b'{"a": 1}', b"", "ü".encode() * 40, b"x" * 300]


def write(path: Path) -> bytes:
    with closing(Journal(path)) as journal:
        for line in LINES:
            journal.append(line)
    return path.read_bytes()


def read(path: Path) -> list[bytes]:
    with closing(Journal(path)) as journal:
        return [line for _, line in journal]


def test_cut_anywhere_every_whole_line_is_kept(tmp_path: Path) -> None:
    """A process that is killed while it writes loses that line and no other; the next one follows it cleanly."""
    path = tmp_path / "journal"
    whole = write(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        kept = LINES[: whole[:length].count(b"\n")]
        with closing(Journal(path)) as journal:
            journal.append(b"next")
            assert [*kept, b"next"] == [line for _, line in journal]


def test_a_changed_byte_costs_its_line_at_most_and_its_neighbour(tmp_path: Path) -> None:
    """Nothing is ever read that was not written."""
    path = tmp_path / "journal"
    whole = write(path)
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 4]) + whole[i + 1 :])
        kept = read(path)
        assert set(kept) <= set(LINES)
        assert len(kept) >= len(LINES) - 2


def test_a_line_without_room_leaves_nothing(tmp_path: Path) -> None:
    """What was written of it is taken back, so that the next line is not glued to it."""
    path = tmp_path / "journal"
    whole = write(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with closing(Journal(path)) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, hard))
        try:
            with pytest.raises(OutputError, match="File too large"):
                journal.append(b"y" * 200)
            journal.append(b"next")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [*LINES, b"next"] == [line for _, line in journal]


def append(spool: Spool, number: int, student: str, status: Status = Status.FAILED) -> None:
    told = report(student, status)
    spool.append(number, row_of(told), json.dumps(document(told)), key=student)


def resumed(spool: Spool, identity: dict[str, int], keys: list[str]) -> list[int]:
    """What is left to do."""
    spool.resume(identity, keys)
    return spool.missing()


def test_a_run_goes_on_with_what_is_the_same(tmp_path: Path) -> None:
    """Who is known by the same key is taken over, whatever their number is now."""
    with Spool(2, tmp_path) as spool:
        assert [0, 1] == resumed(spool, {"seed": 0}, ["anna", "ben"])
        append(spool, 1, "ben")
    with Spool(3, tmp_path) as spool:
        assert [0, 1] == resumed(spool, {"seed": 0}, ["aaron", "anna", "ben"])
        assert ["ben"] == [row.student for row in spool.rows()]
        append(spool, 0, "aaron")
        assert ["aaron", "ben"] == [each.student for each in spool.reports()]


def test_another_run_starts_over(tmp_path: Path) -> None:
    """With another seed, say, no report of the earlier run counts, nor does one on which the grader failed."""
    for identity, status in (({"seed": 0}, Status.FAILED), ({"seed": 1}, Status.GRADER_BROKE)):
        with Spool(1, tmp_path) as spool:
            assert [0] == resumed(spool, identity, ["anna"])
            append(spool, 0, "anna", status)
    with Spool(1, tmp_path) as spool:
        assert [0] == resumed(spool, {"seed": 1}, ["anna"])
        spool.finish()
    assert not (tmp_path / NAME).exists()
