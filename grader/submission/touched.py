"""What a statement does to names other than to bind them plainly, by its text alone, for nothing is parsed here.

    del x, import x, for x in …, (x := 1), x += 1       it binds the name anew, or takes it away
    x.append("b"), x[0] = 1, x.neg_(), shuffle(x)       it may change what the name stands for

Printing, comparing and handing on do neither.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType

from grader.submission.literals import LONGEST
from grader.submission.statements import BLOCK, Statement, without_strings

_NAME = r"[^\W\d]\w*+"
_TRAILER = rf"(?:\.{_NAME}|\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\])"  # .x, [0], [y[0]]
_PLACE = rf"(?<![\w.])({_NAME})({_TRAILER}*+)"
_OPERATOR = r"(?:\*\*|//|<<|>>|[-+*/%@&|^])"
_NAMES = re.compile(rf"(?<![\w.]){_NAME}")
_GIVEN = re.compile(rf"(?<![\w.]){_NAME}(?!\s*+=(?!=))")  # an argument, and no keyword
_PLACES = re.compile(_PLACE)
_STORED = re.compile(rf"(?<![\w.])({_NAME}){_TRAILER}++\s*+{_OPERATOR}?+=(?!=)")
_CALL = re.compile(rf"{_PLACE}\s*+\(([^()]*+)")
_OUT = re.compile(rf"[(,]\s*+out\s*+=\s*+({_NAME})")  # torch.add(x, y, out=z)
_WALRUS = re.compile(rf"(?<![\w.])({_NAME})\s*+:=")

# `x .append`, a dot in a line of its own, and `(x).append` are all `x.append`.
_DOT = re.compile(r"(?<!\s)\s*+\.\s*+(?=[^\W\d])")
_ALONE = re.compile(rf"(?<![\w)\]])\(\s*+({_NAME})\s*+\)(?=[.\[])")

# Where a statement may begin: at its start, and behind the colon of a block in one line.
_BODY = re.compile(r"[(\[{]|[)\]}]|:\s*+")
_TARGETS = re.compile(
    rf"(?P<names>[\s*(\[]*+{_PLACE}(?:[\s)\]]*+,[\s*(\[]*+{_PLACE})*+[\s)\]]*+,?+[\s)\]]*+)(?::[^=]*+)?"
    rf"(?P<change>{_OPERATOR})?+=(?!=)"
)
_DEFINED = re.compile(rf"(?:async\s++)?(?:def|class)\s++({_NAME})")
_LOOP = re.compile(r"(?:async\s++)?for\b(.*?)\bin\b", re.DOTALL)
_IMPORT = re.compile(r"(?:from\s++[\w.]++\s++)?import\s++\(?([^();]++)")
_WITH_AS = re.compile(r"(?:async\s++)?(?:with|except)\b")
_AS = re.compile(rf"\bas\s++({_NAME}|\([^()]*+\))")
_DELETED = re.compile(r"del\b(.*+)", re.DOTALL)
_CASE = re.compile(r"case\b(?!\s*+=)(.*+)", re.DOTALL)
_GLOBAL = re.compile(r"(?:global|nonlocal)\b(.*+)", re.DOTALL)

# They bind names that stand in a text.
_BY_TEXT = re.compile(
    r"\b(?:exec|run_cell|run_code|setattr)\s*+\("
    r"|\b(?:(?:globals|locals|vars)\(\)|user_ns|__dict__)\s*+"
    r"(?:\[[^\[\]]*+\]\s*+[-+*/|&]?+=(?!=)|\.(?:update|setdefault|__setitem__|pop|clear)\b)"
)

# What a list can do and a tuple can't is to change; torch ends such names in an underscore.
_CHANGES = {name for kind in (list, set, dict) for name in dir(kind)}
_CHANGES -= {name for kind in (tuple, frozenset, MappingProxyType) for name in dir(kind)}
_CHANGES |= {"shuffle", "fill", "put", "itemset", "setattr", "delattr", "setitem", "delitem"}


@dataclass(frozen=True)
class Touched:
    """The names of one statement, by what it does to them."""

    bound: frozenset[str]
    changed: frozenset[str]
    everywhere: frozenset[str] = frozenset()  # it is in a function that binds these for the whole notebook


_NOTHING = Touched(frozenset(), frozenset())


def touched(statement: Statement, functions: Collection[str] = ()) -> Touched:
    """What a statement does to names.

    Args:
        functions: that the notebook defines. They may change what they are given.
    """
    if not _NAMES.search(statement.text):
        return _NOTHING
    text = _ALONE.sub(r"\1", _DOT.sub(".", without_strings(statement.text)))
    bound = {match[1] for match in _WALRUS.finditer(text)}
    changed = set(_changed(text, functions))
    everywhere: set[str] = set()
    if _BY_TEXT.search(text):
        bound.update(names_in(statement.text))
    for start in _starts(text):
        _bind(text, start, bound, changed)
        if match := _GLOBAL.match(text, start):
            everywhere.update(names_in(match[1]))
    return Touched(frozenset(bound | everywhere), frozenset(changed), frozenset(everywhere))


def names_in(text: str) -> list[str]:
    return _NAMES.findall(text)


def defined(text: str, start: int = 0) -> str:
    """The function or class that begins here; "" where none does."""
    return match[1] if (match := _DEFINED.match(text, start)) else ""


def _starts(text: str) -> Iterator[int]:
    """Where in its text statements begin. Nobody's block in one line is so long that it is not looked through."""
    yield 0
    if not BLOCK.match(text) or len(text) > LONGEST:
        return
    depth = 0
    for match in _BODY.finditer(text):
        depth += (match[0] in "([{") - (match[0] in ")]}")
        if not depth and match[0][0] == ":":
            yield match.end()


