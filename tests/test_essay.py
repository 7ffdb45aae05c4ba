"""Reading written answers: patterns, sentences, negation, and what is bounded."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.assignment import EssayExercise
from grader.essay import Given, PatternError, Stance, parse, read
from grader.essay.prose import LONGEST_SENTENCE, MOST_CHARACTERS, sentences, words
from grader.essay.words import fits, is_slip
from grader.verdict import Status
from grader.written import mark

FLOW = "gradient flow|reach directly|straight early|first_layer"


def stances(answer: str, *ways: str, given: str = "") -> list[str]:
    """How each place of an answer that speaks of it is read."""
    reading = read(answer, {"it": [parse(way) for way in ways or (FLOW,)]}, Given(given))["it"]
    return [sight.stance.value for sight in reading.sights]


# --- words and patterns ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("reducing", "reduce"),
        ("skipped", "skip"),
        ("copies", "copy"),
        ("degradation", "degrad*"),
        ("bottelneck", "bottleneck"),
    ],
)
def test_a_word_stands_for_its_endings_and_one_slip(word: str, wanted: str) -> None:
    assert fits(word, wanted)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("later", "layer"), ("lower", "slower"), ("unequal", "equal"), ("its", "it")],
)
def test_another_word_is_another_word(word: str, wanted: str) -> None:
    """In short words one letter makes another one, and a first letter may turn it round."""
    assert not fits(word, wanted)


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_a_slip_is_one_letter(word: str, meant: str) -> None:
    """By the definition, tried out: every word that one slip makes, and no other."""
    made = {meant[:i] + meant[i + 1 :] for i in range(1, len(meant))}
    made |= {meant[:i] + letter + meant[i:] for i in range(1, len(meant) + 1) for letter in "ab" if meant}
    made |= {meant[:i] + letter + meant[i + 1 :] for i in range(1, len(meant)) for letter in "ab"}
    made |= {meant[:i] + meant[i + 1] + meant[i] + meant[i + 2 :] for i in range(1, len(meant) - 1)}
    if word != meant:
        assert is_slip(word, meant) == (word in made)


def test_order_counts_behind_dots_and_only_there() -> None:
    assert stances("Fewer weights has the bottleneck.", "bottleneck fewer weight") == ["asserted"]
    assert stances("The ResBlock has fewer weights than the bottleneck.", "bottleneck ... fewer weight") == []


def test_a_forbidden_word_between_them_is_none() -> None:
    way = "bottleneck ... fewer weight !resblock"
    assert stances("The bottleneck of a ResBlock has fewer weights.", way) == []
    assert stances("Unlike it, a ResBlock does more. The bottleneck has fewer weights.", way) == ["asserted"]


def test_not_asks_for_a_negation_and_uses_it_up() -> None:
    way = "plain NOT shortcut"
    assert stances("The plain block has no shortcut.", way) == ["asserted"]
    assert "asserted" not in stances("The plain block has a shortcut.", way)
    assert stances("It is not true that the plain block has no shortcut.", way) == ["denied"]


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("", "no words"),
        ("a ... ", "expected words on both sides of '...'"),
        ("a {b}", "there is no list 'b' in words; expected one of none"),
        ("Gradient flow", "'Gradient' is no word"),
        ("a||b", "'' is no word"),
    ],
)
def test_a_pattern_with_a_slip_is_refused_in_words(way: str, said: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse(way)
    assert said in str(caught.value)


# --- Markdown -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "**Gradients** can *flow* `directly`\nto the first layer",
        "# Answer\n\n1. it adds\n2. the gradient flows directly to the first layer",
        "What happens to gradients:\n\n- they flow directly to the first layer",
        "### Gradient\n\nflows straight, e.g. in Fig. 2, to the first layer.",
        "$\\nabla$ the gradient\u00a0flows <b>directly</b> to the [first layer](http://x.y)",
    ],
)
def test_sentences_survive_their_markdown(answer: str) -> None:
    assert stances(answer) == ["asserted"]


@pytest.mark.parametrize("block", ["```\n{}\n```", "~~~\n{}", "> {}", "| a | {} |"])
def test_code_quotations_and_tables_are_not_read(block: str) -> None:
    assert stances(block.format("gradients flow directly to the first layer")) == []


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("a 3×3, a 3 x 3 and a $1\\times1$.", "a 3x3 a 3x3 and a 1x1"),
        ("$\\frac{17}{16}C^2$, 18·C², 2*9*C*C", "17/16 c2 18 c2 2 9 c2"),
        ("y = F(x) + x", "y f x plus x"),
        ("it doesn’t", "it doesn't"),
        ("`out += identity`, then the '+ x'", "out plus identity then the plus x"),
        ("conv3x3, conv_1×1 and Conv2d", "conv 3x3 conv 1x1 and conv2 d"),
    ],
)
def test_formulas_become_words(text: str, read_as: str) -> None:
    assert words(text) == read_as.split()


def test_a_pronoun_speaks_of_what_was_spoken_of() -> None:
    way = "bottleneck ... fewer weight !resblock"
    assert stances("The bottleneck has three layers. It has fewer weights.", way) == ["asserted"]
    assert "asserted" not in stances("The ResBlock has two layers. It has fewer weights.", way)


# --- negation -----------------------------------------------------------------------------------------

SAID = "the gradient flows directly to the first layer"


@pytest.mark.parametrize(
    "hidden",
    [
        *("<!-- {}. -->", "<!-- {}.", "[//]: # ({}.)", "[note]: {}.", "<style>{}.</style>", "<p hidden>{}.</p>"),
        *('<span style="display:none">{}.</span>', "<div style='a:b; font-size: 0'>{}.", "<del>{} <b>so</b></del>"),
    ],
)
def test_what_the_page_does_not_show_is_not_read(hidden: str) -> None:
    assert stances(hidden.format(SAID)) == []
    assert stances(f"{SAID}.\n\n{hidden.format('This is wrong')}") == ["asserted"]


@pytest.mark.parametrize("shown", ["<details>{}</details>", "<p class='hidden-layer'>{}</p>", "x <y hidden> {}"])
def test_what_the_page_shows_is_read(shown: str) -> None:
    assert stances(shown.format(SAID)) == ["asserted"]


@pytest.mark.parametrize(
    "answer",
    [
        f"Because of the shortcut {SAID}.",
        f"It adds no weights, but {SAID}.",
        f"Not only is it cheap, but {SAID}.",
        f"No doubt, {SAID}.",
        f"Instead of through all layers, {SAID}.",
        "The gradient flows directly to the first layer, not through all convolutions.",
        f"It is not a gate, because {SAID}.",
        f"I believe that {SAID}.",
        f"I am convinced that {SAID}.",
        f"It is not a gate since {SAID}.",
        "It isn't stored, it flows directly to the first layer as a gradient.",
        "The gradient is not stored, it flows directly to the first layer.",
        "The gradient is not stored but flows directly to the first layer.",
    ],
)
def test_a_negation_elsewhere_denies_nothing(answer: str) -> None:
    assert stances(answer) == ["asserted"]


@pytest.mark.parametrize(
    "answer",
    [
        "The gradient does not flow directly to the first layer.",
        "The gradient doesnt flow directly to the first layer.",
        "The gradient never flows directly to the first layer.",
        f"It is a misconception that {SAID}.",
        f"I do not think {SAID}.",
        f"{SAID}. This is wrong.",
        f"{SAID}. No.",
        f"That {SAID} is not true.",
    ],
)
def test_what_is_denied_is_denied(answer: str) -> None:
    assert stances(answer) == ["denied"]


@pytest.mark.parametrize(
    "answer",
    [
        f"{SAID}?",
        f"Some say that {SAID}, but I never saw it.",
        f"Maybe {SAID}.",
        f"Without a shortcut, {SAID}.",
        f"If it had a shortcut, {SAID}, it would be good.",
        f"Explain why {SAID}.",
        f"It prevents that {SAID}.",
        f"Common misconceptions:\n\n- {SAID}",
        "gradient flow directly first layer identity shortcut residual sum network deep block",
        f"{'word ' * LONGEST_SENTENCE} {SAID}",
        "If it is not small, it flows directly to the first layer as a gradient.",
        "The gradient does not, it seems, flow directly to the first layer.",
        "The gradient is not large but the loss flows directly to the first layer.",
        f"{SAID}. That is something else.",
    ],
)
def test_what_is_not_plain_is_not_asserted(answer: str) -> None:
    assert "asserted" not in stances(answer)


def test_said_and_denied_is_not_sure() -> None:
    answer = f"{SAID}. The gradient does not flow directly to the first layer."
    reading = read(answer, {"it": [parse(FLOW)]}, Given(""))["it"]
    assert [Stance.ASSERTED, Stance.DENIED] == [sight.stance for sight in reading.sights]
    assert not reading.sure


def test_what_stood_in_the_question_is_no_evidence() -> None:
    assert stances(f"Here {SAID}.", given=f"Explain why {SAID}!") == ["unclear"]


# --- bounds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    [
        *("gradient flow directly first layer ", "gradient not ", "[x", "*_`", "\\frac{", "<a ", "a. ", "\n- not "),
        *("c ^ ", "<!--", "<p hidden>", "<p style=", "<del>x", "a += "),
    ],
)
def test_a_hostile_answer_takes_no_time(piece: str) -> None:
    """Fifty million characters: only the first are read, and no pattern backtracks on them."""
    answer = piece * (50_000_000 // len(piece))
    begun = time.process_time()
    assert "asserted" not in stances(answer)
    assert time.process_time() - begun < 5


def test_of_a_long_answer_nothing_is_decided() -> None:
    """What contradicts it may stand where nobody reads."""
    assert stances(f"{SAID}.\n\n{'It is so. ' * MOST_CHARACTERS}") == ["unclear"]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(sentence.text for sentence in sentences(text))


# --- points -------------------------------------------------------------------------------------------


def essay(**keys: object) -> EssayExercise:
    concept = {"id": "flow", "title": "It flows", "points": 3, "says": [FLOW]}
    wrong = {"id": "gate", "says": ["if_else"], "reply": "There is no if.", "contradicts": ["flow"]}
    spec = {"id": "e", "kind": "essay", "title": "E", "points": 3, "concept": [concept], "misconception": [wrong]}
    return EssayExercise.model_validate({**spec, **keys})


def test_a_misconception_gets_its_reply_and_leaves_what_it_contradicts_to_a_human() -> None:
    report = mark(essay(), f"It is an if/else. {SAID}.", "")
    assert [(check.id, check.status, check.score) for check in report.checks] == [("flow", Status.SKIPPED, 0.0)]
    assert [(d.mistake, d.message) for d in report.diagnoses] == [
        ("gate", "You write “It is an if/else.”. There is no if.")
    ]
    assert 3.0 == report.pending


def test_who_denies_a_misconception_does_not_have_it() -> None:
    report = mark(essay(), f"It is no if/else: {SAID}.", "")
    assert report.diagnoses == []


def test_what_is_credited_is_quoted() -> None:
    report = mark(essay(), f"{SAID}.", "")
    assert report.correct
    assert 3.0 == report.score
    assert f"Proposed: 3 of 3 points. Surely read: “{SAID}.”" == report.checks[0].message


@pytest.mark.parametrize("answer", [None, "Weather is fine."])
def test_nothing_read_is_left_to_a_human(answer: str | None) -> None:
    report = mark(essay(), answer, "")
    assert [check.status for check in report.checks] == [Status.SKIPPED]
    assert 3.0 == report.pending


def test_without_a_rubric_an_answer_is_collected() -> None:
    report = mark(essay(concept=[], misconception=[]), f"{SAID}.", "")
    assert [(check.id, check.status) for check in report.checks] == [("answer", Status.SKIPPED)]


def test_what_is_quoted_turns_no_page_round() -> None:
    """Signs that turn the direction of writing would make a page say something else."""
    report = mark(essay(), f"\u202e{SAID}.\u2066", "")
    assert not {"\u202e", "\u2066"} & set(report.checks[0].message + "".join(report.checks[0].evidence))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"points": 4}, "the points of the concepts make 3; expected the exercise's 4"),
        ({"misconception": [{"id": "flow", "says": ["a"], "reply": "r"}]}, "must differ, found flow, flow"),
        (
            {"misconception": [{"id": "g", "says": ["a"], "reply": "r", "contradicts": ["x"]}]},
            "misconception g: contradicts: there is no concept 'x'; expected one of flow",
        ),
        ({"misconception": [{"id": "g", "says": ["{w}"], "reply": "r"}], "words": {"v": "a|b"}}, "expected one of v"),
    ],
)
def test_a_rubric_with_a_slip_is_refused_in_words(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="1 validation error") as caught:
        essay(**keys)
    assert said in str(caught.value)


def test_a_square_is_quoted_as_one_writes_it() -> None:
    """Evidence is the student's sentence, not what the reader makes of it."""
    (sentence,) = sentences("The basic block has 18 C^2 weights, the bottleneck 17/16 $C^{2}$.")
    assert "The basic block has 18 C² weights, the bottleneck 17/16 C²." == sentence.text


def test_a_sign_is_quoted_as_a_sign() -> None:
    (added,) = sentences("`out += x`")
    assert "out += x" == added.text
    (sentence,) = sentences("The output is F(x)+x\u2063, not F(x)*x.")
    assert "The output is F(x) + x, not F(x) · x." == sentence.text
    assert {"plus", "times"} <= set(sentence.words)
