"""Which number, or which shape, does an answer mean?"""

from __future__ import annotations

import math
import re

from grader.language import say
from grader.quiz.words import answer_line, denies, plain_signs
from grader.submission.literals import LONGEST, Read, read_literal

_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:[ ,'_\u2009\u00a0\u202f][0-9]{3})++(?:\.[0-9]++)?")
_DECIMAL_COMMA = re.compile(r"([-+]?[0-9]++),([0-9]++)")
_TIMES = re.compile(r"(?<=[0-9])\s*+[×xX]\s*+(?=[0-9])")
# Between the sizes of a shape that has no commas.
_APART = re.compile(r"(?<=[0-9])(?:\s*+(?:[×xX*;/-]|by)\s*+|\s++)(?=[0-9])")
_NAMED_SIZE = re.compile(r"\b[A-Za-z]{1,10}+\s*+=\s*+(?=[0-9])")  # N=1, C=128
_BEFORE = re.compile(
    r"(?:(?:(?:my |the |die |meine )?(?:answer|result|output(?: shape)?|shape|size|value|antwort|ergebnis)"
    r"(?: is| are| ist)?|it is|it's|i think|i'd say|about|approximately|approx\.|circa|ca\.|exactly)"
    r"\s*+[:=]?\s*+|[=≈~]\s*+)++",
    re.I,
)
_UNIT = re.compile(
    r"(.*[0-9])\s*+(?:parameters?|params?|weights?|values?|channels?|layers?|blocks?|paths?|pixels?|px|units?|"
    r"elements?|entries|branch(?:es)?|dimensions?|gewichte?|werte?|kanäle?n?|schicht(?:en)?|bl[oö]cke?n?|pfade?n?|"
    r"zweige?n?|einheit(?:en)?)",
    re.I,
)
_NOTE = re.compile(r"\s*+\(([^()0-9]*+)\)$")  # "(for all)"
_WITHOUT = re.compile(r"(?:no|without|ohne|kein|keine) \w++")  # "(no bias)": how it was counted
_BOUND = re.compile(r"\b(?:or|most|least|more|less|maximum|minimum)\b", re.I)
_EQUALS = re.compile(r"(?<![=<>!≠~≈])={1,2}(?![=<>])")
_SIGNS = str.maketrans({"−": "-", "–": "-", "·": "*", "⋅": "*", "⁄": "/"})
_RAISED = re.compile(r"[⁺⁻]?+[⁰¹²³⁴⁵⁶⁷⁸⁹]++")
_AS_PLAIN = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+-0123456789")
# `2½`, `10₂`, `1①`: side by side with others, such signs are no further digits.
_ODD = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒↉₀₁₂₃₄₅₆₇₈₉①②③④⑤⑥⑦⑧⑨"
_BESIDE = re.compile(rf"[\w.)]\s*+[{_ODD}]|[{_ODD}]\s*+[\w.(]")
_IN_WORDS = {
    word: number
    for words in (
        "zero one two three four five six seven eight nine ten",
        "null eins zwei drei vier fünf sechs sieben acht neun zehn",
    )
    for number, word in enumerate(words.split())
}
# "1-2" in words: from one to the other, or a difference
_RANGE = re.compile(r"[0-9.,]++(?:e[0-9]++)?\s*+[-–—]\s*+[0-9.,]++(?:e[0-9]++)?", re.I)


class NoNumber(Exception):
    """It is a value, and no number and no shape that could be meant; a sentence says what it is."""


class Unclear(Exception):
    """It may be a number, and which one only a human can tell."""


def number(value: Read) -> int | float:
    """The number that a value means.

    Raises:
        NoNumber, Unclear
    """
    if isinstance(value, str):
        value = _in_text(value, shape=False)
    if isinstance(value, tuple):
        numbers = [number(each) for each in value]
        if len(set(numbers)) != 1:
            raise Unclear  # `73,728` in Python is two numbers
        return numbers[0]
    if isinstance(value, bool):
        raise NoNumber(say("{value} is not a number.", value=value))
    if not isinstance(value, int | float):
        raise Unclear
    if not math.isfinite(value):
        raise NoNumber(_capital(say("{value} is not a finite number.", value=value)))
    return value


def shape(value: Read) -> list[int]:
    """The shape that a value means.

    Raises:
        NoNumber, Unclear
    """
    if isinstance(value, str):
        value = _in_text(value, shape=True)
    sizes = [number(each) for each in (value if isinstance(value, tuple) else (value,))]
    if any(size != int(size) for size in sizes):
        raise NoNumber(say("The sizes of a shape are whole numbers."))
    return [int(size) for size in sizes]


def _capital(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _in_text(text: str, *, shape: bool) -> Read:
    if len(text) > LONGEST:
        raise Unclear
    if not shape and _RANGE.fullmatch(text.strip()):
        raise Unclear
    plain = _plain(answer_line(text)).strip(" \t\r\n*`$")
    if match := _BEFORE.match(plain):
        plain = plain[match.end() :].strip(" *`$")
    plain = _without_note(plain.rstrip(".!"))
    value = read_literal(_as_shape(plain) if shape else _as_number(plain))
    if isinstance(value, str):
        raise Unclear
    return value


def _plain(text: str) -> str:
    """With powers and fractions as Python could have them."""
    if _BESIDE.search(text):
        raise Unclear
    powers = _RAISED.sub(lambda raised: f"^{raised[0].translate(_AS_PLAIN)}", text)
    return plain_signs(powers).translate(_SIGNS)


def _without_note(plain: str) -> str:
    """`2 (for all)` is 2; `2 (at most)` and `2 (wrong)` say something else."""
    if not (note := _NOTE.search(plain)):
        return plain
    if _BOUND.search(note[1]) or (denies(note[1]) and not _WITHOUT.fullmatch(note[1])):
        raise Unclear
    return plain[: note.start()]


def _as_shape(plain: str) -> str:
    plain = _TIMES.sub(", ", _NAMED_SIZE.sub("", plain))
    return plain if "," in plain else _APART.sub(", ", plain)


def _as_number(plain: str) -> str:
    if match := _UNIT.fullmatch(plain):
        plain = match[1]
    *before, plain = _EQUALS.split(plain)
    for left in before:
        _agree(left, plain)
    plain = plain.strip().replace("^", "**")
    if plain.casefold() in _IN_WORDS:
        return str(_IN_WORDS[plain.casefold()])
    if _THOUSANDS.fullmatch(plain):
        return re.sub(r"[^-+0-9.]", "", plain)
    if (match := _DECIMAL_COMMA.fullmatch(plain)) and match[1] != match[2]:
        return f"{match[1]}.{match[2]}"
    return plain


def _agree(left: str, right: str) -> None:
    """`y = 2` and `1 + 1 = 2` say 2; `1 + 1 = 3` says two things."""
    if denies(left):
        raise Unclear
    if not any(sign.isdigit() for sign in left):
        return
    value, other = (read_literal(_as_number(side)) for side in (left, right))
    if not isinstance(value, int | float) or not isinstance(other, int | float) or not math.isclose(value, other):
        raise Unclear
