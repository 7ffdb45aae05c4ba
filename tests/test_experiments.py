"""Experiments are judged by what is measured on the trusted side, and by a test whose error rate is exact."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from walls import SharingGrader, graded, wall

from grader.assignment import Claim, ExperimentExercise, Limits, load_assignment
from grader.errors import AssignmentError
from grader.experiments import judge_experiment
from grader.judge._call_lessons import NO_DIFFERENCE, NOT_HELD, ONE_NUMBER, OTHER_WAY_ROUND
from grader.judge.experiment import Experimented, RightExperiment, _numbers, rounds_needed, sign_test
from grader.pipeline import Grader, Settings
from grader.verdict import ExerciseReport, Lesson, Report, Status, SubmissionStatus

pytestmark = pytest.mark.heavy

# Not a network: a line through noisy points, with few numbers and with many.
TASK = '''
import torch


def data(seed):
    """Noisy points on a line; asked for are its values at further places."""
    generator = torch.Generator().manual_seed(seed)
    slope = 1 + torch.rand((), generator=generator)
    x = torch.randn(40, generator=generator)
    places = torch.linspace(-2, 2, 5)
    return {"x": x, "y": slope * x + torch.randn(40, generator=generator), "places": places}, slope * places


def error(returned, targets):
    """Mean absolute error."""
    assert returned.shape == targets.shape == (5,)
    return (returned - targets).abs().mean()


def broken(returned, targets):
    return 1 / 0 if returned[0] == 7 else returned[0] * 0


def lost(seed):
    return {"x": object()}, None
'''
SPEC = """
id = "lines"
title = "Lines"

[[exercise]]
id = "fit"
kind = "experiment"
title = "More points, less error"
name = "fit"
aliases = ["fit_line"]
data = "right:data"
measures = { error = "right:error", zero = "right:broken" }
shape = [5]
rounds = 8
points = { more-is-better = 6, fits = 4, zero = 1 }
series = [{ id = "few", arguments = { points = 1 } }, { id = "many", arguments = { points = 40 } }]

[[exercise.claim]]
id = "more-is-better"
title = "Few points give the larger error"
left = "few"
relation = ">"
right = "many"
margin = 0.01
confidence = 0.95

[[exercise.bound]]
id = "fits"
title = "Many points give a small error"
series = "many"
at_least = 0.001
at_most = 0.3

[[exercise.bound]]
id = "zero"
title = "Nothing"
series = "many"
measure = "zero"
at_most = 0

