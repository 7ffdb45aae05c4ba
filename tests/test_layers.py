"""Imports run one way, and the test that says so can fail.

The contracts stand in pyproject.toml; here faults are planted in a copy of the package, one at a time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(cache_dir=None))"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "grader", tmp_path / "grader", ignore=shutil.ignore_patterns("__pycache__", "*.j2"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> tuple[int, str]:
    run = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_imports_run_one_way(copy: Path) -> None:
    code, said = lint(copy)
    assert 0 == code, said


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("verdict.py", "from grader.pipeline import Grader", "imports run one way"),
        ("judge/compare.py", "import grader.checks", "imports run one way"),
        ("judge/compare.py", "def late() -> None:\n    import grader.cli", "imports run one way"),
        ("sandbox/session.py", "import grader.worker.serve", "nobody imports the untrusted side"),
        ("worker/serve.py", "import grader.judge.compare", "imports run one way"),
        ("worker/serve.py", "from grader.verdict import Status", "the untrusted side sees only"),
        ("novelty.py", "", "imports run one way"),
        ("assignment/spec.py", "import grader.assignment.load", "an assignment is put together"),
        ("assignment/novelty.py", "", "an assignment is put together"),
    ],
)
def test_an_import_that_runs_upward_is_found(copy: Path, file: str, line: str, contract: str) -> None:
    """Also one inside a function, and a file that has no place yet."""
    with (copy / "grader" / file).open("a") as source:
        source.write(f"\n{line}\n")
    code, said = lint(copy)
    assert 0 != code
    broken = [text for text in said.splitlines() if "BROKEN" in text or "not listed" in text]
    assert any(contract in text for text in broken), said
