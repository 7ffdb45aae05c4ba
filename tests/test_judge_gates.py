"""A block that is right but for rare calls does not pass: whatever it chooses by, one of the probes meets it."""

# ruff: noqa: E501 (students' lines are as long as they come)

from __future__ import annotations

import pytest
from judging import judge

from grader.mistakes._families import PREACT
from grader.mistakes._mistake import RESBLOCK, changed
from grader.verdict import ExerciseReport, Proof, Status

pytestmark = pytest.mark.heavy

FORGE = """import torch

class Forge(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, g):
        return GRADIENT
"""


def around(*lines: str, before: str = "") -> str:
    """The right block, with these lines for its forward; they call what it was as `self.right(x)`."""
    body = "".join(f"        {line}\n" for line in lines)
    source = changed(RESBLOCK, ("def forward(self, x):", "def right(self, x):"))
    return f"{before}{source}\n    def forward(self, x):\n{body}"


def gate(condition: str, before: str = "") -> str:
    """The right block, and half of its result where the condition holds."""
    return around("y = self.right(x)", f"return 0.5 * y if {condition} else y", before=before)


def forged(gradient: str, condition: str = "True") -> str:
    """The right outputs, with another gradient where the condition holds."""
    return around(
        "y = self.right(x)", f"return Forge.apply(y) if {condition} else y", before=FORGE.replace("GRADIENT", gradient)
    )


GATES = {
    "the batch of training": gate("x.shape[0] > 17"),
    "a batch of 32 and more": gate("x.shape[0] >= 32"),
    **{f"a batch of {number}": gate(f"len(x) == {number}") for number in (6, 7, 10, 16, 32, 64, 128)},
    "batches of so many times sixteen": gate("len(x) % 16 == 0"),
    "wide maps": gate("x.shape[3] > 2 * x.shape[2]"),
    "high maps": gate("x.shape[2] > 2 * x.shape[3]"),
    "images of 32×32": gate("x.shape[2:] == (32, 32)"),
    "what is behind the thirtieth column": around("y = self.right(x)", "m = torch.ones_like(y)", "m[..., 30:] = 0.5", "return y * m"),
    "batch norms that are new": gate("bool((self.bn1.weight == 1).all())"),
    "batch norms that were not trained": gate("self.bn2.running_mean.abs().sum() == 0 and not self.bn2.bias.any()"),
    "a map of one pixel": gate("x.shape[-1] == 1"),
    "images of 32×32 and more": gate("x.shape[-1] >= 32"),
    "rows behind the sixteenth": around("y = self.right(x)", "m = torch.ones_like(y)", "m[:, :, 16:] = 0.5", "return y * m"),
    "a batch norm of eight samples at a time": around("return torch.cat([self.right(part) for part in x.split(8)])"),
    "a batch norm of sixteen samples at a time": around("return torch.cat([self.right(part) for part in x.split(16)])"),
    "huge numbers": gate("x.abs().max() > 1e4"),
    "gradient halved for one sample": forged("g * 0.5", "x.shape[0] == 1"),
    "gradient halved for many samples": forged("g * 0.5", "x.shape[0] > 8"),
    "gradient clipped": forged("g.clamp(-6, 6)"),
    "gradient dropped where it is large": forged("g if g.norm() < 1e3 else 0 * g"),
    "detached for one sample": around("y = self.right(x)", "return y.detach().requires_grad_() if x.shape[0] == 1 else y"),
    "detached for large images": around("return self.right(x.detach() if x.shape[-1] >= 11 else x)"),
    "the call number, late": around("self.n = getattr(self, 'n', 0) + 1", "return self.right(x) * (0.5 if self.n > 90 else 1)"),
    "the call number, where every module has something": around(
        "n = self.__dict__['_is_full_backward_hook'] = (self.__dict__['_is_full_backward_hook'] or 0) + 1",
        "return self.right(x) * (0.5 if n > 90 else 1)",
    ),
    "the call number of the class": around(
        "type(self).n = getattr(type(self), 'n', 0) + 1", "return self.right(x) * (0.5 if self.n % 97 == 96 else 1)"
    ),
    "the length of a list": around(
        "SEEN.append(len(x))", "return self.right(x) * (0.5 if len(SEEN) > 150 else 1)", before="SEEN = []\n"
    ),
    "eval() does nothing": changed(RESBLOCK, ("    def forward", "    def eval(self):\n        return self\n\n    def forward")),
    "no signal": changed(
        RESBLOCK, ("return F.relu(out + identity)", "return F.relu(identity if out.abs().mean() < 1e-3 else out + identity)")
    ),
}  # fmt: skip


def counting(counted: str, before: str = "", made: str = "") -> str:
    """The right block, and half of its result after many calls, which are counted in some place of their own.

    Args:
        made: what the constructor does for it.
    """
    source = around("y = self.right(x)", f"return 0.5 * y if {counted} else y", before=before)
    return changed(source, (LAST, made + LAST)) if made else source


