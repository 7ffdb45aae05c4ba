"""Rubrics on labelled answers: what is credited is there, and nobody fails."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_essays import bench

from grader.assignment import EssayExercise, find_assignment
from grader.essay import Given, Stance, read
from grader.verdict import ExerciseReport, Status
from grader.written import given_text, mark

ASSIGNMENT = find_assignment("residual-ideas")
GIVEN = given_text(ASSIGNMENT)
QUESTIONS: dict[str, EssayExercise] = bench.essays(ASSIGNMENT)
ANSWERS = bench.labelled()
HELD_OUT = [answer for answer in ANSWERS if answer.held_out]
# Of a hundred concepts that are credited on answers nobody tuned for, so many may be credited wrongly.
MOST_WRONG = 3


def marked(question: str, text: str) -> ExerciseReport:
    return mark(QUESTIONS[question], text.strip() or None, GIVEN)


def test_labels_name_concepts_and_misconceptions_that_exist() -> None:
    """A label with a slip of the pen would count as something that is never found."""
    for answer in ANSWERS:
        question = QUESTIONS[answer.question]
        assert answer.says | answer.denies <= {concept.id for concept in question.concepts}, answer.id
        assert answer.believes <= {each.id for each in question.misconceptions}, answer.id
        assert not answer.says & answer.denies, answer.id
    assert len({answer.id for answer in ANSWERS}) == len(ANSWERS) >= 120
    assert {answer.kind for answer in HELD_OUT} == {answer.kind for answer in ANSWERS}


def test_on_the_held_out_half_hardly_anything_is_credited_that_is_not_there() -> None:
    credited = [(answer, name) for answer, report in bench.marked(HELD_OUT) for name in bench.credited(report)]
    wrong = [(answer.id, name) for answer, name in credited if name not in answer.says]
    assert len(wrong) * 100 <= MOST_WRONG * len(credited), wrong
    assert len(credited) >= 40


def test_nothing_is_credited_that_an_answer_denies() -> None:
    """Negation and contradiction are never agreement."""
    for answer, report in bench.marked(ANSWERS):
        assert not bench.credited(report) & answer.denies, answer.id


@pytest.mark.parametrize("kind", ["negated", "copied", "empty", "off-topic", "contradictory"])
def test_these_answers_earn_nothing(kind: str) -> None:
    answers = [answer for answer in ANSWERS if answer.kind == kind]
    assert answers
    assert {answer.id: 0.0 for answer in answers} == {a.id: report.score for a, report in bench.marked(answers)}


def test_nobody_fails_and_no_point_is_lost() -> None:
    """What is not proposed is pending: percent stays at 100."""
    for answer, report in bench.marked(ANSWERS):
        assert {check.status for check in report.checks} <= {Status.PASSED, Status.SKIPPED}, answer.id
        assert report.score + report.pending == report.max_score, answer.id


# --- negating what was read as evidence --------------------------------------------------------------


def _inserted(sentence: str) -> str:
    """`can reach`: `can not reach`. Where it is not clear what that would deny, the whole is called false."""
    words = r"\b(is|are|was|were|can|could|has|have|does|do|must|will|needs|gives|reaches|works|learns)\b"
    plain = not re.search(r"[,;:(]|n't|\b(?:not|no|nothing|so|because|and|but|which|that|without)\b", sentence)
    if plain and re.search(words, sentence):
        return re.sub(words, r"\1 not", sentence, count=1)
    return f"It is false that {_lower(sentence)}"


NEGATIONS = [
    lambda sentence: f"It is not true that {_lower(sentence)}",
    lambda sentence: f"It is a common misconception that {_lower(sentence)}",
    lambda sentence: f"I don't think that {_lower(sentence)}",
    lambda sentence: f"Some people say that {_lower(sentence)}",
    lambda sentence: f"Nobody has shown that {_lower(sentence)}",
    lambda sentence: f"It is often said that {_lower(sentence)} But this is wrong.",
    lambda sentence: f"{sentence} This is wrong.",
    lambda sentence: f"{sentence} That's not true.",
    lambda sentence: f"{sentence} But that is a myth.",
    lambda sentence: f"{sentence.rstrip('.')}?",
    lambda sentence: f"I am not sure whether {_lower(sentence)}",
    lambda sentence: f"Maybe {_lower(sentence)}",
    lambda sentence: f"## A wrong answer\n\n{sentence}\n\n## And now",
    lambda sentence: f"> {sentence}",
    _inserted,
]


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _evidence() -> list[tuple[str, list[str]]]:
    """Of every answer the sentences that alone earn something."""
    found = []
    for answer in ANSWERS:
        question = QUESTIONS[answer.question]
        readings = read(answer.text, question.patterns, Given(GIVEN))
        said = [sight.sentence for reading in readings.values() for sight in reading.of(Stance.ASSERTED)]
        whole = [sentence if sentence.endswith((".", "!")) else f"{sentence}." for sentence in dict.fromkeys(said)]
        alone = [sentence for sentence in whole if marked(answer.question, sentence).score]
        if alone:
            found.append((answer.question, alone))
    return found


EVIDENCE = _evidence()


@pytest.mark.parametrize("number", range(len(NEGATIONS)))
def test_a_sentence_that_is_negated_earns_nothing(number: int) -> None:
    negate = NEGATIONS[number]
    wrong = {}
    for question, sentences in EVIDENCE:
        for sentence in sentences:
            report = marked(question, negate(sentence))
            lost = {c.id for c in marked(question, sentence).checks if c.status is Status.PASSED}
            if kept := lost & bench.credited(report):
                wrong[negate(sentence)] = kept
    assert not wrong


@given(st.data())
def test_negating_sentences_never_adds_points(data: st.DataObject) -> None:
    """Whichever of an answer's sentences are negated, and in whichever way."""
    question, sentences = data.draw(st.sampled_from(EVIDENCE))
    negated = [
        data.draw(st.sampled_from(NEGATIONS))(sentence) if data.draw(st.booleans()) else sentence
        for sentence in sentences
    ]
    before = marked(question, "\n\n".join(sentences))
    after = marked(question, "\n\n".join(negated))
    assert after.score <= before.score
