"""Files that are an attack by themselves, most of them too large to be shipped: built here, and graded in one batch
with a good one by the real command. Each costs its own student something, and nobody else."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hostile_code import EXPRESSIONS, STATEMENTS, cell, notebook

from grader.submission import archive

ROOT = Path(__file__).parents[2]
RIGHT = json.loads((ROOT / "assignments" / "residual-blocks" / "examples" / "right-plain.ipynb").read_text())
SOURCES = ["".join(each["source"]) for each in RIGHT["cells"] if each["cell_type"] == "code"]
MIB = 2**20
GOOD = "zz-good"  # the last to be graded, after whatever the others have done


def right(**first: Any) -> str:
    """The right answer, with more in its first cell than its source."""
    head, *rest = SOURCES
    return notebook(cell(head, **first), *map(cell, rest))


def bombed(expression: str) -> str:
    """The right answer, but its block has this in its body."""
    head = "class ResBlock(nn.Module):\n"
    changed = [source.replace(head, f"{head}    BOMB = {expression}\n", 1) for source in SOURCES]
    assert changed != SOURCES
    return notebook(*map(cell, changed))


def with_cell(source: str) -> str:
    return notebook(cell(source), *map(cell, SOURCES))


def zipped(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


def linked(target: str) -> bytes:
    """A zip with a link in it, under the name of a notebook."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        info = zipfile.ZipInfo("a.ipynb")
        info.external_attr = 0o120777 << 16
        made.writestr(info, target)
    return file.getvalue()


def matryoshka() -> bytes:
    """After 42.zip: sixteen zips of sixteen zips of sixteen files of zeros."""
    content: dict[str, str | bytes] = {f"{i}.ipynb": bytes(8 * MIB) for i in range(16)}
    for _ in range(2):
        inner = zipped(content)
        content = {f"{i}.zip": inner for i in range(16)}
    return zipped(content)


