"""Colours and moving bars: on a terminal, and nowhere else unless somebody asks. A real pseudo-terminal is asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parent.parent
COLOUR = re.compile(r"\x1b\[(?:\d*;)*(?:3[0-8]|9[0-7])(?:;\d*)*m")
ESCAPE = re.compile(r"\x1b")
ASKED = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM", "GITHUB_ACTIONS", "PY_COLORS", "CLICOLOR_FORCE", "COLUMNS")
ERROR = ["check", "there-is-no-such.ipynb"]


def environment(**asked: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ASKED}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **asked}


def on_a_terminal(arguments: list[str], **asked: str) -> str:
    found, code = pexpect.run(
        f"{sys.executable} -m grader {' '.join(arguments)}",
        env=environment(**asked), timeout=60, withexitstatus=True, encoding="utf-8",
    )  # fmt: skip
    assert code in (0, 2)
    return str(found)


def in_a_pipe(arguments: list[str], **asked: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        env=environment(**asked), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode in (0, 2)
    return run.stdout + run.stderr


@pytest.mark.parametrize("arguments", [ERROR, ["check", "--help"]])
def test_a_terminal_has_colours_unless_told_otherwise(arguments: list[str]) -> None:
    assert COLOUR.search(on_a_terminal(arguments))
    assert COLOUR.search(on_a_terminal(arguments, NO_COLOR=""))  # empty means: not set
    assert not COLOUR.search(on_a_terminal(arguments, NO_COLOR="1"))
    assert not COLOUR.search(on_a_terminal(arguments, NO_COLOR="1", FORCE_COLOR="1"))
    assert not ESCAPE.search(on_a_terminal(arguments, TERM="dumb"))


@pytest.mark.parametrize("arguments", [ERROR, ["check", "--help"]])
def test_a_pipe_has_none_unless_told_otherwise(arguments: list[str]) -> None:
    assert not ESCAPE.search(in_a_pipe(arguments))
    assert COLOUR.search(in_a_pipe(arguments, FORCE_COLOR="1"))
    assert not COLOUR.search(in_a_pipe(arguments, FORCE_COLOR="1", NO_COLOR="1"))


def test_no_bar_moves_in_a_pipe_that_has_colours(tmp_path: Path) -> None:
    """The assignment has questions alone, so that no wall is needed; a bar would move the cursor."""
    notebook = next((ROOT / "assignments" / "residual-quiz" / "examples").glob("*.ipynb"))
    arguments = ["check", str(notebook), "--output", str(tmp_path), "--isolation", "none"]
    run = subprocess.run(
        [sys.executable, "-m", "grader", *arguments],
        env=environment(FORCE_COLOR="1"), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert COLOUR.search(run.stderr)
    assert set() == set(re.findall(r"\x1b\[[0-9;?]*([A-Za-ln-z])", run.stderr))
