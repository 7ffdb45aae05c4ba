"""`grader export canvas|moodle|nbgrader`: a platform's own gradebook, filled in, and read again by its own rules."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from receivers import canvas, moodle_gradebook, moodle_worksheet, nbgrader
from test_formats_platforms import a_class, stripped, written
from test_formats_samples import RUN
from typer.testing import CliRunner

from grader.cli import app
from grader.formats.json import Json
from grader.submission.student_ids import safe
from grader.verdict import Report

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework 2 (11),Residual blocks (12),Assignments Current Score
,,,,,,Manual Posting,
    Points Possible,,,,,10,100,(read only)
"Doe, Jane",12345,s1,jdoe,Lab 1,9.5,,95
"Hopper, Grace",222,s2,grace@example.org,Lab 1,EX,55.5,95
"Lovelace, Ada Assign",333,s3,ada,Lab 2,,,
"Torvalds, Linus",444,linus,ltorvalds,Lab 2,8,77,80
"Roe, Jo",777,s7,roejo,Lab 1,,,
"Nobody, Nick",999,s9,nick,Lab 1,1,2,3
"""
WORKSHEET = """\
Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Last modified (grade)","Feedback comments"
"Participant 1234567","Jane Doe",jane@example.org,Submitted,,100.00,-,
"Participant 8","Grace Hopper",grace@example.org,Submitted,12.00,100.00,"Friday, 1 May 2026, 9:00 AM",fine
"""
GRADEBOOK = """\
"First name","Last name","ID number","Email address","Assignment: Residual blocks (Real)",\
"Assignment: Residual blocks (Feedback)","Last downloaded from this course"
Jane,Doe,1,jane@example.org,-,,1700000000
Grace,Hopper,2,grace@example.org,12.00,fine,1700000000
Linus,Torvalds,linus,linus@example.org,50.00,old,1700000000
"""
NBGRADER = """\
assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,max_score
residual-blocks,,2026-05-01 09:00:00,linus,Torvalds,Linus,,0.0,0.0,0.0,100.0
residual-blocks,,2026-05-01 09:00:00,gh,Hopper,Grace,grace@example.org,0.0,15.0,0.0,100.0
other,,,linus,Torvalds,Linus,,3.0,0.0,3.0,10.0
"""

Export = Callable[..., Result]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """The command, on results and a gradebook that are given as text."""
    monkeypatch.chdir(tmp_path)

    def run(platform: str, gradebook: str | bytes, *options: str, reports: list[Report] | None = None) -> Result:
        with (tmp_path / "results.json").open("w", encoding="utf-8") as stream:
            Json().write(stream, RUN, stripped(a_class() if reports is None else reports))
        data = gradebook if isinstance(gradebook, bytes) else gradebook.encode()
        (tmp_path / "book.csv").write_bytes(data)
        return CliRunner().invoke(app, ["export", platform, ".", "--gradebook", "book.csv", *options])

    return run


def in_file(file: str) -> Report:
    """A hand-in at this place, under the id that such a file gets."""
    folder, _, name = file.partition("/")
    return written(safe(folder if name else folder.removesuffix(".ipynb")), file)


def filled(name: str = "book-graded.csv") -> str:
    return Path(name).read_bytes().decode("utf-8-sig")


# ---------------------------------------------------------------------- Canvas


def test_canvas_gradebook_is_filled_by_id_login_address_and_name(export: Export) -> None:
    """Every cell that is not ours stays; a score that is not final is not written over what stands there."""
    done = export("canvas", CANVAS)
    assert 1 == done.exit_code  # two hand-ins have no row
    possible, students = canvas(filled())
    assert "100" == possible["Residual blocks (12)"]
    found = {row["ID"]: row["Residual blocks (12)"] for row in students}
    assert {"12345": "90.00", "222": "90.00", "333": "90.00", "444": "77", "777": "80.00", "999": "2"} == found
    before = {row["ID"]: row["Homework 2 (11)"] for row in canvas(CANVAS)[1]}
    assert before == {row["ID"]: row["Homework 2 (11)"] for row in students}
    said = done.output
    assert "4 filled in, in the column Residual blocks (12)." in said
    assert "Left as it was, since points are open (--pending so-far writes them) (1):\n  linus: 90.00 so far" in said
    assert "Not in the gradebook (2):" in said
    assert "unread" in said
    assert "In the gradebook, but nothing handed in (1):\n  Nobody, Nick" in said


