"""How long does a network take, and are the mistakes of its blocks named and located? `python bench/networks.py`

A ResNet-18 of full width (64 to 512 channels, 11 million weights) is recorded and judged block by block: right, with
five mistakes at once, and with one mistake at a time in a random block.

    judging     cutting the network and comparing every block
    whole       with the student's own passes in the same process, and the test of what was recorded
    located     networks whose mistakes are all named, each in its block, and nothing else
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from judging import block_judge, examine_source, find_exercise  # noqa: E402
from networks import BUGS, Place, resnet  # noqa: E402

from grader.assignment import NetworkExercise  # noqa: E402
from grader.exercise import judge_exercise  # noqa: E402
from grader.verdict import Proof  # noqa: E402

FIVE: dict[Place, str] = {
    (1, 1): "no relu",
    (2, 1): "multiplied",
    (3, 0): "relu first",
    (3, 1): "no shortcut",
    (4, 1): "detached",
}


@dataclass
class Judged:
    whole: float
    judging: float
    found: dict[str, str]  # the proven mistake in each block
    correct: bool


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=30, help="networks with one mistake (default 30)")
    options.add_argument("--width", type=int, default=64, help="channels of the first stage (default 64)")
    arguments = options.parse_args()
    torch.set_num_threads(1)
    print(f"{'':34} {'judging':>8} {'whole':>8}")
    for title, bugs in (("right, cold", {}), ("right", {}), ("five mistakes, cold", FIVE), ("five mistakes", FIVE)):
        judged = judge(bugs, arguments.width)
        fine = judged.correct if not bugs else judged.found == expected(bugs)
        verdict = "judged rightly" if fine else f"found {judged.found}"
        print(f"{title:34} {judged.judging:8.2f} {judged.whole:8.2f} s   {verdict}")
    rng = random.Random(0)
    times, located = [], 0
    for number in range(arguments.count):
        bugs = {(rng.randint(1, 4), rng.randint(0, 1)): list(BUGS)[number % len(BUGS)]}
        judged = judge(bugs, arguments.width)
        times.append(judged.judging)
        located += judged.found == expected(bugs)
        if judged.found != expected(bugs):
            print(f"    {bugs}: found {judged.found}{', and passed' if judged.correct else ''}")
    print(f"{'one mistake, median':34} {statistics.median(times):8.2f} {'':8} s   slowest {max(times):.2f} s")
    print(f"{'located':34} {located} of {arguments.count}")


def judge(bugs: Mapping[Place, str], width: int) -> Judged:
    exercise = find_exercise("network")[1]
    assert isinstance(exercise, NetworkExercise)
    start = time.perf_counter()
    examined = examine_source(resnet(bugs, width), exercise, None)
    ran = time.perf_counter()
    report = judge_exercise(examined, block_judge())
    end = time.perf_counter()
    proven = [diagnosis for diagnosis in report.diagnoses if diagnosis.proof is Proof.REPLAYED]
    found = {diagnosis.message.split(":")[0].removeprefix("In "): diagnosis.mistake for diagnosis in proven}
    return Judged(end - start, end - ran, found, report.correct)


def expected(bugs: Mapping[Place, str]) -> dict[str, str]:
    return {f"layer{stage}.{number}": BUGS[bug][1] for (stage, number), bug in bugs.items()}


if __name__ == "__main__":
    main()
