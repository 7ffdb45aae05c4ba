"""Modules of several inputs and outputs: tuples, masks, whole numbers, inputs that may be left out."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import torch
from judging import judge_against
from subjects import answers_to, one_module
from torch import Tensor, nn

from grader.assignment import Case
from grader.capture.several import lend_call
from grader.errors import AssignmentError
from grader.judge.examined import RightAnswers
from grader.mistakes._mistake import changed
from grader.verdict import ExerciseReport, Status

HEAD = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
CELL = """
class Cell(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.x, self.h = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden)

    def forward(self, x, state):
        h, c = state
        i, f, g, o = (self.x(x) + self.h(h)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
"""
CROSS = """
class Cross(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, query, key, value, mask=None):
        s = self.q(query) @ self.k(key).mT / math.sqrt(query.shape[-1])
        s = s if mask is None else s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ self.v(value), s.softmax(-1)
"""
WORDS = """
class Words(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.tokens, self.norm = nn.Embedding(vocabulary, width), nn.LayerNorm(width)

    def forward(self, tokens):
        return self.norm(self.tokens(tokens))
"""
STATES = """
class States(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.x, self.h, self.hidden = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden, bias=False), hidden

    def forward(self, x):
        h, states = x.new_zeros(len(x), self.hidden), []
        for t in range(x.shape[1]):
            h = torch.tanh(self.x(x[:, t]) + self.h(h))
            states.append(h)
        return torch.stack(states, 1), h
"""
SOURCES = {"Cell": CELL, "Cross": CROSS, "Words": WORDS, "States": STATES}
CASES = {
    "Cell": [
        ("{ inputs = 3, hidden = 4 }", "{ x = [3], state = [[4], [4]] }"),
        ("{ inputs = 5, hidden = 2 }", "{ x = [5], state = [[2], [2]] }"),
    ],
    "Cross": [
        (
            "{ width = 4 }",
            '{ query = [3, 4], key = [5, 4], value = [5, 4], mask = { shape = [3, 5], as = "truth", batch = false } }',
        ),
        ("{ width = 6 }", "{ query = [2, 6], key = [4, 6], value = [4, 6] }"),
    ],
    "Words": [
        ("{ vocabulary = 9, width = 4 }", "{ tokens = { shape = [5], low = 0, high = 9 } }"),
        ("{ vocabulary = 6, width = 3 }", "{ tokens = { shape = [4], low = 0, high = 6 } }"),
    ],
    "States": [("{ inputs = 3, hidden = 4 }", "{ x = [5, 3] }"), ("{ inputs = 2, hidden = 3 }", "{ x = [4, 2] }")],
}
RIGHT = [
    *((name, []) for name in SOURCES),
    ("Cell", [("return torch.sigmoid(o) * torch.tanh(c), c", 'return {"h": o.sigmoid() * c.tanh(), "c": c}')]),
    (
        "Cell",
        [
            ("self.x, self.h = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden)", "self.cell = CELL"),
            ("CELL", "nn.LSTMCell(inputs, hidden)"),
            (CELL[CELL.index("        h, c = state") :], "        return self.cell(x, state)\n"),
        ],
    ),
    ("Cross", [("s.masked_fill(~mask, -math.inf)", "s + (1.0 - mask.to(s.dtype)) * -1e9")]),
    (
        "Cross",
        [("s.softmax(-1) @ self.v(value), s.softmax(-1)", "[s.softmax(-1) @ self.v(value), s.softmax(-1), None]")],
    ),
    (
        "Words",
        [
            ("nn.Embedding(vocabulary, width)", "nn.Parameter(torch.zeros(vocabulary, width))"),
            ("self.tokens(tokens)", "self.tokens[tokens]"),
        ],
    ),
    ("States", [("return torch.stack(states, 1), h", "return torch.stack(states, 1), states[-1]")]),
]
WRONG = [
    ("Cell", [("return torch.sigmoid(o) * torch.tanh(c), c", "return c, torch.sigmoid(o) * torch.tanh(c)")]),
    ("Cell", [("i, f, g, o =", "f, i, g, o =")]),
    ("Cell", [("torch.sigmoid(f) * c ", "torch.sigmoid(f) * c.detach() ")]),
    ("Cross", [("~mask", "mask")]),
    ("Cross", [("s if mask is None else s.masked_fill(~mask, -math.inf)", "s")]),
    ("Cross", [("self.v(value)", "self.v(key)")]),
    ("Words", [("self.tokens(tokens)", "self.tokens(tokens.clamp(max=4))")]),
    ("Words", [("self.tokens(tokens)", "self.tokens(tokens).detach()")]),
    ("States", [("return torch.stack(states, 1), h", "return torch.stack(states, 1), states[0]")]),
]
REFUSED = [
    ("Cell", [("return torch.sigmoid(o) * torch.tanh(c), c", "return torch.sigmoid(o) * torch.tanh(c)")]),
    ("States", [("return torch.stack(states, 1), h", "return torch.stack(states, 1), h[None]")]),
    ("Cross", [("mask=None", "mask")]),
    ("Cell", [("x, state):\n        h, c = state", "x, h, c):")]),
]
SAID = [
    "Cell(3, 4), one: for x 2×3, state 2×4 and 2×4 forward must return 2 tensors, of 2×4, 2×4, but returns a tensor of "
    "2×4.",
    "States(3, 4), one: for x 2×5×3 forward must return 2 tensors, of 2×5×4, 2×4, but returns 2 tensors, of 2×5×4, "
    "1×2×4.",
    "it is called as forward(self, query, key, value), in this order",
    "it is called as forward(self, x, state), in this order, with a tuple",
]


def cases_of(name: str) -> list[dict[str, str]]:
    return [{"arguments": arguments, "inputs": inputs} for arguments, inputs in CASES[name]]


@cache
def answers(name: str) -> RightAnswers:
    return answers_to(HEAD + SOURCES[name], name, cases_of(name))


def judged(name: str, changes: list[tuple[str, str]]) -> ExerciseReport:
    right = answers(name)
    return judge_against(HEAD + changed(SOURCES[name], *changes), right.reference.exercise, right)


def test_one_tensor_cannot_say_that_it_is_several() -> None:
    """It holds the right numbers in a row, and is not what the task asks for."""
    returned = "torch.sigmoid(o) * torch.tanh(c), c"
    one = "        row = torch.cat([each.reshape(-1) for each in (torch.sigmoid(o) * torch.tanh(c), c)])\n"
    mark = "        row._shapes_of_several = [list(h.shape), list(c.shape)]\n        return row"
    shape = judged("Cell", [(f"        return {returned}", one + mark)]).checks[0]
    assert Status.FAILED is shape.status
    assert "must return 2 tensors" in shape.message


@pytest.mark.parametrize(("name", "changes"), RIGHT)
def test_right_in_any_hand(name: str, changes: list[tuple[str, str]]) -> None:
    """However what is returned is held together. No gradient is asked of whole numbers and truth values."""
    report = judged(name, changes)
    assert [] == [(check.id, check.message) for check in report.checks if check.status is not Status.PASSED]


@pytest.mark.parametrize(("name", "changes"), WRONG)
def test_wrong_where_it_does_something_else(name: str, changes: list[tuple[str, str]]) -> None:
    """Each input counts, and each output in its place."""
    assert ["gradient"] == [check.id for check in judged(name, changes).checks if check.status is not Status.PASSED]


@pytest.mark.parametrize(("wrong", "said"), list(zip(REFUSED, SAID, strict=True)))
def test_what_it_takes_and_returns_is_told(wrong: tuple[str, list[tuple[str, str]]], said: str) -> None:
    """With the names of the inputs, and a shape for each tensor."""
    report = judged(*wrong)
    texts = [check.message for check in report.checks] + [each.message for each in report.diagnoses]
    assert any(said in text for text in texts), texts


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"input": "[3]", "inputs": "{ x = [4] }"}, "expected `input` or `inputs`, found both"),
        ({"confirm": "true"}, "case[0].input: missing; this key is required"),
        ({"inputs": "{ x = { shape = [3], low = 3 } }"}, "expected low and high together, low below high"),
        ({"inputs": '{ x = { shape = [3], as = "bool" } }'}, "input should be 'tensor' or 'truth', found 'bool'"),
    ],
)
def test_a_case_that_cannot_be_is_refused_in_words(tmp_path: Path, case: dict[str, str], said: str) -> None:
    """The message says what was expected."""
    arguments = {"arguments": CASES["Cell"][0][0]}
    with pytest.raises(AssignmentError, match=re.escape(said)):
        one_module(tmp_path, HEAD + SOURCES["Cell"], "Cell", [{**arguments, **case}])


def test_a_reference_of_several_inputs_that_returns_several_needs_to_say_so(tmp_path: Path) -> None:
    """With one `input` it may return one tensor, and is told how to return more."""
    cases = [{"arguments": CASES["States"][0][0], "input": "[5, 3]"}]
    reference = one_module(tmp_path, HEAD + SOURCES["States"], "States", cases)
    with pytest.raises(AssignmentError, match="`inputs` in place of `input`"):
        reference.output_shape(reference.exercise.cases[0], (2, 5, 3))


class Given(nn.Module):
    """Keeps what it is given."""

    def forward(self, *inputs: object) -> Tensor:
        self.inputs = inputs
        return torch.zeros(2)


def test_an_input_is_what_the_case_says() -> None:
    """Truth values are mixed along the last dimension, whatever is drawn: a softmax over keys that are all masked is no
    number. Whole numbers stay in their bounds."""
    mask = {"shape": [4, 6], "as": "truth", "batch": False}
    inputs = {"mask": mask, "words": {"shape": [50], "low": 2, "high": 5}, "state": [[3], [2, 2]]}
    case = Case.model_validate({"title": "t", "inputs": inputs})
    assert [81] == case.input
    assert "mask 4×6, words 3×50, state 3×3 and 3×2×2" == case.said_input((3, 81))
    module = Given()
    lend_call(module, case.takes)
    for x in (torch.randn(3, 81), torch.zeros(3, 81), 3e4 * torch.randn(3, 81)):
        module(x)
        truths, words, state = module.inputs
        assert isinstance(truths, Tensor)
        assert isinstance(words, Tensor)
        assert isinstance(state, tuple)
        assert (torch.bool, (4, 6)) == (truths.dtype, truths.shape)
        assert truths.any(-1).all()
        assert not truths.all(-1).any()
        assert (torch.int64, (3, 50)) == (words.dtype, words.shape)
        assert {*words.unique().tolist()} <= {2, 3, 4}
        assert [(3, 3), (3, 2, 2)] == [part.shape for part in state]
        assert torch.equal(x[:, -4:], state[1].flatten(1))
