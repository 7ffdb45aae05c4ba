"""What the wall costs: the same submissions with every layer and with none, by turns, in one process.

    python bench/wall.py [--rounds N]

For each wall: milliseconds of a submission (the best of its rounds, mean over the submissions), and what that is beyond
no wall at all. A round takes every submission once behind each wall, so that whatever else the machine does meets all.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "assignments" / "residual-blocks" / "examples"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=7, help="how often each is graded (default 7)")
    best = measure(options.parse_args().rounds)
    without = statistics.fmean(best["none"].values())
    print(f"{'wall':10}{'ms a submission':>16}{'beyond none':>13}")
    for wall, times in best.items():
        mean = statistics.fmean(times.values())
        print(f"{wall:10}{1000 * mean:16.1f}{100 * (mean / without - 1):+12.1f}%")


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of each submission behind each wall that can be built here, the best of all rounds."""
    sys.path.insert(0, str(ROOT))
    from grader.assignment import find_assignment
    from grader.errors import WallError
    from grader.pipeline import Grader, Settings
    from grader.sandbox import choose
    from grader.submission import find

    assignment = find_assignment("residual-blocks")
    with contextlib.ExitStack() as stack:
        hand_ins = stack.enter_context(find([EXAMPLES]))
        graders = {}
        for name in ("none", "landlock", "bwrap"):
            try:
                isolation = choose(name)
            except WallError as error:
                print(f"{name}: left out: {error}", file=sys.stderr)
                continue
            settings = Settings(isolation, "cpu", 0, assignment.limits)
            graders[name] = stack.enter_context(Grader(assignment, settings))
            graders[name].prepare()
        best: dict[str, dict[str, float]] = {name: {} for name in graders}
        for _ in range(rounds):
            for hand_in in hand_ins:
                for name, grader in graders.items():
                    began = time.perf_counter()
                    report, _ = grader.grade(hand_in)
                    seconds = time.perf_counter() - began
                    if report.status.value == "graded":
                        known = best[name].get(hand_in.file, seconds)
                        best[name][hand_in.file] = min(known, seconds)
    everywhere = set.intersection(*(set(times) for times in best.values()))
    return {name: {file: times[file] for file in sorted(everywhere)} for name, times in best.items()}


if __name__ == "__main__":
    main()
