"""What is said to students: every finding teaches, in few and plain words, and in words of its own."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import grader.checks
import grader.experiments
import grader.functions
import grader.judge.absent
import grader.quiz.lessons
from grader.assignment import KnownFault, shipped_assignments
from grader.formats._words import PROOF
from grader.mistakes import mistakes
from grader.mistakes._mistake import Planted
from grader.scaffold import TEMPLATE
from grader.verdict import Lesson, Proof

FEWEST, MOST = 80, 160  # words of a finding
EASIEST_ALLOWED = 60  # Flesch: 60 to 70 is plain English, understood by most at 13
LONGEST_SENTENCE = 32  # words
LONGEST_MEAN = 18  # words of a sentence, over one finding
_CODE = re.compile(r"`[^`]*`")
_END = re.compile(r"[.?!:](?=\s|$)")
_WORD = re.compile(r"[^\W_]+(?:['’.×_][^\W_]+)*")
_SYLLABLE = re.compile(r"[aeiouy]+")


@cache
def lessons() -> dict[str, Lesson]:
    """What checks, functions, experiments and questions teach, by module and name."""
    inner = (f"grader.checks.{info.name}" for info in pkgutil.iter_modules(grader.checks.__path__))
    others = ("grader.functions", "grader.experiments", "grader.judge.absent", "grader.quiz.lessons")
    found = {
        id(value): (f"{name.removeprefix('grader.')}:{key}", value)  # where several modules have it, it is still one
        for name in (*inner, *others)
        for key, value in vars(importlib.import_module(name)).items()
        if isinstance(value, Lesson)
    }
    return dict(found.values())


@cache
def faults() -> dict[str, KnownFault]:
    """The wrong functions that assignments know: the shipped ones, what `grader new` writes, the manual's example."""
    specs = [
        *(folder / "assignment.toml" for folder in shipped_assignments().values()),
        TEMPLATE / "assignment.toml",
        Path(__file__).parent / "assignments" / "attention" / "assignment.toml",
    ]
    return {
        f"{spec.parent.name}:{fault['id']}": KnownFault.model_validate(fault)
        for spec in specs
        for exercise in tomllib.loads(spec.read_text(encoding="utf-8"))["exercise"]
        for fault in exercise.get("fault", [])
    }


TAUGHT = {
    **{name: mistake.lesson for name, mistake in mistakes().items()},
    **lessons(),
    **{name: Lesson(why=fault.why, hints=fault.hints) for name, fault in faults().items()},
}
SAID = [pytest.param(lesson, id=name) for name, lesson in TAUGHT.items()]


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def syllables(word: str) -> int:
    """A good guess: groups of vowels, without those that are written and not spoken."""
    word = word.lower()
    count = len(_SYLLABLE.findall(word))
    if count > 1 and ((word.endswith("e") and not word.endswith(("le", "ee"))) or re.search(r"[^td]ed$", word)):
        count -= 1
    return max(1, count)


def reading_ease(text: str) -> float:
    """Flesch (1948): 100 is very easy, 0 is very hard. Code counts as one easy word."""
    plain = _CODE.sub("code", text)
    found = words(plain)
    sentences = max(1, len(_END.findall(plain)))
    return 206.835 - 1.015 * len(found) / sentences - 84.6 * sum(map(syllables, found)) / len(found)


def whole(lesson: Lesson) -> str:
    return " ".join((lesson.why, *lesson.hints))


def test_the_measure_tells_hard_from_easy() -> None:
    """It is a measure, and not a number that fits all texts."""
    assert reading_ease("The cat sat on the mat. It was a warm day.") > 100
    assert reading_ease("Regularisation necessitates comprehensive hyperparameter optimisation methodologies.") < 0


@pytest.mark.parametrize("lesson", SAID)
def test_it_is_said_why_it_matters_in_two_sentences(lesson: Lesson) -> None:
    """Two sentences, that begin and end as sentences do."""
    assert 2 == len(re.findall(r"[.?!](?=\s|$)", lesson.why)), lesson.why
    assert lesson.why[0].isupper() or lesson.why[0] == "`"
    assert lesson.why.endswith(".")


@pytest.mark.parametrize("lesson", SAID)
def test_there_are_three_hints(lesson: Lesson) -> None:
    """Concept, where to look, what to change; whole sentences, with code between pairs of backticks."""
    assert 3 == len(lesson.hints)
    for text in (lesson.why, *lesson.hints):
        assert text.endswith((".", "?"))
        assert text == " ".join(text.split())
        assert 0 == text.count("`") % 2


