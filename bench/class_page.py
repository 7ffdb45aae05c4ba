"""How fast the page of the class is built, how big it gets, and what memory it takes: `python bench/class_page.py`.

    seconds    of processor time, from the reports on disk to the page on disk; of which for reading the reports alone
    MiB        the page
    peak       memory of the process that builds it, and how much of that comes with the class

Reports are made up: students of differing skill, and mistakes of which some are frequent and most are rare, one or two
to an exercise. Each size is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from grader.assignment import Assignment, find_assignment  # noqa: E402  the tree beside this file, not what is installed
from grader.formats import Run, formats  # noqa: E402
from grader.formats._class.phrases import PHRASES  # noqa: E402
from grader.row import row_of  # noqa: E402
from grader.spool import Spool  # noqa: E402
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Report, Status, SubmissionStatus  # noqa: E402

SIZES = (20, 230, 5_000, 20_000)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sizes", type=int, nargs="*", default=SIZES, help="how many submissions (20 230 5000 20000)")
    options.add_argument("--output", type=Path, help="keep the pages here, in a folder for each size")
    options.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.output)))
        return
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    print("submissions   seconds   of which reading   page MiB   peak MiB   of which the class's")
    for size in arguments.sizes:
        output = ["--output", str(arguments.output / str(size))] if arguments.output else []
        child = [sys.executable, __file__, "--one", str(size), *output]
        found = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
        print(
            f"{size:11} {found['seconds']:9.2f} {found['reading']:18.2f} {found['bytes'] / 2**20:10.2f} "
            f"{found['peak']:10.1f} {found['peak'] - found['before']:22.1f}"
        )


def measure(count: int, output: Path | None) -> dict[str, float]:
    """Build the page of a class of `count`, in this process."""
    assignment = find_assignment("residual-blocks")
    run = Run(assignment, 0, "bwrap", "cpu")
    html = formats()["html"]
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as temporary, Spool(count, Path(temporary)) as spool:
        folder = output or Path(temporary)
        for number, report in enumerate(reports(assignment, count)):
            spool.append(number, row_of(report), report.model_dump_json())
        html.write_class(folder, run, [])  # templates are read and compiled
        before = high_water()
        began = time.process_time()
        for _ in spool.reports():
            pass
        reading = time.process_time() - began
        began = time.process_time()
        html.write_class(folder, run, spool.reports())
        seconds = time.process_time() - began
        size = (folder / "index.html").stat().st_size
    return {"seconds": seconds, "reading": reading, "bytes": size, "before": before, "peak": high_water()}


def high_water() -> float:
    """Peak of resident memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def reports(assignment: Assignment, count: int) -> Iterator[Report]:
    """Reports of a class, sorted by student, the same whenever they are made."""
    draw = random.Random(0)
    mistakes = list(PHRASES)
    draw.shuffle(mistakes)
    weights = [1 / (1 + rank) for rank in range(len(mistakes))]
    for number in range(count):
        student, skill = f"student-{number:05}", draw.gauss(1.1, 0.8)
        luck = draw.random()
        if luck < 0.004:
            yield Report(
                student=student, file=f"{student}.ipynb", status=SubmissionStatus.UNREADABLE, score=0,
                max_score=assignment.max_score, exercises=[], repairs=[], warnings=["no notebook"],
            )  # fmt: skip
            continue
        status = SubmissionStatus.GRADED if luck > 0.015 else draw.choice(list(SubmissionStatus)[2:5])
        exercises = [code(draw, spec.id, spec.points, skill, mistakes, weights) for spec in assignment.code_exercises]
        exercises += [
            essay(draw, spec.id, {concept.id: concept.points for concept in spec.concepts}, skill)
            for spec in assignment.exercises
            if spec.kind == "essay"
        ]
        yield Report(
            student=student, file=f"{student}.ipynb", status=status, score=sum(each.score for each in exercises),
            max_score=assignment.max_score, exercises=exercises, repairs=[], warnings=[],
        )  # fmt: skip


def code(
    draw: random.Random, id: str, points: dict[str, float], skill: float, mistakes: list[str], weights: list[float]
) -> ExerciseReport:
    if draw.gauss(skill, 1) > 0:
        checks = [check(name, Status.PASSED, most) for name, most in points.items()]
        return exercise(id, checks, [])
    found = sorted(set(draw.choices(mistakes, weights, k=draw.choice((1, 1, 1, 2)))))
    lost = set(draw.sample(list(points), draw.choice((1, 2, 2, 4))))
    unknown = Status.SKIPPED if draw.random() < 0.02 else Status.FAILED
    checks = [check(name, unknown if name in lost else Status.PASSED, most) for name, most in points.items()]
    diagnoses = [
        Diagnosis(
            mistake=mistake,
            proof=Proof.REPLAYED,
            message=f"You {PHRASES[mistake]}. A block like this learns less than it could. See `line_{draw.random()}`.",
            cell=3,
            line=12,
        )
        for mistake in found
    ]
    return exercise(id, checks, diagnoses if draw.random() < 0.95 else [])


def essay(draw: random.Random, id: str, points: dict[str, float], skill: float) -> ExerciseReport:
    read = {name: Status.PASSED if draw.gauss(skill, 1) > 0.5 else Status.SKIPPED for name in points}
    return exercise(id, [check(name, read[name], most) for name, most in points.items()], [])


def check(id: str, status: Status, most: float) -> CheckResult:
    score = most if status is Status.PASSED else 0.0
    message = "What is measured agrees with the reference in all cases." if score else "It differs from the reference."
    message += " Measured in every case, at several sizes and scales, in training and in evaluation mode." * 3
    cases = {"identity": [4, 16, 32, 32], "stride": 2}  # with the others as much as a report of the examples holds
    return CheckResult(
        id=id, status=status, score=score, max_score=most, message=message, expected=cases, actual=cases, cell=3, line=9
    )


def exercise(id: str, checks: list[CheckResult], diagnoses: list[Diagnosis]) -> ExerciseReport:
    return ExerciseReport(
        id=id,
        score=sum(each.score for each in checks),
        max_score=sum(each.max_score for each in checks),
        correct=all(each.status is Status.PASSED for each in checks),
        checks=checks,
        diagnoses=diagnoses,
    )


if __name__ == "__main__":
    main()
