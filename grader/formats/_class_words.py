"""What the page of the class says, in words: reasons, checks, mistakes, and comments to copy."""

from __future__ import annotations

from typing import NamedTuple

from grader.assignment import Assignment, EssayExercise, ExperimentExercise
from grader.formats import _words
from grader.formats._class.attention import Look, Reason
from grader.formats._class.findings import Finding
from grader.formats._class.groups import Group
from grader.formats._class.items import FEWEST, Item
from grader.formats._class.phrases import PHRASES, singular
from grader.formats._class.said import Said
from grader.formats._text import one_line
from grader.formats._words import Label


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
        "As a rule another fault comes first. These points are pending: mark them, or have it mended and handed in.",
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

# The titles of checks are not in the reports that make this page. Those of shipped checks, word for word:
CHECK_TITLE = {
    "shape": "Shape of the output",
    "parameters": "Number of parameters",
    "gradient": "Outputs and gradients",
    "skip-connection": "Skip connection",
    "values": "Returned values",
    "answer": "Answer",
}
# What a whole class can do to see it for themselves; the most telling first.
CHECK_ADVICE = {
    "shape": "Call it on a tensor of the size that the task names, and compare .shape with what is asked for.",
    "parameters": "Count them, sum(p.numel() for p in module.parameters()), and compare layer by layer.",
    "skip-connection": "Set the last batch norm of the branch to zero, its weight and its bias: "
    "what is left must be the shortcut alone.",
    "gradient": "Compare forward with the formula of the task, step by step, on a small input.",
    "values": "Work out one call by hand, and compare step by step.",
}


def why(looks: list[Look]) -> list[str]:
    """What the row of a student says of these reasons. The status is told beside it, and what is only left to mark
    is the column of pending points."""
    said = []
    for reason, points in ((look.reason, _words.points(look.points)) for look in looks):
        if reason in (Reason.CHECK_BROKE, Reason.NOT_JUDGED, Reason.NOT_READ):
            said.append(f"{points} points could not be judged")
        elif reason is Reason.PARTLY_READ:
            said.append(f"{points} points of written answers are left to read")
        elif reason is Reason.ASKS_WHERE_IT_RUNS:
            said.append("asks where it runs")
    return list(dict.fromkeys(said))


class Titles:
    """Titles of exercises and checks, from the assignment."""

    def __init__(self, assignment: Assignment) -> None:
        self._exercises = {exercise.id: exercise.title for exercise in assignment.exercises}
        self._checks: dict[tuple[str, str], str] = {}
        for exercise in assignment.exercises:
            if isinstance(exercise, EssayExercise):
                self._checks |= {(exercise.id, concept.id): concept.title for concept in exercise.concepts}
            elif isinstance(exercise, ExperimentExercise):
                self._checks |= {(exercise.id, name): judged.title for name, judged in exercise.judged.items()}

    def exercise(self, id: str) -> str:
        return one_line(self._exercises.get(id, "")) or id

    def check(self, exercise: str, id: str) -> str:
        return one_line(self._checks.get((exercise, id), "")) or CHECK_TITLE.get(id) or plain(id)


def plain(id: str) -> str:
    """An id as words: `shortcut-missing` is "Shortcut missing"."""
    words = id.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def lower(text: str) -> str:
    """Ready to stand in a sentence: "The shape" is "the shape", and "ReLU", "1×1" or "F(x)" stay."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[:2] in ("A ", "a ") else text


def mistake_words(finding: Finding, said: Said, count: int) -> str:
    """A mistake as it goes on after "41 of 230": as a verb, or, where there is none, ": " and what was told."""
    phrase = PHRASES.get(finding.id)
    if phrase:
        return f" {singular(phrase) if count == 1 else phrase}"
    told = next(iter(said.common), said.first)
    return f": {lower(told or plain(finding.id))}"


def group_title(group: Group, titles: Titles) -> str:
    """What these students have in common, in one line."""
    if not group.findings:
        return "Further combinations of mistakes, too many to tell apart"
    if group.mistakes:
        words = [
            mistake_words(finding, group.said[finding], len(group)).removeprefix(":").strip().rstrip(".")
            for finding in group.mistakes
        ]
        return _upper(" and ".join(words))
    names = " and ".join(titles.check(group.exercise, check.id) for check in group.checks)
    return f"No cause is named; {'this fails' if len(group.checks) == 1 else 'these fail'}: {names}"


def comment(group: Group, titles: Titles) -> str:
    """One comment for all of a group: what most of them were told, and how they can see it for themselves. Nothing
    in it was told to one of them alone."""
    if not group.findings:
        return ""
    paragraphs = []
    for finding in group.mistakes or group.checks:
        told = " ".join(group.said[finding].common)
        if not told and finding.mistake:
            phrase = PHRASES.get(finding.id)
            told = f"In this exercise you {phrase}." if phrase else f"{plain(finding.id)}."
        elif not told:
            told = f"{titles.check(group.exercise, finding.id)}: this check fails, each time in another way."
        paragraphs.append(told)
    said = f"{titles.exercise(group.exercise)}. {' '.join(paragraphs)}"
    failing = {check.id for check in group.checks}
    advice = next((words for id, words in CHECK_ADVICE.items() if id in failing), "")
    return " ".join(each for each in (said, f"To see it for yourself: {lower(advice)}" if advice else "") if each)


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
