"""What the page of the class says, in words: reasons, checks, mistakes, and comments to copy."""

from __future__ import annotations

import re
from typing import NamedTuple

from grader.assignment import Assignment, CodeExercise, EssayExercise, ExperimentExercise, FunctionExercise
from grader.formats import _words
from grader.formats._class.attention import Look, Reason
from grader.formats._class.findings import Finding
from grader.formats._class.groups import Group
from grader.formats._class.items import FEWEST, Item
from grader.formats._class.phrases import PHRASES, singular
from grader.formats._class.said import Said
from grader.formats._text import one_line
from grader.formats._words import Label
from grader.language import SOURCE, later, say, speaking


class ReasonWords(NamedTuple):
    """A reason to look: how it is signed and named, and what to do about it."""

    label: Label
    todo: str


REASON = {
    Reason.GRADER_BROKE: ReasonWords(
        Label("open", "?", "The grader failed"),
        "All their points are pending. Run the same command again; if it fails again, mark them by hand.",
    ),
    Reason.UNREADABLE: ReasonWords(
        Label("wrong", "!", "Could not be read"), "Nothing was run. Ask for the notebook, saved again."
    ),
    Reason.CRASHED: ReasonWords(
        Label("wrong", "!", "Crashed"), "Their code ended its process. What had been judged before counts."
    ),
    Reason.TIMED_OUT: ReasonWords(
        Label("wrong", "!", "Took too long"),
        "A loop that does not end, or training in a definition. More time: --timeout.",
    ),
    Reason.OUT_OF_MEMORY: ReasonWords(
        Label("wrong", "!", "Out of memory"), "Very large tensors, or a list that grows. More memory: --memory."
    ),
    Reason.CHECK_BROKE: ReasonWords(
        Label("open", "?", "The grader failed on a check"), "These points are pending and cost nothing. Mark them."
    ),
    Reason.NOT_JUDGED: ReasonWords(
        Label("open", "–", "Checks that could not be judged"),
        "As a rule another fault comes first. These points are pending: mark them, or have it handed in again, mended.",
    ),
    Reason.NOT_READ: ReasonWords(
        Label("open", "–", "Answers that could not be read"),
        "No code is run for a question, so what the answer is can only be seen. These points are pending.",
    ),
    Reason.ASKS_WHERE_IT_RUNS: ReasonWords(
        Label("open", "?", "Code that asks where it runs"),
        "There are honest reasons. Read the place that the page names: does it do otherwise when it is graded?",
    ),
    Reason.PARTLY_READ: ReasonWords(
        Label("open", "–", "Written answers to read"),
        "Points are proposed for what was surely read; all else is pending until you have read it.",
    ),
    Reason.TO_MARK: ReasonWords(Label("open", "–", "Written answers to mark"), "Their points are pending until then."),
}

# The titles of checks are not in the reports that make this page, so they stand here once more, word for word.
CODE_TITLE = {
    "shape": "Shape of the output",
    "parameters": "Number of parameters",
    "gradient": "Outputs and gradients",
    "skip-connection": "Skip connection",
}
FUNCTION_TITLE = {"values": "Returned values", "gradient": "Gradient"}
# What a whole group can do to see it for themselves; the most telling first.
CODE_ADVICE = {
    "shape": later(
        "To see it for yourself: call it on a tensor of the size that the task names, and compare .shape with what is "
        "asked for."
    ),
    "parameters": later(
        "To see it for yourself: count them, sum(p.numel() for p in module.parameters()), and compare layer by layer."
    ),
    "skip-connection": later(
        "To see it for yourself: set weight and bias of the last batch norm in the branch to zero: what is left must "
        "be the shortcut alone."
    ),
    "gradient": later(
        "To see it for yourself: compare forward with the formula of the task, step by step, on a small input."
    ),
}
FUNCTION_ADVICE = {
    "values": later("To see it for yourself: work out one call by hand, and compare step by step."),
}


def why(looks: list[Look]) -> list[str]:
    """What the row of a student says of these reasons. The status is told beside it, and what is only left to mark
    is the column of pending points."""
    said = []
    for reason, points in ((look.reason, _words.points(look.points)) for look in looks):
        if reason in (Reason.CHECK_BROKE, Reason.NOT_JUDGED, Reason.NOT_READ):
            said.append(f"{points} points could not be judged")
        elif reason is Reason.PARTLY_READ:
            said.append(f"{points} points to read")
        elif reason is Reason.ASKS_WHERE_IT_RUNS:
            said.append("asks where it runs")
    return list(dict.fromkeys(said))


def plain(id: str) -> str:
    """An id as words: `shortcut-missing` is "shortcut missing"."""
    return id.replace("-", " ").replace("_", " ")


