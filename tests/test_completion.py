"""What Tab offers, asked as a shell asks; and that nothing heavy is imported for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.bundled import format_names, shipped_assignments
from grader.formats import formats

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "numpy", "pydantic", "nbformat", "jinja2", "IPython", "multiprocessing")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "grader").write_text(f'#!/bin/sh\nexec {sys.executable} -m grader "$@"\n')
    (folder / "grader").chmod(0o755)
    return folder


def run(commands: Path, script: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{commands}:{os.environ['PATH']}"}
    found = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return found.stdout


@pytest.fixture
def tab(commands: Path, tmp_path: Path) -> object:
    """Presses Tab at the end of a line, in bash, with the script that --show-completion prints."""
    (tmp_path / "submissions").mkdir()
    (tmp_path / "homework" / "week-5").mkdir(parents=True)
    (tmp_path / "homework" / "week-5" / "assignment.toml").touch()
    (tmp_path / "homework" / "old").mkdir()

    def press(line: str) -> list[str]:
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        script = (
            f'eval "$(grader --show-completion)"; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; '
            '_grader_completion grader; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return run(commands, script, tmp_path).split()

    return press


SHIPPED = sorted(shipped_assignments())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("grader do", ["doctor"]),
        ("grader check x --iso", ["--isolation"]),
        ("grader check x --isolation ", ["auto", "bwrap", "landlock", "none"]),
        ("grader check x --isolation b", ["bwrap"]),
        ("grader check x --assignment ", [*SHIPPED, "homework", "submissions"]),
        ("grader check x --assignment residual-b", ["residual-blocks"]),
        ("grader audit residual-q", ["residual-quiz"]),
        ("grader release residual-q", ["residual-quiz"]),
        ("grader export gradescope residual-q", ["residual-quiz"]),
        ("grader export canvas x --assignment residual-q", ["residual-quiz"]),
        ("grader check x --assignment homework/", ["homework/week-5"]),
        ("grader check x --format ", format_names()),
        ("grader check x --format js", ["json"]),
        ("grader check x --format json,ht", ["json,html"]),
        ("grader check x --format html,ht", []),
        ("grader check x --device c", ["cpu", "cuda"]),
        ("grader check ", []),  # bash completes names of files
    ],
)
def test_tab_completes(tab: object, line: str, expected: list[str]) -> None:
    assert callable(tab)
    assert expected == tab(line)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for(commands: Path, tmp_path: Path, shell: str) -> None:
    script = run(commands, f"_GRADER_COMPLETE=source_{shell} grader", tmp_path)
    assert f"complete_{shell}" in script
    assert "grader" in script


def test_a_format_is_a_file_of_its_name() -> None:
    """Completion reads the names off the folder."""
    assert list(formats()) == format_names()


@pytest.mark.parametrize("module", ["grader.cli", "grader.completion"])
def test_help_and_completion_import_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "\n" == found.stdout
