"""A student's text in Markdown that GitHub and GitLab render: words stay words, everything else becomes code.

Both act on more than Markdown: `@somebody` is told, `#12` and a commit's digits become links, `/close` closes. In
a code span they act on nothing, so every word that is more than letters, digits and a sentence's marks goes into
one. For text about code that reads well, too: `relu(bn(x))` is code.
"""

from __future__ import annotations

import re

from grader.formats import _inert

_WORD = re.compile(
    r"""[("'“‘„‚]*+                                  # what opens
        (?:\d+(?:[.,×]\d+)*+(?:-[^\W\d_]++)?+         # 3×3, 1,179,648, 0.94, 3×3-Faltung
        |[^\W\d_]++(?:['’‐–—-][^\W\d_]++)*+)?+       # it's, feed-forward
        [)"'”’“‘.,:;?!%…]*+                          # what closes""",
    re.VERBOSE,
)
_OPERATOR = re.compile("[=≈≠<>≤≥+–—−·×✓✗/*-]")
_OPERAND = re.compile(r"(?:\d[\d.]*+|[^\W\d_])[,.;:]?+")
_ACTS = re.compile(r"[0-9a-fA-F]{7,}+|\b(?i:gh|gl|www)\b")  # a commit, or the beginning of a reference
_MOST_ARGUMENTS = 12  # words between brackets: a sentence in brackets has more
_SIGNS = {"<": "&lt;", ">": "&gt;", "*": "\\*", "+": "\\+", "-": "\\-"}


def inline(value: str, limit: int = 600) -> str:
    """The text on one line, for anywhere but the beginning of one."""
    words = _inert.line(value, limit).split()
    shown: list[str] = []
    i = 0
    while i < len(words):
        end = _code_end(words, i)
        if end == i:
            shown.append(_SIGNS.get(words[i], words[i]))
            i += 1
        else:
            shown.append(_sentence_end(" ".join(words[i:end])))
            i = end
    return " ".join(shown)


def _is_word(word: str) -> bool:
    return bool(_OPERATOR.fullmatch(word) or _WORD.fullmatch(word)) and not _ACTS.search(word)


def _code_end(words: list[str], start: int) -> int:
    """Where the code ends that begins here; `start` itself if none does. What stands between or after code as an
    operator or a number is part of it: `F(x) + x`, `[32, 16, 3]`."""
    end = i = start
    while i < len(words):
        if not _is_word(words[i]):
            i = _closed(words, i)
            end = i + 1
        elif i == start or not (_OPERATOR.fullmatch(words[i]) or _OPERAND.fullmatch(words[i])):
            break
        elif _OPERATOR.fullmatch(words[i - 1]):
            end = i + 1
        i += 1
    return end


def _closed(words: list[str], start: int) -> int:
    """The word in which a bracket of this one is closed, as in `ResBlock(8, 16, 2)`; the word itself where none is."""
    depth = 0
    for i in range(start, min(len(words), start + _MOST_ARGUMENTS)):
        depth += len(re.findall(r"[(\[{]", words[i])) - len(re.findall(r"[)\]}]", words[i]))
        if depth <= 0:
            return i
    return start


def _sentence_end(text: str) -> str:
    """As code, with the sentence's own marks behind it."""
    bare = text.rstrip(".,;:?!") or text
    return code(bare) + text[len(bare) :]


def code(value: str, limit: int = 600) -> str:
    """All of it as one span of code; empty if there is nothing to show."""
    text = _inert.line(value, limit).strip()
    if not text:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    # One space at each end is taken away again; it keeps a backtick from the fence.
    edge = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{edge}{text}{edge}{fence}"
