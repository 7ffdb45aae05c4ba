"""Who stands by what comes behind "that"? "The figure shows that …" asserts it, "the figure disproves that …" does not.

There is no end of words that take back what follows them. So it is asked the other way round: what stands behind
"that" counts only where the word in front of it is known to stand by it.
"""

from __future__ import annotations

import re

from grader.essay.clause import between
from grader.essay.judged import Judged, Stance
from grader.essay.prose import Sentence
from grader.essay.words import forms
from grader.language import later

_STANDING_BY = frozenset[str]().union(
    *map(
        forms,
        "show prove demonstrate confirm indicate reveal report observe note notice find see know learn understand "
        "realise realize recognise recognize discover remember conclude explain state say write mention argue suggest "
        "think believe mean imply follow ensure guarantee achieve require hypothesise hypothesize allow "
        "fact reason way point case thing effect result consequence advantage benefit problem phenomenon difference "
        "observation finding insight evidence proof".split(),
    )
) | frozenset(
    "shown showed shows proven found saw seen known knew learnt understood said wrote written thought meant made means "
    "is are was were be so such sure clear obvious true evident important interesting surprising certain natural "
    "crucial essential likely now given provided considering except all only because ensuring convinced "
    "confident".split()
)
# "The idea that …" is told of, whatever comes of it; "the idea is that …" is what somebody has in mind.
_IN_MIND = (
    r"(?:ideas?|claims?|notions?|views?|hypothes[ie]s|assumptions?|statements?|beliefs?|opinions?|impressions?|"
    r"theor(?:y|ies)|suggestions?|conclusions?|interpretations?|arguments?|guess(?:es)?|suspicions?|explanations?|"
    r"thoughts?|expectations?|concepts?|intuitions?)"
)
# What was feared or planned need not come to pass, and what was assumed has often proved wrong. The verbs stand here
# too since `refutes` may be taken for a noun: "layers that …".
_NOT_YET = re.compile(
    r"(?:danger|risk|fear|worry|hope|plan|wish|dream|goal|temptation)s? (?:\w{1,12} ){0,4}(?:is|was|were|be)$"
    rf"|{_IN_MIND} (?:\w{{1,12}} ){{0,3}}(?:was|were)$"
    r"|(?:wrong|false|mistaken|bad|rash) (?:\w{1,12} ){0,3}is$"
    r"|(?:seem|appear|refute|disprove|contradict|dispute|dismiss|reject|question|falsif|invalidat|forbid|prevent)"
    r"(?:s|es|ies|d|ed|ied)?$"
)
# "It is wrong to say that …", and "it is fair to say that …".
_TO_SAY = re.compile(
    r"(?:^|(?P<how>\w{1,20}) )to (?:say|think|believe|claim|assume|argue|conclude|write|state|suggest|explain)$"
)
_FAIR = frozenset(
    "fair correct right safe true accurate important good possible enough sufficient interesting useful worth helpful "
    "necessary need needs want like able reasonable try order lead leads led".split()
)
# "We know from figure 1 that …"
_KNOWN_FROM = re.compile(
    r"\b(?:know|known|see|seen|saw|learn|learned|learnt|show|shown|observe|observed|found) (?:from|in|by|on|at|with)"
    r"(?: \w{1,14}){1,4}$"
)
# "Saying that …", "Those who write that …": it is told what somebody says.
_SUBJECT = re.compile(
    r"(?!knowing|seeing|given|considering|noting)\w{2,12}ing$|(?:\w{1,9} )?(?:who|whoever|anyone|anybody)\b"
)
_OPENS = frozenset(
    "the a an it they this these those its their both each all every some any no one two three we you he x f y more "
    "most many fewer less if when in with for by at on under there adding deep".split()
)
_OPENING = re.compile(r"\w{3,}(?:ing|[^y]er)")  # "that adding …", "that deeper …"
_VERBS = frozenset("is are was were has have had can could will would does do did may might must should isn't".split())
_PREDICATES = {(verb,) for verb in _VERBS}  # "That blocks do so is an illusion"
_BEFORE_A_NOUN = frozenset("after before like with by from of for to than without via through at on and or".split())
_ENDS = frozenset("but however yet instead whereas while".split())


def only_told(sentence: Sentence, first: int, last: int) -> Judged | None:
    """Do the words from `first` to `last` stand behind a "that" which nobody stands by?"""
    words = sentence.words
    for at in range(sentence.lead, first):
        if words[at] != "that" or between(sentence, at, first, _ENDS):
            continue
        if _is_only_told(sentence, at) or (at == sentence.lead and words[last + 1 : last + 2] in _PREDICATES):
            told = " ".join(words[max(sentence.lead, at - 2) : at + 1])
            return Judged(Stance.UNCLEAR, later("it stands behind {words}", words=repr(told)))
    return None


def _is_only_told(sentence: Sentence, at: int) -> bool:
    words = sentence.words
    following = words[at + 1]
    opens = following in _OPENS or _OPENING.fullmatch(following) is not None
    if at == sentence.lead:  # "That a block does so is an illusion"
        return opens
    head = words[at - 1]
    if at in sentence.breaks or head in _BEFORE_A_NOUN or following in _VERBS:
        return False
    before = " ".join(words[sentence.lead : at])
    if _NOT_YET.search(before) or _SUBJECT.match(before) or re.fullmatch(_IN_MIND, head):
        return True
    if said := _TO_SAY.search(before):
        return said["how"] not in _FAIR
    relative = head.endswith("s") or following.endswith("s") or not head.isalpha()  # "layers that learn"
    stood_by = head in _STANDING_BY or _KNOWN_FROM.search(before) is not None
    return not stood_by and (opens or not relative)
