"""What hand-ins are held against is found while the process behind the wall still starts."""

from __future__ import annotations

import pytest
from judging import judge_against, residual_blocks

from grader.assignment import ModuleExercise
from grader.judge.examined import RightAnswers
from grader.judge.forms import Form, Outcome
from grader.judge.reference import Reference
from grader.judge.wrongs import WrongForms
from grader.mistakes._mistake import RESBLOCK, changed
from grader.observation import Probe
from grader.warm import warm_up

WRONG = changed(RESBLOCK, ("F.relu(out + identity)", "F.relu(out * identity)"))


def answers() -> RightAnswers:
    """Of the residual block, with nothing known yet."""
    return RightAnswers(Reference(residual_blocks(), exercise()), seed=0, device="cpu")


def exercise() -> ModuleExercise:
    found = residual_blocks().code_exercises[0]
    assert isinstance(found, ModuleExercise)
    return found


def test_what_is_found_before_need_not_be_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it change what a wrong block is told."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    cold, warm = answers(), answers()
    warm_up([warm], lambda: False, diagnose=True)
    found: list[object] = []
    effect = WrongForms._effect

    def counted(self: WrongForms, *arguments: object) -> object:
        found.append(self)
        return effect(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(WrongForms, "_effect", counted)
    reports = [judge_against(WRONG, exercise(), each) for each in (cold, warm)]
    assert reports[0] == reports[1]
    assert ["shortcut-multiplied"] == [diagnosis.mistake for diagnosis in reports[0].diagnoses]
    assert found.count(cold.wrongs) > 100
    # Those that the student's own code suggests are left.
    assert found.count(warm.wrongs) < found.count(cold.wrongs) / 4


def test_a_right_block_is_held_against_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what the reference gives is left to find."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    cold, warm = answers(), answers()
    warm_up([warm], lambda: False, diagnose=False)
    found: list[object] = []
    run = Form._run

    def counted(self: Form, probe: Probe) -> Outcome:
        found.append(self.reference)
        return run(self, probe)

    monkeypatch.setattr(Form, "_run", counted)
    assert all(judge_against(RESBLOCK, exercise(), each).correct for each in (cold, warm))
    assert found.count(cold.reference) > 20
    assert found.count(warm.reference) == 0


@pytest.mark.parametrize("processors", [{0}, {0, 1}])
def test_nothing_is_done_that_somebody_waits_for(processors: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when the process is there, nor where it needs the only processor."""
    monkeypatch.setattr("os.sched_getaffinity", lambda process: processors)
    asked: list[object] = []

    def until() -> bool:
        asked.append(1)
        return True

    found = answers()
    warm_up([found, found], until, diagnose=True)
    assert len(asked) == len(processors) - 1
