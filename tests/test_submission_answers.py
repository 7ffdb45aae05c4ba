"""Written answers: what the student wrote, and nothing the starter says."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from handed_in import answer_in

from grader.assignment import EssayExercise

EXERCISE = EssayExercise.model_validate(
    {
        "id": "essay",
        "kind": "essay",
        "title": "Essay",
        "points": 10,
        "headings": ["why do residuals", "Part 4"],
    }
)
HEADING = "## Part 4: Why do residuals help?\n"


@pytest.fixture
def answer(tmp_path: Path) -> Any:
    """The answer found in a notebook of these cells."""
    return partial(answer_in, tmp_path, EXERCISE)


def test_marked_cells(answer: Any) -> None:
    """Cells that the starter marks for this exercise are the answer, all of them and no other."""
    mine = {"answer": "essay"}
    cells = [("markdown", f"{HEADING}One.", mine), ("code", "x"), ("markdown", "Two.", mine)]
    assert answer(*cells, ("markdown", "Three.", {"answer": "other"})) == "One.\n\nTwo."


def test_written_beside_the_marked_cell(answer: Any) -> None:
    """Where the marked cell was left alone, the answer is looked for below the heading."""
    cells = [
        ("markdown", HEADING),
        ("markdown", "Mine.", {}),
        ("markdown", "*Your answer here*", {"answer": "essay"}),
    ]
    assert answer(*cells) == "Mine."


def test_below_a_heading(answer: Any) -> None:
    """Everything below the heading, in any case, up to the next one of its rank; lower ones belong to it."""
    cells = [("markdown", "# Homework\nIntro"), ("markdown", f"{HEADING.upper()}One.\n### Then\nTwo.")]
    assert answer(*cells, ("markdown", "Three.\n\n## Part 5\nNo.")) == "One.\n### Then\nTwo.\n\nThree."
    assert answer(*cells, ("markdown", "# End\nNo.")) == "One.\n### Then\nTwo."


def test_code_ends_an_answer(answer: Any) -> None:
    """A code cell ends the answer; an empty one does not."""
    assert answer(("markdown", HEADING), ("markdown", "One."), ("code", "x = 1"), ("markdown", "No.")) == "One."
    assert answer(("markdown", HEADING), ("code", " \n"), ("markdown", "One.")) == "One."


def test_a_heading_in_code_is_none(answer: Any) -> None:
    """A `#` inside a block of code is a comment."""
    text = "One.\n```python\n# comment\n```\n~~~~\n# another\n~~~\n~~~~\nTwo."
    assert answer(("markdown", HEADING + text)) == text


def test_prompt_is_no_answer(answer: Any) -> None:
    """What the starter asks is not what the student says."""
    prompt = ("markdown", f"{HEADING}Explain in your words.", {"prompt": True})
    assert answer(prompt) is None
    assert answer(prompt, ("markdown", "Because.")) == "Because."


@pytest.mark.parametrize(
    "placeholder",
    [
        "*Your answer here*",
        "Write your answer here.",
        "YOUR ANSWER HERE",
        "_Type your answer here, replacing this text._",
        "> [Your answer goes here]",
        "**Double-click to edit this cell**",
        "TODO",
        "<!-- write below -->",
        "",
    ],
)
def test_placeholders(answer: Any, placeholder: str) -> None:
    """A placeholder alone is no answer, and it is left out of one."""
    assert answer(("markdown", f"{HEADING}{placeholder}")) is None
    assert answer(("markdown", f"{HEADING}{placeholder}\n\nBecause.")) == "Because."


def test_words_like_a_placeholder(answer: Any) -> None:
    """A sentence that only begins like a placeholder is the student's."""
    text = "Your answer here depends on the depth."
    assert answer(("markdown", HEADING + text)) == text


def test_marks_alone(answer: Any) -> None:
    """Dots and dashes alone say nothing."""
    assert answer(("markdown", f"{HEADING}...\n\n---")) is None


def test_no_answer(answer: Any) -> None:
    """Without a heading or a marked cell there is none; of two such headings the one with text counts."""
    assert answer(("markdown", "Because."), ("code", "x")) is None
    assert answer(("markdown", HEADING), ("markdown", f"{HEADING}Because.")) == "Because."


@pytest.mark.parametrize("text", ["<!--" * 100_000, "#" * 400_000, "* " * 200_000, "`" * 400_000, "\n" * 400_000])
def test_hostile_text_takes_no_longer(answer: Any, text: str) -> None:
    """No text makes the search slow (quadratic time would take minutes here)."""
    started = time.perf_counter()
    answer(("markdown", HEADING + text))
    assert time.perf_counter() - started < 10
