"""How fast, and how much memory: `make bench`.

    first report     from the command to the first page on disk, cold
    a submission     on one process and on two, from the first page to the last, start-up left out
    memory           peak of the process that hands out the work, at 20 and at 500 submissions
    stages           where the time of one submission goes, in one process

The submissions are copies of the examples that ship with the assignment, right and wrong ones.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "assignments" / "residual-blocks" / "examples"


@dataclass
class Measured:
    first: float  # seconds until the first page
    each: float  # seconds a submission after that
    whole: float
    parent_mib: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=60, help="submissions for the speeds (default 60)")
    options.add_argument("--many", type=int, default=500, help="submissions for the memory (default 500; 0 skips)")
    options.add_argument("--isolation", default="auto")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
        measure(Path(folder), arguments.count, arguments.many, arguments.isolation)


def measure(folder: Path, count: int, many: int, isolation: str) -> None:
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    cold = check(folder, 1, 1, isolation)
    print(f"first report, cold             {cold.first:8.2f} s")
    for jobs in (1, 2):
        run = check(folder, count, jobs, isolation)
        on = f"a submission, {jobs} process{'es' if jobs > 1 else ''}"
        print(f"{on:30} {run.each:8.3f} s   {1 / run.each:.1f} a second")
    few = check(folder, 20, 2, isolation)
    print(f"parent at {20:5} submissions    {few.parent_mib:8.1f} MiB")
    if many:
        lots = check(folder, many, 2, isolation)
        print(f"parent at {many:5} submissions    {lots.parent_mib:8.1f} MiB   {lots.whole:.1f} s in all")
    print("\nstages of one submission, in ms (median of the examples; the slowest)")
    for name, seconds in stages(folder).items():
        print(f"  {name:12} {1000 * statistics.median(seconds):8.1f} {1000 * max(seconds):8.1f}")


def check(folder: Path, count: int, jobs: int, isolation: str) -> Measured:
    """Run the command on `count` copies of the examples."""
    submissions, output = folder / f"in-{count}", folder / "out"
    if not submissions.exists():
        fill(submissions, count)
    shutil.rmtree(output, ignore_errors=True)
    pages = output / "students"
    began = time.time()
    options = ["--output", str(output), "--jobs", str(jobs), "--isolation", isolation, "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "check", str(submissions), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, high_water(process.pid))
        time.sleep(0.05)
    whole = time.time() - began
    if process.returncode == 3:
        print("NOTE: the grader failed on some submission, so these figures tell little")
    elif process.returncode not in (0, 1):
        raise SystemExit(f"grader ended with {process.returncode}")
    written = sorted(page.stat().st_mtime for page in pages.iterdir())
    if len(written) != count:
        raise SystemExit(f"{count} submissions, but {len(written)} pages")
    each = (written[-1] - written[0]) / (count - 1) if count > 1 else 0.0
    return Measured(written[0] - began, each, whole, peak)


def fill(folder: Path, count: int) -> None:
    """Copies of the examples, mixed: neighbours in the order of grading are different hand-ins."""
    folder.mkdir()
    examples = sorted(path for path in EXAMPLES.iterdir() if path.suffix in (".ipynb", ".py"))
    for number in range(count):
        example = examples[number * 7 % len(examples)]
        shutil.copy(example, folder / f"s{number:05}{example.suffix}")


def high_water(pid: int) -> float:
    """Peak of resident memory in MiB, as the kernel keeps it."""
    try:
        with open(f"/proc/{pid}/status") as file:
            line = next((line for line in file if line.startswith("VmHWM")), "VmHWM 0")
    except OSError:
        return 0.0
    return int(line.split()[1]) / 1024


def stages(folder: Path) -> dict[str, list[float]]:
    """Times of the parts of one submission, over all examples."""
    sys.path.insert(0, str(ROOT))
    from grader.assignment import find_assignment
    from grader.formats import Run, formats
    from grader.formats.json import document
    from grader.pipeline import Grader, Settings
    from grader.sandbox import choose
    from grader.submission import find, read

    assignment = find_assignment("residual-blocks")
    isolation = choose("auto")
    settings = Settings(isolation, "cpu", 0, assignment.limits, draw=True)
    times: dict[str, list[float]] = {"read": [], "grade": [], "pages": [], "results.json": []}
    with find([EXAMPLES]) as hand_ins, Grader(assignment, settings) as grader:
        grader.prepare()
        grader.grade(hand_ins[0])  # the first one warms up
        run = Run(assignment, 0, isolation.value, "cpu")
        for hand_in in hand_ins:
            marks = [time.perf_counter()]
            read(hand_in)
            marks.append(time.perf_counter())
            report, submission = grader.grade(hand_in)
            marks.append(time.perf_counter())
            formats()["html"].write_student(folder / "stages", run, report, submission)
            marks.append(time.perf_counter())
            document(report)
            marks.append(time.perf_counter())
            for name, before, after in zip(times, marks, marks[1:], strict=False):
                times[name].append(after - before)
    return times


if __name__ == "__main__":
    main()
