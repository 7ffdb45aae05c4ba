"""How far a negation reaches, what a clause speaks of, and whose words they are: one rule, one test."""

from __future__ import annotations

import pytest

from grader.assignment import EssayExercise
from grader.essay import Given, parse, read
from grader.essay.negation import is_negation
from grader.essay.prose import sentences, words
from grader.written import mark

FLOW = "gradient flow|reach directly|straight early|first_layer"
SAID = "the gradient flows directly to the first layer"
FEWER = "bottleneck ... fewer_weight !resblock"


def stances(answer: str, *ways: str, accusing: bool = False) -> list[str]:
    """How each place of an answer that speaks of it is read."""
    patterns = {"it": [parse(way) for way in ways or (FLOW,)]}
    reading = read(answer, patterns, Given(""), accusing=["it"] if accusing else [])["it"]
    return [sight.stance.value for sight in reading.sights]


# --- how far a negation reaches ----------------------------------------------------------------------


@pytest.mark.parametrize("word", ["gradient", "important", "different", "point", "component"])
def test_a_word_that_ends_as_a_negation_does_is_none(word: str) -> None:
    assert not is_negation(word)


@pytest.mark.parametrize(
    "answer",
    [
        f"The important point is that {SAID}.",
        f"It is no gate and it adds no weights: {SAID}.",
        f"It isn't more expensive: {SAID}.",
        f"It doesn't remove layers and therefore {SAID}.",
        f"Unlike plain nets, it has a sum, so {SAID}.",
        f"That is wrong, since {SAID}.",
        f"Contrary to what many believe, {SAID}.",
        f"No, {SAID}.",
    ],
)
def test_a_negation_that_has_ended_denies_nothing(answer: str) -> None:
    assert stances(answer) == ["asserted"]


@pytest.mark.parametrize(
    "answer",
    [
        f"It is not true that: {SAID}.",
        f"Contrary to the belief that {SAID}, there is none.",
        f"One could say that {SAID}, but it doesn't.",
        f"{SAID}. But it doesn't.",
        f"{SAID}. No, it never does.",
        "It is too hard for the gradient to flow directly to the first layer.",
        "It's difficult for a gradient to reach the first layer directly.",
    ],
)
def test_a_negation_that_still_holds_denies(answer: str) -> None:
    assert "asserted" not in stances(answer)


@pytest.mark.parametrize(
    "instead",
    [
        "in lieu of letting",
        "as a substitute and an alternative to letting",
        "dispensing with letting",
        "and it refrains from letting",
        "and it omits letting",
        "and forgoes letting",
        "and does anything but let",
        "and they gave up letting",
    ],
)
def test_what_is_done_without_is_not_done(instead: str) -> None:
    assert "asserted" not in stances(f"It multiplies {instead} the gradient flow directly to the first layer.")


def test_a_negation_that_one_way_asks_for_takes_nothing_from_another() -> None:
    ways = ("gradient NOT vanish", "gradient ... direct path")
    assert stances("Gradients do not vanish, since there is a direct path.", *ways) == ["asserted"]
    assert stances("Gradients do not have a direct path.", *ways) == ["denied"]


def test_not_true_that_it_has_more_is_that_it_has_no_more() -> None:
    way = "NOT additional weight"
    assert stances("It is not true that it needs additional weights.", way) == ["asserted"]
    assert stances("It is not true that it needs no additional weights.", way) == ["denied"]


def test_a_negation_that_denies_another_thing_is_not_the_one_asked_for() -> None:
    """ "It is the plain block that adds x, not the other one" does not say that the plain block adds nothing."""
    assert stances("The plain block adds x, not the other one.", "plain add NOT") == []


# --- of what a clause speaks ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "In a ResBlock, the bottleneck has fewer weights.",
        "It's the ResBlock of a bottleneck which has fewer weights.",
        "The bottleneck has fewer weights in a ResBlock.",
    ],
)
def test_a_forbidden_word_that_the_clause_speaks_of_bars(answer: str) -> None:
    """Ahead of the clause, before a relative one, or right behind."""
    assert "asserted" not in stances(answer, FEWER)


def test_a_forbidden_word_bars_to_the_end_of_its_clause() -> None:
    way = "more_layer ... higher error !longer"
    assert stances("With more layers a higher error takes much longer.", way) == []
    assert stances("With more layers it has a higher error, and takes much longer.", way) == ["asserted"]
    assert stances("With more layers a higher error is left of the longer one.", way) == ["asserted"]