def test_points_so_far_are_written_where_one_asks_for_them(export: Export) -> None:
    done = export("canvas", CANVAS, "--pending", "so-far", "--output", "out.csv")
    found = {row["ID"]: row["Residual blocks (12)"] for row in canvas(filled("out.csv"))[1]}
    assert "90.00" == found["444"]
    assert "Points so far, not final (1):\n  linus: 90.00, and 10.00 open" in done.output


def test_all_hand_ins_found_is_success(export: Export) -> None:
    assert 0 == export("canvas", CANVAS, reports=[written("linus", "linus/x.ipynb")]).exit_code


def test_an_id_that_is_not_there_is_no_other_student(export: Export) -> None:
    """Who has another id in Canvas is somebody else, whatever they are called."""
    done = export("canvas", CANVAS, reports=[written("doejane_99_1_x", "doejane_99_1_x.ipynb")])
    assert 1 == done.exit_code
    assert ["", "55.5", "", "77", "", "2"] == [row["Residual blocks (12)"] for row in canvas(filled())[1]]


@pytest.mark.parametrize("name", ["Jane Doe", "doe_jane", "Doe, Jane", "doejane", "JANE-DOE"])
def test_a_name_matches_however_it_is_written(export: Export, name: str) -> None:
    assert 0 == export("canvas", CANVAS, reports=[in_file(f"{name}/hw.ipynb")]).exit_code
    assert "90.00" == canvas(filled())[1][0]["Residual blocks (12)"]


def test_a_name_that_two_have_is_left_to_a_human(export: Export) -> None:
    twin = CANVAS + '"Doe, Jane",54321,s8,jdoe2,Lab 2,,,\n'
    done = export("canvas", twin, reports=[in_file("Jane Doe/hw.ipynb")])
    assert 1 == done.exit_code
    assert "Not in the gradebook (1):" in done.output
    assert {"", "55.5", "77", "2"} == {row["Residual blocks (12)"] for row in canvas(filled())[1]}


def test_two_hand_ins_for_one_row_are_left_to_a_human(export: Export) -> None:
    both = [written("linus", "linus/a.ipynb"), written("ltorvalds", "ltorvalds/b.ipynb")]
    done = export("canvas", CANVAS.replace("444,linus,ltorvalds", "444,linus,linus"), reports=both)
    assert "Not in the gradebook (1):\n  ltorvalds" in done.output
    done = export("canvas", CANVAS, reports=[written("jdoe--a", "jdoe/a.ipynb"), written("jdoe--b", "jdoe/b.ipynb")])
    assert 1 == done.exit_code
    assert "Several hand-ins of one student, none written (1):" in done.output
    assert "" == canvas(filled())[1][0]["Residual blocks (12)"]


def test_another_number_of_points_is_told(export: Export) -> None:
    done = export("canvas", CANVAS.replace("10,100,", "10,50,"))
    assert "there are 50 points in the gradebook, and 100.00 in the assignment" in done.output


@pytest.mark.parametrize("column", ["Homework 2", "Homework 2 (11)", "homework 2"])
def test_the_column_may_be_named(export: Export, column: str) -> None:
    export("canvas", CANVAS, "--column", column)
    assert "90.00" == canvas(filled())[1][0]["Homework 2 (11)"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--column", "Essay"], "there is no column 'Essay'; name one with --column: Homework 2 (11), Residual"),
        (["--output", "book.csv"], "this is the gradebook that was read"),
        (["--output", "."], "--output .: this is a folder; name a file"),
        (["--assignment", "resnet"], "the results are of the assignment 'residual-blocks'"),
        (["--assignment", "nowhere"], "there is no assignment 'nowhere'"),
    ],
)
def test_wrong_usage_writes_nothing(export: Export, options: list[str], said: str) -> None:
    done = export("canvas", CANVAS, *options)
    assert 2 == done.exit_code
    assert said in " ".join(done.output.split())
    assert not Path("book-graded.csv").exists()
    assert CANVAS == Path("book.csv").read_text()


