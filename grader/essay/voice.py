"""Whose words are these, and how much does the student stand by them? Hearsay, guesses, quotations, wishes.

An accusation has to stand on plainer words than a proposal of points: `is_remote` holds for misconceptions only.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from grader.essay.clause import clause_start
from grader.essay.prose import Sentence

_SAYS = (
    r"(?:says?|said|thinks|believes?|believed|claims?|claimed|argues?|argued|assumes?|assumed|told|thought(?! of)|"
    r"expect|expected|supposed|heard|answers?|answered|repl(?:y|ies|ied)|mentions?|mentioned|guess|guessed|"
    r"saying|claiming|telling|arguing|believing)"
)
_HEARSAY = re.compile(
    r"\b(?:some|many|most|people|others?|students?|textbooks?|they|one|everyone|everybody|somebody|someone|often|"
    rf"commonly|usually|colleagues?|friends?|is|was|were|been)(?: \w{{1,12}}){{0,3}} {_SAYS}\b"
    r"|\b(?:some|many|most|people|others|students|they|one|may|might|could|would|often) (?:think|blames?)\b"
    r"|\bi (?:\w{1,12} )?(?:thought|heard|read|used to|believed|assumed)\b|\b(?:supposedly|allegedly)\b"
    r"|\b(?:used to think|tempting|at first (?:glance|sight)|rumou?rs?|folklore)\b"
    r"|\b(?:popular|usual|common|widespread|naive|standard|typical) "
    r"(?:\w{1,12} )?(?:explanations?|answers?|beliefs?|opinions?|ideas?|views?|claims?|assumptions?)\b"
)
# Somebody says it: "my tutor says", "a blog claims", "according to". What the paper says, students rely on.
_OTHERS_SAY = re.compile(
    r"(?P<who>(?:\w{1,14} ){0,3}\w{1,14}) (?:says?|said|claims?|claimed|argue[sd]?|thinks|believes|told (?:me|us)|"
    r"insists?|suggests|wrote|writes|"
    r"answers|answered|replied|mentions|mentioned|guesses|guessed)\b"
    r"|\baccording to (?P<source>(?:\w{1,14} ?){1,4})"
)
_RELIED_ON = re.compile(
    r"\b(?:i|we|paper|authors?|al|he|kaiming|lectures?|slides?|figure|formula|equation|definition|name)\b"
)
# "Many believe so, but in fact …": what follows is the student's own.
_OWN_AGAIN = re.compile(
    r"\b(?:but|however|yet|though|while|whereas) (?:\w{1,8} )?(?:actually|reality|fact|really|truth|wrong|false)\b"
)
_HEDGE = re.compile(
    r"\b(?:(?:not|no|nt|n't) (?:\w{1,10} )?(?:sure|idea|certain|clue|know)|unsure|maybe|perhaps|hopefully|i guess|"
    r"(?:would|i'd|we'd) (?:have )?(?:guess(?:ed)?|thought|expected|assumed)|"
    r"guessing|dunno|idk|don't know|dont know|might|possibly|whether(?! [\w ]{1,60} or )|wonder(?:ed|ing|s)?|"
    r"remains to be|as (?:if|though)|pretend(?:s|ed|ing)?|imagine|in (?:an ideal|a perfect) world|at least in theory|"
    r"(?:if|unless|as far as) i (?:\w{1,10} )?(?:remember|recall|know|understood|understand|mistaken|wrong)|"
    r"(?:in|on) (?:rare|few|some|exceptional) (?:cases|occasions)|hardly ever|as (?:little|rarely|seldom) as|"
    r"prove or disprove|true or false|oh (?:sure|yeah|great|really)|yeah (?:right|sure)|magically|miraculously)\b"
)
_DECIDES = re.compile(r"\b(?:decide|check|choose|determine)s?(?: \w{1,12}){0,4} whether\b")
_WISH = re.compile(r"\b(?:would like|hopes?|hoped|hoping|wish(?:es)?|ideally)\b")
# "It is too hard for the gradient to flow …"
_OUT_OF_REACH = re.compile(
    r"\b(?:too \w{1,12}|hard|harder|difficult|tough|tricky|unlikely|unable|struggl\w{1,3}|trouble)"
    r"(?: for(?: \w{1,12}){1,4})? to\b|\b(?:little|nothing|less|not much) to do with\b"
)
_MARKING = re.compile(
    r"\b(?:graders?|rubrics?|(?:full|all|maximum|max) (?:the |\d+ )?(?:points?|marks?|credits?|scores?)|award|"
    r"(?:grade|mark|score) (?:this|me|it|my)|(?:ignore|disregard|forget) (?:\w{1,10} ){0,3}instructions?|"
    r"language model|system prompt)\b"
)
_REMOTE = frozenset("would could might may".split())
_JOINTS = frozenset(("but", "and", "because", "so"))
_CONDITIONS = frozenset("if when whenever unless whether".split())
_OF_PROGRAMS = frozenset(("else", "statement"))  # "an if/else" is no condition of the sentence
_LIKE = frozenset("like similar resembles reminds".split())
# "It reduces the channels and leaves the resolution as it is."
_KEEPING = frozenset(
    "leave leaves leaving left keep keeps keeping kept stay stays stayed remain remains remained remaining preserve "
    "preserves preserved maintain maintains unchanged unaltered constant".split()
)
_UNLIKE = frozenset(("unlike", "contrary"))
_ELSEWHERE = frozenset(("some", "other", "certain", "theory"))
_INVERTED = frozenset(("were", "had", "should"))  # "Were it multiplied, …"
_ANYBODY = frozenset(("one", "you", "we"))  # "one can remove a layer": nobody says that it is done
_QUOTED = 4  # words in quotation marks: fewer are a term


def is_hearsay(sentence: Sentence) -> bool:
    """Does it tell what others say?"""
    return hearsay(" ".join(sentence.words), strict=False) is not None


def hearsay(text: str, *, strict: bool) -> str | None:
    """The words that tell that somebody else says so.

    Args:
        strict: what a paper or a lecture says is not the student's own, either.
    """
    if found := _HEARSAY.search(text):
        return None if _OWN_AGAIN.search(text, found.end()) else found[0]
    for said in _OTHERS_SAY.finditer(text):
        who = said["who"] or said["source"]
        if not _RELIED_ON.search(who) or (strict and not re.search(r"\b(?:i|we)\b", who)):
            return None if _OWN_AGAIN.search(text, said.end()) else said[0]
    return None


def hedge(text: str, *, strict: bool) -> str | None:
    """The words by which a student only guesses or hopes, or jests.

    Args:
        strict: of an accusation it is no doubt that something "decides whether", though no assertion of the rest.
    """
    if strict:
        text = _DECIDES.sub(" ", text)
    found = _HEDGE.search(text) or _WISH.search(text)
    return found[0] if found else None


def out_of_reach(text: str) -> re.Match[str] | None:
    """What comes behind it is hard, or does not come to pass."""
    return _OUT_OF_REACH.search(text)


def speaks_of_marking(sentence: Sentence) -> str | None:
    """The words by which an answer speaks to whoever marks it."""
    found = _MARKING.search(" ".join(sentence.words))
    return found[0] if found else None


def is_quoted(sentence: Sentence, matched: Collection[int]) -> bool:
    """Does all of it stand in one pair of quotation marks?"""
    return any(set(matched) <= set(quote) and len(quote) >= _QUOTED for quote in sentence.quotes)


def would_be(sentence: Sentence, matched: Collection[int]) -> bool:
    """Does the clause say what would be?"""
    start, end = clause_start(sentence, min(matched)), _clause_end(sentence, max(matched))
    return any(sentence.words[at] == "would" and at not in matched for at in range(start, end))


def _clause_end(sentence: Sentence, last: int) -> int:
    end = last + 1
    while end < len(sentence.words) and sentence.words[end] not in _JOINTS and sentence.breaks.get(end, "(") in "()":
        end += 1
    return end


def is_remote(sentence: Sentence, matched: Collection[int]) -> bool:
    """Does the sentence speak of what would be, of what anybody can do, or of what it is only like?"""
    words, first, last = sentence.words, min(matched), max(matched)
    start, end = clause_start(sentence, first), _clause_end(sentence, last)
    if not _INVERTED.isdisjoint((words[start], words[sentence.lead])) or not _REMOTE.isdisjoint(
        words[sentence.lead : end]
    ):
        return True
    if _is_elsewhere(sentence, first, start, end):
        return True
    if words[sentence.lead] in _CONDITIONS and sentence.lead not in matched:
        return True
    like = any(words[at] in _LIKE and at not in matched for at in range(start, last))
    if like or any(words[at] in _KEEPING and at not in matched for at in range(start, end)):
        return True
    conditions = [at for at in range(max(0, start - 1), first) if words[at] in _CONDITIONS and at not in matched]
    if any(words[at + 1] not in _OF_PROGRAMS for at in conditions):
        return True
    return any(words[at] in _ANYBODY and "can" in words[at + 1 : at + 3] for at in range(start, end))


def _is_elsewhere(sentence: Sentence, first: int, start: int, end: int) -> bool:
    """ "In some variants …", "in theory", "Unlike nets in which …": it holds of something else."""
    words = sentence.words
    unlike = words[sentence.lead] in _UNLIKE and "," not in (
        mark for at, mark in sentence.breaks.items() if sentence.lead < at <= first
    )
    begin = min(start, sentence.lead)
    return unlike or any(words[at] == "in" and words[at + 1] in _ELSEWHERE for at in range(begin, end - 1))
