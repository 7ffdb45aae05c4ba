"""Time is kept by the judge's clock, and asks nothing of the student's code."""

from __future__ import annotations

import textwrap

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import Facts, Found, Trial, holds, off

_ALLOWED = 0.5
_TRIED = 6.0
_LATE = 5.0


class Deadline(Trial):
    """A loop that ignores every signal and catches everything, for some seconds."""

    id = "deadline"
    title = "Deadline kept"

    def source(self, ground: Ground) -> str:
        return f"""
            for number in range(1, 65):
                with contextlib.suppress(OSError, ValueError):
                    signal.signal(number, signal.SIG_IGN)
            end = time.monotonic() + {_TRIED}
            tell(begun=True)
            while time.monotonic() < end:
                try:
                    while time.monotonic() < end: pass
                except BaseException: pass
            """

    def attempt(self, ground: Ground) -> Facts:
        with ground.session(self.limits) as session:
            return self.run(session, textwrap.dedent(self.source(ground)), ground, seconds=_ALLOWED)

    def judge(self, facts: Facts, ground: Ground) -> Found:
        took = f"{facts.seconds:.1f} s, where {_ALLOWED:g} s are allowed"
        if facts["begun"] and facts.ended == "StudentTimedOut" and facts.seconds < _LATE:
            return holds(f"a loop that catches everything was ended after {took}")
        return off(f"a loop that catches everything ran for {took}")
