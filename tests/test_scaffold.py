"""`grader new`: what it writes grades at once, and it never writes over anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner
from walls import SharingGrader, wall

from grader.assignment import Limits, load_assignment
from grader.audit.run import run_audit
from grader.cli import app
from grader.errors import UsageError
from grader.pipeline import Settings
from grader.scaffold import TEMPLATE, scaffold
from grader.submission import find
from grader.verdict import Report, Status, SubmissionStatus

pytestmark = pytest.mark.heavy

FILES = {
    "assignment.toml",
    "reference.py",
    "starter.ipynb",
    "README.md",
    "examples/right.ipynb",
    "examples/wrong.ipynb",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    scaffold("week-6", folder)
    return folder / "week-6"


@pytest.fixture(scope="module")
def reports(folder: Path) -> Iterator[dict[str, Report]]:
    settings = Settings(wall(), "cpu", 0, Limits())
    paths = [folder / "examples", folder / "starter.ipynb"]
    with SharingGrader(load_assignment(folder), settings) as grader, find(paths) as hand_ins:
        grader.prepare()
        yield {Path(each.file).stem: grader.grade(each)[0] for each in hand_ins}


def in_folder(folder: Path) -> set[str]:
    """Files, but for what Python leaves beside a reference that was imported."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {str(path) for path in found if "__pycache__" not in path.parts}


# --- what is written -------------------------------------------------------------------------------------


def test_every_file_is_written_with_its_name_in_it(folder: Path) -> None:
    assert in_folder(folder) == FILES
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in FILES}
    assert not [name for name, text in texts.items() if "@ID@" in text or "@TITLE@" in text]
    assignment = load_assignment(folder)
    assert ("week-6", "Week 6") == (assignment.id, assignment.title)
    assert ["module", "function", "choice", "essay"] == [exercise.kind for exercise in assignment.exercises]


def test_notebooks_are_valid_and_say_what_they_answer(folder: Path) -> None:
    for path in folder.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert "week-6" == notebook.metadata.grader.assignment
        assert ["why"] == [cell.metadata.grader.answer for cell in notebook.cells if "grader" in cell.metadata]


def test_the_readme_has_five_lines_and_three_commands(folder: Path) -> None:
    lines = (folder / "README.md").read_text().splitlines()
    assert 5 == len(lines)
    assert 3 == sum(line.count("`grader ") for line in lines)


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["new", "week-6", "--folder", str(tmp_path / "home work")])
    assert 0 == run.exit_code, run.output
    assert in_folder(tmp_path / "home work" / "week-6") == FILES
    here = f"'{tmp_path}/home work/week-6'"
    assert all(f"{tmp_path}/home work/week-6/{name}" in run.stdout for name in FILES)
    for command in (f"check {here}/examples --assignment {here}", f"audit {here}", "check submissions/ --assignment"):
        assert f"  grader {command}" in run.stdout


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "week-6").mkdir()
    scaffold("week-6", tmp_path)
    assert in_folder(tmp_path / "week-6") == FILES


# --- it grades -------------------------------------------------------------------------------------------


def test_the_right_hand_in_gets_every_point_that_is_decided(reports: dict[str, Report]) -> None:
    report = reports["right"]
    assert {"mlp": True, "count": True, "zeros": True, "why": False} == {e.id: e.correct for e in report.exercises}
    undecided = [check for e in report.exercises for check in e.checks if check.status is not Status.PASSED]
    assert ["answer"] == [check.id for check in undecided]
    assert report.max_score - 5 == report.score


def test_the_wrong_hand_in_is_told_why(reports: dict[str, Report]) -> None:
    report = reports["wrong"]
    assert {"shortcut-multiplied", "biases-forgotten"} == {d.mistake for e in report.exercises for d in e.diagnoses}
    assert 20 == report.score
    zeros = next(each for each in report.exercises if each.id == "zeros")
    assert "the input is added" in zeros.checks[0].message


def test_an_untouched_starter_earns_nothing(reports: dict[str, Report]) -> None:
    assert SubmissionStatus.GRADED == reports["starter"].status
    assert 0 == reports["starter"].score


def test_the_variant_that_the_spec_proposes_works(tmp_path: Path) -> None:
    scaffold("week-6", tmp_path)
    spec = tmp_path / "week-6" / "assignment.toml"
    proposed = "# variants = [{ bias = false }]"
    assert proposed in spec.read_text()
    spec.write_text(spec.read_text().replace(proposed, proposed.removeprefix("# ")))
    right = tmp_path / "week-6" / "examples" / "right.ipynb"
    notebook = json.loads(right.read_text())
    for cell in notebook["cells"]:
        text = "".join(cell["source"]).replace("(dim, inner)", "(dim, inner, bias=False)")
        cell["source"] = text.replace("(inner, dim)", "(inner, dim, bias=False)")
    right.write_text(json.dumps(notebook))
    with (
        SharingGrader(load_assignment(spec.parent), Settings(wall(), "cpu", 0, Limits())) as grader,
        find([right]) as found,
    ):
        grader.prepare()
        assert grader.grade(found[0])[0].exercises[0].correct


def test_no_mistake_is_missed_and_nobody_accused(folder: Path) -> None:
    wall()
    assert run_audit(str(folder), 1, 0, "auto", lambda _: None).is_clean


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["My-homework", "my homework", "my_homework", "-x", "", "..", "a/b", "a\n", "é", "@id@"]
)
def test_an_id_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="expected small letters, digits and hyphens, as in my-homework"):
        scaffold(name, tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_a_shipped_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is a shipped assignment 'residual-blocks' already"):
        scaffold("residual-blocks", tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "week-6").mkdir()
    (tmp_path / "week-6" / "mine.txt").write_text("mine")
    (tmp_path / "week-7").write_text("a file")
    (tmp_path / "week-8").symlink_to(tmp_path / "nowhere")
    for name in ("week-6", "week-7", "week-8"):
        with pytest.raises(UsageError, match=f"{name} is there already"):
            scaffold(name, tmp_path)
    assert {"week-6/mine.txt", "week-7"} == in_folder(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"--folder .*/file: this is a file; name a folder"):
        scaffold("week-6", tmp_path / "file")


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it is written beside the folder first."""

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        scaffold("week-6", tmp_path)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["residual-blocks", "My homework"])
def test_refusals_end_with_two(tmp_path: Path, name: str) -> None:
    run = CliRunner().invoke(app, ["new", name, "--folder", str(tmp_path)])
    assert 2 == run.exit_code
    assert [] == list(tmp_path.iterdir())


def test_every_template_is_data_of_the_package() -> None:
    assert in_folder(TEMPLATE) >= FILES
