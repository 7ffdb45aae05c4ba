"""Is what a sentence speaks of asserted there, denied, or neither?

Doubt counts against an assertion: nothing is credited that stands near a negation whose reach is not plain.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

from grader.essay.prose import LONGEST_SENTENCE, Sentence
from grader.language import later


class Stance(Enum):
    ASSERTED = "asserted"
    UNCLEAR = "unclear"
    DENIED = "denied"


class Judged(NamedTuple):
    """A stance, and why it is not plainly asserted: said later, for of several the first by its English is told."""

    stance: Stance
    why: str = ""


ASSERTED = Judged(Stance.ASSERTED)

_AUXILIARY = "do|does|did|is|are|was|were|ca|can|wo|would|could|should|has|have|had|must|need|ai"
_NEGATED_VERB = re.compile(rf"(?:{_AUXILIARY})n'?t|dosen'?t|dosn'?t|doens'?t|\w+n't")
_NEGATIONS = frozenset(
    "not no never none nor neither nothing nobody nowhere cannot without wihtout whitout hardly barely rarely "
    "seldom scarcely impossible "
    "unable incapable unlikely except nto nott nicht kein keine keinen nie ohne unlike".split()
)
# They turn what follows into its opposite: "prevents the gradient from flowing".
_REVERSALS = re.compile(
    r"(?:prevent|avoid|stop|blocked|blocking|lack|rul|exclud|fail|hinder|forbid|refus|remov|destroy|los|miss|eliminat|ignor|suffer|"
    r"imped|inhibit|interrupt|bypass|disabl|den)(?:e|es|s|ed|ing|ses|ies|ied|y|t|ping|ped)?"
)
# "not only", "no doubt": nothing is denied.
_HARMLESS = {
    ("no", "doubt"), ("no", "matter"),
    ("no", "wonder"), ("no", "problem"), ("no", "1"), ("no", "2"), ("not", "surprisingly"), ("without", "problem"),
    ("without", "problems"), ("without", "doubt"),
}  # fmt: skip
_MORE = ("only", "just", "merely", "simply")  # "not only A but B": nothing is denied if there is a B
_RIGHTWARD = frozenset(("without", "instead", "rather", "unlike", "except", "no", "nor", "ohne", "kein", "keine"))
# After these a negation before them no longer reaches: "it adds no weights, but it lets the gradient through".
_CONTRASTS = frozenset("but however whereas while so therefore thus hence although though instead consequently".split())
_REASONS = frozenset(("because", "since", "as"))
_NEGATING_PAIRS = {("instead", "of"), ("rather", "than"), ("far", "from"), ("anything", "but"), ("too", "little")}
# What follows is what something is compared with, and not what is spoken of.
_COMPARED = frozenset(("than", "compared", "contrast", "unlike", "opposed", "versus"))
_BY_PLACE = frozenset(("instead", "rather"))  # they reach no further than their own clause
# Before these a negation behind them does not reach.
_NEW_CLAUSES = _CONTRASTS | _REASONS | frozenset("and which that when if or where who then unless than".split())
_ENDS_REVERSAL = _CONTRASTS | _REASONS | frozenset("and which by with via through".split())

_DENIAL = re.compile(
    r"\b(?:misconceptions?|myths?|wrong(?:ly)?|false(?:ly)?|untrue|incorrect(?:ly)?|mistaken(?:ly)?|nonsense|fallacy|"
    r"misunderstanding|misleading|outdated|obsolete|on paper|opposite|contrary|disagree|refuted?|rubbish|bullshit|"
    r"(?:deny|denies|denied|i doubt|reject|rejects)(?= )|"
    r"(?:not|never|n[ei]ither|cannot|hardly|\w{1,8}n'?t)(?: \w{1,12}){0,2} "
    r"(?:true|correct|right|case|accurate|valid|mean|means|think|believe|say|agree|claim|"
    r"happen|happens|hold|holds|reason|point)|not (?:so|what|how|why|because))\b"
)
_HEARSAY = re.compile(
    r"\b(?:some|many|most|people|others?|students?|textbooks?|they|one|everyone|everybody|somebody|someone|often|"
    r"commonly|colleagues?|friends?|is|was|been)(?: \w{1,12}){0,3} "
    r"(?:says?|said|thinks|believes?|believed|claims?|claimed|argues?|argued|assumes?|assumed|told|thought(?! of)|"
    r"expect|expected|supposed|heard)\b"
    r"|\b(?:some|many|most|people|others|students|they|one|may|might|could|would|often) think\b"
    r"|\bi (?:thought|heard|used to)\b|\b(?:supposedly|allegedly)\b"
)
# "Nobody has shown that …", "it does not follow that …": all that comes behind it.
_EMBEDDED = re.compile(r"\b(?:not|no|nobody|none|never|nothing|cannot|hardly|\w{1,8}n'?t)(?: \w{1,12}){0,3} that\b")
_IDLE = re.compile(
    r"\b(?:to do|if|when) (nothing)"
    r"(?: (?:is|has|needs|should|must)(?: to)?(?: be)? (?:changed?|learn\w{0,2}|added|done)|(?<=to do nothing))\b"
)
_TELLS = re.compile(r"\b(?:that|because|to)\b")
_HEDGE = re.compile(
    r"\b(?:(?:not|no|nt|n't) (?:\w{1,10} )?(?:sure|idea|certain|clue|know)|unsure|maybe|perhaps|i guess|"
    r"guessing|dunno|idk|don't know|dont know|might|possibly|whether)\b"
)
_INSTRUCTION = re.compile(
    r"(?:please )?(?:explain|describe|discuss|compare|imagine|suppose|assume|what if|how|why|what)\b"
)
_WOULD = frozenset(("would", "were", "wouldn't"))
_FUNCTION_WORDS = frozenset(
    "a an the is are was it its of to in on and or so that this which by with for from as be can has have than then "
    "we you they their there at into because if when but not no does do will also".split()
)
_WORD_LIST = 10  # words: so many with hardly a function word among them are no sentence


def is_negation(word: str) -> bool:
    """Does this word deny something?"""
    return word in _NEGATIONS or _NEGATED_VERB.fullmatch(word) is not None or word in ("lack", "lacks", "lacking")


def is_denial(sentence: Sentence) -> bool:
    """Does it call something wrong?"""
    return _DENIAL.search(" ".join(sentence.words)) is not None


def denies_back(sentence: Sentence) -> bool:
    """ "This is a myth.", and not "It is a myth that …", which tells itself what is one."""
    found = _DENIAL.search(text := " ".join(sentence.words[sentence.lead :]))
    return found is not None and not _TELLS.search(text, found.end())


def is_hearsay(sentence: Sentence) -> bool:
    return _HEARSAY.search(" ".join(sentence.words)) is not None


def stance(sentence: Sentence, matched: Collection[int]) -> Judged:
    """What the sentence does with the words at these places."""
    first, last = min(matched), max(matched)
    found = [*_whole(sentence, matched, first, last), *_negations(sentence, matched, first, last)]
    return max(found, key=lambda judged: judged.stance is Stance.DENIED, default=ASSERTED)


def _whole(sentence: Sentence, matched: Collection[int], first: int, last: int) -> Iterator[Judged]:
    """What holds for the sentence as a whole."""
    words = sentence.words
    if sentence.question:
        yield Judged(Stance.UNCLEAR, later("it is a question"))
    if len(words) > LONGEST_SENTENCE:
        yield Judged(Stance.UNCLEAR, later("the sentence is too long to be read surely"))
    text = " ".join(words)
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    for denial in _DENIAL.finditer(text):
        places = range(bisect_right(starts, denial.start()) - 1, bisect_right(starts, denial.end() - 1))
        if not set(places) <= set(matched):
            near = not _between(sentence, min(places[-1], last), max(places[0], first), _CONTRASTS, commas=True)
            why = later("the sentence says {words}", words=repr(denial[0]))
            yield Judged(Stance.DENIED if near else Stance.UNCLEAR, why)
    for embedded in _EMBEDDED.finditer(text):
        if bisect_right(starts, embedded.start()) - 1 <= last:
            yield Judged(Stance.UNCLEAR, later("it stands behind {words}", words=repr(embedded[0])))
    if found := _HEARSAY.search(text):
        yield Judged(Stance.UNCLEAR, later("it may be what others say: {words}", words=repr(found[0])))
    if found := _HEDGE.search(text):
        yield Judged(Stance.UNCLEAR, later("the student is not sure: {words}", words=repr(found[0])))
    title = any(mark == ":" and 0 < at - sentence.lead < 4 for at, mark in sentence.breaks.items())
    if not title and (found := _INSTRUCTION.match(" ".join(words[sentence.lead :]))):
        yield Judged(Stance.UNCLEAR, later("it begins as a question does: {words}", words=repr(found[0])))
    if not _COMPARED.isdisjoint(words[max(0, first - 3) : first]):
        yield Judged(Stance.UNCLEAR, later("it compares with something else"))
    if "if" in words and not _WOULD.isdisjoint(words):
        yield Judged(Stance.UNCLEAR, later("it speaks of what would be"))
    plain = [word for word in words if word.isalpha()]
    if len(plain) >= _WORD_LIST and sum(word in _FUNCTION_WORDS for word in plain) * 10 < len(plain):
        yield Judged(Stance.UNCLEAR, later("it is a list of words rather than a sentence"))


def _negations(sentence: Sentence, matched: Collection[int], first: int, last: int) -> Iterator[Judged]:
    words = sentence.words
    idle = _idle(words)
    for place, word in enumerate(words):
        if place in matched or place in idle:
            continue
        after = words[place + 1] if place + 1 < len(words) else ""
        if is_negation(word) or (word, after) in _NEGATING_PAIRS:
            more = after in _MORE and ("but" in words[place:] or "also" in words[place:])
            if (word, after) not in _HARMLESS and not more:
                judged = _reach(sentence, place, first, last)
                if judged is not Stance.ASSERTED:
                    yield Judged(judged, later("it says {words}", words=repr(word)))
        elif _REVERSALS.fullmatch(word) and place <= last:
            closed = _between(sentence, place, first, _ENDS_REVERSAL) or any(
                place < at <= first for at in sentence.breaks
            )
            if place > first or not closed:
                yield Judged(Stance.UNCLEAR, later("it says {words}", words=repr(word)))


def clause_start(sentence: Sentence, place: int) -> int:
    """Where the clause begins that this word stands in. A title before a colon belongs to it."""
    while place > 0 and sentence.breaks.get(place, ":") == ":" and sentence.words[place - 1] not in _NEW_CLAUSES:
        place -= 1
    return place


def _idle(words: Sequence[str]) -> set[int]:
    """Places of a `nothing` that speaks of what a block does, and denies nothing."""
    if "nothing" not in words:
        return set()
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    found = _IDLE.finditer(" ".join(words))
    return {bisect_right(starts, idle.start(1)) - 1 for idle in found}


def _reach(sentence: Sentence, place: int, first: int, last: int) -> Stance:
    """What the negation at this place does to the words from `first` to `last`."""
    word = sentence.words[place]
    if place > last:
        closed = word in _RIGHTWARD or _between(sentence, last, place, _NEW_CLAUSES, commas=True)
        return Stance.ASSERTED if closed else Stance.UNCLEAR
    if place > first:
        plain = word not in _RIGHTWARD and not _between(sentence, first, last, _CONTRASTS, commas=True)
        return Stance.DENIED if plain else Stance.UNCLEAR
    if place < sentence.lead:
        return Stance.UNCLEAR
    if word in _BY_PLACE and _between(sentence, place, first, _NEW_CLAUSES, commas=True):
        return Stance.ASSERTED
    if _gives_reason(sentence, place, first):
        return Stance.ASSERTED
    if _between(sentence, place, first, _CONTRASTS) and not _so_that(sentence, place, first):
        return Stance.ASSERTED
    far = word in _RIGHTWARD and first - place > 3
    if far or _between(sentence, place, first, _REASONS | {"and"}, commas=True):
        return Stance.UNCLEAR
    return Stance.DENIED


def _gives_reason(sentence: Sentence, start: int, end: int) -> bool:
    """ "It is not overfitting, because …": with a comma, what follows is asserted."""
    return any(sentence.words[at] in _REASONS and at in sentence.breaks for at in range(start + 1, end))


def _so_that(sentence: Sentence, start: int, end: int) -> bool:
    return any(sentence.words[at : at + 2] == ("so", "that") for at in range(start, end))


def _between(sentence: Sentence, start: int, end: int, closing: Collection[str], *, commas: bool = False) -> bool:
    """Is there a word, or a semicolon, between these places that ends what came before?"""
    if any(sentence.words[at] in closing and not _is_phrase(sentence, at) for at in range(start + 1, end)):
        return True
    return any(start < at <= end and (commas or mark == ";") for at, mark in sentence.breaks.items())


def _is_phrase(sentence: Sentence, at: int) -> bool:
    """`instead of` and `as well` are no conjunctions."""
    return sentence.words[at : at + 2] in (("instead", "of"), ("as", "well"))
