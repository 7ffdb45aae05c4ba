"""Is this word of an answer that word of a pattern? In its usual endings, and with one slip of the pen."""

from __future__ import annotations

from functools import lru_cache

_VOWELS = "aeiou"
_UNBENT = frozenset(("it", "they", "this", "that"))  # `its` is not `it`
_LONG = 6  # letters: in shorter words one letter makes another word: layer, later


@lru_cache(maxsize=4096)
def forms(word: str) -> frozenset[str]:
    """`reduce`: reduces, reduced, reducing; `skip`: skips, skipped, skipping; `copy`: copies, copied."""
    if word in _UNBENT:
        return frozenset((word, word + "'s"))
    found = {word, word + "s", word + "'s", word + "ed", word + "ing", word + "ly"}
    if word.endswith(("s", "x", "z", "ch", "sh")):
        found.add(word + "es")
    if word.endswith("e"):
        found |= {word + "d", word[:-1] + "ing"}
    if word.endswith("y"):
        found |= {word[:-1] + "ies", word[:-1] + "ied"}
    if len(word) > 2 and word[-1] not in _VOWELS + "wxy" and word[-2] in _VOWELS:
        found |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    return frozenset(found)


@lru_cache(maxsize=65536)
def fits(word: str, wanted: str) -> bool:
    """Is `word` what the pattern asks for: `wanted` in one of its forms, or, as `gradi*`, anything that begins so?"""
    if wanted.endswith("*"):
        return word.startswith(wanted[:-1])
    if not wanted.isalpha():
        return word == wanted
    if word in forms(wanted):
        return True
    if len(wanted) < _LONG or not _LONG - 1 <= len(word) <= len(wanted) + 4:
        return False
    return any(is_slip(word, form) for form in (wanted, *sorted(forms(wanted))))


def is_slip(word: str, meant: str) -> bool:
    """One letter is wrong, missing, too many, or changed places with the next; the first letter is right."""
    if not word or not meant or word[0] != meant[0] or abs(len(word) - len(meant)) > 1:
        return False
    start = 0
    while start < min(len(word), len(meant)) and word[start] == meant[start]:
        start += 1
    rest, wanted = word[start:], meant[start:]
    if len(rest) == len(wanted):
        swapped = len(rest) > 1 and rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
        return swapped or rest[1:] == wanted[1:]
    return rest[1:] == wanted if len(rest) > len(wanted) else rest == wanted[1:]
