"""`results.json`: the contract, to the byte."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from test_formats_golden import golden
from test_formats_samples import RUN, SAMPLES, failing, passed, report

from grader.formats._text import INVISIBLE
from grader.formats.json import Json, document, schema
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Report, Results, Status


def written(*reports: Report) -> str:
    stream = io.StringIO()
    Json().write(stream, RUN, reports)
    return stream.getvalue()


def everything() -> list[Report]:
    return sorted((sample()[0] for sample in SAMPLES.values()), key=lambda made: made.student)


def test_golden() -> None:
    """The bytes of a run do not change unless somebody means it."""
    golden("results.json", written(*everything()))


def test_what_is_written_bit_by_bit_is_what_json_writes_at_once() -> None:
    """The stream adds nothing and leaves nothing out."""
    for reports in ([], everything()[:1], everything()):
        head = {
            "schema_version": 1,
            "assignment": "residual-blocks",
            "grader_version": "0.1.0",
            "seed": 0,
            "isolation": "bwrap",
            "device": "cpu",
        }
        whole = {**head, "submissions": [document(report) for report in reports]}
        text = written(*reports)
        assert whole == json.loads(text)
        at_once = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        assert at_once.count("\n") == text.count("\n")
        assert not INVISIBLE.search(text)
        if not INVISIBLE.search(at_once) and "##" not in at_once:
            assert at_once == text


def test_nothing_in_it_acts_where_it_is_printed() -> None:
    """`--output -` may print to a terminal, or into a log that a CI runner obeys: escapes keep the value."""
    made = failing()[0].model_copy(update={"warnings": ["\x9b31m\u202e\x7f\U000e0041 ##[add-mask]x", "###[x]\\##["]})
    text = written(made)
    assert made.warnings == json.loads(text)["submissions"][0]["warnings"]
    assert not INVISIBLE.search(text)
    assert "##" not in text


def test_the_order_of_the_fields_is_that_of_the_models() -> None:
    """Readers that compare text rely on it; the contract in the manual shows it."""
    data = json.loads(written(failing()[0]))
    assert list(Results.model_fields) == list(data)
    submission = data["submissions"][0]
    for model, entry in (
        (Report, submission),
        (ExerciseReport, submission["exercises"][0]),
        (CheckResult, submission["exercises"][0]["checks"][0]),
        (Diagnosis, submission["exercises"][0]["diagnoses"][0]),
    ):
        assert [name for name, field in model.model_fields.items() if not field.exclude] == list(entry)


def test_the_file_is_the_stream(tmp_path: Path) -> None:
    """`results.json` and `--output -` say the same."""
    Json().write_class(tmp_path, RUN, everything())
    assert written(*everything()) == (tmp_path / "results.json").read_bytes().decode("utf-8")


def test_numbers_that_json_lacks_are_spelled_out() -> None:
    """NaN is no JSON; that the student's module gave it is worth saying."""
    made = passed("shape", 10, "ok", expected=[float("nan"), {"a": float("inf")}], actual=-float("inf"))
    exercise = ExerciseReport(id="e", score=10, max_score=10, correct=True, checks=[made], diagnoses=[])
    text = written(report("ada", [exercise]))
    check = json.loads(text, parse_constant=pytest.fail)["submissions"][0]["exercises"][0]["checks"][0]
    assert (check["expected"], check["actual"]) == (["nan", {"a": "inf"}], "-inf")


def test_points_that_are_no_number_are_a_fault_of_the_grader() -> None:
    """A score of NaN must not pass as text or null."""
    check = CheckResult(id="a", status=Status.FAILED, score=float("nan"), max_score=1, message="")
    exercise = ExerciseReport(id="e", score=float("nan"), max_score=1, correct=False, checks=[check], diagnoses=[])
    with pytest.raises(ValueError, match="not JSON compliant"):
        written(report("ada", [exercise], score=0))


def test_half_a_character_is_replaced() -> None:
    """A notebook may hold lone halves of UTF-16 pairs, which no encoder takes."""
    text = written(report("ada", [], message="", warnings=["a\ud800b"]))
    assert json.loads(text.encode("utf-8"))["submissions"][0]["warnings"] == ["a\N{REPLACEMENT CHARACTER}b"]


def test_everything_follows_the_schema() -> None:
    """`grader schema` describes what is written, and would object to something else."""
    Draft202012Validator.check_schema(schema())
    validator = Draft202012Validator(schema())
    data = json.loads(written(*everything()))
    validator.validate(data)
    for spoil in (
        lambda d: d.pop("seed"),
        lambda d: d["submissions"][0].update(extra=1),
        lambda d: d["submissions"][0].update(status="fine"),
        lambda d: d["submissions"][0].pop("repairs"),
        lambda d: d.update(schema_version=2),
    ):
        spoiled = json.loads(json.dumps(data))
        spoil(spoiled)
        with pytest.raises(ValidationError):
            validator.validate(spoiled)


def test_the_schema_is_golden_and_describes_every_field() -> None:
    """Nobody has to guess what a field means, and the schema does not change unnoticed."""
    golden("schema.json", json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
    for model in [schema(), *schema()["$defs"].values()]:
        for name, field in model.get("properties", {}).items():
            assert field["description"].endswith("."), name


@pytest.mark.usefixtures("usual_garbage")
def test_memory_is_flat(tmp_path: Path) -> None:
    """Two thousand students cost what ten cost."""

    def many(count: int) -> Iterator[Report]:
        for number in range(count):
            yield report(f"student-{number:05}", [], warnings=["w" * 1000])

    def peak(count: int) -> int:
        tracemalloc.start()
        Json().write_class(tmp_path, RUN, many(count))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(10)  # imports and caches
    assert peak(2_000) < peak(10) + 300_000  # of two megabytes
