"""A student's process that ends takes nothing with it that can still be measured, and the report says where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from walls import RESBLOCK, graded, grading

from grader.assignment import Limits
from grader.attempt import Cells
from grader.pipeline import Grader
from grader.verdict import Report, SubmissionStatus

HANGS_IN_C = "    x = 1\n    endless = sum(range(10**12))"

Grade = Callable[..., Report]


@pytest.fixture(scope="module", params=["bwrap", pytest.param("landlock", marks=pytest.mark.slow)])
def grader(request: pytest.FixtureRequest) -> Iterator[Grader]:
    limits = Limits(seconds=20.0, cell_seconds=0.5, disk_mib=16, processes=16)
    with grading(request.param, limits, diagnose=False) as started:
        yield started


@pytest.fixture
def grade(grader: Grader, tmp_path: Path) -> Grade:
    """Grades a notebook of these cells."""
    return partial(graded, grader, tmp_path)


def points(report: Report) -> dict[str, float]:
    return {exercise.id: exercise.score for exercise in report.exercises}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("    import os\n    os._exit(3)", SubmissionStatus.CRASHED, "exit status 3"),
        ("    import ctypes\n    ctypes.string_at(0)", SubmissionStatus.CRASHED, "SIGSEGV) in cell 2, line 3"),
        (HANGS_IN_C, SubmissionStatus.TIMED_OUT, "stopped after 0.5 s in cell 2, line 3"),
    ],
)
def test_a_definition_that_ends_the_process_costs_itself_alone(
    grade: Grade, body: str, status: SubmissionStatus, words: str
) -> None:
    """What dies while Bottleneck is defined leaves ResBlock its points, and is told with its place."""
    report = grade(RESBLOCK, f"class Bottleneck(nn.Module):\n{body}")
    assert (status, 40.0, 0.0) == (report.status, points(report)["resblock"], points(report)["bottleneck"])
    assert words in report.message


def test_a_module_that_ends_the_process_costs_itself_alone(grade: Grade) -> None:
    """A process that dies in one exercise is started again for the next."""
    dies = "import os\nclass ResBlock(nn.Module):\n    def __init__(self, *_): os._exit(1)"
    right = RESBLOCK.replace("class ResBlock", "class Right") + "\n\nclass Bottleneck(Right): pass"
    report = grade(right, dies)
    messages = {e.id: [check.message for check in e.checks] for e in report.exercises}
    assert SubmissionStatus.CRASHED is report.status
    assert "exit status 1" in messages["resblock"][0]
    assert not any("exit status" in message for message in messages["bottleneck"])


def test_what_was_defined_before_a_crash_is_judged(grade: Grade) -> None:
    """A notebook that has to be run from top to bottom is run up to the cell that crashes."""
    needs_everything = "import torch\nwhile True:\n    width = 3\n    break"
    report = grade(needs_everything, RESBLOCK.replace(", 3, ", ", width, "), "import os", "os._exit(0)")
    assert 40.0 == points(report)["resblock"], report


def test_a_cell_that_takes_too_long_is_told_in_plain_words(grade: Grade) -> None:
    """Where, and after how long; a name in the same cell is still defined."""
    report = grade(
        RESBLOCK, "noise = []\nfor noise in iter(int, 1):\n    pass\nclass Bottleneck(nn.Module):\n    a = noise"
    )
    assert "Stopped after 0.5 s in cell 2, line 2." in report.repairs or any(
        "Stopped after 0.5 s in cell 2" in repair for repair in report.repairs
    ), report.repairs
    assert 40.0 == points(report)["resblock"]


def test_a_cell_that_takes_too_long_to_read_is_left_out(grade: Grade) -> None:
    """IPython needs the square of their number for magics; the cell's clock runs meanwhile."""
    report = grade(RESBLOCK, "%time 1\n" * 450 + "class Bottleneck(nn.Module): pass")
    assert "Stopped after 0.5 s in cell 2." in report.repairs
    assert (SubmissionStatus.GRADED, 40.0) == (report.status, points(report)["resblock"])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("open('big', 'wb').write(bytes(12 << 20))", "The limit is 16 MiB of files, half of it in one file."),
        ("[__import__('os').fork() or __import__('time').sleep(9) for _ in range(40)]", "16 processes and threads."),
        ("bytearray(1 << 40)", "The limit is 2048 MiB of memory."),
    ],
)
def test_a_limit_that_was_reached_is_named(grade: Grade, source: str, words: str) -> None:
    """Beside Python's own words stand the size of the limit, the cell and the line."""
    report = grade(RESBLOCK, f"class Bottleneck(nn.Module):\n    x = {source}")
    assert any(repair.startswith("Cell 2, line 2: left out") and words in repair for repair in report.repairs), (
        report.repairs
    )
    assert 40.0 == points(report)["resblock"]


def test_what_was_printed_beyond_the_limit_is_not_read(grade: Grade) -> None:
    """It costs nothing, and is said."""
    words = "More than 64 KiB were printed; what came after that was not read."
    loud = RESBLOCK + "\n    print('x' * 100_000)"
    assert (40.0, True) == (points(grade(loud))["resblock"], words in grade(loud).repairs)
    assert words not in grade(RESBLOCK).repairs


@pytest.mark.parametrize("asks", ["'torch' in sys.modules", "len(inspect.stack()) > 3", "sys._getframe().f_back"])
def test_code_that_asks_where_it_runs_is_pointed_out(grade: Grade, asks: str) -> None:
    """It passes, for what it computes is right, and a human is told where to look."""
    right = "        return torch.relu("
    source = RESBLOCK.replace(right, f"        if not ({asks}):\n            return x\n{right}")
    report = grade("import inspect, sys  # not sys.modules", source)
    assert 40.0 == points(report)["resblock"]
    assert [f"Cell 2, line {source[: source.index(asks)].count(chr(10)) + 1} asks where the code runs"] == [
        warning.split(" (")[0] for warning in report.warnings if "asks where" in warning
    ]
    assert not any("asks where" in warning for warning in grade(RESBLOCK).warnings)


def test_what_ends_the_process_every_time_is_not_run_for_every_exercise(
    grader: Grader, grade: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no cell of a whole notebook is left, it was run once, and is not run again for each exercise."""
    runs: list[str] = []
    execute = Grader._execute

    def counted(self: Grader, session: Any, cells: Cells, exercise: str) -> Any:
        runs.append(cells.wanted_for(exercise)["plan"])
        return execute(self, session, cells, exercise)

    monkeypatch.setattr(Grader, "_execute", counted)
    needs_everything = "import os\nos.closerange(4, 5)\nwhile True:\n    width = os._exit(0)"
    report = grade(needs_everything, RESBLOCK.replace(", 3, ", ", width, "))
    assert ["definitions", "everything"] == runs, report
