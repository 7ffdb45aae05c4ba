"""What an answer asserts, denies, and leaves unclear."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.essay.copied import Given
from grader.essay.find import Searched, find, nearly
from grader.essay.pattern import Pattern
from grader.essay.prose import MOST_CHARACTERS, Sentence, sentences
from grader.essay.stance import Judged, Stance, denies_back, is_denial, is_hearsay, stance
from grader.essay.topic import with_topics
from grader.language import later

_POINTS_BACK = re.compile(
    r"(?:(?:but|however|yet|well|of course|and|sadly|unfortunately|actually) )*"
    r"(?:this|that|it|these|those|which|all|none|nothing|both|everything|the (?:above|opposite)|no|not|wrong|false|"
    r"i)\b"
)
_SHORT_REPLY = re.compile(r"(?:no|not|nope|wrong|false|just kidding|jk)")
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


def read(answer: str, patterns: Mapping[str, Sequence[Pattern]], given: Given) -> dict[str, Reading]:
    """Look for everything that the patterns describe, by its id."""
    found = with_topics(sentences(answer))
    shaken = _shaken(found)
    cut = Judged(Stance.UNCLEAR, later("only the first {n} characters of the answer were read", n=MOST_CHARACTERS))
    readings = {name: Reading() for name in patterns}
    for sentence, elsewhere in zip(found, shaken, strict=True):
        searched = Searched(sentence)
        doubt = elsewhere or (cut if len(answer) > MOST_CHARACTERS else None)
        for name, ways in patterns.items():
            readings[name].sights += _sights(searched, ways, given, doubt)
    return readings


def _sights(searched: Searched, ways: Sequence[Pattern], given: Given, doubt: Judged | None) -> list[Sight]:
    sentence = searched.sentence
    judged: list[Judged] = []
    found = {match.places for way in ways for match in find(way, searched)}
    for matched in found:
        if any(matched < other for other in found):
            continue  # another way asks for these words and more, perhaps for the very negation
        if given.has(sentence.words, matched):
            judged.append(Judged(Stance.UNCLEAR, later("it stands in the question already")))
            continue
        said = stance(sentence, matched)
        judged.append(doubt if doubt is not None and said.stance is Stance.ASSERTED else said)
    if not judged and any(nearly(way, searched) for way in ways):
        judged.append(Judged(Stance.UNCLEAR, later("a part of it is missing, or is said in other words")))
    # Two ways to say it may meet in one sentence, and one of them may step over the negation of the other.
    worst = sorted(set(judged), key=lambda each: (_WORST.index(each.stance), each.why))
    return [Sight(sentence.text, *worst[0])] if worst else []


_WORST = (Stance.DENIED, Stance.UNCLEAR, Stance.ASSERTED)


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
    return shaken
