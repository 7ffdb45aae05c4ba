"""Texts for people, in their language. English stands in the code; the others are catalogues made from it.

    say("{name} has {count} parameters.", name=name, count=count)     in the language of the run
    many("{n} more row", "{n} more rows", n)                          one or several
    later("Passed")                                                   a constant: said when it is shown

What is data stays as it is in every language: ids, statuses, the keys of `results.json`, code, and numbers with the
point that Python writes. `tools/texts.py` keeps the catalogues (gettext's, in `grader/locale/`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

SOURCE = "en"
DOMAIN = "grader"
LOCALE = Path(__file__).parent / "locale"

_spoken: tuple[str, NullTranslations] = (SOURCE, NullTranslations())


def say(text: str, **values: object) -> str:
    """A text in the language that is spoken, its `{names}` filled in."""
    said = _spoken[1].gettext(text) if text else ""  # gettext's word for "" is the head of the catalogue
    return said.format(**values) if values else said


def many(one: str, several: str, n: int, **values: object) -> str:
    """The form of a text that a number asks for; `{n}` is that number."""
    return form(one, several, n).format(n=n, **values)


def form(one: str, several: str, n: int) -> str:
    """The same with nothing filled in."""
    return _spoken[1].ngettext(one, several, n)


def later(text: str) -> str:
    """A constant for the catalogues: whoever shows it says it."""
    return text


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
