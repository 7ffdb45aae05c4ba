"""Functions are judged by what they return for fresh arguments, however they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from walls import SharingGrader, graded, grading, wall

from grader.assignment import Limits, load_assignment
from grader.errors import AssignmentError
from grader.hints import exercise_without_last_hints
from grader.judge.values import Other, PlainValue, decode, show, unlike
from grader.pipeline import Grader, Settings
from grader.verdict import ExerciseReport, Proof, Report, Status, SubmissionStatus

REFERENCE = '''
import math
import torch


def attention(query, key, value):
    """Scaled dot products. N × length × width each."""
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    return torch.softmax(scores, dim=-1) @ value


def unscaled(query, key, value):
    return torch.softmax(query @ key.transpose(-2, -1), dim=-1) @ value


def path_lengths(blocks):
    """How many paths of each length there are through so many residual blocks."""
    return [math.comb(blocks, length) for length in range(blocks + 1)]


def by_chance(blocks):
    return torch.rand(blocks + 1)


def statistics(numbers, power):
    return {"mean": sum(numbers) / len(numbers), "largest": max(numbers) ** power, "names": ["mean", "largest"]}
'''
SPEC = """
id = "functions"
title = "Functions"

[[exercise]]
id = "attention"
kind = "function"
title = "Attention"
name = "attention"
reference = "right:attention"
points = { values = 6, gradient = 4 }

[[exercise.fault]]
id = "scores-not-scaled"
reference = "right:unscaled"
message = "The scores are not divided."
why = "Large scores make a softmax that sees one key alone. Its gradient is close to zero."
hints = ["A dot product grows with the width.", "Look in front of the softmax.", "Divide the scores by its root."]

[[exercise.case]]
title = "more keys than queries"
[exercise.case.arguments]
query = { shape = [2, 3, 4] }
key = { shape = [2, 5, 4] }
value = { shape = [2, 5, 6] }

[[exercise]]
id = "paths"
kind = "function"
title = "Paths"
name = "path_lengths"
reference = "right:path_lengths"
points = { values = 5 }
case = [{ title = "three", arguments = { blocks = 3 } }, { title = "54", arguments = { blocks = 54 } }]

