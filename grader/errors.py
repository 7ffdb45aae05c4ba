"""Every error that the grader raises on purpose.

    GraderError                     exit code
    ├── UsageError                      2      the command line asks for something that cannot be
    │   └── NothingFound                2      what it names holds no submission
    ├── AssignmentError                 2      assignment.toml or its reference is wrong
    ├── SubmissionError                 -      one student's file cannot be read; stays with that student
    ├── WallError                       3      the wall cannot be built on this machine
    ├── SlotError                       3      the processes that grade cannot be kept alive
    ├── OutputError                     3      a report cannot be written: the disk is full, say
    └── SessionEnded                    -      the student's process is over; stays with that submission
        ├── StudentDied                 -      it ended by itself: os._exit, a signal, a crash in C
        ├── StudentTimedOut             -      a deadline passed
        ├── StudentOutOfMemory          -      the memory limit was reached
        └── ProtocolViolated            -      it sent something that is not an answer

Whatever else is raised while one submission is graded is a fault of the grader: it is caught once, in
`pipeline.grade`, and becomes `grader_broke`, which costs the student nothing.
"""

from grader.language import say

ALL_PASSED, SOME_BELOW, WRONG_USAGE, GRADER_FAILED = 0, 1, 2, 3


class GraderError(Exception):
    """Something the grader can explain: what happened, where, and what to do."""


class UsageError(GraderError):
    """The command line asks for something that cannot be."""


class NothingFound(UsageError):
    """What the command line names holds no submission."""


class AssignmentError(GraderError):
    """An assignment or its reference is wrong; the message names file, key and what was expected."""


class SubmissionError(GraderError):
    """One student's file cannot be read; the message is for that student."""


class WallError(GraderError):
    """The wall cannot be built here; the message holds the remedy."""


class SlotError(GraderError):
    """The processes that grade cannot be started, or do not stay alive."""


class OutputError(GraderError):
    """A report cannot be written where it was asked for."""


class SessionEnded(GraderError):
    """The student's process is over and answers nothing more.

    Attributes:
        cell: where it was, by its own word; None where that is not known. The message names it, and the line.
    """

    def __init__(self, message: str, cell: int | None = None, line: int | None = None) -> None:
        if cell is not None and line is not None:
            message = say("{what} in cell {cell}, line {line}", what=message, cell=cell, line=line)
        elif cell is not None:
            message = say("{what} in cell {cell}", what=message, cell=cell)
        super().__init__(message)
        self.cell = cell


class StudentDied(SessionEnded):
    """The process ended by itself."""


class StudentTimedOut(SessionEnded):
    """A deadline passed and the process was killed."""


class StudentOutOfMemory(SessionEnded):
    """The memory limit was reached and the process was killed."""


class ProtocolViolated(SessionEnded):
    """The process sent bytes that are no answer to what was asked, and was killed."""
