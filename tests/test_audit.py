"""`grader audit`: holes in an assignment are shown with what would close them, and a tight one has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judging import right_answers
from typer.testing import CliRunner

from grader.audit.arguments import Arguments
from grader.audit.candidates import candidates, novelty
from grader.audit.findings import Audit, ExerciseAudit
from grader.audit.show import lines
from grader.cli import app
from grader.mistakes import mistakes
from grader.mistakes._mistake import Planted

pytestmark = pytest.mark.heavy

SPEC = """
id = "hole"
title = "One case only"

[[exercise]]
id = "resblock"
kind = "module"
title = "The basic residual block"
name = "ResBlock"
reference = "residual:ResBlock"
points = {{ {points} }}
"""
CASE = """
[[exercise.case]]
title = "{0}, {1}, {2}"
arguments = {{ in_channels = {0}, out_channels = {1}, stride = {2} }}
input = [{0}, 8, 8]
"""
EVERY = "shape = 1, parameters = 1, gradient = 1, skip-connection = 1"


@pytest.fixture
def few_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three mistakes and two styles stand for all."""
    import grader.audit.audit as module

    names = ("stride-ignored", "shortcut-multiplied", "bottleneck-not-narrowed")
    chosen = [mistake for mistake in mistakes().values() if isinstance(mistake, Planted) and mistake.id in names]
    few = {name: style for name, style in module.styles().items() if name in ("Attributes", "Functional")}
    monkeypatch.setattr(module, "mistakes_planted", lambda answers: chosen)
    monkeypatch.setattr(module, "styles", lambda: few)


def audit(folder: Path, cases: list[tuple[int, int, int]], points: str = EVERY) -> tuple[int, dict[str, object]]:
    """Exit code and the one exercise's audit."""
    spec = SPEC.format(points=points) + "".join(CASE.format(*case) for case in cases)
    (folder / "assignment.toml").write_text(spec)
    result = CliRunner().invoke(app, ["audit", str(folder), "--format", "json", "--quiet", "--programs", "1"])
    return result.exit_code, json.loads(result.stdout)["exercises"][0]


@pytest.mark.usefixtures("few_mistakes")
def test_a_missing_case_is_a_hole(tmp_path: Path) -> None:
    """Without a case that strides, a stride that is ignored gets full marks; the audit says which case is lacking."""
    code, found = audit(tmp_path, [(8, 8, 1)])
    assert 1 == code
    assert ["stride-ignored"] == [missed["mistake"] for missed in found["missed"]]  # type: ignore[attr-defined]
    assert "no case has stride != 1" in found["missed"][0]["remedy"]  # type: ignore[index]
    assert ["shortcut-multiplied"] == found["caught"]
    assert ["bottleneck-not-narrowed"] == found["without_effect"]
    assert [] == found["accused"]


@pytest.mark.usefixtures("few_mistakes")
def test_a_missing_check_is_a_hole(tmp_path: Path) -> None:
    """The shape alone does not tell a product from a sum, but tells the stride; the audit says which checks do."""
    code, found = audit(tmp_path, [(8, 16, 2)], points="shape = 1")
    assert 1 == code
    assert ["shortcut-multiplied"] == [missed["mistake"] for missed in found["missed"]]  # type: ignore[attr-defined]
    assert "give points to gradient or skip-connection" in found["missed"][0]["remedy"]  # type: ignore[index]
    assert ["stride-ignored"] == found["caught"]


def test_a_broken_assignment_is_not_audited(tmp_path: Path) -> None:
    """Exit code 2, as for every command."""
    (tmp_path / "assignment.toml").write_text("id = 3")
    assert 2 == CliRunner().invoke(app, ["audit", str(tmp_path), "--quiet"]).exit_code


def test_candidates_are_cases_that_the_exercise_does_not_have() -> None:
    """They combine the arguments anew, and the input follows the channels."""
    reference = right_answers("resblock").reference  # type: ignore[union-attr]
    known = [case.arguments for case in reference.exercise.cases]
    found = candidates(reference)
    assert found
    for case in found:
        assert case.arguments not in known
        assert case.arguments["in_channels"] == case.input[0]


def test_what_is_new_about_a_case_is_said_in_the_arguments() -> None:
    """The plainest condition that holds in this case alone."""
    arguments = Arguments({"i": "", "o": "", "s": "1"}, [(8, 8, 1), (8, 16, 2), (8, 8, 2)])
    assert "i == o and s != 1" == novelty(arguments, 2)


@pytest.mark.parametrize(("right", "wrong", "untried"), [(19, 12, 0), (0, 12, 1), (19, 0, 1), (0, 0, 2)])
def test_what_could_not_be_tried_is_said(right: int, wrong: int, untried: int) -> None:
    """That nobody is accused, or nothing missed, says little where nothing was written."""
    found = ExerciseAudit(
        exercise="one", what="", right=right, wrong=wrong, caught=[], without_effect=[], missed=[], accused=[],
        not_written=[],
    )  # fmt: skip
    said = list(lines(Audit(assignment="mine", exercises=[found])))
    assert untried == sum("UNTRIED" in line for line in said)
