"""Right and wrong programs in many hands: none that is right is accused, none that is wrong passes.

The programs stand in right_structures.py, right_computations.py and wrong_programs.py.
"""

from __future__ import annotations

import pytest
from judging import judge
from programs import HEAD
from right_computations import COMPUTATIONS
from right_structures import STRUCTURES
from wrong_programs import WRONG


def exercises(source: str) -> list[str]:
    """The exercises that a source answers."""
    if "build_network" in source:
        return ["network"]
    return [name.lower() for name in ("ResBlock", "Bottleneck") if name in source]


def cases(sources: dict[str, str]) -> list[object]:
    """Each source with each of its exercises."""
    return [
        pytest.param(source, exercise, id=f"{name}-{exercise}")
        for name, source in sources.items()
        for exercise in exercises(source)
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), cases({**STRUCTURES, **COMPUTATIONS}))
def test_a_right_program_gets_everything(source: str, exercise: str) -> None:
    """Whatever the hand."""
    report = judge(HEAD + source, exercise)
    assert [] == [(check.id, check.message) for check in report.checks if check.status != "passed"]
    assert [] == report.diagnoses
    assert report.correct
    assert report.max_score == report.score


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("source", "exercise"), cases(WRONG))
@pytest.mark.usefixtures("no_diagnosis")
def test_a_wrong_program_does_not_pass(source: str, exercise: str) -> None:
    """However well it hides."""
    report = judge(source, exercise)
    assert not report.correct
    assert report.score < report.max_score
