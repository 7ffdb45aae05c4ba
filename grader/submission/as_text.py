"""The text of a code cell that holds no code: somebody changed its type, or answered in comments, a string, a print.

Nothing is parsed as Python for it, and where it may be code it is none.
"""

from __future__ import annotations

import re

_STRING = re.compile(
    r"\s*+(?:print\s*+\(\s*+)?[rRfFuU]?(\"\"\"|'''|\"|')(?P<text>(?:\\.|(?!\1)[^\\])*+)\1\s*+\)?\s*+;?\s*+", re.DOTALL
)
_COMMENT = re.compile(r"[ \t]*+(?:#(?!#)[ \t]?)?")  # `##` stays a heading
_IN_CODE = re.compile(r"#[^\n]*+|\"[^\"\n]*+\"|'[^'\n]*+'(?![A-Za-z])")
_RUN = re.compile(r"[A-Za-z]+(?:'[a-z]+)?(?:,? [A-Za-z]+(?:'[a-z]+)?){6,}")  # words in a row
_OF_SENTENCES = frozenset("an the are of to this which because".split())  # no words of Python


def text_of(source: str) -> str | None:
    """What a code cell says, if it is words; None, where it may be code."""
    string = _STRING.fullmatch(source)
    if string:
        return string["text"]
    lines = [line for line in source.split("\n") if line.strip()]
    if lines and all(line.lstrip().startswith("#") for line in lines):
        return "\n".join(_COMMENT.sub("", line, count=1) for line in source.split("\n"))
    return source if _is_prose(source) else None


def _is_prose(source: str) -> bool:
    """Seven words in a row, outside of strings and comments, and one of them makes a sentence."""
    return any(
        not _OF_SENTENCES.isdisjoint(run[0].casefold().replace(",", "").split())
        for run in _RUN.finditer(_IN_CODE.sub(" ; ", source))
    )
