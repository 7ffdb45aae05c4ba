"""Texts in other languages: complete catalogues, and nothing but texts that changes with them."""

from __future__ import annotations

import pickle
import sys
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Catalog
from typer.testing import CliRunner

from grader.assignment import load_assignment
from grader.cli import app
from grader.errors import WRONG_USAGE, AssignmentError
from grader.language import languages, later, many, say, speaking, spoken
from grader.verdict import ALIKE

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools"))

import texts  # noqa: E402
from texts import of_python  # noqa: E402


def test_catalogues_are_complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Every text of the code and of the templates is translated, with the same names in braces, and compiled."""
    monkeypatch.setattr(sys, "argv", ["texts.py", "--check"])
    assert (0, "") == (texts.main(), capsys.readouterr().out[:3000])


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


def test_an_unknown_language_is_refused_with_the_choices(tmp_path: Path):
    """On the command line it is wrong usage, in an assignment a mistake of its author."""
    folder = ROOT / "assignments" / "residual-quiz"
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    (tmp_path / "assignment.toml").write_text(f'language = "tlh"\n{text}', encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"no language 'tlh': choose from en, de"):
        load_assignment(tmp_path)
    done = CliRunner().invoke(app, ["check", str(folder / "examples"), "--language", "tlh", "--output", str(tmp_path)])
    assert (WRONG_USAGE, True) == (done.exit_code, "unknown language 'tlh': choose from en, de" in done.stderr)


@pytest.mark.parametrize("said", ["nothing that was said before", ("one thing anew", "{n} things anew")])
def test_what_nobody_translated_is_told(monkeypatch: pytest.MonkeyPatch, said: str | tuple[str, str]) -> None:
    """As it is before `make texts` has run: the catalogue has no place for it yet."""
    new = Catalog()
    new.add(said)
    monkeypatch.setattr(texts, "texts", lambda: new)
    assert f"de: not translated: {(said if isinstance(said, str) else said[0])!r}" in list(texts.problems("de"))


def test_texts_are_found_wherever_they_are_said():
    """In an f-string as well as in a line of its own."""
    code = b"""f"{say('a')} {many('b', 'c', n)}"; later("d" "e"); say(text); other("f")"""
    found = [(name, words) for _, name, words, _ in of_python(BytesIO(code), ("say", "many", "later"), (), {})]
    assert [("later", ["de"]), ("many", ["b", "c", None]), ("say", ["a"]), ("say", [None])] == sorted(found, key=str)


def test_a_constant_is_filled_in_when_it_is_said():
    """Its values are known then."""
    assert "(With bias it would behave just the same.)" == say(ALIKE, mistakes="bias")


def test_what_is_said_later_is_english_until_then():
    """Wherever it went in between: into another text, or to another process."""
    inner = later("it holds {n} files, and at most {most} are unpacked", n=9, most=5)
    text = pickle.loads(pickle.dumps(later("the zip cannot be opened: {why}; {remedy}", why=inner, remedy="{again}")))
    german = "die Zip-Datei lässt sich nicht öffnen: sie enthält 9 Dateien, und höchstens 5 werden entpackt; {again}"
    english = "the zip cannot be opened: it holds 9 files, and at most 5 are unpacked; {again}"
    assert english == text == say(text) == f"{text}"
    with speaking("de"):
        assert english == text
        assert german == say(text)
        assert f"{german}." == say("{what}.", what=text)