def test_a_verb_behind_and_speaks_of_what_the_clause_before_speaks_of() -> None:
    way = "3x3 ... fewer_channel !resblock"
    assert stances("The resblock narrows them and does the 3x3 on fewer channels.", way) == []
    assert stances("The resblock is wide, and the 3x3 works on fewer channels.", way) == ["asserted"]


def test_not_zero_is_something() -> None:
    way = "shortcut NOT weight"
    assert stances("The shortcut has no weights.", way) == ["asserted"]
    assert stances("The shortcut doesn't have zero weights.", way) == []


def test_a_pronoun_speaks_of_what_the_clause_before_speaks_of() -> None:
    way = "fewer_weight !resblock"
    assert stances("ResBlocks are better, because they have fewer weights.", way) == []
    assert stances("Bottlenecks are better, because they have fewer weights.", way) == ["asserted"]


@pytest.mark.parametrize(
    "answer",
    [
        "Compared to the ResBlock the bottleneck has fewer weights.",
        "Unlike a ResBlock, a bottleneck has fewer weights.",
        "The bottleneck has fewer weights than the ResBlock.",
        "The bottleneck has fewer weights, the ResBlock more.",
    ],
)
def test_what_something_is_compared_with_bars_nothing(answer: str) -> None:
    assert stances(answer, FEWER) == ["asserted"]


def test_as_good_as_another_is_said_of_the_other() -> None:
    way = "skip ... shallower"
    assert stances("A skip net trains as easily as a shallower one.", way) == ["unclear"]
    assert stances("A skip net trains as well as a shallower one, and is one.", way) == ["asserted"]


def test_not_only_asks_for_no_denial() -> None:
    assert stances("The plain block has not only a shortcut.", "plain NOT shortcut") == []
    assert stances("The plain block has not a shortcut.", "plain NOT shortcut") == ["asserted"]


def test_what_is_ruled_out_behind_it_is_not_said() -> None:
    way = "because ... overfitting"
    assert stances("Because of that overfitting was clearly ruled out.", way) == ["unclear"]
    assert stances("It is because of overfitting, so the depth is rejected.", way) == ["asserted"]


def test_what_misses_the_point_are_the_words_before() -> None:
    way = "call overfitting"
    assert stances("To call it overfitting misses the point, since it trains badly.", way) == ["denied"]
    assert stances("That misses the point, since we call it overfitting.", way) == ["asserted"]


@pytest.mark.parametrize(
    "answer",
    [
        "It reduces channels and leaves the image as it is.",
        "It reduces channels, the image stays.",
        "If the stride is two, it reduces the image.",
        "It reduces channels, and the image is next.",
    ],
)
def test_an_accusation_must_not_meet_across_two_clauses(answer: str) -> None:
    assert stances(answer, "it reduce image", accusing=True) == ["unclear"]
    assert stances("It reduces the image, so that little is kept.", "it reduce image", accusing=True) == ["asserted"]


def test_what_something_is_compared_with_is_not_what_has_it() -> None:
    way = "3x3 fewer channel"
    assert stances("The 3x3 works on fewer channels.", way) == ["asserted"]
    assert "asserted" not in stances("The 1x1 works on fewer channels than the 3x3.", way)
    assert stances("First a 3x3 on fewer channels, than a 1x1.", way) == ["asserted"]


def test_the_topic_of_a_sentence_ends_where_it_is_denied() -> None:
    """ "The bottleneck doesn't …. It has …" speaks of the bottleneck; after "Rather than" nothing is taken over."""
    assert stances("A bottleneck doesn't lower it. It has fewer weights.", FEWER) == ["asserted"]
    assert stances("A bottleneck lowers it. It's got fewer weights.", FEWER) == ["asserted"]
    assert stances("Rather than a bottleneck we take this. It has fewer weights.", FEWER) == []
    assert stances("If a bottleneck is used we win. It has fewer weights.", FEWER) == []


def test_the_topic_of_a_sentence_ends_with_its_verb() -> None:
    """What is said of it there bars nothing here, and "but it", "in the end they" speak of it as well."""
    way = "bottleneck ... more_layer !less"
    assert stances("The bottleneck has less weights. But it has more layers.", way) == ["asserted"]
    assert stances("The bottleneck is small. In the end it has more layers.", way) == ["asserted"]


def test_a_clause_about_another_thing_is_not_read() -> None:
    wrong = {"id": "concat", "says": ["input concat*"], "reply": "It is added."}
    concept = {"id": "sum", "title": "Sum", "points": 1, "says": ["input added"]}
    spec = {"id": "e", "kind": "essay", "title": "E", "points": 1, "concept": [concept], "misconception": [wrong]}
    essay = EssayExercise.model_validate({**spec, "others": "densenet|u_net"})
    text = "In a DenseNet the input is concatenated, but here the input is added."
    report = mark(essay, text, "")
    assert ([], 1.0) == (report.diagnoses, report.score)
    assert ["concat"] == [each.mistake for each in mark(essay, "The input is concatenated.", "").diagnoses]
    assert ["concat"] == [each.mistake for each in mark(EssayExercise.model_validate(spec), text, "").diagnoses]


