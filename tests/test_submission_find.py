"""Which files are hand-ins, and whose."""

import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import UsageError
from grader.submission import HandIn, find
from grader.submission.student_ids import RESERVED, StudentIds

NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def lay_out(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(NOTEBOOK if name.endswith(".ipynb") else "x = 1\n")
    return root


def found(*paths: Path) -> list[tuple[str, str]]:
    with find(paths) as hand_ins:
        return [(each.student, each.file) for each in hand_ins]


def problems(*paths: Path) -> dict[str, str]:
    with find(paths) as hand_ins:
        return {each.student: each.problem for each in hand_ins if each.problem}


def test_single_file(tmp_path: Path) -> None:
    """A notebook or a Python file is one hand-in, named after the file."""
    lay_out(tmp_path, "doe.ipynb", "roe.py")
    assert found(tmp_path / "doe.ipynb") == [("doe", "doe.ipynb")]
    assert found(tmp_path / "roe.py") == [("roe", "roe.py")]


def test_flat_folder(tmp_path: Path) -> None:
    """In a folder of files every notebook and every Python file counts, whatever the case of its ending."""
    lay_out(tmp_path, "doejane_12345_67890_hw5.ipynb", "b.PY", "a.IPYNB", "notes.txt")
    assert found(tmp_path) == [
        ("a", "a.IPYNB"),
        ("b", "b.PY"),
        ("doejane_12345_67890_hw5", "doejane_12345_67890_hw5.ipynb"),
    ]


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("doe/hw5/x.ipynb", "doe"),
        ("Jane Doe_12345_assignsubmission_file_/x.ipynb", "Jane_Doe_12345_assignsubmission_file_"),
        ("submitted/doe/hw5/x.ipynb", "doe"),
        ("Łukasz Müller/x.ipynb", "Łukasz_Müller"),
    ],
)
def test_folder_per_student(tmp_path: Path, file: str, student: str) -> None:
    """A hand-in in a folder is named after the student's folder, as nbgrader and Moodle lay them out."""
    lay_out(tmp_path, file)
    assert [(student, file)] == found(tmp_path)


def test_several_notebooks_of_one_student(tmp_path: Path) -> None:
    """Several notebooks of one student are one hand-in each."""
    lay_out(tmp_path, "doe/a.ipynb", "doe/part/b.ipynb")
    assert found(tmp_path) == [("doe--a", "doe/a.ipynb"), ("doe--b", "doe/part/b.ipynb")]


def test_helpers_are_no_hand_ins(tmp_path: Path) -> None:
    """Python files in a student's folder count only where there is no notebook."""
    lay_out(tmp_path, "doe/a.ipynb", "doe/helper.py", "roe/model.py", "roe/__init__.py")
    assert found(tmp_path) == [("doe", "doe/a.ipynb"), ("roe", "roe/model.py")]


def test_skipped(tmp_path: Path) -> None:
    """Hidden files and what tools leave behind are skipped."""
    lay_out(
        tmp_path,
        "doe/a.ipynb",
        "doe/.ipynb_checkpoints/a-checkpoint.ipynb",
        "doe/__pycache__/a.py",
        "__MACOSX/doe/._a.ipynb",
        ".hidden.ipynb",
    )
    assert found(tmp_path) == [("doe", "doe/a.ipynb")]


def test_output_is_no_student(tmp_path: Path) -> None:
    """Reports of an earlier run and data beside a flat set of notebooks are not hand-ins."""
    lay_out(tmp_path, "doe/a.ipynb", "reports/doe.html", "out/results.json")
    assert found(tmp_path) == [("doe", "doe/a.ipynb")]
    lay_out(tmp_path / "flat", "doe.ipynb", "data/train.csv")
    assert found(tmp_path / "flat") == [("doe", "doe.ipynb")]


def test_empty_student_folder(tmp_path: Path) -> None:
    """A student whose folder holds no notebook is told so, and what is there instead."""
    lay_out(tmp_path, "doe/a.ipynb", "roe/essay.pdf", "poe/hw.rar")
    (tmp_path / "noe").mkdir()
    told = problems(tmp_path)
    assert {"roe", "poe", "noe"} == set(told)
    assert "only essay.pdf" in told["roe"]
    assert "or a .zip of it" in told["poe"]


def test_nothing_found(tmp_path: Path) -> None:
    """Where there is nothing to grade, the message says what was looked for."""
    (tmp_path / "doe").mkdir()
    with pytest.raises(UsageError, match=r"no submission found in .*\.ipynb.*\.py.*\.zip"):
        found(tmp_path)


def test_wrong_paths(tmp_path: Path) -> None:
    """A path that is not there, or is no submission, is wrong usage."""
    with pytest.raises(UsageError, match="no such file or folder"):
        found(tmp_path / "nowhere")
    lay_out(tmp_path, "a.txt")
    with pytest.raises(UsageError, match="is not a submission: expected notebooks"):
        found(tmp_path / "a.txt")


