"""Slots: whatever happens to one of them costs the submission it held, and nothing else.

What runs in a slot here is a double that needs no torch; `student` tells it how to behave.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from grader.assignment import Assignment, Limits, find_assignment
from grader.errors import AssignmentError, GraderError, OutputError, SlotError, UsageError, WallError
from grader.row import Row
from grader.slot import Done, Failed, Order, Ready, Task
from grader.slots import Slots
from grader.submission import HandIn

pytestmark = pytest.mark.heavy


def obeys(connection: Connection, order: Order) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    connection.send(Ready("none", "cpu"))
    while (task := connection.recv()) is not None:
        note = task.hand_in.path
        note.write_text(note.read_text() + "x" if note.exists() else "x")
        behave = "" if task.broke else task.hand_in.student.partition("-")[0]
        if behave == "dies" or (behave == "once" and note.read_text() == "x"):
            os.kill(os.getpid(), signal.SIGKILL)
        if behave == "exits":
            os._exit(7)
        if behave == "hangs":
            time.sleep(600)
        connection.send(Done(task.number, _row(task), task.broke, None))


def stillborn(connection: Connection, order: Order) -> None:
    os._exit(1)


def refuses(connection: Connection, order: Order) -> None:
    connection.send(Failed(order.isolation, "and this is why"))


def _row(task: Task) -> Row:
    status = "grader_broke" if task.broke else "graded"
    student = task.hand_in.student
    return Row(student, f"{student}.ipynb", status, 0.0, 0.0, 0.0, 0.0, True, bool(task.broke), "")


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return find_assignment("residual-blocks")


def order(assignment: Assignment, isolation: str = "none") -> Order:
    return Order(assignment, isolation, "cpu", 0, Limits(), None, ())


def hand_ins(folder: Path, *students: str) -> list[HandIn]:
    return [HandIn(student, f"{student}.ipynb", folder / student) for student in students]


def graded(slots: Slots) -> dict[int, Done]:
    return {message.number: message for message in slots.run() if isinstance(message, Done)}


def test_every_submission_is_graded_once(assignment: Assignment, tmp_path: Path) -> None:
    students = [f"s{number}" for number in range(20)]
    with Slots(order(assignment), hand_ins(tmp_path, *students), 3, serve=obeys, eager=True) as slots:
        done = graded(slots)
    assert set(range(20)) == set(done)
    assert ["x"] * 20 == [(tmp_path / student).read_text() for student in students]


@pytest.mark.parametrize(
    ("student", "why"),
    [("dies", "ended by SIGKILL"), ("exits", "ended with status 7"), ("hangs", "said nothing for 1 s")],
)
def test_a_submission_that_costs_two_slots_is_given_up(
    assignment: Assignment, tmp_path: Path, student: str, why: str
) -> None:
    """It is tried twice, then reported as the grader's failure; the others are graded."""
    everybody = hand_ins(tmp_path, "a", student, "z")
    with Slots(order(assignment), everybody, 1, serve=obeys, task_seconds=1.0) as slots:
        done = graded(slots)
    assert ["graded", "grader_broke", "graded"] == [done[number].row.status for number in range(3)]
    assert why in done[1].text
    assert "xxx" == (tmp_path / student).read_text()  # two tries, and the report


def test_slots_share_the_processors(assignment: Assignment, tmp_path: Path) -> None:
    """None has two slots more than another."""
    processors = sorted(os.sched_getaffinity(0))
    everybody = hand_ins(tmp_path, *(f"s{number}" for number in range(9)))
    with Slots(order(assignment), everybody, 2 * len(processors), serve=obeys, eager=True) as slots:
        graded(slots)
        shares = [sum(slot.processor == each for slot in slots._slots) for each in processors]
    assert 2 <= sum(shares)
    assert max(shares) - min(shares) <= 1


def test_what_is_added_later_meets_the_same_warm_slot(assignment: Assignment, tmp_path: Path) -> None:
    """One that died in between is replaced, and costs the submission nothing."""
    first, second, third = hand_ins(tmp_path, "first", "second", "third")
    with Slots(order(assignment), [], 1, serve=obeys) as slots:
        slots.add(first)
        assert {0} == graded(slots).keys()
        (pid,) = slots.pids
        slots.add(second)
        assert {1} == graded(slots).keys()
        assert [pid] == slots.pids
        os.kill(pid, signal.SIGKILL)
        slots.add(third)
        done = graded(slots)
        assert {2} == done.keys()
        assert "graded" == done[2].row.status
        assert [pid] != slots.pids


def test_a_submission_whose_slot_dies_once_is_graded(assignment: Assignment, tmp_path: Path) -> None:
    with Slots(order(assignment), hand_ins(tmp_path, "once", "other"), 2, serve=obeys, eager=True) as slots:
        done = graded(slots)
    assert ["graded", "graded"] == [done[number].row.status for number in range(2)]


def test_slots_that_cannot_live_end_the_run(assignment: Assignment, tmp_path: Path) -> None:
    with (
        Slots(order(assignment), hand_ins(tmp_path, "a"), 1, serve=stillborn) as slots,
        pytest.raises(SlotError, match="ended with status 1"),
    ):
        graded(slots)


@pytest.mark.parametrize("error", [AssignmentError, OutputError, SlotError, UsageError, WallError])
def test_what_stops_a_slot_reaches_the_caller_as_itself(
    assignment: Assignment, tmp_path: Path, error: type[GraderError]
) -> None:
    with (
        Slots(order(assignment, error.__name__), hand_ins(tmp_path, "a"), 1, serve=refuses) as slots,
        pytest.raises(error, match="and this is why"),
    ):
        graded(slots)


def test_a_stop_ends_slots_in_the_midst_of_work(assignment: Assignment, tmp_path: Path) -> None:
    began = time.monotonic()
    with Slots(order(assignment), hand_ins(tmp_path, "a", "hangs"), 1, serve=obeys) as slots:
        pids = slots.pids
        looks = itertools.count()
        done = list(slots.run(stop=lambda: (tmp_path / "hangs").exists() and next(looks) > 1))
    assert ["Ready", "Done"] == [type(message).__name__ for message in done]
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert time.monotonic() - began < 30


def test_a_second_slot_starts_only_where_it_is_of_use(assignment: Assignment, tmp_path: Path) -> None:
    """Two quick submissions are done before another slot could have imported torch."""
    with Slots(order(assignment), hand_ins(tmp_path, "a", "b"), 2, serve=obeys) as slots:
        graded(slots)
        assert 1 == len(slots.pids)
    with Slots(order(assignment), hand_ins(tmp_path, "a", "b", "c"), 2, serve=obeys, eager=True) as slots:
        graded(slots)
        assert 2 == len(slots.pids)


def test_the_process_that_hands_out_work_never_imports_torch() -> None:
    """It would cost it two seconds and 200 MB, for nothing; and a slot starts its zygote before it imports torch."""
    heavy = "torch", "numpy", "IPython", "nbconvert", "jinja2"
    code = (
        "import sys, grader.cli, grader.batch, grader.watch, grader.slot\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == seen.stdout.strip()