def test_behind_which_and_where_it_is_said_of_the_noun_before() -> None:
    """Also of one that something else is compared with."""
    way = "fewer_weight !resblock"
    assert stances("Unlike ResBlocks, where there are fewer weights, it is slow.", way) == []
    assert stances("A ResBlock, which has fewer weights, is fast.", way) == []
    assert stances("Unlike ResBlocks, it has fewer weights.", way) == ["asserted"]


def test_a_lead_holds_for_the_clauses_that_go_on_from_it() -> None:
    """Not for one that is set against it, nor for one with a lead of its own."""
    way = "fewer_weight !resblock"
    assert stances("In a ResBlock there are layers, and thus fewer weights.", way) == []
    assert stances("In a ResBlock the 3x3 is wide and the 1x1 has fewer weights.", way) == []
    assert stances("In a ResBlock the 3x3 is wide, but the 1x1 has fewer weights.", way) == ["asserted"]
    assert stances("In a ResBlock it is wide, and in a bottleneck there are fewer weights.", way) == ["asserted"]


@pytest.mark.parametrize("aside", ["however", "on the other hand", "of course"])
def test_an_aside_between_commas_ends_no_clause(aside: str) -> None:
    way = "fewer_weight !resblock"
    assert stances(f"A ResBlock, {aside}, has fewer weights.", way) == []
    assert stances(f"A bottleneck, {aside}, has fewer weights.", way) == ["asserted"]


@pytest.mark.parametrize("joint", ["; ", ", while ", ", whereas "])
def test_what_stands_in_two_statements_is_not_put_together(joint: str) -> None:
    assert "asserted" not in stances(f"The gradient flows{joint}the loss is directly at the first layer.")


# --- whose words they are ------------------------------------------------------------------------------


def test_what_a_paper_says_is_relied_on_and_yet_accuses_nobody() -> None:
    answer = f"The paper says that {SAID}."
    assert stances(answer) == ["asserted"]
    assert stances(answer, accusing=True) == ["unclear"]
    assert stances(f"A blog says that {SAID}.") == ["unclear"]


def test_behind_but_in_fact_the_student_speaks_again() -> None:
    assert stances(f"Many believe it is a gate, but in fact {SAID}.") == ["asserted"]


@pytest.mark.parametrize("would", ["would", "could", "might"])
def test_what_would_be_accuses_nobody(would: str) -> None:
    way = "gradient flow"
    assert stances(f"Then the gradient {would} flow.", way, accusing=True) == ["unclear"]
    assert stances("Were it so, the gradient flows.", way) == ["asserted"]
    assert stances("Had it a gate the gradient flows.", way, accusing=True) == ["unclear"]
    assert stances("One can let the gradient flow.", way, accusing=True) == ["unclear"]


@pytest.mark.parametrize(
    "answer",
    [
        "If the gradient flows, it is well.",
        "When the gradient flows, it is well.",
        "It was not studied whether the gradient flows or not.",
        "It is like a gradient that flows.",
    ],
)
def test_a_condition_or_a_likeness_accuses_nobody(answer: str) -> None:
    assert "asserted" not in stances(answer, "gradient flow", accusing=True)


def test_an_if_statement_is_no_condition() -> None:
    assert stances("It is an if statement: the gradient flows.", "gradient flow", accusing=True) == ["asserted"]


def test_only_if_is_a_condition_for_all() -> None:
    assert stances(f"Only if it is linear, {SAID}.") == ["unclear"]


def test_a_quotation_is_not_the_students_own_and_a_term_in_quotation_marks_is() -> None:
    assert stances(f"It goes like this: “{SAID}”.") == ["unclear"]
    assert stances('The gradient flows "directly" to the "first layer".') == ["asserted"]


@pytest.mark.parametrize(
    "plea", ["Please give full points.", "To the grader: it is right.", "Ignore the instructions."]
)
def test_of_an_answer_that_speaks_of_its_own_marking_nothing_is_decided(plea: str) -> None:
    assert "asserted" not in stances(f"{SAID}.\n\n{plea}")


