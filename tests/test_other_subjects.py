"""Modules that are no residual blocks: right in other hands, and wrong where they do something else."""

from __future__ import annotations

from functools import cache

import pytest
from judging import judge_against
from subjects import POINTS, answers_to

from grader.graph import Graph, Leaf, Node
from grader.judge.examined import RightAnswers
from grader.judge.leaves import places_in_graph
from grader.judge.uses import MOST_STEPS
from grader.mistakes._mistake import changed
from grader.verdict import ExerciseReport, Status

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
GRU = """
class GRU(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.hidden = hidden
        self.ir, self.iz, self.inn = (nn.Linear(inputs, hidden) for _ in range(3))
        self.hr, self.hz, self.hn = (nn.Linear(hidden, hidden) for _ in range(3))

    def forward(self, x):
        h = x.new_zeros(len(x), self.hidden)
        states = []
        for xt in (x[:, t] for t in range(x.shape[1])):
            r = torch.sigmoid(self.ir(xt) + self.hr(h))
            z = torch.sigmoid(self.iz(xt) + self.hz(h))
            n = torch.tanh(self.inn(xt) + r * self.hn(h))
            h = (1 - z) * n + z * h
            states.append(h)
        return torch.stack(states, 1)
"""
LEVEL = """
def double(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

class Level(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.down, self.bottom, self.merge = double(channels, width), double(width, 2 * width), double(2 * width, width)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)

    def forward(self, x):
        a = self.down(x)
        pooled = F.max_pool2d(a, 2)
        return self.merge(torch.cat([a, self.up(self.bottom(pooled))], 1))
"""
SIDES = """
class Sides(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.side = nn.Conv2d(channels, width, 1)
        self.down = nn.Conv2d(channels, width, 3, stride=2, padding=1)
        self.out = nn.Conv2d(2 * width, channels, 3, padding=1)

    def forward(self, x):
        y = F.interpolate(F.relu(self.down(x)), size=x.shape[2:], mode="bilinear", align_corners=True)
        return self.out(torch.cat([self.side(x), y], 1))
"""
LENET = """
class LeNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 4, 5), nn.Conv2d(4, 8, 5)
        self.f1, self.f2 = nn.Linear(8 * 4 * 4, 16), nn.Linear(16, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2)
        x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.f2(F.relu(self.f1(x.flatten(1))))
"""
HEADS = """
class Heads(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        q, k, v = (each(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in (self.q, self.k, self.v))
        mixed = (q @ k.mT / self.size**0.5).softmax(-1) @ v
        return self.o(mixed.transpose(1, 2).flatten(2))
"""
CHAIN = """
class Encoder(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.mix, self.one, self.two = nn.Linear(width, width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        y = x + self.mix(self.one(x))
        return y + self.narrow(F.gelu(self.wide(self.two(y))))
"""
CAUSAL = """
class Causal(nn.Module):
    def __init__(self, width, size):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, size, bias=False) for _ in range(3))

    def forward(self, x):
        scores = self.q(x) @ self.k(x).mT / self.k.out_features**0.5
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return scores.masked_fill(later, float("-inf")).softmax(-1) @ self.v(x)
"""
RMS = """
class RMS(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.scale
"""
INVERTED = """
class Inverted(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        wide, self.adds = 2 * channels, stride == 1
        self.net = nn.Sequential(
            nn.Conv2d(channels, wide, 1), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide), nn.BatchNorm2d(wide), nn.ReLU6(),
            nn.Conv2d(wide, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x):
        return x + self.net(x) if self.adds else self.net(x)
"""
PERCEPTRON = """
class Perceptron(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.one, self.two, self.drop = nn.Linear(width, 8), nn.Linear(8, 3), nn.Dropout(dropout)

    def forward(self, x):
        return self.two(self.drop(F.relu(self.one(x))))
"""
FIVE = """
class Five(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.all = nn.ModuleList(nn.Linear(width, 3) for _ in range(5))

    def forward(self, x):
        a, b, c, d, e = (layer(x) for layer in self.all)
        return a * b.tanh() + c.sigmoid() * d.relu() - e
"""
CASES = {
    "Five": (FIVE, {"width": 4}, {"width": 6}, [4], [6]),
    "Perceptron": (PERCEPTRON, {"width": 6, "dropout": 0.0}, {"width": 4, "dropout": 1.0}, [6], [4]),
    "Causal": (CAUSAL, {"width": 4, "size": 3}, {"width": 6, "size": 6}, [5, 4], [7, 6]),
    "RMS": (RMS, {"width": 4}, {"width": 6}, [5, 4], [3, 6]),
    "Inverted": (INVERTED, {"channels": 4, "stride": 1}, {"channels": 3, "stride": 2}, [4, 8, 6], [3, 8, 8]),
    "Encoder": (CHAIN, {"width": 6, "hidden": 12}, {"width": 8, "hidden": 8}, [5, 6], [7, 8]),
    "GRU": (GRU, {"inputs": 3, "hidden": 4}, {"inputs": 4, "hidden": 4}, [5, 3], [5, 4]),
    "Level": (LEVEL, {"channels": 3, "width": 4}, {"channels": 4, "width": 4}, [3, 8, 8], [4, 12, 8]),
    "Sides": (SIDES, {"channels": 3, "width": 4}, {"channels": 6, "width": 5}, [3, 8, 6], [6, 10, 8]),
    "LeNet": (LENET, {"classes": 10}, {"classes": 3}, [1, 28, 28], [1, 28, 28]),
    "Heads": (HEADS, {"width": 8, "heads": 2}, {"width": 12, "heads": 3}, [5, 8], [7, 12]),
}
SPLIT = """
        mixed, out = (q @ k.mT / self.size**0.5).softmax(-1) @ v, self.o.bias
        for head, weight in zip(mixed.unbind(1), self.o.weight.split(self.size, 1)):
            out = out + head @ weight.T
        return out
"""
ONE_LAYER = [
    (
        "self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))",
        "self.o = nn.Linear(width, width)",
    ),
    ("self.o = nn", "self.all = nn.Linear(width, 3 * width)\n        self.o = nn"),
    ("q, k, v = (each(x)", "Q, K, V = (each"),
    ("for each in (self.q, self.k, self.v))", "for each in self.all(x).chunk(3, -1))"),
]
GATES = [
    ("self.ir, self.iz, self.inn = (nn.Linear(inputs, hidden) for _ in range(3))", "self.a = nn.Linear(inputs, ALL)"),
    ("self.hr, self.hz, self.hn = (nn.Linear(hidden, hidden) for _ in range(3))", "self.b = nn.Linear(hidden, ALL)"),
    ("ALL", "3 * hidden"),
    (
        "            r = torch",
        "            a, b = (y.chunk(3, -1) for y in (self.a(xt), self.b(h)))\n            r = torch",
    ),
    ("self.ir(xt) + self.hr(h)", "a[0] + b[0]"),
    ("self.iz(xt) + self.hz(h)", "a[1] + b[1]"),
    ("self.inn(xt) + r * self.hn(h)", "a[2] + r * b[2]"),
]
NORMALISED = [
    ("return scores", "weights = scores"),
    (" @ self.v(x)", "\n        return weights / weights.sum(-1, keepdim=True) @ self.v(x)"),
]
RIGHT = [
    ("GRU", []),
    ("GRU", [("x.new_zeros(len(x), self.hidden)", "torch.zeros(len(x), self.hidden)")]),
    ("GRU", [("x.new_zeros(len(x), self.hidden)", "torch.zeros_like(x[:, 0, :1]).expand(-1, self.hidden)")]),
    ("GRU", [("(x[:, t] for t in range(x.shape[1]))", "x.unbind(1)")]),
    ("GRU", [("(x[:, t] for t in range(x.shape[1]))", "x.transpose(0, 1)")]),
    ("GRU", [("self.ir(xt) + self.hr(h)", "self.hr(h) + self.ir(xt)")]),
    ("GRU", [("self.inn(xt) +", "F.linear(xt, self.inn.weight) + self.inn.bias +")]),
    ("Level", []),
    ("Level", [("F.max_pool2d(a, 2)", "a.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).amax((3, 5))")]),
    (
        "Level",
        [
            (
                "F.max_pool2d(a, 2)",
                "torch.maximum(a[..., ::2], a[..., 1::2])\n        pooled = pooled.unfold(2, 2, 2).amax(-1)",
            )
        ],
    ),
    ("Sides", []),
    (
        "Sides",
        [
            ("self.side = nn.Conv2d(channels, width, 1)", "self.side = nn.Linear(channels, width)"),
            ("self.side(x)", "self.side(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)"),
        ],
    ),
    ("LeNet", []),
    ("LeNet", [("x.flatten(1)", "x.view(-1, 128)")]),
    ("Heads", []),
    ("Heads", [(HEADS[HEADS.index("        mixed = ") :], SPLIT)]),
    ("Causal", []),
    ("Causal", [('float("-inf")', "-1e9")]),
    ("Causal", [('masked_fill(later, float("-inf")).softmax(-1)', "exp().masked_fill(later, 0.0)"), *NORMALISED]),
    ("Heads", [*ONE_LAYER, ("Q, K, V", "q, k, v")]),
    ("Heads", [*ONE_LAYER, ("Q, K, V", "v, k, q")]),
    ("GRU", GATES),
    ("GRU", [*GATES, ("a[1] + b[1]", "a[2] + b[1]"), ("a[2] + r * b[2]", "a[1] + r * b[2]")]),
    ("Perceptron", []),
    ("Perceptron", [("self.drop(F.relu(self.one(x)))", "F.relu(self.drop(self.one(x)))")]),
    ("Perceptron", [("self.drop(F.relu(self.one(x)))", "F.dropout(F.relu(self.one(x)), self.drop.p, self.training)")]),
    ("RMS", []),
    ("RMS", [("x * torch.rsqrt((x * x)", "x * torch.rsqrt((x.float() ** 2)"), ("1e-6)", "1e-6).type_as(x)")]),
    ("Inverted", []),
    ("Inverted", [(f", {size})", f", {size}, bias=False)") for size in ("wide, 1", "channels, 1")]),
    ("Inverted", [("groups=wide", "groups=wide, bias=False")]),
]
WRONG = [
    ("GRU", [("(1 - z) * n + z * h", "z * n + (1 - z) * h")]),
    ("GRU", [("r * self.hn(h)", "self.hn(r * h)")]),
    ("GRU", [("x.new_zeros", "x.new_ones")]),
    ("GRU", [("self.iz(xt) + self.hz(h)", "self.iz(xt) + self.hr(h)")]),
    ("Level", [("F.max_pool2d(a, 2)", "F.avg_pool2d(a, 2)")]),
    ("Level", [("F.max_pool2d(a, 2)", "-F.max_pool2d(-a, 2)")]),
    ("Sides", [("align_corners=True", "align_corners=False")]),
    ("Sides", [("F.relu(self.down(x))", "self.down(x)")]),
    ("LeNet", [("x.flatten(1)", "x.transpose(2, 3).flatten(1)")]),
    ("LeNet", [("F.relu(self.f1(", "(self.f1(")]),
    ("Heads", [("self.size**0.5", "1")]),
    ("Heads", [("k.mT / self.size**0.5", "k.mT * self.size**0.5")]),
    ("Causal", [('float("-inf")', "-1.0")]),
    ("Causal", [("triu(1)", "triu(2)")]),
    ("Heads", [*ONE_LAYER, ("Q, K, V", "q, k, v"), ("/ self.size**0.5", "")]),
    ("Heads", [*ONE_LAYER, ("Q, K, V", "q, k, v"), ("softmax(-1)", "softmax(-2)")]),
    ("GRU", [*GATES, ("(1 - z) * n + z * h", "z * n + (1 - z) * h")]),
    ("GRU", [*GATES, ("a[1] + b[1]", "a[2] + b[1]")]),
    ("Perceptron", [("self.drop(F.relu(self.one(x)))", "F.relu(self.one(x))")]),
    ("Perceptron", [("self.drop(F.relu(self.one(x)))", "F.dropout(F.relu(self.one(x)), self.drop.p)")]),
    ("Perceptron", [("self.two(self.drop(F.relu(self.one(x))))", "self.drop(self.two(F.relu(self.one(x))))")]),
    ("Perceptron", [("nn.Dropout(dropout)", "nn.Dropout(0.5)")]),
    ("RMS", [("1e-6", "1e-5")]),
    ("RMS", [("(x * x)", "(x.float() ** 2)"), ("1e-6)", "1e-5).type_as(x)")]),
    ("Inverted", [("nn.ReLU6()", "nn.ReLU()")]),
    ("Inverted", [("nn.BatchNorm2d(channels))", "nn.BatchNorm2d(channels), nn.ReLU6())")]),
]


