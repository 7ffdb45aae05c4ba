"""What a check found, as a card below the cell; as text where it is printed.

The card is HTML without script and without a style sheet: notebooks show it as it is, and where HTML is sanitised it
still reads from top to bottom. Its text has the colour of the page around it, light or dark. Notebooks show it later
than it is made, and more than once: it keeps the language it was made in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from grader.assignment import Assignment
from grader.formats import _words
from grader.formats._excerpt import place
from grader.formats._pages import render
from grader.formats._text import clip, from_terminal, visible
from grader.formats._values import Comparison, compare
from grader.formats._words import Label
from grader.language import later, say, speaking, spoken
from grader.submission import Submission
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Status

_MESSAGE = 2_000  # characters
_EVIDENCE = 20  # lines
_TAG = re.compile(r"<[^>]*>")  # of what colours a line; in escaped text there is no other
# Words of `_words.CHECK` that only fit where marks are made.
_CHECK = _words.CHECK | {Status.SKIPPED: Label("open", "–", later("Could not be checked"))}
_SELF_CHECK = later(
    "This is a self-check: it hands nothing in. The mark is made elsewhere, from the notebook you hand in."
)


@dataclass(frozen=True)
class Line:
    """One line of the student's, numbered in its cell."""

    number: int
    text: str
    meant: bool


@dataclass(frozen=True)
class Finding:
    """A mistake, or a check that did not pass, ready to be shown."""

    label: Label
    title: str
    message: str
    where: str = ""
    lines: list[Line] = field(default_factory=list)
    comparison: Comparison | None = None
    advice: str = ""
    evidence: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Card:
    """One check of one object.

    Attributes:
        report: as `grader check` has it in its results; None where nothing could be checked.
    """

    report: ExerciseReport | None
    label: Label
    title: str
    summary: str
    right: list[str] = field(default_factory=list)
    causes: list[Finding] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    formula: str = ""
    footer: str = _SELF_CHECK
    language: str = field(default_factory=spoken)

    @classmethod
    def of(
        cls,
        report: ExerciseReport,
        assignment: Assignment,
        executed: Submission,
        name: str,
        cell: int | None,
        note: str,
    ) -> Card:
        """What was found of an object.

        Args:
            executed: the cells that were run, by their numbers.
            name: of the object.
            cell: which defined it, where that is known.
            note: what else the student should know.
        """
        shown: set[tuple[int, int | None]] = set()
        looks = [(check, _CHECK[check.status]) for check in report.checks]
        passed = [check for check, label in looks if label.look == "right"]
        defined = name if cell is None else say("{name} as In [{cell}] defined it", name=name, cell=cell)
        summary = say(
            "{passed} of {all} checks passed: {defined}, exercise {exercise} of {assignment}",
            passed=len(passed),
            all=len(report.checks),
            defined=defined,
            exercise=report.id,
            assignment=assignment.id,
        )
        return cls(
            report=report,
            label=_label(report),
            title=report.title or report.id,
            summary=summary,
            right=[check.title or check.id for check in passed],
            causes=[_cause(diagnosis, executed, shown) for diagnosis in report.diagnoses],
            wrong=[_check(check, label, executed, shown) for check, label in looks if label.look != "right"],
            notes=[text for text in (note, *(_short(n) for check in report.checks for n in check.notes)) if text],
            formula=_short(report.formula),
        )

    @classmethod
    def refusal(cls, *sentences: str) -> Card:
        """Nothing could be checked, and why."""
        label = Label("open", "?", later("Not checked"))
        return cls(None, label, label.word, "", notes=[_short(s) for s in sentences])

    @property
    def correct(self) -> bool:
        """Did every check pass?"""
        return self.report is not None and self.report.correct

    def _repr_html_(self) -> str:
        with speaking(self.language):
            return render("card.html.j2", card=self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        with speaking(self.language):
            return visible("\n".join(_text(self)))


def _label(report: ExerciseReport) -> Label:
    if report.correct:
        return Label("right", "✓", later("Everything is right"))
    if any(_CHECK[check.status].look == "wrong" for check in report.checks):
        return Label("wrong", "✗", later("Something to fix"))
    return Label("open", "–", later("Not all of it could be checked"))


def _cause(diagnosis: Diagnosis, executed: Submission, shown: set[tuple[int, int | None]]) -> Finding:
    proof = _words.PROOF[diagnosis.proof]
    where, lines = _place(executed, diagnosis.cell, diagnosis.line, shown)
    said = f"{proof.word} ({diagnosis.mistake})"
    return Finding(Label("wrong", "→", ""), "", _short(diagnosis.message), where, lines, advice=said)


def _check(check: CheckResult, label: Label, executed: Submission, shown: set[tuple[int, int | None]]) -> Finding:
    where, lines = _place(executed, check.cell, check.line, shown)
    return Finding(
        label,
        check.title or check.id,
        _short(check.message),
        where,
        lines,
        compare(check.expected, check.actual),
        _short(check.advice),
        [_short(line) for line in check.evidence[:_EVIDENCE]],
    )


def _place(
    executed: Submission, cell: int | None, line: int | None, shown: set[tuple[int, int | None]]
) -> tuple[str, list[Line]]:
    """Where in the notebook, and the lines there; the same lines are shown once."""
    found = place(executed, cell, line)
    if found is None:
        return "", []
    words = f"In [{found.cell}]"
    if found.line:
        words = say("{cell}, line {line}", cell=words, line=found.line)
    first = (found.cell, found.line) not in shown
    shown.add((found.cell, found.line))
    lines = [Line(line.number, unescape(_TAG.sub("", line.code)), line.meant) for line in found.lines]
    return words, lines if first and any(line.text.strip() for line in lines) else []


def _short(text: str) -> str:
    return clip(from_terminal(text), _MESSAGE)[0]


# ---------------------------------------------------------------------- as text


def _text(card: Card) -> list[str]:
    said = [f"{card.label.sign} {card.title}: {card.label.word}" if card.report else f"{card.label.sign} {card.title}"]
    said += [card.summary] if card.summary else []
    said += [f"  ✓ {title}" for title in card.right]
    said += ["", say("Fix this first:")] if card.causes else []
    for finding in card.causes:
        said += [f"  → {finding.message}{_in(finding)}", *_lines(finding), f"    {finding.advice}"]
    said += [""] if card.wrong else []
    for finding in card.wrong:
        said += [f"  {finding.label.sign} {finding.title}: {finding.message}{_in(finding)}", *_lines(finding)]
        said += ["    " + say("What to do next: {advice}", advice=finding.advice)] if finding.advice else []
    said += [f"  {note}" for note in card.notes]
    return [*said, "", say(card.footer)]


def _in(finding: Finding) -> str:
    return f" ({finding.where})" if finding.where else ""


def _lines(finding: Finding) -> list[str]:
    return [f"    {'→' if line.meant else ' '}{line.number:4} {line.text}" for line in finding.lines]
