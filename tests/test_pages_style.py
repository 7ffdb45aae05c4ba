"""What the style promises: readable in light, in dark and in print, and nothing fetched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import grader.formats

CSS = (Path(grader.formats.__file__).parent / "templates" / "style.css.j2").read_text(encoding="utf-8")

# Every colour of text with every background that it stands on.
ON_PAGE = "ink soft accent right wrong open".split()
PAIRS = (
    [(text, back) for text in ON_PAGE for back in ("page", "card")]
    + [(text, back) for text in ("ink", "soft", "c", "s", "k", "n", "f", "d") for back in ("code", "mark")]
    + [(text, "wrong-back") for text in ("ink", "soft", "accent", "wrong")]
    + [(text, "open-back") for text in ("ink", "soft", "open")]
)


def palette(scheme: str) -> dict[str, str]:
    """The colours in force."""
    start = {"light": 0, "dark": CSS.index("prefers-color-scheme: dark"), "print": CSS.index("@media print")}
    names = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", CSS[: CSS.index("}")]))
    here = CSS[start[scheme] :]
    return {**names, **dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", here[: here.index("}")]))}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_defined() -> None:
    """Black on white is 21; a known grey is just enough."""
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#fff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_can_be_read_on_what_it_stands_on(scheme: str) -> None:
    """WCAG AA: at least 4.5 to 1."""
    colours = palette(scheme)
    low = {
        f"{text} on {back}": round(contrast(colours[text], colours[back]), 2)
        for text, back in PAIRS
        if contrast(colours[text], colours[back]) < 4.5
    }
    assert low == {}


def test_the_style_fetches_nothing_and_shows_focus() -> None:
    """No import, no URL, no font from elsewhere; who uses the keyboard sees where they are."""
    assert not re.search(r"url\(|@import|@font-face|https?:", CSS)
    assert ":focus-visible { outline" in CSS
