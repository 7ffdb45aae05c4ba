"""Where one statement of a sentence ends and the next begins, and of what a clause speaks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from grader.essay.prose import Sentence

# After these a negation before them no longer reaches: "it adds no weights, but it lets the gradient through".
CONTRASTS = frozenset("but however whereas while so therefore thus hence although though instead consequently".split())
REASONS = frozenset(("because", "since", "as"))
# Before these a negation behind them does not reach.
NEW_CLAUSES = CONTRASTS | REASONS | frozenset("and which that when if or where who then unless than".split())
PRONOUNS = frozenset(("it", "its", "they", "their", "this", "these", "both", "it's", "they're", "that's"))

_ASIDES = [
    tuple(words.split())
    for words in ("however", "though", "therefore", "instead", "on the other hand", "in contrast", "of course", "too")
]
_RELATIVES = frozenset(("which", "who", "whose", "where"))
_PREPOSITIONS = frozenset("in for with at within inside on".split())
_BEFORE_LEAD = frozenset("but while whereas and that because so".split())
_GOING_ON = frozenset("and so thus therefore hence".split())
# What follows is what something is compared with, and not what is spoken of.
COMPARED = frozenset("than compared comparison contrast unlike opposed versus vs".split())
_LONGEST_LEAD = 6  # words: "In a plain network of this depth, …"
_LONGEST_TITLE = 4  # words: "The plain block: x goes in, …"
_NO_TITLE = COMPARED | frozenset("to from between and against difference".split())  # "Difference to the plain block: …"
CONSEQUENCES = frozenset(("so", "therefore", "thus", "hence"))
# A consequence with one of these near its beginning is one of what was just spoken of: "…, so one can stack more".
TAKING_UP = PRONOUNS | frozenset("them one you we".split())
_OF_A_VERB = frozenset("the a an its their one two three no not to only all both x".split())
_NAMES_THE_OTHER = 4  # words: "than with the plain block"


def clause_start(sentence: Sentence, place: int) -> int:
    """Where the clause begins that this word stands in. A title before a colon belongs to it.

    So does what stands before ", however,": "The plain block, on the other hand, is …".
    """
    while place > 0:
        if place in sentence.breaks and (aside := _aside(sentence, place)):
            place = aside
        elif sentence.breaks.get(place, ":") != ":" or _begins_clause(sentence, place - 1):
            break
        else:
            place -= 1
    return place


def _begins_clause(sentence: Sentence, at: int) -> bool:
    """Does this word begin one? Neither does in "in a plain net as well as in a residual one"."""
    words = sentence.words
    likewise = any(words[start : start + 3] == ("as", "well", "as") for start in (at - 2, at) if start >= 0)
    return words[at] in NEW_CLAUSES and not (likewise and not _PREPOSITIONS.isdisjoint(words[at + 1 : at + 4]))


def _aside(sentence: Sentence, end: int) -> int:
    """Where words between two commas begin that are no clause of their own; 0, if these are one."""
    for words in _ASIDES:
        start = end - len(words)
        if 0 < start and start in sentence.breaks and sentence.words[start:end] == words:
            return start - 1
    return 0


def topic_start(sentence: Sentence, place: int) -> int:
    """From where on it is said of what the clause speaks: "In plain nets, …", "It is the plain one that …"."""
    start = clause_start(sentence, place)
    while start > 0:
        earlier = _before(sentence, start)
        if earlier == start:
            return _title_start(sentence, start, place)
        start = earlier
    return start


def _title_start(sentence: Sentence, start: int, place: int) -> int:
    """Where the title begins that this clause stands under, though not first: "Plain: x goes in, F(x) comes out"."""
    colon = max((at for at, mark in sentence.breaks.items() if mark == ":" and sentence.lead < at <= place), default=0)
    if not 0 < colon <= start:  # there is none, or the clause has its own
        return start
    title = clause_start(sentence, colon - 1)
    ended = any(mark == ";" and colon < at <= start for at, mark in sentence.breaks.items())
    named = colon - title <= _LONGEST_TITLE and _NO_TITLE.isdisjoint(sentence.words[title:colon])
    return title if named and not ended else start


def _before(sentence: Sentence, start: int) -> int:
    """Where the words begin that a clause leans on, if it does: on a lead, a noun before `which`, a pronoun's noun."""
    words, breaks = sentence.words, sentence.breaks
    joint = start - 1 if words[start - 1] in NEW_CLAUSES else start
    if words[joint] in _RELATIVES and joint < start:
        near = joint if joint not in breaks else joint - 1  # ", where" speaks of the noun before it as well
        return clause_start(sentence, near) if joint else start
    earlier = clause_start(sentence, joint - 1) if joint > 0 else start
    if words[joint] == "that":
        cleft = words[earlier] in ("it's", "only") or words[earlier : earlier + 2] in (("it", "is"), ("it", "was"))
        return earlier if cleft else start
    if breaks.get(start) == "," and start - earlier <= _LONGEST_LEAD and _leads(sentence, earlier):
        return earlier
    if joint > sentence.lead and (words[start] in PRONOUNS or (joint < start and _is_verb(words, start))):
        return earlier
    if _follows_from(sentence, earlier, joint, start):
        return earlier
    return _governing(sentence, start)


