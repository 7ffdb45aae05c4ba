"""The words that students were told, one by one, and what most of them were told alike.

A message may hold words of one student: a name in their code, an error, a sentence of their answer. What is said to a
class is what several were told, never what one was.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_DISTINCT = 24  # messages that are told apart; of further ones only the number is kept
_LONGEST = 900  # characters of a message
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[(“\"'`]?[A-Z\d`])")
_BLOCK = re.compile(r"In [^:\n]{1,80}: ")  # "In layer3.0: You multiply …": a network's block
_ASIDE = re.compile(r"\s*\((?:Proven together )?[Ww]ith [^()]*(?:\([^()]*\)[^()]*)*\)")


@dataclass
class Said:
    """Messages about one thing, and how many students got each."""

    messages: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def add(self, message: str) -> None:
        self.total += 1
        message = message[:_LONGEST]
        if message in self.messages or len(self.messages) < _DISTINCT:
            self.messages[message] += 1

    @property
    def common(self) -> str:
        """The sentences that two students at least, and half of all, were told, in the order of the most frequent
        message that has them. Nothing, where each was told something else."""
        told: Counter[str] = Counter()
        for message, count in self.messages.items():
            for sentence in dict.fromkeys(sentences(message)):
                told[sentence] += count
        kept = {sentence for sentence, count in told.items() if count >= 2 and 2 * count >= self.total}
        said: dict[str, None] = {}
        for message, _ in self.messages.most_common():
            said.update(dict.fromkeys(each for each in sentences(message) if each in kept))
        return " ".join(said)


def sentences(message: str) -> list[str]:
    """The sentences of a message, without the block of a network it is about, and without asides on proofs."""
    plain = _ASIDE.sub("", _BLOCK.sub("", message, count=1) if _BLOCK.match(message) else message)
    return [each for each in _SENTENCE.split(" ".join(plain.split())) if each]
