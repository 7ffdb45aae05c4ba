"""Lines that say which question is answered by its short name: `### Answer (sum)`, `Antwort: sum`, `Answer: sum - c`.

Assignments list the headings below which an answer stands. Students write them in their own way, and what they mean
is as plain.
"""

from __future__ import annotations

import re
from functools import lru_cache

from grader.assignment import QuizExercise

_ANSWER = r"(?:(?:my|the|meine|die) )?(?:answers?|antwort|lösung|solution)"
_ANNOUNCES = re.compile(r"[#*_ \t]*+(?:(?:my|your|meine|deine) )?(?:answers?|antwort|lösung)\b[\s*_:]*+(.*+)", re.I)
_GAP = r"[\s*_`:.=(\[\"'–—-]*+"
_BEGINS = re.compile(rf"(?:#{{1,6}})?{_GAP}{_ANSWER}\b", re.IGNORECASE)
_BETWEEN_WORDS = r"[\s_-]"
_CLOSING = " \t\r:=)]*_`.,;\"'–—"


def may_name(line: str) -> bool:
    """Does this line begin as one that names a question, whichever that is?"""
    return len(line) <= 200 and _BEGINS.match(line.strip()) is not None


def behind_name(line: str, exercise: QuizExercise) -> str | None:
    """What stands in such a line behind the question's name, often nothing; None where it is no such line."""
    if len(line) > 200 or not (match := _pattern(exercise.id, exercise.name).fullmatch(line.strip())):
        return None
    is_heading, rest = match["mark"].strip().startswith("#"), match["rest"]
    if not is_heading and rest.strip() and not rest.strip().startswith(tuple(_CLOSING.strip() + "-")):
        return None  # a sentence that begins so: "Answer: sum of all paths"
    rest = rest.strip().lstrip(_CLOSING)
    return (rest[2:] if rest.startswith("- ") else rest).strip("* \t")


def may_announce(line: str) -> bool:
    """Does this line begin as one that only says that an answer follows?"""
    return _ANNOUNCES.fullmatch(line.strip()) is not None


def announces(line: str, exercise: QuizExercise) -> bool:
    """Does this line only say that an answer follows?"""
    match = _ANNOUNCES.fullmatch(line.strip())
    return match is not None and (not match[1].strip("*_ \t") or _is_name(match[1], exercise))


def _is_name(text: str, exercise: QuizExercise) -> bool:
    return _spaced(text.strip(" \t*_`:.()[]\"'")) in {_spaced(exercise.id), _spaced(exercise.name)}


@lru_cache(maxsize=256)
def _pattern(id: str, name: str) -> re.Pattern[str]:
    # In a heading the words of a name may be set apart; in a line of text `option a` may be an answer.
    spaced = _BETWEEN_WORDS.join(map(re.escape, re.split("[-_]", id)))
    exact = f"{re.escape(id)}|{re.escape(name)}"
    return re.compile(
        rf"(?P<mark>#{{1,6}}{_GAP}(?={_ANSWER}\b{_GAP}(?:{spaced}|{exact}))|{_GAP}(?={_ANSWER}\b{_GAP}(?:{exact})))"
        rf"{_ANSWER}\b{_GAP}(?:{exact}|{spaced})(?!-?\w)(?P<rest>.*+)",
        re.IGNORECASE,
    )


def _spaced(text: str) -> str:
    return re.sub("[-_ ]+", " ", text).casefold()
