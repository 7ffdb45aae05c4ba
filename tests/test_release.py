"""`grader release`: a student can check with it, and nothing in it gives the assignment away."""

from __future__ import annotations

import base64
import json
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner
from walls import SharingGrader, wall

from grader.assignment import Limits, Release, load_assignment, shipped_assignments
from grader.cli import app
from grader.errors import AssignmentError, UsageError
from grader.pipeline import Settings
from grader.release import Bundle, make_bundle, write_folder, write_zip
from grader.scaffold import scaffold
from grader.specfile import spec_text
from grader.submission import find
from grader.verdict import LEFT_TO_THE_MARKING, CheckResult, Report, Status, SubmissionStatus

OWN = {"README.md", "assignment.toml", "release.json", "starter.ipynb"}
WORD = "zqsecretxj"
ESSAY = """
[[exercise.concept]]
id = "sum"
title = "CONCEPT"
points = 5
says = ["rubricword sum"]

[[exercise.misconception]]
id = "gate"
says = ["rubricword gate"]
reply = "REPLY"
"""
PREDICT = """

[[exercise]]
id = "ones"
kind = "predict"
title = "Ones"
task = "What comes out?"
name = "q_ones"
points = 5
value = 4711
wrong = [{ value = 1234, explanation = "REASON" }]
explanation = "BECAUSE"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An assignment of every kind that `grader new` writes and one more, with a solution in its starter."""
    scaffold("week-6", tmp_path)
    folder = tmp_path / "week-6"
    spec = folder / "assignment.toml"
    text = spec.read_text()
    text = text.replace('name = "ResidualMLP"', 'name = "ResidualMLP"\nmistakes = { shortcut-multiplied = 15 }')
    spec.write_text(text + ESSAY + PREDICT)
    starter = nbformat.read(folder / "starter.ipynb", as_version=4)
    (cell,) = [cell for cell in starter.cells if "class ResidualMLP" in cell.source]
    cell.source = (
        "class ResidualMLP(nn.Module):\n    def __init__(self, width, hidden):\n        super().__init__()\n"
        "        ### BEGIN SOLUTION\n        self.SECRET = nn.Linear(width, hidden)\n        ### END SOLUTION\n\n"
        "    def forward(self, x):\n        return x + self.SECRET(x)  # SOLUTION\n"
    )
    cell.outputs = [nbformat.v4.new_output("stream", text="SECRET")]
    nbformat.write(starter, folder / "starter.ipynb")
    return folder


def say(folder: Path, release: str) -> Path:
    """The assignment with another `[release]`."""
    spec = folder / "assignment.toml"
    spec.write_text(spec.read_text().replace('[release]\nreference = "secret"', f"[release]\n{release}"))
    return folder


def bundle_of(folder: Path) -> Bundle:
    return make_bundle(load_assignment(folder))


def released(folder: Path, target: Path) -> Path:
    write_folder(bundle_of(folder).files, target)
    return target


def grade(assignment: Path, *paths: Path) -> dict[str, Report]:
    with (
        SharingGrader(load_assignment(assignment), Settings(wall(), "cpu", 0, Limits())) as grader,
        find(list(paths)) as found,
    ):
        grader.prepare()
        return {Path(each.file).stem: grader.grade(each)[0] for each in found}


def checks(report: Report) -> Iterator[tuple[str, CheckResult]]:
    for exercise in report.exercises:
        yield from ((f"{exercise.id} {check.id}", check) for check in exercise.checks)


# ---------------------------------------------------------------------- what is in it


def test_nothing_tells_what_is_right(folder: Path) -> None:
    """Answers, rubrics, explanations, costs, known mistakes and references: none of them is in any file."""
    bundle = bundle_of(folder)
    assert OWN == set(bundle.files)
    whole = b"\n".join(bundle.files.values()).decode()
    secrets = (
        "SECRET rubricword CONCEPT REPLY REASON BECAUSE 4711 1234 explanation biases-forgotten without_biases "
        "shortcut-multiplied torch.relu(self.widen variants"
    ).split()
    assert [] == [secret for secret in secrets if secret in whole.replace("What is right is not in it", "")]
    spec = tomllib.loads(bundle.files["assignment.toml"].decode())
    assert ["mlp", "count", "zeros", "why", "ones"] == [each["id"] for each in spec["exercise"]]
    assert ["a", "b", "c"] == [option["id"] for option in spec["exercise"][2]["option"]]


