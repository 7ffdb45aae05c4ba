"""Whose row is it? By id, else by login, by address, and by a name that only one has. A doubt is never decided.

Each hand-in and each row is what it is known by; in every round, those are matched that have something in common with
exactly one on the other side. Two hand-ins that lead to one row are both left to a human.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

ROUNDS = ("ids", "logins", "emails", "names")


@dataclass(frozen=True)
class Known:
    """What somebody is known by.

    Attributes:
        called: a full name that goes with an id, if the platform gives one: both sides' must have a word in common.
    """

    ids: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    called: str = ""

    def agrees(self, other: Known) -> bool:
        """Can the names that go with one id be one student's?"""
        mine, theirs = _words(self.called), _words(other.called)
        return not mine or not theirs or bool(set(mine) & set(theirs))


@dataclass
class Matches:
    """Numbers of hand-ins and of rows."""

    row_of: dict[int, int] = field(default_factory=dict)
    contested: dict[int, list[int]] = field(default_factory=dict)  # row: the hand-ins that lead to it


def match(hand_ins: Sequence[Known], rows: Sequence[Known]) -> Matches:
    """Match hand-ins with rows."""
    found = Matches()
    settled: set[int] = set()  # hand-ins
    taken: set[int] = set()  # rows
    for what in ROUNDS:
        keys: dict[str, set[int]] = defaultdict(set)
        for number, row in enumerate(rows):
            if number not in taken:
                for key in getattr(row, what):
                    keys[key].add(number)
        claims: dict[int, list[int]] = defaultdict(list)
        for number, hand_in in enumerate(hand_ins):
            if number in settled:
                continue
            hits = set().union(*(keys[key] for key in getattr(hand_in, what) if key in keys))
            if len(hits) == 1 and hand_in.agrees(rows[row_number := hits.pop()]):
                claims[row_number].append(number)
        for row_number, claiming in claims.items():
            taken.add(row_number)
            settled.update(claiming)
            if len(claiming) == 1:
                found.row_of[claiming[0]] = row_number
            else:
                found.contested[row_number] = claiming
    return found


def plain(*texts: str) -> frozenset[str]:
    """Ids, logins and addresses: equal but for capitals and the ways to write an accent."""
    return frozenset(key for text in texts if (key := unicodedata.normalize("NFC", text.strip()).casefold()))


def addresses(*texts: str) -> frozenset[str]:
    """Those of the texts that are addresses."""
    return plain(*(text for text in texts if "@" in text))


def names(*texts: str) -> frozenset[str]:
    """Names: `Doe, Jane`, `Jane Doe`, `jane_doe` and Canvas's `doejane` have something in common."""
    keys: set[str] = set()
    for text in texts:
        words = _words(text)
        if words:
            keys.add(" ".join(sorted(words)))
            for cut in range(len(words)):  # any last name first, in one word
                keys.add("".join(words[cut:] + words[:cut]))
    return frozenset(keys)


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return [word for word in re.split(r"[\W_]+", bare) if word]