def _is_verb(words: Sequence[str], at: int) -> bool:
    """ "A narrows the channels and does the 3×3 on fewer": by its ending, and by what stands behind no noun."""
    return words[at].endswith("s") and not _OF_A_VERB.isdisjoint(words[at + 1 : at + 2])


def _follows_from(sentence: Sentence, earlier: int, joint: int, start: int) -> bool:
    """ "A is cheaper, so one can stack more", "Because A is cheaper, more of them fit": is it said of A?

    "The shallower it is, the higher it gets" leans on its first half as well.
    """
    words = sentence.words
    if _is_the_more(words[earlier : earlier + 2]) and _is_the_more(words[start : start + 2]):
        return True
    if TAKING_UP.isdisjoint(words[start : start + _NAMES_THE_OTHER]):
        return False
    opening = earlier - 1 in (0, sentence.lead) and words[earlier - 1] in REASONS and start in sentence.breaks
    return opening or (sentence.lead <= joint < start and words[joint] in CONSEQUENCES)


def _is_the_more(words: Sequence[str]) -> bool:
    """ "The more", "the shallower"?"""
    return len(words) > 1 and words[0] == "the" and (words[1] in ("more", "less") or words[1].endswith("er"))


def _governing(sentence: Sentence, start: int) -> int:
    """The lead of an earlier clause that this one goes on from: "In a plain net x is …, and the gradient is …"."""
    words, clause = sentence.words, start
    while clause > 1 and not _leads(sentence, clause):
        joined = words[clause - 1] in _GOING_ON
        earlier = clause_start(sentence, clause - 1 - joined)
        if not joined and (clause == start or not _leads(sentence, earlier)):
            return start
        clause = earlier
    return clause if _leads(sentence, clause) else start


def _leads(sentence: Sentence, place: int) -> bool:
    """Does a clause begin here that says of what it speaks: "In a plain net …"?"""
    begins = place in (0, sentence.lead) or sentence.words[place - 1] in _BEFORE_LEAD
    return begins and sentence.words[place] in _PREPOSITIONS


def is_compared(sentence: Sentence, place: int, spoken: int) -> bool:
    """Does the word stand for what something is compared with: "unlike the plain block"?

    Args:
        spoken: where what is said begins. Behind "unlike the plain block, where" it is said of that block.
    """
    relative = any(sentence.words[at] in _RELATIVES for at in range(place + 1, min(place + 4, spoken)))
    if relative and spoken - place <= _NAMES_THE_OTHER + 2:
        return False
    first = max(0, place - _NAMES_THE_OTHER)
    named = [at for at in range(first, place) if sentence.words[at] in COMPARED]
    return bool(named) and not any(named[-1] < at <= place for at in sentence.breaks)


def between(sentence: Sentence, start: int, end: int, closing: Collection[str], *, commas: bool = False) -> bool:
    """Is there a word, or a semicolon, between these places that ends what came before?"""
    if any(sentence.words[at] in closing and not _is_phrase(sentence, at) for at in range(start + 1, end)):
        return True
    return any(start < at <= end and (commas or mark == ";") for at, mark in sentence.breaks.items())


def explained(sentence: Sentence, start: int, end: int, *, least: int) -> bool:
    """ "It isn't dearer: it has …": is there a colon between, and at least so many words before it?"""
    return any(mark == ":" and at > sentence.lead and start + least < at <= end for at, mark in sentence.breaks.items())


def gives_reason(sentence: Sentence, start: int, end: int) -> bool:
    """ "It is not overfitting, because …": with a comma, what follows is asserted; behind `since` without one, too."""
    words = sentence.words
    return any(
        words[at] in REASONS and (at in sentence.breaks or (words[at] == "since" and at > start + 1))
        for at in range(start + 1, end)
    )


def _is_phrase(sentence: Sentence, at: int) -> bool:
    """`instead of`, `as well`, "higher and higher" and "except that" are no conjunctions; "is what A has" is of A."""
    before, word, after = sentence.words[at - 1], sentence.words[at], sentence.words[at + 1 : at + 2]
    if word == "and" and after == (before,):
        return True
    if (word == "what" and before in ("is", "are", "was", "were")) or (before, word) == ("except", "that"):
        return True
    return (word, *after) in (("instead", "of"), ("as", "well"))
