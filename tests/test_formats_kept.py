"""A mistake costs once: a check that fails by it and keeps its points says why, in every place."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup
from ci_readers import written
from test_formats_samples import ASSIGNMENT, RUN, exercise, failed, passed, report

from grader.assignment import Assignment
from grader.formats import Run
from grader.formats._feedback import feedback_page
from grader.formats._kept import kept_words
from grader.formats._plain import parts
from grader.formats.gradescope import results
from grader.terminal import Terminal
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Report, Status

THERE = "What makes this fail has cost its points at {}; here it costs nothing."


def block(gradient: float = 10, skip: float = 0) -> ExerciseReport:
    """A multiplied shortcut: the skip connection fails by it, and the gradient too."""
    return exercise(
        "resblock",
        [
            passed("shape", 10, "Right."),
            failed("gradient", 10, "Another gradient.", score=gradient),
            failed("skip-connection", 10, "No skip.", score=skip),
        ],
        Diagnosis(mistake="shortcut-multiplied", proof=Proof.REPLAYED, message="You multiply."),
    )


MADE = report("grace", [block()])


@pytest.mark.parametrize(
    ("expected", "made", "number"),
    [
        (THERE.format("Skip connection"), block(), 1),
        ("", block(), 2),  # it has cost here
        ("", block(), 0),  # passed
        ("", block(gradient=0), 1),  # lost
        ("What makes this fail costs 4 of these 10 points.", block(skip=6), 2),  # a price of its own
        (THERE.format("Skip connection"), block(skip=6), 1),
        (THERE.format("another check"), block(skip=10), 1),  # wherever that may be
    ],
)
def test_why_a_failed_check_has_points(expected: str, made: ExerciseReport, number: int) -> None:
    """It names the check at which the mistake has cost."""
    assert expected == kept_words(made, made.checks[number])


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.GRADER_BROKE])
def test_points_that_are_pending_are_neither_kept_nor_lost(status: Status) -> None:
    """They have words of their own; and no mistake has cost at them."""
    pending = CheckResult(id="parameters", status=status, score=0, max_score=10, message=".")
    made = block().model_copy(update={"checks": [*block().checks, pending]})
    assert "" == kept_words(made, pending)
    assert THERE.format("Skip connection") == kept_words(made, made.checks[1])


def test_several_checks_that_paid_are_all_named() -> None:
    """Two mistakes cost at two checks."""
    more = block().model_copy(update={"checks": [*block().checks, failed("parameters", 10, ".")]})
    assert THERE.format("Skip connection and Parameters") == kept_words(more, more.checks[1])


def test_the_page_does_not_say_failed_beside_full_points() -> None:
    """The status says that it costs no more, and a sentence says why; where points are lost, it is `Failed`."""
    soup = BeautifulSoup(feedback_page(RUN, MADE, None), "html.parser")
    kept, lost = (soup.select_one(f"#exercise-1-check-{number}") for number in (2, 3))
    assert kept is not None
    assert lost is not None
    said = " ".join(kept.get_text(" ").split())
    assert "10 of 10 points ✗ Fails too, costs nothing more" in said
    assert THERE.format("Skip connection") in said
    assert "0 of 10 points ✗ Failed" in " ".join(lost.get_text(" ").split())
    assert "costs nothing" not in lost.text


@pytest.mark.parametrize("name", ["junit", "markdown"])
def test_a_class_of_reports_says_so_from_the_contract_alone(name: str) -> None:
    """These formats read `results.json`, where checks have ids and no titles."""
    told = Report.model_validate(MADE.model_dump(mode="json"))
    text = written(name, [told])
    assert 1 == text.count("here it costs nothing")
    assert THERE.format("skip-connection") in text.replace("`", "").replace("\\", "")


def test_an_annotation_says_so() -> None:
    """On GitHub every failed check is an error of its own."""
    assert f"10 of 10 points. {THERE.format('Skip connection')}" in written("github", [MADE])


def test_gradescope_says_so_and_counts_as_before() -> None:
    """Status and score are what Gradescope is told; the words stand behind them."""
    gradient = results(RUN, MADE)["tests"][1]
    assert ("failed", 10.0, 10.0) == (gradient["status"], gradient["score"], gradient["max_score"])
    told = f"Failed. Another gradient.\n{THERE.format('Skip connection')}\nCause: You multiply."
    assert told == gradient["output"]


@pytest.mark.parametrize(("held", "named"), [("hidden", False), ("visible", True)])
def test_what_is_held_back_is_not_told_at_another_check(held: str, named: bool) -> None:
    """A student would learn early that the hidden check failed."""
    spec = json.loads(ASSIGNMENT.model_dump_json(by_alias=True))
    spec["exercise"][0]["visibility"] = {"skip-connection": held}
    gradient = parts(Run(Assignment.model_validate(spec), 0, "bwrap", "cpu"), MADE)[1]
    assert named is ("Skip connection" in gradient.text)
    assert "here it costs nothing" in gradient.text


def test_the_terminal_says_so_below_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    """Once, and not below the check that lost its points."""
    Terminal()._print_notebook(MADE)
    lines = [line.strip() for line in capsys.readouterr().err.splitlines()]
    at = lines.index("✗ Gradient  10 / 10")
    assert ["Another gradient.", THERE.format("Skip connection")] == lines[at + 1 : at + 3]
    assert 1 == sum("here it costs nothing" in line for line in lines)