[[exercise]]
id = "statistics"
kind = "function"
title = "Statistics"
name = "statistics"
reference = "right:statistics"
points = { values = 5 }
[[exercise.case]]
title = "five"
arguments = { numbers = { shape = [5], low = 1, high = 100, as = "list" }, power = 2 }
"""
ATTENTION = "import math, torch\ndef attention(q, k, v):\n    return "
RIGHT_ATTENTION = [
    ATTENTION + "torch.softmax(q @ k.transpose(-2, -1) / q.size(-1) ** 0.5, -1) @ v",
    ATTENTION + "torch.nn.functional.scaled_dot_product_attention(q, k, v)",
    ATTENTION + "torch.bmm((q.bmm(k.mT) * q.shape[2] ** -0.5).softmax(2), v)",
    "import torch\nattention = lambda a, b, c: torch.einsum('nqk,nkd->nqd',"
    " (torch.einsum('nqd,nkd->nqk', a, b) / a.shape[-1] ** 0.5).softmax(-1), c)",
    "import torch\ndef attention(query, key, value):\n    rows = []\n    for q, k, v in zip(query, key, value):\n"
    "        e = torch.exp(q @ k.T / q.shape[-1] ** .5)\n        rows.append(e / e.sum(1, keepdim=True) @ v)\n"
    "    return torch.stack(rows)",
]
COUNTED = (
    "import math, sympy, torch, numpy as np\ndef path_lengths(n):\n    row = [math.comb(n, k) for k in range(n + 1)]\n"
    "    return {}"
)
PATHS = [
    "from math import comb\ndef path_lengths(n):\n    return tuple(comb(n, k) for k in range(n + 1))",
    "import torch\ndef path_lengths(n):\n    row = [1]\n    for _ in range(n):\n"
    "        row = [a + b for a, b in zip([0] + row, row + [0])]\n    return torch.tensor(row)",
    "import numpy as np\ndef path_lengths(n):\n    row = np.array([1.0])\n    for _ in range(n):\n"
    "        row = np.convolve(row, [1, 1])\n    return row",
    COUNTED.format("np.array(row, np.uint64)"),
    COUNTED.format("[np.uint64(count) for count in row]"),
    COUNTED.format("np.array(row, object)"),
    COUNTED.format("np.array(row).astype('g')"),
    COUNTED.format("torch.tensor(row).to(torch.uint64)"),
    COUNTED.format("[sympy.binomial(n, k) for k in range(n + 1)]"),
    COUNTED.format("[sympy.sqrt(count) ** 2 / 1 for count in row]"),
    "import math, fractions, decimal\ndef path_lengths(n):\n    f = math.factorial\n"
    "    return [(fractions.Fraction, decimal.Decimal)[k % 2](f(n)) / (f(k) * f(n - k)) for k in range(n + 1)]",
]
STATISTICS = "def statistics(numbers, power):\n    return "
RIGHT_STATISTICS = STATISTICS + "dict(names=('mean', 'largest'), largest=max(numbers)**power, mean=sum(numbers)/5)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("functions")
    (folder / "right.py").write_text(REFERENCE)
    (folder / "assignment.toml").write_text(SPEC)
    return folder


@pytest.fixture(scope="module")
def grader(folder: Path) -> Iterator[Grader]:
    with SharingGrader(
        load_assignment(folder), Settings(wall(), "cpu", 0, Limits(seconds=20, cell_seconds=2))
    ) as grader:
        grader.prepare()
        yield grader


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Callable[..., Report]:
    return partial(graded, grader, tmp_path)


def exercise(report: Report, name: str) -> ExerciseReport:
    return next(each for each in report.exercises if each.id == name)


@pytest.mark.parametrize("attention", RIGHT_ATTENTION)
@pytest.mark.parametrize("paths", PATHS[:1])
def test_right_functions_pass_in_any_hand(grade: Callable[..., Report], attention: str, paths: str) -> None:
    report = grade(attention, paths, RIGHT_STATISTICS)
    assert report.score == report.max_score == 20, [check.message for e in report.exercises for check in e.checks]


@pytest.mark.parametrize("paths", PATHS)
def test_numbers_are_the_same_however_they_are_wrapped(grade: Callable[..., Report], paths: str) -> None:
    assert exercise(grade(paths), "paths").correct


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        (ATTENTION + "torch.softmax(q @ k.mT / 2, -2) @ v", Status.FAILED, "the value at [0, 0, 0] should be"),
        (
            ATTENTION + "(q @ k.mT).softmax(-1)",
            Status.FAILED,
            "numbers of shape 2×3×6, and is numbers",
        ),
        (ATTENTION + "q[0, 0, :1]", Status.FAILED, "2×3×6, and is a list (or an array) of one number."),
        (ATTENTION + "q[0, 0]", Status.FAILED, "2×3×6, and is 4 numbers."),
        (ATTENTION + "10 ** 400", Status.FAILED, "and is a whole number of more than 300 digits."),
        (ATTENTION + "[[[[[[[[[[[]]]]]]]]]]]", Status.FAILED, "more than can be compared"),
        (ATTENTION + "q.to('meta')", Status.FAILED, "of type Tensor on the device meta, which holds no numbers."),
        (ATTENTION + "[]", Status.FAILED, "and is []"),
        (ATTENTION + "'right'", Status.FAILED, "and is 'right'"),
        (ATTENTION + "q * 1j", Status.FAILED, "of type torch.complex128"),
        (ATTENTION + "q.numpy() * 1j", Status.FAILED, "of type ndarray"),
        (ATTENTION + "undefined", Status.STUDENT_CRASHED, "raises NameError"),
        (ATTENTION + "q @ k", Status.STUDENT_CRASHED, "raises RuntimeError"),
        ("x = 1", Status.FAILED, "There is no attention in this submission"),
        ("def attention(q, k, v) return q", Status.STUDENT_CRASHED, "cell 1 does not run (SyntaxError"),
        (
            ATTENTION + "type('T', (), {'__array__': lambda *a: 1, '__eq__': AGREES})()",
            Status.FAILED,
            "of type T",
        ),
        (
            ATTENTION + "type('T', (), {'__eq__': AGREES, '__float__': AGREES})()",
            Status.FAILED,
            "of type T",
        ),
    ],
)
def test_wrong_functions_are_told_where(grade: Callable[..., Report], source: str, status: Status, words: str) -> None:
    values = exercise(grade(source.replace("AGREES", "lambda *a: True")), "attention").checks[0]
    assert (status, 0.0) == (values.status, values.score)
    assert words in values.message


def test_a_known_fault_is_replayed_and_costs_once(grade: Callable[..., Report]) -> None:
    """Its gradient differs too, by the same mistake, and keeps its points."""
    report = exercise(grade(ATTENTION + "(q @ k.mT).softmax(-1) @ v"), "attention")
    assert [("scores-not-scaled", Proof.REPLAYED)] == [(each.mistake, each.proof) for each in report.diagnoses]
    assert [0.0, 4.0] == [check.score for check in report.checks]
    lesson = report.diagnoses[0].lesson
    assert lesson is not None
    assert lesson.why.startswith("Large scores")
    assert ["A", "Look", "Divide"] == [hint.split()[0] for hint in lesson.hints]
    assert 2 == len(exercise_without_last_hints(report).diagnoses[0].lesson.hints)  # type: ignore[union-attr]
    other = exercise(grade(ATTENTION + "(q @ k.mT / 3).softmax(-1) @ v"), "attention")
    assert ([], 0.0) == (other.diagnoses, other.score)


HINTS = next(line for line in SPEC.splitlines() if line.startswith("hints = "))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("why = ", "wy = ", "fault[scores-not-scaled].why: missing; this key is required"),
        (HINTS, "", "fault[scores-not-scaled].hints: missing; this key is required"),
        (HINTS, 'hints = ["One.", "Two."]', "fault[scores-not-scaled].hints: expected three hints"),
        (HINTS, 'hints = ["One.", "Two."]', "where to look, what to change; found 2"),
        (HINTS, 'hints = ["One.", "Two.", " "]', "found one that is empty"),
        (HINTS, 'hints = "Look again."', "found 'Look again.'"),
    ],
)
def test_a_fault_that_teaches_nothing_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    """The message says what is missing, and in which fault of which exercise."""
    assert before in SPEC
    (tmp_path / "right.py").write_text(REFERENCE)
    (tmp_path / "assignment.toml").write_text(SPEC.replace(before, after, 1))
    with pytest.raises(AssignmentError) as refused:
        load_assignment(tmp_path)
    assert "assignment.toml: exercise[attention].fault[scores-not-scaled]." in str(refused.value)
    assert said in str(refused.value)


def test_a_gradient_that_is_cut_is_found(grade: Callable[..., Report]) -> None:
    cut = ATTENTION + "(q.detach() @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v"
    values, gradient = exercise(grade(cut), "attention").checks
    assert (Status.PASSED, Status.FAILED) == (values.status, gradient.status)
    assert "no gradient reaches query" in gradient.message


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        ("def path_lengths(n):\n    raise NotImplementedError", "unfinished"),
        ("def path_lengths(n):\n    [n]", "output-missing"),
        ("def path_lengths(n):\n    return comb(n)", "name-error"),
        ("def path_lengths(n)\n    return 1", "syntax-error"),
    ],
)
def test_the_cause_is_named(grade: Callable[..., Report], source: str, mistake: str) -> None:
    paths = exercise(grade(source), "paths")
    assert mistake in [each.mistake for each in paths.diagnoses]
    assert [] == [check.message for check in paths.checks if check.message.endswith(":")]


def test_a_name_of_an_import_that_failed_is_explained(grade: Callable[..., Report]) -> None:
    """It is not said that nothing imports it."""
    (diagnosis,) = exercise(
        grade("from nowhere.at_all import comb", "def path_lengths(n):\n    return comb(n)"), "paths"
    ).diagnoses
    assert "An import failed before, in cell 1: No module named 'nowhere'" in diagnosis.message


@pytest.mark.parametrize(
    "body",
    [
        "import os\n    os._exit(0)",
        "while True: pass",
        "x = []\n    for _ in range(10**5): x = [x]\n    return x",
        "return [[0] * 1000] * 10**4",
        "return 10 ** 10 ** 5",
        "return {i: i for i in range(10**5)}",
        "return float('nan')",
        "return '\\ud800' * 10**6",
        "import torch\n    return torch.zeros(1).expand(10**9)",
    ],
)
def test_hostile_values_cost_their_student_only(grade: Callable[..., Report], body: str) -> None:
    """Nothing of it is a fault of the grader's, and what was right beside it is kept."""
    report = grade(f"def path_lengths(n):\n    {body}", RIGHT_STATISTICS)
    assert report.status is not SubmissionStatus.GRADER_BROKE
    assert 0.0 == exercise(report, "paths").score
    assert 5.0 == exercise(report, "statistics").score


