"""Right answers in odd places and spellings: what is surely meant counts, and what may be meant is a human's."""

from __future__ import annotations

from typing import Any

import pytest
from test_quiz import TEXTS, Notebook, choice, predict

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
