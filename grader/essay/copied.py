"""What stood in the question or in the starter is no evidence of anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from grader.essay.prose import words

_RUN = 7  # words in a row that are the same: "the input of a block" is met by chance, seven words are not
_SHORT = 4  # words: a shorter sentence that was given is nobody's


class Given:
    """The text that the student was given."""

    def __init__(self, text: str) -> None:
        given = words(text)
        self._runs = set(_runs(given))
        self._text = f" {' '.join(given)} "

    def has(self, sentence: Sequence[str], matched: Collection[int]) -> bool:
        """Was half of what was matched, and of what lies between, given?"""
        if _SHORT <= len(sentence) < _RUN and f" {' '.join(sentence)} " in self._text:
            return True
        copied: set[int] = set()
        for start, run in enumerate(_runs(sentence)):
            if run in self._runs:
                copied.update(range(start, start + _RUN))
        span = range(min(matched), max(matched) + 1)
        return 2 * sum(place in copied for place in span) >= len(span)


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)]
