"""Is an answer in English? Only English is read: what denies, what is hearsay, where a clause ends."""

from __future__ import annotations

from grader.essay.prose import MOST_CHARACTERS, words

# The commonest small words. Those that two of the languages share are left out (`in`, `die`, `so`, `per`), and
# those that stand in formulas and citations: `y`, `sin`, `et`, `al`, and `plus`, as which the sign is read.
_ENGLISH = frozenset(
    "the a of to and is are it its that this these which with for from by as be not no does has have can than their "
    "they we because but if when more into only what there".split()
)
_OTHERS = frozenset(
    "der das den dem des ein eine einen einem einer und ist sind nicht kein keine mit von zu zum zur auf für wird "
    "werden sich auch dass weil wenn aber nur mehr durch bei oder als wie es sie "  # German
    "le la les des une est sont pas avec pour dans sur du que qui ne par au aux ce cette il elle "  # French
    "el los las es son con para por se lo una como del su más "  # Spanish
    "il gli di che è sono della delle nel più anche".split()  # Italian
)
_FEWEST = 3  # different ones: a formula, or "la la la", is in no language


def is_foreign(answer: str) -> bool:
    """Are most of its small words those of another language? Where it is not clear, it counts as English."""
    found = set(words(answer[:MOST_CHARACTERS]))
    return len(found & _OTHERS) >= max(_FEWEST, len(found & _ENGLISH) + 1)
