"""Work that hand-ins need, done while the process behind the wall is still starting.

What right answers give, and what a known mistake does to them, is found once and kept. Where there is a processor to
spare, nobody waits for that any more, the first hand-in included.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from grader.checks import asked_probes
from grader.judge.examine import as_taken
from grader.judge.examined import RightAnswers
from grader.mistakes import known_steps


def warm_up(answers: Iterable[RightAnswers], until: Callable[[], bool], *, diagnose: bool) -> None:
    """Find what every hand-in is compared with and, for those that are wrong, what known mistakes do to right answers,
    as far as there is time.

    Args:
        until: is the time over? Asked again and again.
    """
    if len(os.sched_getaffinity(0)) < 2:
        return  # whoever is waited for needs the only one
    answers = list(answers)
    for find in (_outcomes, _effects) if diagnose else (_outcomes,):
        for each in answers:
            for _ in find(each):
                if until():
                    return


def _outcomes(answers: RightAnswers) -> Iterator[None]:
    """What the right answer gives as it is written: one more probe is answered each time."""
    exercise = answers.reference.exercise
    for case in exercise.cases:
        forms = answers.forms(case)
        for probe in asked_probes(exercise, case):
            if probe.recipe != "initial":
                forms[0].outcome(as_taken(probe, case, forms))
            yield


def _effects(answers: RightAnswers) -> Iterator[None]:
    """One more is known each time."""
    for case in answers.reference.exercise.cases:
        for edit in known_steps(form.recorded for form in answers.plain_forms(case)):
            for variant in range(len(answers.reference.variants)):
                answers.wrongs.effect(edit, case, variant)
                yield
