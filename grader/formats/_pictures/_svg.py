"""The few shapes that the pictures are made of, as SVG that is part of the page: every text is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from markupsafe import Markup, escape

from grader.formats._text import one_line, visible

NARROW = frozenset("iljI.,:;'|!()[]{} t f r 1".replace(" ", "")) | {" "}
WIDE = frozenset("mwMWQOGDCNHUAB@%×→←≠✗…—+")
UNKNOWN = re.compile("[\ufffe\uffff]")
MOST_LETTERS = 300
BOLD = 1.15  # how much wider bold letters are
CODE_WIDTH = 0.61  # of a character of the code font, in its size


def svg(width: float, height: float, parts: Iterable[Markup], label: str, described: str) -> Markup:
    """A picture: named by an element of the page, and told in words by another."""
    size = Markup('width="{0:g}" height="{1:g}" viewBox="0 0 {0:g} {1:g}"').format(round(width, 1), round(height, 1))
    wide = " wide" if width > WIDEST else ""
    head = Markup('<svg class="drawn{}" role="img" aria-labelledby="{}" aria-describedby="{}" {}>').format(
        wide, label, described, size
    )
    return head + Markup("").join(parts) + Markup("</svg>")


WIDEST = 344  # what fits a phone


def text(x: float, y: float, said: str, *, look: str = "", anchor: str = "start") -> Markup:
    """One line, of which `x` is the start, the middle or the end, and `y` the baseline."""
    return Markup('<text x="{:g}" y="{:g}" text-anchor="{}" class="{}">{}</text>').format(
        round(x, 1), round(y, 1), anchor, look, clean(said)
    )


def rect(x: float, y: float, width: float, height: float, look: str, radius: float = 4) -> Markup:
    return Markup('<rect x="{:g}" y="{:g}" width="{:g}" height="{:g}" rx="{:g}" class="{}"/>').format(
        round(x, 1), round(y, 1), round(max(0.0, width), 1), round(height, 1), radius, look
    )


def circle(x: float, y: float, radius: float, look: str) -> Markup:
    return Markup('<circle cx="{:g}" cy="{:g}" r="{:g}" class="{}"/>').format(round(x, 1), round(y, 1), radius, look)


def path(commands: str, look: str) -> Markup:
    """A line. The commands are made of numbers, never of a student's text."""
    return Markup('<path d="{}" class="{}"/>').format(commands, look)


def arrow(x: float, y: float, look: str, towards: str = "down") -> Markup:
    """The head of an arrow with its tip at this point."""
    back = {"down": "l-4 -7 h8 z", "left": "l7 -4 v8 z"}[towards]
    return path(f"M{x:g} {y:g} {back}", f"{look} tip")


def clean(said: str) -> str:
    """Text on one line, with nothing invisible in it, and nothing that XML does not know."""
    return UNKNOWN.sub("\N{REPLACEMENT CHARACTER}", visible(one_line(said, MOST_LETTERS)))


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
