"""Which names does a submission seem to define? By its text alone, for nothing is parsed on this side."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.submission.nouns import Submission

# The repetitions are possessive (`++`), so that no text can make the search take more than linear time.
_DEFINITION = re.compile(
    r"""
    ^[ \t]*+                                        # at the start of a line, indented or not
    (?:
        (?: class | (?:async[ \t]++)? def ) [ \t]++ (\w++)
      | (\w++) [ \t]*+ (?: : [^=\n]*+ )? = (?!=)    # name = …, name: type = …
    )
    """,
    re.MULTILINE | re.VERBOSE,
)


def defined_names(submission: Submission) -> list[str]:
    """What the code cells seem to define: classes, functions and variables, in the order of the text."""
    found: dict[str, None] = {}
    for cell in submission.cells:
        if cell.kind == "code":
            found.update((match[1] or match[2], None) for match in _DEFINITION.finditer(cell.source))
    return list(found)


def defines(submission: Submission, names: Iterable[str]) -> set[str]:
    """Those of `names` that a code cell seems to define."""
    return set(names) & set(defined_names(submission))
