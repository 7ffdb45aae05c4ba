"""Does a word that denies reach the words that were found? Doubt counts against an assertion."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from itertools import accumulate

from grader.essay.clause import (
    CONTRASTS,
    NEW_CLAUSES,
    PRONOUNS,
    REASONS,
    between,
    explained,
    gives_reason,
)
from grader.essay.judged import Judged, Stance
from grader.essay.prose import Sentence
from grader.language import later

_AUXILIARY = "do|does|did|is|are|was|were|ca|can|wo|would|could|should|has|have|had|must|need|ai"
# With its apostrophe, or one of these without: `gradient` and `important` are no negations.
NEGATED_VERB = rf"(?:(?:{_AUXILIARY})n'?t|dosen'?t|dosn'?t|doens'?t|\w{{1,12}}n't)"
_NEGATIONS = frozenset(
    "not no never none nor neither nothing nobody nowhere cannot without wihtout whitout hardly barely rarely "
    "seldom scarcely impossible "
    "unable incapable unlikely except nto nott nicht kein keine keinen nie ohne unlike".split()
)
# They turn what follows into its opposite: "prevents the gradient from flowing".
_REVERSALS = re.compile(
    r"(?:prevent|avoid|stop|blocked|blocking|lack|rul|exclud|fail|hinder|forbid|refus|remov|destroy|los|miss|eliminat|ignor|suffer|"
    r"imped|inhibit|interrupt|bypass|disabl|den|replac|forgo|forego|abstain|refrain|ceas|omit|renounc|waiv|abandon|overcom|counteract)(?:e|es|s|ed|ing|ses|ies|ied|y|t|ping|ped|ting|ted)?"
)
# And these what stands before: "is ruled out", "was avoided".
_UNDONE = re.compile(
    r"ruled|excluded|contradicted|disproved|disproven|refuted|rejected|dismissed|denied|avoided|prevented|stopped|"
    r"blocked|missing|lost|ignored|eliminated|abandoned|abolished|falsified|hindered|forbidden|replaced"
)
_PASSIVE = frozenset("is are was were be been being gets get got".split())
# "not only", "no doubt": nothing is denied.
_HARMLESS = {
    ("no", "doubt"), ("no", "matter"),
    ("no", "wonder"), ("no", "1"), ("no", "2"), ("not", "surprisingly"), ("without", "doubt"),
}  # fmt: skip
_TROUBLE = frozenset("problem problems trouble difficulty difficulties effort".split())
_MORE = ("only", "just", "merely", "simply")  # "not only A but B": nothing is denied if there is a B
_RIGHTWARD = frozenset(("without", "instead", "rather", "unlike", "except", "no", "nor", "ohne", "kein", "keine"))
_NEGATING_PAIRS = {
    ("instead", "of"), ("rather", "than"), ("far", "from"), ("anything", "but"), ("too", "little"), ("place", "of"),
    ("alternative", "to"), ("alternatives", "to"), ("opposed", "to"), ("decide", "against"), ("decides", "against"),
    ("decided", "against"), ("dispense", "with"), ("dispenses", "with"), ("dispensed", "with"), ("dispensing", "with"),
    ("do", "without"), ("does", "without"), ("lieu", "of"), ("give", "up"), ("gives", "up"), ("gave", "up"),
}  # fmt: skip
_BY_PLACE = frozenset(("instead", "rather", "unlike"))  # they reach no further than their own clause
_AGAIN = frozenset(("it", "they", "it's", "they're"))
_CONDITIONS = frozenset("if when whenever unless whether where that".split())
_OPENS = frozenset("the a an there one we you i is are was does has can not never only".split())
_SUBJECTS = frozenset(("there", "so", "thus", "therefore", "then"))
_ENDS_REVERSAL = CONTRASTS | REASONS | frozenset("and which by with via through".split())
_IDLE = re.compile(
    r"\b(?:to do|if|when) (nothing)"
    r"(?: (?:is|has|needs|should|must)(?: to)?(?: be)? (?:changed?|learn\w{0,2}|added|done)|(?<=to do nothing))\b"
)


def is_negation(word: str) -> bool:
    """Does this word deny something?"""
    return word in _NEGATIONS or re.fullmatch(NEGATED_VERB, word) is not None or word in ("lack", "lacks", "lacking")


def denies_nothing(words: Sequence[str], place: int) -> bool:
    """ "No doubt", "without problems", "no trouble at all"."""
    word, *after = words[place : place + 3]
    with_ease = word in ("no", "without") and not _TROUBLE.isdisjoint(after[after[:1] == ["any"] :][:1])
    return (word, *after[:1]) in _HARMLESS or with_ease


def negations(sentence: Sentence, matched: Set[int], first: int, last: int) -> Iterator[Judged]:
    words = sentence.words
    idle = _idle(words)
    for place, word in enumerate(words):
        if place in matched or place in idle:
            continue
        after = words[place + 1] if place + 1 < len(words) else ""
        if is_negation(word) or (word, after) in _NEGATING_PAIRS:
            more = after in _MORE and ("but" in words[place:] or "also" in words[place:])
            if not (denies_nothing(words, place) and matched.isdisjoint((place + 1, place + 2))) and not more:
                judged = _reach(sentence, place, first, last, matched, pair=(word, after) in _NEGATING_PAIRS)
                if judged is not Stance.ASSERTED:
                    yield Judged(judged, later("it says {words}", words=repr(word)))
        elif _REVERSALS.fullmatch(word) and place <= last:
            closed = between(sentence, place, first, _ENDS_REVERSAL) or any(
                place < at <= first for at in sentence.breaks
            )
            if place > first or not closed:
                yield Judged(Stance.UNCLEAR, later("it says {words}", words=repr(word)))
        elif _is_undone(sentence, place, last):
            yield Judged(Stance.UNCLEAR, later("it says {words}", words=repr(word)))


def _is_undone(sentence: Sentence, place: int, last: int) -> bool:
    """ "Overfitting is ruled out": is it said behind the match, in its clause, that it does not come to pass?"""
    if place <= last or not _UNDONE.fullmatch(sentence.words[place]):
        return False
    near = sentence.words[max(last + 1, place - 3) : place]
    if _PASSIVE.isdisjoint(near):
        return False
    # "It flows back, but it is blocked by the ReLU."
    return not PRONOUNS.isdisjoint(near) or not between(sentence, last, place, NEW_CLAUSES, commas=True)


def _idle(words: Sequence[str]) -> set[int]:
    """Places of a `nothing` that speaks of what a block does, and denies nothing."""
    if "nothing" not in words:
        return set()
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    found = _IDLE.finditer(" ".join(words))
    return {bisect_right(starts, idle.start(1)) - 1 for idle in found}


def _reach(sentence: Sentence, place: int, first: int, last: int, matched: Set[int], *, pair: bool) -> Stance:
    """What the negation at this place does to the words from `first` to `last`."""
    word = sentence.words[place]
    if place > last:
        closed = word in _RIGHTWARD or between(sentence, last, place, NEW_CLAUSES, commas=True)
        if _takes_back(sentence, place):
            return Stance.UNCLEAR
        return Stance.ASSERTED if closed else Stance.UNCLEAR
    if place > first:
        if _corrects(sentence, place, min(at for at in matched if place < at <= last)):
            return Stance.ASSERTED
        plain = word not in _RIGHTWARD and not between(sentence, first, last, CONTRASTS, commas=True)
        return Stance.DENIED if plain else Stance.UNCLEAR
    if place < sentence.lead:
        return Stance.UNCLEAR
    if _is_answer(sentence, place) or explained(sentence, place, first, least=1):
        return Stance.ASSERTED
    if word in _BY_PLACE and between(sentence, place, first, NEW_CLAUSES, commas=True):
        return Stance.ASSERTED
    if gives_reason(sentence, place, first):
        return Stance.ASSERTED
    if between(sentence, place + pair, first, CONTRASTS) and not _so_that(sentence, place, first):
        return Stance.ASSERTED
    if _begins_anew(sentence, place, first):
        return Stance.ASSERTED
    far = word in _RIGHTWARD and first - place > 3
    if far or between(sentence, place, first, REASONS | {"and"}, commas=True):
        return Stance.UNCLEAR
    return Stance.DENIED


def _corrects(sentence: Sentence, start: int, end: int) -> bool:
    """ "X is not A, it is B", "x is not A but B": nothing of B is denied, if it is said of the same X."""
    words = sentence.words
    but = any(words[at] == "but" and words[at + 1] not in PRONOUNS | _OPENS for at in range(start + 1, end))
    return words[start] not in _RIGHTWARD and (but or _begins_anew(sentence, start, end))


def _so_that(sentence: Sentence, start: int, end: int) -> bool:
    return any(sentence.words[at : at + 2] == ("so", "that") for at in range(start, end))


def _is_answer(sentence: Sentence, place: int) -> bool:
    """ "No, it is added." answers something, and denies nothing of its own."""
    return sentence.words[place] in ("no", "not") and place == sentence.lead and place + 1 in sentence.breaks


def _begins_anew(sentence: Sentence, start: int, end: int) -> bool:
    """ "It is no gate and it adds …", "It isn't multiplied, it is added": a new statement with its own subject."""
    words = sentence.words
    if any(words[at] == "and" and words[at + 1] in PRONOUNS | _SUBJECTS for at in range(start + 1, end)):
        return True
    if not _CONDITIONS.isdisjoint(words[sentence.lead : start]) or words[start] in _RIGHTWARD:
        return False
    return any(
        sentence.breaks.get(at) == "," and words[at] in _AGAIN and not any(at < each <= end for each in sentence.breaks)
        for at in range(start + 2, end)
    )


def _takes_back(sentence: Sentence, place: int) -> bool:
    """ "…, but it doesn't.": nothing follows, and a pronoun says of what."""
    words = sentence.words
    at = place - 1 if words[place] == "not" else place
    ends = place + 1 == len(words) or place + 1 in sentence.breaks
    return ends and 0 < at and words[at - 1] in ("it", "this", "that", "they")
