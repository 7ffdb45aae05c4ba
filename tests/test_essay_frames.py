"""What is hearsay, doubt, refuted or quoted is neither credited nor held against anybody; what is said is read."""

from __future__ import annotations

import pytest
from essay_frames import NOT_SAID, SAID, framed
from labelled_essays import bench

from grader.assignment import EssayExercise, find_assignment
from grader.verdict import ExerciseReport
from grader.written import given_text, mark

ASSIGNMENT = find_assignment("residual-ideas")
GIVEN = given_text(ASSIGNMENT)
QUESTIONS: dict[str, EssayExercise] = bench.essays(ASSIGNMENT)

BELIEFS = [
    ("skip", "The skip connection is an if/else that checks if the signal is too small."),
    ("skip", "The network removes layers during training."),
    ("skip", "The input is multiplied with the output of the layers."),
    ("skip", "Skip connections prevent overfitting."),
    ("skip", "The input is concatenated with the output of the block."),
    ("plain", "The residual block has more parameters than the plain block."),
    ("plain", "The shortcut has its own weights."),
    ("bottleneck", "The bottleneck has more parameters."),
    ("bottleneck", "The first convolution reduces the resolution."),
    ("bottleneck", "The bottleneck has no shortcut."),
    ("bottleneck", "The bottleneck prevents overfitting."),
    ("degradation", "It is overfitting."),
    ("degradation", "The cause is overfitting."),
    ("degradation", "It is because of vanishing gradients."),
]
CONCEPTS = [
    ("skip", "The input is added to the output of the layers."),
    ("skip", "The gradient flows directly to the early layers."),
    ("skip", "The layers learn only the difference to the input."),
    ("plain", "The shortcut needs no additional parameters."),
    ("bottleneck", "The bottleneck has fewer parameters."),
    ("bottleneck", "The first convolution reduces the channels before the 3x3."),
    ("degradation", "Deeper networks have a higher error."),
    ("degradation", "The training error is higher too."),
]


def marked(question: str, text: str) -> ExerciseReport:
    return mark(QUESTIONS[question], text, GIVEN)


@pytest.mark.parametrize("frame", NOT_SAID)
def test_who_only_mentions_a_misconception_is_not_told_to_hold_it(frame: str) -> None:
    """Of each frame every third: all are tried with several frames each."""
    some = BELIEFS[NOT_SAID.index(frame) % 3 :: 3]
    accused = [text for question, said in some if marked(question, text := framed(frame, said)).diagnoses]
    assert not accused


@pytest.mark.parametrize("frame", NOT_SAID)
def test_who_only_mentions_a_concept_gets_no_points_for_it(frame: str) -> None:
    credited = [text for question, said in CONCEPTS if marked(question, text := framed(frame, said)).score]
    assert not credited


@pytest.mark.parametrize(("question", "said"), BELIEFS)
def test_who_says_a_misconception_is_told(question: str, said: str) -> None:
    unnamed = [text for frame in SAID if not marked(question, text := framed(frame, said)).diagnoses]
    assert not unnamed


@pytest.mark.parametrize(("question", "said"), CONCEPTS)
def test_who_says_a_concept_gets_its_points(question: str, said: str) -> None:
    missed = [text for frame in SAID if not marked(question, text := framed(frame, said)).score]
    assert not missed
