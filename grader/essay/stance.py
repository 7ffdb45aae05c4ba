"""Is what a sentence speaks of asserted there, denied, or neither?

Doubt counts against an assertion: nothing is credited that stands near a negation whose reach is not plain.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from itertools import accumulate

from grader.essay.clause import COMPARED, CONTRASTS, NEW_CLAUSES, REASONS, between, clause_start
from grader.essay.contrast import contrasts
from grader.essay.embedded import only_told
from grader.essay.judged import Judged, Stance
from grader.essay.negation import NEGATED_VERB, is_negation, negations
from grader.essay.prose import LONGEST_SENTENCE, Sentence
from grader.essay.voice import hearsay, hedge, is_quoted, is_remote, out_of_reach, would_be
from grader.language import later

ASSERTED = Judged(Stance.ASSERTED)

_DENIAL = re.compile(
    r"\b(?:misconceptions?|myths?|wrong(?:ly)?|false(?:ly)?|untrue|incorrect(?:ly)?|mistaken(?:ly)?|nonsense|fallacy|"
    r"(?:a|common|typical|frequent|big) mistakes?|fairy tales?|legends?|debunked|"
    r"misunderstanding|misleading|outdated|obsolete|on paper|opposite|contrary|disagree|refuted?|rubbish|bullshit|"
    r"(?:deny|denies|denied|i doubt|reject|rejects)(?= )|"
    rf"(?:not|never|n[ei]ither|cannot|hardly|{NEGATED_VERB})(?: \w{{1,12}}){{0,2}} "
    r"(?:true|correct|right|case|accurate|valid|mean|means|think|believe|say|agree|claim|"
    r"happen|happens|hold|holds|reason|point)|not (?:so|what|how|why|because)|"
    r"(?:miss|misses|missed|beside) the point|out of the question|off the table|"
    r"(?:fall|falls|fell) (?:away|flat|apart))\b"
)
# "Nobody has shown that …", "it does not follow that …": all that comes behind it.
_EMBEDDED = re.compile(
    rf"\b(?:not|no|nobody|none|never|nothing|cannot|hardly|{NEGATED_VERB})(?: \w{{1,12}}){{0,3}} that\b"
    r"(?! (?:easily|quickly|strongly|badly|much|far|fast|well|often|strong|bad|big|small|deep|many|few|hard|high)\b)"
)
_TELLS = re.compile(r"\b(?:that|because|to)\b")
_INSTRUCTION = re.compile(
    r"(?:please )?(?:let us |lets |let's )?"
    r"(?:(?:explain|describe|discuss|compare|imagine|suppose|assume|what if|how|why|what)\b|"
    r"(?:say|state|name|list|tell|show|prove|count|write|argue) (?:(?:me|us|down) )?"
    r"(?:where|what|why|how|whether|that|which|if|the|two|three|in|for)\b)"
    r"|(?:is|are|does|did|can|could|should|would|will|has|have) (?:it|the|a|an|this|that|these|they|we|you|x|f)\b"
)
_ORDINAL = re.compile(
    r"\b(?:former|latter|respectively|the first (?:has|uses|is|consists|needs|works|contains|does))\b"
)
_AGAINST = frozenset(("while", "whereas"))
_REASONS = {(word,) for word in REASONS}
_ONLY_IF = re.compile(r"\bonly (?:if|when|in case)\b")
_WOULD = frozenset(("would", "were", "wouldn't"))
_FUNCTION_WORDS = frozenset(
    "a an the is are was it its of to in on and or so that this which by with for from as be can has have than then "
    "we you they their there at into because if when but not no does do will also "
    "after before both all only even just each every such these those while since more most".split()
)
_JOINTS = frozenset(("and", "but", "so", "yet"))
_ARTICLES = frozenset(("a", "an", "the"))
_SIGNS = frozenset(("plus", "times"))
_WORD_LIST = 10  # words: so many with hardly a function word among them, one in eight, are no sentence
_SPARSE = 8
_FORMULA = 5  # words: fewer only lead up to a formula
_AS_IT_IS = frozenset("well soon long far".split())  # "x as well as F(x)" compares nothing
_LINKS = frozenset("a an the its in with on of for at".split())  # "than with the 3×3"


def is_denial(sentence: Sentence) -> bool:
    """Does it call something wrong?"""
    return _DENIAL.search(" ".join(sentence.words)) is not None


def denies_back(sentence: Sentence) -> bool:
    """ "This is a myth.", and not "It is a myth that …", which tells itself what is one."""
    found = _DENIAL.search(text := " ".join(sentence.words[sentence.lead :]))
    return found is not None and not _TELLS.search(text, found.end())


def stance(sentence: Sentence, matched: Set[int], *, strict: bool = False, settled: Set[int] = frozenset()) -> Judged:
    """What the sentence does with the words at these places.

    Args:
        settled: places of words that are asserted: a negation among them is used up.
        strict: it would be an accusation, so it must stand on plainer words.
    """
    first, last = min(matched), max(matched)
    found = [
        *_as_told(sentence, matched, strict),
        *_doubts(sentence, matched, first, last, strict),
        *_denials(sentence, matched, first, last),
        *contrasts(sentence, matched),
        *negations(sentence, matched | settled, first, last),
    ]
    if strict and is_remote(sentence, matched):
        found.append(Judged(Stance.UNCLEAR, later("it speaks of what would be")))
    return max(found, key=lambda judged: judged.stance is Stance.DENIED, default=ASSERTED)


def _as_told(sentence: Sentence, matched: Set[int], strict: bool) -> Iterator[Judged]:
    """Does the student say it, and stand by it?"""
    words = sentence.words
    text = " ".join(words)
    phrase = _contrary(sentence)
    aside = bool(phrase) and min(matched) >= phrase.stop
    own = " ".join(words[phrase.stop :]) if aside else text
    if found := hearsay(own, strict=strict):
        yield Judged(Stance.UNCLEAR, later("it may be what others say: {words}", words=repr(found)))
    if found := hedge(own, strict=strict):
        yield Judged(Stance.UNCLEAR, later("the student is not sure: {words}", words=repr(found)))
    if is_quoted(sentence, matched):
        yield Judged(Stance.UNCLEAR, later("it stands in quotation marks"))
    if _ONLY_IF.search(own):
        yield Judged(Stance.UNCLEAR, later("it holds under a condition"))
    if told := only_told(sentence, min(matched), max(matched)):
        yield told
    clause = " ".join(words[clause_start(sentence, min(matched)) : max(matched) + 2])
    if ordinal := _ORDINAL.search(clause):
        yield Judged(Stance.UNCLEAR, later("of which it is said is not plain: {words}", words=repr(ordinal[0])))
    if "if" in words and not _WOULD.isdisjoint(words):
        yield Judged(Stance.UNCLEAR, later("it speaks of what would be"))
    if would_be(sentence, matched):
        yield Judged(Stance.UNCLEAR, later("it speaks of what would be"))


def _doubts(sentence: Sentence, matched: Set[int], first: int, last: int, strict: bool) -> Iterator[Judged]:
    """What makes a sentence no plain statement."""
    words = sentence.words
    if sentence.question:
        yield Judged(Stance.UNCLEAR, later("it is a question"))
    if len(words) > LONGEST_SENTENCE:
        yield Judged(Stance.UNCLEAR, later("the sentence is too long to be read surely"))
    title = any(mark == ":" and 0 < at - sentence.lead < 4 for at, mark in sentence.breaks.items())
    if not title and (found := _INSTRUCTION.match(" ".join(words[sentence.lead :]))):
        yield Judged(Stance.UNCLEAR, later("it begins as a question does: {words}", words=repr(found[0])))
    if _spans(sentence, matched, first, last) or (strict and _meets(sentence, first, last)):
        yield Judged(Stance.UNCLEAR, later("its parts stand in two statements"))
    if _compares(sentence, matched, first, last):
        yield Judged(Stance.UNCLEAR, later("it compares with something else"))
    if _is_list(words):
        yield Judged(Stance.UNCLEAR, later("it is a list of words rather than a sentence"))


def _spans(sentence: Sentence, matched: Set[int], first: int, last: int) -> bool:
    """Is it put together from both sides of a semicolon, or of a word that sets one thing against another?"""
    if any(mark == ";" and first < at <= last for at, mark in sentence.breaks.items()):
        return True
    return any(sentence.words[at] in _AGAINST and at not in matched for at in range(first + 1, last))


def _meets(sentence: Sentence, first: int, last: int) -> bool:
    """Does it meet across two clauses: "VGG has no shortcuts, and a bottleneck …"?"""
    marks = (at for at, mark in sentence.breaks.items() if mark == "," and first < at < last)
    return any(sentence.words[at] in _JOINTS and sentence.words[at + 1] in _ARTICLES for at in marks)


def _is_list(words: Sequence[str]) -> bool:
    """Many words with hardly one that makes a sentence of them; the letters of a formula count neither way."""
    spelt = [word for word in words if word.isalpha()]
    plain = [word for word in spelt if (len(word) > 1 or word == "a") and word not in _SIGNS]
    return (
        len(spelt) >= _WORD_LIST
        and len(plain) >= _FORMULA
        and sum(word in _FUNCTION_WORDS for word in plain) * _SPARSE < len(plain)
    )


def _compares(sentence: Sentence, matched: Set[int], first: int, last: int) -> bool:
    """Is it what something is compared with, all of it ("than …"), or its last word ("fewer than the 3×3")?"""
    words = sentence.words
    if any(
        words[at] in COMPARED and not any(at < mark <= first for mark in sentence.breaks)
        for at in range(max(0, first - 3), first)
    ):
        return True
    return any(
        (words[at] == "than" or (words[at] == words[at - 2] == "as" and words[at - 1] not in _AS_IT_IS))
        and words[at - 1] != "rather"
        and at not in sentence.breaks  # "first a 1x1, than a 3x3"
        and _LINKS.issuperset(words[at + 1 : last])
        for at in range(first + 1, last)
    )


def _denials(sentence: Sentence, matched: Set[int], first: int, last: int) -> Iterator[Judged]:
    """Does the sentence call something wrong, or say that it does not follow, and does that reach so far?"""
    text = " ".join(sentence.words)
    starts = [0, *accumulate(len(word) + 1 for word in sentence.words)]

    def places(found: re.Match[str]) -> range:
        return range(bisect_right(starts, found.start()) - 1, bisect_right(starts, found.end() - 1))

    phrase = _contrary(sentence)
    for denial in _DENIAL.finditer(text):
        at = places(denial)
        asked_for = set(at) <= matched or any(is_negation(sentence.words[each]) for each in matched & set(at))
        if asked_for or (last >= at[0] and _is_refuted(sentence, at)) or (at[0] in phrase and first >= phrase.stop):
            continue
        near = not between(sentence, min(at[-1], last), max(at[0], first), CONTRASTS, commas=True)
        why = later("the sentence says {words}", words=repr(denial[0]))
        yield Judged(Stance.DENIED if near else Stance.UNCLEAR, why)
    for embedded in _EMBEDDED.finditer(text):
        at = places(embedded)
        if at[0] <= last and matched.isdisjoint(at):
            yield Judged(Stance.UNCLEAR, later("it stands behind {words}", words=repr(embedded[0])))
    if hard := out_of_reach(text):
        at = places(hard)
        unused = at[0] not in matched or at[-1] - 1 not in matched  # "less to do with": `less` was asked for
        if at[-1] < last and unused and not between(sentence, at[-1], last, NEW_CLAUSES, commas=True):
            yield Judged(Stance.UNCLEAR, later("it stands behind {words}", words=repr(hard[0])))


def _is_refuted(sentence: Sentence, denial: range) -> bool:
    """ "That is wrong, because …": of something earlier, and here are the reasons."""
    after = denial[-1] + 1
    return sentence.lead <= denial[0] and after in sentence.breaks and sentence.words[after : after + 1] in _REASONS


def _contrary(sentence: Sentence) -> range:
    """The places of "contrary to what many believe," and the like: what comes behind the comma is meant."""
    words = sentence.words[sentence.lead :]
    if words[:2] != ("contrary", "to"):
        return range(0)
    ends = [at for at, mark in sentence.breaks.items() if mark == "," and at > sentence.lead]
    return range(sentence.lead, min(ends, default=sentence.lead))