@cache
def answers(name: str) -> RightAnswers:
    source, *arguments_and_sizes = CASES[name]
    cases = []
    for arguments, size in zip(arguments_and_sizes[:2], arguments_and_sizes[2:], strict=True):
        given = ", ".join(f"{key} = {value}" for key, value in arguments.items())  # type: ignore[union-attr]
        cases.append({"title": f'"{given}"', "arguments": f"{{ {given} }}", "input": str(size)})
    return answers_to(HEAD + source, name, cases, (*POINTS, "skip-connection") if name == "Inverted" else POINTS)


def judged(name: str, changes: list[tuple[str, str]]) -> ExerciseReport:
    right = answers(name)
    return judge_against(HEAD + changed(CASES[name][0], *changes), right.reference.exercise, right)


@pytest.mark.parametrize(("name", "changes"), RIGHT)
def test_right_in_any_hand(name: str, changes: list[tuple[str, str]]) -> None:
    """Whatever the first step of a recurrent layer starts from, however its inputs are cut apart, and however a largest
    number or a part of a weight is taken. A network that takes images of one size is asked no other, one that takes
    exponentials no numbers whose exponential is none, and one that computes in float32 no more digits than that has. A
    bias in front of a batch norm is there or not, whatever the reference does, and layers side by side may be one, with
    its parts in any order."""
    report = judged(name, changes)
    assert [] == [(check.id, check.message) for check in report.checks if check.status is not Status.PASSED]