def lower(text: str) -> str:
    """Ready to stand in a sentence: "The shape" is "the shape", and "ReLU", "1×1" or "F(x)" stay."""
    return text[:1].lower() + text[1:] if re.match(r"[A-Z]?[a-z]* |A ", text) else text


class Wording:
    """What is said of one assignment: the titles of its exercises and checks, its mistakes, comments to copy.

    Args:
        told_in: the language of what students were told, and so of comments for them.
    """

    def __init__(self, assignment: Assignment, told_in: str = SOURCE) -> None:
        self._told_in = told_in
        self._exercises = {exercise.id: exercise for exercise in assignment.exercises}
        self._checks: dict[tuple[str, str], str] = {}
        for exercise in assignment.exercises:
            titles: dict[str, str] = {}
            if isinstance(exercise, EssayExercise):
                titles = {concept.id: concept.title for concept in exercise.concepts}
            elif isinstance(exercise, ExperimentExercise):
                titles = {name: judged.title for name, judged in exercise.judged.items()}
            elif isinstance(exercise, FunctionExercise):
                titles = FUNCTION_TITLE
            elif isinstance(exercise, CodeExercise):
                titles = CODE_TITLE
            self._checks |= {(exercise.id, id): title for id, title in titles.items()}

    def exercise(self, id: str) -> str:
        """The title of an exercise."""
        return one_line(self._exercises[id].title if id in self._exercises else "") or id

    def check(self, exercise: str, id: str) -> str:
        """The title of a check."""
        return one_line(self._checks.get((exercise, id), "")) or _upper(plain(id))

    def mistake(self, exercise: str, finding: Finding, said: Said, count: int) -> str:
        """A mistake as it goes on after "41 of 230": as a verb, or, where there is none, as what was told."""
        phrase = PHRASES.get(finding.id)
        if phrase:
            return f" {singular(phrase) if count == 1 else phrase}"
        # What is told to a misconception is the answer to it, not the misconception.
        essay = isinstance(self._exercises.get(exercise), EssayExercise)
        told = "" if essay else next(iter(said.common), said.first)
        return f": {self._inside(told or plain(finding.id)).rstrip('.')}"

    def failed(self, exercise: str, checks: list[Finding], count: int) -> str:
        """Failed checks, in the same place."""
        names = " and ".join(f"“{self.check(exercise, check.id)}”" for check in checks)
        return f" {'fails' if count == 1 else 'fail'} {names}"

    def group(self, group: Group) -> str:
        """What the students of a group have in common, in the same place."""
        if not group.findings:
            return " have other combinations of mistakes, too many to tell apart"
        if not group.mistakes:
            return f"{self.failed(group.exercise, group.checks, len(group))}, and no cause is named"
        words = [self.mistake(group.exercise, each, group.said[each], len(group)) for each in group.mistakes]
        first, *others = words
        return first + "".join(f" and{word.removeprefix(':')}" for word in others)

    def comment(self, group: Group) -> str:
        """One comment for all of a group: what most of them were told, and how they can see it for themselves.
        Nothing in it was told to one of them alone."""
        if not group.findings:
            return ""
        with speaking(self._told_in):
            told = " ".join(self._told(group, finding) for finding in group.mistakes or group.checks)
            advice = self._advice(group)
        return f"{self.exercise(group.exercise)}: {self._inside(told)}" + (f" {advice}" if advice else "")

    def _inside(self, told: str) -> str:
        """A sentence behind a colon: in English it begins small there, elsewhere it may not."""
        return lower(told) if self._told_in == SOURCE else told

    def _told(self, group: Group, finding: Finding) -> str:
        told = " ".join(group.said[finding].common)
        if told:
            return told
        if not finding.mistake:
            title = say(self.check(group.exercise, finding.id))
            return say("The check “{title}” fails; your own page says how.", title=title)
        if finding.id in PHRASES and self._told_in == SOURCE:
            return f"You {PHRASES[finding.id]}; your own page says where."
        return say("Your code has the mistake “{mistake}”; your own page says where.", mistake=plain(finding.id))

    def _advice(self, group: Group) -> str:
        asked = self._exercises.get(group.exercise)
        words = CODE_ADVICE if isinstance(asked, CodeExercise) else {}
        words = FUNCTION_ADVICE if isinstance(asked, FunctionExercise) else words
        failing = {check.id for check in group.checks}
        return next((say(advice) for id, advice in words.items() if id in failing), "")


def discrimination(item: Item) -> str:
    """How well an item tells strong students from weak ones, as a word behind the number."""
    if item.few:
        return f"too few ({item.compared} of {FEWEST})"
    if item.alike:
        return "all alike"
    if not item.certain:
        return "may be chance"
    value = item.discrimination or 0.0
    if value < 0:
        return "the wrong way round"
    return next(
        (word for least, word in ((0.4, "very well"), (0.3, "well"), (0.2, "somewhat")) if value >= least), "hardly"
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
