"""Answers beside the cell that was left as it came: what is plain counts, what only a human can read is pending."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_quiz import choice, predict

from grader.assignment import find_assignment, shipped_assignments
from grader.quiz import judge_quiz
from grader.starter import handed_out
from grader.submission import HandedOut, HandIn, answers, find_given, read, stray
from grader.submission import handed_out as starters
from grader.verdict import CheckResult, Status

ASSIGNMENT = find_assignment("residual-quiz")
QUESTIONS = {exercise.id: exercise for exercise in ASSIGNMENT.quiz_exercises}
STARTER = json.loads((shipped_assignments()["residual-quiz"] / "starter.ipynb").read_text(encoding="utf-8"))
GIVEN = handed_out(ASSIGNMENT)

Cells = list[dict[str, Any]]


def cell(kind: str, source: str) -> dict[str, Any]:
    more: dict[str, Any] = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "source": source, "metadata": {}, **more}


def source_of(each: dict[str, Any]) -> str:
    return "".join(each["source"])


def place_of(cells: Cells, name: str) -> int:
    """Of the code cell with the question's name."""
    return next(n for n, each in enumerate(cells) if source_of(each).startswith(f"{name} = ..."))


def verdicts(folder: Path, change: Callable[[Cells], None]) -> dict[str, CheckResult]:
    """On the starter after this change, for each question."""
    cells = copy.deepcopy(STARTER["cells"])
    change(cells)
    for each in cells:
        each.pop("id", None)
    path = folder / "doe.ipynb"
    path.write_text(json.dumps({**STARTER, "cells": cells, "nbformat_minor": 4}), encoding="utf-8")
    given = find_given(read(HandIn("doe", "doe.ipynb", path)), ASSIGNMENT.quiz_exercises, GIVEN)
    return {each.id: judge_quiz(each, given.get(each.id)).checks[0] for each in ASSIGNMENT.quiz_exercises}


def only(found: dict[str, CheckResult], question: str) -> CheckResult:
    """The verdict on one question, where nothing is said of any other."""
    others = [each for name, each in found.items() if name != question]
    assert all(each.message.startswith("Not answered: ") for each in others)
    assert {Status.FAILED} == {each.status for each in others}
    return found[question]


def below(folder: Path, question: str, text: str) -> CheckResult:
    def change(cells: Cells) -> None:
        cells.insert(place_of(cells, QUESTIONS[question].name) + 1, cell("markdown", text))

    return only(verdicts(folder, change), question)


def within(folder: Path, question: str, edit: Callable[[str], str]) -> CheckResult:
    def change(cells: Cells) -> None:
        asked = cells[place_of(cells, QUESTIONS[question].name) - 1]
        asked["source"] = edit(source_of(asked))

    return only(verdicts(folder, change), question)


def in_code(folder: Path, question: str, source: str) -> CheckResult:
    def change(cells: Cells) -> None:
        cells[place_of(cells, QUESTIONS[question].name)]["source"] = source

    return only(verdicts(folder, change), question)


def test_who_wrote_nothing_has_not_answered(tmp_path: Path) -> None:
    """Nor who ran the cells, or put placeholders, empty headings and boxes there."""
    found = verdicts(tmp_path, lambda cells: None)
    assert all(each.message.startswith("Not answered: ") for each in found.values())
    assert {Status.FAILED} == {each.status for each in found.values()}


@pytest.mark.parametrize("id", sorted(shipped_assignments()))
def test_no_starter_answers_anything(id: str) -> None:
    """Of all that ship."""
    assignment = find_assignment(id)
    if not assignment.quiz_exercises:
        return
    submission = read(HandIn("doe", "doe.ipynb", shipped_assignments()[id] / "starter.ipynb"))
    given = find_given(submission, assignment.quiz_exercises, handed_out(assignment))
    reports = [judge_quiz(each, given.get(each.id)) for each in assignment.quiz_exercises]
    assert all(report.checks[0].message.startswith("Not answered: ") for report in reports)


