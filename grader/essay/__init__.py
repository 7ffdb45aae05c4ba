"""What a written answer says, read by rule: no network, no model, and no guess where it is not clear.

prose      Markdown as sentences and words
words      one word in its usual endings, and with a slip of the pen
pattern    a way to say something, as an instructor writes it
find       where a sentence says it
clause     where one statement ends, and of what it speaks
topic      of what does a sentence speak that begins with "it"?
negation   does a word that denies reach so far?
voice      whose words are these: hearsay, guesses, quotations, wishes
embedded   who stands by what comes behind "that"?
contrast   of the one and not of the other, or taken back in the same breath
stance     all of these: is it asserted there, denied, or neither?
tongue     is it English?
copied     what stood in the question already
reading    all of it: what an answer asserts, denies, and leaves unclear

It knows nothing of points: `grader.written` makes a report of what was read.
"""

from grader.essay.copied import Given
from grader.essay.judged import Stance
from grader.essay.negation import is_negation
from grader.essay.pattern import Pattern, PatternError, parse
from grader.essay.reading import Reading, Sight, read
from grader.essay.tongue import is_foreign

__all__ = [
    "Given",
    "Pattern",
    "PatternError",
    "Reading",
    "Sight",
    "Stance",
    "is_foreign",
    "is_negation",
    "parse",
    "read",
]
