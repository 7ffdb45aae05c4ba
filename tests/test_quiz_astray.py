"""Right answers in odd places and spellings: what is surely meant counts, and what may be meant is a human's."""

from __future__ import annotations

from typing import Any

import pytest
from test_quiz import TEXTS, Notebook, choice, options, predict

from grader.submission import HandIn, find_given, read
from grader.verdict import CheckResult, Status

MARK = {"answer": "sky"}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    return Notebook(tmp_path_factory.mktemp("astray"))


def sky(notebook: Notebook, *cells: str | tuple[Any, ...]) -> CheckResult:
    """The verdict on what is chosen: `b` is right."""
    return notebook.result(choice(), *cells)


# ---------------------------------------------------------------------- in other words, other signs


@pytest.mark.parametrize(
    "value",
    [
        *(
            "b",
            "B",
            "b)",
            "“b”",
            "‘B’",
            "`b`",
            '"ｂ)"',
            '"b (The sun shines)"',
            '"b is right"',
            '"b is the right answer"',
        ),
        *('"I think b"', '"It is b"', '"I would say that it is b"', '"Antwort: b"', '"b because it shines"'),
        *('"The correct one is b"', '"only b"', '"nur b"'),
        *('"b weil sie scheint"', '"letter b"', '"✓ b"', '"option b is correct"', '"the answer is B)"'),
    ],
)
def test_an_option_may_be_given_in_many_words(notebook: Notebook, value: str) -> None:
    """Without its quotes, in those of a word processor, with a word before or a reason behind."""
    assert Status.PASSED == sky(notebook, f"q_sky = {value}").status
    wrong = sky(notebook, f"q_sky = {value}".replace("b", "c").replace("B", "C").replace("ｂ", "ｃ"))
    assert Status.PASSED != wrong.status


@pytest.mark.parametrize(
    "value",
    [
        *('"sun shines"', '"The sun shine"', '"something else"', '"the second one"', '"not b"', '"b or c"'),
        *('"a) no b) yes c) no d) no"', '"a: no, b: yes"', '"c) because b) is too bright"', '"neither"'),
    ],
)
def test_other_words_are_a_humans(notebook: Notebook, value: str) -> None:
    """Nothing is lost for words that may mean the right option, and none is read out of a list of all."""
    result = sky(notebook, f"q_sky = {value}")
    assert Status.SKIPPED == result.status
    assert "it is not sure what is meant in cell 1, line 1" in result.message


def test_a_letter_that_is_bound_is_no_letter(notebook: Notebook) -> None:
    assert Status.SKIPPED == sky(notebook, "b = f()\nq_sky = b").status
    assert Status.FAILED == sky(notebook, 'b = "a"\nq_sky = b').status


@pytest.mark.parametrize(
    "text",
    [
        "~~a~~ b",
        "☐ a\n☑ b\n☐ c\n☐ d",
        "b ✓",
        "\n".join(f"- **{name}) {text}**" if name == "b" else f"- {name}) {text}" for name, text in TEXTS.items()),
        "\n".join(f"- {name}) {text}{' ←' if name == 'b' else ''}" for name, text in TEXTS.items()),
    ],
)
def test_what_stands_out_of_the_list_is_chosen(notebook: Notebook, text: str) -> None:
    """Crossed out, ticked, in bold, with an arrow."""
    assert Status.PASSED == sky(notebook, ("markdown", text, MARK)).status


def test_the_whole_list_is_no_choice(notebook: Notebook) -> None:
    """Somebody copied the question: which option is meant, a human sees."""
    listed = "\n".join(f"- {name}) {text}" for name, text in TEXTS.items())
    assert Status.SKIPPED == sky(notebook, ("markdown", listed, MARK)).status