@pytest.mark.parametrize(
    "text",
    [
        *("", "*Your answer here*", "### Answer: sum", "### Answer (sum)", "Answer:", "**My answer**", "Antwort: sum"),
        *(
            "---",
            "...",
            "TODO",
            "<!-- -->",
            "### Answer: sum\n\n- [ ] a\n- [ ] b\n- [ ] c\n- [ ] d",
            "- [ ] a\n- [ ] b",
        ),
    ],
)
def test_what_says_nothing_is_no_answer(tmp_path: Path, text: str) -> None:
    result = below(tmp_path, "sum", text)
    assert Status.FAILED == result.status, result.message
    assert result.message.startswith("Not answered: ")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("degradation", "Answer: degradation\n\n{}"),
        ("gradients", "Answer: gradients\n{}"),
        ("projection", "### Answer: (projection)\n\n{}"),
        ("sum", "### Answer (sum)\n\n{}"),
        ("sum", "Answer: sum\n\n{}"),
        ("sum", "### Answer: sum: {}"),
        ("bound", "### Answer: bound: {}"),
        ("bound", "### Answer bound\n{}"),
        ("preactivation", "### Answer: preactivation {}"),
        ("preactivation", "Antwort: preactivation\n\n{}"),
        ("bottleneck", "Answer: bottleneck - {}"),
        ("bottleneck", "### Antwort: bottleneck\n\n{}"),
        ("identity-init", "### Answer: identity init\n\n{}"),
        ("identity-init", "**Answer: q_identity_init**\n\n{}"),
        ("zero-block", "Answer: zero-block\n\n{}"),
        ("output-shape", "### Answer: (output-shape)\n\n{}"),
        ("path-length", "### Answer path-length\n{}"),
        ("shrinking", "### Answer: shrinking = {}"),
        ("sum", "Answer: {}"),
        ("sum", "{}"),
    ],
)
def test_a_heading_in_ones_own_words_names_the_question(tmp_path: Path, question: str, text: str) -> None:
    """One clear answer below or behind it counts, a wrong one as well."""
    exercise = QUESTIONS[question]
    if exercise.kind == "choice":
        right = next(option.id for option in exercise.options if option.right)
        wrong = next(option.id for option in exercise.options if not option.right)
    else:
        right, wrong = (str(value).strip("[]") for value in (exercise.value, exercise.wrong[0].value))
    assert Status.PASSED == below(tmp_path, question, text.format(right)).status
    assert Status.FAILED == below(tmp_path, question, text.format(wrong)).status


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("option-a", "### Answer 8\n\nb"),
        ("option-a", "### Answer: option a is the zeros"),
        ("option-a", "Option A fills what is missing with zeros"),
        ("concatenation", "### Answer: 9\n\na"),
        ("identity-init", "b, since the bn weight is zero"),
        ("output-shape", "The output has shape 1×128×16×16."),
        ("path-length", "## 27"),
        ("sum", "## b"),
        ("sum", "yes"),
        ("sum", "idk"),
        ("sum", "Answer: sum\n\nthe third one"),
        ("parameter-count", "All that change the widths, and the stride: the first and the third."),
        ("path-count", "![my notes](attachment:photo.png)"),
    ],
)
def test_what_only_a_human_can_read_is_pending(tmp_path: Path, question: str, text: str) -> None:
    """Whatever it says: no accusation, and no points."""
    result = below(tmp_path, question, text)
    assert Status.SKIPPED == result.status, result.message
    assert "Pending: " in result.message


