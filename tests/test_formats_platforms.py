"""What learning platforms get: golden files, read again by the platforms' own rules (`receivers`), points re-added."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from receivers import (
    Refused,
    Shown,
    canvas,
    gradescope,
    moodle_gradebook,
    moodle_worksheet,
    nbgrader,
    prairielearn,
)
from test_formats_golden import golden
from test_formats_samples import (
    ASSIGNMENT,
    HOSTILE,
    RUN,
    SAMPLES,
    essay,
    exercise,
    failing,
    passed,
    report,
    right_network,
)

from grader.assignment import Assignment
from grader.formats import Run, formats
from grader.formats._text import INVISIBLE
from grader.formats.gradescope import as_text, results
from grader.formats.json import document as as_data
from grader.formats.moodle import tables
from grader.formats.prairielearn import document
from grader.submission.student_ids import safe
from grader.verdict import CheckResult, Diagnosis, Proof, Report, Status, SubmissionStatus

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def block(score: int = 40) -> Any:
    return exercise("resblock", [passed("shape", score, "All cases give the right shape.")])


def written(student: str, file: str, *, points: int = 40, pending: bool = False) -> Report:
    """A hand-in, with or without an open answer."""
    parts = [block(points), right_network()] + [essay()] * pending
    made = report(student, parts, file=file)
    return made.model_copy(update={"max_score": made.score + made.pending})


def a_class() -> list[Report]:
    """Every way to be known, and every way to have no final score."""
    return [
        written("ada_lovelace_assign", "ada/lovelace.ipynb"),
        written("doejane_12345_67890_hw5", "doejane_12345_67890_hw5.ipynb"),
        written("grace@example.org", "grace@example.org/hw5.ipynb"),
        written("Jane_Doe_1234567_assignsubmission_file_", "Jane Doe_1234567_assignsubmission_file_/hw5.ipynb"),
        written("linus", "linus/hw5.ipynb", pending=True),
        written("roejo_LATE_777_888_hw5", "roejo_LATE_777_888_hw5.ipynb", points=30),
        report("unread", [], status=SubmissionStatus.UNREADABLE),
    ]


def stripped(reports: list[Report]) -> list[Report]:
    """As they come from disk: without the fields that only pages show."""
    return [Report.model_validate(as_data(each)) for each in reports]


def text_of(name: str, reports: list[Report], run: Run = RUN) -> str:
    stream = io.StringIO()
    form = formats()[name]
    form.write(stream, run, iter(stripped(reports)))  # type: ignore[attr-defined]
    return stream.getvalue()


# ---------------------------------------------------------------------- golden files


@pytest.mark.parametrize("name", ["gradescope", "prairielearn"])
@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_golden_for_each_student(name: str, sample: str, tmp_path: Path) -> None:
    made, handed_in = SAMPLES[sample]()
    formats()[name].write_student(tmp_path, RUN, made, handed_in)
    formats()[name].write_class(tmp_path, RUN, [])
    only = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [tmp_path / name / f"{made.student}.json"] == only
    golden(f"{name}-{sample}.json", only[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["canvas", "moodle", "nbgrader"])
def test_golden_for_the_class(name: str, tmp_path: Path) -> None:
    everybody = sorted([*a_class(), SAMPLES["hostile"]()[0]], key=lambda each: each.student)
    formats()[name].write_class(tmp_path, RUN, iter(stripped(everybody)))
    for path in sorted(tmp_path.iterdir()):
        golden(path.name, path.read_bytes().decode("utf-8"))


# ---------------------------------------------------------------------- Gradescope


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_gradescope_takes_the_points_that_are_decided(sample: str) -> None:
    made = SAMPLES[sample]()[0]
    found = json.loads(as_text(results(RUN, made)))
    assert made.score == gradescope(found)
    counted = [test for test in found["tests"] if "score" in test]
    assert made.score == sum(test["score"] for test in counted)
    assert made.pending == sum(test["extra_data"]["pending"] for test in found["tests"] if "score" not in test)
    if sample not in ("unreadable", "hostile"):
        assert made.max_score - made.pending == sum(test["max_score"] for test in counted)


def test_gradescope_shows_nothing_as_markup() -> None:
    """Every format is `text`, and nothing invisible is left."""
    found = results(RUN, SAMPLES["hostile"]()[0])
    assert ["text"] * 3 == [found[key] for key in ("output_format", "test_output_format", "test_name_format")]
    assert {"text"} == {test[key] for test in found["tests"] for key in ("name_format", "output_format")}
    assert not INVISIBLE.search(as_text(found))
    assert "<script>" in found["output"]  # told, as it is written


def test_a_test_that_is_pending_is_neither_passed_nor_failed_in_gradescope() -> None:
    found = results(RUN, SAMPLES["broken_grader"]()[0])
    open_tests = [test for test in found["tests"] if "pending" in test.get("tags", [])]
    assert ["1.2", "3.1"] == [test["number"] for test in open_tests]
    assert all(not {"score", "max_score", "status"} & set(test) for test in open_tests)
    assert "20 further points are open" in found["output"]


def broke() -> Report:
    """The grader failed on all of it."""
    check = CheckResult(id="shape", status=Status.GRADER_BROKE, score=0, max_score=40, message="A fault of its own.")
    return report("barbara", [exercise("resblock", [check])], status=SubmissionStatus.GRADER_BROKE, max_score=40)


def test_where_the_grader_broke_no_platform_gets_a_number() -> None:
    """A zero would be the grader's fault at the student's cost, and full points would be a gift."""
    assert gradescope(results(RUN, broke())) is None
    assert prairielearn(document(RUN, broke()), json.loads(document(RUN, broke()))) is None
    assert [""] == [row["Residual blocks"] for row in canvas(text_of("canvas", [broke()]))[1]]
    assert [None] == list(nbgrader(text_of("nbgrader", [broke()])).values())


def test_a_check_is_shown_when_the_assignment_says_so() -> None:
    """By check, or for a whole exercise; and a cause never tells what a check that is held back has found."""
    spec = ASSIGNMENT.model_dump(by_alias=True)
    spec["exercise"][0]["visibility"] = {"gradient": "after_due_date", "skip-connection": "hidden"}
    spec["exercise"][1]["visibility"] = "after_published"
    run = Run(Assignment.model_validate(spec), 0, "bwrap", "cpu", "0.1.0")
    found = results(run, failing()[0])
    shown = [test["visibility"] for test in found["tests"]]
    assert ["visible", "visible", "after_due_date", "hidden"] + ["after_published"] * 2 + ["visible"] == shown
    told = [test["number"] for test in found["tests"] if "The shortcut is multiplied" in test["output"]]
    assert ["1.4"] == told
    assert "multiplied" not in found["output"]
    listed = json.loads(document(run, failing()[0]))["tests"]
    assert [False, False, True, True, True, True, False] == ["shown later" in test["message"] for test in listed]
    assert "multiplied" not in json.dumps(listed)


@pytest.mark.parametrize(
    ("visibility", "said"),
    [
        ("later", "expected one of visible, after_due_date, after_published, hidden"),
        ({"shape": "soon"}, "or a table with one for each check, found 'soon'"),
        ({"speed": "hidden"}, "no points are given for a check 'speed'; expected one of shape, parameters"),
    ],
)
def test_a_visibility_that_is_none_is_refused(visibility: object, said: str) -> None:
    spec = ASSIGNMENT.model_dump(by_alias=True)
    spec["exercise"][0]["visibility"] = visibility
    with pytest.raises(ValueError, match=said):
        Assignment.model_validate(spec)


# ---------------------------------------------------------------------- PrairieLearn


@pytest.mark.parametrize("sample", sorted(SAMPLES))
def test_prairielearn_takes_the_part_of_the_decided_points(sample: str) -> None:
    made = SAMPLES[sample]()[0]
    text = document(RUN, made)
    found = json.loads(text)
    score = prairielearn(text, found)
    if sample == "unreadable":
        assert score is None  # no attempt is used up
        assert found["format_errors"][0].startswith("Could not be read.")
        assert "The file is not valid JSON" in found["message"]
        return
    won, most = (sum(test[key] for test in found["tests"]) for key in ("points", "max_points"))
    assert made.score == won
    assert score == pytest.approx(won / most, abs=1e-6)
    assert not INVISIBLE.search(text)  # PrairieLearn turns colour codes into HTML


def test_prairielearn_counts_a_pending_test_as_nothing_of_nothing() -> None:
    found = json.loads(document(RUN, SAMPLES["broken_grader"]()[0]))
    open_tests = [test for test in found["tests"] if test["max_points"] == 0]
    assert ["a human decides about 10 points"] * 2 == [test["description"] for test in open_tests]


def test_only_written_answers_are_no_score_in_prairielearn() -> None:
    """All is pending: full marks for nothing would be as wrong as none."""
    only = report("ada", [essay()], max_score=10)
    assert prairielearn(document(RUN, only), json.loads(document(RUN, only))) is None


def test_what_prairielearn_gets_is_never_larger_than_it_takes() -> None:
    checks = [
        CheckResult(
            id="shape",
            status=Status.FAILED,
            score=0,
            max_score=1,
            message="\N{SNOWMAN}" * 100_000,
            evidence=["x" * 100_000] * 100,
        )
        for _ in range(400)
    ]
    long = report("ada", [exercise("resblock", checks)], max_score=400, message="y" * 10**6)
    text = document(RUN, long)
    assert 0.0 == prairielearn(text, json.loads(text))
    assert 400 == len(json.loads(text)["tests"])
    assert all(test["message"].startswith("Failed. ") for test in json.loads(text)["tests"])  # some of it is told


# ---------------------------------------------------------------------- Canvas


def test_canvas_finds_students_and_settled_points() -> None:
    possible, students = canvas(text_of("canvas", a_class()))
    assert {"Residual blocks": "100.00"} == possible
    found = {row["ID"] or row["SIS Login ID"]: row["Residual blocks"] for row in students}
    assert {
        "ada_lovelace_assign": "90.00",
        "12345": "90.00",
        "grace@example.org": "90.00",
        "": "90.00",  # Jane Doe, whom Canvas has to find by her name
        "linus": "",  # a human still decides about ten points
        "777": "80.00",
        "unread": "0.00",
    } == found
    assert sum(each.score for each in a_class() if not each.pending) == sum(float(x) for x in found.values() if x)


def test_two_hand_ins_of_one_student_leave_the_cell_empty() -> None:
    """Which of them counts, nobody has said: Canvas would take the last."""
    both = [
        written("doejane_12345_1_a", "doejane_12345_1_a.ipynb"),
        written("doejane_12345_2_b", "doejane_12345_2_b.ipynb"),
    ]
    assert ["", ""] == [row["Residual blocks"] for row in canvas(text_of("canvas", both))[1]]


@pytest.mark.parametrize(
    "name", ["Points Possible", "    Points Possible 9", "=1+1", "@SUM(A1)", "＝1", '",;\n"', "Muted"]
)
def test_no_name_is_taken_for_another_row_or_a_formula(name: str) -> None:
    """A student's name is data for Canvas and for a spreadsheet."""
    files = [f"{name}_12345_67890_hw", name, "zoe"]
    made = [written(safe(file), f"{file}/hw.ipynb") for file in files]
    possible, students = canvas(text_of("canvas", made))
    assert {"Residual blocks": "100.00"} == possible
    assert 3 == len(students)
    assert name.strip("=+-@＝ \n").replace(" ", "_")[:3] in students[0]["Student"].replace(" ", "_")
    assert all(not row[key].startswith((*FORMULAS, "＝")) for row in students for key in row)


