"""Text that came from a student, made fit to be read: nothing invisible, nothing endless."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from grader.language import say

# What a terminal acts upon, what turns the reading direction of the rest of the page (so that code reads as
# something it is not), what is not seen at all, and halves of UTF-16 pairs, which cannot be written.
# Tab and line feed stay, and so do the joiners that Persian and emoji need.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_ANSI = re.compile("\x1b(?:\\[[0-?]*+[ -/]*+[@-~]|\\][^\x07\x1b]*+(?:\x07|\x1b\\\\)?)")

_CODE = re.compile(r"`([^`\n]{1,300})`")
_COMMAND = re.compile(r"::|##\w*+\[")


def visible(text: str) -> str:
    """Every character that acts without being seen, as a sign that is seen (and never one of HTML's)."""
    return INVISIBLE.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    if 0xD800 <= code < 0xE000:
        return "\N{REPLACEMENT CHARACTER}"
    return f"⟨U+{code:04X}⟩"


def no_command(text: str) -> str:
    """For a log that a CI runner reads. GitHub obeys a line that begins with `::`, behind spaces too, and `##[`
    wherever it stands; Azure and TeamCity obey `##vso[` and `##teamcity[`. Anything may come to begin a line where
    lines are folded."""
    return _COMMAND.sub(lambda match: "\N{PROPORTION}" if match[0] == "::" else f"{match[0][:-1]}⟦", text)


def from_terminal(text: str) -> str:
    """What a terminal would show in the end: no colour codes, and a progress bar only in its last state."""
    text = _ANSI.sub("", text.replace("\r\n", "\n"))
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))


def said(text: str) -> Markup:
    """A sentence, escaped, with what stands between two backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def one_line(text: str, limit: int = 300) -> str:
    """For headings and table cells."""
    text = " ".join(text[: limit + 1].split())
    return text if len(text) <= limit else text[:limit] + "…"


def clip(text: str, limit: int) -> tuple[str, str]:
    """The text within `limit` characters, and a note on what was left out (empty when nothing was).

    Beginning and end are kept: output begins with what was run and ends with why it stopped.
    """
    if len(text) <= limit:
        return text, ""
    head, tail = limit // 2, limit - limit // 2
    left_out = len(text) - limit
    shown = f"{text[:head]}\n[…]\n{text[-tail:] if tail else ''}"
    note = say("{some} of {all} characters are left out here.", some=f"{left_out:,}", all=f"{len(text):,}")
    return shown, note
