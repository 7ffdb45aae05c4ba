"""What a student reads of a mistake in another language: the same mistakes, and nothing left in English.

A few of them are judged, each composed in a way of its own; `GRADER_PROGRAMS` set to anything judges two of each.
"""

from __future__ import annotations

import os
import re

import pytest
from judging import judge
from test_mistakes import exercise_of

from grader.formats._class.said import sentences
from grader.language import say, speaking
from grader.mistakes import mistakes
from grader.mistakes._mistake import RESBLOCK, changed
from grader.verdict import Diagnosis

_SENTENCE = re.compile(r"(?<=[.?!])\s|(?<=[.?!]\))\s")
COMPOSED = (
    "argument-given-twice",  # two sentences
    "attribute-missing",  # behind what Python says
    "dropout-added",  # one of several
    "projection-wrong-condition",  # a plant with a text and values
    "shape-mismatch",  # with the operands and their lines
    "super-wrong",  # with what Python says behind it
    "wrong-depth",  # a number that asks for its form
    "wrong-padding",  # others explain it equally
)
PAIR = changed(RESBLOCK, ("F.relu(out + identity)", "out - identity"))
SOURCES = [
    pytest.param(source, id=f"{mistake.id}-{number}")
    for mistake in mistakes().values()
    for number, source in enumerate(mistake.broken[:2])
    if (mistake.id in COMPOSED and number == 0) or "GRADER_PROGRAMS" in os.environ
]


def diagnoses(source: str, language: str) -> list[Diagnosis]:
    with speaking(language):
        return judge(source, exercise_of(source)).diagnoses


def read_by_students(found: list[Diagnosis]) -> set[str]:
    """All sentences."""
    texts = [text for each in found if each.lesson for text in (each.message, each.lesson.why, *each.lesson.hints)]
    return {sentence for text in texts for sentence in _SENTENCE.split(text)}


@pytest.mark.parametrize("source", [pytest.param(PAIR, id="two together"), *SOURCES])
def test_a_mistake_is_told_in_german_and_is_the_same(source: str) -> None:
    """What is found, where, and on what it rests do not change with the language; all that is read does."""
    english, german = diagnoses(source, "en"), diagnoses(source, "de")
    assert [] != english
    assert [(d.mistake, d.proof, d.cell, d.line) for d in english] == [
        (d.mistake, d.proof, d.cell, d.line) for d in german
    ]
    assert set() == read_by_students(english) & read_by_students(german)
    assert not re.search(r"[{}]", " ".join(d.message for d in german))


def test_what_was_proven_together_is_said_with_its_partner() -> None:
    """By its id, which no language changes."""
    first, second = diagnoses(PAIR, "de")
    assert f"(Zusammen mit {second.mistake} bewiesen: " in first.message
    assert f"(Zusammen mit {first.mistake} bewiesen: " in second.message


def test_a_plant_says_its_values() -> None:
    """They are filled in when it is told, in the language of that moment."""
    [first, *_] = mistakes()["wrong-kernel"].plants  # type: ignore[attr-defined]
    assert "The first convolution of the branch has a 1×1 kernel: the wrong size." == first.said
    with speaking("de"):
        assert "Die erste Faltung des Zweigs hat einen 1×1-Kernel: Das ist die falsche Größe." == first.said


def test_a_class_is_not_told_of_proofs_in_german_either() -> None:
    """Asides are known by the words of the language they are said in."""
    with speaking("de"):
        for diagnosis in diagnoses(PAIR, "de"):
            told = say(mistakes()[diagnosis.mistake].message)
            assert diagnosis.message.startswith(f"{told} (")
            assert sentences(told) == sentences(diagnosis.message)
