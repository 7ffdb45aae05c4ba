"""Which number, or which shape, does an answer mean?"""

from __future__ import annotations

import math
import re

from grader.language import say
from grader.quiz.words import answer_line
from grader.submission.literals import LONGEST, Read, read_literal

_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:[ ,'_\u2009\u00a0\u202f][0-9]{3})++(?:\.[0-9]++)?")
_TIMES = re.compile(r"(?<=[0-9])\s*+[×xX]\s*+(?=[0-9])")
_BEFORE = re.compile(r"(?:(?:my |the )?answer(?: is)?|it is|about|approximately|exactly)\s*+[:=]?\s*+|[=≈~]\s*+", re.I)
_DASHES = str.maketrans({"−": "-", "–": "-", "·": "*", "⋅": "*"})


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
    plain = answer_line(text).strip(" \t\r\n*`$").translate(_DASHES)
    if match := _BEFORE.match(plain):
        plain = plain[match.end() :].strip(" *`$")
    plain = plain.rstrip(".!")
    if shape:
        plain = _TIMES.sub(", ", plain)
    elif _THOUSANDS.fullmatch(plain):
        plain = re.sub(r"[^-+0-9.]", "", plain)
    value = read_literal(plain)
    if isinstance(value, str):
        raise Unclear
    return value
