"""References that keep tables, or their weights in another order, or that are made of large layers of PyTorch's."""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path

import pytest
from judging import judge_against
from subjects import POINTS, answers_to, one_module

from grader.audit.generate import Generator
from grader.audit.program import Unsayable
from grader.audit.styles import styles
from grader.errors import AssignmentError
from grader.judge.examined import RightAnswers
from grader.mistakes._mistake import changed
from grader.verdict import ExerciseReport, Status

HEAD = "import copy\nimport math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
POSITIONS = """
class Positions(nn.Module):
    def __init__(self, width, longest):
        super().__init__()
        at = torch.arange(longest)[:, None] * torch.exp(-math.log(10000.0) * torch.arange(0, width, 2) / width)
        table = torch.zeros(longest, width)
        table[:, 0::2], table[:, 1::2] = at.sin(), at.cos()
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table[:x.shape[1]]
"""
TEMPERED = """
class Tempered(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)
        self.register_buffer("temperature", torch.tensor(0.5))

    def forward(self, x):
        return (self.layer(x) / self.temperature).softmax(-1)
"""
BY_HAND = """
class ByHand(nn.Module):
    def __init__(self, into, out):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(into, out)), nn.Parameter(torch.zeros(out))

    def forward(self, x):
        return torch.relu(x @ self.w + self.b)
"""
CAPSULES = """
class Capsules(nn.Module):
    def __init__(self, into, size, out, wide):
        super().__init__()
        self.w = nn.Parameter(torch.randn(out, into, wide, size))

    def forward(self, x):
        u = (self.w @ x[:, None, :, :, None]).squeeze(-1)
        weights = torch.zeros_like(u[..., :1])
        for _ in range(2):
            v = torch.tanh((weights.softmax(2) * u).sum(2, keepdim=True))
            weights = weights + (u * v).sum(-1, keepdim=True)
        return v.squeeze(2)
"""
ATTENTION = """
class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, dropout=0.0, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]
"""
ALIKE = """
class Alike(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(width, 5), nn.ReLU(), nn.Linear(5, out))

    def forward(self, a, b):
        return F.cosine_similarity(self.net(a), self.net(b))
"""
COMPLEX = """
class Complex(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.re, self.im = nn.Linear(inputs, outputs, bias=False), nn.Linear(inputs, outputs, bias=False)

    def forward(self, x):
        a, b = x.unbind(1)
        return torch.stack([self.re(a) - self.im(b), self.re(b) + self.im(a)], 1)
"""
LAST = """
class Last(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.gru, self.out = nn.GRU(inputs, hidden, batch_first=True), nn.Linear(hidden, 2)

    def forward(self, x):
        return self.out(self.gru(x)[0][:, -1])
"""
STACK = """
class Stack(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(2))

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x
"""
NORMED = """
class Normed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.utils.parametrizations.weight_norm(nn.Linear(width, width))

    def forward(self, x):
        return F.softplus(self.layer(x))
"""
DROPPED = """
class Dropped(nn.Module):
    def __init__(self, channels, p):
        super().__init__()
        self.conv, self.drop = nn.Conv2d(channels, channels, 3, padding=1), nn.Dropout2d(p)

    def forward(self, x):
        return self.drop(F.relu(self.conv(x)))
"""
QUANTISED = """
class Quantised(nn.Module):
    def __init__(self, number, width):
        super().__init__()
        self.book = nn.Embedding(number, width)

    def forward(self, x):
        nearest = self.book(((x[:, None] - self.book.weight) ** 2).sum(-1).argmin(1))
        return x + (nearest - x).detach()
"""
ONE_HOT = """
class OneHot(nn.Module):
    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, tokens):
        return F.one_hot(tokens, self.number) * 1.0
"""
GENERATOR = """
class Generator(nn.Module):
    def __init__(self, latent, width):
        super().__init__()
        self.net = nn.Sequential(
            nn.ConvTranspose2d(latent, width, 4, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh())

    def forward(self, z):
        return self.net(z[:, :, None, None])
"""
VECTORS = """
class Vectors(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.one, self.two = nn.Linear(width, 5), nn.Linear(5, 6, bias=False)
        self.norm1, self.norm2, self.out = nn.BatchNorm1d(5), nn.BatchNorm1d(6), nn.Linear(6, out)

    def forward(self, x):
        return self.out(F.relu(self.norm2(self.two(F.relu(self.norm1(self.one(x)))))))
"""
HIGHWAY = """
class Highway(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.h, self.t = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x):
        t = torch.sigmoid(self.t(x))
        return t * F.relu(self.h(x)) + (1 - t) * x
"""
CONVNEXT = """
class ConvNeXt(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dw, self.norm = nn.Conv2d(width, width, 7, padding=3, groups=width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return x + self.down(F.gelu(self.up(self.norm(self.dw(x).movedim(1, -1))))).movedim(-1, 1)
"""
SUBJECTS = {
    "Generator": (GENERATOR, ("4, 3", [4]), ("6, 2", [6])),
    "Vectors": (VECTORS, ("4, 3", [4]), ("6, 2", [6])),
    "Highway": (HIGHWAY, ("4", [4]), ("6", [3, 6])),
    "ConvNeXt": (CONVNEXT, ("4", [4, 8, 8]), ("3", [3, 9, 7])),
    "Positions": (POSITIONS, ("4, 9", [5, 4]), ("6, 12", [7, 6])),
    "Tempered": (TEMPERED, ("4", [4]), ("3", [5, 3])),
    "ByHand": (BY_HAND, ("3, 4", [3]), ("5, 5", [5])),
    "Capsules": (CAPSULES, ("4, 3, 2, 5", [4, 3]), ("3, 2, 3, 2", [3, 2])),
    "Attention": (ATTENTION, ("4, 2", [5, 4]), ("6, 3", [4, 6])),
    "Alike": (ALIKE, ("4, 3", "{ a = [4], b = [4] }"), ("6, 5", "{ a = [6], b = [6] }")),
    "Complex": (COMPLEX, ("3, 4", [2, 3]), ("5, 2", [2, 5])),
    "Last": (LAST, ("3, 4", [5, 3]), ("2, 3", [4, 2])),
    "Stack": (STACK, ("4", [4]), ("3", [3])),
    "Normed": (NORMED, ("4", [4]), ("3", [3])),
    "Quantised": (QUANTISED, ("5, 3", [3]), ("4, 2", [2])),
    "OneHot": (
        ONE_HOT,
        ("4", "{ t = { shape = [3], low = 0, high = 4 } }"),
        ("6", "{ t = { shape = [2], low = 0, high = 6 } }"),
    ),
    "Dropped": (DROPPED, ("3, 0.0", [3, 6, 6]), ("4, 1.0", [4, 5, 7])),
}
BUFFER = 'self.register_buffer("table", table)'
HELD = "self.w, self.b = nn.Parameter(torch.randn(into, out)), nn.Parameter(torch.zeros(out))"
PRODUCT = "x @ self.w + self.b"
MADE = "self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(2))"
COPIED = "layer = nn.Linear(width, width)\n        self.layers = nn.ModuleList(copy.deepcopy(layer) for _ in range(2))"
ROUNDED = [
    ("torch.arange(longest)[:, None]", "torch.arange(longest, dtype=torch.float32)[:, None]"),
    ("torch.arange(0, width, 2) / width", "torch.arange(0, width, 2).float() / width"),
]
RIGHT: list[tuple[str, list[tuple[str, str]]]] = [
    *((name, []) for name in SUBJECTS),
    ("Positions", [(BUFFER, 'self.register_buffer("table", table[None], persistent=False)'), ("[:x", "[:, :x")]),
    ("Positions", [(BUFFER, "self.table = table")]),
    ("Positions", [(BUFFER, "self.table = nn.Parameter(table, requires_grad=False)")]),
    ("Positions", ROUNDED),
    ("Tempered", [("/ self.temperature", "* 2")]),
    ("OneHot", [("F.one_hot(tokens, self.number) * 1.0", "torch.eye(self.number)[tokens]")]),
    ("ByHand", [(HELD, "self.layer = nn.Linear(into, out)"), (PRODUCT, "self.layer(x)")]),
    ("ByHand", [(PRODUCT, "torch.einsum('...i,io->...o', x, self.w) + self.b")]),
    ("ByHand", [("torch.randn(into, out)", "torch.randn(out, into)"), ("self.w +", "self.w.T +")]),
    ("Capsules", [("(self.w @ x[:, None, :, :, None]).squeeze(-1)", "torch.einsum('oiws,nis->noiw', self.w, x)")]),
    ("Stack", [(MADE, COPIED)]),
    ("Generator", [("width, 4, bias=False", "width, 4")]),
    ("Vectors", [("nn.Linear(width, 5)", "nn.Linear(width, 5, bias=False)")]),
    ("Vectors", [("5, 6, bias=False", "5, 6")]),
    ("Vectors", [("nn.Linear(width, 5)", "nn.Linear(width, 5, bias=False)"), ("5, 6, bias=False", "5, 6")]),
]
WRONG = [
    ("Positions", [("at.sin(), at.cos()", "at.cos(), at.sin()")]),
    ("Positions", [*ROUNDED, ("10000.0", "10001.0")]),
    ("Tempered", [("torch.tensor(0.5)", "torch.tensor(0.6)")]),
    ("Quantised", [("argmin", "argmax")]),
    ("Quantised", [(".detach()", "")]),
    ("OneHot", [("F.one_hot(tokens, self.number)", "F.one_hot(tokens, self.number).flip(-1)")]),
    ("ByHand", [("self.w + self.b", "self.w.tanh() + self.b")]),
    ("Capsules", [("softmax(2)", "softmax(1)")]),
]
# What is said of code that is wrong for another reason, and is not so.
NOT_SAID = [
    ("Last", [("[:, -1]", "[:, 0]")], "result-discarded"),
    ("Capsules", [("torch.tanh(", "torch.relu(")], "result-discarded"),
    ("Stack", [(MADE, COPIED), ("torch.tanh(", "torch.relu(")], "layer-not-kept"),
    ("Normed", [("F.softplus(", "F.relu(")], "weights-reparametrised"),
    ("Highway", [("(1 - t) * x", "x")], "zero-padding-wrong"),
    ("Highway", [("(1 - t) * x", "x")], "projection-pooled"),
    ("ConvNeXt", [(", groups=width", "")], "groups-missing"),
    ("Vectors", [("self.norm2(self.two(", "(self.two(")], "chain-step-extra"),
]


