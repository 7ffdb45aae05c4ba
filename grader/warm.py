"""Work that every wrong hand-in needs, done while the process behind the wall is still starting.

What a known mistake does to a right answer is found once and kept. Where there is a processor to spare, nobody waits
for that any more, the first wrong hand-in included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from grader.judge.examined import RightAnswers
from grader.mistakes import known_steps


def warm_up(answers: Iterable[RightAnswers], until: Callable[[], bool]) -> None:
    """Find what known mistakes do to right answers, as far as there is time.

    Args:
        until: is the time over? Asked again and again.
    """
    if len(os.sched_getaffinity(0)) < 2:
        return  # whoever is waited for needs the only one
    for each in answers:
        for _ in _effects(each):
            if until():
                return


def _effects(answers: RightAnswers) -> Iterator[None]:
    """One more is known each time."""
    for case in answers.reference.exercise.cases:
        for edit in known_steps(form.recorded for form in answers.plain_forms(case)):
            for variant in range(len(answers.reference.variants)):
                answers.wrongs.effect(edit, case, variant)
                yield