[[exercise]]
id = "beside"
kind = "function"
title = "Beside it"
name = "double"
reference = "helper:double"
points = { values = 2 }
case = [{ title = "two", arguments = { n = 2 } }]
"""
BESIDE = "def double(n):\n    return 2 * n"
FIT = "import torch\ndef fit(x, y, places, points, seed):\n    "
RIGHT = [
    FIT + "x, y = x[:points], y[:points]\n    return (x @ y) / (x @ x) * places",
    FIT + "x, y = x[:points, None], y[:points, None]\n"
    "    return [float(each) for each in places[:, None] @ torch.linalg.lstsq(x, y).solution]",
    "import numpy as np\ndef fit_line(a, b, c, n, s):\n    chosen = np.random.default_rng(s).permutation(40)[:n]\n"
    "    a, b = a.numpy()[chosen], b.numpy()[chosen]\n    return c.numpy() * (a * b).sum() / (a * a).sum()",
    FIT + "torch.manual_seed(seed)\n    layer = torch.nn.Linear(1, 1, bias=False)\n"
    "    o = torch.optim.SGD(layer.parameters(), lr=0.1)\n    for _ in range(60):\n        o.zero_grad()\n"
    "        ((layer(x[:points, None])[:, 0] - y[:points]) ** 2).mean().backward()\n        o.step()\n"
    "    return layer(places[:, None])[:, 0]",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("experiments"), SPEC)


def written(folder: Path, spec: str) -> Path:
    (folder / "right.py").write_text(TASK)
    (folder / "helper.py").write_text(BESIDE)
    (folder / "assignment.toml").write_text(spec)
    return folder


@pytest.fixture(scope="module")
def grader(folder: Path) -> Iterator[Grader]:
    with SharingGrader(
        load_assignment(folder), Settings(wall(), "cpu", 0, Limits(seconds=40, cell_seconds=6))
    ) as grader:
        grader.prepare()
        yield grader


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Callable[..., Report]:
    return partial(graded, grader, tmp_path)


def fit(report: Report) -> ExerciseReport:
    return next(each for each in report.exercises if each.id == "fit")


@pytest.mark.parametrize("source", RIGHT)
def test_right_experiments_pass_in_any_hand(grade: Callable[..., Report], source: str) -> None:
    report = grade(source, BESIDE)
    assert report.score == report.max_score == 13, [check.message for e in report.exercises for check in e.checks]


@pytest.mark.parametrize(
    ("body", "statuses", "words", "advice"),
    [
        # The claim the other way round, and one that depends on nothing.
        (
            "points = 41 - points\n    x, y = x[:points], y[:points]\n    return (x @ y) / (x @ x) * places",
            [Status.FAILED, Status.FAILED, Status.PASSED],
            "held in ",
            "the other way round",
        ),
        (
            "return (x @ y) / (x @ x) * places",
            [Status.FAILED, Status.PASSED, Status.PASSED],
            "held in 0 of 8 rounds; expected 7 or more",
            "the same in every round",
        ),
        (
            "return places * 0",
            [Status.FAILED, Status.FAILED, Status.PASSED],
            "held in 0 of 8",
            "the same in every round",
        ),
        # One lucky round in two.
        (
            "points = 40 if points == 40 or seed % 2 else 1\n    x, y = x[:points], y[:points]\n"
            "    return (x @ y) / (x @ x) * places",
            [Status.FAILED, Status.PASSED, Status.PASSED],
            "Measured, round by round: error: few",
            "Look at the numbers",
        ),
        # One lucky seed.
        (
            f"points = 1 if points == 1 and seed == {random.Random('0 fit').randrange(2**31)} else 40\n"
            "    x, y = x[:points], y[:points]\n    return (x @ y) / (x @ x) * places",
            [Status.FAILED, Status.PASSED, Status.PASSED],
            "held in 1 of 8 rounds; expected 7 or more",
            "Look at the numbers",
        ),
        ("return places * float('nan')", [Status.FAILED] * 3, "NaN or infinite", ""),
        ("return places / 0", [Status.FAILED] * 3, "NaN or infinite", ""),
        ("return places[:4]", [Status.FAILED] * 3, "expected 5 finite numbers, found 4 numbers.", ""),
        ("return 1.0", [Status.FAILED] * 3, "found a single number", ""),
        ("return 'good'", [Status.FAILED] * 3, "found 'good'", ""),
        ("pass", [Status.FAILED] * 3, "found None", ""),
        ("return [places, places[:2]]", [Status.FAILED] * 3, "expected 5 finite numbers", ""),
        (
            "return places @ places.T.T[:3]",
            [Status.STUDENT_CRASHED] * 3,
            "fit, series few, round 1, raises Runtime",
            "",
        ),
        ("raise NotImplementedError", [Status.STUDENT_CRASHED] * 3, "raises NotImplementedError", ""),
        # What fails for one series costs what is claimed of it.
        (
            "return places if points == 40 else error",
            [Status.STUDENT_CRASHED, Status.FAILED, Status.PASSED],
            "series few, round 1, raises NameError",
            "",
        ),
    ],
)
def test_wrong_experiments_are_told_why(
    grade: Callable[..., Report], body: str, statuses: list[Status], words: str, advice: str
) -> None:
    report = grade(FIT + body, BESIDE)
    assert statuses == [check.status for check in fit(report).checks], [check.message for check in fit(report).checks]
    assert words in fit(report).checks[0].message
    assert advice in fit(report).checks[0].advice
    assert 2.0 == report.exercises[1].score


@pytest.mark.parametrize(("last", "said"), [(1.0, ""), (0.37, "numbers that are not whole, 0.37 for instance")])
def test_classes_are_whole_numbers(last: float, said: str, tmp_path: Path) -> None:
    """Probabilities would be measured as classes that are never right."""
    spec = SPEC.replace("shape = [5]", "shape = [5]\nwhole = true")
    exercise = load_assignment(written(tmp_path, spec)).exercises[0]
    assert isinstance(exercise, ExperimentExercise)
    found = _numbers(torch.tensor([0.0, 1.0, 1.0, 0.0, last]), exercise)
    assert (found if isinstance(found, str) else "") == said


def test_a_failed_claim_says_what_was_measured_in_every_round(grade: Callable[..., Report]) -> None:
    claim = fit(grade(FIT + "return places * 0")).checks[0]
    measured = claim.message.split("error: few ")[1].rstrip(".").split("; many ")
    assert [8, 8] == [len(row.split(", ")) for row in measured]
    assert 8 == len(claim.evidence)
    assert len({line.split("seed ")[1].split(")")[0] for line in claim.evidence}) == 8


FEW, MANY = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [1.0] * 8


@pytest.mark.parametrize(
    ("few", "many", "lesson", "asked"),
    [
        # Both perfect, or both a constant: it is not known which, and not said.
        ([0.0] * 8, [0.0] * 8, ONE_NUMBER, "Both series measure 0 in every round: are both as good as can be"),
        ([0.5] * 8, [0.5] * 8, ONE_NUMBER, "is a constant returned"),
        # The same, though it changes.
        (FEW, FEW, NO_DIFFERENCE, "does what differs between them reach your code?"),
        # Errors of 1: the classes are exchanged, and not the sides.
        (FEW, MANY, OTHER_WAY_ROUND, "Where an error rate is near 1, the classes are."),
        (FEW, FEW[::-1], NOT_HELD, "Look at the numbers of every round"),
    ],
)
def test_what_the_numbers_cannot_tell_is_not_said(
    folder: Path, few: list[float], many: list[float], lesson: Lesson, asked: str
) -> None:
    """A lesson and a question that are true of all that may lie behind such numbers."""
    assignment = load_assignment(folder)
    exercise = assignment.exercises[0]
    assert isinstance(exercise, ExperimentExercise)
    seen = Experimented(exercise, RightExperiment(assignment, exercise, 0), found="fit")
    for series, numbers in (("few", few), ("many", many)):
        seen.measured[series] = [{"error": number, "zero": 0.0} for number in numbers]
    check = judge_experiment(seen).checks[0]
    assert check.lesson is not None
    assert lesson.said().why == check.lesson.why
    assert asked in check.advice


def test_the_run_that_takes_too_long_is_named(grade: Callable[..., Report]) -> None:
    check = fit(grade(FIT + "while points == 40: pass\n    return places", BESIDE)).checks[0]
    assert check.message.startswith("Not measured: fit, series many, round 1: stopped after 6 s in cell 1, line ")


def test_one_number_may_be_wrapped(tmp_path: Path) -> None:
    exercise = load_assignment(written(tmp_path, SPEC.replace("shape = [5]", "shape = []"))).exercises[0]
    assert isinstance(exercise, ExperimentExercise)
    for wrapped in (0.5, [0.5], torch.tensor([[0.5]])):
        found = _numbers(wrapped, exercise)
        assert isinstance(found, torch.Tensor)
        assert [] == list(found.shape)


def test_what_is_missing_or_not_finished_is_named(grade: Callable[..., Report]) -> None:
    assert "There is no fit in this submission." == fit(grade("x = 1")).checks[0].message
    assert "SyntaxError" in fit(grade("def fit(x) return x")).checks[0].message
    unfinished = fit(grade(FIT + "raise NotImplementedError"))
    assert ["unfinished"] == [each.mistake for each in unfinished.diagnoses]


@pytest.mark.parametrize(
    ("body", "status", "of_submission"),
    [
        ("while True: pass", Status.TIMED_OUT, SubmissionStatus.TIMED_OUT),
        ("import os; os._exit(0)", Status.STUDENT_CRASHED, SubmissionStatus.CRASHED),
        (
            "x = [bytearray(2**26) for _ in range(4000)]",
            (Status.STUDENT_CRASHED, Status.TIMED_OUT),
            tuple(SubmissionStatus),
        ),
        ("return torch.zeros(1).expand(10**9)", (Status.STUDENT_CRASHED, Status.FAILED), tuple(SubmissionStatus)),
    ],
)
def test_hostile_experiments_cost_their_student_only(
    grade: Callable[..., Report],
    body: str,
    status: Status | tuple[Status, ...],
    of_submission: SubmissionStatus | tuple[SubmissionStatus, ...],
) -> None:
    """Nothing of it is a fault of the grader's, and what was right beside it is kept."""
    report = grade(FIT + body, BESIDE)
    statuses = {check.status for check in fit(report).checks}
    assert statuses <= ({status} if isinstance(status, Status) else set(status))
    assert report.status in ([of_submission] if isinstance(of_submission, SubmissionStatus) else of_submission)
    assert report.status is not SubmissionStatus.GRADER_BROKE
    assert 2.0 == report.exercises[1].score


