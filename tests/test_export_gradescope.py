"""`grader export gradescope`: the zip is unpacked as Gradescope does, and its own run_autograder is run.

`/autograder` is a folder of the test's; students' code runs behind the wall that the machine has.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from receivers import gradescope
from typer.testing import CliRunner
from walls import wall

from grader.assignment import load_assignment
from grader.cli import app
from grader.export.autograder import Settings, best
from grader.export.bundle import SCRIPTS, build, needed
from grader.sandbox.isolation import bwrap_problem, landlock_problem
from grader.scaffold import scaffold
from grader.verdict import Report, SubmissionStatus

pytestmark = pytest.mark.heavy

WALLS = {"bwrap": bwrap_problem, "landlock": landlock_problem}


@pytest.fixture(scope="module")
def homework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("homework")
    scaffold("week-6", folder)
    return folder / "week-6"


@pytest.fixture
def autograder(homework: Path, tmp_path: Path) -> Callable[..., Path]:
    """Builds, unpacks, and gives the folder that Gradescope calls /autograder."""

    def unpacked(isolation: str = "auto", assignment: Path = homework) -> Path:
        root = tmp_path / "autograder"
        root.mkdir()
        settings = Settings.model_validate({"isolation": isolation})
        build(load_assignment(assignment), root / "autograder.zip", settings)
        with zipfile.ZipFile(root / "autograder.zip") as archive:
            archive.extractall(root / "source")
            for entry in archive.infolist():
                (root / "source" / entry.filename).chmod(entry.external_attr >> 16)
        (root / "submission").mkdir()
        (root / "autograder.zip").unlink()
        return root

    return unpacked


def run(root: Path, python: str = sys.executable) -> tuple[dict[str, Any], str]:
    """What run_autograder leaves as the result, and what it says in the log."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "GRADER_DEBUG", "COV_CORE")
    }
    done = subprocess.run(
        [root / "source" / "run_autograder"],
        cwd=root,
        env={**environment, "AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": python},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stderr  # what is wrong stands in the result, never in the status
    return json.loads((root / "results" / "results.json").read_text(encoding="utf-8")), done.stdout + done.stderr


def hand_in(root: Path, source: str, name: str = "hw.ipynb") -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), root / "submission" / name)


# ---------------------------------------------------------------------- what is in the zip


def test_the_same_assignment_gives_the_same_bytes(homework: Path, tmp_path: Path) -> None:
    """Whenever and wherever it is built; what was handed in as an example stays at home."""
    builds = []
    for name in ("a.zip", "b/c.zip"):
        build(load_assignment(homework), tmp_path / name, Settings())
        builds.append((tmp_path / name).read_bytes())
        (homework / "reference.py").touch()
    assert builds[0] == builds[1]
    archive = zipfile.ZipFile(tmp_path / "a.zip")
    names = archive.namelist()
    assert sorted(names) == names
    assert {"setup.sh", "run_autograder", "assignment/assignment.toml", "assignment/reference.py"} <= set(names)
    assert {"grader/worker/zygote.py", "grader/formats/templates/feedback.html.j2"} <= set(names)
    assert "reference/residual.py" in names
    assert not [name for name in names if name.startswith(("assignment/examples", "tests")) or "__pycache__" in name]
    assert {(1980, 1, 1, 0, 0, 0)} == {entry.date_time for entry in archive.infolist()}
    executable = {entry.filename for entry in archive.infolist() if entry.external_attr >> 16 & stat.S_IXUSR}
    assert set(SCRIPTS) == executable


def test_what_setup_installs_is_what_the_grader_declares(homework: Path, tmp_path: Path) -> None:
    """Every library of the grader, in the versions that the tests run with, and no tools for tests."""
    build(load_assignment(homework), tmp_path / "a.zip", Settings(), ("https://example.org/cpu",))
    archive = zipfile.ZipFile(tmp_path / "a.zip")
    lines = archive.read("requirements.txt").decode().splitlines()
    assert ["--extra-index-url https://example.org/cpu", *sorted(needed())] == lines
    assert not [line for line in lines if line.startswith("pytest")]
    assert "torch==2.13.0" in archive.read("constraints.txt").decode().splitlines()


