"""Texts in other languages: complete catalogues, and nothing but texts that changes with them."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest

from grader.language import languages, later, many, say, speaking, spoken

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools"))

from texts import of_python  # noqa: E402


def test_catalogues_are_complete():
    """Every text of the code and of the templates is translated, with the same names in braces, and compiled."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "texts.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stdout), done.stdout[:3000] + done.stderr


def test_english_is_spoken_unless_told_otherwise():
    assert "en" == spoken()
    assert "2 of 3" == say("{n} of {all}", n=2, all=3)
    assert "1 row" == many("{n} row", "{n} rows", 1)
    assert "0 rows" == many("{n} row", "{n} rows", 0)
    assert "Passed" == later("Passed")
    assert "" == say("")


def test_braces_of_values_stay():
    """What a student wrote is filled in, never read as a text with names."""
    assert "a {b} c" == say("a {value} c", value="{b}")
    assert "a {b} c" == say("a {b} c")


def test_a_language_is_spoken_inside_of_its_block_alone():
    with speaking("de"):
        assert "de" == spoken()
    with pytest.raises(ZeroDivisionError), speaking("de"):
        raise ZeroDivisionError
    assert "en" == spoken()


def test_german_is_one_of_the_languages():
    assert ("en", "de") == languages()[:2]


def test_texts_are_found_wherever_they_are_said():
    """In an f-string as well as in a line of its own."""
    code = b"""f"{say('a')} {many('b', 'c', n)}"; later("d" "e"); say(text); other("f")"""
    found = [(name, texts) for _, name, texts, _ in of_python(BytesIO(code), ("say", "many", "later"), (), {})]
    assert [("later", ["de"]), ("many", ["b", "c", None]), ("say", ["a"]), ("say", [None])] == sorted(found, key=str)