def test_single_precision_is_right_too(grade: Callable[..., Report]) -> None:
    """A function that brings its own float32 is asked in float32."""
    source = (
        "import torch\ndef attention(q, k, v):\n    half = torch.tensor(0.5, dtype=torch.float32) * torch.ones(4, 4, "
    )
    source += "dtype=torch.float32).diag().diag()\n    return torch.softmax(q @ half @ k.mT, -1) @ v"
    assert 10.0 == exercise(grade(source), "attention").score


def test_numbers_in_single_precision_are_right_within_it(grade: Callable[..., Report]) -> None:
    """Though they come as float64, or as numbers of Python."""
    source = ATTENTION + "(q.float() @ k.float().mT / 2).softmax(-1) @ v.float()"
    assert 10.0 == exercise(grade(source), "attention").score
    halves = RIGHT_STATISTICS.replace("sum(numbers)/5", "float(np.float32(sum(numbers)/5))")
    assert exercise(grade("import numpy as np\n" + halves), "statistics").correct
    coarse = RIGHT_STATISTICS.replace("sum(numbers)/5", "sum(numbers)/5 * (1 + 1e-5)")
    assert not exercise(grade(coarse), "statistics").correct


def test_a_value_needs_no_gradient(grade: Callable[..., Report]) -> None:
    """Code that works with arrays gets its points for the values, as in the student's notebook."""
    source = ATTENTION + "torch.tensor(q.numpy() @ k.numpy().swapaxes(1, 2) / 2).softmax(-1) @ torch.tensor(v.tolist())"
    values, gradient = exercise(grade(source), "attention").checks
    assert (Status.PASSED, Status.FAILED) == (values.status, gradient.status)
    assert "with arguments that want a gradient, raises RuntimeError" in gradient.message


