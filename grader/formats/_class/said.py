"""The words that students were told, one by one, and what most of them were told alike.

A message may hold words of one student: a name in their code, an error, a sentence of their answer. What is said to a
class is what several were told, never what one was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.language import say
from grader.verdict import ALIKE, PROVEN_TOGETHER

_DISTINCT = 16  # sentences that are counted; what many are told is among the first ones
_LONGEST = 1_500  # characters of a message
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[(“„\"'`]?[A-ZÄÖÜ\d`])")
_BLOCK = re.compile(r"In [^:\n]{1,80}: ")  # "In layer3.0: You multiply …": a network's block
_INSIDE = r"[^()]*(?:\([^()]*\)[^()]*)*"  # of brackets


@dataclass
class Said:
    """Sentences about one thing, in the order in which they were first told, and how many students got each."""

    told: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def add(self, sentences: Iterable[str]) -> None:
        """Count what one student was told."""
        self.total += 1
        for sentence in sentences:
            if sentence in self.told or len(self.told) < _DISTINCT:
                self.told[sentence] = self.told.get(sentence, 0) + 1

    @property
    def common(self) -> list[str]:
        """The sentences that two students at least, and half of all, were told. None, where each was told something
        else."""
        return [sentence for sentence, count in self.told.items() if count >= 2 and 2 * count >= self.total]

    @property
    def first(self) -> str:
        """Something that somebody was told."""
        return next(iter(self.told), "")


def sentences(message: str) -> tuple[str, ...]:
    """The sentences of a message, each once, without the block of a network that it is about, and without asides on
    proofs."""
    plain = _BLOCK.sub("", message[:_LONGEST], count=1) if _BLOCK.match(message) else message[:_LONGEST]
    plain = re.sub(_aside(), "", plain)
    return tuple(dict.fromkeys(each for each in _SENTENCE.split(" ".join(plain.split())) if each))


def _aside() -> str:
    """What is said about proofs, as the language of the run begins it."""
    begins = (re.escape(say(text).partition("{")[0]) for text in (PROVEN_TOGETHER, ALIKE))
    return rf"\s*(?:{'|'.join(begins)}){_INSIDE}\)"
