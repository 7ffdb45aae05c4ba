"""Reports as plain text, for readers that are no web page: logs, test reports, comments, tables."""

from __future__ import annotations

import re

from grader.formats._text import clip, no_command, one_line, visible
from grader.language import later, say
from grader.verdict import CheckResult, Diagnosis, Proof

_TEXT = 2_000  # characters
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # neither XML nor Unicode knows them

_PROOF = {
    Proof.REPLAYED: later("proven by replay"),
    Proof.MEASURED: later("measured"),
    Proof.REPORTED: later("a hint"),
}


def proof(of: Diagnosis) -> str:
    """What the naming rests on, in a word or two."""
    return say(_PROOF[of.proof])


def text(value: str, limit: int = _TEXT) -> str:
    """Nothing in it is unseen, endless, or obeyed by a terminal or a CI runner."""
    return _NO_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", no_command(visible(clip(value, limit)[0])))


def line(value: str, limit: int = 300) -> str:
    """The same on one line."""
    return text(one_line(value, limit), limit + 1)


def place(finding: CheckResult | Diagnosis) -> str:
    """`cell 2, line 16`, as the notebook counts them; or nothing."""
    if finding.cell is None:
        return ""
    if finding.line is None:
        return say("cell {cell}", cell=finding.cell)
    return say("cell {cell}, line {line}", cell=finding.cell, line=finding.line)


def placed(finding: CheckResult | Diagnosis) -> str:
    """The message, and where."""
    where = place(finding)
    return f"{finding.message} ({where})" if where else finding.message