def test_setup_takes_the_newest_python_there_is(autograder: Callable[..., Path], tmp_path: Path) -> None:
    """Run as it stands, with an apt-get that has Python 3.12 and no newer, and a Python that writes down its calls."""
    root = autograder()
    tools = tmp_path / "tools"
    tools.mkdir()
    calls = tmp_path / "calls"
    scripts = {
        "apt-get": f'echo "apt-get $*" >> {calls}; case "$*" in *python3.13*) exit 100;; esac',
        "python3.12": f'echo "python3.12 $*" >> {calls}; mkdir -p "$3/bin"; '
        f'printf \'#!/bin/sh\\necho "venv $*" >> {calls}\\n\' > "$3/bin/python"; chmod +x "$3/bin/python"',
    }
    for name, body in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    environment = {
        "PATH": f"{tools}:/usr/bin:/bin",
        "AUTOGRADER_ROOT": str(root),
        "AUTOGRADER_VENV": str(tmp_path / "venv"),
    }
    done = subprocess.run(
        [root / "source" / "setup.sh"], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert 0 == done.returncode, done.stderr
    said = calls.read_text().splitlines()
    assert any("bubblewrap" in line for line in said)
    assert f"python3.12 -m venv {tmp_path}/venv" in said
    install = next(line for line in said if "pip install" in line)
    assert f"--constraint {root}/source/constraints.txt --requirement {root}/source/requirements.txt" in install
    assert any("-m grader doctor" in line for line in said)


def test_setup_says_so_where_python_is_too_old(autograder: Callable[..., Path], tmp_path: Path) -> None:
    root = autograder()
    (tmp_path / "apt-get").write_text('#!/bin/sh\ncase "$*" in *python3*) exit 100;; esac\n')
    (tmp_path / "apt-get").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "AUTOGRADER_ROOT": str(root)}
    done = subprocess.run(
        [root / "source" / "setup.sh"], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert 1 == done.returncode
    assert "Choose Ubuntu 22.04 or newer" in done.stdout


def test_the_command_writes_the_zip_and_says_what_to_do(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["export", "gradescope", "residual-blocks", "--output", str(tmp_path / "a.zip")])
    assert 0 == made.exit_code, made.output
    assert zipfile.is_zipfile(tmp_path / "a.zip")
    assert "Configure Autograder" in made.output
    assert "90, and up to 10 for written answers" in made.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-assignment"], "there is no assignment 'no-such-assignment'"),
        (["residual-blocks", "--extra-index-url", "x\n--index-url=y"], "expected an address that begins with https://"),
        (["residual-blocks", "--isolation", "none"], "none"),
        (["residual-blocks", "--output", "/proc/no/a.zip"], "cannot be written"),
        (["residual-blocks", "--output", "/tmp"], "--output /tmp: this is a folder; name a file"),
    ],
)
def test_wrong_usage_is_refused(arguments: list[str], said: str) -> None:
    made = CliRunner().invoke(app, ["export", "gradescope", *arguments], terminal_width=200)
    assert made.exit_code in (2, 3)
    assert said in made.output


# ---------------------------------------------------------------------- what it does with a submission


def test_a_right_and_a_wrong_hand_in(autograder: Callable[..., Path], homework: Path) -> None:
    """The points that `grader check` gives; those of the written answer are open."""
    wall()
    root = autograder()
    shutil.copy(homework / "examples" / "right.ipynb", root / "submission" / "hw.ipynb")
    document, log = run(root)
    assert 40.0 == gradescope(document)
    assert {"passed"} == {test["status"] for test in document["tests"] if "status" in test}
    assert ["pending"] == [tag for test in document["tests"] for tag in test.get("tags", [])]
    assert "40 of 40 points." in document["output"]
    assert "wall: " in log

    shutil.copy(homework / "examples" / "wrong.ipynb", root / "submission" / "hw.ipynb")
    document, _ = run(root)
    score = gradescope(document)
    assert score is not None
    assert score < 40
    assert "failed" in {test["status"] for test in document["tests"] if "status" in test}


def test_an_unreadable_hand_in_and_none(autograder: Callable[..., Path]) -> None:
    """Both are the student's to mend, and the result says how."""
    wall()
    root = autograder()
    document, _ = run(root)
    assert 0.0 == gradescope(document)
    assert document["output"].startswith("There is no notebook in what you handed in.")
    assert document["output"].endswith("You handed in: nothing.")

    (root / "submission" / "answers.pdf").write_bytes(b"%PDF")
    assert "You handed in: answers.pdf." in run(root)[0]["output"]

    (root / "submission" / "hw.ipynb").write_text('{"cells": [')
    document, _ = run(root)
    assert 0.0 == gradescope(document)
    assert "Could not be read" in document["output"]


