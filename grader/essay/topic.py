"""Of what speaks a sentence that begins with "it"? Of what the sentence before it began with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from grader.essay.clause import COMPARED, CONSEQUENCES, PRONOUNS, TAKING_UP
from grader.essay.negation import is_negation
from grader.essay.prose import Sentence
from grader.essay.voice import is_hearsay

_TAKEN = 4  # words
_CONNECTING = frozenset("but and also then moreover furthermore additionally besides".split())
_VERBS = frozenset("is are was were has have had does do did can will".split())
_AFTER_ALL = ("in", "the", "end")
# "Rather than …", "If you …": what follows the comma is spoken of
_OF_ANOTHER = COMPARED | {"rather", "instead", "contrary"} | {"if", "when", "whenever"}


def with_topics(found: Sequence[Sentence]) -> list[Sentence]:
    """The same sentences; those that begin with a pronoun are led by the first words of the one before.

    So "The bottleneck has three layers. It has fewer weights." is read as said of the bottleneck. The same holds for a
    consequence that names nobody: "So one can stack more."
    """
    done: list[Sentence] = []
    for sentence in found:
        own = sentence.words[sentence.lead :]
        opening = _without_connection(own)
        consequence = own[0] in CONSEQUENCES and not TAKING_UP.isdisjoint(own[1:_TAKEN])
        follows = bool(done) and done[-1].paragraph == sentence.paragraph and (opening in PRONOUNS or consequence)
        done.append(_led(sentence, done[-1]) if follows else sentence)
    return done


def _without_connection(words: Sequence[str]) -> str:
    """The first word behind "but", "and", "also", "in the end"."""
    at = int(words[0] in _CONNECTING)
    if tuple(words[at : at + len(_AFTER_ALL)]) == _AFTER_ALL:
        at += len(_AFTER_ALL)
    return words[at] if at < len(words) else ""


def _led(sentence: Sentence, before: Sentence) -> Sentence:
    topic = before.words[before.lead :][:_TAKEN] if before.lead > _TAKEN else before.words[:_TAKEN]
    # "The block doesn't …", "The block has fewer …": "the block"
    topic = tuple(takewhile(lambda word: not is_negation(word) and word not in _VERBS, topic))
    if not topic or topic[0] in _OF_ANOTHER or is_hearsay(replace(before, words=topic)):
        return sentence
    breaks = {place + len(topic): mark for place, mark in sentence.breaks.items()} | {len(topic): ":"}
    return replace(sentence, words=topic + sentence.words, breaks=breaks, lead=sentence.lead + len(topic))
