"""Where solutions begin and end. Both nbgrader's and otter's words are understood, and all of it fails closed.

    ### BEGIN SOLUTION   …   ### END SOLUTION           nbgrader; otter's `# BEGIN SOLUTION`, also with NO PROMPT
    ### BEGIN HIDDEN TESTS … ### END HIDDEN TESTS       nbgrader: removed, with nothing in their place
    ### BEGIN MARK SCHEME …  ### END MARK SCHEME        nbgrader: the same
    <!-- BEGIN SOLUTION -->  …  <!-- END SOLUTION -->   in Markdown
    \"\"\" # BEGIN PROMPT  …   \"\"\" # END PROMPT      otter: what stands between them is kept, as code

A marker stands on a line of its own, as a comment of whatever language: capitals, hyphens, the number of `#` and what
follows on the line make no difference. One that is opened and not closed, closed and not opened, or opened within
another is an error: guessing would hand out a solution.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class MarkerError(ValueError):
    """Markers that cannot be understood. The message says what to do; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Kind(StrEnum):
    """What a marker is about."""

    SOLUTION = "SOLUTION"
    HIDDEN_TESTS = "HIDDEN TESTS"
    MARK_SCHEME = "MARK SCHEME"
    PROMPT = "PROMPT"


@dataclass(frozen=True)
class Region:
    """Lines from one marker to its end, both included, counted from 0.

    Attributes:
        prompt: does something stand in its place?
    """

    kind: Kind
    first: int
    last: int
    prompt: bool = True


@dataclass(frozen=True)
class _Marker:
    edge: str
    kind: Kind
    no_prompt: bool


_WHAT = r"(?P<what>SOLUTIONS?|HIDDEN[\s_-]*TESTS?|MARK(?:ING)?[\s_-]*SCHEMES?)(?![^\W_])"
_EDGE = r"(?P<edge>BEGIN|END)[\s_-]*"
# The sign of a comment in whatever language, or a line drawn in Markdown; no quote or bracket, which are code.
_COMMENT = r"[^\w\s\"'`()\[\]{}\\]+"
_MARKER = re.compile(rf"\s*{_COMMENT}[\s#=*-]*{_EDGE}{_WHAT}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
# Without a comment's sign, only what nobody writes by chance: in capitals, and nothing else on the line.
_BARE = re.compile(rf"\s*{_EDGE}{_WHAT}(?P<rest>[\s\W]*)")
_PROMPT = re.compile(r"\s*(?:\"{3}|'{3})\s*;?\s*#+\s*(?P<edge>BEGIN|END)\s+PROMPT\b", re.IGNORECASE)
_LOOKS_LIKE_ONE = re.compile(
    r"\s*(?:\#+|<!--+)[\s#=*-]*(?:(?:START|STOP|FINISH)[\s_-]+(?:OF[\s_-]+)?(?:THE[\s_-]+)?(?:SOLUTION|ANSWER)"
    r"|(?:BEGIN|END)[\s_-]+(?:OF[\s_-]+)?(?:THE[\s_-]+)?(?:SOLUTION|ANSWER|HIDDEN|SOLN|PROMPT)"
    r"|(?:SOLUTION|ANSWER)[\s_-]+(?:BEGIN|START|END)S?)(?![^\W_])",
    re.IGNORECASE,
)
_TRAILING = re.compile(rf"\#+\s*{_EDGE}{_WHAT}", re.IGNORECASE)


def plain(line: str) -> str:
    """As it looks: no character that is not seen, and none that only looks like a letter's wider sister."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", line) if unicodedata.category(sign) != "Cf")


def find_regions(lines: Sequence[str], trailing: Sequence[int] = ()) -> list[Region]:
    """All regions, first to last.

    Args:
        trailing: lines on which a marker stands behind code, as a comment. Such a marker may end a region.

    Raises:
        MarkerError: they do not pair up.
    """
    regions: list[Region] = []
    opened: tuple[_Marker, int] | None = None
    for number, line in enumerate(lines):
        for marker in _markers(plain(line), number, behind_code=number in trailing):
            if marker.edge == "BEGIN":
                if opened is not None:
                    raise MarkerError(
                        number + 1,
                        f"BEGIN {marker.kind} within BEGIN {opened[0].kind} of line {opened[1] + 1}: "
                        f"END {opened[0].kind} has to come first, one cannot be put into the other",
                    )
                if number in trailing:
                    raise MarkerError(
                        number + 1, f"BEGIN {marker.kind} stands behind code: give it a line of its own, above the code"
                    )
                opened = marker, number
                continue
            if opened is None:
                raise MarkerError(number + 1, f"END {marker.kind} without a BEGIN {marker.kind} above it in this cell")
            if opened[0].kind is not marker.kind:
                raise MarkerError(
                    number + 1, f"END {marker.kind} where BEGIN {opened[0].kind} of line {opened[1] + 1} is open"
                )
            regions.append(Region(marker.kind, opened[1], number, not opened[0].no_prompt))
            opened = None
    if opened is not None:
        raise MarkerError(
            opened[1] + 1, f"BEGIN {opened[0].kind} without an END {opened[0].kind} below it in this cell"
        )
    return regions


def is_marker(line: str) -> bool:
    """Is this line nothing but a marker?"""
    text = plain(line)
    return any(pattern.match(text) for pattern in (_MARKER, _PROMPT)) or _BARE.fullmatch(text) is not None


def is_trailing(comment: str) -> bool:
    """Is this comment a marker?"""
    return _TRAILING.match(plain(comment)) is not None


def _markers(line: str, number: int, *, behind_code: bool) -> Iterator[_Marker]:
    if prompt := _PROMPT.match(line):
        yield _Marker(prompt["edge"].upper(), Kind.PROMPT, no_prompt=False)
        return
    found = _MARKER.match(line) or _BARE.fullmatch(line) or (_TRAILING.search(line) if behind_code else None)
    if found is None:
        if _LOOKS_LIKE_ONE.match(line):
            raise MarkerError(
                number + 1,
                f"{line.strip()[:60]!r} looks like a marker, and is none: write BEGIN SOLUTION and END SOLUTION",
            )
        return
    rest = found.groupdict().get("rest") or ""
    if re.search(r"\b(BEGIN|END)[\s_-]+(SOLUTION|HIDDEN|MARK)", rest, re.IGNORECASE):
        raise MarkerError(number + 1, "two markers on one line: give each a line of its own")
    what = found["what"].upper()
    kind = Kind.SOLUTION if what[0] == "S" else Kind.HIDDEN_TESTS if what[0] == "H" else Kind.MARK_SCHEME
    yield _Marker(found["edge"].upper(), kind, re.match(r"\s*NO[\s_-]*PROMPT", rest, re.IGNORECASE) is not None)
