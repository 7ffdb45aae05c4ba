"""What is counted over a class, against an independent computation: numpy, or counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.formats._class.findings import Finding, Findings
from grader.formats._class.groups import Groups
from grader.formats._class.items import FEWEST, Item, Items
from grader.formats._class.names import Names
from grader.formats._class.said import Said, sentences
from grader.formats._class.scores import Scores
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus

POINTS = {
    "first": {"shape": 10.0, "gradient": 5.0},
    "second": {"shape": 8.0},
    "third": {"values": 2.0, "gradient": 3.0},
}


def made(student: str, results: dict[str, dict[str, tuple[Status, float]]]) -> Report:
    """A report from statuses and shares of the points."""
    exercises = []
    for id, checks in results.items():
        list_ = [
            CheckResult(id=name, status=status, score=share * POINTS[id][name], max_score=POINTS[id][name], message="")
            for name, (status, share) in checks.items()
        ]
        exercises.append(
            ExerciseReport(
                id=id,
                score=sum(check.score for check in list_),
                max_score=sum(POINTS[id].values()),
                correct=all(check.status is Status.PASSED for check in list_),
                checks=list_,
                diagnoses=[],
            )
        )
    return Report(
        student=student,
        file=f"{student}.ipynb",
        status=SubmissionStatus.GRADED,
        score=sum(each.score for each in exercises),
        max_score=sum(each.max_score for each in exercises),
        exercises=exercises,
        repairs=[],
        warnings=[],
    )


ENDED = st.one_of(
    st.just((Status.PASSED, 1.0)),
    st.sampled_from([(Status.FAILED, 0.0), (Status.FAILED, 0.5), (Status.STUDENT_CRASHED, 0.0)]),
    st.sampled_from([(Status.SKIPPED, 0.0), (Status.GRADER_BROKE, 0.0), (Status.TIMED_OUT, 0.0)]),
)
RESULTS = st.fixed_dictionaries(
    {id: st.fixed_dictionaries(dict.fromkeys(checks, ENDED)) for id, checks in POINTS.items()}
)
CLASSES = st.lists(RESULTS, min_size=FEWEST, max_size=FEWEST + 15)


def shares(
    results: list[dict[str, dict[str, tuple[Status, float]]]], chosen: list[tuple[str, str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Over those students in whom both are decided: share of these checks' points, share of all others'. By masks over
    a table of students by checks, where the item analysis sums student by student."""
    names = [(id, name) for id, checks in POINTS.items() for name in checks]
    weights = np.array([POINTS[id][name] for id, name in names])
    won = np.array([[one[id][name][1] for id, name in names] for one in results]) * weights
    decided = np.array([[not one[id][name][0].pending for id, name in names] for one in results])
    own = np.array([name in chosen for name in names])

    def share(columns: np.ndarray) -> np.ndarray:
        most = (decided * weights)[:, columns].sum(axis=1)
        with np.errstate(invalid="ignore"):
            return np.where(most > 0, (won * decided)[:, columns].sum(axis=1) / np.where(most > 0, most, 1), np.nan)

    x, y = share(own), share(~own)
    return x, y


def items_of(results: list[dict[str, dict[str, tuple[Status, float]]]]) -> Items:
    items = Items()
    for number, one in enumerate(results):
        items.add(made(f"s{number}", one))
    return items


@given(CLASSES)
def test_items_are_what_numpy_computes(results: list[dict[str, dict[str, tuple[Status, float]]]]) -> None:
    """Difficulty is the mean share, discrimination the correlation with the rest; pending points are in neither."""
    items = items_of(results)
    wanted = [(item, [(id, name) for name in POINTS[id]]) for id, item in items.exercises.items()]
    wanted += [(item, [(id, name)]) for id, checks in items.checks.items() for name, item in checks.items()]
    for item, chosen in wanted:
        x, y = shares(results, chosen)
        assert np.sum(~np.isnan(x)) == item.decided
        if item.decided:
            assert float(np.nanmean(x)) == pytest.approx(item.difficulty)
        both = ~np.isnan(x) & ~np.isnan(y)
        assert np.sum(both) == item.compared
        if np.sum(both) < FEWEST:
            assert (None, True) == (item.discrimination, item.few)
        elif np.ptp(x[both]) < 1e-6 or np.ptp(y[both]) < 1e-6:
            assert item.discrimination is None
        else:
            assert float(np.corrcoef(x[both], y[both])[0, 1]) == pytest.approx(item.discrimination, abs=1e-9)


