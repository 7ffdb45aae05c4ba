"""Is it said of the one and not of the other, of what ought to be, or taken back in the same breath?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set

from grader.essay.clause import between, clause_start
from grader.essay.judged import Judged, Stance
from grader.essay.prose import Sentence
from grader.essay.words import forms
from grader.language import later

# What is the more of the one is often the less of the other: "the training data better and the test data worse".
_OPPOSITES = [
    (first.split(), second.split())
    for first, second in (
        ("better", "worse"),
        ("higher larger bigger", "lower smaller"),
        ("widen expand enlarge", "narrow reduce squeeze shrink compress"),
    )
]
_OPPOSED = {
    word: frozenset[str]().union(*map(forms, other))
    for first, second in _OPPOSITES
    for one, other in ((first, second), (second, first))
    for each in one
    for word in forms(each)
}
_BOTH = frozenset(("and", "or"))
_OUGHT = frozenset(("should", "ought", "could", "might"))
_YET = frozenset("but yet however though although".split())
# "Normally it is added. A skip connection leaves this out."
_OTHERWISE = re.compile(r"(?:normally|usually|ordinarily|traditionally|conventionally|in (?:normal|ordinary|usual))\b")
# "It costs more, no wait, it costs less."
_CORRECTS = re.compile(
    r"\b(?:(?:no|oh|but|hm+) wait|wait no|(?:no|oh) sorry|sorry no|(?:no )?actually no|no actually|i mean|"
    r"(?:scratch|strike) that)\b"
)
_LESS = re.compile(r"(?:and )?(?:then )?(?:minus|subtract\w{0,4})\b")  # "x is added, minus x again"
_ONLY_AT = re.compile(
    r"\bonly (?:at|in|during|for|while) (?:the )?(?:test|train|inference|eval)\w{0,6}\b"
    r"|\b(?:at|during) (?:the )?(?:test|testing|inference|evaluation)\b(?! (?:data|set|error|images))"
)


def contrasts(sentence: Sentence, matched: Set[int]) -> Iterator[Judged]:
    """What sets the matched words against something else."""
    words, first, last = sentence.words, min(matched), max(matched)
    own = set(range(first, last + 1)) - matched
    for at in matched:
        other = _OPPOSED.get(words[at], frozenset())
        if any(words[each] in other and between(sentence, min(each, at), max(each, at), _BOTH) for each in own):
            yield Judged(Stance.UNCLEAR, later("it says one thing and its opposite"))
    ought = any(words[at] in _OUGHT for at in set(range(clause_start(sentence, first), last)) - matched)
    if ought and not _YET.isdisjoint(words[last + 1 :]):
        yield Judged(Stance.UNCLEAR, later("it speaks of what ought to be"))
    if found := _OTHERWISE.match(" ".join(words[sentence.lead :])):
        yield Judged(Stance.UNCLEAR, later("it begins with {words}, so another case may follow", words=repr(found[0])))
    behind = " ".join(words[last + 1 :])
    if found := _CORRECTS.search(behind) or _ONLY_AT.search(behind) or _LESS.match(behind):
        yield Judged(Stance.UNCLEAR, later("the sentence goes on: {words}", words=repr(found[0])))
