"""A Markdown answer as sentences, and a sentence as words.

Code blocks, tables and quotations are not the student's own sentences, and are left out; so is what was struck out,
crossed or left unticked, and what no reader of the page sees. A heading, and a line that ends in a colon, belong to
what stands below: "Bottleneck:" and "- has fewer weights" are read as one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 20_000  # of an answer that are read; the questions ask for some 150 words
LONGEST_SENTENCE = 120  # words

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+(?=\S)")
_STRUCK = re.compile(r"(?<!~)~~(?!~)[^~]{1,1000}+~~(?!~)|<(del|s|strike)>.{1,1000}?</\1>", re.I | re.S)
# What a page of Markdown does not show. A comment that is not closed hides all that follows.
_HIDDEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|title)\b.*?(?:</\1>|\Z)"
    r"|<(span|div|p|font|section|small|em|strong|ul|ol|li|table|mark|h[1-6])\b[^<>]{0,200}?(?:\s|[\"';])"
    r"(?:hidden(?=[\s=>])|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0)[^<>]{0,200}>"
    r".*?(?:</\2>|\Z)",
    re.I | re.S,
)
_NOTED_AS_LINK = re.compile(r"^ {0,3}\[[^\[\]^][^\[\]]{0,80}\]:[ \t].*$|^ {0,3}\[//\]:.*$", re.M)
_NOT_CHOSEN = re.compile(r"\[ ?\]|☐|[^❌✗✘✖☒]*+[❌✗✘✖☒]")  # an empty box, or a cross anywhere
_TICK = re.compile(r"^\[[xX✓✗]\][ \t]*")
_LEAD = 12  # words: a longer heading or line before a list is a sentence, not a topic

_LOOKS = "mathcal|mathbf|mathrm|text|operatorname|textbf|textit"
_LATEX = [
    # A formula that stands by itself ends its sentence, where the next one begins with a capital.
    (re.compile(r"\$\$([^$]{1,400}?)[.,]?\s*\$\$(?=\s+[A-Z][a-z])"), r" \1. "),
    (re.compile(r"\\[{}]"), " "),
    (re.compile(r"\\q?quad(?![a-z])"), ", "),
    (re.compile(r"\\partial(?![a-z])"), "∂"),
    (re.compile(r"\\(?:left|right)(?![a-z])"), ""),
    (
        re.compile(r"\\(?:mathcal|mathbf|mathrm|text|operatorname|textbf|textit) ?(?:\{([^{}]{0,80})\}|([A-Za-z]))"),
        r"\1\2",
    ),
    (re.compile(r"\\[dt]?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}"), r"\1/\2"),
    (re.compile(r"\\times(?![a-z])"), "x"),
    (re.compile(r"\\(?:cdot|,|;|!| )"), " "),
    (re.compile(r"\\(?:to|rightarrow|Rightarrow)(?![a-z])"), " -> "),
    (re.compile(r"\\[a-zA-Z]{1,20}"), " "),
]
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()\s]{0,300}\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_WAS_A_SIGN = "\u2063"  # it separates, is not seen, and no answer has it any more: so the sign can be shown again
_SIGNS = [
    (re.compile(r"(?<=\w) ?\+= ?(?=[\w(])"), f" plus{_WAS_A_SIGN}{_WAS_A_SIGN} "),
    (re.compile(r"(?<=[\w)\]}\"]) ?\+ ?(?=[\w(\\∂])"), f" plus{_WAS_A_SIGN} "),
    (re.compile(r"(?<=\w[ \t][\"'(])\+ ?(?=x\b)"), f"plus{_WAS_A_SIGN} "),  # the "+ x"
    (re.compile(r"(?<=\)) ?[*·×] ?(?=x\b)"), f" times{_WAS_A_SIGN} "),
]
_CONV = re.compile(r"\b(conv)s?[_-]?(?=\d ?[x×*] ?\d)", re.IGNORECASE)  # `conv3x3`
_KERNEL = re.compile(r"(?<![\w.])(\d) ?(?:[x×*]|by) ?\1(?!\d|\.\d)")
_SQUARE = re.compile(r"(?<![a-z])c ?(?:\^ ?\{?2\}?|2\b|[*·x] ?c\b)", re.IGNORECASE)

_QUOTE = re.compile(r"[\"“„«]([^\"“”„«»]{1,400})[\"”“»]")
_LOOSE = re.compile(r" (?=[,.;:!?)])")  # in front of what stands close to a word

# An abbreviation's full stop, or that of a decimal, ends no sentence.
_END = re.compile(r"[.!?]+[\"')\]»”]*(?=\s|$)|[.](?=[A-Z][a-z])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|al|fig|eq|sec|vs|resp|approx|ca|cf|etc|no|w\.r\.t|z\.b|bzw)$", re.I
)
_TOKEN = re.compile(
    r"(?P<word>c²|[a-z]/\d+|\d+x\d+|\d+\w*(?:[./]\d+\w*)*|[^\W\d_]+(?:'[^\W\d_]+)*\d*)|(?P<mark>[,;:()–—]|->|=>|→|(?<=\s)/(?=\s))"
)
_APPLIED = re.compile(r"\b[^\W\d_](\([^()]{1,12}\))")  # the brackets of F(x) part no words


@dataclass(frozen=True)
class Sentence:
    """One sentence.

    Attributes:
        text: as it is quoted.
        words: in small letters.
        breaks: before which words there is a comma or the like, and which.
        lead: so many words come from the heading or the line above.
        paragraph: which of the answer's paragraphs it stands in.
        quotes: the places of the words that stand in quotation marks, for each pair.
    """

    text: str
    words: tuple[str, ...]
    breaks: dict[int, str]
    lead: int
    paragraph: int
    question: bool
    quotes: tuple[range, ...] = ()


def sentences(answer: str) -> list[Sentence]:
    """Every sentence of the first `MOST_CHARACTERS` characters."""
    found: list[Sentence] = []
    for paragraph, (lead, text) in enumerate(_paragraphs(_plain(answer[:MOST_CHARACTERS]))):
        found += [one for part in _split(text) if (one := _sentence(lead, part, paragraph)).words[one.lead :]]
    return found


def words(text: str) -> list[str]:
    """The words of any text, as they are compared."""
    return list(_tokens(_plain(text))[0])


def _sentence(lead: str, text: str, paragraph: int) -> Sentence:
    before, breaks = _tokens(lead)
    own, own_breaks = _tokens(text)
    breaks |= {position + len(before): mark for position, mark in own_breaks.items()}
    if before:
        breaks[len(before)] = ":"
    text, lead = _with_signs(text), _with_signs(lead)
    shown = _LOOSE.sub("", " ".join((f"{lead}: {text}" if lead else text).split()))
    # One word more than may be read: so it is seen to be too long, and takes no longer than any other.
    return Sentence(
        shown,
        (before + own)[: LONGEST_SENTENCE + 1],
        breaks,
        len(before),
        paragraph,
        text.rstrip("\"')]*_ ").endswith("?"),
        tuple(_quoted(text, len(before))),
    )


def _with_signs(text: str) -> str:
    """As it was written: "F(x) + x"."""
    text = text.replace(f"plus{_WAS_A_SIGN}{_WAS_A_SIGN}", "+=")
    return text.replace(f"plus{_WAS_A_SIGN}", "+").replace(f"times{_WAS_A_SIGN}", "·")


def _quoted(text: str, lead: int) -> Iterator[range]:
    for quote in _QUOTE.finditer(text):
        start = lead + len(_tokens(text[: quote.start(1)])[0])
        yield range(start, start + len(_tokens(quote[1])[0]))


def _tokens(text: str) -> tuple[tuple[str, ...], dict[int, str]]:
    found: list[str] = []
    breaks: dict[int, str] = {}
    text = text.casefold()
    applied = {at for function in _APPLIED.finditer(text) for at in (function.start(1), function.end(1) - 1)}
    for token in _TOKEN.finditer(text):
        if token["word"]:
            found.append(token["word"].replace("²", "2"))
        elif found and token.start() not in applied:
            breaks[len(found)] = token["mark"]
    return tuple(found), breaks


def _plain(text: str) -> str:
    """Without what only looks: emphasis, links, LaTeX, and signs that have a plainer twin."""
    text = "".join(sign for sign in text.replace("²", "^2") if sign in "\n\t" or unicodedata.category(sign)[0] != "C")
    text = unicodedata.normalize("NFKC", text).replace("’", "'").replace("`", "" if "```" not in text else "`")
    text = _NOTED_AS_LINK.sub("", _HIDDEN.sub(" ", text))
    text = _STRUCK.sub(" ", text)
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    for pattern, plain in _SIGNS:
        text = pattern.sub(plain, text)
    text = _TAG.sub(" ", _LINK.sub(r"\1", text))
    text = _KERNEL.sub(r"\1x\1", _CONV.sub(r"\1 ", text))
    return _SQUARE.sub(" C² ", text).replace("$", " ").replace("**", "").replace("__", "")


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """What is above it (a heading, the line before a list), and the paragraph or list item itself."""
    topic = above = ""
    lines: list[str] = []
    listed = False
    for line in [*_prose(text), ""]:
        heading, item = _HEADING.match(line), _ITEM.match(line)
        if heading or item or not line.strip():
            paragraph = "\n".join(lines).strip()
            if paragraph and not _NOT_CHOSEN.match(paragraph):
                if not listed:
                    above = ""
                yield _join(topic, above), paragraph
                if not listed and paragraph.endswith(":"):
                    above = paragraph.rpartition("\n")[2][:-1]
            lines, listed = [], item is not None
        if heading:
            topic, above = _short(heading[1]), ""
        elif item:
            lines = [_TICK.sub("", line[item.end() :])]
        elif line.strip():
            lines.append(line)


def _join(topic: str, above: str) -> str:
    return ": ".join(part for part in (topic, _short(above)) if part)


def _short(line: str) -> str:
    return line.strip("#*_: \t\r") if len(line.split()) <= _LEAD else ""


def _prose(text: str) -> Iterator[str]:
    """The lines, without blocks of code, tables and quotations; in their places an empty one."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence or mark:
            if mark and (not fence or mark[1].startswith(fence)):
                fence = "" if fence else mark[1]
            yield ""
        elif line.lstrip().startswith((">", "|")) or line.count("|") > 1:
            yield ""
        else:
            yield line.replace("`", "")


def _split(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(paragraph):
        if end[0] == "." and _ABBREVIATION.search(paragraph[max(start, end.start() - 8) : end.start()]):
            continue
        yield paragraph[start : end.end()].strip()
        start = end.end()
    yield paragraph[start:].strip()
