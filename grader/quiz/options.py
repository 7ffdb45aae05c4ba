"""Which options does an answer mean? People write `b`, `B)`, `b) all of it`, the text alone, or tick a box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from operator import eq

from grader.assignment import ChoiceExercise, Option
from grader.quiz.words import answer_line, denies, plain_signs, words_of

LONGEST = 2_000  # characters of an answer; what is longer is a human's to read
# What is no option and can't mean one in other words. Of any other sign, `✗`, `2` or `β`, a human says what it means.
_NO_OPTION = re.compile(r"[a-z]{1,3}")
_MARKS = " \t\r\n*_`~>#[](){}<>.…!?:;,'\"-—–✓✔←"
_BEFORE = re.compile(
    r"(?:(?:i (?:think|believe|guess|choose|chose|pick|take|would say)|i'd say|that|it is|it's|my|the|right|correct|"
    r"answers?|options?|choices?|letter|ones?|only|both|is|are|meine|die|richtige|antwort|lösung|buchstabe|nur|beide|ist)[\s:=]++)++"
)
_BETWEEN = re.compile(r"\s*+(?:[,;/&+|]|\b(?:and|und)\b)\s*+|\s++")
_BOX = re.compile(r"\s*+(?:[-*+]|\d++[.)])?\s*+\[([ xX✓✗]?)\]\s*+(.*+)")
_AFTER_LABEL = re.compile(
    r"[\s*_`\]\"']*+[).:,=\]]|\s*+[-–—]\s|\s*+\("
    r"|\s++(?:because|since|weil|denn|is (?:right|correct|true|the (?:right|correct))|ist (?:richtig|korrekt))\b"
)
_REFUSED = re.compile(r"[\W_]*[~!][ \t]*(?=[\w(\[])")  # ~b, !b
_EMPTY_BOX = re.compile(r"\[\s*\]")
_STRUCK = re.compile(r"~~[^~]{1,200}+~~")
_TICKS = str.maketrans({"☑": "[x]", "✅": "[x]", "☐": "[ ]"})
_TELLING = 3  # words of an option's text that are no chance
_STRESSED = re.compile(r"\*\*|__|[✓✔←]|<-")


class Unclear(Exception):
    """It may mean one or another: a human reads it."""


def in_code(exercise: ChoiceExercise, values: Iterable[object]) -> list[Option] | None:
    """The options that values in code mean; None, where one of them is no option.

    Raises:
        Unclear: it cannot be told which.
    """
    values = list(values)
    if len(values) > 1 and any(isinstance(value, bool) for value in values):
        raise Unclear  # `[True, False]`: one for each option, perhaps
    found: dict[str, Option] = {}
    for value in values:
        meant = _meant(exercise, str(value)) if not isinstance(value, bool | float) else None
        if meant is None:
            if _may_count(exercise, value):
                raise Unclear
            if isinstance(value, str) and not _NO_OPTION.fullmatch(_plain(value)):
                raise Unclear  # in other words it may mean one
            return None
        found.update((option.id, option) for option in meant)
    return list(found.values())


def _may_count(exercise: ChoiceExercise, value: object) -> bool:
    """Is it the number of an option? From 0 or from 1, only a human can tell."""
    return not isinstance(value, bool | str) and value in range(len(exercise.options) + 1)


def in_words(exercise: ChoiceExercise, text: str) -> list[Option] | None:
    """The options that Markdown means: boxes that are ticked, a line `Answer: b`, or the text itself.

    None of them where there are boxes, and none is ticked; None where it means no option.

    Raises:
        Unclear: it says more than which option.
    """
    if len(text) > LONGEST:
        raise Unclear
    text = _STRUCK.sub(" ", text.translate(_TICKS))
    lines = [line for line in text.split("\n") if line.strip(_MARKS)]
    if not lines:
        raise Unclear  # all of it is crossed out
    boxes = [box for line in lines if (box := _BOX.fullmatch(line))]
    if boxes:
        ticked = [box[2] for box in boxes if box[1].strip()]
        if not ticked and len(boxes) < len(lines):
            raise Unclear  # the answer may stand beside the boxes
        return in_code(exercise, ticked)
    text = answer_line(text)
    lines = [line for line in text.split("\n") if line.strip(_MARKS)]
    try:
        meant = _meant(exercise, text)
    except Unclear:
        if len(lines) < 2:
            raise
        meant = None
    if meant is not None:
        return meant
    if len(lines) > 1:
        return _in_lines(exercise, lines)
    if len(_plain(text)) > 1 or not _NO_OPTION.fullmatch(_plain(text)):
        raise Unclear  # a word beside code may say anything, such as which question it answers
    return None


def _in_lines(exercise: ChoiceExercise, lines: list[str]) -> list[Option]:
    """An option on each line; of the question's own list, those that stand out."""
    stressed = [line for line in lines if _STRESSED.search(line)]
    if stressed and len(stressed) < len(lines) == len(exercise.options):
        lines = stressed
    every = [_meant(exercise, line.strip(_MARKS)) for line in lines]
    found = {option.id: option for each in every for option in each or ()}
    if not all(every) or (len(found) == len(exercise.options) and not exercise.several):
        raise Unclear
    return list(found.values())


