"""Whose a hand-in is, read from the part of its path that the platform or the instructor wrote, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.formats._whose import Whose, whose
from grader.submission import find
from grader.verdict import Report, SubmissionStatus


def handed_in(folder: Path, *files: str) -> list[Whose]:
    """Found as the command finds them."""
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    with find([folder]) as found:
        return [
            whose(
                Report(
                    student=each.student,
                    file=each.file,
                    status=SubmissionStatus.GRADED,
                    score=0,
                    max_score=1,
                    exercises=[],
                    repairs=[],
                    warnings=[],
                )
            )
            for each in found
        ]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("doejane_12345_67890_hw5.ipynb", Whose("doejane_12345_67890_hw5", "doejane", canvas="12345")),
        ("doejane_LATE_12345_67890_hw_5.ipynb", Whose("doejane_LATE_12345_67890_hw_5", "doejane", canvas="12345")),
        # The file is the student's to name: what comes first is Canvas's.
        ("doejane_12345_6_x_999_888_y.ipynb", Whose("doejane_12345_6_x_999_888_y", "doejane", canvas="12345")),
        (
            "Jane Doe_1234567_assignsubmission_file_/hw5.ipynb",
            Whose("Jane Doe_1234567_assignsubmission_file_", "Jane Doe", participant="1234567"),
        ),
        (
            "Jane Doe_123_assignsubmission_file_x_999_assignsubmission_file_.ipynb",
            Whose("Jane Doe_123_assignsubmission_file_x_999_assignsubmission_file_", "Jane Doe", participant="123"),
        ),
        ("jane@example.org/hw.ipynb", Whose("jane@example.org", "jane@example.org", email="jane@example.org")),
        ("doe/hw5/hw5.ipynb", Whose("doe", "doe")),
        # Below a student's own folder, every name is the student's choice.
        ("doe/roe_12345_67890_hw5.ipynb", Whose("doe", "doe")),
        ("doe/Roe_777_assignsubmission_file_/x.ipynb", Whose("doe", "doe")),
        ("doe/roe@example.org/x.ipynb", Whose("doe", "doe")),
        ("class_2025_hw.ipynb", Whose("class_2025_hw", "class_2025_hw")),
    ],
)
def test_one_hand_in(file: str, expected: Whose, tmp_path: Path) -> None:
    assert expected in handed_in(tmp_path, file, "zz_other/hw.ipynb")


def test_two_notebooks_of_one_student_are_that_students(tmp_path: Path) -> None:
    found = handed_in(
        tmp_path, "Jane Doe_12_assignsubmission_file_/a.ipynb", "Jane Doe_12_assignsubmission_file_/b.ipynb"
    )
    assert ["12", "12"] == [each.participant for each in found]
    assert {"doe"} == {each.key for each in handed_in(tmp_path / "x", "doe/a.ipynb", "doe/b.ipynb")}


def test_names_that_no_file_may_have_are_kept_as_they_were(tmp_path: Path) -> None:
    """`report.student` is safe as a file's name; a platform knows the name as it was."""
    assert ["Jané O'Doe", "a b"] == [each.key for each in handed_in(tmp_path, "Jané O'Doe/x.ipynb", "a b/x.ipynb")]


def test_a_collection_around_them_is_no_student(tmp_path: Path) -> None:
    found = handed_in(tmp_path, "submitted/doe/hw5/a.ipynb", "submitted/doe-2/hw5/a.ipynb")
    assert ["doe", "doe-2"] == [each.key for each in found]