def overlapping() -> bytes:
    """One compressed file that a thousand entries share, as in Fifield's bomb of no nested zips."""
    from_zip = zipped({"a.ipynb": os.urandom(MIB // 8) * 120})
    file, start = from_zip, from_zip.index(b"PK\x01\x02")
    entry = file[start : file.index(b"PK\x05\x06")]
    count = 900
    end = b"PK\x05\x06\0\0\0\0" + count.to_bytes(2, "little") * 2
    end += (len(entry) * count).to_bytes(4, "little") + start.to_bytes(4, "little") + b"\0\0"
    return file[:start] + entry * count + end


def lying() -> bytes:
    """Says that it unpacks to one byte."""
    content = bytearray(zipped({"a.ipynb": bytes(60 * MIB)}))
    start = content.index(b"PK\x01\x02")
    content[start + 24 : start + 28] = (1).to_bytes(4, "little")
    return bytes(content)


def bzip2() -> bytes:
    return zipped({"a.ipynb": bytes(200 * MIB)}, zipfile.ZIP_BZIP2)


def sparse(path: Path) -> None:
    """An output of 200 MB that takes no room on this disk."""
    with path.open("wb") as file:
        head, tail = right(outputs=[{"output_type": "stream", "name": "stdout", "text": "HERE"}]).split("HERE")
        file.write(head.encode())
        file.seek(200 * MIB, io.SEEK_CUR)
        file.write(tail.encode())


def built(make: Callable[[], str | bytes]) -> Callable[[Path], object]:
    """What is large is made when it is handed in, and once: whoever only collects these tests does not wait for it."""
    made = cache(make)

    def write(path: Path) -> None:
        content = made()
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return write


@dataclass(frozen=True)
class Attack:
    """What is handed in, and what comes of it.

    Attributes:
        claim: what its author hopes for.
        make: the content, or a function that puts something at the path it is given.
        name: of the file.
        says: what the report's message must contain; "" for those that are graded.
        full: does it get all points there are?
    """

    claim: str
    make: str | bytes | Callable[[Path], object]
    name: str
    says: str = ""
    full: bool = False


def outputs(count: int) -> str:
    return right(outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}] * count)


ATTACKS = {
    # Archives.
    "slip": Attack("writes beside the folder", zipped({"../../slipped.ipynb": "{}"}), "slip.zip", "leads out of"),
    "absolute": Attack("writes to /tmp", zipped({"/tmp/slipped.ipynb": "{}"}), "absolute.zip", "leads out of the zip"),
    "drive": Attack("writes to a drive", zipped({"C:\\slipped.ipynb": "{}"}), "drive.zip", "leads out of the zip"),
    "zip-link": Attack("reads a file of the host", linked("/etc/passwd"), "zip-link.zip", "a link or a device"),
    "zip-folder-link": Attack("makes a way out", linked("../.."), "zip-folder-link.zip", "a link or a device"),
    "zip-loop": Attack("goes round for ever", linked("a.ipynb"), "zip-loop.zip", "a link or a device"),
    "flat": Attack(
        "fills the disk",
        built(lambda: zipped({"a.ipynb": bytes(200 * MIB)})),
        "flat.zip",
        "more than 200 times its size",
    ),
    "lying": Attack("is larger than it says", built(lying), "lying.zip", "cannot be unpacked"),
    "overlap": Attack("one file, 900 times", built(overlapping), "overlap.zip", "cannot be unpacked"),
    "bzip2": Attack("unpacks at once in memory", built(bzip2), "bzip2.zip", "an unusual kind of compression"),
    "matryoshka": Attack(
        "zips in zips in zips", built(matryoshka), "matryoshka.zip", "a zip inside a zip inside a zip"
    ),
    "many": Attack(
        "10^5 entries",
        built(lambda: zipped({f"{i}.txt": "" for i in range(10**5)})),
        "many.zip",
        "it holds 100000 files",
    ),
    "hand-ins": Attack(
        "occupies the grader for hours",
        built(lambda: zipped({f"{i}.ipynb": "" for i in range(1001)})),
        "hand-ins.zip",
        "at most 1000",
    ),
    # Notebooks.
    "cells": Attack(
        "10^5 cells", built(lambda: notebook(*[cell("x")] * 10**5)), "cells.ipynb", "100000 cells, and at most 5000"
    ),
    "outputs": Attack("10^5 outputs", built(lambda: outputs(10**5)), "outputs.ipynb", full=True),
    "output": Attack(
        "an output of 40 MB",
        built(lambda: right(outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 40_000_000}])),
        "output.ipynb",
        full=True,
    ),
    "sparse": Attack("an output of 200 MB", sparse, "sparse.ipynb", "the file has 200 MB, and at most 50 are read"),
    "depth": Attack("a million levels", "[" * 10**6, "depth.ipynb", "nested too deeply"),
    "containers": Attack(
        "millions of lists",
        built(
            lambda: right(
                outputs=[{"output_type": "display_data", "metadata": {}, "data": {"application/json": [[]] * 10**6}}]
            )
        ),
        "containers.ipynb",
        "over 1,000,000 lists and objects",
    ),
    # What is no file.
    "pipe": Attack("waits for ever", lambda path: os.mkfifo(path), "pipe.ipynb", "a pipe or a device"),
    "passwd": Attack("shows a file of the host", lambda path: path.symlink_to("/etc/passwd"), "passwd.ipynb", "a link"),
    "device": Attack("never ends", lambda path: path.symlink_to("/dev/zero"), "device.ipynb", "it is a link"),
    "classmate": Attack(
        "takes a classmate's place", lambda path: path.symlink_to(f"{GOOD}.ipynb"), "classmate.ipynb", "it is a link"
    ),
    "circle": Attack("goes round for ever", lambda path: path.symlink_to(path.name), "circle.ipynb", "it is a link"),
    "folder": Attack("a folder by a notebook's name", lambda path: path.mkdir(), "folder.ipynb", "the folder holds no"),
    # Names.
    "newline": Attack("begins a line", right(), "newline\n::error::x.ipynb", full=True),
    "ansi": Attack("paints the terminal", right(), "ansi\x1b[2J\x1b]0;x\x07.ipynb", full=True),
    "reversed": Attack("reads as another name", right(), "reversed\u202ebnypi.ipynb", full=True),
    "dashes": Attack("is taken for an option", right(), "--isolation=none.ipynb", full=True),
    "long": Attack("leaves no room for an ending", right(), f"{'long' * 62}l.ipynb", full=True),
    "formula": Attack("runs in a spreadsheet", right(), "=cmd|' -C calc'!A0.ipynb", full=True),
    "bytes": Attack("is no text", right(), os.fsdecode(b"bytes\xff\xfe.ipynb"), full=True),
    # Source that is hard to parse, to compile or to run: behind the wall, for nothing is parsed on this side.
    **{
        f"code-{name}": Attack("ends or holds up the parser", bombed(EXPRESSIONS[name]), f"code-{name}.ipynb")
        for name in ("brackets", "minuses", "sum", "conditions", "calls", "digits", "tower", "shift", "large-tuple")
    },
    **{
        f"code-{name}": Attack("holds up the parser", bombed(EXPRESSIONS[name]), f"code-{name}.ipynb", full=True)
        for name in ("dictionary", "f-strings", "lists", "comparison")
    },
    **{
        f"code-{name}": Attack("ends or holds up the parser", with_cell(source), f"code-{name}.ipynb", full=True)
        for name, source in STATEMENTS.items()
    },
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """One run of the command on all of them."""

    code: int
    stderr: str
    peak_mib: int  # of the largest process, those behind the wall too
    entries: dict[str, dict[str, Any]]  # of results.json, by file
    output: Path
    folder: Path