def _meant(exercise: ChoiceExercise, text: str) -> list[Option] | None:
    """The options that one text means: one, or several in a row such as `a, c`."""
    if len(text) > LONGEST or _REFUSED.match(text) or _EMPTY_BOX.search(text):
        raise Unclear
    said = _plain(text)
    by_id = {option.id: option for option in exercise.options}
    by_text = {_plain(option.text): option for option in exercise.options}
    exact = {option for each in (said, _without_intro(said)) if (option := by_text.get(each) or by_id.get(each))}
    if exact:
        return _only(exact)
    said = _without_intro(said)
    between = _BETWEEN.split(said)
    if any(map(_REFUSED.match, between)):
        raise Unclear
    parts = [part.strip(_MARKS) for part in between]
    if all(part in by_id for part in parts):
        return [by_id[part] for part in dict.fromkeys(parts)]
    if said and all(len(name) == 1 for name in by_id) and len(set(said)) == len(said) and set(said) <= set(by_id):
        return [by_id[name] for name in said]  # "ac"
    option = _labelled(said, by_id, by_text, alone=exercise.several)
    return None if option is None else [option]


def _labelled(said: str, by_id: dict[str, Option], by_text: dict[str, Option], *, alone: bool) -> Option | None:
    """`b) its text`, `b: because …`. The label counts, unless the text is another option's.

    Args:
        alone: may nothing but the option's own text follow? Where several are right, more of them may.
    """
    for name, option in by_id.items():
        behind = said.removeprefix(name)
        if behind == said or not _AFTER_LABEL.match(behind):
            continue
        rest = behind.strip(_MARKS)
        if by_text.get(rest) is option:
            return option
        if alone or _begins_another(rest, option, by_text):
            raise Unclear
        if not _is_harmless(rest, _plain(option.text), by_id.keys() - {name}):
            raise Unclear
        return option
    return None


def _begins_another(rest: str, option: Option, by_text: dict[str, Option]) -> bool:
    """Does it begin as another option's text does, as far as both go, and not as that of this one?"""
    said = words_of(rest)
    begun = {each.id for text, each in by_text.items() if all(map(eq, said, words_of(text)))} if said else set()
    return bool(begun) and option.id not in begun


def _is_harmless(rest: str, text: str, others: Set[str]) -> bool:
    """Is what stands behind a label the option's own text, or a reason that takes nothing back?

    `b) is wrong` and `b - no wait, c` name an option as well. Whatever denies may deny the label, and the letter of
    another option may be what is meant in the end: both are a human's to read.
    """
    if text.startswith(rest) and len(words_of(rest)) >= _TELLING:
        return True
    reason = rest.removeprefix(text)
    words = words_of(reason)
    if (reason and not words) or words == ["x"] or words[:1] in (["or"], ["and"]):
        return False
    return not denies(reason) and others.isdisjoint(words)


def _only(options: set[Option]) -> list[Option]:
    if len(options) > 1:
        raise Unclear
    return list(options)


def _plain(text: str) -> str:
    """In small letters, with single spaces, without marks around it."""
    return " ".join(plain_signs(text).casefold().split()).strip(_MARKS)


def _without_intro(said: str) -> str:
    return said[match.end() :].strip(_MARKS) if (match := _BEFORE.match(said)) else said