def _bind(text: str, start: int, bound: set[str], changed: set[str]) -> None:
    """Add the names that a statement which begins here binds, and those of what it changes."""
    if name := defined(text, start):
        bound.add(name)
    elif match := _LOOP.match(text, start) or _DELETED.match(text, start):
        _sort(match[1], bound, changed)
    elif match := _TARGETS.match(text, start):
        if match["change"]:
            changed.update(names_in(match["names"]))  # `+=` changes a list for other names of it, too
        while match:  # x = y, z = …
            if _is_closed(match["names"]):
                _sort(match["names"], bound, changed)
            match = _TARGETS.match(text, match.end())
    elif match := _IMPORT.match(text, start):
        bound.update(words[-1].split(".")[0] for part in match[1].split(",") if (words := part.split()))
    elif _WITH_AS.match(text, start):
        bound.update(name for match in _AS.finditer(text, start) for name in names_in(match[1]))
    elif match := _CASE.match(text, start):
        bound.update(names_in(match[1]))


def _sort(targets: str, bound: set[str], changed: set[str]) -> None:
    for match in _PLACES.finditer(targets):
        (changed if match[2] else bound).add(match[1])


def _is_closed(text: str) -> bool:
    return text.count("(") == text.count(")") and text.count("[") == text.count("]")


def _changed(text: str, functions: Collection[str]) -> Iterator[str]:
    for stored in chain(_STORED.finditer(text), _OUT.finditer(text)):
        yield stored[1]
    for place in _PLACES.finditer(text):
        if _may_change(place[2]):
            yield place[1]
    header = _DEFINED.match(text)
    for call in _CALL.finditer(text, header.end() if header else 0):
        if call[1] + call[2] in functions or _may_change(call[2] or call[1]):
            yield from _GIVEN.findall(call[3])


def _may_change(trailer: str) -> bool:
    """Does `.append`, `[0].zero_` or `shuffle` change what it is called on, or given?"""
    method = trailer.rpartition(".")[2]
    return method in _CHANGES or (method.endswith("_") and not method.endswith("__"))
