"""`junit`: read again by junitparser, by a schema, and as GitLab reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import junitparser
import pytest
import xmlschema
from ci_readers import EVERYTHING, checked_out, written
from test_formats_samples import exercise, failed, failing, report

from grader.formats._inert import line
from grader.verdict import Status

XSD = Path(__file__).parent / "schemas" / "junit.xsd"


@pytest.fixture(autouse=True)
def _in_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step of CI starts."""
    monkeypatch.chdir(tmp_path)


def test_junit_follows_the_schema() -> None:
    """And the schema would object to something else."""
    schema = xmlschema.XMLSchema(str(XSD))
    text = written("junit", EVERYTHING)
    schema.validate(text)
    for old, new in [("<failure ", "<fail "), ('tests="', 'count="'), ("<testcase ", '<testcase when="" ')]:
        with pytest.raises(xmlschema.XMLSchemaValidationError):
            schema.validate(text.replace(old, new).replace("</failure>", "</fail>" if "fail " in new else "</failure>"))


def test_junit_read_by_junitparser() -> None:
    """One suite a submission, one case a check; counts and points add up to the report's."""
    suites = list(junitparser.JUnitXml.fromstring(written("junit", EVERYTHING).encode()))
    assert len(EVERYTHING) == len(suites)
    for made, suite in zip(EVERYTHING, suites, strict=True):
        checks = [check for part in made.exercises for check in part.checks]
        cases = list(suite)
        declared = (suite.tests, suite.failures, suite.errors, suite.skipped)
        suite.update_statistics()
        assert declared == (suite.tests, suite.failures, suite.errors, suite.skipped)
        assert len(cases) == max(1, len(checks))
        told = {prop.name: prop.value for prop in suite.properties()}
        assert (made.status, made.score, made.max_score, made.pending) == (
            told["status"],
            float(told["score"]),
            float(told["max_score"]),
            float(told["pending"]),
        )
        assert made.score == pytest.approx(sum(float(prop) for prop in points_of(cases)))
        assert len({(case.classname, case.name) for case in cases}) == len(cases)
        for check, case in zip(checks, cases, strict=False):
            assert OUTCOME[check.status] == (case.is_failure, case.is_error, case.is_skipped)
            assert case.result == [] or line(check.message)[:40] in case.result[0].text.replace("\n", " ")


OUTCOME = {
    Status.PASSED: (False, False, False),
    Status.FAILED: (True, False, False),
    Status.STUDENT_CRASHED: (False, True, False),
    Status.TIMED_OUT: (False, True, False),
    Status.GRADER_BROKE: (False, False, True),
    Status.SKIPPED: (False, False, True),
}


def points_of(cases: list[junitparser.TestCase]) -> Iterator[str]:
    for case in cases:
        for prop in case._elem.iterfind("properties/property[@name='score']"):
            yield prop.get("value")


def test_junit_totals_are_those_of_the_suites() -> None:
    """The root counts what is below it."""
    root = ElementTree.fromstring(written("junit", EVERYTHING))
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name, "-1")) == sum(int(suite.get(name, "0")) for suite in root)


def test_junit_says_pending_and_causes_in_text() -> None:
    """GitLab shows the text of an element and none of its attributes."""
    root = ElementTree.fromstring(written("junit", [failing()[0]]))
    assert "10 points are pending: neither won nor lost" in root.find(".//skipped").text
    first, *others = [element.text for element in root.iterfind(".//failure")]
    assert "shortcut-multiplied (proven by replay): The shortcut is multiplied" in first
    assert not any("shortcut-multiplied" in text for text in others)


def test_junit_names_an_unreadable_file() -> None:
    """Nobody is missing: a file that could not be read is an error with the reason."""
    made = report("margaret", [], status="unreadable", warnings=["It ends in cell 7."])
    (case,) = next(iter(junitparser.JUnitXml.fromstring(written("junit", [made]).encode())))
    assert case.is_error
    assert "It ends in cell 7." in case.result[0].text


def test_junit_checks_of_one_name_stay_two() -> None:
    """GitLab takes two cases of one class and name for the same."""
    made = report("ada", [exercise("resblock", [failed("shape", 10, "a"), failed("shape", 10, "b")])])
    suite = next(iter(junitparser.JUnitXml.fromstring(written("junit", [made]).encode())))
    assert [case.name for case in suite] == ["shape", "shape (2)"]


def test_junit_points_into_the_file_on_disk(tmp_path: Path) -> None:
    """`file` from the repository's root, `line` of the JSON."""
    run, path = checked_out(tmp_path)
    root = ElementTree.fromstring(written("junit", [failing()[0]], run))
    case = root.find(".//testcase[@name='skip-connection']")
    assert case.get("file") == "homework/grace.ipynb"
    assert "# the skip connection" in path.read_text(encoding="utf-8").split("\n")[int(case.get("line")) - 1]
