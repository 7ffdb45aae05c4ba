"""What an experiment claims of networks holds only where each was trained with the budget that the task gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from walls import SharingGrader, graded, wall

from grader.assignment import Limits, load_assignment
from grader.errors import AssignmentError
from grader.pipeline import Grader, Settings
from grader.verdict import ExerciseReport, Report, Status

pytestmark = pytest.mark.heavy

TASK = '''
import torch
from torch import nn


def line():
    return nn.Linear(1, 1)


def task(seed):
    """Points on a line."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(20, 1, generator=generator)
    return {"x": x, "y": 3 * x + 1, "asked": x}, 3 * x[:, 0] + 1


def error(returned, targets):
    return (returned - targets).abs().mean()
'''
SPEC = """
id = "budgets"
title = "Budgets"

[[exercise]]
id = "line"
kind = "module"
title = "A line"
name = "Line"
reference = "right:line"
points = { shape = 1 }
case = [{ title = "one", arguments = {}, input = [1] }]

[[exercise]]
id = "fit"
kind = "experiment"
title = "A small rate learns less"
name = "fit"
data = "right:task"
measures = { error = "right:error" }
shape = [20]
rounds = 5
points = { slow = 2, quick-fits = 1 }
series = [
    { id = "slow", arguments = { scale = 0.01 }, network = { exercise = "line" } },
    { id = "quick", arguments = { scale = 1.0 }, network = { exercise = "line" } },
]

[exercise.training]
optimiser = "SGD"
steps = 20
settings = { lr = 0.5, momentum = 0 }
loss = "mse_loss"
input = "x"
target = "y"

[[exercise.claim]]
id = "slow"
title = "A loss that is made smaller teaches less"
left = "slow"
right = "quick"

[[exercise.bound]]
id = "quick-fits"
title = "The whole loss teaches"
series = "quick"
at_most = 0.6
"""
HEAD = """import torch
from torch import nn

class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(1, 1)

    def forward(self, x):
        return self.line(x)

def train(net, x, y, scale, steps=20, lr=0.5, kind=torch.optim.SGD, **settings):
    o = kind(net.parameters(), lr=lr, **settings)
    for _ in range(steps):
        o.zero_grad()
        (scale * ((net(x) - y) ** 2).mean()).backward()
        o.step()
    return net

def fit(x, y, asked, scale, seed):
    torch.manual_seed(seed)
    net = Line()
    """
ASKED = "\n    return net(asked)[:, 0]"
BY_HAND = """for _ in range(20):
        found = torch.autograd.grad(scale * ((net(x) - y) ** 2).mean(), list(net.parameters()))
        with torch.no_grad():
            for p, g in zip(net.parameters(), found):
                p -= 0.5 * g"""
CLOSURE = """o = torch.optim.SGD(net.parameters(), lr=0.5)
    def closure():
        o.zero_grad()
        loss = scale * ((net(x) - y) ** 2).mean()
        loss.backward()
        return loss
    for _ in range(20):
        o.step(closure)"""
APART = """both = [torch.optim.SGD([p], lr=0.5) for p in net.parameters()]
    for _ in range(20):
        [o.zero_grad() for o in both]
        (scale * ((net(x) - y) ** 2).mean()).backward()
        [o.step() for o in both]"""
SHUFFLED = """o = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(20):
        for a, b in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 20, shuffle=True):
            o.zero_grad()
            (scale * nn.functional.mse_loss(net(a), b, reduction="sum") / 20).backward()
            o.step()"""
# Which module it is that learns cannot be told, so nothing is said of what it learns.
WITHOUT_MODULE = """w, b = net.line.weight, net.line.bias
    o = torch.optim.SGD([w, b], lr=0.5)
    for _ in range(20):
        o.zero_grad()
        (scale * ((x @ w.T + b - y) ** 2).mean()).backward()
        o.step()"""
FAILED, PASSED, SKIPPED = Status.FAILED, Status.PASSED, Status.SKIPPED


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    folder = written(tmp_path_factory.mktemp("budgets"), SPEC)
    settings = Settings(wall(), "cpu", 0, Limits(seconds=40, cell_seconds=10))
    with SharingGrader(load_assignment(folder), settings) as grader:
        grader.prepare()
        yield grader


def written(folder: Path, spec: str) -> Path:
    (folder / "right.py").write_text(TASK)
    (folder / "assignment.toml").write_text(spec)
    return folder


@pytest.fixture
def fitted(grader: Grader, tmp_path: Path) -> Callable[[str], ExerciseReport]:
    grade: Callable[..., Report] = partial(graded, grader, tmp_path)
    return lambda body: grade(HEAD + body + ASKED).exercises[1]


@pytest.mark.parametrize(
    "body",
    [
        "train(net, x, y, scale)",
        "nets = [net, Line()]\n    train(nets[0], x, y, scale, momentum=0.0)",  # the other is not trained
        CLOSURE,
        APART,
        SHUFFLED,
        WITHOUT_MODULE,
        "class Own(torch.optim.SGD): pass\n    train(net, x, y, scale, kind=Own)",
    ],
)
def test_the_budget_may_be_kept_in_any_hand(fitted: Callable[[str], ExerciseReport], body: str) -> None:
    assert [(PASSED, "")] * 2 == [(check.status, check.advice) for check in fitted(body).checks]


@pytest.mark.parametrize(
    ("body", "statuses", "words"),
    [
        ("train(net, x, y, scale, steps=20 if scale == 1 else 5)", [FAILED, PASSED], "expected 20 steps of the"),
        ("train(net, x, y, scale, steps=2)", [FAILED, FAILED], "found 2 steps of the optimiser"),
        ("train(net, x, y, scale)\n    train(net, x, y, scale)", [FAILED, FAILED], "found 40 steps of the optimiser"),
        (
            "train(net, x, y, scale, steps=10)\n    net.line.bias.requires_grad_(False)\n"
            "    train(net, x, y, scale, steps=10)",
            [FAILED, FAILED],
            "found 10 to 20 steps, by the parameter",
        ),
        ("train(net, x, y, scale, lr=0.5 if scale == 1 else 0.1)", [FAILED, PASSED], "lr = 0.5, found lr = 0.1."),
        ("train(net, x, y, scale, momentum=0.5)", [FAILED, FAILED], "momentum = 0, found momentum = 0.5"),
        ("train(net, x, y, scale, kind=torch.optim.Adam)", [FAILED, FAILED], "steps of SGD, found steps of Adam"),
        ("if scale == 1: train(net, x, y, scale)", [FAILED, PASSED], "found nothing that is trained"),
        # A network of another size, and one of which a part learns.
        (
            "if scale != 1: net = nn.Sequential(nn.Linear(1, 3), nn.Linear(3, 1))\n    train(net, x, y, scale)",
            [FAILED, PASSED],
            "expected 2 parameters that are trained, found 10 parameters",
        ),
        (
            "net.line.bias.requires_grad_(scale == 1)\n    train(net, x, y, scale)",
            [FAILED, PASSED],
            "found one parameter that is trained",
        ),
        # Other data, other targets, another loss, and gradients that are never cleared.
        ("train(net, x[:9], y[:9] if scale == 1 else -y[:9], scale)", [FAILED, FAILED], "found step 1 along another"),
        ("train(net, x, y if scale == 1 else -y, scale)", [FAILED, PASSED], "gradient of mse_loss over all of x and y"),
        (
            "o = torch.optim.SGD(net.parameters(), lr=0.5)\n    for _ in range(20):\n"
            "        (scale * ((net(x) - y) ** 2).mean()).backward()\n        o.step()",
            [FAILED, FAILED],
            "found step 2 along another one",
        ),
        # What only a human can tell.
        (BY_HAND, [SKIPPED, SKIPPED], "though 20 backward passes. Whether it was trained as the task says is left to"),
        (
            "nets = [train(each, x, y, scale) for each in (net, Line(), Line())]\n    net = nets[1]",
            [SKIPPED, SKIPPED],
            "3 networks that are trained in one call: 6 parameters",
        ),
    ],
)
def test_another_budget_shows_nothing(
    fitted: Callable[[str], ExerciseReport], body: str, statuses: list[Status], words: str
) -> None:
    """Whatever the numbers are: it costs what is claimed of the series that has it, and nothing else."""
    report = fitted(body)
    assert statuses == [check.status for check in report.checks], [check.message for check in report.checks]
    assert words in report.checks[0].message


def test_a_wrong_network_costs_in_its_own_exercise(grader: Grader, tmp_path: Path) -> None:
    """The size of what is trained is that of the student's own network, right or wrong."""
    narrow = HEAD.replace("nn.Linear(1, 1)", "nn.Linear(1, 1, bias=False)")
    checks = graded(grader, tmp_path, narrow + "train(net, x, y, scale)" + ASKED).exercises[1].checks
    assert not any("parameters that are trained" in check.message for check in checks)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('exercise = "line"', 'exercise = "lines"', "there is no exercise 'lines' of the kind module; expected one of"),
        ("[exercise.training]\noptimiser", "#[exercise.training]\n#optimiser", "steps: unknown key"),
        ("steps = 20", "steps = 0", "steps"),
        ('target = "y"', "", "expected loss, input and target, or none of them"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SPEC
    with pytest.raises(AssignmentError, match=words):
        load_assignment(written(tmp_path, SPEC.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('loss = "mse_loss"', 'loss = "mse"', "torch.nn.functional has no 'mse'"),
        ('target = "y"', 'target = "z"', "there is no tensor 'z' among x, y, asked"),
    ],
)
def test_a_loss_that_cannot_be_made_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SPEC
    folder = written(tmp_path, SPEC.replace(old, new))
    settings = Settings(wall("none"), "cpu", 0, Limits())
    with pytest.raises(AssignmentError, match=words), SharingGrader(load_assignment(folder), settings) as grader:
        grader.prepare()