def test_it_is_the_textbooks_number_where_nothing_is_pending() -> None:
    """Five items of one point, forty students: item against the sum of the other four."""
    draw = np.random.default_rng(0)
    right = draw.normal(size=(40, 1)) + draw.normal(size=(40, 5)) > 0
    items = Items()
    for row in right:
        checks = [
            CheckResult(
                id=f"q{i}", status=Status.PASSED if won else Status.FAILED, score=float(won), max_score=1, message=""
            )
            for i, won in enumerate(row)
        ]
        exercise = ExerciseReport(
            id="quiz", score=sum(row), max_score=5, correct=bool(all(row)), checks=checks, diagnoses=[]
        )
        items.add(Report(
            student="s", file="s.ipynb", status=SubmissionStatus.GRADED, score=sum(row), max_score=5,
            exercises=[exercise], repairs=[], warnings=[],
        ))  # fmt: skip
    for i in range(5):
        rest = right.sum(axis=1) - right[:, i]
        wanted = np.corrcoef(right[:, i].astype(float), rest.astype(float))[0, 1]
        assert wanted == pytest.approx(items.checks["quiz"][f"q{i}"].discrimination)
    assert items.exercises["quiz"].discrimination is None  # nothing is there to compare it with


def test_too_few_and_all_alike_say_nothing() -> None:
    """Below twenty students, and where all have the same, there is no number."""
    few, alike, enough = Item(), Item(), Item()
    for number in range(FEWEST - 1):
        few.add(number % 2, number % 2)
    for number in range(FEWEST):
        alike.add(1.0, number / 10)
        enough.add(number % 2, number % 2)
    assert (None, True) == (few.discrimination, few.few)
    assert (None, True, False) == (alike.discrimination, alike.alike, alike.few)
    assert 1.0 == pytest.approx(enough.discrimination)


def test_certain_begins_where_the_t_test_begins() -> None:
    """Critical values of r, two-sided 5 %, from the tables: 0.444 for 20 students, 0.138 for 202."""
    for students, critical in ((20, 0.444), (202, 0.138)):
        for r, wanted in ((critical * 1.05, True), (critical * 0.95, False), (-critical * 1.05, True)):
            # Shares with exactly this correlation: y is x turned by the angle whose cosine is r.
            x = np.resize([1.0, -1.0], students)
            across = np.resize([1.0, 1.0, -1.0, -1.0], students)
            across -= across.mean()
            across -= x * (across @ x) / (x @ x)
            y = r * x / np.linalg.norm(x) + math.sqrt(1 - r * r) * across / np.linalg.norm(across)
            item = Item()
            for one, other in zip(x, y, strict=True):
                item.add(float(one), float(other))
            assert r == pytest.approx(item.discrimination)
            assert wanted is item.certain


def test_written_answers_are_in_no_comparison() -> None:
    """Only what is won is known of them."""
    results = [
        {
            "first": {"shape": (Status.PASSED, 1.0), "gradient": (Status.FAILED, 0.0)},
            "third": {"values": (Status.PASSED, 1.0), "gradient": (Status.SKIPPED, 0.0)},
        }
        for _ in range(3)
    ]
    items = Items()
    for one in results:
        items.add(made("s", one), unread=frozenset({"third"}))
    assert (0, 3) == (items.exercises["third"].decided, items.exercises["third"].pending)
    assert (3, 0) == (items.exercises["first"].decided, items.exercises["first"].compared)


def test_memory_of_items_is_flat() -> None:
    """Ids that nobody foresaw are counted no further than to a thousand."""
    items = Items()
    for number in range(1_500):
        check = CheckResult(id=f"c{number}", status=Status.PASSED, score=1, max_score=1, message="")
        exercise = ExerciseReport(
            id=f"e{number}", score=1, max_score=1, correct=True, checks=[check], diagnoses=[]
        )  # fmt: skip
        report = made("s", {}).model_copy(update={"exercises": [exercise]})
        items.add(report)
    assert 1_000 == len(items.exercises) + sum(map(len, items.checks.values()))