def test_secret_is_what_an_author_gets_who_says_nothing(folder: Path) -> None:
    said = bundle_of(folder).files
    spec = folder / "assignment.toml"
    spec.write_text(spec.read_text().replace('[release]\nreference = "secret"\n', ""))
    assert said == bundle_of(folder).files


def test_a_public_reference_travels_with_what_it_imports(folder: Path) -> None:
    (folder / "reference.py").write_text("from .parts import widen\n" + (folder / "reference.py").read_text())
    (folder / "parts.py").write_text("def widen(): ...\n")
    (folder / "marking.py").write_text("SECRET = 1\n")
    files = bundle_of(say(folder, 'reference = "public"')).files
    assert OWN | {"reference.py", "parts.py"} == set(files)
    assert (folder / "reference.py").read_bytes() == files["reference.py"]
    spec = tomllib.loads(files["assignment.toml"].decode())
    assert ["reference:ResidualMLP", "reference:parameters", None, None, None] == [
        each.get("reference") for each in spec["exercise"]
    ]
    assert {"shortcut-multiplied": 15} == spec["exercise"][0]["mistakes"]
    assert [False, False, True, False, True] == [each.get("withheld", False) for each in spec["exercise"]]


def test_examples_and_what_lies_about_are_not_given(folder: Path) -> None:
    (folder / "solution.ipynb").write_text("SECRET")
    (folder / "notes.md").write_text("SECRET")
    assert OWN == set(bundle_of(folder).files)


def test_files_that_the_author_names_are_given(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "points.csv").write_bytes(b"1,2\r\n")
    (folder / "more.ipynb").write_bytes((folder / "starter.ipynb").read_bytes())
    files = bundle_of(say(folder, 'files = ["data/points.csv", "more.ipynb"]')).files
    assert b"1,2\r\n" == files["data/points.csv"]
    assert b"SECRET" not in files["more.ipynb"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../other.txt", "within the assignment's folder"),
        ("/etc/hostname", "within the assignment's folder"),
        ("link", "within the assignment's folder"),
        ("nowhere.txt", "there is no such file"),
        ("examples/right.ipynb", "examples are right and wrong answers"),
        ("reference.py", "holds a reference, which is secret"),
        ("assignment.toml", "this is written by grader"),
    ],
)
def test_files_that_may_not_be_given_are_refused(folder: Path, name: str, why: str) -> None:
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(AssignmentError, match=f"release.files: '{name}'.*{why}"):
        bundle_of(say(folder, f'files = ["{name}"]'))


def test_the_starter_is_stripped_and_the_cells_are_told(folder: Path) -> None:
    bundle = bundle_of(folder)
    notebook = nbformat.reads(bundle.files["starter.ipynb"].decode(), as_version=4)
    nbformat.validate(notebook)
    (cell,) = [(n, c) for n, c in enumerate(notebook.cells, 1) if "class ResidualMLP" in c.source]
    assert [cell[0]] == bundle.stripped
    assert "        raise NotImplementedError  # your code here" in cell[1].source
    assert ["why"] == [c.metadata.grader.answer for c in notebook.cells if "grader" in c.metadata]