@pytest.mark.parametrize(
    "said",
    [
        *("b) is wrong", "b: false", "b = wrong", "(b) is incorrect", "b - wrong", "b, incorrect", "b: does not apply"),
        *("b because I did not look", "b: nope", "b) ist falsch", "b (not sure)", "b) isn’t right", "b) ✗", "b: x"),
        *("~b", "!b", "~ b", "[ ] b", "[ ] b) [x] c)", "~~b~~", "a, !c"),
    ],
)
def test_what_denies_an_option_does_not_choose_it(notebook: Notebook, said: str) -> None:
    """A word behind its label, or a sign before it: perhaps it is what is *not* meant."""
    for right in "ab":
        assert Status.SKIPPED == notebook.result(choice(right), f'q_sky = "{said}"').status
        if "[" not in said:  # in Markdown a box is a box
            assert Status.SKIPPED == notebook.result(choice(right), ("markdown", said, MARK)).status


@pytest.mark.parametrize(
    "said",
    [
        *("b - no wait, c", "b. Actually c", "b => c", "b: c is right", "b) was wrong, so c)", "b. Correction: c"),
        *("b: the right answer is a", "b, no: c", "b... no, c", "b: because c is right", "b)? No. I take c)."),
    ],
)
def test_what_names_another_option_behind_the_first_chooses_neither(notebook: Notebook, said: str) -> None:
    for right in "abc":
        assert Status.SKIPPED == notebook.result(choice(right), f'q_sky = "{said}"').status
        assert Status.SKIPPED == notebook.result(choice(right), ("markdown", said, MARK)).status


@pytest.mark.parametrize("said", ["b) It rains", "b: it rains, I think", "b) it", "b. Night"])
def test_a_letter_with_the_words_of_another_option_chooses_neither(notebook: Notebook, said: str) -> None:
    """Its first words are enough."""
    for right in "abc":
        night = [{**each, "text": "Night: the stars"} if each["id"] == "c" else each for each in options(right)]
        assert Status.SKIPPED == notebook.result(choice(option=night), f'q_sky = "{said}"').status
        assert Status.SKIPPED == notebook.result(choice(option=night), ("markdown", said, MARK)).status


@pytest.mark.parametrize("said", ["b) {}", "b: {}.", "b - {}", "B. {} - so it must be", "b) {}, because I saw it"])
@pytest.mark.parametrize("text", ["Not a cloud, or c", "No rain is wrong for a plant", "Nothing actually"])
def test_an_options_own_text_may_deny(notebook: Notebook, said: str, text: str) -> None:
    """It denies something else than the option, and so do its first words."""
    exercise = choice(option=[{**each, "text": text} if each["id"] == "b" else each for each in options("b")])
    assert Status.PASSED == notebook.result(exercise, f'q_sky = "{said.format(text)}"').status
    if len(start := text.split()[:3]) == 3:
        assert Status.PASSED == notebook.result(exercise, f'q_sky = "b) {" ".join(start)}"').status


@pytest.mark.parametrize("said", ["β", "x b", "b ✗", "❌ b", "¬b", "≠b", "a→b", "a-c", "b/", "2"])
def test_short_signs_may_mean_an_option(notebook: Notebook, said: str) -> None:
    """Only a plain word that is none of the letters is no option."""
    assert Status.SKIPPED == sky(notebook, f'q_sky = "{said}"').status
    assert Status.SKIPPED == sky(notebook, ("markdown", said, MARK)).status


@pytest.mark.parametrize("sign", ["\u200b", "\u200d", "\ufeff", "\u00ad"])
def test_signs_that_nobody_sees_change_nothing(notebook: Notebook, sign: str) -> None:
    assert Status.PASSED == sky(notebook, f'q_sky = "{sign}b{sign}"').status
    assert Status.PASSED == notebook.result(predict(27), f'q_sum = "{sign}2{sign}7"').status


@pytest.mark.parametrize("value", ["[False, True, False, False]", "(True, False)"])
def test_truth_values_in_a_row_are_a_humans(notebook: Notebook, value: str) -> None:
    """One for each option, perhaps."""
    assert Status.SKIPPED == sky(notebook, f"q_sky = {value}").status