@pytest.mark.parametrize(
    ("gradebook", "said"),
    [
        ("Name,Grade\nx,1\n", "is no gradebook of canvas: the column 'ID' is missing"),
        ("", "is no gradebook"),
        ('Student,ID\n"x', "is no CSV"),
    ],
)
def test_another_kind_of_file_is_refused(export: Export, gradebook: str, said: str) -> None:
    done = export("canvas", gradebook, "--column", "Grade")
    assert 2 == done.exit_code
    assert said in " ".join(done.output.split())


def test_how_the_file_was_written_stays(export: Export) -> None:
    """Semicolons, a mark of the byte order and line ends are those of the platform, and so is what it says."""
    theirs = b"\xef\xbb\xbf" + CANVAS.replace(",", ";").replace("Doe; ", "Doe, ").replace("\n", "\r\n").encode()
    export("canvas", theirs, reports=[])
    ours = Path("book-graded.csv").read_bytes()
    assert theirs.replace(b'"Doe, Jane"', b"Doe, Jane").replace(b'"', b"") == ours.replace(b'"', b"")
    export("canvas", theirs.replace(b"Nobody", "Müller".encode()), reports=[written("linus", "linus/x.ipynb")])
    assert "Müller" in filled()


# ---------------------------------------------------------------------- Moodle


def test_moodle_worksheet_gets_grade_and_feedback(export: Export) -> None:
    reports = [each for each in a_class() if "Jane" in each.student]
    done = export("moodle", WORKSHEET, reports=reports)
    assert 0 == done.exit_code, done.output
    found = moodle_worksheet(filled())
    assert 90.0 == found["1234567"][0]
    assert found["1234567"][1].startswith("90 of 90 points.\n• The basic residual block")
    assert (12.0, "fine") == found["8"]


def test_a_worksheet_of_another_assignment_is_noticed(export: Export) -> None:
    """Participants are numbered anew for each assignment: the number is right, and the name is another's."""
    reports = [each for each in a_class() if "Jane" in each.student]
    done = export("moodle", WORKSHEET.replace("Jane Doe", "Richard Roe"), reports=reports)
    assert 1 == done.exit_code
    assert "Not in the gradebook (1):" in done.output
    assert moodle_worksheet(filled())["1234567"] == (None, "")


def test_moodle_gradebook_gets_grade_and_feedback(export: Export) -> None:
    reports = [each for each in a_class() if "doejane" not in each.student]
    done = export("moodle", GRADEBOOK, "--column", "Assignment: Residual blocks (Real)", reports=reports)
    columns = ("Assignment: Residual blocks (Real)", "Assignment: Residual blocks (Feedback)")
    found = moodle_gradebook(filled(), "Email address", *columns)
    assert [90.0, 90.0, 50.0] == [grade for grade, _ in found.values()]  # Linus has open points: his grade stays
    assert "Not final: 10 further points are open" in found["linus@example.org"][1]
    assert "no column for feedback" not in done.output


def test_a_participant_s_number_is_no_id_number(export: Export) -> None:
    reports = [in_file("Zoe Zed_2_assignsubmission_file_/hw.ipynb")]
    done = export("moodle", GRADEBOOK, "--column", "Assignment: Residual blocks (Real)", reports=reports)
    assert 1 == done.exit_code
    assert "12.00" in filled()


def test_where_there_is_no_place_for_feedback_it_is_told(export: Export) -> None:
    done = export(
        "moodle", GRADEBOOK.replace("(Feedback)", "(Letter)"), "--column", "Assignment: Residual blocks (Real)"
    )
    assert "the gradebook has no column for feedback" in done.output


# ---------------------------------------------------------------------- nbgrader