def test_a_measure_that_raises_is_the_graders_fault(grade: Callable[..., Report]) -> None:
    """Its points are pending, and what stands beside it is judged."""
    report = grade(FIT + "return places * 0 + 7", BESIDE)
    assert [Status.GRADER_BROKE] * 3 == [check.status for check in fit(report).checks]
    assert "ZeroDivisionError" in fit(report).checks[0].message
    assert (2.0, 11.0) == (report.score, report.pending)


def test_the_same_submission_gives_the_same_report(grade: Callable[..., Report]) -> None:
    assert grade(RIGHT[3]) == grade(RIGHT[3])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("right:data", "right:absent", "data: 'right:absent' cannot be imported"),
        ("right:data", "right:lost", "argument 'x' is a object"),
        ('error = "right:error"', 'error = "right:absent"', "measures.error: 'right:absent' cannot be imported"),
        ("rounds = 8", "rounds = 4", "4 rounds cannot give a confidence of 0.95; expected 5 rounds or more"),
        ("fits = 4, ", "", "every claim and every bound has its points"),
        ("fits = 4, ", "fits = 4, fit = 1, ", "every claim and every bound has its points"),
        ('right = "many"', 'right = "lots"', "there is no series 'lots'"),
        ('measure = "zero"', 'measure = "none"', "there is no measure 'none'; expected one of error, zero"),
        ("at_least = 0.001\nat_most = 0.3\n", "", "expected at_least or at_most"),
        ('id = "many"', 'id = "few"', "ids of series must differ"),
    ],
)
def test_a_wrong_assignment_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SPEC
    folder = written(tmp_path, SPEC.replace(old, new, 1))
    settings = Settings(wall("none"), "cpu", 0, Limits())
    with pytest.raises(AssignmentError, match=words), SharingGrader(load_assignment(folder), settings) as grader:
        grader.prepare()


