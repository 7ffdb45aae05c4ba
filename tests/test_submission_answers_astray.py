"""Written answers where nobody expects them: the cell's type, its mark or its heading changed, or a cell below."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from handed_in import answer_in

from grader.assignment import EssayExercise, find_assignment
from grader.bundled import shipped_assignments
from grader.submission import HandIn, find_answer, read
from grader.submission.as_text import text_of

SAID = "The input is added to the output of the layers."
ESSAY = EssayExercise.model_validate(
    {"id": "essay", "kind": "essay", "title": "Essay", "points": 10, "headings": ["answer 1"]}
)
MINE = {"answer": "essay"}
LEFT = ("markdown", "### Answer 1\n\n*Your answer here*", MINE)  # the marked cell, as it came
NEXT = ("markdown", "## 2. Another question\n\nWhat is a plain block, and what does it compute?")


@pytest.fixture
def answer(tmp_path: Path) -> Any:
    """The answer found in a notebook of these cells."""
    return partial(answer_in, tmp_path, ESSAY)


@pytest.mark.parametrize(
    "cell",
    [
        ("raw", SAID, MINE),
        ("code", SAID, MINE),
        ("code", f"# {SAID}", MINE),
        ("code", f"### Answer 1\n# {SAID}", MINE),
        ("code", f'"""\n{SAID}\n"""', MINE),
        ("code", f'print("{SAID}")', MINE),
        ("code", f"### Answer 1\n\n{SAID}"),
        ("code", f"# Answer 1\n# {SAID}"),
        ("raw", f"### Answer 1\n{SAID}"),
    ],
)
def test_a_cell_of_another_type_is_read_as_its_text(answer: Any, cell: tuple[Any, ...]) -> None:
    assert SAID == answer(cell, NEXT)


@pytest.mark.parametrize("cell", [("markdown", SAID), ("code", f"# {SAID}"), ("code", f'"""{SAID}"""'), ("code", SAID)])
def test_below_the_marked_cell_that_was_left_as_it_came(answer: Any, cell: tuple[Any, ...]) -> None:
    """Up to the next heading, other mark, or code."""
    assert SAID == answer(LEFT, cell, NEXT)
    assert answer(LEFT, ("markdown", "### Mine\n" + SAID)) is None
    assert answer(LEFT, ("markdown", SAID, {"answer": "other"})) is None
    assert answer(LEFT, ("code", "x = 1"), ("markdown", SAID)) is None
    assert answer(LEFT, ("markdown", SAID, {"prompt": True})) is None


@pytest.mark.parametrize(
    "source",
    [
        f"**Answer 1**\n\n{SAID}",
        f"__Answer 1:__\n{SAID}",
        f"###Answer 1\n{SAID}",
        f"<h3>Answer 1</h3>\n{SAID}",
        f"Answer 1\n========\n{SAID}",
        f"Answer 1: {SAID}",
    ],
)
def test_what_people_take_for_a_heading_is_one(answer: Any, source: str) -> None:
    """If it is what was asked for; another that is numbered ends the answer."""
    assert SAID == answer(("markdown", source), NEXT)
    assert SAID == answer(("markdown", f"{source}\n\n**Answer 2**\n\nOther."))
    assert answer(("markdown", source.replace("Answer", "Remark"))) is None


def test_inside_of_an_answer_nothing_is_cut_off(answer: Any) -> None:
    """Bold lines, rules and lines before a colon belong to it."""
    text = f"**Why:**\n\n{SAID}\n\nIn short: it works.\n\n**Answer**\n\nMore."
    assert text == answer(("markdown", f"### Answer 1\n{text}"), NEXT)
    ruled = answer(("markdown", f"### Answer 1\nFirst.\n---\n{SAID}"), NEXT)
    assert ["First.", SAID] == [line for line in ruled.split("\n") if line]


@pytest.mark.parametrize(
    "source",
    [
        "x = block(x) + x",
        "from torch import nn as nn, optim as o, utils as u",
        "y = [x for x in xs if x is not None]",
        "# a comment\nloss.backward()",
        'print("a", b)',
        "%matplotlib inline",
        'run("it is the sum of the input and the output")',
        "",
    ],
)
def test_code_is_no_text(source: str) -> None:
    assert text_of(source) is None


@pytest.mark.parametrize("name", sorted(shipped_assignments()))
def test_a_starter_that_was_left_as_it_came_holds_no_answer(name: str) -> None:
    """However widely answers are looked for: the next question is none."""
    assignment = find_assignment(name)
    starter = assignment.folder / "starter.ipynb"
    if starter.is_file():
        submission = read(HandIn("doe", "starter.ipynb", starter))
        essays = [each for each in assignment.exercises if isinstance(each, EssayExercise)]
        assert [None] * len(essays) == [find_answer(submission, each) for each in essays]