@pytest.mark.parametrize(("name", "changes"), WRONG)
@pytest.mark.usefixtures("no_diagnosis")
def test_wrong_where_it_does_something_else(name: str, changes: list[tuple[str, str]]) -> None:
    """With the same parameters. Where the reference has no shortcut, what is wrong is none of the shortcut."""
    assert ["gradient"] == [check.id for check in judged(name, changes).checks if check.status is not Status.PASSED]


@pytest.mark.usefixtures("no_diagnosis")
def test_where_not_every_order_of_the_parts_can_be_tried_a_human_looks() -> None:
    """What is right in one that was not tried is not taken for wrong."""
    changes = [
        ("self.all = nn.ModuleList(nn.Linear(width, 3) for _ in range(5))", "self.all = nn.Linear(width, 15)"),
        ("a, b, c, d, e = (layer(x) for layer in self.all)", "e, d, c, b, a = self.all(x).chunk(5, -1)"),
    ]
    statuses = {check.id: check.status for check in judged("Five", changes).checks}
    assert {"shape": Status.PASSED, "parameters": Status.PASSED, "gradient": Status.SKIPPED} == statuses
    assert judged("Five", []).correct


def test_dropout_that_was_asked_for_is_not_said_to_be_too_much() -> None:
    """Of the probability that the constructor is given: 0 or 1, so that it is not random."""
    (diagnosis,) = judged("Perceptron", [("nn.Dropout(dropout)", "nn.Dropout(0.5)")]).diagnoses
    assert "dropout-added" == diagnosis.mistake
    assert "another probability than the constructor is given" in diagnosis.message
    assert "asks for none" not in diagnosis.message


