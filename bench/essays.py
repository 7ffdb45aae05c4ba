"""How well are written answers read? On labelled answers of our own: tests/essays/.

python bench/essays.py [--wrong]     --wrong: list what was decided against the label, of the tuning half only

Agreement      of the concepts that were credited, how many the label says are there (precision)
Abstention     of the concepts that are there, how many were left to a human
Misconceptions precision and recall of those that were named
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import Assignment, EssayExercise, find_assignment
from grader.verdict import ExerciseReport, Status
from grader.written import given_text, mark

ANSWERS = Path(__file__).parents[1] / "tests" / "essays"
ASSIGNMENT = "residual-ideas"


@dataclass(frozen=True)
class Labelled:
    """One answer, and what a human reads in it."""

    question: str
    id: str
    kind: str
    text: str
    says: frozenset[str]
    denies: frozenset[str]
    believes: frozenset[str]

    @property
    def held_out(self) -> bool:
        return int(self.id[1:]) % 2 == 0


@dataclass
class Tally:
    """What came of one concept, or of all."""

    credited: int = 0
    rightly: int = 0
    present: int = 0

    def add(self, credited: bool, present: bool) -> None:
        self.credited += credited
        self.rightly += credited and present
        self.present += present

    @property
    def precision(self) -> str:
        return f"{self.rightly}/{self.credited}"

    @property
    def recall(self) -> str:
        return f"{self.rightly}/{self.present}"

    @property
    def abstained(self) -> float:
        return 1 - self.rightly / self.present if self.present else 0.0


def labelled() -> list[Labelled]:
    """All answers, in the order of their files: `skip.toml` and `skip-hands.toml` answer the question `skip`."""
    found = []
    for path in sorted(ANSWERS.glob("*.toml")):
        for answer in tomllib.loads(path.read_text("utf-8"))["answer"]:
            sets = {key: frozenset(answer.pop(key, [])) for key in ("says", "denies", "believes")}
            found.append(Labelled(path.stem.partition("-")[0], **answer, **sets))
    return found


def essays(assignment: Assignment) -> dict[str, EssayExercise]:
    return {each.id: each for each in assignment.exercises if isinstance(each, EssayExercise)}


def marked(answers: list[Labelled]) -> Iterator[tuple[Labelled, ExerciseReport]]:
    """Every answer with its report."""
    assignment = find_assignment(ASSIGNMENT)
    given = given_text(assignment)
    questions = essays(assignment)
    for answer in answers:
        yield answer, mark(questions[answer.question], answer.text.strip() or None, given)


def credited(report: ExerciseReport) -> set[str]:
    return {check.id for check in report.checks if check.status is Status.PASSED}


def report_half(title: str, answers: list[Labelled]) -> None:
    concepts: dict[str, Tally] = {}
    everything, misconceptions = Tally(), Tally()
    decided = pending = 0.0
    for answer, report in marked(answers):
        given = credited(report)
        for check in report.checks:
            tally = concepts.setdefault(f"{answer.question}/{check.id}", Tally())
            for each in (tally, everything):
                each.add(check.id in given, check.id in answer.says)
        named = {diagnosis.mistake for diagnosis in report.diagnoses}
        for name in named | answer.believes:
            misconceptions.add(name in named, name in answer.believes)
        decided += report.score
        pending += report.pending
    print(f"\n{title}: {len(answers)} answers, {decided:g} points proposed, {pending:g} left to a human\n")
    print(f"{'concept':32}{'credited rightly':>18}{'of those there':>18}{'abstained':>12}")
    for name, tally in concepts.items():
        print(f"{name:32}{tally.precision:>18}{tally.recall:>18}{tally.abstained:>12.0%}")
    print(f"{'all':32}{everything.precision:>18}{everything.recall:>18}{everything.abstained:>12.0%}")
    print(f"{'misconceptions':32}{misconceptions.precision:>18}{misconceptions.recall:>18}")


def list_wrong(answers: list[Labelled]) -> None:
    for answer, report in marked(answers):
        given = credited(report)
        named = {diagnosis.mistake for diagnosis in report.diagnoses}
        if given != answer.says or named != answer.believes:
            print(f"\n{answer.id} ({answer.kind}): {' '.join(answer.text.split())}")
        for check in report.checks:
            if (check.id in given) != (check.id in answer.says):
                print(f"    {'CREDITED' if check.id in given else 'missed'} {check.id}: {check.message}")
        for name in sorted(named ^ answer.believes):
            print(f"    {'NAMED' if name in named else 'missed'} {name}")


def main() -> None:
    answers = labelled()
    tuning = [answer for answer in answers if not answer.held_out]
    if "--wrong" in sys.argv[1:]:
        list_wrong(tuning)
        return
    report_half("Tuning half", tuning)
    report_half("Held-out half", [answer for answer in answers if answer.held_out])


if __name__ == "__main__":
    main()
