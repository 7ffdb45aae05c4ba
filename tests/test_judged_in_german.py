"""Reports in German: what a student reads of a judgement holds no English sentence of the grader's."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from walls import RESBLOCK, grading

from grader.assignment import Limits, find_assignment, shipped_assignments
from grader.formats.json import document
from grader.identity import identity
from grader.language import speaking
from grader.observation import Problem
from grader.pipeline import Grader
from grader.row import row_of
from grader.slot import Order
from grader.spool import Spool
from grader.submission import HandIn, find
from grader.verdict import CheckResult, Diagnosis, Lesson, Report, SubmissionStatus

# One of each kind of finding: of blocks, networks, functions, experiments and questions.
FAST = [
    ("residual-blocks", "wrong-detached"),
    ("residual-blocks", "wrong-one-argument"),
    ("residual-blocks", "wrong-syntax-error"),
    ("hackathon-5", "right-with-answers"),
    ("ensemble-view", "wrong-counting"),
    ("gradient-flow", "wrong-popular"),
    ("gradient-flow", "wrong-unfinished"),
    ("residual-quiz", "wrong-no-option"),
    ("residual-quiz", "wrong-several"),
    ("residual-quiz", "wrong-slips"),
    ("residual-quiz", "wrong-unanswered"),
]
SLOW = [
    ("residual-blocks", "wrong-multiplied"),
    ("residual-blocks", "wrong-no-return"),
    ("residual-blocks", "wrong-plain-network"),
    ("residual-blocks", "wrong-projection-stride"),
    ("residual-blocks", "wrong-python-list"),
    ("residual-blocks", "wrong-unfinished"),
    ("cifar-resnet", "wrong-depth"),
    ("degradation", "wrong-logits"),
    ("degradation", "wrong-same-network"),
    ("degradation", "wrong-swapped"),
    ("ensemble-view", "wrong-transposed"),
    ("gradient-flow", "wrong-no-shortcut"),
    ("hackathon-5", "wrong-keras"),
    ("resnet", "wrong-conv-biases"),
]
EXAMPLES = [*FAST, *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW)]
SOURCES = {
    "exits": "import os\nos._exit(3)\nclass ResBlock: pass",
    "loops": "class ResBlock:\n    while True: pass",
    "misspelt": RESBLOCK.replace("class ResBlock", "class ResBlok"),
    "integers": RESBLOCK.replace("return torch.relu", "return torch.round").replace(
        "shortcut(x))", "shortcut(x)).int()"
    ),
    "unsteady": RESBLOCK.replace("torch.relu(", "torch.relu(torch.rand(()) + "),
    "overwrites": RESBLOCK.replace("return", "x += 1\n        return"),
    "cannot add": RESBLOCK.replace("if stride != 1 or in_channels != out_channels", "if False"),
    "squeezed": RESBLOCK.replace("self.shortcut(x))", "self.shortcut(x)).flatten(1)"),
    "frozen": RESBLOCK.replace(
        "self.shortcut = nn.Id", "self.branch.requires_grad_(False)\n        self.shortcut = nn.Id"
    ),
    "asks where it runs": f"import sys\n{RESBLOCK}\nwhere = '/proc/self'",
    "prints": f"{RESBLOCK}\nimport nothing_of_that_name\nclass Bottleneck(ResBlock): print('x' * 5000)",
}
SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n")
# Python's own words, some of which stand behind a colon of ours.
PYTHON = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception|Warning)\b|takes no arguments|positional argument|has no attribute|size of tensor|"
    r"No module named|is not defined|^expected "
)
# Calls, arguments by name, and what an experiment calls its networks: plain-32.
CODE = re.compile(r"`[^`]*`|\b\w+\([^()]*(?:\([^()]*\)[^()]*)*\)|\b\w+=\w+|\b[a-z]+-\d+\b")
OPTION = re.compile(r"^[a-z]\) ")
WORD = re.compile(r"\b[a-z]{2,}\b")
# What is the same word in both: torch's names of types and operations, and words that German took over.
BOTH = frozenset("shift weight scale float int32 max min relu softmax log dim mm".split())


def texts(report: Report) -> Iterator[str]:
    """All that a student reads of a report, but for the exercises' titles and their own answers."""
    yield report.message
    yield from report.repairs
    yield from report.warnings
    for exercise in report.exercises:
        for check in exercise.checks:
            yield from _of_check(check)
        for diagnosis in exercise.diagnoses:
            yield diagnosis.message
            yield from _of_lesson(diagnosis)


def _of_check(check: CheckResult) -> Iterator[str]:
    yield from (check.title, check.message, check.advice, *check.evidence, *check.notes)
    yield from (value for value in (check.expected, check.actual) if isinstance(value, str))
    yield from _of_lesson(check)


def _of_lesson(finding: CheckResult | Diagnosis) -> Iterator[str]:
    lesson: Lesson | None = finding.lesson
    if lesson is not None:
        yield from (lesson.why, *lesson.hints)


def untranslated(german: Report, english: Report, by_instructors: str) -> list[str]:
    """Sentences that are the same in both, and neither code, nor Python's, nor an instructor's."""
    pairs = list(zip(texts(german), texts(english), strict=True))
    same = {part for one, other in pairs for part in set(SENTENCE.split(one)) & set(SENTENCE.split(other))}
    return sorted(part for part in same if not PYTHON.search(part) and not _is_theirs(part, by_instructors))


def _is_theirs(part: str, by_instructors: str) -> bool:
    """Is it an instructor's text, or a case that they named behind its call, or has it no word?"""
    text = OPTION.sub("", part).strip(" .:;?!")
    rest = CODE.sub("", part).strip(" .,:;?!()")
    return text in by_instructors or rest in by_instructors or not set(WORD.findall(rest)) - BOTH