def test_a_gradient_that_is_left_in_an_argument_is_told_and_costs_nothing(grade: Callable[..., Report]) -> None:
    """Every call has arguments of its own, as it has where a function writes into them."""
    source = (
        "def attention(q, k, v):\n    q.requires_grad_().sum().backward()\n"
        "    return (q.grad * q @ k.mT / 2).softmax(-1).detach() @ v"
    )
    values = exercise(grade(source), "attention").checks[0]
    assert Status.PASSED is values.status
    assert ["It leaves a gradient in its argument query"] == [note.split(" (")[0] for note in values.notes]
    clean = source.replace("return ", "ones, q.grad = q.grad, None\n    return ").replace("(q.grad *", "(ones *")
    values = exercise(grade(clean), "attention").checks[0]
    assert (Status.PASSED, []) == (values.status, values.notes)


def test_a_value_is_right_though_its_backward_pass_raises(grade: Callable[..., Report]) -> None:
    """What is returned earns its points; the gradient says what raised, and a call in a cell is not blamed."""
    source = ATTENTION + "(q.mul_(2).exp_().log_().div_(2) @ k.mT / q.shape[-1] ** 0.5).softmax(-1).add_(0) @ v"
    values, gradient = exercise(grade(source), "attention").checks
    assert (Status.PASSED, Status.FAILED) == (values.status, gradient.status)
    assert "the backward pass raises RuntimeError" in gradient.message
    assert "An in-place operation" in gradient.advice


def test_counts_are_shown_as_counts(grade: Callable[..., Report]) -> None:
    """They have no decimal point where the task asks for none."""
    said = exercise(grade("def path_lengths(n):\n    return '1 3 3 1'"), "paths").checks[0].message
    assert "what it returns should be [1, 3, 3, 1], and is '1 3 3 1'." in said
    assert ["[1, 0.5]", "[[1], [2]]", "[0.333333]"] == [
        show(value) for value in (torch.tensor([1, 0.5]), [[1], [2]], [1 / 3])
    ]


@pytest.mark.parametrize(("name", "asks"), [("path_length", True), ("lengths_of_path", False), ("attend", False)])
def test_a_slip_in_a_name_is_asked_after(grade: Callable[..., Report], name: str, asks: bool) -> None:
    """What stands in a class under that very name is none."""
    inside = grade("class Paths:\n    def path_lengths(self, n):\n        return []")
    assert "There is no path_lengths in this submission." == exercise(inside, "paths").checks[0].message
    report = exercise(grade(PATHS[0].replace("path_lengths", name)), "paths")
    question = f" There is {name}: did you mean that?" if asks else ""
    assert f"There is no path_lengths in this submission.{question}" == report.checks[0].message