@pytest.mark.parametrize("lesson", SAID)
def test_it_is_easy_to_read(lesson: Lesson) -> None:
    """Short words and short sentences, for a beginner whose first language may be another."""
    text = whole(lesson)
    lengths = [len(words(_CODE.sub("code", each))) for each in _END.split(text) if each.strip()]
    assert reading_ease(text) >= EASIEST_ALLOWED
    assert max(lengths) <= LONGEST_SENTENCE
    assert sum(lengths) / len(lengths) <= LONGEST_MEAN


def _messages() -> Iterator[tuple[str, str]]:
    """Every way in which a mistake is told."""
    for name, mistake in mistakes().items():
        told = {mistake.message}
        if isinstance(mistake, Planted):
            told |= {plant.message for plant in mistake.plants if plant.message}
        for message in sorted(told):
            yield name, message


@pytest.mark.parametrize(("name", "message"), list(_messages()))
def test_a_mistake_is_told_in_few_words(name: str, message: str) -> None:
    """Its message, what that rests on, why it matters and all hints."""
    proof = PROOF[Proof.REPLAYED if isinstance(mistakes()[name], Planted) else Proof.MEASURED].word
    count = len(words(f"{message} {proof} {whole(mistakes()[name].lesson)}"))
    assert FEWEST <= count <= MOST


@pytest.mark.parametrize("name", sorted(faults()))
def test_a_known_fault_is_told_in_few_words(name: str) -> None:
    """As any other proven mistake."""
    count = len(words(f"{faults()[name].message} {PROOF[Proof.REPLAYED].word} {whole(TAUGHT[name])}"))
    assert FEWEST <= count <= MOST


@pytest.mark.parametrize("name", sorted(lessons()))
def test_a_failed_check_is_told_in_few_words(name: str) -> None:
    """What was measured has room for forty words beside it."""
    assert FEWEST - 40 <= len(words(whole(lessons()[name]))) <= MOST - 40


def test_no_two_findings_say_the_same() -> None:
    """A sentence that fits every finding helps with none."""
    count = Counter(text for lesson in TAUGHT.values() for text in (lesson.why, *lesson.hints))
    assert [] == [text for text, times in count.items() if times > 1]
    sentences = Counter(
        part.strip() for lesson in TAUGHT.values() for part in re.split(r"(?<=[.?!])\s", lesson.why) if len(part) > 40
    )
    assert [] == [text for text, times in sentences.items() if times > 1]


def _failures(path: Path) -> Iterator[tuple[int, set[str]]]:
    """Line and keywords of every finding of a failure that a source file makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            if ast.unparse(node.args[0]) not in ("Status.PASSED", "Status.SKIPPED"):
                yield node.lineno, {str(keyword.arg) for keyword in node.keywords}
        elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load) and _begins_with_failure(node):
            said = node.elts[1]
            if isinstance(said, ast.Dict):
                yield node.lineno, {str(key.value) for key in said.keys if isinstance(key, ast.Constant)}
            elif not ast.unparse(said).startswith("Status."):
                yield node.lineno, {"lesson"} if ast.unparse(node.elts[-1]).startswith("lessons.") else set()


def _begins_with_failure(node: ast.Tuple) -> bool:
    words = ast.unparse(node.elts[0]) if node.elts else ""
    return words in ("status", "Status.FAILED", "Status.STUDENT_CRASHED")


JUDGES = [
    *(path for path in sorted(Path(grader.checks.__file__).parent.glob("*.py")) if "Status.FAILED" in path.read_text()),
    Path(grader.functions.__file__),
    Path(grader.experiments.__file__),
    Path(grader.judge.absent.__file__),
    Path(grader.quiz.lessons.__file__).with_name("judge.py"),
]
LATER = {"shape": 1}  # `_explain_exception` gives its finding a lesson later, for each kind of exception its own


@pytest.mark.parametrize("path", JUDGES, ids=lambda path: path.stem)
def test_every_way_to_fail_teaches(path: Path) -> None:
    """No judge makes a finding of a failure without what it teaches."""
    failures = list(_failures(path))
    without = [line for line, keywords in failures if "lesson" not in keywords]
    assert failures
    assert LATER.get(path.stem, 0) == len(without), without