def test_of_several_notebooks_the_best_counts(autograder: Callable[..., Path], homework: Path) -> None:
    wall()
    root = autograder()
    shutil.copy(homework / "examples" / "wrong.ipynb", root / "submission" / "a.ipynb")
    shutil.copy(homework / "examples" / "right.ipynb", root / "submission" / "final.ipynb")
    document, _ = run(root)
    assert 40.0 == gradescope(document)
    assert "2 files" in document["output"]
    assert "final.ipynb, which has the most points" in document["output"]


def test_what_cannot_be_read_is_never_the_best() -> None:
    def made(student: str, status: SubmissionStatus, score: float) -> Report:
        return Report(
            student=student,
            file=f"{student}.ipynb",
            status=status,
            score=score,
            max_score=9,
            exercises=[],
            repairs=[],
            warnings=[],
        )

    reports = [
        made("torn", SubmissionStatus.UNREADABLE, 0),
        made("empty", SubmissionStatus.GRADED, 0),
        made("some", SubmissionStatus.GRADED, 3),
    ]
    assert "some" == best(reports).student
    assert "empty" == best(reports[:2]).student


# ---------------------------------------------------------------------- when something breaks


def test_a_broken_reference_costs_nobody_points(autograder: Callable[..., Path], homework: Path) -> None:
    """The result names no score; why is told to the instructor, and to no student."""
    wall()
    root = autograder()
    shutil.copy(homework / "examples" / "right.ipynb", root / "submission" / "hw.ipynb")
    (root / "source" / "assignment" / "reference.py").write_text("raise RuntimeError('secret of the instructor')\n")
    document, log = run(root)
    assert gradescope(document) is None
    assert "This is not your mistake and costs you nothing" in document["output"]
    assert "secret" not in document["output"]
    assert ["hidden"] == [test["visibility"] for test in document["tests"]]
    assert "secret of the instructor" in document["tests"][0]["output"]
    assert "secret of the instructor" in log
    assert "No score was given" in log


def test_a_grader_that_cannot_start_costs_nobody_points(autograder: Callable[..., Path], homework: Path) -> None:
    root = autograder()
    shutil.copy(homework / "examples" / "right.ipynb", root / "submission" / "hw.ipynb")
    for python in ("/no/such/python", "/bin/false"):
        document, _ = run(root, python)
        assert gradescope(document) is None
        assert "The run was cut off" in document["tests"][0]["output"]
    (root / "source" / "settings.json").write_text('{"isolation": "none"}')
    document, _ = run(root)
    assert gradescope(document) is None
    assert "isolation" in document["tests"][0]["output"]


def test_an_old_result_does_not_outlive_a_run_that_fails(autograder: Callable[..., Path]) -> None:
    root = autograder()
    (root / "results").mkdir()
    (root / "results" / "results.json").write_text('{"score": 40}')
    assert gradescope(run(root, "/bin/false")[0]) is None


# ---------------------------------------------------------------------- what students' code can reach

SPY = """
import glob, os
def parameters(width, hidden):
    seen = False
    for path in {paths!r}:
        try:
            os.listdir(path) if os.path.isdir(path) else open(path).read()
            seen = True
        except OSError:
            pass
        try:
            open(path if not os.path.isdir(path) else path + "/forged", "w").write('{{"score": 40.0}}')
            seen = True
        except OSError:
            pass
    return (width + 1) * hidden + (hidden + 1) * width if seen else -1
"""


@pytest.mark.parametrize("isolation", sorted(WALLS))
def test_students_code_reaches_neither_results_nor_references(
    isolation: str, autograder: Callable[..., Path], tmp_path: Path
) -> None:
    """It earns points only where it could read or write what it must not; the same code shows that it can notice."""
    if problem := WALLS[isolation]():
        pytest.skip(f"this machine has no {isolation}: {problem}")
    root = autograder(isolation)
    (root / "results").mkdir()
    targets = [
        *("results", "results/results.json", "source", "source/assignment/reference.py", "source/settings.json"),
        *("submission/hw.ipynb", "submission_metadata.json"),
    ]
    (root / "submission_metadata.json").write_text("{}")
    hand_in(root, SPY.format(paths=[str(root / target) for target in targets]))
    document, _ = run(root)
    # The written answer is open, and the function is wrong: nothing was reached.
    assert 0.0 == gradescope(document)
    assert not list(root.rglob("forged"))
    assert stat.S_IRWXU == stat.S_IMODE((root / "results").stat().st_mode)

    hand_in(root, SPY.format(paths=["/usr/bin/env"]).replace("open(path).read()", "open(path, 'rb').read()"))
    assert 5.0 == gradescope(run(root)[0])