def test_nbgrader_gradebook_keeps_the_penalty(export: Export) -> None:
    reports = [written("grace@example.org", "grace@example.org/x.ipynb"), written("linus", "linus/x.ipynb")]
    done = export("nbgrader", NBGRADER, reports=reports)
    assert 0 == done.exit_code, done.output
    found = nbgrader(filled())
    assert (90.0, 15.0, 75.0, 100.0) == found["residual-blocks", "gh"]
    assert (90.0, 0.0, 90.0, 100.0) == found["residual-blocks", "linus"]
    assert (3.0, 0.0, 3.0, 10.0) == found["other", "linus"]


def test_nbgrader_assignment_may_be_named(export: Export) -> None:
    export("nbgrader", NBGRADER, "--column", "other", reports=[written("linus", "linus/x.ipynb")])
    assert 90.0 == (nbgrader(filled())["other", "linus"] or [0])[0]


# ---------------------------------------------------------------------- results.json


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["submissions", 0, "score"], "lots", "submissions.0.score"),
        (["submissions", 0, "score"], 1e999, "cannot be"),
        (["submissions", 0, "score"], 85, "what it is made of gives 90"),
        (["submissions", 0, "exercises", 0, "score"], 400, "a score of 400 of 40 cannot be"),
        (["submissions", 0, "exercises", 0, "checks", 0, "score"], -1, "check resblock/shape: a score of -1"),
        (["submissions", 0, "admin"], True, "submissions.0.admin"),
        (["submissions", 0, "student"], "linus", "is there twice"),
        (["schema_version"], 2, "schema_version 2"),
    ],
)
def test_results_that_were_edited_are_checked(tmp_path: Path, path: list[str | int], value: object, said: str) -> None:
    """A gradebook is never filled from something that no run of the grader could have written."""
    stream = io.StringIO()
    Json().write(stream, RUN, stripped(a_class()))
    data = json.loads(stream.getvalue())
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (tmp_path / "results.json").write_text(json.dumps(data))
    (tmp_path / "book.csv").write_text(CANVAS)
    arguments = ["--gradebook", str(tmp_path / "book.csv"), "--output", str(tmp_path / "out.csv")]
    done = CliRunner().invoke(app, ["export", "canvas", str(tmp_path / "results.json"), *arguments])
    assert 2 == done.exit_code
    assert said in " ".join(done.output.split())
    assert not (tmp_path / "out.csv").exists()


def test_points_of_a_human_are_added_in_results_json(export: Export) -> None:
    """Once the check says so, the score is final; a file that could not be read may be marked by eye."""
    export("canvas", CANVAS)
    data = json.loads(Path("results.json").read_text())
    marked = next(each for each in data["submissions"] if each["student"] == "linus")
    for part in (marked["exercises"][2]["checks"][0], marked["exercises"][2], marked):
        part["score"] += 7.5
    marked["exercises"][2]["checks"][0]["status"] = "passed"
    next(each for each in data["submissions"] if each["student"] == "unread").update(score=55.0)
    Path("results.json").write_text(json.dumps(data))
    gradebook = CANVAS + '"Unread, U",42,unread,unread,Lab 1,,,\n'
    Path("book.csv").write_text(gradebook)
    done = CliRunner().invoke(app, ["export", "canvas", "results.json", "--gradebook", "book.csv"])
    found = {row["ID"]: row["Residual blocks (12)"] for row in canvas(filled())[1]}
    assert ("97.50", "55.00") == (found["444"], found["42"])
    assert "Left as it was" not in done.output


def test_results_that_are_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", "canvas", str(tmp_path), "--gradebook", "x.csv"])
    assert 2 == done.exit_code
    assert "name the results.json that grader check wrote" in " ".join(done.output.split())


@pytest.mark.parametrize("command", ["canvas", "moodle", "nbgrader", "gradescope"])
def test_help_has_an_example(command: str) -> None:
    shown = CliRunner().invoke(app, ["export", command, "--help"])
    assert f"grader export {command}" in shown.output