def test_the_call_that_takes_too_long_is_named(grade: Callable[..., Report]) -> None:
    source = "def path_lengths(n):\n    if n == 3: return [1, 3, 3, 1]\n    while True: pass"
    values = exercise(grade(source), "paths").checks[0]
    assert Status.TIMED_OUT is values.status
    assert values.message.startswith("Not measured: path_lengths(54), 54: stopped after 2 s in cell 1, line ")


def test_counts_are_compared_one_by_one(grade: Callable[..., Report]) -> None:
    """Beside a huge count a small one is as certain."""
    source = (
        "from math import comb\ndef path_lengths(n):\n    return [comb(n, k) if n < 9 or 4 < k < n else 0 for k in {}]"
    )
    wrong = exercise(grade(source.format("range(n + 1)")), "paths")
    assert "the value at [0] should be 1, and is 0" in wrong.checks[0].message


def test_an_argument_that_is_written_to_is_told(grade: Callable[..., Report]) -> None:
    right = "def statistics(numbers, power):\n    numbers.sort()\n    return "
    source = RIGHT_ATTENTION[0].replace("return ", "k.mul_(1); v += 0; q -= 0; k[0] *= 1\n    return ")
    assert 10.0 == exercise(grade(source), "attention").score
    assert exercise(grade(right + RIGHT_STATISTICS.split("return ")[1]), "statistics").correct


NORMS = """import torch
def gradient_norms(weights, x, shortcut):
    layers = [weight.clone().requires_grad_() for weight in weights]
    hidden = x
    for weight in layers[:UP_TO]:
        out = torch.tanh(hidden @ weight.T)
        hidden = out + hidden if shortcut else out
    found = torch.autograd.grad((hidden**2).sum(), layers, allow_unused=True)
    return [0.0 if each is None else each.norm() for each in found]"""
PATHS_UP_TO = "from math import comb\ndef path_lengths(n):\n    return [comb(min(n, UP_TO), k) for k in range(n + 1)]"
SHARE_UP_TO = (
    "from math import comb\ndef share_of_paths(n, shortest, longest):\n    n = min(n, UP_TO)\n"
    "    return sum(comb(n, k) for k in range(shortest, longest + 1)) / 2**n"
)
SUM_UP_TO = "def unraveled(weights, x):\n    for w in weights[:UP_TO]:\n        x = x + w @ x\n    return x"
JACOBIAN_UP_TO = (
    "import torch\ndef block_jacobian(w, x):\n    n = min(len(x), UP_TO)\n    w, x = w[:n, :n], x[:n]\n"
    "    return (1 - torch.tanh(w @ x) ** 2)[:, None] * w + torch.eye(n)"
)
BOUND_UP_TO = "import torch\ndef lower_bound(j):\n    return 1 - torch.linalg.matrix_norm(j[:UP_TO, :UP_TO], ord=2)"


@pytest.mark.parametrize(
    ("assignment", "name", "source", "few"),
    [
        ("gradient-flow", "norms", NORMS, 5),
        ("gradient-flow", "jacobian", JACOBIAN_UP_TO, 5),
        ("gradient-flow", "bound", BOUND_UP_TO, 4),
        ("ensemble-view", "lengths", PATHS_UP_TO, 54),
        ("ensemble-view", "share", SHARE_UP_TO, 54),
        ("ensemble-view", "sum", SUM_UP_TO, 4),
        ("densenet-layer", "channels", "def channels_after(c, k, n):\n    return c + k * min(n, UP_TO)", 30),
    ],
)
def test_what_is_right_for_few_layers_alone_does_not_pass(
    tmp_path: Path, assignment: str, name: str, source: str, few: int
) -> None:
    """The shipped exercises ask for more than what one tries by hand."""
    with grading(assignment=assignment) as grader:
        assert not exercise(graded(grader, tmp_path, source.replace("UP_TO", str(few))), name).correct
        right = exercise(graded(grader, tmp_path, source.replace("UP_TO", "999")), name)
        assert right.correct, right.checks[0].message


