"""From files to cells: find what students handed in, read it, repair it, find the written answers.

    find      PATH... -> list[HandIn]         which files there are, and whose they are
    FileText  HandIn -> line(cell, line)      where that stands in the file on disk
    fingerprint  HandIn -> str                is it still the file that was graded?
    read      HandIn -> Submission            one file, as cells; SubmissionError for the student
    choose_assignment, defines, find_answer, find_given   what a Submission says about itself

Nothing of a student's is executed, compiled or parsed as Python here: this is the trusted side of the wall,
and a hostile text can crash the parser in C.
"""

from grader.submission.answers import Written, find_answer
from grader.submission.astray import Misnamed
from grader.submission.bound import Given
from grader.submission.choose import choose_assignment
from grader.submission.definitions import defined_names, defines, defines_unseen, function_at, where_it_stands
from grader.submission.discover import find
from grader.submission.given import find_given
from grader.submission.handed_out import HandedOut
from grader.submission.literals import Nothing, Read, Unreadable
from grader.submission.nbgrader import defined_in
from grader.submission.nouns import Cell, HandIn, Submission
from grader.submission.positions import FileText
from grader.submission.reading import fingerprint, read
from grader.submission.stray import Stray
from grader.submission.surroundings import asks_where_it_runs

__all__ = [
    "Cell",
    "FileText",
    "Given",
    "HandIn",
    "HandedOut",
    "Misnamed",
    "Nothing",
    "Read",
    "Stray",
    "Submission",
    "Unreadable",
    "Written",
    "asks_where_it_runs",
    "choose_assignment",
    "defined_in",
    "defined_names",
    "defines",
    "defines_unseen",
    "find",
    "find_answer",
    "find_given",
    "fingerprint",
    "function_at",
    "read",
    "where_it_stands",
]
