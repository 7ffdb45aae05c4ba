"""Nothing is lost: a grader that is killed goes on, two do not meet in one folder, a full disk spoils nothing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.spool import NAME

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "assignments" / "residual-blocks" / "examples"
CLASS = 6


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    """A small class: one right notebook, one wrong, by turns."""
    folder = tmp_path / "class"
    folder.mkdir()
    notebooks = [sorted(EXAMPLES.glob(f"{kind}-*.ipynb"))[0] for kind in ("right", "wrong")]
    for i in range(CLASS):
        shutil.copy(notebooks[i % 2], folder / f"student-{i}.ipynb")
    return folder


def command(submissions: Path, output: Path, *more: str) -> list[str]:
    options = ["--output", str(output), "--isolation", "none", "--jobs", "1", *more]
    return [sys.executable, "-m", "grader", "check", str(submissions), "--assignment", "residual-blocks", *options]


def grade(submissions: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(submissions, output, *more), capture_output=True, text=True, check=False, cwd=ROOT, timeout=120
    )


def records(output: Path) -> int:
    journal = output / NAME
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def kill_after(count: int, submissions: Path, output: Path) -> None:
    assert [] == kill_when(lambda: records(output) >= count, command(submissions, output))


def kill_when(ready: Callable[[], bool], command: list[str]) -> list[Path]:
    """`kill -9` the grader, and wait until all of its processes are gone; which temporary files they left."""
    with tempfile.TemporaryDirectory() as temporary:
        environment = {**os.environ, "TMPDIR": temporary}
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=ROOT, env=environment)
        wait_until(lambda: ready() or process.poll() is not None)
        assert process.poll() is None, "it was not killed in mid-run"
        assert processes(temporary), "processes would not be found"
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not processes(temporary))
        return list(Path(temporary).rglob("*"))


def processes(temporary: str) -> list[str]:
    """Those whose environment or command names this folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            found += [folder.name] * (temporary.encode() in told)
    return found


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_a_grader_that_was_killed_goes_on(submissions: Path, tmp_path: Path) -> None:
    """After two `kill -9` nobody is graded twice, nobody is lost, and the results are those of a run in one piece."""
    output, whole = tmp_path / "out", tmp_path / "whole"
    kill_after(1, submissions, output)
    first = records(output)
    kill_after(first + 1, submissions, output)
    done = records(output)
    graded = [json.loads(line.split(b" ", 1)[1].split(b"\t")[0]) for line in (output / NAME).read_bytes().splitlines()][
        1:
    ]
    pages = {page: page.stat().st_mtime_ns for page in (output / "students").glob("*.html")}
    finished = {f"student-{i}" for i in range(CLASS) if any(f"student-{i}" in key for key in graded)}
    assert len(finished) == done == len(graded)
    last, other = grade(submissions, output), grade(submissions, whole)
    assert f"Continuing: {done} of {CLASS} were graded" in last.stderr
    assert (last.returncode, (output / "results.json").read_bytes()) == (
        other.returncode,
        (whole / "results.json").read_bytes(),
    )
    assert sorted(p.name for p in (output / "students").iterdir()) == sorted(
        p.name for p in (whole / "students").iterdir()
    )
    assert all(pages[page] == page.stat().st_mtime_ns for page in pages if page.stem in finished)
    assert not (output / NAME).exists()


def test_a_slot_that_does_not_leave_is_made_to(tmp_path: Path) -> None:
    """One that swallows every exception ends too, soon after the grader was killed."""
    output, hand_in = tmp_path / "out", tmp_path / "class" / "b-stays.ipynb"
    hand_in.parent.mkdir()
    shutil.copy(next(EXAMPLES.glob("right-*.ipynb")), hand_in)
    stubborn = [sys.executable, str(ROOT / "tests" / "stubborn_slot.py"), "check", str(hand_in)]
    options = ["--output", str(output), "--isolation", "none", "--assignment", "residual-blocks"]
    kill_when((output / "stays").exists, [*stubborn, *options])


@pytest.mark.slow
def test_what_changed_meanwhile_is_graded_anew(submissions: Path, tmp_path: Path) -> None:
    """A notebook that was handed in again, and everything when an option has changed or --fresh is said."""
    output = tmp_path / "out"
    kill_after(2, submissions, output)
    saved = (output / NAME).read_bytes()
    again = submissions / "student-0.ipynb"
    again.write_text(again.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = saved.count(b"\n") - 1
    assert f"Continuing: {done - 1} of {CLASS} " in grade(submissions, output).stderr
    for option in (("--seed", "1"), ("--fresh",)):
        (output / NAME).write_bytes(saved)
        assert "Continuing" not in grade(submissions, output, *option).stderr


def test_two_graders_do_not_meet_in_one_folder(submissions: Path, tmp_path: Path) -> None:
    """One of two that start together grades; the other changes nothing and says who is there."""
    output = tmp_path / "out"
    both = [
        subprocess.Popen(command(submissions, output), stderr=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]
    codes = [process.returncode for process in both]
    assert [0, 2] == sorted(codes)
    message = said[codes.index(2)]
    assert f"another grader (process {both[codes.index(0)].pid}) is writing there" in message
    assert CLASS == len(json.loads((output / "results.json").read_text())["submissions"])


@pytest.mark.slow
def test_a_full_disk_leaves_earlier_results_readable(submissions: Path, tmp_path: Path) -> None:
    """On a disk that is really full: an error, the old results as they were, and with room again the run goes on."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    fence = ["unshare", *user, "--mount", "--"]
    output, kept = tmp_path / "out", tmp_path / "kept"
    output.mkdir()
    kept.mkdir()
    mount = f"mount -t tmpfs -o size=3m none {output}"
    if subprocess.run([*fence, "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("no disk of a given size can be made here")
    run = " ".join(command(submissions, output))
    script = f"""
        {mount}
        {run}; echo $? > {kept}/first; cp {output}/results.json {kept}/before.json
        dd if=/dev/zero of={output}/filler bs=1k count=4000
        {run}; echo $? > {kept}/second; cp {output}/results.json {kept}/full.json; cp -r {output}/students {kept}/
        rm {output}/filler
        {run}; echo $? > {kept}/third; cp {output}/results.json {kept}/after.json
    """
    ran = subprocess.run([*fence, "sh", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    codes = [(kept / name).read_text().strip() for name in ("first", "second", "third")]
    assert ["0", "3", "0"] == codes, ran.stderr
    assert "No space left on device" in ran.stderr
    texts = [(kept / f"{name}.json").read_text() for name in ("before", "full", "after")]
    assert 1 == len(set(texts))
    assert CLASS == len(json.loads(texts[1])["submissions"])
    assert all(page.read_text().rstrip().endswith("</html>") for page in (kept / "students").glob("*.html"))