def test_the_gradients_of_many_layers_are_right_in_single_precision(tmp_path: Path) -> None:
    """The cases are such that they are neither too small for it nor chaotic."""
    source = NORMS.replace("UP_TO", "99").replace("weight.clone()", "weight.float()").replace("= x\n", "= x.float()\n")
    with grading(assignment="gradient-flow") as grader:
        assert exercise(graded(grader, tmp_path, source), "norms").correct


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("right:attention", "right:lost", "cannot be imported"),
        ('name = "path_lengths"', 'name = "attention"', "belongs to both"),
        ("low = 1, high = 100", "low = 1", "expected low and high together"),
        ("points = { values = 5 }\ncase", "points = { values = 5, gradient = 1 }\ncase", "has no gradient"),
        ("{ blocks = 3 }", '{ blocks = "3" }', "the reference raises TypeError"),
        ('title = "54"', 'title = "three"', "exercise paths: case: titles must differ, found 'three' twice"),
        ("{ blocks = 3 }", "{ blocks = { shape = [], lo = 3 } }", r"arguments\.blocks\.lo: unknown key"),
        ("right:path_lengths", "random:randint", "cannot be imported"),
        ("right:path_lengths", "right:by_chance", "called twice it gives two values"),
    ],
)
def test_a_wrong_assignment_is_refused(folder: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "right.py").write_text(REFERENCE)
    (tmp_path / "assignment.toml").write_text(SPEC.replace(old, new))
    settings = Settings(wall("none"), "cpu", 0, Limits())
    with pytest.raises(AssignmentError, match=words), SharingGrader(load_assignment(tmp_path), settings) as grader:
        grader.prepare()


NUMBERS = st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-3)


def wrapped(number: float) -> list[Any]:
    tensor = torch.tensor(number, dtype=torch.float64)
    return [number, tensor, *([int(number)] if number == int(number) else [])]


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.integers(0, 4), st.sampled_from([1 + 1e-3, -1.0, 0.0, math.nan]))
def test_equal_numbers_are_equal_and_others_are_not(numbers: list[float], place: int, factor: float) -> None:
    """However they are wrapped; and one that differs is found, at its place."""
    ways: list[Any] = [numbers, torch.tensor(numbers, dtype=torch.float64), [wrapped(n)[1] for n in numbers]]
    wrong = [n * factor if i == place % len(numbers) else n for i, n in enumerate(numbers)]
    largest = max(map(abs, numbers))
    for way in ways:
        for other in ways:
            assert unlike(way, other, 1e-9) is None
        difference = unlike(way, wrong, 1e-9)
        changed = abs(wrong[place % len(numbers)] - numbers[place % len(numbers)])
        if not changed < 1e-6 * largest:  # NaN too
            assert difference is not None
            assert f"[{place % len(numbers)}]" == difference.where


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (True, 1, True), (2, 2.0, True), ((), [], False), ([], [], True), ("a", "a", True), ("a", "b", False),
        (None, None, True), (None, 0, False), (math.nan, math.nan, True), (math.inf, math.inf, True),
        (math.inf, 1e300, False), (0.0, 1e-300, False), (0, 0, True), ([1, [2, 3]], [1, [2, 3]], True),
        ([1, [2, 3]], [1, [2, 4]], False), ({"a": [1]}, {"a": torch.ones(1)}, True), ({"a": 1}, {"b": 1}, False),
        (1, torch.ones(1, 1), True), (1.5, torch.ones(1), False), (1, [1], True), (1, [[1.0]], True),
        (1, [1, 1], False), (1, [2], False), (1, [None], False), ([1], 1, False), ({"a": 1}, {"a": [1]}, True),
        (1, Other("x"), False),
        (10**400, 10**400, True), (10**400, 10**400 + 1, False), (10**400, 1.0, False),
    ],
)  # fmt: skip
def test_values(expected: Any, found: Any, same: bool) -> None:
    assert same == (unlike(expected, found, 1e-9) is None)


def test_what_is_told_is_checked() -> None:
    from grader.errors import ProtocolViolated

    for plain in (
        PlainValue(kind="int", text="x"),
        PlainValue(kind="tensor", text="7"),
        PlainValue(kind="dict", items=[PlainValue(kind="none")]),
        PlainValue(kind="dict", items=[PlainValue(kind="dict"), PlainValue(kind="none")]),
    ):
        with pytest.raises(ProtocolViolated):
            decode(plain, {})


def test_keys_may_be_tuples() -> None:
    """Counts of pairs are kept under them; on the wire they are lists, which are no keys."""
    key = PlainValue(kind="list", items=[PlainValue(kind="int", text="1"), PlainValue(kind="str", text="a")])
    assert {(1, "a"): 2} == decode(PlainValue(kind="dict", items=[key, PlainValue(kind="int", text="2")]), {})