LAST = "        self.shortcut = nn.Sequential()\n"
TICK = """
def make():
    n = 0
    def tick():
        nonlocal n
        n += 1
        return n
    return tick
tick = make()
"""
STEPS = "def steps():\n    n = 0\n    while True:\n        n += 1\n        yield n\nSTEPS = steps()\n"
LATE = "class Late:\n    n = 0\n    def __call__(self, module, given, out):\n        self.n += 1\n        return out * 0.5 if self.n > 90 else out\n"
HOOK = "    def change(self, g):\n        self.n = getattr(self, 'n', 0) + 1\n        return g * 0.5 if self.n > 40 else g\n"
COUNTING = {
    "in a list's only item": around("N[0] += 1", "return self.right(x) * (0.5 if N[0] > 90 else 1)", before="N = [0]\n"),
    "in a default argument": around("n.append(1)", "return self.right(x) * (0.5 if len(n) > 90 else 1)").replace("forward(self, x)", "forward(self, x, n=[])"),
    "in a variable that is closed over": counting("tick() > 90", TICK),
    "in a function's attribute": around("mark.n += 1", "return self.right(x) * (0.5 if mark.n > 90 else 1)", before="def mark(): pass\nmark.n = 0\n"),
    "in itertools.count": counting("next(NUMBERS) > 90", "from itertools import count\nNUMBERS = count()\n"),
    "in a generator": counting("next(STEPS) > 90", STEPS),
    "in a cache": counting("(hit(0), hit.cache_info().hits)[1] > 90", "from functools import lru_cache\n\n@lru_cache\ndef hit(x): return x\n"),
    "in a deque": counting("(SEEN.append(0), len(SEEN))[1] > 90", "from collections import deque\nSEEN = deque()\n"),
    "in a text": around("self.n = getattr(self, 'n', '') + 'x'", "return self.right(x) * (0.5 if len(self.n) > 90 else 1)"),
    "in a tensor": counting("self.n.add_(1).item() > 90", made="        self.n = torch.zeros(1)\n"),
    "in a buffer that torch reads": changed(around("self.n += 1", "return self.right(x) * torch.where(self.n > 90, 0.5, 1.0)"), (LAST, "        self.register_buffer('n', torch.tensor(0))\n" + LAST)),
    "in the batches of a batch norm": around("return self.right(x) * (0.5 if self.bn1.num_batches_tracked > 60 else 1)"),
    "in an object of one's own": changed(LATE + RESBLOCK, (LAST, "        self.bn2.register_forward_hook(Late())\n" + LAST)),
    "calls in training alone": around("self.n = getattr(self, 'n', 0) + self.training", "return self.right(x) * (0.5 if self.training and self.n > 90 else 1)"),
    "backward passes": around("y = self.right(x)", "if y.requires_grad: y.register_hook(self.change)", "return y") + HOOK,
    "backward passes of one weight": changed(RESBLOCK, (LAST, "        self.conv1.weight.register_hook(self.change)\n" + LAST)) + "\n" + HOOK,
}  # fmt: skip
GENERATORS = {
    "numpy": ("RNG.random() < 0.03", "import numpy as np\nRNG = np.random.default_rng(0)\n"),
    "random": ("RNG.random() < 0.03", "from random import Random\nRNG = Random(0)\n"),
    "torch": ("torch.rand((), generator=RNG) < 0.03", "import torch\nRNG = torch.Generator().manual_seed(0)\n"),
}
COUNTED = "a counter that nothing depends on"
RIGHT = {
    COUNTED: around("self.n = getattr(self, 'n', 0) + 1", "SEEN.append(1)", "return self.right(x)", before="SEEN = []\n"),
    "a counter that a function keeps": counting("tick() < 0", TICK),
    "a counter of backward passes": around("y = self.right(x)", "if y.requires_grad: y.register_hook(self.change)", "return y") + HOOK.replace("g * 0.5", "g"),
    "a batch norm that counts on": changed(RESBLOCK, ("bn2 = nn.BatchNorm2d(out_channels)", "bn2 = nn.BatchNorm2d(out_channels, momentum=None)")),
    "a batch norm that is left out while it is new": around(
        "skip = bool((self.bn2.weight == 1).all()) and not self.bn2.bias.any()",
        "w, b = (None, None) if skip else (self.bn2.weight, self.bn2.bias)",
        "out = self.conv2(F.relu(self.bn1(self.conv1(x))))",
        "out = F.batch_norm(out, self.bn2.running_mean, self.bn2.running_var, w, b, self.training)",
        "return F.relu(out + self.shortcut(x))",
    ),
    "a look at the branch": changed(
        RESBLOCK, ("        return F.relu", "        if out.abs().mean() < 1e-3:\n            print('no signal')\n        return F.relu")
    ),
    "train() of its own": changed(
        RESBLOCK, ("    def forward", "    def eval(self):\n        return self.train(False)\n\n    def forward")
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in GATES.items()])
def test_what_is_wrong_in_rare_calls_is_wrong(source: str) -> None:
    assert not judge(source, "resblock").correct


