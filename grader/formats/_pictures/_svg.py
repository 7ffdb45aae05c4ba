"""The few shapes that the pictures are made of, as SVG that is part of the page: every text is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape

from grader.formats._text import one_line, visible

NARROW = frozenset("iljI.,:;'|!()[]{} t f r 1".replace(" ", "")) | {" "}
WIDE = frozenset("mwMWQOGDCNHUAB@%×→←≠✗…—+")
UNKNOWN = re.compile("[\ufffe\uffff]")
MOST_LETTERS = 300
KEPT = 2048  # texts: blocks say the same again and again
WIDEST = 344  # what fits a phone
BOLD = 1.15  # how much wider bold letters are
CODE_WIDTH = 0.61  # of a character of the code font, in its size


def svg(width: float, height: float, parts: Iterable[Markup], label: str, described: str) -> Markup:
    """A picture: named by an element of the page, and told in words by another. Both ids are the page's own."""
    w, h = f"{width:.5g}", f"{height:.6g}"
    wide = " wide" if width > WIDEST else ""
    return Markup(
        f'<svg class="drawn{wide}" role="img" aria-labelledby="{label}" aria-describedby="{described}" '
        f'width="{w}" height="{h}" viewBox="0 0 {w} {h}">{"".join(parts)}</svg>'
    )


# These are called a hundred times a page: what is escaped is the text, all else is a number or a word of ours.


def text(x: float, y: float, said: str, *, look: str = "", anchor: str = "start") -> Markup:
    """One line, of which `x` is the start, the middle or the end, and `y` the baseline."""
    shown = escape(clean(said))
    return Markup(f'<text x="{x:.4g}" y="{y:.5g}" text-anchor="{anchor}" class="{look}">{shown}</text>')


def rect(x: float, y: float, width: float, height: float, look: str, radius: float = 4) -> Markup:
    """A box with rounded corners."""
    width = max(0.0, width)
    return Markup(
        f'<rect x="{x:.4g}" y="{y:.5g}" width="{width:.4g}" height="{height:.4g}" rx="{radius:g}" class="{look}"/>'
    )


def circle(x: float, y: float, radius: float, look: str) -> Markup:
    """A circle around a point."""
    return Markup(f'<circle cx="{x:.4g}" cy="{y:.5g}" r="{radius:g}" class="{look}"/>')


def path(commands: str, look: str) -> Markup:
    """A line. The commands are made of numbers, never of a student's text."""
    return Markup(f'<path d="{commands}" class="{look}"/>')


def arrow(x: float, y: float, look: str, towards: str = "down") -> Markup:
    """The head of an arrow with its tip at this point."""
    back = {"down": "l-4 -7 h8 z", "left": "l7 -4 v8 z"}[towards]
    return path(f"M{x:g} {y:g} {back}", f"{look} tip")


@lru_cache(maxsize=KEPT)
def clean(said: str) -> str:
    """Text on one line, with nothing invisible in it, and nothing that XML does not know."""
    return UNKNOWN.sub("\N{REPLACEMENT CHARACTER}", visible(one_line(said, MOST_LETTERS)))


@lru_cache(maxsize=KEPT)
def width_of(said: str, size: float, *, code: bool = False, bold: bool = False) -> float:
    """About how wide a text is in a common font, rather too much than too little."""
    if bold:
        return BOLD * width_of(said, size)
    if code:
        return sum(2 if is_broad(letter) else 1 for letter in said) * CODE_WIDTH * size
    return sum(_width(letter) for letter in said) * size


def _width(letter: str) -> float:
    if is_broad(letter):
        return 1.05
    if letter in NARROW:
        return 0.34
    return 0.86 if letter in WIDE else 0.6


def is_broad(letter: str) -> bool:
    """Is it one of those that take two places, as Chinese ones do?"""
    return unicodedata.east_asian_width(letter) in "WF" or ord(letter) > 0x1F000


@lru_cache(maxsize=KEPT)
def fit(said: str, room: float, size: float, *, code: bool = False, bold: bool = False) -> str:
    """As much of a text as there is room for, with … for the rest; "" where there is hardly any."""
    said = clean(said)
    room = room / BOLD if bold else room
    if width_of(said, size, code=code) <= room:
        return said
    while said and width_of(said + "…", size, code=code) > room:
        said = said[:-1]
    return said + "…" if said else ""


__all__ = ["arrow", "circle", "clean", "escape", "fit", "path", "rect", "svg", "text", "width_of"]
