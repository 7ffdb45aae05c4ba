"""The words and signs in which pages speak of statuses and proofs. No status is told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.formats._format import Run
from grader.language import later, say
from grader.verdict import Proof, Status, SubmissionStatus


@dataclass(frozen=True)
class Label:
    """A status as a page shows it: its look (a CSS class), a sign, and a word.

    Attributes:
        text: the word, in the language of the code.
    """

    look: str
    sign: str
    text: str

    @property
    def word(self) -> str:
        """In the language that is spoken when it is shown."""
        return say(self.text)

    @property
    def inside(self) -> str:
        """The word inside of a sentence. Only its first letter: nouns begin with a capital in some languages."""
        return self.word[:1].lower() + self.word[1:]


CHECK = {
    Status.PASSED: Label("right", "✓", later("Passed")),
    Status.FAILED: Label("wrong", "✗", later("Failed")),
    Status.STUDENT_CRASHED: Label("wrong", "!", later("Your code stopped with an error")),
    Status.TIMED_OUT: Label("wrong", "!", later("Took too long")),
    Status.GRADER_BROKE: Label("open", "?", later("The grader failed here, not you")),
    Status.SKIPPED: Label("open", "–", later("Not marked yet")),
}

SUBMISSION = {
    SubmissionStatus.GRADED: Label("right", "✓", later("Graded")),
    SubmissionStatus.UNREADABLE: Label("wrong", "!", later("Could not be read")),
    SubmissionStatus.CRASHED: Label("wrong", "!", later("Crashed")),
    SubmissionStatus.TIMED_OUT: Label("wrong", "!", later("Timed out")),
    SubmissionStatus.OUT_OF_MEMORY: Label("wrong", "!", later("Out of memory")),
    SubmissionStatus.GRADER_BROKE: Label("open", "?", later("The grader failed")),
}

_MEANS = {
    SubmissionStatus.UNREADABLE: later(
        "Your file could not be read as a notebook, so nothing in it was run. "
        "Open it in Jupyter, save it again, and hand that file in."
    ),
    SubmissionStatus.CRASHED: later(
        "Your code ended the Python process it ran in, so what follows could not be judged. "
        "Restart the kernel and run all cells from the top: the same should happen to you."
    ),
    SubmissionStatus.TIMED_OUT: later(
        "Your notebook did not finish in the time there is. "
        "Look for a loop that does not end, or for training that starts when the notebook is run."
    ),
    SubmissionStatus.OUT_OF_MEMORY: later(
        "Your code needed more memory than there is. "
        "Look for very large tensors or layers, or for a list that grows with every step."
    ),
    SubmissionStatus.GRADER_BROKE: later(
        "The grader itself failed on your notebook. "
        "That is not your mistake and costs you nothing: a human looks into it."
    ),
}

PROOF = {
    Proof.REPLAYED: Label(
        "proof",
        "=",
        later("Proven: the reference with exactly this mistake put in behaves exactly like your code."),
    ),
    Proof.MEASURED: Label("proof", "≈", later("Measured: this showed directly when your code was read and run.")),
    Proof.REPORTED: Label(
        "hint",
        "?",
        later("A hint: this is what your code says of itself. It costs no points, and nothing proves it."),
    ),
}

MENDED_PROOF = Label(
    "proof", "=", later("Proven: with this line mended, your code does exactly what the reference does.")
)

# In a written answer the words for the same are others: nothing ran, and a human has the last word.
ESSAY_CHECK = {
    Status.PASSED: Label("right", "✓", later("Points proposed")),
    Status.SKIPPED: Label("open", "–", later("A human marks this")),
}
ESSAY_PROOF = Label(
    "hint",
    "?",
    later(
        "A hint: this was read in your answer. It costs no points; the human who marks it decides whether you meant it."
    ),
)

_ISOLATION = {
    "bwrap": later("Behind the full wall (bubblewrap): no network, no other files, limited time and memory."),
    "landlock": later(
        "Without bubblewrap, which this machine lacks. "
        "Landlock and seccomp held the code back instead, which is a weaker wall."
    ),
    "none": later("Without any isolation: the code ran with all rights of the person who started the grader."),
}


def means(status: SubmissionStatus) -> str:
    """For the student: what the status means and what to do; nothing, where all was graded."""
    return say(_MEANS.get(status, ""))


def isolation(run: Run) -> str:
    """What stood between the student's code and the machine, said plainly."""
    known = _ISOLATION.get(run.isolation)
    return say(known) if known else say("Isolation: {isolation}.", isolation=run.isolation)


# What each hint of a ladder is about, the first one first.
RUNGS = (
    later("Hint {number}: the idea behind it"),
    later("Hint {number}: where to look"),
    later("Hint {number}: what to change"),
)


def moment(when: datetime) -> str:
    """`2026-12-01 12:00 (UTC+01:00)`: the same in every language."""
    return f"{when:%Y-%m-%d %H:%M} ({when.tzname()})"


def at(cell: int, line: int | None) -> str:
    """`cell 2, line 16`, as the notebook counts them."""
    return say("cell {cell}, line {line}", cell=cell, line=line) if line else say("cell {cell}", cell=cell)


def points(number: float) -> str:
    """`12.5`, `10`: two decimals at most, none that say nothing."""
    return f"{number + 0.0:.2f}".rstrip("0").rstrip(".")
