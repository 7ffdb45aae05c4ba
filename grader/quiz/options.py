"""Which options does an answer mean? People write `b`, `B)`, `b) all of it`, the text alone, or tick a box."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from grader.assignment import ChoiceExercise, Option
from grader.quiz.words import answer_line

LONGEST = 2_000  # characters of an answer; what is longer is a human's to read
SHORT = 3  # characters: what is no longer and no option can't mean one in other words
_MARKS = " \t\r\n*_`~>#[](){}<>.…!?:;,'\"-—–✓✔←"
_BEFORE = re.compile(
    r"(?:(?:i (?:think|believe|guess|choose|chose|pick|take|would say)|i'd say|that|it is|it's|my|the|right|correct|"
    r"answers?|options?|choices?|letter|is|are|meine|die|richtige|antwort|lösung|buchstabe|ist)[\s:=]++)++"
)
_BETWEEN = re.compile(r"\s*+(?:[,;/&+|]|\band\b)\s*+|\s++")
_BOX = re.compile(r"\s*+(?:[-*+]|\d++[.)])?\s*+\[([ xX✓✗]?)\]\s*+(.*+)")
_AFTER_LABEL = re.compile(
    r"[\s*_`\]\"']*+[).:,=\]]|\s*+[-–—]\s|\s*+\("
    r"|\s++(?:because|since|weil|denn|is (?:right|correct|true|the (?:right|correct))|ist (?:richtig|korrekt))\b"
)
_STRUCK = re.compile(r"~~[^~]{1,200}+~~")
_TICKS = str.maketrans({"☑": "[x]", "✅": "[x]", "☐": "[ ]"})
_STRESSED = re.compile(r"\*\*|__|[✓✔←]|<-")


class Unclear(Exception):
    """It may mean one or another: a human reads it."""


def in_code(exercise: ChoiceExercise, values: Iterable[object]) -> list[Option] | None:
    """The options that values in code mean; None, where one of them is no option.

    Raises:
        Unclear: it cannot be told which.
    """
    found: dict[str, Option] = {}
    for value in values:
        meant = _meant(exercise, str(value)) if not isinstance(value, bool | float) else None
        if meant is None:
            if isinstance(value, str) and len(value.strip(_MARKS)) > SHORT and not value.strip().isdecimal():
                raise Unclear  # in other words it may mean one
            return None
        found.update((option.id, option) for option in meant)
    return list(found.values())


def in_words(exercise: ChoiceExercise, text: str) -> list[Option] | None:
    """The options that Markdown means: boxes that are ticked, a line `Answer: b`, or the text itself.

    Raises:
        Unclear: it says more than which option.
    """
    if len(text) > LONGEST:
        raise Unclear
    text = _STRUCK.sub(" ", text.translate(_TICKS))
    boxes = [box for line in text.split("\n") if (box := _BOX.fullmatch(line))]
    if boxes:
        return in_code(exercise, [box[2] for box in boxes if box[1].strip()])
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
    if len(text.strip(_MARKS)) > SHORT:
        raise Unclear
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
    if len(text) > LONGEST:
        raise Unclear
    said = _plain(text)
    by_id = {option.id: option for option in exercise.options}
    by_text = {_plain(option.text): option for option in exercise.options}
    exact = {option for each in (said, _without_intro(said)) if (option := by_text.get(each) or by_id.get(each))}
    if exact:
        return _only(exact)
    said = _without_intro(said)
    parts = [part.strip(_MARKS) for part in _BETWEEN.split(said)]
    if all(part in by_id for part in parts):
        return [by_id[part] for part in dict.fromkeys(parts)]
    if all(len(name) == 1 for name in by_id) and len(set(said)) == len(said) and set(said) <= set(by_id):
        return [by_id[name] for name in said]  # "ac"
    option = _labelled(said, by_id, by_text, alone=exercise.several)
    return None if option is None else [option]


def _labelled(said: str, by_id: dict[str, Option], by_text: dict[str, Option], *, alone: bool) -> Option | None:
    """`b) its text`, `b: because …`. The label counts, unless the text is another option's.

    Args:
        alone: may nothing but the option's own text follow? Where several are right, more of them may.
    """
    for name, option in by_id.items():
        rest = said.removeprefix(name)
        if rest == said or not _AFTER_LABEL.match(rest):
            continue
        rest = rest.strip(_MARKS)
        other = by_text.get(rest)
        labels = "|".join(map(re.escape, by_id))
        another = re.search(rf"(?:^|[\s,;/(])(?:{labels})[).:]", rest)
        if (alone and other is None) or other not in (None, option) or another or re.match(r"(?:or|and|not)\b", rest):
            raise Unclear
        return option
    return None


def _only(options: set[Option]) -> list[Option]:
    if len(options) > 1:
        raise Unclear
    return list(options)


def _plain(text: str) -> str:
    """In small letters, with single spaces, without marks around it."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(_MARKS)


def _without_intro(said: str) -> str:
    return said[match.end() :].strip(_MARKS) if (match := _BEFORE.match(said)) else said
