"""How often is the judge right? `make accuracy` grades generated programs and counts.

    right accused    right programs that do not get full marks: must be 0
    wrong passed     programs with one or two mistakes that do: must be 0
    proven           wrong programs of whose proven mistakes the planted ones are part
    exact            wrong programs of which just the planted mistakes are named first
    unknown          wrong programs of which no mistake is named

A mistake that behaves on every probe like the planted one counts as the planted one. Beside the judge stand what
graders do today, on the same programs. Sources that the judge gets wrong are kept in a folder. Some of an exercise's
programs at a time have a process of their own, which finds the right answers anew, as a run of the grader does.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import random
import statistics
import sys
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "bench")]

import judging  # noqa: E402
from judging import families, judge, options, residual_blocks, right_answers  # noqa: E402
from peers import PEERS, Peer  # noqa: E402

from grader.assignment import ModuleExercise  # noqa: E402
from grader.audit.generate import Generated, Generator  # noqa: E402
from grader.audit.plans import Plan  # noqa: E402
from grader.audit.program import NoPlan, Unsayable  # noqa: E402
from grader.audit.styles import styles  # noqa: E402
from grader.garbage import look_seldom  # noqa: E402
from grader.judge.examined import RightAnswers  # noqa: E402
from grader.verdict import ExerciseReport, Proof  # noqa: E402

KINDS = ("right", "single", "double")
MISTAKES = (0, 1, 1, 0, 1, 2)  # in turn: a third right, half with one mistake, a sixth with two
PART = 48 * len(MISTAKES)  # programs that a process grades before the next one starts: as large a class


@dataclass
class Tally:
    """Counts of one kind of program."""

    graded: int = 0
    judged_wrongly: int = 0
    proven: int = 0
    exact: int = 0
    unknown: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.graded += other.graded
        self.judged_wrongly += other.judged_wrongly
        self.proven += other.proven
        self.exact += other.exact
        self.unknown += other.unknown
        self.seconds += other.seconds


@dataclass
class Outcome:
    """One graded program."""

    program: Generated
    report: ExerciseReport | None  # None when the grader broke on it
    seconds: float
    named: list[tuple[str, ...]]  # sets of mistakes that are said to explain it, the first one first

    @property
    def judged_rightly(self) -> bool:
        return self.report is not None and self.report.correct is (not self.program.mistakes)


@dataclass
class Part:
    """Programs of one exercise, for one process."""

    exercise: str
    count: int
    seed: int
    styles: list[str]
    folder: Path
    device: str


@dataclass
class Counts:
    """What came of them."""

    tallies: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in KINDS})
    peers: Counter[tuple[str, str]] = field(default_factory=Counter)  # judged wrongly, by way to grade and kind
    failures: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    unsaid: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        for kind, tally in other.tallies.items():
            self.tallies[kind].add(tally)
        for mine, theirs in ((self.peers, other.peers), (self.failures, other.failures), (self.unsaid, other.unsaid)):
            mine.update(theirs)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=6270, help="programs: a third right, half single, a sixth double")
    parser.add_argument("--seed", type=int, default=0)
    only = "only this one (may be given several times)"
    parser.add_argument("--exercise", action="append", choices=exercises_of_modules(), metavar="ID", help=only)
    parser.add_argument("--style", action="append", choices=list(styles()), metavar="NAME", help=only)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where the references run")
    parser.add_argument("--keep", type=Path, default=ROOT / "reports" / "accuracy", help="folder for what fails")
    measure(parser.parse_args())


def measure(arguments: argparse.Namespace) -> None:
    counts, by_exercise = Counts(), defaultdict(Counts)
    parts = list(parts_of(arguments))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.processes, context, max_tasks_per_child=1) as pool:
        running = {pool.submit(grade_part, part): part for part in parts}
        try:
            for number, done in enumerate(as_completed(running), 1):
                counts.add(done.result())
                by_exercise[running[done].exercise].add(done.result())
                if sys.stderr.isatty():
                    print(f"\r{number} of {len(parts)} parts", end="", file=sys.stderr)
        except KeyboardInterrupt:
            print("stopped; what had been graded:")
            pool.shutdown(wait=False, cancel_futures=True)
    for exercise, each in by_exercise.items():
        print(f"\n{exercise}")
        print_tallies(each.tallies)
    print("\ntogether")
    print_tallies(counts.tallies)
    print_peers(counts)
    for text, times in counts.unsaid.items():
        print(f"not written, {times} times: {text}")
    for (failed, exercise, style), times in sorted(counts.failures.items()):
        print(f"wrong {failed}: {exercise}, {style}: {times}")


def exercises_of_modules() -> list[str]:
    return [
        exercise.id
        for assignment in (residual_blocks(), families(), options())
        for exercise in assignment.exercises
        if isinstance(exercise, ModuleExercise)
    ]


def parts_of(arguments: argparse.Namespace) -> Iterator[Part]:
    """As many programs as asked for; parts of the same exercise begin with seeds far apart."""
    exercises = arguments.exercise or exercises_of_modules()
    names = arguments.style or list(styles())
    for number, exercise in enumerate(exercises):
        share = arguments.count * (number + 1) // len(exercises) - arguments.count * number // len(exercises)
        for part, first in enumerate(range(0, share, PART)):
            seed = arguments.seed * 1_000_000 + part * 10_000
            yield Part(exercise, min(PART, share - first), seed, names, arguments.keep, arguments.device)


def grade_part(part: Part) -> Counts:
    """In a process of its own."""
    torch.set_num_threads(1)
    look_seldom()  # as the processes that grade do
    warnings.simplefilter("ignore")  # students' code may warn
    judging.DEVICE = part.device
    counts = Counts()
    for number, program in enumerate(programs(part, counts)):
        kind = KINDS[len(program.mistakes)]
        outcome = grade(program)
        failed = count(counts.tallies[kind], outcome)
        if failed:
            counts.failures[failed, program.exercise, program.style] += 1
            keep(part.folder / failed, part.seed + number, outcome)
        answers = answers_of(program.exercise)
        for name, peer in PEERS.items():
            counts.peers[name, kind] += peer_passes(peer, program, answers) is (kind != "right")
    return counts


def programs(part: Part, counts: Counts) -> Iterator[Generated]:
    seeds = itertools.count(part.seed)
    for made in range(part.count):
        while True:
            seed = next(seeds)
            try:
                style = random.Random(f"style {seed}").choice(part.styles)
                yield generator_of(part.exercise).program(seed, style, MISTAKES[made % len(MISTAKES)])
                break
            except (Unsayable, NoPlan) as error:
                counts.unsaid[f"{part.exercise}: {error}"] += 1


def answers_of(exercise: str) -> RightAnswers:
    answers = right_answers(exercise)
    assert answers is not None
    return answers


# ---------------------------------------------------------------------- the judge

VERDICT, DIAGNOSIS = "verdicts", "diagnoses"


def grade(program: Generated) -> Outcome:
    before = time.process_time()  # of this one thread: other work on the machine does not count
    try:
        report = judge(program.source, program.exercise)
    except Exception:
        traceback.print_exc()
        report = None
    return Outcome(program, report, time.process_time() - before, explanations(report) if report else [])


def explanations(report: ExerciseReport) -> list[tuple[str, ...]]:
    """The sets of mistakes that are said to be proven, each explaining the behaviour by itself."""
    found = tuple(sorted(d.mistake for d in report.diagnoses if d.proof is not Proof.REPORTED))
    said = " ".join(diagnosis.message for diagnosis in report.diagnoses)
    _, _, others = said.partition("(With ")
    words = others.partition(" it would behave")[0]
    return ([found] if found else []) + [tuple(sorted(each.split(" with "))) for each in words.split(" or ") if each]


def count(tally: Tally, outcome: Outcome) -> str:
    """Add an outcome; say what is wrong with it, if anything."""
    tally.graded += 1
    tally.seconds.append(outcome.seconds)
    if not outcome.judged_rightly:
        tally.judged_wrongly += 1
        return VERDICT
    planted = tuple(sorted(set(outcome.program.mistakes)))
    if not planted:
        return ""
    if not outcome.named:
        tally.unknown += 1
        return DIAGNOSIS
    first, *others = outcome.named
    exact = first == planted or is_alike(outcome.program, first)
    proven = exact or set(planted) <= set(first) or planted in others
    tally.exact += exact
    tally.proven += proven
    return "" if proven else DIAGNOSIS


def is_alike(program: Generated, named: tuple[str, ...]) -> bool:
    """Can what is named instead be planted so that it behaves like what was planted?"""
    planner = generator_of(program.exercise).planner
    return any(planner.alike(program.plan, Plan(named, (forms,))) for forms in planner.realisations(named))


@cache
def generator_of(exercise: str) -> Generator:
    return Generator(answers_of(exercise))


def keep(folder: Path, number: int, outcome: Outcome) -> None:
    """Keep a source with what was planted and what was said."""
    folder.mkdir(parents=True, exist_ok=True)
    program, report = outcome.program, outcome.report
    said = [
        f"planted: {', '.join(program.mistakes) or 'nothing'}; style: {program.style}",
        f"named: {outcome.named}",
        *(f"{check.id}: {check.status}: {check.message}" for check in (report.checks if report else ())),
    ]
    comment = "".join(f"# {line}\n" for text in said for line in text.splitlines())
    path = folder / f"{number:05}-{program.exercise}-{'+'.join(program.mistakes) or 'right'}.py"
    path.write_text(comment + program.source, encoding="utf-8")


# ---------------------------------------------------------------------- the others


def peer_passes(peer: Peer, program: Generated, answers: RightAnswers) -> bool:
    """Does this way to grade pass the program? An exception fails it, as it does in a test."""
    name = answers.reference.exercise.name
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        namespace: dict[str, object] = {"__name__": "student"}
        exec(compile(program.source, "<student>", "exec"), namespace)
        return all(peer(namespace[name], answers.reference, case) for case in answers.reference.exercise.cases)
    except Exception:
        return False
    finally:
        torch.set_default_dtype(before)


# ---------------------------------------------------------------------- tables


def print_tallies(tallies: dict[str, Tally]) -> None:
    print(f"{'programs':10}{'graded':>8}{'judged':>9}{'proven':>9}{'exact':>9}{'unknown':>9}{'median':>10}{'p90':>9}")
    print(f"{'':10}{'':8}{'wrongly':>9}")
    seconds = []
    for kind in KINDS:
        tally = tallies[kind]
        seconds += tally.seconds
        shares = [f"{100 * n / max(1, tally.graded):.1f} %" for n in (tally.proven, tally.exact, tally.unknown)]
        shares = shares if kind != "right" else ["", "", ""]
        columns = "".join(f"{share:>9}" for share in shares)
        print(f"{kind:10}{tally.graded:8}{tally.judged_wrongly:9}{columns}{times(tally.seconds)}")
    print(f"{'all':10}{len(seconds):8}{'':36}{times(seconds)}")


def times(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return ""
    return f"{1000 * statistics.median(seconds):7.0f} ms{1000 * statistics.quantiles(seconds, n=10)[-1]:6.0f} ms"


def print_peers(counts: Counts) -> None:
    rows = {"this grader": {kind: counts.tallies[kind].judged_wrongly for kind in KINDS}}
    rows |= {name: {kind: counts.peers[name, kind] for kind in KINDS} for name in PEERS}
    print("\n| | right accused | wrong passed, one mistake | wrong passed, two |\n|---|---|---|---|")
    for name, wrong in rows.items():
        shares = [f"{100 * wrong[kind] / max(1, counts.tallies[kind].graded):.1f} %" for kind in KINDS]
        print(f"| {name} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