@pytest.mark.parametrize(
    "text", ["- [x] a) wrong\n- [ ] b\n- [x] c) wrong", "- [ ] a\n- [ ] b\n\nI choose b", "~~a~~", "- [x] ~~b~~"]
)
def test_boxes_that_do_not_say_what_is_chosen_are_a_humans(notebook: Notebook, text: str) -> None:
    """A word that denies in a box that is ticked, an answer beside the boxes, and all of it crossed out."""
    assert Status.SKIPPED == sky(notebook, ("markdown", text, MARK)).status


# ---------------------------------------------------------------------- in other places


@pytest.mark.parametrize(
    "cell",
    [
        ("markdown", 'q_sky = "b"'),
        ("markdown", "q_sky = b"),
        ("raw", 'q_sky = "b"'),
        ("markdown", '```python\nq_sky = "b"  # a letter\n```'),
        ("markdown", '**q_sky** = "b"'),
        ("markdown", '`q_sky = "b"`'),
        ("markdown", '# q_sky = "b"'),
        ("markdown", 'q_sky = "b"', MARK),
    ],
)
def test_a_cell_whose_type_was_changed_still_answers(notebook: Notebook, cell: tuple[Any, ...]) -> None:
    """What it says in code counts more, and dots there count for nothing."""
    assert Status.PASSED == sky(notebook, cell).status
    assert Status.PASSED == sky(notebook, "q_sky = ...", cell).status
    assert Status.FAILED == sky(notebook, 'q_sky = "a"', cell).status


def test_the_question_itself_answers_nothing(notebook: Notebook) -> None:
    prompt = ("markdown", 'q_sky = "b"', {"prompt": True})
    assert Status.FAILED == sky(notebook, prompt).status
    assert Status.FAILED == sky(notebook, ("markdown", "q_sky = ...")).status
    assert Status.FAILED == sky(notebook, ("markdown", 'Write `q_sky = "b"` or another letter.')).status


@pytest.mark.parametrize("text", ["b", "Answer: b", "**b**"])
def test_a_word_below_the_cell_that_was_left_as_it_came(notebook: Notebook, text: str) -> None:
    """And not the next question."""
    assert Status.PASSED == sky(notebook, "q_sky = ...", ("markdown", text)).status
    assert Status.FAILED == sky(notebook, "q_sky = ...", ("markdown", "## b")).status
    assert Status.FAILED == sky(notebook, "q_sky = ...", ("markdown", text, {"answer": "other"})).status
    assert Status.FAILED == sky(notebook, "x = 1", ("markdown", text)).status


@pytest.mark.parametrize("name", ["Q_CLOUDS", "qclouds", "q_cluods", "q_clouds2", "q_cloud", "q_xlouds"])
def test_a_name_with_a_slip_is_named_and_a_humans(notebook: Notebook, name: str) -> None:
    """It is not guessed at: the page says which name was found, and where."""
    result = notebook.result(choice(name="q_clouds"), "import torch", f'{name} = "b"')
    assert Status.SKIPPED == result.status
    said = f"nothing in the notebook is bound to q_clouds, but {name} is, in cell 2, line 1"
    assert said in result.message
    assert result.message.endswith("Write the name as the question does: q_clouds.")


def test_another_name_is_another_name(notebook: Notebook) -> None:
    """Nor is one that is asked for itself, or that has no value."""
    for cell in ('q_crowds = "b"', 'x_skies = "b"', "q_cloud = ..."):
        assert Status.FAILED == notebook.result(choice(name="q_clouds"), cell).status


def test_a_name_that_is_asked_for_is_nobody_elses_slip(notebook: Notebook) -> None:
    one, other = choice(name="q_cloud1"), choice(name="q_cloud2", id="other")
    assert notebook.given(one, 'q_cloud1 = "b"') is not None
    given = find_given(read(HandIn("doe", "doe.ipynb", notebook.path)), [one, other])
    assert ["sky"] == list(given)


