"""Generated programs, right and wrong: none that is right is accused, none that is wrong passes.

`GRADER_PROGRAMS=2000` runs more of them.
"""

from __future__ import annotations

import os

import pytest
from judging import judge
from programs import MISTAKES, Program, programs

# Spread over the seeds, so that each hand and most mistakes come up; a misjudged one is kept in
# test_judge_surprises.py.
COUNT = int(os.environ.get("GRADER_PROGRAMS", "36"))
FIRST = int(os.environ.get("GRADER_PROGRAMS_FROM", "0"))


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(one, id=f"{FIRST + number}-{one.exercise_id}-{one.hand}-{one.mistake or 'right'}")
        for number, one in enumerate(programs(COUNT, FIRST))
    ],
)
def test_a_generated_program_is_judged_truly(program: Program) -> None:
    """Right ones get everything; wrong ones do not pass, and a cause that is claimed is the true one."""
    report = judge(program.source, program.exercise_id)
    if program.mistake is None:
        assert [] == [(check.id, check.message) for check in report.checks if check.status != "passed"]
        assert [] == report.diagnoses
        assert report.correct
        return
    assert not report.correct
    assert report.score < report.max_score
    for diagnosis in report.diagnoses:
        assert diagnosis.mistake in program.names or any(name in diagnosis.message for name in program.names), diagnosis


def test_every_mistake_of_the_generator_changes_the_program() -> None:
    """A change that changes nothing would prove nothing."""
    from programs import BLOCKS, HANDS, program

    for mistake, (_, _, blocks) in MISTAKES.items():
        for block in blocks:
            for hand in HANDS:
                wrong, again = (program(7, block, hand, mistake) for _ in range(2))
                assert wrong == again
                compile(wrong.source, "student", "exec")
    assert set(BLOCKS) == {"ResBlock", "Bottleneck"}