@cache
def answers(name: str) -> RightAnswers:
    source, *cases = SUBJECTS[name]
    wanted = re.findall(r"def __init__\(self, (.*)\)", source)[0].split(", ")
    declared = []
    for values, size in cases:
        given = ", ".join(f"{key} = {value}" for key, value in zip(wanted, values.split(", "), strict=True))
        kind = "inputs" if isinstance(size, str) else "input"
        declared.append({"arguments": f"{{ {given} }}", kind: str(size)})
    return answers_to(HEAD + source, name, declared, POINTS)


def judged(name: str, changes: list[tuple[str, str]]) -> ExerciseReport:
    right = answers(name)
    return judge_against(HEAD + changed(SUBJECTS[name][0], *changes), right.reference.exercise, right)


@pytest.mark.parametrize(("name", "changes"), RIGHT)
def test_right_in_any_hand(name: str, changes: list[tuple[str, str]]) -> None:
    """What nobody learns is kept in a buffer, an attribute or a frozen parameter, and computed in float32 or float64. A
    reference may keep its weights as inputs × outputs, as they are taught, attention without dropout draws nothing,
    and where no gradient comes in the reference none need come. A layer of any kind in front of a batch norm has a bias
    or not."""
    report = judged(name, changes)
    assert [] == [(check.id, check.message) for check in report.checks if check.status is not Status.PASSED]