def test_the_page_says_where_something_is_written(tmp_path: Path) -> None:
    result = below(tmp_path, "degradation", "b, since it is worse in training")
    said = "Pending: q_degradation has no value, and in cell 4 something is written."
    assert result.message.startswith(said)
    assert (4, None) == (result.cell, result.line)


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: f"{text}\n\nc",
        lambda text: f"{text}\n\n**My answer: c**",
        lambda text: f"c\n\n{text}",
        lambda text: text.replace("- **c)**", "- [x] **c)**"),
        lambda text: "\n".join(f"{line} ✓" if "**c)**" in line else line for line in text.split("\n")),
        lambda text: "\n".join(f"**{line}**" if "**c)**" in line else line for line in text.split("\n")),
        lambda text: "\n".join(line for line in text.split("\n") if "**a)**" not in line) + "\nnot d, not b",
    ],
)
def test_what_was_written_into_the_question_is_pending(tmp_path: Path, edit: Callable[[str], str]) -> None:
    """An option that is ticked, stressed or added to, and a line of one's own."""
    assert Status.SKIPPED == within(tmp_path, "sum", edit).status


@pytest.mark.parametrize(
    "source",
    [
        *(
            "q_sum = ...  # c",
            "q_sum = ...  # a letter: c",
            '"c"\nq_sum = ...',
            "# c\nq_sum = ...",
            "q_sum = None  # c",
        ),
        *('"c"', "c", '"""\nthe third one\n"""', '# q_sum = ...\nanswer = "c"', 'print("c")', "# the third one"),
    ],
)
def test_what_was_written_beside_the_name_is_pending(tmp_path: Path, source: str) -> None:
    """In a comment, as a bare value, or where the name was deleted."""
    assert Status.SKIPPED == in_code(tmp_path, "sum", source).status


@pytest.mark.parametrize(
    "source",
    [
        "q_sum = ...",
        "q_sum = None",
        "q_sum = ''",
        "q_sum = ... # a letter",
        "q_sum = ...\n\nx = block(y)",
        "",
        "import torch",
    ],
)
def test_code_that_says_nothing_is_no_answer(tmp_path: Path, source: str) -> None:
    assert Status.FAILED == in_code(tmp_path, "sum", source).status


@pytest.mark.parametrize("text", ["sum: c\n\nbound: b", "**q_sum**: c, **q_bound**: b", "4c 5b", "4) c\n5) b"])
def test_answers_in_one_cell_are_found_anywhere(tmp_path: Path, text: str) -> None:
    """By the question's name or number; the others have no answer."""
    found = verdicts(tmp_path, lambda cells: cells.insert(1, cell("markdown", text)))
    for name in ("sum", "bound"):
        if not text.startswith("**"):
            assert Status.FAILED != found.pop(name).status
    assert {"Not answered"} == {each.message[:12] for name, each in found.items() if name not in ("sum", "bound")}


def test_a_script_is_read_around_the_name(tmp_path: Path) -> None:
    """As Jupyter exports it: what is written at one question answers no other."""
    lines = []
    for each in STARTER["cells"]:
        text = source_of(each)
        if each["cell_type"] == "markdown":
            text = "\n".join(f"# {line}" for line in ["%% [markdown]", *text.split("\n")])
        lines.append(text)
        if text.startswith(("q_sum", "q_path_length")):
            lines.append("# c, for whatever F is")
    path = tmp_path / "doe.py"
    path.write_text("\n\n".join(lines), encoding="utf-8")
    given = find_given(read(HandIn("doe", "doe.py", path)), ASSIGNMENT.quiz_exercises, GIVEN)
    pending = [
        each.id
        for each in ASSIGNMENT.quiz_exercises
        if judge_quiz(each, given.get(each.id)).checks[0].status is Status.SKIPPED
    ]
    assert ["sum", "path-length"] == pending


def test_much_text_is_read_in_no_time(tmp_path: Path) -> None:
    """Long lines, and many."""
    start = time.monotonic()
    for text in ("Answer: " * 100_000, "[ ] a\n" * 5_000, "1a " * 300_000, "# x\n" * 5_000, " " * 500_000 + "x"):
        for kind in ("markdown", "code"):
            verdicts(tmp_path, lambda cells, kind=kind, text=text: cells.insert(4, cell(kind, text)))  # type: ignore[misc]
    assert time.monotonic() - start < 30


# ---------------------------------------------------------------------- numbers of options, boxes, near numbers


