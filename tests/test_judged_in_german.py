"""Reports in German: what a student reads of a judgement holds no English sentence of the grader's."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from walls import RESBLOCK, grading

from grader.assignment import Limits, shipped_assignments
from grader.language import speaking
from grader.pipeline import Grader
from grader.submission import HandIn, find
from grader.verdict import CheckResult, Diagnosis, Lesson, Report

# One of each kind of finding: of blocks, networks, functions, experiments and questions.
EXAMPLES = [
    ("residual-blocks", "wrong-detached"),
    ("residual-blocks", "wrong-multiplied"),
    ("residual-blocks", "wrong-no-return"),
    ("residual-blocks", "wrong-one-argument"),
    ("residual-blocks", "wrong-plain-network"),
    ("residual-blocks", "wrong-python-list"),
    ("residual-blocks", "wrong-projection-stride"),
    ("residual-blocks", "wrong-syntax-error"),
    ("residual-blocks", "wrong-unfinished"),
    ("hackathon-5", "wrong-keras"),
    ("hackathon-5", "right-with-answers"),
    ("ensemble-view", "wrong-counting"),
    ("ensemble-view", "wrong-detached"),
    ("gradient-flow", "wrong-no-shortcut"),
    ("gradient-flow", "wrong-popular"),
    ("gradient-flow", "wrong-unfinished"),
    ("residual-quiz", "wrong-no-option"),
    ("residual-quiz", "wrong-several"),
    ("residual-quiz", "wrong-slips"),
    ("residual-quiz", "wrong-unanswered"),
    pytest.param("cifar-resnet", "wrong-depth", marks=pytest.mark.slow),
    pytest.param("degradation", "wrong-logits", marks=pytest.mark.slow),
    pytest.param("degradation", "wrong-same-network", marks=pytest.mark.slow),
    pytest.param("degradation", "wrong-swapped", marks=pytest.mark.slow),
    pytest.param("resnet", "wrong-conv-biases", marks=pytest.mark.slow),
]
SOURCES = {
    "exits": "import os\nos._exit(3)\nclass ResBlock: pass",
    "loops": f"{RESBLOCK}\nwhile True: pass\nclass Bottleneck(ResBlock): pass",
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
    "prints": f"{RESBLOCK}\nimport nothing_of_that_name\nimport torch",
}
SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n")
ERROR = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Warning)\b")  # Python's own words
CODE = re.compile(r"`[^`]*`|\b\w+\([^()]*(?:\([^()]*\)[^()]*)*\)|'[^']*'")
WORD = re.compile(r"[a-z]{2,}")
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
    return sorted(
        part
        for part in same
        if part.strip(" .:;?!") not in by_instructors
        and not ERROR.search(part)
        and [word for word in WORD.findall(CODE.sub("", part)) if word not in BOTH]
    )


@pytest.fixture(scope="module")
def graders() -> Iterator[Callable[[str], Grader]]:
    """Graders of shipped assignments, each started when it is first asked for; they go from language to language."""
    with ExitStack() as stack:
        limits = Limits(cell_seconds=1.5, output_kib=1)
        yield cache(lambda assignment: stack.enter_context(grading(limits=limits, assignment=assignment)))


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
    return (shipped_assignments()[assignment] / "assignment.toml").read_text("utf-8")


@pytest.mark.parametrize(("assignment", "name"), EXAMPLES)
def test_an_example_is_judged_in_german(graders: Callable[[str], Grader], assignment: str, name: str) -> None:
    """With the same points, places and mistakes as in English."""
    with find([shipped_assignments()[assignment] / "examples" / f"{name}.ipynb"]) as (hand_in,):
        german, english = both(graders(assignment), hand_in)
    assert facts(english) == facts(german)
    assert [] == untranslated(german, english, instructors(assignment))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_code_is_judged_in_german(graders: Callable[[str], Grader], tmp_path: Path, source: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source, encoding="utf-8")
    german, english = both(graders("residual-blocks"), HandIn("doe", "mine.py", path))
    assert facts(english) == facts(german)
    assert [] == untranslated(german, english, instructors("residual-blocks"))


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
def test_a_file_is_read_in_german(graders: Callable[[str], Grader], tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    german, english = both(graders("residual-quiz"), HandIn("doe", name, path))
    assert [] == untranslated(german, english, instructors("residual-quiz"))


def test_what_was_found_before_the_language_was_known_is_said_in_it(
    graders: Callable[[str], Grader], tmp_path: Path
) -> None:
    """Zips are opened first of all; the reason is data until a report tells it."""
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("doe.zip", b"no zip")
        archive.writestr("poe/notes.txt", b"nothing")
        archive.writestr("poe/work.rar", b"nothing")
        archive.writestr("roe/mine.py", b"x = 1")
    with find([tmp_path / "class.zip"]) as hand_ins:
        for hand_in in hand_ins[:2]:
            assert hand_in == replace(hand_in)
            german, english = both(graders("residual-quiz"), hand_in)
            assert hand_in.problem in english.message
            assert [] == untranslated(german, english, f"{hand_in.file}: ")
        with speaking("de"):
            reports = [graders("residual-quiz").grade(hand_in)[0] for hand_in in hand_ins]
    assert "Zip-Datei ist kaputt" in reports[0].message
    assert "nur notes.txt, work.rar; Archive dieser Art" in reports[1].message
