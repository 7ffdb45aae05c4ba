"""Texts for people, in their language. English stands in the code; the others are catalogues made from it.

    say("{name} has {count} parameters.", name=name, count=count)     in the language of the run
    many("{n} more row", "{n} more rows", n)                          one or several
    later("Passed")                                                   a constant: said when it is shown
    later("it holds {n} files", n=3)                                  what is found before the language is known, or
                                                                      compared before it is shown: English until then

What is data stays as it is in every language: ids, statuses, the keys of `results.json`, code, and numbers with the
point that Python writes. `tools/texts.py` keeps the catalogues (gettext's, in `grader/locale/`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Self

SOURCE = "en"
DOMAIN = "grader"
LOCALE = Path(__file__).parent / "locale"

_spoken: tuple[str, NullTranslations] = (SOURCE, NullTranslations())


def say(text: str, /, **values: object) -> str:
    """A text in the language that is spoken, its `{names}` filled in."""
    if isinstance(text, _Unsaid):
        return say(text.text, **{**text.values, **values})
    said = _spoken[1].gettext(text) if text else ""  # gettext's word for "" is the head of the catalogue
    return said.format(**_said(values)) if values else said


def many(one: str, several: str, n: int, /, **values: object) -> str:
    """The form of a text that a number asks for; `{n}` is that number."""
    return form(one, several, n).format(n=n, **_said(values))


def form(one: str, several: str, n: int) -> str:
    """The same with nothing filled in."""
    return _spoken[1].ngettext(one, several, n)


def later(text: str, /, **values: object) -> str:
    """A text for the catalogues: whoever shows it says it, alone or filled into another. Until then it is English."""
    return _Unsaid(text, values)


class _Unsaid(str):
    """A text that remembers what it was made of."""

    text: str
    values: Mapping[str, object]

    def __new__(cls, text: str, values: Mapping[str, object] | None = None) -> Self:
        made = super().__new__(cls, text.format(**values) if values else text)
        made.text, made.values = text, values or {}
        return made


def _said(values: Mapping[str, object]) -> Mapping[str, object]:
    return {name: say(value) if isinstance(value, _Unsaid) else value for name, value in values.items()}


def spoken() -> str:
    """The code of the language that is spoken, as HTML's `lang` wants it."""
    return _spoken[0]


def languages() -> tuple[str, ...]:
    """The codes of all languages there are, the source first."""
    return (SOURCE, *sorted(path.parts[-3] for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Speak a language, one of `languages()`, inside of the block."""
    global _spoken
    before = _spoken
    _spoken = (language, _catalogue(language))
    try:
        yield
    finally:
        _spoken = before


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    with (LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return GNUTranslations(file)