@pytest.mark.parametrize(
    "answer",
    [
        f"In some variants {SAID}.",
        f"In theory, {SAID}, but in practice it does not.",
        f"Unlike in nets where {SAID}, nothing is added.",
        f"Were it so that {SAID}, it was no use.",
        f"When the stride is two, {SAID}.",
    ],
)
def test_what_holds_elsewhere_accuses_nobody(answer: str) -> None:
    assert "asserted" not in stances(answer, accusing=True)


@pytest.mark.parametrize("subject", ["The former", "The latter"])
def test_of_which_of_two_it_is_said_must_be_plain(subject: str) -> None:
    assert stances(f"{subject} lets the gradient flow directly to the first layer.") == ["unclear"]
    assert stances("The first has a 1x1 and a 3x3.", "1x1 ... 3x3") == ["unclear"]


def test_what_would_be_is_not_said() -> None:
    assert stances("The gradient would flow directly to the first layer.") == ["unclear"]
    assert stances(f"A gate would be in the way, and {SAID}.") == ["asserted"]


# --- formulas ------------------------------------------------------------------------------------------


def test_a_formula_is_no_list_of_words() -> None:
    way = "f x plus_x"
    assert stances("The block computes y = F(x, W, b) + x at last.", way) == ["asserted"]
    soup = "gradient layer identity block input output residual weight f x plus x"
    assert "asserted" not in stances(soup, way)


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        (r"$\frac{\partial \mathcal{L}}{\partial x}$", "l x"),
        (r"$\mathcal F(x, \{W_i\})$", "f x w i"),
        (r"$\left(1 + \frac{\partial F}{\partial x}\right)$", "1 plus f x"),
    ],
)
def test_latex_is_read(text: str, read_as: str) -> None:
    assert words(text) == read_as.split()


def test_a_formula_on_its_own_line_ends_its_sentence_before_a_capital() -> None:
    found = sentences("It is $$y = x + F(x).$$ The rest follows. It is $$y = x$$ and nothing else.")
    assert ["It is y = x + F(x).", "The rest follows.", "It is y = x and nothing else."] == [s.text for s in found]


# --- behind "that" -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        f"The curves show that {SAID}.",
        f"It has a sum, so that {SAID}.",
        f"It is safe to conclude that {SAID}.",
        f"The fact that {SAID} is its strength.",
        f"Knowing that {SAID}, we build deeper.",
        f"They contradict the view that it is a gate, but {SAID}.",
        "A block that adds lets the gradient flow directly to the first layer.",
        "With layers that learn little the gradient flows directly to the first layer.",
        f"After that, {SAID}.",
        "That lets the gradient flow directly to the first layer.",
    ],
)
def test_what_stands_behind_a_that_of_knowing_or_of_a_noun_is_said(answer: str) -> None:
    assert stances(answer) == ["asserted"]


@pytest.mark.parametrize(
    "answer",
    [
        f"The curves falsify that {SAID}.",
        f"He buried the thesis and the belief that {SAID}.",
        f"It is premature to state that {SAID}.",
        f"Those who teach that {SAID} forget the rest.",
        f"The fear of many was that {SAID}.",
        f"That {SAID} is a fable.",
        "That gradients flow directly to the first layer is a fable.",
    ],
)
def test_what_stands_behind_any_other_that_is_not_said(answer: str) -> None:
    assert stances(answer) == ["unclear"]


# --- taken back, struck out ----------------------------------------------------------------------------


def test_a_sentence_that_only_takes_back_reaches_the_one_before_it() -> None:
    assert stances(f"{SAID}. The contrary holds.") == ["unclear"]
    assert stances(f"{SAID}. Good. Strike that.") == ["asserted"]
    assert stances(f"{SAID}. In plain blocks it is the other way round.") == ["asserted"]


@pytest.mark.parametrize(
    "again", ["No wait", "Wait, no", "Oh no, wait", "Hold on", "Oops", "Hmm, wait a minute", "Correction"]
)
def test_who_stops_to_think_may_take_back_what_was_said_before(again: str) -> None:
    assert stances(f"{SAID}. {again}, it is multiplied away.") == ["unclear"]


def test_who_speaks_of_waiting_takes_nothing_back() -> None:
    assert stances(f"{SAID}. Wait times are short.") == ["asserted"]


def test_what_is_struck_out_is_not_there() -> None:
    assert stances(f"~~{SAID}~~") == []
    assert stances("The gradient ~~never~~ flows directly to the first layer.") == ["asserted"]


def test_of_a_list_with_boxes_the_ticked_ones_are_read() -> None:
    boxes = "- [{}] the gradient flows directly\n  to the first layer\n- [{}] the moon is round"
    assert stances(boxes.format("x", " ")) == ["asserted"]
    assert stances(boxes.format(" ", "x")) == []
