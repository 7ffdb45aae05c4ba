"""Where a sentence has the words of a pattern: every place, and of two that overlap the tighter one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grader.essay.clause import NEW_CLAUSES, between, is_compared, topic_start
from grader.essay.negation import denies_nothing, is_negation
from grader.essay.pattern import NOT, Choice, Pattern, Phrase
from grader.essay.prose import Sentence
from grader.essay.words import fits

WIDEST = 22  # words from the first to the last
_FILLER = frozenset(("a", "an", "the", "its", "this", "that", "of"))  # may stand within `a_b`
_OF_WHICH = frozenset("for in of by with without per".split())  # "… for the plain block"
_NOT_ONLY = (("not", "only"), ("not", "just"), ("not", "merely"))
_NONE = frozenset("zero 0 no none without free".split())  # behind a negation
_FAR_SUBJECT = 5  # words: "the second 1x1 convolution then reduces"
# In front of another noun than the one that does it; behind `let` another one does it too.
_NEW_NOUNS = (
    (NEW_CLAUSES - {"then", "that", "which"})
    | _OF_WHICH
    | frozenset("a an the to on its let lets letting help helps make makes allow allows force forces have has".split())
)
_LIKEWISE = (("so", "do"), ("so", "does"), ("as", "do"), ("as", "does"))  # "…, and so does the plain block"
_WITHIN = frozenset("in for within inside".split())
# Before "in a plain net" these say something else of it: "… instead of learning it in a plain net".
_SAID_OF_ANOTHER = NEW_CLAUSES | frozenset("instead rather not more less hard harder easy easier difficult".split())
_CLOSE = 3  # words
_BEHIND = (
    NEW_CLAUSES | _OF_WHICH | frozenset("about to what we you it they".split())
)  # what stands behind these is another clause, or about another thing
_LONGEST_WORD = 40


@dataclass(frozen=True)
class Match:
    """The words that were found, by their places."""

    places: frozenset[int]

    @property
    def first(self) -> int:
        return min(self.places)

    @property
    def last(self) -> int:
        return max(self.places)

    def lies_around(self, other: Match) -> bool:
        return self.first <= other.first and other.last <= self.last


Place = tuple[int, int]  # first and last word of a phrase


@dataclass(frozen=True)
class Searched:
    """A sentence, and where words were found in it so far: many patterns ask for the same ones."""

    sentence: Sentence
    _found: dict[str, list[int]] = field(default_factory=dict)

    def places(self, wanted: str) -> list[int]:
        """Where this word of a pattern stands."""
        if wanted not in self._found:
            words = self.sentence.words
            self._found[wanted] = [place for place, word in enumerate(words) if _is(word, wanted)]
        return self._found[wanted]


def find(pattern: Pattern, searched: Searched) -> list[Match]:
    """All tight matches."""
    segments = [[_places(choice, searched) for choice in segment] for segment in pattern.segments]
    if not all(places for segment in segments for places in segment):
        return []
    barred = [place for choice in pattern.forbidden for place in _places(choice, searched)]
    matches: dict[frozenset[int], Match] = {}
    for start in sorted({place[0] for places in segments[0] for place in places}):
        match = _from(start, segments)
        if match is not None and match.last >= searched.sentence.lead and match.last - match.first < WIDEST:
            matches.setdefault(match.places, match)
    tight: list[Match] = []
    for match in sorted(matches.values(), key=lambda match: (match.last - match.first, match.first)):
        if not any(match.lies_around(other) or match.places & other.places for other in tight):
            tight.append(match)
    return [
        match
        for match in tight
        if not any(_bars(place, match, searched.sentence) for place in barred)
        and not any(_done_by(who, does, match, searched) for who, does in pattern.doers)
        and not _denies_another(match, searched.sentence)
        and not _denies_nothing(match, searched.sentence)
    ]


def _denies_another(match: Match, sentence: Sentence) -> bool:
    """ "It is the plain block, not the other one": what `NOT` asked for, and it denies what comes after."""
    return len(match.places) > 1 and sentence.words[match.last] == "not" and match.last in sentence.breaks


def _denies_nothing(match: Match, sentence: Sentence) -> bool:
    """ "Not only a bottleneck", "without problems", "not without any": no denial, though it begins as one."""
    return any(
        sentence.words[at : at + 2] in _NOT_ONLY
        or (is_negation(sentence.words[at]) and not _NONE.isdisjoint(sentence.words[at + 1 : at + _CLOSE]))
        or (is_negation(sentence.words[at]) and denies_nothing(sentence.words, at))
        for at in match.places
    )


def _bars(place: Place, match: Match, sentence: Sentence) -> bool:
    """Does a forbidden phrase stand in the clause of the match: before, behind, or in it with more than was asked for?

    Of which something is said may stand right behind: "F(x) + x for the plain block". What it is compared with bars
    nothing.
    """
    inside = place[0] <= match.last and topic_start(sentence, match.first) <= place[1]
    of_which = match.last + 1 + (sentence.words[match.last + 1 : match.last + 2] == ("only",))
    behind = 0 < place[0] - match.last <= _CLOSE and sentence.words[of_which] in _OF_WHICH
    behind = behind and not any(match.last < at <= place[0] for at in sentence.breaks)
    behind = behind or (place[0] > match.last and not between(sentence, match.last, place[0], _BEHIND, commas=True))
    behind = behind or _holds_within(place[0], match, sentence)
    other = not match.first <= place[0] <= match.last and is_compared(sentence, place[0], match.first)
    return (inside or behind) and not other and not match.places.issuperset(range(place[0], place[1] + 1))


def _done_by(who: Choice, does: Choice, match: Match, searched: Searched) -> bool:
    """Does one of these do it: "The shortcut learns the difference"? "It lets the layers learn it" is of another.

    Who does it stands before, and between them begins no other noun and no other clause.
    """
    sentence, start = searched.sentence, topic_start(searched.sentence, match.first)
    subjects = {place[1] for place in _places(who, searched)}
    for verb, _ in _places(does, searched):
        if start <= verb <= match.last:
            at = verb - 1
            while at not in subjects and at > max(0, verb - _FAR_SUBJECT) and _goes_on(sentence, at):
                at -= 1
            if at in subjects and sentence.breaks.get(at + 1, "(") in "()":
                return True
    return False


def _goes_on(sentence: Sentence, at: int) -> bool:
    """May this word stand between who does something and what is done?"""
    return sentence.words[at] not in _NEW_NOUNS and sentence.breaks.get(at + 1, "(") in "()"


def _holds_within(place: int, match: Match, sentence: Sentence) -> bool:
    """ "It flows directly to the early layers in a plain net": of which it is said may come last of all."""
    at = place - 1
    while at > match.last and sentence.words[at] in _FILLER:
        at -= 1
    if any(sentence.words[each : each + 2] in _LIKEWISE for each in range(max(match.last, place - _CLOSE), place)):
        return True
    said = at > match.last and sentence.words[at] in _WITHIN
    return said and not between(sentence, match.last, at, _SAID_OF_ANOTHER, commas=True)


def nearly(pattern: Pattern, searched: Searched) -> bool:
    """All words but one of three or more are there, in any order."""
    found = [_places(choice, searched) for choice in pattern.choices]
    own = any(place[1] >= searched.sentence.lead for places in found for place in places)
    return own and len(found) > 2 and sum(map(bool, found)) == len(found) - 1


def _from(start: int, segments: Sequence[Sequence[Sequence[Place]]]) -> Match | None:
    """The match that begins here and ends soonest."""
    used: set[int] = set()
    lowest = start
    for segment in segments:
        last = lowest
        for places in segment:
            place = next((p for p in places if p[0] >= lowest and used.isdisjoint(range(p[0], p[1] + 1))), None)
            if place is None:
                return None
            used.update(range(place[0], place[1] + 1))
            last = max(last, place[1])
        lowest = last + 1
    return Match(frozenset(used)) if start in used else None


def _places(choice: Choice, searched: Searched) -> list[Place]:
    return sorted({place for phrase in choice for place in _phrase(phrase, searched)})


def _phrase(phrase: Phrase, searched: Searched) -> Iterable[Place]:
    words = searched.sentence.words
    for start in searched.places(phrase[0]):
        place = start
        for wanted in phrase[1:]:
            place += 1
            while place < len(words) and words[place] in _FILLER and place not in searched.places(wanted):
                place += 1
            if place not in searched.places(wanted):
                break
        else:
            yield start, place


def _is(word: str, wanted: str) -> bool:
    if wanted == NOT:
        return is_negation(word)
    return len(word) <= _LONGEST_WORD and fits(word, wanted)
