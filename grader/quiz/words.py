"""Answers in words, with whatever else people write around them."""

from __future__ import annotations

import re
import unicodedata

from grader.essay import is_negation

_ANSWER = re.compile(
    r"[\W_]*+(?:(?:my|the|right|correct|meine|die) )*+(?:answers?|antwort)(?: is| are| ist)?[\s*_`]*+[:=]\s*+(.*+)",
    re.IGNORECASE,
)

_WORD = re.compile(r"\w++(?:'\w++)?")
# Beside the negations: words that call something wrong, and words that take back what was said.
_REFUSALS = frozenset(
    "wrong wrongly incorrect incorrectly false falsely untrue mistaken mistake nonsense nope nah excluded eliminated "
    "ruled crossed struck rejected refuted dropped lie doubt doubtful actually correction corrected edit edited "
    "changed sorry wait oops instead rather initially originally "
    "falsch unwahr unsinn nein quatsch ausgeschlossen gestrichen korrektur korrigiert sondern doch faux".split()
)


def answer_line(text: str) -> str:
    """What stands behind `Answer:`, if one line says so; else the whole text."""
    said = [line[1] for each in text.split("\n") if (line := _ANSWER.fullmatch(each)) and line[1].strip()]
    return said[0] if len(said) == 1 else text


def plain_signs(text: str) -> str:
    """Full-width and bold signs as the plain ones that they are, and without those that nobody sees."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("’", "'"))


def denies(text: str) -> bool:
    """Does a word deny, call wrong or take back? Of what, only a human can tell."""
    return any(is_negation(word) or word in _REFUSALS for word in words_of(text))
