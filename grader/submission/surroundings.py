"""Does code ask where it runs? What behaves otherwise when it is graded cannot be told from right code by running it.

A human can tell, so the report says where to look. It costs nothing: there are honest reasons to ask.
"""

from __future__ import annotations

import re

from grader.language import later, say
from grader.submission.nouns import Submission

_ASKS = re.compile(
    r"\b(inspect\.(?:stack|currentframe|getouterframes)|sys\._getframe|sys\._current_frames|sys\.modules"
    r"|traceback\.(?:extract_stack|walk_stack)|grader\.(?:worker|wire))\b|(/proc/self|/proc/1/)"
)
_MOST = 3
ONLY_A_HUMAN = later("only a human can tell")  # ends the sentence; by it the class page finds who is to be looked at


def asks_where_it_runs(submission: Submission) -> list[str]:
    """One sentence for each place, the first few."""
    found = []
    for cell in submission.cells:
        if cell.kind != "code":
            continue
        for number, line in enumerate(cell.source.splitlines(), 1):
            asks = _ASKS.search(line.split("#", 1)[0])
            if asks:
                sentence = say(
                    "Cell {cell}, line {line} asks where the code runs ({how}): whether it does otherwise when it is "
                    "not graded, {only_a_human}.",
                    cell=cell.number,
                    line=number,
                    how=asks[0],
                    only_a_human=ONLY_A_HUMAN,
                )
                found.append(sentence)
    return found[:_MOST]