def test_unreadable_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH that may not be listed is wrong usage; a student's folder is that student's problem."""
    lay_out(tmp_path, "doe/a.ipynb", "roe/a.ipynb")
    listing = os.scandir

    def refuse(path: Path | int) -> object:
        if isinstance(path, Path) and path.name == refused:
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    refused = "roe"
    with find([tmp_path]) as hand_ins:
        assert [each.problem for each in hand_ins] == ["", "the folder cannot be opened: Permission denied"]
    refused = tmp_path.name
    with pytest.raises(UsageError, match="cannot be opened: Permission denied"):
        found(tmp_path)


def test_links_and_pipes(tmp_path: Path) -> None:
    """No link is followed and no pipe opened: that is said to the student whose notebook it would be."""
    lay_out(tmp_path / "secret", "exam.ipynb")
    root = lay_out(tmp_path / "hw", "doe/a.ipynb")
    (root / "classmate.ipynb").symlink_to(root / "doe" / "a.ipynb")
    (root / "out.ipynb").symlink_to(tmp_path / "secret" / "exam.ipynb")
    (root / "nothing.ipynb").symlink_to(root / "gone")
    (root / "circle.ipynb").symlink_to(root / "circle.ipynb")
    os.mkfifo(root / "pipe.ipynb")
    (root / "outside").symlink_to(tmp_path / "secret")  # a folder: nobody's hand-in
    (root / "doe" / "again").symlink_to(root)
    with find([root]) as hand_ins:
        problems = {each.file: each.problem for each in hand_ins}
    assert problems.pop("doe/a.ipynb") == ""
    assert "a pipe or a device" in problems.pop("pipe.ipynb")
    assert {"classmate.ipynb", "out.ipynb", "nothing.ipynb", "circle.ipynb"} == problems.keys()
    assert all("it is a link, and links are not followed" in problem for problem in problems.values())


def test_many_paths(tmp_path: Path) -> None:
    """With `submitted/*` each folder is one student's; a file named twice counts once."""
    lay_out(tmp_path, "doe/hw.ipynb", "roe/hw.ipynb")
    assert found(tmp_path / "doe", tmp_path / "roe") == [("doe", "doe/hw.ipynb"), ("roe", "roe/hw.ipynb")]
    assert len(found(tmp_path / "doe" / "hw.ipynb", tmp_path / "doe" / "hw.ipynb")) == 1


def test_many_paths_of_one_name(tmp_path: Path) -> None:
    """With `*/hw5/x.ipynb` the student is told by where the paths differ."""
    lay_out(tmp_path, "doe/hw5/x.ipynb", "roe/hw5/x.ipynb")
    paths = [tmp_path / student / "hw5" / "x.ipynb" for student in ("doe", "roe")]
    assert found(*paths) == [("doe", "doe/hw5/x.ipynb"), ("roe", "roe/hw5/x.ipynb")]


def test_same_name_twice(tmp_path: Path) -> None:
    """Two students of one name get different ids, also where file systems do not tell them apart."""
    lay_out(tmp_path, "a/doe.ipynb", "b/Doe.ipynb")
    assert [student for student, _ in found(tmp_path / "a" / "doe.ipynb", tmp_path / "b" / "Doe.ipynb")] == [
        "Doe",
        "doe-2",
    ]


def test_order_is_fixed(tmp_path: Path) -> None:
    """The same files give the same list, sorted by student."""
    lay_out(tmp_path, "b.ipynb", "a.ipynb", "c/x.ipynb")
    assert [student for student, _ in found(tmp_path)] == ["a", "b", "c"]


def test_odd_file_names(tmp_path: Path) -> None:
    """A name that is not text, or holds a line break, can be shown and written."""
    (tmp_path / os.fsdecode(b"d\xf6e.ipynb")).write_text(NOTEBOOK)
    (tmp_path / "a\nb.ipynb").write_text(NOTEBOOK)
    for student, file in found(tmp_path):
        assert file.encode().isascii() is False
        assert "\n" not in file + student


def test_can_be_pickled() -> None:
    """Hand-ins travel to worker processes."""
    hand_in = HandIn("doe", "doe.ipynb", Path("doe.ipynb"))
    assert hand_in == pickle.loads(pickle.dumps(hand_in))


@given(st.lists(st.text() | st.sampled_from(["doe", "Doe", "doe-2", "index", "con.txt", "..", "ß", "SS", "x" * 300])))
def test_ids_are_unique_and_safe(names: list[str]) -> None:
    """Whatever the names are, ids differ in more than case and are plain, short file names."""
    ids = StudentIds()
    taken = [ids.take(name) for name in names]
    assert len(taken) == len({student.casefold() for student in taken})
    for student in taken:
        assert 0 < len(student) < 112
        assert len(student.encode()) < 200
        assert not set(student) & set('/\\:*?"<>|\0\n ')
        assert student[0] not in ".-"
        assert student[-1] != "."
        assert student.split(".")[0].casefold() not in RESERVED


def test_long_names_stay_different() -> None:
    """What is cut off of a long name still counts."""
    ids = StudentIds()
    first, second = ids.take("x" * 300 + "a"), ids.take("x" * 300 + "b")
    assert first[:91] == second[:91]
    assert "-" not in (first[-1], second[-1])