@pytest.mark.parametrize(("name", "changes"), WRONG)
@pytest.mark.usefixtures("no_diagnosis")
def test_wrong_where_it_does_something_else(name: str, changes: list[tuple[str, str]]) -> None:
    """The numbers of a table count, and are compared as far as float32 tells them."""
    assert ["gradient"] == [check.id for check in judged(name, changes).checks if check.status is not Status.PASSED]


@pytest.mark.parametrize(("name", "changes", "mistake"), NOT_SAID)
def test_what_pytorch_does_by_itself_is_no_mistake(name: str, changes: list[tuple[str, str]], mistake: str) -> None:
    """A recurrent layer gives more than is used of it, the last round of a loop makes what no other one reads, copies
    are made of a layer that is not used, and weights are normalised because the task says so. A gated shortcut is no
    option A, and a depthwise convolution no ResNeXt's."""
    report = judged(name, changes)
    assert not report.correct
    assert mistake not in [each.mistake for each in report.diagnoses]


def test_dropout_is_asked_for_whatever_its_probability_is_called() -> None:
    """The reference has it: then nobody is told that the task asks for none."""
    (diagnosis,) = judged("Dropped", [("nn.Dropout2d(p)", "nn.Dropout2d(0.5)")]).diagnoses
    assert "another probability than the constructor is given" in diagnosis.message


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("Alike", [("self.net(b))", "self.net(b), dim=0)")], "must give 2, but gives 3."),
        ("Last", [("[:, -1]", "[-1]")], "must give 2×2, but gives 5×2."),
    ],
)
@pytest.mark.usefixtures("no_diagnosis")
def test_a_wrong_number_of_samples(name: str, changes: list[tuple[str, str]], said: str) -> None:
    """It is no wrong number of channels, and no height or width."""
    shape = judged(name, changes).checks[0]
    assert said in shape.message
    assert "Dimension 1 is wrong: follow it from step to step." == shape.advice


