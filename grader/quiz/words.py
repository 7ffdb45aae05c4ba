"""Answers in Markdown, with whatever else people write around them."""

from __future__ import annotations

import re

_ANSWER = re.compile(
    r"[\W_]*+(?:(?:my|the|right|correct) )*+answers?(?: is| are)?[\s*_`]*+[:=]\s*+(.*+)", re.IGNORECASE
)


def answer_line(text: str) -> str:
    """What stands behind `Answer:`, if one line says so; else the whole text."""
    said = [line[1] for each in text.split("\n") if (line := _ANSWER.fullmatch(each)) and line[1].strip()]
    return said[0] if len(said) == 1 else text