@pytest.fixture(scope="module")
def attacks(request: pytest.FixtureRequest) -> list[Attack]:
    """Those that are asked for by name, where examples are drawn; all take minutes."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    asked = [call.params["name"] for call in calls if call is not None and call.params.get("name") in ATTACKS]
    return [ATTACKS[name] for name in asked or ATTACKS]


@pytest.fixture(scope="module")
def batch(attacks: list[Attack], tmp_path_factory: pytest.TempPathFactory) -> Batch:
    folder, output = tmp_path_factory.mktemp("hand-ins"), tmp_path_factory.mktemp("reports")
    (folder / f"{GOOD}.ipynb").write_text(right())
    for attack in attacks:
        put(attack, folder / attack.name)
    return grade(folder, output)


def put(attack: Attack, path: Path) -> None:
    if callable(attack.make):
        attack.make(path)
    else:
        path.write_bytes(attack.make.encode() if isinstance(attack.make, str) else attack.make)


MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def grade(folder: Path, output: Path) -> Batch:
    measured = [sys.executable, "-c", MEASURED, sys.executable]
    run = subprocess.run(
        [*measured, "-m", "grader", "check", folder, "--output", output, "--timeout", "30", "--jobs", "2"],
        capture_output=True,
        encoding="utf-8",
        timeout=280,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(output)},
    )
    code, peak = map(int, run.stdout.split())
    results = json.loads((output / "results.json").read_text())
    return Batch(code, run.stderr, peak, {each["file"]: each for each in results["submissions"]}, output, folder)


def entry_of(batch: Batch, attack: Attack) -> dict[str, Any]:
    """Its entry: a file's name as the report may show it, or what lies in a zip or a folder of that name."""
    shown = re.sub("[\x00-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", os.fsencode(attack.name).decode("utf-8", "replace"))
    return next(entry for file, entry in batch.entries.items() if file == shown or file.startswith(f"{shown}/"))


@pytest.mark.parametrize("name", ATTACKS)
def test_it_costs_its_own_student_only(batch: Batch, name: str) -> None:
    """Its student is told what is wrong with the file; source that does not run costs the exercise it is in."""
    attack = ATTACKS[name]
    entry = entry_of(batch, attack)
    if attack.says:
        assert entry["status"] == "unreadable"
        assert attack.says in entry["warnings"][0]
        assert entry["score"] == 0
    else:
        assert entry["status"] == "graded"
        assert (entry["score"] == 90.0) == attack.full
        first = entry["exercises"][0]["checks"][0]
        assert attack.full or re.search(r"Cell \d+ (is not valid Python|raised)|not valid Python", first["message"])


def test_the_good_one_is_graded_as_ever(batch: Batch) -> None:
    """Full marks but for the essay, and the run says that some are not graded, not that the grader failed."""
    good = batch.entries[f"{GOOD}.ipynb"]
    assert (good["status"], good["score"], good["student"]) == ("graded", 90.0, GOOD)
    assert batch.code == int(any(entry["status"] != "graded" for entry in batch.entries.values()))
    assert not [entry for entry in batch.entries.values() if entry["status"] == "grader_broke"]


def test_memory_is_bounded(batch: Batch) -> None:
    """No process of the whole run, those of students included, comes near what a small machine has."""
    assert batch.peak_mib < 2500


