"""The words and signs in which pages speak of statuses and proofs. No status is told by colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from grader.formats._format import Run
from grader.verdict import Proof, Status, SubmissionStatus


@dataclass(frozen=True)
class Label:
    """A status as a page shows it: its look (a CSS class), a sign, and a word."""

    look: str
    sign: str
    word: str


CHECK = {
    Status.PASSED: Label("right", "✓", "Passed"),
    Status.FAILED: Label("wrong", "✗", "Failed"),
    Status.STUDENT_CRASHED: Label("wrong", "!", "Your code stopped with an error"),
    Status.TIMED_OUT: Label("wrong", "!", "Took too long"),
    Status.GRADER_BROKE: Label("open", "?", "The grader failed here, not you"),
    Status.SKIPPED: Label("open", "–", "Not marked yet"),
}

SUBMISSION = {
    SubmissionStatus.GRADED: Label("right", "✓", "Graded"),
    SubmissionStatus.UNREADABLE: Label("wrong", "!", "Could not be read"),
    SubmissionStatus.CRASHED: Label("wrong", "!", "Crashed"),
    SubmissionStatus.TIMED_OUT: Label("wrong", "!", "Timed out"),
    SubmissionStatus.OUT_OF_MEMORY: Label("wrong", "!", "Out of memory"),
    SubmissionStatus.GRADER_BROKE: Label("open", "?", "The grader failed"),
}

# For the student: what the status means and what to do.
SUBMISSION_MEANS = {
    SubmissionStatus.GRADED: "",
    SubmissionStatus.UNREADABLE: (
        "Your file could not be read as a notebook, so nothing in it was run. "
        "Open it in Jupyter, save it again, and hand that file in."
    ),
    SubmissionStatus.CRASHED: (
        "Your code ended the Python process it ran in, so what follows could not be judged. "
        "Restart the kernel and run all cells from the top: the same should happen to you."
    ),
    SubmissionStatus.TIMED_OUT: (
        "Your notebook did not finish in the time there is. "
        "Look for a loop that does not end, or for training that starts when the notebook is run."
    ),
    SubmissionStatus.OUT_OF_MEMORY: (
        "Your code needed more memory than there is. "
        "Look for very large tensors or layers, or for a list that grows with every step."
    ),
    SubmissionStatus.GRADER_BROKE: (
        "The grader itself failed on your notebook. "
        "That is not your mistake and costs you nothing: a human looks into it."
    ),
}

PROOF = {
    Proof.REPLAYED: Label(
        "proof",
        "=",
        "Proven: the reference with exactly this mistake put in behaves exactly like your code.",
    ),
    Proof.MEASURED: Label("proof", "≈", "Measured: this showed directly when your code was read and run."),
    Proof.REPORTED: Label(
        "hint",
        "?",
        "A hint: this is what your code says of itself. It costs no points, and nothing proves it.",
    ),
}

# In a written answer the words for the same are others: nothing ran, and a human has the last word.
ESSAY_CHECK = {
    Status.PASSED: Label("right", "✓", "Points proposed"),
    Status.SKIPPED: Label("open", "–", "A human marks this"),
}
ESSAY_PROOF = Label(
    "hint",
    "?",
    "A hint: this was read in your answer. It costs no points; the human who marks it decides whether you meant it.",
)

_ISOLATION = {
    "bwrap": "Behind the full wall (bubblewrap): no network, no other files, limited time and memory.",
    "landlock": (
        "Without bubblewrap, which this machine lacks. "
        "Landlock and seccomp held the code back instead, which is a weaker wall."
    ),
    "none": "Without any isolation: the code ran with all rights of the person who started the grader.",
}


def isolation(run: Run) -> str:
    """What stood between the student's code and the machine, said plainly."""
    return _ISOLATION.get(run.isolation, f"Isolation: {run.isolation}.")


# What each hint of a ladder is about, the first one first.
RUNGS = ("the idea behind it", "where to look", "what to change")


def moment(when: datetime) -> str:
    """`2026-12-01 12:00 (UTC+01:00)`: the same in every language."""
    return f"{when:%Y-%m-%d %H:%M} ({when.tzname()})"


def points(number: float) -> str:
    """`12.5`, `10`: two decimals at most, none that say nothing."""
    return f"{number + 0.0:.2f}".rstrip("0").rstrip(".")