# ---------------------------------------------------------------------- Moodle


def moodle_files(reports: list[Report], folder: Path, run: Run = RUN) -> dict[str, str]:
    formats()["moodle"].write_class(folder, run, iter(stripped(reports)))
    return {path.name: path.read_bytes().decode("utf-8") for path in folder.iterdir()}


def test_moodle_gives_everybody_one_file_that_knows_them(tmp_path: Path) -> None:
    files = moodle_files(a_class(), tmp_path)
    title = "Residual blocks"
    worksheet = moodle_worksheet(files["moodle-worksheet.csv"])
    by_email = moodle_gradebook(files["moodle-email.csv"], "Email address", title, f"{title} (Feedback)")
    by_id = moodle_gradebook(files["moodle-idnumber.csv"], "ID number", title, f"{title} (Feedback)")
    assert {"1234567": 90.0} == {who: grade for who, (grade, _) in worksheet.items()}
    assert {"grace@example.org": 90.0} == {who: grade for who, (grade, _) in by_email.items()}
    assert 5 == len(by_id)
    assert by_id["linus"][0] is None
    assert "90 of 90 points. Not final: 10 further points are open." in by_id["linus"][1]
    everybody = [grade for table in (worksheet, by_email, by_id) for grade, _ in table.values()]
    assert sum(each.score for each in a_class() if not each.pending) == sum(grade or 0 for grade in everybody)


