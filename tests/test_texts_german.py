"""What is said to students in German: the same facts, as plain as in English (see `test_texts`)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_texts import FEWEST, LONGEST_MEAN, LONGEST_SENTENCE, MOST, lessons, whole, words

import grader
from grader.formats._words import PROOF
from grader.language import say, speaking
from grader.mistakes import mistakes
from grader.mistakes._mistake import Planted
from grader.verdict import Lesson, Proof

# What an assignment's own faults say stays in the language of whoever wrote the assignment.
TAUGHT = {**{name: mistake.lesson for name, mistake in mistakes().items()}, **lessons()}
EASIEST_ALLOWED = 60  # on Amstad's scale as on Flesch's: 60 to 70 is plain, understood by most at 13
ENGLISH = set("the and of is are with which its this that there where when what how or no from by for has must".split())
NAME = "Squeeze-and-Excitation"
_CODE = re.compile(r"`[^`]*`")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?")
_END = re.compile(r"[.?!:](?=\s|$)")
_SENTENCE = re.compile(r"(?<=[.?!])\s")
_SYLLABLE = re.compile(r"[aeiouyäöü]+")
_FORMAL = re.compile(r"[^.?!:] (?:Du|Dir|Dich|Deine?[mnrs]?|Sie|Ihnen|Ihre?[mnrs]?)\b")


def lesson(name: str) -> Lesson:
    """What a mistake or a check teaches, in the language that is spoken."""
    english = TAUGHT[name]
    return Lesson(why=say(english.why), hints=tuple(say(hint) for hint in english.hints))


def messages(name: str) -> list[str]:
    """Every way in which a mistake is told; a lesson of a check has none."""
    mistake = mistakes().get(name)
    if mistake is None:
        return []
    plants = mistake.plants if isinstance(mistake, Planted) else ()
    return [mistake.said, *(plant.said for plant in plants if plant.message)]


def texts(name: str) -> list[tuple[str, str]]:
    """All that it says: each text in English and in German."""
    said = []
    for language in ("en", "de"):
        with speaking(language):
            said.append((*messages(name), lesson(name).why, *lesson(name).hints))
    return list(dict.fromkeys(zip(*said, strict=True)))


def prose(text: str) -> str:
    """A text without its code."""
    return _CODE.sub("", text)


def reading_ease(text: str) -> float:
    """Flesch's measure, fitted to German: T. Amstad, "Wie verständlich sind unsere Zeitungen?", Zürich 1978.

    German words have more syllables, so they weigh less. Code counts as one easy word.
    """
    plain = _CODE.sub("Code", text)
    found = words(plain)
    sentences = max(1, len(_END.findall(plain)))
    syllables = sum(max(1, len(_SYLLABLE.findall(word.lower()))) for word in found)
    return 180 - len(found) / sentences - 58.5 * syllables / len(found)


@pytest.fixture(autouse=True)
def _german() -> Iterator[None]:
    with speaking("de"):
        yield


ALL = pytest.mark.parametrize("name", sorted(TAUGHT))


def test_the_measure_tells_hard_from_easy() -> None:
    assert reading_ease("Die Katze saß auf der Matte. Der Tag war warm.") > 90
    assert reading_ease("Regularisierungshyperparameter erfordern umfassende Optimierungsmethodologien.") < 0


def test_nothing_is_left_out() -> None:
    """Every lesson that stands in the code as a constant is measured here."""
    sources = Path(grader.__file__).parent.rglob("*.py")
    constants = sum(len(re.findall(r"^\w+ = Lesson\(", path.read_text("utf-8"), re.MULTILINE)) for path in sources)
    assert constants == len(lessons())


@ALL
def test_all_of_it_is_german(name: str) -> None:
    """No text and no sentence is the English one, and none has its little words."""
    for text, said in texts(name):
        assert not set(_SENTENCE.split(said)) & set(_SENTENCE.split(text)), said
        assert not {word.lower() for word in words(prose(said.replace(NAME, "")))} & ENGLISH, said


@ALL
def test_code_and_numbers_are_the_same(name: str) -> None:
    """What is in backticks, and each number beside it with its point, is no matter of language."""
    for text, said in texts(name):
        assert set(_CODE.findall(text)) == set(_CODE.findall(said))
        assert set(_NUMBER.findall(prose(text))) == set(_NUMBER.findall(prose(said))), said


@ALL
def test_it_is_written_as_german_is(name: str) -> None:
    """Quotes are „so“, students are du, and a text begins and ends as sentences do, or with code as in English."""
    for text, said in texts(name):
        assert not re.findall(r"[\"'”‘’«»]", prose(said)), said
        assert re.fullmatch(r"(?:[^„“]*„[^„“]+“)*[^„“]*", prose(said)), said
        assert _FORMAL.findall(said) == [], said
        assert said == " ".join(said.split())
        assert said.lstrip("„")[0].isupper() or said[0] == "`" or said.split()[0] == text.split()[0], said
        assert said.endswith((".", "?")), said


@ALL
def test_it_is_said_why_it_matters_in_two_sentences_and_three_hints(name: str) -> None:
    why, hints = lesson(name).why, lesson(name).hints
    assert 2 == len(re.findall(r"[.?!](?=\s|$)", why)), why
    assert why.endswith(".")
    assert 3 == len(hints)


@ALL
def test_it_is_easy_to_read(name: str) -> None:
    text = whole(lesson(name))
    lengths = [len(words(_CODE.sub("Code", each))) for each in _END.split(text) if each.strip()]
    assert reading_ease(text) >= EASIEST_ALLOWED
    assert max(lengths) <= LONGEST_SENTENCE
    assert sum(lengths) / len(lengths) <= LONGEST_MEAN


@pytest.mark.parametrize("name", sorted(mistakes()))
def test_a_mistake_is_told_in_few_words(name: str) -> None:
    """However it is told: its message, what that rests on, why it matters and all hints."""
    proof = say(PROOF[Proof.REPLAYED if isinstance(mistakes()[name], Planted) else Proof.MEASURED].word)
    for message in messages(name):
        assert FEWEST <= len(words(f"{message} {proof} {whole(lesson(name))}")) <= MOST


@pytest.mark.parametrize("name", sorted(lessons()))
def test_a_failed_check_is_told_in_few_words(name: str) -> None:
    """What was measured has room for forty words beside it."""
    assert FEWEST - 40 <= len(words(whole(lesson(name)))) <= MOST - 40


def test_no_two_findings_say_the_same() -> None:
    """Two English texts never become one German text."""
    said = {pair for name in TAUGHT for pair in texts(name)}
    count = Counter(german for _, german in said)
    assert [] == [text for text, times in count.items() if times > 1]
    sentences = Counter(part for name in TAUGHT for part in _SENTENCE.split(lesson(name).why) if len(part) > 40)
    assert [] == [text for text, times in sentences.items() if times > 1]