def test_nothing_is_written_elsewhere(attacks: list[Attack], batch: Batch) -> None:
    """Beside the hand-ins nothing appears; pages lie where pages lie, under names that are safe everywhere."""
    assert {path.name for path in batch.folder.iterdir()} == {f"{GOOD}.ipynb", *(attack.name for attack in attacks)}
    assert not [path for path in (Path("/tmp/slipped.ipynb"), batch.folder.parent / "slipped.ipynb") if path.exists()]
    assert {path.name for path in batch.output.iterdir()} == {"index.html", "results.json", "students", "notebooks"}
    for page in (batch.output / "students").iterdir():
        assert re.fullmatch(r"\w[\w.\-\u0300-\u036f]*\.html", page.name)
        assert page.stat().st_size < 5 * MIB


def test_what_is_printed_is_inert(batch: Batch) -> None:
    """Neither a terminal nor a CI runner acts on the names."""
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", batch.stderr)
    assert not re.search(r"^\s*::|##\[", batch.stderr, re.MULTILINE)


# ---------------------------------------------------------------------- readers under a limit of the kernel

READER = """
import resource, sys
from pathlib import Path
from grader.errors import SubmissionError
from grader.submission import find, read
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (int(sys.argv[1]) << 20),) * 2)
told = []
with find([Path(sys.argv[2])]) as hand_ins:
    for hand_in in hand_ins:
        try:
            told.append(f"{hand_in.student} read {len(read(hand_in).cells)}")
        except SubmissionError as error:
            told.append(f"{hand_in.student} {error}")
print("\\n".join(told))
"""


def read_within(mib: int, folder: Path) -> str:
    """Find and read everything, in a process that can have no more memory than this beside what Python itself has."""
    run = subprocess.run(
        [sys.executable, "-c", READER, str(mib), folder],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return run.stdout


@pytest.mark.heavy
def test_files_are_read_in_400_megabytes(tmp_path: Path) -> None:
    """By the kernel's own limit on the process: bombs are refused by their size, before they are in memory."""
    for attack in ATTACKS.values():
        if attack.name != "output.ipynb":
            put(attack, tmp_path / attack.name)
    (tmp_path / f"{GOOD}.ipynb").write_text(right())
    said = read_within(400, tmp_path)
    assert f"{GOOD} read {len(SOURCES)}" in said
    assert "too much memory" not in said


def test_the_limit_bites(tmp_path: Path) -> None:
    """With less memory than one large notebook takes, that is said of it, and the next is read."""
    put(ATTACKS["output"], tmp_path / "a.ipynb")
    (tmp_path / "b.ipynb").write_text(right())
    said = read_within(60, tmp_path)
    assert "a a.ipynb: the file needs too much memory" in said
    assert f"b read {len(SOURCES)}" in said


def test_zips_in_a_zip_share_what_one_student_may_unpack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten zips with ten files each are a hundred files of one student; the classmate's zip has its own allowance."""
    inner = zipped({f"{i}.ipynb": right() for i in range(10)})
    (tmp_path / "doe.zip").write_bytes(zipped({f"{i}.zip": inner for i in range(10)}))
    (tmp_path / "roe.zip").write_bytes(inner)
    monkeypatch.setattr(archive, "MAX_SUBMISSIONS", 45)
    from grader.submission import find

    with find([tmp_path]) as hand_ins:
        found = [(each.student.split("--")[0], each.problem) for each in hand_ins]
    assert [30, 10] == [sum(who == student and not why for who, why in found) for student in ("doe", "roe")]
    monkeypatch.setattr(archive, "MAX_SUBMISSIONS", 1000)
    monkeypatch.setattr(archive, "MAX_ONE_STUDENT", 45 * len(right()))
    with find([tmp_path]) as hand_ins:
        found = [(each.student.split("--")[0], each.problem) for each in hand_ins]
    assert 46 > sum(who == "doe" and not why for who, why in found) > 20
    assert [True] * 10 == [not why for who, why in found if who == "roe"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """Permissions that do not let the grader open it: said to its student."""
    (tmp_path / "a.ipynb").write_text(right())
    (tmp_path / "a.ipynb").chmod(0)
    (tmp_path / "b.ipynb").write_text(right())
    said = read_within(400, tmp_path)
    assert "the file may not be read" in said
    assert f"b read {len(SOURCES)}" in said