@pytest.mark.parametrize("line", ['q_sky == "b"', "q_sky: b", 'q_sky "b"', 'q_sky -> "b"'])
def test_what_was_meant_to_bind_the_name_is_a_humans(notebook: Notebook, line: str) -> None:
    assert Status.SKIPPED == sky(notebook, line).status
    assert Status.SKIPPED == sky(notebook, "q_sky = ...", line).status
    assert Status.PASSED == sky(notebook, 'q_sky = "b"', line).status


# ---------------------------------------------------------------------- numbers and shapes


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((2.0, text) for text in ("2,0", "two", "2 units", "2 (for all)", "1+1=2", "y = 2", "The output is 2", "２")),
        *((2.0, text) for text in ("I think 2", "result: 2", "ca. 2", "Antwort: 2", "= 2.0 ", "2,00")),
        *((0.0625, text) for text in ("0,0625", "0.5^4", "2^-4", "1⁄16", "(1/2)^4 = 0.0625")),
        *((1024, text) for text in ("2¹⁰", "2¹⁰ = 1024", "1024¹", "4⁵", "10³ + 24")),
        *((0.0625, text) for text in ("2⁻⁴", "1/2⁴", "¼ * ¼")),
        *((73728, text) for text in ("73728 parameters", "73,728 params (no bias)", "64·128·9 = 73728", "64*128*3²")),
    ],
)
def test_a_number_may_be_given_in_many_words(notebook: Notebook, value: float, text: str) -> None:
    """With a comma for a point, a unit, a word, the way to it; another number stays wrong."""
    assert Status.PASSED == notebook.result(predict(value), f'q_sum = "{text}"').status
    assert Status.FAILED == notebook.result(predict(value + 1), f'q_sum = "{text}"').status


@pytest.mark.parametrize(
    "text",
    [
        *("1 128 16 16", "(1 128 16 16)", "1*128*16*16", "1-128-16-16", "1/128/16/16", "[1; 128; 16; 16]"),
        *("1 by 128 by 16 by 16", "N=1, C=128, H=16, W=16", "1×128×16×16 (N, C, H, W)", "shape: (1,128,16,16)"),
    ],
)
def test_a_shape_may_be_given_in_many_signs(notebook: Notebook, text: str) -> None:
    assert Status.PASSED == notebook.result(predict([1, 128, 16, 16]), f'q_sum = "{text}"').status
    other = notebook.result(predict([1, 128, 32, 32]), f'q_sum = "{text}"')
    assert (Status.FAILED, "(1, 128, 16, 16) is not what comes out.") == (other.status, other.message)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (73728, "73.728"),
        (73728, '"73.728"'),
        (2.0, '"2,000"'),
        ([1, 128, 16, 16], "1*128*16*16"),
        (2.0, '"1 + 1 = 3"'),
    ],
)
def test_what_may_mean_another_number_is_a_humans(notebook: Notebook, value: Any, code: str) -> None:
    """A point in thousands, sizes that were multiplied, a sum that does not agree with itself."""
    assert Status.SKIPPED == notebook.result(predict(value), f"q_sum = {code}").status


@pytest.mark.parametrize(
    "text",
    [
        *("<= 2", ">= 2", "!= 2", ">=2", "y <= 2", "y ~= 2", "y is not = 2", "2 (wrong)", "2 (at most)", "2 (or more)"),
        *("2½", "2 ½", "1½", "10₂", "1②", "3 = 2 = 2"),
    ],
)
def test_a_number_that_is_only_bounded_or_denied_is_a_humans(notebook: Notebook, text: str) -> None:
    """Nor are signs side by side further digits of it."""
    for value in (2.0, 1.0):
        assert Status.SKIPPED == notebook.result(predict(value), f'q_sum = "{text}"').status
