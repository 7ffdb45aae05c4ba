"""Questions: what is said of a right answer, of a wrong one, of none, and of one that cannot be read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.assignment import ChoiceExercise, PredictExercise, QuizExercise
from grader.quiz import judge_quiz
from grader.submission import Given, HandIn, find_given, read
from grader.verdict import CheckResult, Status

TEXTS = {"a": "It rains", "b": "The sun shines", "c": "It's night, or nearly", "d": "A plain day"}


def options(right: str) -> list[dict[str, Any]]:
    return [
        {"id": name, "text": text, "right": name in right, "explanation": f"Why {name.upper()}."}
        for name, text in TEXTS.items()
    ]


def choice(right: str = "b", **more: Any) -> ChoiceExercise:
    spec = {"id": "sky", "kind": "choice", "title": "Sky", "task": "What now?", "name": "q_sky", "points": 3}
    return ChoiceExercise.model_validate({**spec, "option": options(right), "headings": ["the sky"], **more})


def predict(value: Any, **more: Any) -> PredictExercise:
    spec = {"id": "sum", "kind": "predict", "title": "Sum", "task": "How many?", "name": "q_sum", "points": 2}
    return PredictExercise.model_validate({**spec, "value": value, "headings": ["the sum"], **more})


class Notebook:
    """A notebook of these cells: a code cell, or a kind, a source and the cell's mark."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "doe.ipynb"

    def given(self, exercise: QuizExercise, *cells: str | tuple[Any, ...]) -> Given | None:
        content = []
        for cell in cells:
            kind, source, *mark = ("code", cell) if isinstance(cell, str) else cell
            more = {"outputs": [], "execution_count": None} if kind == "code" else {}
            metadata = {"grader": mark[0]} if mark else {}
            content.append({"cell_type": kind, "source": source, "metadata": metadata, **more})
        self.path.write_text(json.dumps({"cells": content, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
        return find_given(read(HandIn("doe", "doe.ipynb", self.path)), [exercise]).get(exercise.id)

    def result(self, exercise: QuizExercise, *cells: str | tuple[Any, ...]) -> CheckResult:
        report = judge_quiz(exercise, self.given(exercise, *cells))
        (check,) = report.checks
        assert report.correct == (check.status is Status.PASSED)
        assert (check.score, check.max_score) == (exercise.max_score if report.correct else 0, exercise.max_score)
        return check


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    return Notebook(tmp_path_factory.mktemp("quiz"))


# ---------------------------------------------------------------------- multiple choice

# How people write an option: its letter L, its text T.
SPELLINGS = [
    ("code", 'q_sky = "{l}"'),
    ("code", "q_sky = '{L}'"),
    ("code", 'q_sky="{l})"'),
    ("code", "q_sky = ' ({L}) '"),
    ("code", 'q_sky: str = "[{l}]"'),
    ("code", 'q_sky = "{l}) {t}"'),
    ("code", 'q_sky = "{L}. {t}."'),
    ("code", 'q_sky = "{t}"'),
    ("code", 'q_sky = """\n{t}\n"""'),
    ("code", 'q_sky = "Answer: {l}"'),
    ("code", 'q_sky = "option {L}"'),
    ("code", 'q_sky = "{l}: because I say so"'),
    ("code", 'q_sky = ["{l}"]'),
    ("code", 'q_sky = {{"{L}"}}'),
    ("code", 'q_sky = ("{l}",)  # "z"'),
    ("code", 'mine = "{l}"\nq_sky = mine'),
    ("code", 'q_other, q_sky = 3, "{l}"'),
    ("code", 'q_sky = other = "{l}"'),
    ("code", 'q_sky = "z"; q_sky = "{l}"'),
    ("code", '%%time\n!pip install it\'s\nq_sky = "{l}"'),
    ("code", 'print("unclosed"\nq_sky = "{l}"'),
    ("markdown", "{l}"),
    ("markdown", "**{L}**"),
    ("markdown", "Answer: {l}"),
    ("markdown", "**Answer:** {L})\n\nBecause there are no clouds."),
    ("markdown", "{l}) {t}"),
    ("markdown", "{t}"),
    ("markdown", "- [ ] z) no\n- [x] {l}) {t}\n- [ ] y"),
]


def written(spelling: tuple[str, str], name: str) -> str | tuple[Any, ...]:
    kind, form = spelling
    text = form.format(l=name, L=name.upper(), t=TEXTS[name])
    return text if kind == "code" else ("markdown", text, {"answer": "sky"})


@given(spelling=st.sampled_from(SPELLINGS), right=st.sampled_from("abcd"), chosen=st.sampled_from("abcd"))
@settings(max_examples=150, deadline=None)
def test_any_spelling_of_an_option_is_that_option(
    notebook: Notebook, spelling: tuple[str, str], right: str, chosen: str
) -> None:
    """The right one passes however it is written; any other fails, with its own explanation and no other's."""
    result = notebook.result(choice(right), written(spelling, chosen))
    assert (Status.PASSED if chosen == right else Status.FAILED) == result.status, result.message
    assert f"{chosen}) {TEXTS[chosen]}: Why {chosen.upper()}." == result.message
    assert 1 == result.cell


@pytest.mark.parametrize(
    "chosen", ['["a", "c"]', '{"C", "A"}', '"a", "c"', '"a, c"', '"A and C"', '"ac"', "list(('c', 'a'))"]
)
def test_several_options_make_a_set(notebook: Notebook, chosen: str) -> None:
    """Order does not matter; one less or one more is wrong, and what is missing is not told."""
    assert Status.PASSED == notebook.result(choice("ac", several=True), f"q_sky = {chosen}").status
    less = notebook.result(choice("acd", several=True), f"q_sky = {chosen}")
    assert (Status.FAILED, "What is chosen is right, and it is not all that is right.") == (less.status, less.message)
    more = notebook.result(choice("a", several=True), f"q_sky = {chosen}")
    assert (Status.FAILED, f"c) {TEXTS['c']}: Why C.") == (more.status, more.message)


def test_boxes_are_ticked(notebook: Notebook) -> None:
    """A list of tasks below the heading."""
    cell = ("markdown", "## About the sky\n- [x] a) It rains\n- [ ] b) The sun shines\n- [X] c\n- [ ] d")
    assert Status.PASSED == notebook.result(choice("ac", several=True), cell).status


def test_one_option_is_one(notebook: Notebook) -> None:
    """Whoever ticks everything has chosen nothing."""
    result = notebook.result(choice(), 'q_sky = ["a", "b", "c", "d"]')
    assert (Status.FAILED, "One option is asked for, and these are 4: a and b and c and d.") == (
        result.status,
        result.message,
    )


@pytest.mark.parametrize("value", ['"e"', "7", "2.5", "True", '"all"', "float('nan')", "-1"])
def test_what_is_no_option_lists_them(notebook: Notebook, value: str) -> None:
    """Which options there are, and not which one is right."""
    result = notebook.result(choice(), f"q_sky = {value}")
    assert Status.FAILED == result.status
    assert "This is none of the options: answer with one of a, b, c, d." == result.message


@pytest.mark.parametrize("text", ['"b) It rains"', '"b) or c)"'])
def test_what_contradicts_itself_is_a_humans(notebook: Notebook, text: str) -> None:
    """The label of one option and the text of another."""
    assert Status.SKIPPED == notebook.result(choice(), f"q_sky = {text}").status


def test_prose_is_a_humans(notebook: Notebook) -> None:
    """Words that are no option may mean one."""
    result = notebook.result(choice(), ("markdown", "I think it is bright outside.", {"answer": "sky"}))
    assert Status.SKIPPED == result.status


# ---------------------------------------------------------------------- what comes out


@pytest.mark.parametrize(
    "value",
    [
        *(
            "27",
            "27.0",
            '"27.0"',
            "2.7e1",
            "54 / 2",
            "54//2",
            "+27",
            "3**3",
            "0x1b",
            "54 >> 1",
            "3 * (1 << 3) + 3",
            "(27)",
            "[27]",
            "float(27)",
        ),
        *(
            "torch.tensor(27.)",
            "torch.tensor([27, 27])",
            '"= 27"',
            '"54/2"',
            "'27.'",
            "- -27",
            "blocks / 2",
            "'about 27'",
        ),
    ],
)
def test_a_number_may_be_written_in_many_ways(notebook: Notebook, value: str) -> None:
    """As Python writes it, as a text, as arithmetic with what was bound before."""
    assert Status.PASSED == notebook.result(predict(27), f"blocks = 54\nq_sum = {value}").status
    wrong = notebook.result(
        predict(28, wrong=[{"value": 27, "explanation": "One short."}]), f"blocks = 54\nq_sum = {value}"
    )
    assert (Status.FAILED, "27: One short.") == (wrong.status, wrong.message)


@pytest.mark.parametrize("text", ["73728", "73,728", "73 728", "**73728**", "Answer: 73,728", "$73728$", "9*64*128"])
def test_a_number_may_be_written_in_markdown(notebook: Notebook, text: str) -> None:
    """With the thousands set apart, in bold, behind a word."""
    assert Status.PASSED == notebook.result(predict(73728), ("markdown", f"# The sum\n{text}")).status


@pytest.mark.parametrize(
    "value",
    [
        "(1, 128, 16, 16)",
        "[1,128,16,16]",
        "1, 128, 16, 16",
        "torch.Size([1, 128, 16, 16])",
        '"1×128×16×16"',
        '"1 x 128 x 16 x 16"',
        '"(1, 128, 16, 16)"',
        "(1, 2*64, 32//2, 16.0)",
    ],
)
def test_a_shape_may_be_written_in_many_ways(notebook: Notebook, value: str) -> None:
    """As PyTorch prints it, or as people do."""
    assert Status.PASSED == notebook.result(predict([1, 128, 16, 16]), f"q_sum = {value}").status
    other = notebook.result(predict([1, 128, 32, 32]), f"q_sum = {value}")
    assert (Status.FAILED, "(1, 128, 16, 16) is not what comes out.") == (other.status, other.message)


def test_a_tolerance_is_absolute_or_relative() -> None:
    """The wider of both counts; without any only the rounding of floats is forgiven, and whole numbers are exact."""
    assert predict(2.0, tolerance=0.1).means(2.0, 2.1)
    assert not predict(2.0, tolerance=0.1).means(2.0, 2.11)
    assert predict(200, relative=0.01).means(200, 202)
    assert not predict(200, relative=0.01).means(200, 203)
    assert predict(0.3).means(0.3, 0.1 + 0.2)
    assert not predict(0.3).means(0.3, 0.3001)
    assert not predict(10**12).means(10**12, 10**12 + 1)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("True", "True is not a number."),
        ("float('nan')", "Nan is not a finite number."),
        ("1e999", "Inf is not a finite number."),
        ("-math.inf", "-inf is not a finite number."),
    ],
)
def test_what_is_no_number_is_said_so(notebook: Notebook, value: str, said: str) -> None:
    """A truth value is no number in an answer, and neither is what is not finite."""
    result = notebook.result(predict(1), f"q_sum = {value}")
    assert (Status.FAILED, said) == (result.status, result.message)


# ---------------------------------------------------------------------- none, or one that cannot be read


@pytest.mark.parametrize("value", ["...", "None", '""', "'  '", "[]", '"your answer here"', '"TODO"', '"?"'])
def test_a_placeholder_is_no_answer(notebook: Notebook, value: str) -> None:
    """It earns nothing, and the report says why and where."""
    result = notebook.result(choice(), "x = 1", f"# choose\nq_sky = {value}")
    assert Status.FAILED == result.status
    assert "Not answered: q_sky still has no value." == result.message
    assert (2, 2) == (result.cell, result.line)


def test_nothing_is_no_answer(notebook: Notebook) -> None:
    """Nor are comments, texts, and other names."""
    result = notebook.result(
        choice(), '# q_sky = "b"\nx = """\nq_sky = "b"\n"""\nq_clouds = "b"\nassert q_sky == "b"\nprint(q_sky)'
    )
    assert Status.FAILED == result.status
    assert "Not answered: nothing in the notebook is bound to q_sky." == result.message


def test_markdown_answers_where_code_does_not(notebook: Notebook) -> None:
    """The cell that the starter left, and the answer below a heading; a value in code counts more."""
    below = ("markdown", "### Answer: the sky\nb")
    assert Status.PASSED == notebook.result(choice(), "q_sky = ...", below).status
    assert Status.FAILED == notebook.result(choice(), 'q_sky = "a"', below).status


def test_the_last_binding_counts(notebook: Notebook) -> None:
    """As after running all cells from the top."""
    result = notebook.result(choice(), 'q_sky = "a"', 'q_sky = "b"', "q_other = 1")
    assert (Status.PASSED, 2, 1) == (result.status, result.cell, result.line)


@pytest.mark.parametrize(
    "source",
    [
        "q_sum = block(x).sum()",
        "q_sum = len(blocks) / 2",
        "q_sum = 1 if x else 2",
        "q_sum = f'{1 + 1}'",
        "q_sum = 9**9**9",
        "q_sum = 2 ** 10_000",
        "q_sum = 1 / 0",
        "q_sum = unknown",
        "q_sum = 2\nq_sum += 1",
        "q_sum = 73,728",
        "x = f()\nq_sum = x",
        "q_sum, y = f()",
        "if True:\n    q_sum = 2",
        "x = 1\nif y:\n    x = 2\nq_sum = x",
        "x = 1\nwhile y:\n    x += 1\nq_sum = x",
        "x = 2\nfor i, x in y:\n    pass\nq_sum = x",
        "for q_sum in range(3): pass",
        "if True: q_sum = 2",
        "def f():\n    q_sum = 2",
        "q_sum = " + "(" * 1_000 + "2" + ")" * 1_000,
        "q_sum = " + "9" * 3_000,
        "q_sum = [[1, 2], [3]]",
        "q_sum = -'2'",
        "q_sum = 2j",
    ],
)
def test_what_cannot_be_read_is_not_guessed(notebook: Notebook, source: str) -> None:
    """A human looks at it; the message names the place, and what to write."""
    result = notebook.result(predict(2), "import torch", source)
    assert Status.SKIPPED == result.status, result.message
    assert 2 == result.cell
    assert f"cannot be read off cell 2, line {result.line}" in result.message
    assert "Write the value itself" in result.message


# What may come behind `q_sum = 2` that binds the name anew, or takes it away.
ANEW = [
    *("(q_sum := 1)", "print(q_sum := 1)", "[q_sum := i for i in (0, 1)]", "del q_sum", "del x, q_sum", "q_sum += 1"),
    *("import math as q_sum", "import q_sum", "from math import pi as q_sum", "from x import (y, q_sum)"),
    *("class q_sum: pass", "def q_sum(): pass", "async def q_sum():\n    pass", "for q_sum in [1]: pass"),
    *("for x, (q_sum, y) in z: pass", "with f() as q_sum: pass", "with f() as x, g() as (y, q_sum):\n    pass"),
    *(
        "try:\n    pass\nexcept Error as q_sum:\n    pass",
        "match x:\n    case q_sum: pass",
        "x, (y, q_sum) = z",
        "x = y, q_sum = z",
    ),
    *(
        "*q_sum, x = y",
        "if x: q_sum = 1",
        "if x: q_sum += 1",
        "for x in y: z = 1; q_sum = 1",
        "while x:\n    q_sum -= 1",
    ),
    *(
        "exec('q_sum = 1')",
        'globals()["q_sum"] = 1',
        "globals().update(q_sum=1)",
        "get_ipython().run_cell('q_sum = 1')",
    ),
    *("def f():\n    global q_sum\n    q_sum = 1\nf()", "%time q_sum = f()", "%timeit -n 1 q_sum = f()"),
]
# What may come behind `q_sum = [2]`, a list, or `torch.tensor([2.])`, and change it in place.
CHANGES = [
    *("q_sum.append(1)", "q_sum.remove(2)", "q_sum.clear()", "q_sum.extend([1])", "q_sum[0] = 1", "q_sum[0] += 1"),
    *("del q_sum[0]", "q_sum += [1]", "q_sum.add_(1)", "q_sum.neg_()", "q_sum.data.fill_(1)", "q_sum[0].zero_()"),
    *("if x: q_sum.append(1)", "def f():\n    q_sum.append(1)\nf()", "for x in y:\n    q_sum[0] = x"),
    *("f = q_sum.append\nf(1)", "list(map(q_sum.append, [1]))", "q_sum .append(1)", "(q_sum\n .append(1))"),
    *("(q_sum).append(1)", "q_sum\\\n.append(1)"),
    *("random.shuffle(q_sum)", "nn.init.zeros_(q_sum)", "list.append(q_sum, 1)", "torch.add(x, 1, out=q_sum)"),
    *(
        "def spoil(x):\n    x[0] = 1\nspoil(q_sum)",
        "q_sum.data = x",
        "q_sum[0], x = 1, 2",
        "other = q_sum\nother.clear()",
    ),
]
# What does neither.
HARMLESS = [
    *(
        "print(q_sum)",
        "q_sum",
        "assert q_sum == 2",
        "q_sum == 1",
        "print(f'{q_sum}', end='')",
        "len(q_sum)",
        "x = q_sum",
    ),
    *(
        "x = [q_sum, 1]",
        "other = q_sum\nprint(other)",
        "if q_sum == 2: print(q_sum)",
        "torch.zeros(q_sum)",
        "x.q_sum = 1",
    ),
    *(
        "x['q_sum'] = 1",
        "f(q_sum=1)",
        "def f():\n    q_sum = 3",
        "def f(q_sum=1): return q_sum",
        "def f(q_sum): pass",
        "def f(): pass\nf(q_sum=1)",
        "'q_sum' in globals()",
    ),
    *(
        "class A:\n    q_sum = 1",
        "for x in q_sum: print(x)",
        "with f(q_sum) as x: pass",
        "lambda: q_sum",
        "x[q_sum] = 1",
    ),
    *("list(model(x).shape) == q_sum", "[q_sum for q_sum in x]", "x = 1  # del q_sum", "'del q_sum'", "import q_sums"),
    *("q_sum.count(1)", "x.append(1)", "exec('x = 1')", "%timeit f(q_sum)", "!rm q_sum", "q_sum = ..."),
]


@pytest.mark.parametrize("source", ANEW)
def test_a_name_that_is_bound_anew_is_not_guessed(notebook: Notebook, source: str) -> None:
    """Nor is what follows from it; a plain binding behind all that is read."""
    assert Status.SKIPPED is notebook.result(predict(2), f"q_sum = 2\n{source}").status
    if "global q_sum" not in source:
        assert Status.PASSED is notebook.result(predict(2), f"q_sum = 1\n{source}", "q_sum = 2").status
    helper = source.replace("q_sum", "helper")
    assert Status.SKIPPED is notebook.result(predict(2), f"helper = 2\n{helper}", "q_sum = helper").status


@pytest.mark.parametrize("source", CHANGES)
@pytest.mark.parametrize("value", ["[2]", "torch.tensor([2.])"])
def test_what_may_have_been_changed_in_place_is_not_guessed(notebook: Notebook, value: str, source: str) -> None:
    """By its own name, by another name of the same, or before the answer was computed of it."""
    assert Status.SKIPPED is notebook.result(predict(2), f"q_sum = {value}\n{source}").status
    helper = source.replace("q_sum", "helper")
    assert Status.SKIPPED is notebook.result(predict(2), f"helper = {value}\n{helper}\nq_sum = helper").status
    assert Status.SKIPPED is notebook.result(predict(2), f"helper = q_sum = {value}\n{helper}").status
    assert Status.SKIPPED is notebook.result(predict(2), f"helper = {value}\nq_sum = helper\n{helper}").status


@pytest.mark.parametrize("source", HARMLESS)
@pytest.mark.parametrize("value", ["2", "[2]"])
def test_what_only_looks_at_an_answer_changes_nothing(notebook: Notebook, value: str, source: str) -> None:
    assert Status.PASSED is notebook.result(predict(2), f"q_sum = {value}", source).status


@pytest.mark.parametrize("source", ["q_sum.append(1)", "answers.append(q_sum)", "shuffle(q_sum)", "q_sum.add_(1)"])
def test_a_number_is_not_changed_in_place(notebook: Notebook, source: str) -> None:
    """And neither is what once had the same name as a list."""
    assert Status.PASSED is notebook.result(predict(2), f"q_sum = 2\n{source}").status
    assert Status.PASSED is notebook.result(predict(2), f"x = [1]\nq_sum = x\nq_sum = 2\nx.append(1)\n{source}").status


def test_a_list_of_letters_may_grow(notebook: Notebook) -> None:
    """It is neither all that was chosen, nor less than what is right."""
    for first, more in (("a", "c"), ("a, c", "b")):
        source = f"q_sky = [{', '.join(map(repr, first.split(', ')))}]\nq_sky.append({more!r})"
        assert Status.SKIPPED is notebook.result(choice("ac", several=True), source).status


@pytest.mark.parametrize("source", ["import b", "def b(): return 'c'", "class b: pass", "from x import y as b"])
def test_a_letter_that_names_something_is_no_letter(notebook: Notebook, source: str) -> None:
    assert Status.SKIPPED is notebook.result(choice(), f"{source}\nq_sky = b").status


@pytest.mark.parametrize("source", ['globals()["q_sky"] = "b"', "exec(\"q_sky = 'b'\")", 'q_sky[0] = "b"', "del q_sky"])
def test_who_binds_a_name_in_an_odd_way_has_answered(notebook: Notebook, source: str) -> None:
    """In which way, a human sees."""
    assert Status.SKIPPED is notebook.result(choice(), source).status


@pytest.mark.parametrize("magic", ["%time", "%timeit -n1", "%timeit -n 1 -r 1", "%prun -l 3"])
def test_a_statement_behind_a_magic_is_run(notebook: Notebook, magic: str) -> None:
    assert Status.PASSED is notebook.result(choice(), "q_sky = ...", f'{magic} q_sky = "b"').status
    assert Status.FAILED is notebook.result(choice(), f'q_sky = "b"\n{magic} q_sky = "c"').status
    assert Status.PASSED is notebook.result(choice(), f'q_sky = "b"\nif x:\n    {magic} y = 1').status


def test_a_cell_that_is_written_to_a_file_is_not_run(notebook: Notebook) -> None:
    """What is bound in a cell that is run counts, wherever it stands."""
    file = '%%writefile answers.py\nq_sky = "b"'
    assert Status.FAILED is notebook.result(choice(), 'q_sky = "c"', file).status
    assert Status.FAILED is notebook.result(choice(), file, 'q_sky = "c"').status
    assert Status.PASSED is notebook.result(choice(), "q_sky = ...", file).status


def test_a_placeholder_takes_no_answer_back(notebook: Notebook) -> None:
    """The starter's cell was copied to the end. Where the name is emptied, a human sees what was meant."""
    for value in ("...", '"your answer here"'):
        result = notebook.result(choice(), "q_sky = ...", 'q_sky = "b"', f"q_sky = {value}")
        assert (Status.PASSED, 2) == (result.status, result.cell)
    for value in ("None", '""', "[]"):
        assert Status.SKIPPED is notebook.result(choice(), 'q_sky = "b"', f"q_sky = {value}").status


def test_what_stands_where_nothing_is_read_is_a_humans(notebook: Notebook) -> None:
    """Nobody who has written an answer is told that there is none."""
    assert Status.SKIPPED is notebook.result(choice(), 'print(q_sky := "b")').status


def test_a_question_in_markdown_is_no_answer(notebook: Notebook) -> None:
    """How to answer is told in the starter's text, and that is not the student's."""
    for text in ('Write `q_sky = "a"` in a cell.', "q_sky = ...", 'q_sky = "your answer here"'):
        assert Status.FAILED is notebook.result(choice(), ("markdown", text), "x = 1").status


@pytest.mark.parametrize("source", ['    x = 1\n    q_sky = "b"', '%%writefile answers.py\nq_sky = "b"'])
def test_what_jupyter_runs_is_read(notebook: Notebook, source: str) -> None:
    """A cell that is indented as a whole, and a module that the notebook writes."""
    assert Status.PASSED is notebook.result(choice(), source).status


def test_a_block_is_no_answer_beside_one(notebook: Notebook) -> None:
    """What may never be run does not change what was given."""
    assert Status.PASSED == notebook.result(predict(2), "q_sum = 2\ndef f():\n    q_sum = 3").status


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 900_000, "[\n" * 450_000, "q_sum = (\n" * 90_000, "'\\\n" * 300_000, "'''" * 300_000, ";" * 900_000),
        *("\n" * 900_000, "q_sum = x = " * 75_000, "q_sum = " + "-" * 900_000, "if x:" * 180_000, "a, " * 300_000),
        "x = 1\n" * 5_000_000 + "q_sum = 2",
        "q_sum = " + "1+" * 450_000 + "1",
        ": x " * 200_000,
    ],
)
def test_hostile_code_takes_no_longer(notebook: Notebook, text: str) -> None:
    """No text makes reading slow (quadratic time would take hours here), or crash."""
    started = time.perf_counter()
    notebook.result(predict(2), text)
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize(
    "text", ["- [x] " * 100_000, "answer" * 100_000, "answer:\n" * 100_000, "a, " * 200_000, "(" * 500_000]
)
def test_hostile_words_take_no_longer(notebook: Notebook, text: str) -> None:
    """In Markdown, too."""
    started = time.perf_counter()
    notebook.result(choice(), ("markdown", text, {"answer": "sky"}))
    notebook.result(predict(2), ("markdown", text, {"answer": "sum"}))
    assert time.perf_counter() - started < 20


@given(source=st.text(alphabet="q_sum=aAb'\"\\\n;:#()[]{},.+-*/%0129 eifx!", max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reading(notebook: Notebook, source: str) -> None:
    """Whatever stands there, there is a verdict."""
    notebook.result(predict(2), source)
    notebook.result(choice(), f"q_sky = {source}")
