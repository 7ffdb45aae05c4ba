"""A way to say something, as an instructor writes it.

gradient flow|reach directly|straight early|first_layer    all of these in one sentence, near one another
bottleneck ... fewer|less parameter|weight                 what stands left of the dots comes first
bottleneck ... cheap|small !resblock                       nor is `resblock` among or before them
plain_block NOT shortcut                                   NOT: no, not, never, without, lacks and the like
learn difference !shortcut|path~learn                      nor is it a shortcut or a path that learns
{bottleneck} ... {fewer} {parameters}                      lists that are written once, in `words`

A word stands for its usual endings too; `degrad*` for all that begins so; `a_b` for two words in a row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

NOT = "NOT"
_WORD = re.compile(r"[a-z0-9][a-z0-9/.']*\*?")
_NAMED = re.compile(r"\{([^{}]*)\}")

Phrase = tuple[str, ...]  # words in a row
Choice = tuple[Phrase, ...]  # one of these


class PatternError(ValueError):
    """A pattern that cannot be read."""


@dataclass(frozen=True)
class Pattern:
    """Choices that must all be there: those of a segment in any order, the segments one after the other.

    Attributes:
        forbidden: what must not be said beside them.
        doers: who must not be the one that does it, and what is done.
    """

    text: str
    segments: tuple[tuple[Choice, ...], ...]
    forbidden: tuple[Choice, ...]
    doers: tuple[tuple[Choice, Choice], ...] = ()

    @property
    def choices(self) -> tuple[Choice, ...]:
        return tuple(choice for segment in self.segments for choice in segment)


def parse(text: str, named: Mapping[str, str] | None = None) -> Pattern:
    """Read a pattern.

    Args:
        named: what may be used as `{name}`.

    Raises:
        PatternError: says what is wrong with which word.
    """
    whole = _NAMED.sub(lambda found: _look_up(text, found[1], named or {}), text)
    segments: list[list[Choice]] = [[]]
    forbidden: list[Choice] = []
    doers: list[tuple[Choice, Choice]] = []
    for part in re.sub(r"\s*\|\s*", "|", whole).replace("…", "...").split():
        if part == "...":
            segments.append([])
        elif part.startswith("!") and "~" in part:
            who, _, does = part[1:].partition("~")
            doers.append((_choice(text, who), _choice(text, does)))
        elif part.startswith("!"):
            forbidden.append(_choice(text, part[1:]))
        else:
            segments[-1].append(_choice(text, part))
    if not all(segments):
        raise PatternError(f"{text!r}: expected words on both sides of '...'" if len(segments) > 1 else "no words")
    return Pattern(text, tuple(map(tuple, segments)), tuple(forbidden), tuple(doers))


def _look_up(text: str, name: str, named: Mapping[str, str]) -> str:
    if name not in named:
        raise PatternError(
            f"{text!r}: there is no list {name!r} in words; expected one of {', '.join(named) or 'none'}"
        )
    return re.sub(r"\s*\|\s*", "|", named[name].strip())


def _choice(text: str, part: str) -> Choice:
    phrases = tuple(tuple(phrase.split("_")) for phrase in part.split("|"))
    for phrase in phrases:
        for word in phrase:
            if word != NOT and not _WORD.fullmatch(word):
                raise PatternError(
                    f"{text!r}: {word!r} is no word; expected small letters, digits and perhaps * at the end"
                )
    return phrases