# ---------------------------------------------------------------------- scores


@given(st.lists(st.floats(0, 100), min_size=1, max_size=80))
def test_scores_are_what_numpy_computes(percents: list[float]) -> None:
    """Quartiles as numpy has them; every score is in one bar and in one line of the list by score."""
    scores = Scores()
    for number, percent in enumerate(percents):
        whole = made("s", {}).model_copy(update={"score": percent, "max_score": 100.0})
        scores.add(number, whole, pending=0.0)
    assert scores.quartiles == pytest.approx(np.percentile(percents, [25, 50, 75]))
    assert scores.mean == pytest.approx(float(np.mean(percents)))
    assert np.histogram(percents, bins=10, range=(0, 100))[0].sum() == sum(bar.size for bar in scores.bars)
    order = [student for _, students in scores.by_percent() for student in students]
    assert list(range(len(percents))) == sorted(order)
    assert sorted(int(percent) for percent in percents) == [int(percents[student]) for student in order]


def test_who_has_nothing_decided_has_no_percentage() -> None:
    """Unreadable, all pending, or the grader broke: not 0, and not 100."""
    scores = Scores()
    base = made("s", {}).model_copy(update={"score": 0.0, "max_score": 100.0})
    scores.add(0, base.model_copy(update={"status": SubmissionStatus.UNREADABLE}), pending=0.0)
    scores.add(1, base, pending=100.0)
    scores.add(2, base.model_copy(update={"status": SubmissionStatus.GRADER_BROKE}), pending=100.0)
    scores.add(3, base.model_copy(update={"score": 30.0}), pending=40.0)
    assert (3, [50.0], [3]) == (scores.unscored, list(scores.percents), list(scores.students))


# ---------------------------------------------------------------------- words


def test_what_one_was_told_is_not_common() -> None:
    """Two at least, and half of all; sentence by sentence, in the order in which they were told."""
    said = Said()
    for name in ("my_secret_plan", "foo", "bar"):
        said.add(sentences(f"You multiply. The name `{name}` is yours. A residual block adds: y = F(x) + x."))
    assert ["You multiply.", "A residual block adds: y = F(x) + x."] == said.common
    alone = Said()
    alone.add(sentences("You multiply."))
    assert [] == alone.common
    for _ in range(3):
        alone.add(sentences("You add."))
    assert ["You add."] == alone.common
    for _ in range(4):
        alone.add(sentences("You divide."))
    assert ["You divide."] == alone.common  # three of eight are not half


def test_sentences_leave_out_blocks_and_proofs() -> None:
    """What is about one student's network, or about the proof, is no comment for a class."""
    message = (
        "In layer3.0: You multiply (F(x) · x). Mind v1.5 and 3.5. (Proven together with bn-missing: it (both) is.)"
    )
    assert ("You multiply (F(x) · x).", "Mind v1.5 and 3.5.") == sentences(message)
    assert ("It is wide.",) == sentences("It is wide. (With wrong-expansion it would behave just the same.)")


@given(st.lists(st.text(), max_size=30))
def test_names_come_back(names: list[str]) -> None:
    """Whatever they are."""
    with Names() as kept:
        numbers = [kept.append(name) for name in names]
        assert list(range(len(names))) == numbers
        wanted = [name.encode("utf-8", "replace").decode() for name in names]
        assert wanted == [kept[number] for number in numbers]
        assert wanted[::-1] == [kept[number] for number in reversed(numbers)]


def test_groups_that_come_too_late_are_one() -> None:
    """Memory stays flat, and still everybody is in one group."""
    groups = Groups()
    for number in range(600):
        groups.add(number, "first", Findings({Finding(f"m{number}", True): ("told",)}))
    found = groups.biggest_first()
    assert (501, 100) == (len(found), len(found[0]))
    assert list(range(600)) == sorted(student for group in found for student in group.students)
