"""Which names does a submission seem to define, and where? By its text alone, for nothing is parsed on this side."""

from __future__ import annotations

import re
from collections.abc import Iterable

from grader.language import say
from grader.observation import Stands
from grader.submission.nouns import Cell, Submission
from grader.submission.statements import other_language

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
_FUNCTION = re.compile(r"[ \t]*+(?:async[ \t]++)?def[ \t]")
# Ways to define what the text does not show.
_UNSEEN = re.compile(
    r"\bexec\s*+\(|\bglobals\s*+\(|^[ \t]*+%run\b|\brun_line_magic\s*+\(\s*+['\"]run\b"
    r"|\brun_cell_magic\s*+\(\s*+['\"](?:time|timeit|capture|prun)\b",
    re.MULTILINE,
)
_IMPORT = re.compile(r"^[ \t]*+from[ \t]++[\w.]++[ \t]++import[ \t]++([\w ,\t()]++)", re.MULTILINE)


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


def defines_unseen(submission: Submission) -> bool:
    """May the code define more than its text shows, and than can be told before all of it is run?"""
    return any(_UNSEEN.search(cell.source) for cell in submission.cells if cell.kind == "code")


def where_it_stands(submission: Submission, names: Iterable[str]) -> Stands:
    """Where the text defines one of these names, and why it is not run, if a look at the text tells."""
    wanted = set(names)
    code = [cell for cell in submission.cells if cell.kind == "code"]
    cells = frozenset(cell.number for cell in code if wanted & (_defined(cell) | _imported(cell)))
    return Stands(cells, next((said for cell in submission.cells if (said := _why_not_run(cell, wanted))), ""))


def function_at(submission: Submission, cell: int, line: int) -> int | None:
    """The line on which the function begins that a line stands in; None if it stands in none, or is not there."""
    source = next((each.source for each in submission.cells if each.number == cell), "")
    above = source.splitlines()[:line]
    if not 0 < line == len(above):
        return None
    within = _indent(above.pop())
    while above:
        text = above.pop()
        if text.strip() and _indent(text) < within:
            if _FUNCTION.match(text):
                return len(above) + 1
            within = _indent(text)
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _why_not_run(cell: Cell, wanted: set[str]) -> str:
    if cell.kind != "code":
        is_whole = "return" in cell.source  # and no line of the task
        if is_whole and wanted & _defined(cell, classes_and_functions=True):
            return say("It stands in cell {cell}, which is no code cell, and so is not run.", cell=cell.number)
        return ""
    magic = other_language(cell.source)
    if magic and wanted & _defined(cell):
        return say(
            "It stands in cell {cell}, which begins with {magic}, and so is not run as Python.",
            cell=cell.number,
            magic=magic,
        )
    return ""


def _defined(cell: Cell, *, classes_and_functions: bool = False) -> set[str]:
    found = _DEFINITION.finditer(cell.source)
    return {match[1] or match[2] for match in found if match[1] or not classes_and_functions}


def _imported(cell: Cell) -> set[str]:
    """What a cell imports from some module by its name."""
    return {name for match in _IMPORT.finditer(cell.source) for name in re.split(r"\W++", match[1])}
