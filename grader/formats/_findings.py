"""Findings, ready to be shown: named mistakes, and checks. What is told once is pointed to the next time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from grader.formats import _words
from grader.formats._excerpt import Place, heading, place
from grader.formats._kept import COSTS_NOTHING, keeps_all
from grader.formats._text import clip, from_terminal, one_line, said
from grader.formats._values import Comparison, compare
from grader.formats._words import Label
from grader.language import many, say
from grader.submission import Submission
from grader.verdict import CheckResult, Diagnosis, Lesson, Proof

_MESSAGE = 2_000  # characters
_LINES = 40  # of evidence, notes, repairs, warnings
_HEADING = 240  # characters


@dataclass(frozen=True)
class Pointer:
    """A link within the page."""

    anchor: str
    words: str


@dataclass(frozen=True)
class LessonView:
    """Why it matters, and the hints with their headings; the last is missing where it is held back."""

    why: Markup
    rungs: list[tuple[str, Markup]]
    held_back: str  # the heading of the hint that is


@dataclass(frozen=True)
class CheckView:
    """One check, ready to be shown.

    Attributes:
        kept: why it has points though it fails.
        causes: the findings by which it fails; then nothing is explained here.
    """

    anchor: str
    title: str
    label: Label
    score: float
    max_score: float
    kept: str
    message: str
    comparison: Comparison | None
    place: Place | None
    advice: str
    evidence: list[str]
    notes: list[str]
    causes: list[Pointer]
    lesson: LessonView | None
    told: Pointer | None  # where the lesson was told


@dataclass(frozen=True)
class MistakeView:
    """One named mistake, ready to be shown."""

    anchor: str
    mistake: str
    lead: str
    message: str
    proof: Label
    is_cause: bool
    place: Place | None
    lesson: LessonView | None
    told: Pointer | None


@dataclass
class Told:
    """What a page has told already.

    Attributes:
        lessons: where, by what was taught.
        places: cells and lines that were shown in this exercise.
    """

    lessons: dict[str, Pointer] = field(default_factory=dict)
    places: set[tuple[int, int | None]] = field(default_factory=set)

    def once(self, lesson: Lesson | None, here: Pointer) -> tuple[LessonView | None, Pointer | None]:
        """The lesson, or where it was told before."""
        if lesson is None:
            return None, None
        told = self.lessons.setdefault(lesson.why, here)
        return (_lesson(lesson), None) if told is here else (None, told)

    def place_once(self, submission: Submission | None, cell: int | None, line: int | None) -> Place | None:
        """The same lines are shown once an exercise; a finding that comes later only names the place."""
        found = place(submission, cell, line)
        if found is None:
            return None
        if (found.cell, found.line) in self.places:
            return Place(found.cell, found.line, [], found.linked)
        self.places.add((found.cell, found.line))
        return found


def mistake_anchor(exercise: int, mistake: int) -> str:
    """Counted, not named: ids in a page must differ, and an id from data might be anything."""
    return f"exercise-{exercise}-mistake-{mistake}"


def check_anchor(exercise: int, check: int) -> str:
    return f"exercise-{exercise}-check-{check}"


def mistake_view(
    diagnosis: Diagnosis, anchor: str, exercise: str, essay: bool, submission: Submission | None, told: Told
) -> MistakeView:
    """A named mistake.

    Args:
        exercise: its title.
    """
    lead, rest = lead_of(short(diagnosis.message))
    lesson, before = told.once(diagnosis.lesson, Pointer(anchor, exercise))
    return MistakeView(
        anchor=anchor,
        mistake=diagnosis.mistake,
        lead=lead,
        message=rest,
        proof=_words.ESSAY_PROOF if essay else _proof(diagnosis),
        is_cause=diagnosis.is_cause,
        place=told.place_once(submission, diagnosis.cell, diagnosis.line),
        lesson=lesson,
        told=before,
    )


def check_view(
    check: CheckResult,
    anchor: str,
    exercise: str,
    essay: bool,
    submission: Submission | None,
    told: Told,
    causes: list[Pointer],
    kept: str,
) -> CheckView:
    """A check, with what explains it where something does.

    Args:
        kept: why it has points though it fails.
    """
    label = COSTS_NOTHING if keeps_all(check) else _words.CHECK[check.status]
    if essay:
        label = _words.ESSAY_CHECK.get(check.status, label)
    lesson, before = (None, None) if causes else told.once(check.lesson, Pointer(anchor, exercise))
    is_explained = bool(causes) or check.lesson is not None
    return CheckView(
        anchor=anchor,
        title=heading(check.title, check.id),
        label=label,
        score=check.score,
        max_score=check.max_score,
        kept=kept,
        message=short(check.message),
        comparison=compare(check.expected, check.actual),
        place=told.place_once(submission, check.cell, check.line),
        advice="" if is_explained and label.look == "wrong" else short(check.advice),
        evidence=some(check.evidence),
        notes=some(check.notes),
        causes=causes,
        lesson=lesson,
        told=before,
    )


def lead_of(message: str) -> tuple[str, str]:
    """The first sentence, which is a heading, and the rest."""
    end = next((i for i in range(1, min(len(message), _HEADING)) if message[i - 1 : i + 1] in (". ", ".\n")), 0)
    lead, rest = (message[:end], message[end:]) if end else (message, "")
    return (one_line(lead, _HEADING), rest.strip()) if len(lead) <= _HEADING else ("", message)


def _lesson(lesson: Lesson) -> LessonView:
    headings = [say(words, number=number) for number, words in enumerate(_words.RUNGS, start=1)]
    rungs = [(title, said(hint)) for title, hint in zip(headings, lesson.hints, strict=False)]
    return LessonView(said(lesson.why), rungs, "" if len(rungs) == len(headings) else headings[-1])


def short(text: str) -> str:
    return clip(from_terminal(text), _MESSAGE)[0]


def some(lines: Sequence[str]) -> list[str]:
    shown = [short(line) for line in lines[:_LINES]]
    left_out = len(lines) - len(shown)
    return [*shown, many("… and {n} more", "… and {n} more", left_out)] if left_out else shown


def _proof(diagnosis: Diagnosis) -> Label:
    """What a diagnosis rests on, in words."""
    is_proven = diagnosis.proof is Proof.REPLAYED
    return _words.MENDED_PROOF if diagnosis.mended and is_proven else _words.PROOF[diagnosis.proof]
