"""How long does a hand-in of each shipped assignment take? `python bench/assignments.py [ID ...]`

Each of the assignment's own examples is graded behind the wall, by one process on one core, pages included; the first
one warms up. Then each is graded again, as when others in a class have done the same before.

    first     seconds a submission, when nobody did the same before: its mistake is looked for among all that are known
    again     seconds a submission, when somebody did
    slowest   which example that was, of the first time
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from grader.assignment import find_assignment, shipped_assignments  # noqa: E402
from grader.formats import Run, formats  # noqa: E402
from grader.pipeline import Grader, Settings  # noqa: E402
from grader.sandbox import choose  # noqa: E402
from grader.submission import find  # noqa: E402
from grader.verdict import SubmissionStatus  # noqa: E402


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("ids", nargs="*", metavar="ID", help="assignments (default: all that ship)")
    options.add_argument("--isolation", default="auto")
    options.add_argument("--device", default="cpu")
    arguments = options.parse_args()
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    print(f"{'':31}{'first':>9}{'':18}{'again':>9}")
    heads = f"{'median':>9}{'p90':>9}{'most':>9}"
    print(f"{'assignment':22}{'hand-ins':>9}{heads}{heads}   slowest")
    for name in arguments.ids or sorted(shipped_assignments()):
        first, again = measure(name, arguments.isolation, arguments.device)
        slowest = max(first, key=first.__getitem__)
        print(f"{name:22}{len(first):9}{columns(first)}{columns(again)}   {slowest}", flush=True)


def columns(seconds: dict[str, float]) -> str:
    times = sorted(seconds.values())
    p90 = times[int(0.9 * (len(times) - 1) + 0.5)]
    return f"{statistics.median(times):9.3f}{p90:9.3f}{times[-1]:9.3f}"


def measure(name: str, isolation: str, device: str) -> list[dict[str, float]]:
    """Seconds of each example of an assignment, the first time and the second."""
    assignment, wall = find_assignment(name), choose(isolation)
    run = Run(assignment, 0, wall.value, device)
    rounds: list[dict[str, float]] = [{}, {}]
    with (
        tempfile.TemporaryDirectory(prefix="grader-bench-") as output,
        find([shipped_assignments()[name] / "examples"]) as hand_ins,
        Grader(assignment, Settings(wall, device, 0, assignment.limits, draw=True)) as grader,
    ):
        grader.prepare()
        grader.grade(hand_ins[0])
        for seconds, hand_in in product(rounds, hand_ins):
            began = time.perf_counter()
            report, submission = grader.grade(hand_in)
            formats()["html"].write_student(Path(output), run, report, submission)
            seconds[hand_in.student] = time.perf_counter() - began
            if report.status is SubmissionStatus.GRADER_BROKE:
                raise SystemExit(f"{name}, {hand_in.student}: {report.message}")
    return rounds


if __name__ == "__main__":
    main()
