"""What happens in a slot to one submission stays with it, unless every other would meet it too."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from grader import formats, slot
from grader.assignment import Assignment, Limits, find_assignment
from grader.errors import AssignmentError, OutputError
from grader.formats import Run
from grader.slot import Done, Order, Task
from grader.submission import HandIn, Submission
from grader.verdict import Report, SubmissionStatus

HAND_IN = HandIn("anna", "anna.ipynb", Path("anna.ipynb"))


class FakeGrader:
    """Everybody is right, or an exception."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def grade(self, hand_in: HandIn) -> tuple[Report, Submission | None]:
        if self.error is not None:
            raise self.error
        report = Report(
            student=hand_in.student,
            file=hand_in.file,
            status=SubmissionStatus.GRADED,
            score=1.0,
            max_score=1.0,
            exercises=[],
            repairs=[],
            warnings=[],
        )
        return report, None


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return find_assignment("residual-blocks")


def answer(assignment: Assignment, output: Path, grader: FakeGrader, broke: str = "") -> Done:
    order = Order(assignment, "none", "cpu", 0, Limits(), output, ("html", "json"))
    return slot._answer(Task(0, HAND_IN, broke), order, Run(assignment, 0, "none", "cpu"), grader)  # type: ignore[arg-type]


def test_a_page_is_written_before_the_answer_is_given(assignment: Assignment, tmp_path: Path) -> None:
    done = answer(assignment, tmp_path, FakeGrader())
    assert "graded" == done.row.status == json.loads(done.text)["status"]
    assert (tmp_path / "students" / "anna.html").exists()
    assert done.report is None


def test_a_page_that_cannot_be_made_costs_the_student_nothing(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second page says that the grader failed; a third try is not made."""
    page = formats.formats()["html"].write_student
    calls = []

    def fails_once(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise ValueError("odd submission")
        page(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(formats.formats()["html"], "write_student", fails_once)
    done = answer(assignment, tmp_path, FakeGrader())
    assert "grader_broke" == done.row.status
    assert done.row.broke
    assert "ValueError while its report was written" in (tmp_path / "students" / "anna.html").read_text()


def test_a_fault_while_grading_stays_with_the_submission(assignment: Assignment, tmp_path: Path) -> None:
    done = answer(assignment, tmp_path, FakeGrader(RecursionError("deep")))
    assert "grader_broke" == done.row.status


def test_a_submission_given_up_is_not_tried_again(assignment: Assignment, tmp_path: Path) -> None:
    done = answer(assignment, tmp_path, FakeGrader(), broke="twice its process ended by SIGKILL")
    assert "grader_broke" == done.row.status
    assert "SIGKILL" in (tmp_path / "students" / "anna.html").read_text()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_disk_ends_the_run(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "no room", str(tmp_path / "students"))

    monkeypatch.setattr(formats.formats()["html"], "write_student", full)
    with pytest.raises(OutputError, match="students: cannot be written: no room"):
        answer(assignment, tmp_path, FakeGrader())


def test_a_file_in_place_of_a_folder_ends_the_run(assignment: Assignment, tmp_path: Path) -> None:
    (tmp_path / "students").write_text("a file")
    with pytest.raises(OutputError, match="students: cannot be written"):
        answer(assignment, tmp_path, FakeGrader())


def test_an_assignment_that_is_wrong_ends_the_run(assignment: Assignment, tmp_path: Path) -> None:
    with pytest.raises(AssignmentError):
        answer(assignment, tmp_path, FakeGrader(AssignmentError("no such class")))