def test_feedback_for_moodle_is_text_in_html(tmp_path: Path) -> None:
    """No tag of a student's is one; read by a browser it is what the student wrote."""
    files = moodle_files([SAMPLES["hostile"]()[0]], tmp_path)
    title = "Residual blocks"
    found = moodle_gradebook(files["moodle-idnumber.csv"], "ID number", title, f"{title} (Feedback)")
    shown = Shown(found["mallory"][1])
    assert [] == shown.tags
    assert HOSTILE[:60] in shown.text
    assert not INVISIBLE.search(found["mallory"][1])


def test_what_is_hidden_is_not_told_in_moodle(tmp_path: Path) -> None:
    spec = ASSIGNMENT.model_dump(by_alias=True)
    spec["exercise"][0]["visibility"] = {"skip-connection": "hidden"}
    run = Run(Assignment.model_validate(spec), 0, "bwrap", "cpu", "0.1.0")
    text = moodle_files([failing()[0]], tmp_path, run)["moodle-idnumber.csv"]
    assert "gives 0 everywhere" not in text
    assert "multiplied" not in text
    assert "gives 0 everywhere" in moodle_files([failing()[0]], tmp_path)["moodle-idnumber.csv"]


def test_every_student_is_in_exactly_one_file_of_moodle() -> None:
    from grader.formats._grades import grades

    rows = tables("Title", [(each, "") for each in grades(a_class())])
    assert len(a_class()) == sum(len(table) - 1 for table in rows.values())