@pytest.mark.parametrize("value", ["0", "1", "4", "2.0", "[0, 2]", "(1, 3)", '"2"', '["0", "2"]'])
@pytest.mark.parametrize("several", [False, True])
def test_the_number_of_an_option_is_a_humans(notebook_path: Path, value: str, several: bool) -> None:
    """It may count from 0 or from 1."""
    assert Status.SKIPPED == coded(notebook_path, choice("ac", several=several), f"q_sky = {value}").status


@pytest.mark.parametrize("value", ["5", "-1", "1.5", "[7]"])
def test_a_number_that_counts_no_option_is_none(notebook_path: Path, value: str) -> None:
    result = coded(notebook_path, choice(), f"q_sky = {value}")
    assert Status.FAILED == result.status
    assert result.message.startswith("This is none of the options")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "It is near, and it has to be exact, to the last digit."),
        ({"tolerance": 10}, "It is near, and it may be off by 10 at most."),
        ({"relative": 0.0001}, "It is near, and it may be off by 0.01 percent at most."),
    ],
)
def test_a_near_miss_is_told_how_near_it_must_be(notebook_path: Path, more: dict[str, float], said: str) -> None:
    """Within 1 percent; what is farther off was not rounded."""
    near = coded(notebook_path, predict(25557032, **more), "q_sum = 2.56e7")
    assert (Status.FAILED, f"25600000 is not what comes out. {said}") == (near.status, near.message)
    far = coded(notebook_path, predict(25557032, **more), "q_sum = 2.6e7")
    assert (Status.FAILED, "26000000 is not what comes out.") == (far.status, far.message)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((27, text) for text in ("27 branches", "27 Zweige", "27 Blöcke", "27 Schichten")),
        (1024, "1024 Pfade"),
        (2, "zwei"),
    ],
)
def test_units_and_words_may_be_german(notebook_path: Path, value: int, text: str) -> None:
    assert Status.PASSED == coded(notebook_path, predict(value), f'q_sum = "{text}"').status
    assert Status.FAILED == coded(notebook_path, predict(value * 2), f'q_sum = "{text}"').status


@pytest.mark.parametrize("text", ["1-2", "1 – 2", "20-30", "1e3 - 2e3", "1.9 - 2e0"])
def test_a_range_is_no_difference(notebook_path: Path, text: str) -> None:
    assert Status.SKIPPED == coded(notebook_path, predict(2), f'q_sum = "{text}"').status


@pytest.fixture
def notebook_path(tmp_path: Path) -> Path:
    return tmp_path / "doe.ipynb"


def coded(path: Path, exercise: Any, source: str) -> CheckResult:
    path.write_text(json.dumps({"cells": [cell("code", source)], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    given = find_given(read(HandIn("doe", "doe.ipynb", path)), [exercise], HandedOut([]))
    return judge_quiz(exercise, given.get(exercise.id)).checks[0]


@pytest.mark.parametrize("line", ["a line of text {n}", "# {n}", "- [ ] {n}", "Answer: {n}"])
def test_a_long_text_is_read_once_and_not_for_each_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """It took as long as there are questions: a notebook of 200,000 lines took minutes."""
    read: Counter[str] = Counter()
    for module, function in ((answers, "_heading"), (starters, "_plain"), (stray, "is_placeholder")):
        monkeypatch.setattr(module, function, counted(getattr(module, function), read))
    text = "\n".join(line.format(n=n) for n in range(2_000))
    found = verdicts(tmp_path, lambda cells: cells.insert(0, cell("markdown", text)))
    assert {Status.FAILED} == {each.status for each in found.values()}
    assert read["_heading"] <= 2_300
    assert read["_plain"] <= 3 * 2_300
    assert read["is_placeholder"] <= 2_300


def counted(function: Callable[[str], Any], calls: Counter[str]) -> Callable[[str], Any]:
    def called(line: str) -> Any:
        calls[function.__name__] += 1
        return function(line)

    return called