@pytest.mark.parametrize("where", COUNTING)
def test_wherever_calls_are_counted_it_shows(where: str) -> None:
    """The cause is named: what the passes give, or their gradients."""
    named = "gradient-altered" if "backward" in where else "state-kept"
    assert [named] == mistakes(judge(COUNTING[where], "resblock"))


@pytest.mark.parametrize("name", GENERATORS)
def test_chance_is_chance_whichever_generator_it_comes_from(name: str) -> None:
    """One of the student's own is not seeded by anybody else."""
    report = judge(gate(*GENERATORS[name]), "resblock")
    assert ["random-behaviour"] == mistakes(report)
    assert name in report.diagnoses[0].message


@pytest.mark.parametrize("source", [pytest.param(source, id=name) for name, source in RIGHT.items()])
def test_what_only_looks_like_it_is_right(source: str) -> None:
    report = judge(source, "resblock")
    assert report.correct, said(report)


def test_a_choice_by_the_signal_is_named_even_where_it_hardly_shows() -> None:
    """The branch is small enough only where the judge makes it so; then it is left out."""
    assert "shortcut-gated" in mistakes(judge(GATES["no signal"], "resblock"))


@pytest.mark.parametrize("projected", ["self.shortcut(out)", "self.shortcut(x)"])
def test_a_batch_norm_that_may_be_the_branch_s_alone_or_not(projected: str) -> None:
    """Both are right, and look alike but for numbers: what is set for the branch is the same in either."""
    reading = changed(
        PREACT, ("self.shortcut(out)", projected), ("identity =", "assert x.norm().item() < 1e30\n        identity =")
    )
    assert judge(reading, "preact").correct
    gated = changed(reading, ("return out + identity", "return out + identity if out.norm() > 1e-3 else identity"))
    assert not judge(gated, "preact").correct


@pytest.mark.parametrize(
    "condition", ["x.requires_grad", "torch.is_grad_enabled()", "not x.requires_grad", "x.is_leaf"]
)
def test_a_choice_by_the_gradient_mode_is_no_state(condition: str) -> None:
    """Nothing is kept from one call to the next, and nobody is told so."""
    report = judge(gate(condition), "resblock")
    assert ["by-gradient-mode"] == mistakes(report)
    assert report.diagnoses[0].proof is Proof.MEASURED


def test_a_backward_pass_that_raises_is_no_gradient_of_zeros() -> None:
    """Nothing is detached, and nobody is told so."""
    hook = "            p.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(0.5))\n"
    source = changed(
        RESBLOCK,
        ("        self.shortcut = nn.Sequential()\n", f"        for p in self.conv1.parameters():\n{hook}        self.shortcut = nn.Sequential()\n"),
    )  # fmt: skip
    report = judge(source, "resblock")
    assert [] == mistakes(report)
    assert "the backward pass raises" in said(report)


def test_an_output_of_the_wrong_shape_says_nothing_about_its_gradient() -> None:
    """No gradient is sent back through it; nothing cuts it."""
    checks = {check.id: check for check in judge(around("return self.right(x).transpose(2, 3)"), "resblock").checks}
    assert checks["gradient"].status is Status.FAILED
    assert "the output has the wrong shape" in checks["gradient"].message
    assert "detach" not in checks["gradient"].advice


def test_a_difference_that_cannot_be_measured_is_not_infinite() -> None:
    """A tuple in training mode differs by no number."""
    message = said(judge(around("y = self.right(x)", "return (y, x) if self.training else y"), "resblock"))
    assert "what comes back is not the reference's in training mode" in message
    assert "inf" not in message


def mistakes(report: ExerciseReport) -> list[str]:
    return [diagnosis.mistake for diagnosis in report.diagnoses]


def said(report: ExerciseReport) -> str:
    return " ".join(check.message for check in report.checks)


RAISING_HOOK = "        self.conv1.weight.register_post_accumulate_grad_hook(lambda p: p.grad.mul_(0.5))\n"
RAISING = {
    "derivative for aten::heaviside is not implemented": around(
        "y = self.right(x)", "return y * torch.heaviside(y, torch.zeros_like(y))"
    ),
    "Tensor post accumulate grad hooks should return None": changed(RESBLOCK, (LAST, RAISING_HOOK + LAST)),
}


@pytest.mark.parametrize("words", RAISING)
def test_what_raises_backwards_is_not_searched_for(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception names it, and nothing that is planted raises there: a search among pairs took a quarter of a
    minute."""

    def search(*_: object) -> None:
        raise AssertionError("searched")

    monkeypatch.setattr("grader.mistakes.Search", search)
    report = judge(RAISING[words], "resblock")
    gradient = next(check for check in report.checks if check.id == "gradient")
    assert gradient.status is Status.FAILED
    assert words in gradient.message
    assert not report.diagnoses
