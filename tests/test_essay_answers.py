"""Rubrics on labelled answers: what is credited is there, and nobody fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_essays import bench

from grader.assignment import EssayExercise, find_assignment
from grader.essay import Given, Stance, read
from grader.verdict import ExerciseReport, Status
from grader.written import given_text, mark

pytestmark = pytest.mark.heavy

ASSIGNMENT = find_assignment("residual-ideas")
GIVEN = given_text(ASSIGNMENT)
QUESTIONS: dict[str, EssayExercise] = bench.essays(ASSIGNMENT)
ANSWERS = bench.labelled()
HELD_OUT = [answer for answer in ANSWERS if answer.held_out]
# Of a hundred concepts that are credited on answers nobody tuned for, so many may be credited wrongly.
MOST_WRONG = 3


@cache
def marked(question: str, text: str) -> ExerciseReport:
    return mark(QUESTIONS[question], text.strip() or None, GIVEN)


def all_marked(answers: list[Any]) -> Iterator[tuple[Any, ExerciseReport]]:
    """Every answer with its report."""
    return ((answer, marked(answer.question, answer.text)) for answer in answers)


def test_labels_name_concepts_and_misconceptions_that_exist() -> None:
    """A label with a slip of the pen would count as something that is never found."""
    for answer in ANSWERS:
        question = QUESTIONS[answer.question]
        assert answer.says | answer.denies <= {concept.id for concept in question.concepts}, answer.id
        assert answer.believes <= {each.id for each in question.misconceptions}, answer.id
        assert not answer.says & answer.denies, answer.id
    assert len({answer.id for answer in ANSWERS}) == len(ANSWERS) >= 480
    assert {answer.kind for answer in HELD_OUT} == {answer.kind for answer in ANSWERS}


def test_on_the_held_out_half_hardly_anything_is_credited_that_is_not_there() -> None:
    credited = [(answer, name) for answer, report in all_marked(HELD_OUT) for name in bench.credited(report)]
    wrong = [(answer.id, name) for answer, name in credited if name not in answer.says]
    assert len(wrong) * 100 <= MOST_WRONG * len(credited), wrong
    assert len(credited) >= 40


def test_on_the_held_out_half_hardly_anybody_is_accused_wrongly() -> None:
    """A misconception is told to the student: it must be there."""
    named = [(answer, each.mistake) for answer, report in all_marked(HELD_OUT) for each in report.diagnoses]
    wrong = [(answer.id, name) for answer, name in named if name not in answer.believes]
    assert len(wrong) * 100 <= MOST_WRONG * len(named), wrong
    assert len(named) >= 30


def test_nothing_is_credited_that_an_answer_denies() -> None:
    """Negation and contradiction are never agreement."""
    for answer, report in all_marked(ANSWERS):
        assert not bench.credited(report) & answer.denies, answer.id


@pytest.mark.parametrize("kind", ["negated", "copied", "empty", "off-topic", "contradictory"])
def test_these_answers_earn_nothing(kind: str) -> None:
    answers = [answer for answer in ANSWERS if answer.kind == kind]
    assert answers
    assert {answer.id: 0.0 for answer in answers} == {a.id: report.score for a, report in all_marked(answers)}


def test_nobody_fails_and_no_point_is_lost() -> None:
    """What is not proposed is pending: percent stays at 100."""
    for answer, report in all_marked(ANSWERS):
        assert {check.status for check in report.checks} <= {Status.PASSED, Status.SKIPPED}, answer.id
        assert report.score + report.pending == report.max_score, answer.id


# Right words that say something else: the opposite, of another thing, or under a condition.
TURNED = [
    ("skip", "The gradient fails to reach the early layers directly."),
    ("skip", "Far from flowing directly to the first layers, the gradient is blocked."),
    ("skip", "The gradient could flow directly to the early layers if there were no ReLU."),
    ("skip", "It is impossible for the gradient to flow directly to earlier layers."),
    ("skip", "The gradient is unable to flow directly to the early layers."),
    ("skip", "The claim that gradients flow directly to early layers is outdated."),
    ("skip", "Only in plain networks does the gradient flow directly to the first layers."),
    ("skip", "In a plain network the gradient flows directly to the early layers and skip connections stop this."),
    ("skip", "The input is subtracted from the output, nothing is added to it."),
    ("skip", "Input is added to the output? I doubt it."),
    ("skip", "Hardly any gradient flows directly to the early layers."),
    ("skip", "The gradient rarely, if ever, flows directly to the first layers."),
    ("skip", "No gradient flows directly to the first layer."),
    ("skip", "The input is added to the output of the layers NOT."),
    ("skip", "The input is added to the output of the layers - that's what I thought, but it is multiplied."),
    ("skip", "The gradient flows directly to the first layers, which is false."),
    ("skip", "Skip connections make gradients vanish. They do not avoid vanishing gradients."),
    ("skip", "The layers refuse to learn the residual."),
    ("skip", "Layers learn everything except the residual."),
    ("skip", "The layers learn too little to predict the difference."),
    ("bottleneck", "The bottleneck is anything but cheaper, it has fewer parameters only on paper."),
    ("bottleneck", "The bottleneck has fewer parameters is wrong"),
    ("bottleneck", "A bottleneck would have fewer parameters if it had no 1x1 layers."),
    ("bottleneck", "Compared with a bottleneck, fewer parameters are in the ResBlock."),
    ("bottleneck", "Than the bottleneck, the other one has fewer parameters."),
    ("bottleneck", "The bottleneck has a 3x3, 1x1, 3x3 structure."),
    ("bottleneck", "ResBlock: 1x1, 3x3, 1x1. Bottleneck: 3x3, 3x3."),
    ("bottleneck", "ResBlocks have 17/16 C² weights, bottlenecks 18 C²."),
    ("degradation", "With more layers the accuracy gets better, never worse."),
    ("degradation", "The training error of the shallow network is higher."),
    ("degradation", "The shallower network has a higher error than the deep one."),
    ("skip", "By backprop the gradient is sent to the first layers."),
    ("skip", "The gradient comes back through each layer and fades until it reaches the first layer."),
    ("skip", "In a plain net the signal goes from layer to layer, and the gradient comes straight back."),
    ("skip", "Careful initialisation prevents vanishing gradients."),
    ("skip", "One adds new layers to the input so that the result is better."),
    ("skip", "The neuron gets its input, sums up with weights and gives an output."),
    ("skip", "The output has an offset: a constant bias is added, the input keeps its mean."),
    ("bottleneck", "ResBlock and Bottleneck: the former has 1x1, 3x3, 1x1 kernels."),
    ("bottleneck", "The closing 1x1 needs few weights; the last 1x1 narrows the channels of a bottleneck."),
    ("plain", "The residual block subtracts: its shortcut keeps x out of the sum."),
    ("plain", "A shortcut doesn't change the cost function."),
    ("plain", "Both have layers of different kinds."),
    ("degradation", "Stacking layers improves everything: the training error is small too."),
    ("degradation", "The loss on the training data is also lower in deep networks."),
    ("degradation", "Adding layers brings a higher accuracy and less error."),
    ("degradation", "ResNets are difficult to optimise, VGG is not."),
    ("degradation", "More layers mean a training error that sinks."),
    ("degradation", "The deeper a residual network is, the worse it gets."),
    ("degradation", "The optimizer has no problem and learns the identity easily."),
    ("plain", "The residual block can hardly represent the identity easily."),
    ("plain", "A plain block can easily learn the identity; the residual block makes that hard."),
    ("plain", "The plain block adds x to F(x)."),
    ("plain", "The residual block needs the same number of parameters? Far from it!"),
    ("plain", "In contrast to the plain block there's no shortcut in the residual block."),
    ("skip", "The layers learn the residual of the loss function."),
    ("skip", "The network learns the difference between prediction and label."),
    ("skip", "The gradient flows directly to the early layers because the weights of the block are frozen."),
    ("plain", "Both blocks can represent the identity equally easily."),
    ("plain", "The plain block can be the identity as easily as the residual block."),
    ("degradation", "The deeper network should be worse since its extra layers cannot be identity mappings."),
]


@pytest.mark.parametrize(("question", "text"), TURNED)
def test_right_words_that_say_something_else_earn_nothing(question: str, text: str) -> None:
    assert 0.0 == marked(question, text).score


# Words of a misconception in the mouth of someone who does not hold it.
NOT_HELD = [
    ("skip", "Replacing the sum by x multiplied with F(x) would harm the gradient."),
    ("skip", "A network with a skip connection is optimised as readily as a shallower one."),
    ("skip", "They have less to do with overfitting than with depth."),
    ("skip", "Pooling drops values, layer by layer."),
    ("plain", "If the shapes are different, the shortcut gets its own parameters."),
    ("bottleneck", "The 1x1 convolution lowers the number of channels and keeps the spatial size."),
    ("bottleneck", "It halves the channels, the image remains as large as before."),
    ("bottleneck", "Plain nets have no shortcut, but a bottleneck has one."),
    ("bottleneck", "For its activations the bottleneck needs more memory."),
    ("bottleneck", "ResNet-101, which has bottlenecks, has more parameters than ResNet-34."),
    ("bottleneck", "It has not only a bottleneck but also a shortcut."),
    ("degradation", "Therefore overfitting was dismissed."),
    ("degradation", "Thus overfitting falls flat."),
    ("degradation", "Overfitting is another thing, because there the training loss is small."),
    ("degradation", "Naming overfitting as the cause misses the point, since the training error rises."),
]


@pytest.mark.parametrize(("question", "text"), NOT_HELD)
def test_nobody_is_told_of_a_misconception_that_is_only_touched(question: str, text: str) -> None:
    assert [] == marked(question, text).diagnoses


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_list_of_the_right_words_earns_nothing(question: str) -> None:
    """All words of all patterns of a concept, one after the other. (1×1, 3×3, 1×1 is a list, and an answer.)"""
    for ways in QUESTIONS[question].patterns.values():
        listed = " ".join(
            phrase[0] for way in ways for choice in way.choices for phrase in choice if phrase[0] != "NOT"
        )
        if sum(word.isalpha() for word in listed.split()) >= 10:
            assert 0.0 == marked(question, listed.replace("*", "")).score


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


@cache
def evidence() -> list[tuple[str, list[str]]]:
    """Of every fourth answer the sentences that alone earn something."""
    found = []
    for answer in ANSWERS:
        question = QUESTIONS[answer.question]
        readings = read(answer.text, question.patterns, Given(GIVEN))
        said = [sight.sentence for reading in readings.values() for sight in reading.of(Stance.ASSERTED)]
        whole = [sentence if sentence.endswith((".", "!")) else f"{sentence}." for sentence in dict.fromkeys(said)]
        alone = [sentence for sentence in whole if marked(answer.question, sentence).score]
        if alone:
            found.append((answer.question, alone))
    return found[::4]


@pytest.mark.parametrize("number", range(len(NEGATIONS)))
def test_a_sentence_that_is_negated_earns_nothing(number: int) -> None:
    negate = NEGATIONS[number]
    wrong = {}
    for question, sentences in evidence():
        for sentence in sentences:
            report = marked(question, negate(sentence))
            lost = {c.id for c in marked(question, sentence).checks if c.status is Status.PASSED}
            if kept := lost & bench.credited(report):
                wrong[negate(sentence)] = kept
    assert not wrong


@given(st.data())
def test_negating_sentences_never_adds_points(data: st.DataObject) -> None:
    """Whichever of an answer's sentences are negated, and in whichever way."""
    question, sentences = data.draw(st.sampled_from(evidence()))
    negated = [
        data.draw(st.sampled_from(NEGATIONS))(sentence) if data.draw(st.booleans()) else sentence
        for sentence in sentences
    ]
    before = marked(question, "\n\n".join(sentences))
    after = marked(question, "\n\n".join(negated))
    assert after.score <= before.score