# ---------------------------------------------------------------------- nbgrader


def test_nbgrader_gets_its_own_columns() -> None:
    found = nbgrader(text_of("nbgrader", a_class()))
    assert (90.0, 0.0, 90.0, 90.0) == found["residual-blocks", "grace@example.org"]
    assert found["residual-blocks", "linus"] is None
    assert len(a_class()) == len(found)


# ---------------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", ["canvas", "nbgrader"])
def test_a_class_may_be_empty_and_a_document_may_be_printed(name: str) -> None:
    assert 1 <= text_of(name, []).count("\n") <= 2
    names = ["::error::x", "##[group]y"]
    printed = text_of(name, [written(safe(each), f"{each}/hw.ipynb") for each in names])
    assert "error" in printed
    assert "::" not in printed
    assert "##[" not in printed


def test_a_cause_is_told_although_every_check_passed() -> None:
    """Where nothing failed, it stands with what is shown last."""
    cause = Diagnosis(mistake="bias", proof=Proof.MEASURED, message="A bias too many.")
    found = results(RUN, report("ada", [exercise("resblock", [passed("shape", 40, "Right.")], cause)]))
    assert "Cause: A bias too many." in found["tests"][0]["output"]


@pytest.mark.parametrize(
    "document",
    [
        {"score": 1, "tests": [{"score": 1, "colour": "red"}]},
        {"score": float("nan")},
        {"score": 1, "tests": [{"visibility": "later"}]},
        {"score": 1, "output_format": "markdown"},
        {"score": 1, "tests": [{"status": "skipped"}]},
    ],
)
def test_the_reader_for_gradescope_can_refuse(document: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        gradescope(document)


@pytest.mark.parametrize(
    "text", ["Student,ID,SIS User ID,SIS Login ID,HW\n", "Name,ID,Section,HW\n", "Student,ID,Section,HW\nx,1,,1.234\n"]
)
def test_the_reader_for_canvas_can_refuse(text: str) -> None:
    with pytest.raises(Refused):
        canvas(text)
