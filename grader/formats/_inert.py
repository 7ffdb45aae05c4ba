"""Reports as plain text, for readers that are no web page: logs, test reports, comments, tables."""

from __future__ import annotations

import re

from grader.formats._text import clip, no_command, one_line, visible
from grader.verdict import CheckResult, Diagnosis, Proof

_TEXT = 2_000  # characters
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # neither XML nor Unicode knows them

PROOF = {Proof.REPLAYED: "proven by replay", Proof.MEASURED: "measured", Proof.REPORTED: "a hint"}


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
    return f"cell {finding.cell}, line {finding.line}" if finding.line is not None else f"cell {finding.cell}"


def placed(finding: CheckResult | Diagnosis) -> str:
    """The message, and where."""
    where = place(finding)
    return f"{finding.message} ({where})" if where else finding.message