@pytest.mark.usefixtures("no_diagnosis")
def test_complex_weights_stay_complex() -> None:
    """They are not cast to real ones, of which the module could not run."""
    held = "self.re, self.im = nn.Linear(inputs, outputs, bias=False), nn.Linear(inputs, outputs, bias=False)"
    returned = "return torch.stack([self.re(a) - self.im(b), self.re(b) + self.im(a)], 1)"
    report = judged(
        "Complex",
        [
            (held, "self.w = nn.Parameter(torch.randn(outputs, inputs, dtype=torch.cfloat))"),
            (returned, "z = torch.complex(a, b) @ self.w.T\n        return torch.stack([z.real, z.imag], 1)"),
        ],
    )
    assert {"shape": Status.PASSED, "gradient": Status.SKIPPED} == {
        check.id: check.status for check in report.checks if check.id != "parameters"
    }


@pytest.mark.parametrize("numbers", ["torch.randn(width)[:, None]", "torch.rand(())"])
def test_numbers_that_are_drawn_anew_are_refused_in_words(tmp_path: Path, numbers: str) -> None:
    """Nobody could have the same."""
    source = f"""
class Drawn(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.register_buffer("drawn", {numbers} * torch.ones(width, 2))

    def forward(self, x):
        return x @ self.drawn
"""
    reference = one_module(tmp_path, HEAD + source, "Drawn", [{"arguments": "{ width = 3 }", "input": "[3]"}])
    with pytest.raises(AssignmentError, match=r"keeps numbers that are others each time it is built \(drawn\)"):
        reference.output_shape(reference.exercise.cases[0], (2, 3))


def test_programs_are_written_for_more_than_images() -> None:
    """In rows of vectors the batch is not half of something rounded up; what nobody learns is in no program."""
    generator, rng = Generator(answers("Highway")), random.Random(0)
    source = generator.write(generator.planner.right(rng), next(iter(styles())), rng).source
    right = answers("Highway")
    assert judge_against(source, right.reference.exercise, right).correct
    with pytest.raises(Unsayable, match="numbers that nobody learns"):
        Generator(answers("Positions")).write(Generator(answers("Positions")).planner.right(rng), "Layers", rng)