@given(
    text=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30), max_size=4)
)
def test_a_solution_is_in_no_byte_of_the_bundle(text: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither as it is nor in base64; and the starter is refused if its markers cannot be understood."""
    home = tmp_path_factory.mktemp("bundle")
    scaffold("week-6", home)
    path = home / "week-6" / "starter.ipynb"
    whole = json.loads(path.read_text())
    solution = "\n".join(f"{line}{WORD}" for line in text or [""])
    packed = base64.b64encode(solution.encode()).decode()
    whole["cells"][0]["source"] += f"\n\n<!-- BEGIN SOLUTION -->\n{solution}\n<!-- END SOLUTION -->"
    whole["cells"][0]["attachments"] = {"a.png": {"image/png": packed}}
    whole["cells"][0]["metadata"] = {"note": solution}
    path.write_text(json.dumps(whole))
    spec = home / "week-6" / "assignment.toml"
    spec.write_text(spec.read_text().replace('"secret"', '"secret"\nshapes = false'))
    try:
        files = bundle_of(home / "week-6").files
    except AssignmentError:
        return
    write_zip(files, home / "a.zip", "week-6")
    bytes_ = b"".join([*files.values(), (home / "a.zip").read_bytes()])
    assert WORD.encode() not in bytes_
    assert base64.b64encode(WORD.encode()[:9]) not in bytes_


def test_markers_that_cannot_be_understood_stop_everything(folder: Path, tmp_path: Path) -> None:
    starter = folder / "starter.ipynb"
    starter.write_text(starter.read_text().replace("### END SOLUTION", "### END"))
    run = CliRunner().invoke(app, ["release", str(folder), "--output", str(tmp_path / "out")])
    assert 2 == run.exit_code
    assert f"{starter}: cell " in run.output.replace("\n", "")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(shipped_assignments()))
def test_every_shipped_assignment_can_be_released(name: str, tmp_path: Path) -> None:
    """Its spec loads, its code exercises are judged in full, and no answer to a question is told."""
    folder = shipped_assignments()[name]
    target = released(folder, tmp_path / name)
    there, here = load_assignment(target), load_assignment(folder)
    assert [(each.id, each.max_score) for each in here.exercises] == [(e.id, e.max_score) for e in there.exercises]
    for before, after in zip(here.exercises, there.exercises, strict=True):
        assert after.withheld == (after.kind in ("choice", "predict"))
        if not after.withheld and after.kind != "essay":
            assert before == after
    said = (target / "assignment.toml").read_text()
    assert not any(f"\n{word}" in said for word in ("right = true", "explanation", "value", "wrong", "says", "reply"))


# ---------------------------------------------------------------------- it checks


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Report]]:
    home = tmp_path_factory.mktemp("secret")
    scaffold("week-6", home)
    copy = released(home / "week-6", home / "copy")
    (home / "week-6" / "reference.py").unlink()  # it must not be needed
    paths = [*(home / "week-6" / "examples").glob("*.ipynb"), copy / "starter.ipynb"]
    return copy, grade(copy, *paths)


def test_without_the_reference_a_right_answer_loses_nothing(secret: tuple[Path, dict[str, Report]]) -> None:
    report = secret[1]["right"]
    found = {name: (check.status, check.score) for name, check in checks(report)}
    assert (Status.PASSED, 5.0) == found.pop("mlp shape")
    assert {(Status.SKIPPED, 0.0)} == set(found.values())
    assert report.max_score - 5 == report.pending
    told = [check.message for name, check in checks(report) if name not in ("mlp shape", "why answer")]
    assert all(LEFT_TO_THE_MARKING in message for message in told)


def test_what_shows_without_the_reference_is_told(folder: Path, tmp_path: Path) -> None:
    copy = released(folder, tmp_path / "copy")
    right = (folder / "examples" / "right.ipynb").read_text()
    edits = {
        "shape": ("nn.Linear(inner, dim)", "nn.Linear(inner, dim + 1)"),
        "list": ("self.layers = nn.Sequential(", "self.layers = list(("),
        "frozen": ("self.layers = ", "self.frozen = nn.Parameter(torch.ones(1)); self.layers = "),
        "zeros": ('q_zeros = \\"b\\"', 'q_zeros = \\"e\\"'),
        "count": ("def parameters(", "def parameters(self, "),
    }
    for name, (old, new) in edits.items():
        assert old in right
        (tmp_path / f"{name}.ipynb").write_text(right.replace(old, new))
    reports = grade(copy, *(tmp_path / f"{name}.ipynb" for name in edits))
    lost = {
        name: {said for said, check in checks(report) if not check.score and not check.status.pending}
        for name, report in reports.items()
    }
    assert "mlp shape" in lost["shape"] & lost["list"]
    unanswered = {"ones answer"}
    assert unanswered | {"mlp gradient"} == lost["frozen"]
    assert unanswered | {"zeros answer"} == lost["zeros"]
    assert unanswered | {"count values"} == lost["count"]


def test_shapes_may_be_kept_too(folder: Path, tmp_path: Path) -> None:
    copy = released(say(folder, "shapes = false"), tmp_path / "copy")
    assert "outputs" not in (copy / "assignment.toml").read_text()
    shape = dict(checks(grade(copy, folder / "examples" / "right.ipynb")["right"]))["mlp shape"]
    assert (Status.SKIPPED, f"It runs in 3 cases. {LEFT_TO_THE_MARKING}") == (shape.status, shape.message)


def test_what_is_held_back_is_held_back_in_the_copy_too(folder: Path, tmp_path: Path) -> None:
    """The last hint until its moment; results that a platform shows later or never, whatever the reference is."""
    spec = say(folder, 'reference = "public"\n\n[hints]\nlast_from = 2031-12-01T18:00:00+01:00') / "assignment.toml"
    text = spec.read_text()
    spec.write_text(
        text.replace('name = "ResidualMLP"', 'name = "ResidualMLP"\nvisibility = { gradient = "hidden" }', 1)
    )
    here, copy = load_assignment(folder), load_assignment(released(folder, tmp_path / "copy"))
    assert here.hints.last_from is not None
    assert here.hints == copy.hints
    assert {"mlp": True, "count": False} == {
        each.id: each.withheld for each in copy.exercises if each.id in ("mlp", "count")
    }


def test_an_untouched_starter_is_graded(secret: tuple[Path, dict[str, Report]]) -> None:
    report = secret[1]["starter"]
    assert (SubmissionStatus.GRADED, 0.0) == (report.status, report.score)


def test_with_a_public_reference_the_copy_grades_as_the_assignment_does(folder: Path, tmp_path: Path) -> None:
    copy = released(say(folder, 'reference = "public"'), tmp_path / "copy")
    examples = sorted((folder / "examples").glob("*.ipynb"))
    there, here = grade(copy, *examples), grade(folder, *examples)
    for name in ("right", "wrong"):
        for before, after in zip(here[name].exercises[:2], there[name].exercises[:2], strict=True):
            assert before == after
    assert Status.SKIPPED is dict(checks(there["right"]))["zeros answer"].status


def test_questions_are_read_and_not_judged(secret: tuple[Path, dict[str, Report]]) -> None:
    zeros = dict(checks(secret[1]["right"]))["zeros answer"]
    assert zeros.message.startswith("Read: b) Its input. Left to the marking")
    wrong = dict(checks(secret[1]["wrong"]))["zeros answer"]
    assert (Status.SKIPPED, wrong.message.replace(zeros.message, "")) == (wrong.status, wrong.message)


# ---------------------------------------------------------------------- where it is written


def test_the_same_assignment_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first, second = bundle_of(folder).files, bundle_of(folder).files
    assert first == second
    write_zip(first, tmp_path / "a.zip", "week-6")
    write_zip(dict(reversed(second.items())), tmp_path / "b.zip", "week-6")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert sorted(f"week-6/{name}" for name in OWN) == archive.namelist()
        assert None is archive.testzip()


def test_a_former_release_is_replaced(folder: Path, tmp_path: Path) -> None:
    released(folder, tmp_path / "copy")
    spec = folder / "assignment.toml"
    spec.write_text(spec.read_text().replace("Counting parameters", "Counting"))
    released(folder, tmp_path / "copy")
    assert "Counting parameters" not in (tmp_path / "copy" / "assignment.toml").read_text()
    assert OWN == {path.name for path in (tmp_path / "copy").iterdir()}
    assert {"week-6", "copy"} == {path.name for path in tmp_path.iterdir()}


def test_nothing_else_is_written_over(folder: Path, tmp_path: Path) -> None:
    files = bundle_of(folder).files
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("edited", "more", "linked"):
        released(folder, tmp_path / name)
    (tmp_path / "edited" / "starter.ipynb").write_text("mine")
    (tmp_path / "more" / "mine.ipynb").write_text("mine")
    (tmp_path / "linked" / "l").symlink_to("/etc")
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    reasons = {
        "mine": "is not empty, and is no former release",
        "file": "is no folder",
        "link": "is no folder",
        "edited": "starter.ipynb was changed since it was written",
        "more": "mine.ipynb is no file of a former release",
        "linked": "l is no file of a former release",
    }
    for name, why in reasons.items():
        with pytest.raises(UsageError, match=why):
            write_folder(files, tmp_path / name)
    (tmp_path / "a.zip").write_bytes(b"mine")
    with pytest.raises(UsageError, match="is no former release"):
        write_zip(files, tmp_path / "a.zip", "week-6")
    after = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "a.zip"}
    assert before == after


def test_a_former_zip_is_replaced_and_a_changed_one_is_not(folder: Path, tmp_path: Path) -> None:
    files = bundle_of(folder).files
    write_zip(files, tmp_path / "a.zip", "week-6")
    write_zip(files, tmp_path / "a.zip", "week-6")
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr("week-6/mine.txt", "mine")
    with pytest.raises(UsageError, match="changed since"):
        write_zip(files, tmp_path / "a.zip", "week-6")


def test_a_copy_cannot_be_released_again(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a student's copy already"):
        bundle_of(released(folder, tmp_path / "copy"))


def test_an_assignment_without_a_starter_is_refused(folder: Path) -> None:
    (folder / "starter.ipynb").unlink()
    with pytest.raises(UsageError, match=r"holds no starter\.ipynb"):
        bundle_of(folder)


def test_the_command_says_what_it_wrote_and_what_is_left(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["release", str(folder), "--output", str(tmp_path / "out"), "--zip"])
    assert 0 == run.exit_code, run.output
    assert all(str(tmp_path / "out" / name) in run.stdout for name in OWN)
    assert f"{tmp_path}/out.zip" in run.stdout
    assert "  zeros: whether the answer is right\n" in run.stdout
    assert f"  grader check {tmp_path}/out/starter.ipynb --assignment {tmp_path}/out\n" in run.stdout


def test_a_taken_zip_stops_before_the_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_bytes(b"mine")
    run = CliRunner().invoke(app, ["release", str(folder), "--output", str(tmp_path / "out"), "--zip"])
    assert 2 == run.exit_code
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------------- the spec as text

PLAIN = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
VALUES: Any = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
KEYS = st.from_regex(r"[a-z_-]{1,10}", fullmatch=True).filter(lambda key: key not in ("exercise", "id"))


@given(
    st.dictionaries(KEYS, PLAIN), st.lists(st.dictionaries(KEYS, VALUES, max_size=5), min_size=1, max_size=3), st.text()
)
def test_what_is_written_is_read_again(top: dict[str, Any], exercises: list[dict[str, Any]], remark: str) -> None:
    spec = {**top, "exercise": [{"id": str(number), **each} for number, each in enumerate(exercises)]}
    assert spec == tomllib.loads(spec_text(spec, [remark], {"0": [remark]}))


# ---------------------------------------------------------------------- what fails there fails in the marking


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Report], dict[str, Report]]:
    """The examples of residual-blocks, by the assignment and by a student's copy with secret references."""
    home = tmp_path_factory.mktemp("both")
    there = shipped_assignments()["residual-blocks"]
    secret = load_assignment(there).model_copy(update={"release": Release(reference="secret")})
    write_folder(make_bundle(secret).files, home / "copy")
    names = ("wrong-*", "right-plain", "right-unusual", "right-v1-stride", "right-crash-later", "right-second-try")
    examples = sorted(path for name in names for path in (there / "examples").glob(f"{name}.ipynb"))
    return grade(there, *examples), grade(home / "copy", *examples)


@pytest.mark.slow
def test_what_fails_in_a_students_copy_fails_in_the_marking(both: tuple[dict[str, Report], dict[str, Report]]) -> None:
    """Nobody is told to mend what is right; and points that a copy gives are given."""
    marking, copy = both
    assert len(copy) > 18
    for name, report in copy.items():
        marked = dict(checks(marking[name]))
        for said, check in checks(report):
            if check.status is Status.PASSED:
                assert (name, said, Status.PASSED) == (name, said, marked[said].status)
            elif not check.status.pending:
                assert (name, said, True) == (name, said, marked[said].status not in (Status.PASSED, Status.SKIPPED))


@pytest.mark.slow
def test_a_students_copy_sees_what_needs_no_reference(both: tuple[dict[str, Report], dict[str, Report]]) -> None:
    """Of the wrong examples, these are told without one."""
    seen = {
        name for name, report in both[1].items() if any(not c.status.pending and not c.score for _, c in checks(report))
    }
    assert {
        *("wrong-no-return", "wrong-one-argument", "wrong-pass", "wrong-projection-stride", "wrong-python-list"),
        *("wrong-syntax-error", "wrong-unfinished", "wrong-detached", "wrong-no-shortcut"),
    } <= seen
    assert not any(name.startswith("right") for name in seen)
