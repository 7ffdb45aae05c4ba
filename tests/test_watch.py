"""`grader check mine.ipynb --watch`, in a real terminal: a notebook is saved in all the ways that editors have."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
from typer.testing import CliRunner
from walls import wall

from grader.bundled import shipped_assignments
from grader.cli import app
from grader.saves import saves
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus
from grader.watch import changes

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parent.parent
BLOCKS = shipped_assignments()["residual-blocks"]
RIGHT, WRONG = BLOCKS / "examples" / "right-plain.ipynb", BLOCKS / "examples" / "wrong-multiplied.ipynb"
EMPTY_SCREEN = "\x1b[2J"
PATIENCE = 180


class Watched:
    """A watch in a terminal, and all that it has said."""

    def __init__(self, *arguments: object, here: Path) -> None:
        self.said = io.StringIO()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"}
        self.child = pexpect.spawn(
            sys.executable, ["-m", "grader", "check", "--watch", *map(str, arguments)],
            cwd=str(here), env=environment, timeout=PATIENCE, encoding="utf-8", dimensions=(200, 200),
        )  # fmt: skip
        self.child.logfile_read = self.said

    def until(self, text: str) -> str:
        """What it says before `text` comes."""
        self.child.expect_exact(text)
        return str(self.child.before)

    def until_checked(self) -> str:
        said = self.until("Waiting for the next save; Ctrl-C ends.")
        return said.rpartition("Checked at")[0]

    def interrupt(self) -> int:
        """The exit code after Ctrl-C."""
        self.child.sendintr()
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus is not None
        return int(self.child.exitstatus)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wall()
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def scenes(here: Path) -> Iterator[dict[str, str]]:
    """What is said after each save of one notebook; at the end the exit code."""
    notebook = here / "mine.ipynb"
    shutil.copy(WRONG, notebook)
    watched = Watched("mine.ipynb", "--fail-under", 90, here=here)
    scenes = {}
    try:
        scenes["first"] = watched.until_checked()
        scenes["page"] = (here / "reports" / "students" / "mine.html").read_text()
        scenes["results"] = (here / "reports" / "results.json").read_text()

        notebook.write_bytes(RIGHT.read_bytes())
        scenes["in place"] = watched.until_checked()

        notebook.write_bytes(WRONG.read_bytes()[:4000])
        scenes["half"] = watched.until("waiting for the next save") + watched.until("\n")
        notebook.write_bytes(RIGHT.read_bytes())
        scenes["whole"] = watched.until_checked()

        (here / "new").write_bytes(WRONG.read_bytes())
        (here / "new").rename(notebook)
        scenes["replaced"] = watched.until_checked()

        notebook.unlink()
        with pytest.raises(pexpect.TIMEOUT):
            watched.child.expect_exact("Checked", timeout=1)
        notebook.write_bytes(RIGHT.read_bytes())
        scenes["there again"] = watched.until_checked()

        scenes["results at the end"] = (here / "reports" / "results.json").read_text()
        scenes["code"] = str(watched.interrupt())
        scenes["all"] = watched.said.getvalue()
        yield scenes
    finally:
        watched.child.close(force=True)


def test_the_first_check_says_what_check_says(scenes: dict[str, str]) -> None:
    assert "The basic residual block" in scenes["first"]
    assert "You multiply the branch by the shortcut." in scenes["first"]
    assert "->" not in scenes["first"]


def test_after_a_save_it_is_said_what_became_of_what(scenes: dict[str, str]) -> None:
    assert "resblock skip-connection: failed -> passed" in scenes["in place"]
    assert "score: 85 -> 100" in scenes["in place"]
    assert "bottleneck" not in "".join(line for line in scenes["in place"].splitlines() if "->" in line)


def test_what_is_half_written_waits_for_the_next_save_and_counts_as_nothing(scenes: dict[str, str]) -> None:
    assert "not saved whole" in scenes["half"]
    assert "Nothing changed since the last check." in scenes["whole"]


def test_a_file_in_its_place_and_one_that_was_gone_are_checked(scenes: dict[str, str]) -> None:
    assert "resblock skip-connection: passed -> failed" in scenes["replaced"]
    assert "resblock skip-connection: failed -> passed" in scenes["there again"]


def test_every_check_begins_on_an_empty_screen(scenes: dict[str, str]) -> None:
    assert 5 == scenes["all"].count(EMPTY_SCREEN) == scenes["all"].count("Checked at")


def test_pages_and_results_are_those_of_the_last_check(scenes: dict[str, str]) -> None:
    assert "shortcut-multiplied" in scenes["page"]
    first, last = (json.loads(scenes[name])["submissions"] for name in ("results", "results at the end"))
    assert [("mine", "mine.ipynb", 85.0)] == [(each["student"], each["file"], each["score"]) for each in first]
    assert [("mine", "mine.ipynb", 100.0)] == [(each["student"], each["file"], each["score"]) for each in last]


def test_ctrl_c_ends_with_the_code_of_the_last_check(scenes: dict[str, str]) -> None:
    """100 of 100 is not below 90; the one before was."""
    assert "0" == scenes["code"]


def test_ctrl_c_before_the_first_check_ends_with_130(here: Path) -> None:
    (here / "broken.ipynb").write_text('{"cells": [')
    watched = Watched("broken.ipynb", "--assignment", "residual-blocks", "--output", "else", here=here)
    watched.until("waiting for the next save")
    assert 130 == watched.interrupt()


def test_a_watch_in_a_pipe_clears_nothing(here: Path) -> None:
    shutil.copy(RIGHT, here / "piped.ipynb")
    script = f"exec {sys.executable} -m grader check piped.ipynb --watch --output piped 2>&1 | cat"
    child = pexpect.spawn(
        "sh", ["-c", script], cwd=str(here), env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=PATIENCE,
        encoding="utf-8",
    )  # fmt: skip
    child.expect_exact("Waiting for the next save")
    assert "\x1b" not in str(child.before)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()


# ---------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.ipynb", "--output", "-"], "leave out --output -"),
        (["a.ipynb", "b.ipynb"], "one notebook"),
        (["."], "one notebook"),
        (["a.zip"], "one notebook"),
        (["nowhere.ipynb"], "there is no such file"),
    ],
)
def test_what_cannot_be_watched_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("a.ipynb", "b.ipynb", "a.zip"):
        (tmp_path / name).write_text("{}")
    found = CliRunner().invoke(app, ["check", "--watch", *arguments])
    assert 2 == found.exit_code
    assert message in found.stderr


# ---------------------------------------------------------------------- saves, changes


def test_a_file_is_not_taken_while_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written between two looks, the save that is over is taken, and once."""
    path = tmp_path / "a.ipynb"
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: path.write_text("1"),
        lambda: path.write_text("12"),
        lambda: path.write_text("123"),
        lambda: None,
        lambda: None,
        path.unlink,
        lambda: path.write_text("1234"),
        lambda: None,
        lambda: None,
    ]
    monkeypatch.setattr("grader.saves.time.sleep", lambda seconds: steps.pop(0)())
    found = [path.read_text() for _ in saves(path, stop=lambda: not steps)]
    assert ["123", "1234"] == found


def report(**statuses: Status) -> Report:
    checks = [
        CheckResult(id=name, title="", status=status, score=0.0, max_score=1.0, message="")
        for name, status in statuses.items()
    ]
    exercise = ExerciseReport(
        id="block", title="", score=0.0, max_score=2.0, correct=False, checks=checks, diagnoses=[]
    )
    return Report(
        student="a", file="a.ipynb", status=SubmissionStatus.GRADED, message="", score=0.0, max_score=2.0,
        exercises=[exercise], repairs=[], warnings=[],
    )  # fmt: skip


def test_changes_tell_checks_that_came_and_went() -> None:
    before, after = report(shape=Status.PASSED, gradient=Status.FAILED), report(shape=Status.PASSED, more=Status.PASSED)
    assert ["block gradient: failed -> not there", "block more: not there -> passed"] == changes(before, after)
    assert ["Nothing changed since the last check."] == changes(before, before)