@pytest.fixture(scope="module")
def graders() -> Iterator[Callable[..., Grader]]:
    """Graders of shipped assignments, each started when it is first asked for; they go from language to language."""
    with ExitStack() as stack:
        limits = Limits(cell_seconds=1.5, output_kib=1)

        @cache
        def of(assignment: str, *, diagnose: bool = True) -> Grader:
            return stack.enter_context(grading(limits=limits, diagnose=diagnose, assignment=assignment))

        yield of


def both(grader: Grader, hand_in: HandIn) -> tuple[Report, Report]:
    """The report on one hand-in in German, and in English."""
    with speaking("de"):
        german, _ = grader.grade(hand_in)
    english, _ = grader.grade(hand_in)
    return german, english


def facts(report: Report) -> object:
    """What of a report is data, and the same in every language."""
    data = report.model_dump(mode="json", exclude={"repairs", "warnings"})
    words = {"message", "expected", "actual"}
    for exercise in data["exercises"]:
        for finding in (*exercise["checks"], *exercise["diagnoses"]):
            for key in words & set(finding):
                finding[key] = bool(finding[key]) if isinstance(finding[key], str) else finding[key]
    return data


def instructors(assignment: str) -> str:
    """All that an assignment says by itself."""

    def strings(value: object) -> Iterator[str]:
        if isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                yield from strings(each)
        elif isinstance(value, str):
            yield value

    read = tomllib.loads((shipped_assignments()[assignment] / "assignment.toml").read_text("utf-8"))
    return " ".join(" ".join(strings(read)).split())


@pytest.mark.parametrize(("assignment", "name"), EXAMPLES)
def test_an_example_is_judged_in_german(graders: Callable[..., Grader], assignment: str, name: str) -> None:
    """With the same points, places and mistakes as in English."""
    with find([shipped_assignments()[assignment] / "examples" / f"{name}.ipynb"]) as (hand_in,):
        german, english = both(graders(assignment), hand_in)
    assert facts(english) == facts(german)
    assert [] == untranslated(german, english, instructors(assignment))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_code_is_judged_in_german(graders: Callable[..., Grader], tmp_path: Path, source: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source, encoding="utf-8")
    german, english = both(graders("residual-blocks", diagnose=False), HandIn("doe", "mine.py", path))
    assert facts(english) == facts(german)
    assert [] == untranslated(german, english, instructors("residual-blocks"))


def test_a_cell_that_was_stopped_says_so_in_german() -> None:
    """The words come from behind the wall; those of any other exception are Python's, and stay."""
    stopped, other = (Problem(cell=1, type=kind, message="stopped after 1.5 s") for kind in ("CellTimeout", "OSError"))
    with speaking("de"):
        assert "CellTimeout: nach 1.5 s abgebrochen" == stopped.words
        assert "OSError: stopped after 1.5 s" == other.words
    assert "CellTimeout: stopped after 1.5 s" == stopped.words


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.ipynb", b""),
        ("picture.ipynb", b"\x89PNG"),
        ("page.ipynb", b"<html>"),
        ("binary.py", b"\0\1"),
        ("broken.ipynb", b'{"cells": ['),
        ("damaged.ipynb", b'{"cells": nan}'),
        ("list.ipynb", b"[]"),
        ("old.ipynb", b'{"nbformat": 1}'),
        ("new.ipynb", b'{"nbformat": 5, "cells": []}'),
        (
            "odd.ipynb",
            b'{"cells": [3, {"source": 4}, {"cell_type": "heading"}, {"outputs": 1, "metadata": {"tags": 1}}]}',
        ),
    ],
)
def test_a_file_is_read_in_german(graders: Callable[..., Grader], tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    german, english = both(graders("residual-quiz"), HandIn("doe", name, path))
    assert [] == untranslated(german, english, name)


def test_what_was_found_before_the_language_was_known_is_said_in_it(
    graders: Callable[..., Grader], tmp_path: Path
) -> None:
    """Zips are opened first of all; the reason is data until a report tells it."""
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("doe.zip", b"no zip")
        archive.writestr("poe/notes.txt", b"nothing")
        archive.writestr("poe/work.rar", b"nothing")
        archive.writestr("roe/mine.py", b"x = 1")
    with find([tmp_path / "class.zip"]) as hand_ins:
        for hand_in in hand_ins[:2]:
            german, english = both(graders("residual-quiz"), hand_in)
            assert hand_in.problem in english.message
            assert [] == untranslated(german, english, f"{hand_in.file}: ")
        with speaking("de"):
            reports = [graders("residual-quiz").grade(hand_in)[0] for hand_in in hand_ins]
    assert "Zip-Datei ist kaputt" in reports[0].message
    assert "nur notes.txt, work.rar; Archive dieser Art" in reports[1].message


def test_a_run_in_another_language_starts_over(tmp_path: Path) -> None:
    """What a run that was cut off has left is continued in its language alone: one class reads one language."""
    order = Order(find_assignment("residual-quiz"), "auto", "cpu", 0, Limits(), None, ("html",), language="de")
    empty = Report(
        student="doe",
        file="doe.py",
        status=SubmissionStatus.GRADED,
        score=0.0,
        max_score=0.0,
        exercises=[],
        repairs=[],
        warnings=[],
    )
    with Spool(1, tmp_path) as spool:
        spool.begin(identity(order))
        spool.append(0, row_of(empty), json.dumps(document(empty)), "doe")
    with Spool(1, tmp_path) as spool:
        spool.resume(identity(replace(order, language="de")), ["doe"])
        assert [] == spool.missing()
    with Spool(1, tmp_path) as spool:
        spool.resume(identity(replace(order, language="en")), ["doe"])
        assert [0] == spool.missing()
