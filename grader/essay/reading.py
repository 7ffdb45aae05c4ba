"""What an answer asserts, denies, and leaves unclear."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from grader.essay.copied import Given
from grader.essay.find import Searched, find, nearly
from grader.essay.judged import Judged, Stance
from grader.essay.pattern import Pattern
from grader.essay.prose import MOST_CHARACTERS, Sentence, sentences
from grader.essay.stance import denies_back, is_denial, stance
from grader.essay.topic import with_topics
from grader.essay.voice import is_hearsay, speaks_of_marking
from grader.language import later

_POINTS_BACK = re.compile(
    r"(?:(?:but|however|yet|well|of course|and|sadly|unfortunately|actually) )*"
    r"(?:this|that|it|these|those|which|all|none|nothing|both|everything|the (?:above|opposite)|no|not|wrong|false|"
    r"i)\b"
)
_SHORT_REPLY = re.compile(r"(?:no|not|nope|wrong|false|just kidding|jk)")
# "No, it has the same number.", "No wait, it is multiplied with it."
_DISSENT = re.compile(
    r"(?:(?:oh|hmm|ah|sorry|actually|but|well) )*(?:no|nope|wrong|false|wait|oops|hold on|hang on|correction)"
    r"(?: (?:no|wait|sorry|that|actually|hold on|a (?:minute|moment|second)))*\b"
)
_ELLIPSIS = re.compile(
    r"(?:(?:but|however|yet|well|and) )*"
    r"(?:(?:in|at|during) (?:\w{1,10} )?(?:training|test|testing|inference|practice) )?"
    r"(?:(?:it|this|that|they) (?:\w{1,6}n't|(?:is|does|do|are) not)|(?:it's|that's|they're) not)(?: done| the case)?"
)
# "The reverse holds.", "Scratch that.", "That's what I thought before.": not of another thing, as in "In plain blocks
# it is the other way round".
_TAKES_BACK = re.compile(
    r"(?:(?:but|however|yet|well|no|oh|sorry|sadly|actually|really|rather|wait|in (?:reality|truth|fact|practice)) )*"
    r"(?:(?:(?:it|this|that) is|it's|that's|this) )?(?:(?:exactly|just|quite|in fact|actually) )*"
    r"(?:the (?:other way (?:a)?round|reverse|opposite|contrary|converse)(?: (?:is|was|holds|applies|happens)\b|$)|"
    r"(?:strike|scratch|forget|ignore|delete|cross out) (?:that|this|it|the last|the above)|"
    r"(?:(?:just|only) )?(?:kidding|joking)|(?:yeah|yes|sure|of course|haha)(?: (?:sure|right))+$|as if$|"
    r"(?:at least )?(?:so|(?:(?:that|this|it) (?:is|was)|that's) what) (?:i|we|they|people|everybody|everyone) "
    r"(?:\w{1,12} )?(?:thought|believed|assumed|guessed|expected|hoped)|"
    r"i (?:was wrong|take (?:it|that|this) back|changed my mind|know better|stand corrected)|"
    r"(?:(?:it|this|that) is|it's|that's) something (?:else|different)\b|"
    r"on second thoughts?|correction|(?:or )?not (?:so|really|quite|at all)$|or not|think again|true or false)"
)
_LONGEST_POINTER = 14  # words
_ANNOUNCES = re.compile(r"\b(?:following|these|misconceptions|myths|mistakes)\b")


@dataclass(frozen=True)
class Sight:
    """One place where an answer speaks of something; why it is not plainly asserted is said later."""

    sentence: str
    stance: Stance
    why: str = ""


@dataclass
class Reading:
    """All places where an answer speaks of one thing."""

    sights: list[Sight] = field(default_factory=list)

    def of(self, stance: Stance) -> list[Sight]:
        return [sight for sight in self.sights if sight.stance is stance]

    @property
    def sure(self) -> bool:
        """It is asserted in plain words, and denied nowhere."""
        return bool(self.of(Stance.ASSERTED)) and not self.of(Stance.DENIED)


def read(
    answer: str, patterns: Mapping[str, Sequence[Pattern]], given: Given, *, accusing: Collection[str] = ()
) -> dict[str, Reading]:
    """Look for everything that the patterns describe, by its id.

    Args:
        accusing: ids that would be held against the student: they must stand on plainer words.
    """
    found = with_topics(sentences(answer))
    shaken = _shaken(found)
    everywhere = _everywhere(answer, found)
    readings = {name: Reading() for name in patterns}
    for sentence, elsewhere in zip(found, shaken, strict=True):
        searched = Searched(sentence)
        doubt = elsewhere or everywhere
        for name, ways in patterns.items():
            readings[name].sights += _sights(searched, ways, given, doubt, strict=name in accusing)
    return readings


def _sights(
    searched: Searched, ways: Sequence[Pattern], given: Given, doubt: Judged | None, *, strict: bool
) -> list[Sight]:
    sentence = searched.sentence
    judged: list[Judged] = []
    found = {match.places for way in ways for match in find(way, searched)}
    # Another way may ask for these words and more, perhaps for the very negation.
    widest = [matched for matched in found if not any(matched < other for other in found)]
    own = [matched for matched in widest if not given.has(sentence.words, matched)]
    if len(own) < len(widest):
        judged.append(Judged(Stance.UNCLEAR, later("it stands in the question already")))
    plain = [m for m in own if stance(sentence, m, strict=strict).stance is Stance.ASSERTED]
    settled = frozenset[int]().union(*plain)
    for matched in own:
        said = stance(sentence, matched, strict=strict, settled=settled)
        judged.append(doubt if doubt is not None and said.stance is Stance.ASSERTED else said)
    if not judged and any(nearly(way, searched) for way in ways):
        judged.append(Judged(Stance.UNCLEAR, later("a part of it is missing, or is said in other words")))
    # Two ways to say it may meet in one sentence, and one of them may step over the negation of the other.
    worst = sorted(set(judged), key=lambda each: (_WORST.index(each.stance), each.why))
    return [Sight(sentence.text, *worst[0])] if worst else []


_WORST = (Stance.DENIED, Stance.UNCLEAR, Stance.ASSERTED)


def _everywhere(answer: str, found: Sequence[Sentence]) -> Judged | None:
    """What makes an answer doubtful as a whole."""
    if len(answer) > MOST_CHARACTERS:
        why = later("only the first {n} characters of the answer were read", n=MOST_CHARACTERS)
        return Judged(Stance.UNCLEAR, why)
    for words in filter(None, map(speaks_of_marking, found)):
        return Judged(Stance.UNCLEAR, later("the answer speaks to whoever marks it: {words}", words=repr(words)))
    return None


def _shaken(found: Sequence[Sentence]) -> list[Judged | None]:
    """Which sentences another one takes back: behind it "This is a misconception.", before it "Wrong is this:"."""
    shaken: list[Judged | None] = [None] * len(found)
    announced: Sentence | None = None
    for place, sentence in enumerate(found):
        own = " ".join(sentence.words[sentence.lead :])
        if announced is not None and announced.paragraph < sentence.paragraph - 1:
            announced = None
        if announced is not None:
            shaken[place] = Judged(
                Stance.UNCLEAR, later("the answer says before: {sentence}", sentence=repr(announced.text))
            )
        if (is_denial(sentence) or is_hearsay(sentence)) and (
            _ANNOUNCES.search(own) or sentence.text.rstrip("*_ ").endswith(":")
        ):
            announced = sentence
        denies = denies_back(sentence) and _POINTS_BACK.match(own) and len(own.split()) <= _LONGEST_POINTER
        if place and (denies or _SHORT_REPLY.fullmatch(own)):
            said = repr(sentence.text)
            shaken[place - 1] = Judged(Stance.DENIED, later("the answer goes on: {sentence}", sentence=said))
            doubt = Judged(Stance.UNCLEAR, later("the answer says later: {sentence}", sentence=said))
            for earlier in range(place - 1):
                shaken[earlier] = shaken[earlier] or doubt
        elif place and _doubts_the_last(sentence, own):
            said = repr(sentence.text)
            shaken[place - 1] = Judged(Stance.UNCLEAR, later("the answer goes on: {sentence}", sentence=said))
    return shaken


def _doubts_the_last(sentence: Sentence, own: str) -> bool:
    """ "No, …", "But it doesn't.", "Strike that.": it may take back the sentence before, and nothing else."""
    dissent = _DISSENT.match(own)
    length = len(dissent[0].split()) if dissent is not None else 0
    dissents = any(sentence.lead + words in sentence.breaks for words in range(1, length + 1))
    return dissents or _ELLIPSIS.fullmatch(own) is not None or _TAKES_BACK.match(own) is not None