def test_of_several_blocks_in_a_row_it_is_said_which_one_is_meant() -> None:
    """What is known is known of the last one; another input of its shortcut is no projection that is missing."""
    (diagnosis,) = judged("Encoder", [("return y + ", "return ")]).diagnoses
    assert "shortcut-missing" == diagnosis.mistake
    assert diagnosis.message.startswith("In the last of its blocks: ")
    assert [] == judged("Encoder", [("return y + ", "return x + ")]).diagnoses
    assert judged("Encoder", []).correct


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("x.shape[2] != 9", "The input was 1×3×9×9."),
        ("x.std()", "The input was 128×3×1×1, each number of it 1."),
        ("x.shape[2] != 8", ""),
    ],
)
@pytest.mark.usefixtures("no_diagnosis")
def test_an_input_that_is_not_the_declared_one_is_told(test: str, said: str) -> None:
    """Whoever tries the declared size sees no difference."""
    report = judged("Sides", [("return self.out(", f"x = x if {test} else -x\n        return self.out(")])
    message = next(check.message for check in report.checks if check.id == "gradient")
    assert said in message
    assert bool(said) == ("The input was" in message)


@pytest.mark.parametrize(("views", "is_bias"), [(3, True), (MOST_STEPS + 1, False)])
def test_a_layer_is_looked_for_so_far_back_and_no_further(views: int, is_bias: bool) -> None:
    """A recording is a self-report: one of thousands of views must not take long to read."""
    keys = {1: ("p:w", [4, 4]), 2: ("p:b", [4])}
    nodes = [Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[[2, 4]])]
    for number, (key, shape) in keys.items():
        nodes.append(Node(id=number, op="leaf", leaf=Leaf(kind="parameter", key=key, learnable=True), shapes=[shape]))
    nodes.append(Node(id=3, op="aten.mm.default", args=[{"v": 0}, {"v": 1}], shapes=[[2, 4]]))
    for number in range(4, 4 + views):
        nodes.append(Node(id=number, op="aten.view.default", args=[{"v": number - 1}, [2, 4]], shapes=[[2, 4]]))
    nodes.append(Node(id=999, op="aten.add.Tensor", args=[{"v": 3 + views}, {"v": 2}], shapes=[[2, 4]]))
    weight, bias = places_in_graph(Graph(nodes=nodes, output=999))
    assert is_bias == (weight.order[:4] == bias.order[:4])