# --- the test itself ------------------------------------------------------------------------------------

CONFIDENCES = [0.6, 0.75, 0.9, 0.95, 0.99, 0.999]


def claim(margin: float = 0.0, confidence: float = 0.95, relation: str = ">") -> Claim:
    spec = {"id": "c", "title": "c", "left": "l", "right": "r"}
    return Claim.model_validate({**spec, "margin": margin, "confidence": confidence, "relation": relation})


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("rounds", range(1, 13))
def test_without_a_difference_chance_passes_no_more_often_than_it_may(rounds: int, confidence: float) -> None:
    """Exactly: every one of the 2ⁿ ways that the signs of n rounds can fall, all equally likely under no difference.

    And it is not harder than it has to be: with one round fewer needed it would pass too often.
    """
    judged = claim(confidence=confidence)
    outcomes = list(itertools.product([1.0, -1.0], repeat=rounds))
    passed = sum(sign_test(judged, left, [0.0] * rounds).passed for left in outcomes)
    assert passed / 2**rounds <= 1 - confidence
    needed = rounds_needed(rounds, confidence)
    assert sum(left.count(1.0) >= needed - 1 for left in outcomes) / 2**rounds > 1 - confidence


@pytest.mark.parametrize("rounds", [5, 8, 12])
@pytest.mark.parametrize("chance", [0.1, 0.3, 0.49])
def test_where_the_claim_is_false_it_passes_even_less_often(rounds: int, chance: float) -> None:
    """Where a round exceeds the margin with a chance below one half, ties included."""
    passed = 0.0
    for left in itertools.product([1.0, 0.0], repeat=rounds):  # 0 is a tie
        likely = chance ** left.count(1.0) * (1 - chance) ** left.count(0.0)
        passed += likely * sign_test(claim(), left, [0.0] * rounds).passed
    assert passed < 0.05


@pytest.mark.parametrize(("rounds", "needed"), [(4, 5), (5, 5), (6, 6), (7, 7), (8, 7), (10, 9), (12, 10), (20, 15)])
def test_the_rounds_needed_are_those_of_the_tables(rounds: int, needed: int) -> None:
    """One-sided at 5 %: n minus the critical values 0, 0, 0, 1, 1, 2, 5 for 5, 6, 7, 8, 10, 12, 20 (Dixon and Mood)."""
    assert needed == rounds_needed(rounds, 0.95)


NUMBERS = st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=20)


@given(NUMBERS, st.sampled_from([0.0, 0.05, 0.5]))
def test_a_claim_and_its_opposite_never_both_hold(pairs: list[tuple[float, float]], margin: float) -> None:
    """Nor does the order of rounds matter, nor which way round it is written; a wider margin only makes it harder."""
    left, right = zip(*pairs, strict=True)
    forth = sign_test(claim(margin), left, right)
    assert not (forth.passed and sign_test(claim(margin), right, left).passed)
    assert forth == sign_test(claim(margin, relation="<"), right, left)
    assert forth == sign_test(claim(margin), left[::-1], right[::-1])
    assert sign_test(claim(margin + 0.1), left, right).held <= forth.held
