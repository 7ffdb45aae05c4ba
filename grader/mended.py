"""Answers that do not run, or whose layers are not registered, judged as they are with their slips mended.

What keeps an answer from running, or its layers from being trained, costs in one check, the first that fails by it. All
others are judged on the code as its author meant it, and what is wrong there costs there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from grader.assignment import CalledExercise
from grader.judge.seen import Seen
from grader.language import later, say
from grader.mending import Code, Mend, mends_for, slip_of
from grader.mistakes import mistakes
from grader.submission import Submission
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Lesson, Proof, Status

MOST_SLIPS = 3  # that are mended for one exercise
MOST_WAYS = 16  # in which one of them is mended
MOST_RUNNING = 4  # of these that run, and take as long as an answer takes

KEPT_FROM_RUNNING = later("Cell {cell}, line {line} keeps code from running. It was mended to judge all else.")
REPAIRS = {
    "layers-unregistered": later(
        "Cell {cell}, line {line} keeps layers where PyTorch does not find them. It was mended to judge all else."
    ),
}

Look = Callable[[Submission, CalledExercise], Seen]


@dataclass
class Mended:
    """What was seen of answers once they ran.

    Attributes:
        mends: what had to be mended for each exercise, which pays for it; not what was mended for one before.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    mends: dict[str, list[Mend]] = field(default_factory=dict)

    @property
    def repairs(self) -> list[str]:
        """What was mended, for the report."""
        found = dict.fromkeys(
            (REPAIRS.get(m.mistake, KEPT_FROM_RUNNING), m.change.cell, m.change.line)
            for mends in self.mends.values()
            for m in mends
        )
        return [say(words, cell=cell, line=line) for words, cell, line in found]


def mend(
    submission: Submission,
    exercises: Sequence[CalledExercise],
    look: Look,
    is_right: Callable[[Seen], bool],
    first: Mapping[str, Seen],
) -> Mended:
    """Mend what keeps answers from running, or layers from being registered, as far as that can be done, and look at
    them again.

    Args:
        look: runs a hand-in, and asks for one exercise.
        first: what was seen of each exercise in the code as it is.
    """
    mended = Mended()
    for exercise in exercises:
        before = first[exercise.id]
        slip = slip_of(before)
        if slip is None or (slip.is_unregistered and is_right(before)):
            continue
        # What was mended for another may be all that it lacked.
        found = Try(submission, look(submission, exercise) if mended.mends else before)
        while len(found.mends) < MOST_SLIPS and (nearer := _nearer(found, exercise, look, is_right)) is not None:
            found = nearer
        is_registered = slip.is_unregistered and _is_registered(found.seen, before)
        if len(found.seen.ran) > len(before.ran) or is_registered:
            submission, mended.seen[exercise.id] = found.submission, found.seen
            if found.mends:
                mended.mends[exercise.id] = list(found.mends)
    return mended


@dataclass(frozen=True)
class Try:
    """A hand-in with some mends, and what is seen of one exercise then."""

    submission: Submission
    seen: Seen
    mends: tuple[Mend, ...] = ()


def _nearer(found: Try, exercise: CalledExercise, look: Look, is_right: Callable[[Seen], bool]) -> Try | None:
    """The same with one more mend: one with which it is right, else one with which it gets further."""
    slip = slip_of(found.seen)
    if slip is None:
        return None
    best: Try | None = None
    running = 0
    for each in islice(mends_for(slip, found.submission.cells), MOST_WAYS):
        submission = _with(found.submission, each.change.code)
        tried = Try(submission, look(submission, exercise), (*found.mends, each))
        if is_right(tried.seen) or (slip.is_unregistered and _is_registered(tried.seen, found.seen)):
            return tried
        further = len(tried.seen.ran) - len((best or found).seen.ran)
        if further > 0 or (best is None and further == 0 and slip_of(tried.seen) not in (slip, None)):
            best = tried
        running += bool(tried.seen.ran)
        if running == MOST_RUNNING:
            break
    return best


def _is_registered(seen: Seen, before: Seen) -> bool:
    """Does all run that ran before, with every layer registered?"""
    return len(seen.ran) == len(before.ran) and seen.ended is None and slip_of(seen) is None


def _with(submission: Submission, code: Code) -> Submission:
    """A hand-in with its code written otherwise."""
    written = {cell.number: cell for cell in code.cells}
    in_front = [cell for cell in code.cells if cell.number not in {old.number for old in submission.cells}]
    return replace(submission, cells=[*in_front, *(written.get(cell.number, cell) for cell in submission.cells)])


def with_slip(
    own: ExerciseReport, rest: ExerciseReport, mends: Sequence[Mend], weights: Mapping[str, float]
) -> ExerciseReport:
    """The report on an answer with a slip.

    Args:
        own: on the code as it is.
        rest: on the code with its slip mended.
        weights: what a mistake costs, by its id, where the assignment says so.
    """
    home = next((check for check in own.checks if check.status.wrong and check.max_score > 0), None)
    if home is None:
        return own
    others = {check.id: check for check in rest.checks}
    checks = [
        _priced(check, mends, weights) if check is home else _beside(check, others[check.id], mends)
        for check in own.checks
    ]
    diagnoses = [_diagnosis(mend, own, rest) for mend in mends] + rest.diagnoses
    score = sum(check.score for check in checks)
    return rest.model_copy(update={"score": score, "correct": False, "checks": checks, "diagnoses": diagnoses})


def _priced(check: CheckResult, mends: Sequence[Mend], weights: Mapping[str, float]) -> CheckResult:
    """The check that a slip costs, with the points that it leaves."""
    costs = (weights.get(mend.mistake, check.max_score) for mend in mends)
    return check.model_copy(update={"score": max(0.0, check.max_score - sum(costs))})


def _beside(own: CheckResult, rest: CheckResult, mends: Sequence[Mend]) -> CheckResult:
    """Another check: it fails as the code is, and keeps the points that it has with the slip mended."""
    if not own.status.wrong or rest.status is not Status.PASSED:
        return rest
    line = mends[-1].change.line
    message = say("{message} With line {line} mended it passes.", message=own.message, line=line)
    return own.model_copy(update={"score": own.max_score, "message": message})


def _diagnosis(mend: Mend, own: ExerciseReport, rest: ExerciseReport) -> Diagnosis:
    """The slip in words: proven, where the mended code is right in everything."""
    change, mistake = mend.change, mistakes()[mend.mistake]
    found = next((each for each in own.diagnoses if each.mistake == mend.mistake), None)
    said = found.message if found is not None else mistake.said
    if rest.correct:
        beside = say("With line {line} mended, everything else is right, in every case.", line=change.line)
    else:
        beside = say("All else was judged with line {line} mended.", line=change.line)
    lesson = mistake.lesson
    concept, where, *_ = lesson.hints
    now = change.now.replace("`", "'")  # shown as code
    what = say("This is missing at the top: `{now}`", now=now)
    if not change.in_front:
        what = say("Line {line} is meant like this: `{now}`", line=change.line, now=now)
    return Diagnosis(
        mistake=mend.mistake,
        proof=Proof.REPLAYED if rest.correct else Proof.MEASURED,
        message=f"{said} {beside}",
        cell=change.cell,
        line=change.line,
        lesson=Lesson(why=lesson.why, hints=(concept, where, what)),
        mended=True,
    )
