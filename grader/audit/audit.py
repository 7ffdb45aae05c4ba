"""`grader audit`: what an assignment's cases, points and freedoms would miss, and whom they would accuse.

For a module exercise programs are written: right ones in every style, and wrong ones with each known mistake in
several. Each is graded as a hand-in is, behind the wall. A mistake that makes no difference in the declared cases is
tried in others that the reference can do: where it makes one there, the case is what is lacking.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.assignment import Assignment, Case, ModuleExercise, NetworkExercise
from grader.audit.arguments import Arguments
from grader.audit.candidates import candidates, novelty
from grader.audit.compose import case_values
from grader.audit.findings import Accused, Audit, ExerciseAudit, Missed
from grader.audit.generate import Generated, Generator
from grader.audit.plans import Plan, Planner, mistakes_planted
from grader.audit.program import Unsayable
from grader.audit.styles import styles
from grader.checks import checks
from grader.judge.examined import RightAnswers
from grader.judge.reference import Reference
from grader.mistakes import mistakes
from grader.mistakes._mistake import Plant
from grader.mistakes.network import NETWORK
from grader.pipeline import Grader, Settings
from grader.submission import HandIn
from grader.verdict import ExerciseReport, Status

Progress = Callable[[str], None]


def audit(assignment: Assignment, settings: Settings, programs: int, progress: Progress) -> Audit:
    """Audit every code exercise of an assignment.

    Args:
        programs: how many are written for each mistake, in styles that take turns.
        progress: told what is graded.

    Raises:
        AssignmentError: the assignment or a reference is wrong.
    """
    with Examiner(assignment, settings) as examiner:
        found = []
        for exercise in assignment.code_exercises:
            if isinstance(exercise, ModuleExercise):
                found.append(_ModuleAudit(examiner, exercise, programs, progress).audit())
            else:
                found.append(_audit_network(examiner, exercise, progress))
    return Audit(assignment=assignment.id, exercises=found)


class Examiner:
    """Grades sources as hand-ins, against the assignment as it is or with other points."""

    def __init__(self, assignment: Assignment, settings: Settings) -> None:
        self.assignment = assignment
        self.settings = replace(settings, diagnose=False)  # only whether a program passes is asked
        self._graders: dict[str, Grader] = {}
        self._folder = TemporaryDirectory(prefix="grader-audit-")

    def __enter__(self) -> Examiner:
        self._grader("").prepare()
        return self

    def __exit__(self, *_: object) -> None:
        for grader in self._graders.values():
            grader.close()
        self._folder.cleanup()

    def report(
        self, source: str, exercise: ModuleExercise | NetworkExercise, *, all_checks: bool = False
    ) -> ExerciseReport:
        """The report on one exercise of a hand-in that is this source.

        Args:
            all_checks: give points for every check there is.
        """
        path = Path(self._folder.name) / "program.py"
        path.write_text(source, encoding="utf-8")
        report, _ = self._grader(exercise.id if all_checks else "").grade(HandIn("program", "program.py", path))
        return next(each for each in report.exercises if each.id == exercise.id)

    def _grader(self, exercise: str) -> Grader:
        """The grader of the assignment as it is, or with points for every check of one exercise."""
        if exercise not in self._graders:
            changed = [
                each.model_copy(update={"points": dict.fromkeys(checks(), 1.0)}) if each.id == exercise else each
                for each in self.assignment.exercises
            ]
            self._graders[exercise] = Grader(self.assignment.model_copy(update={"exercises": changed}), self.settings)
            self._graders[exercise].prepare()
        return self._graders[exercise]


class _ModuleAudit:
    """The audit of one module exercise."""

    def __init__(self, examiner: Examiner, exercise: ModuleExercise, programs: int, progress: Progress) -> None:
        self.examiner = examiner
        self.exercise = exercise
        self.programs = programs
        self.progress = progress
        reference = Reference(examiner.assignment, exercise)
        self.answers = RightAnswers(reference, examiner.settings.seed, examiner.settings.device)
        self.generator = Generator(self.answers)
        self.styles = cycle(styles())
        self.rng = random.Random(f"{examiner.settings.seed} {exercise.id}")
        self.candidates = candidates(reference)
        self.not_written: list[str] = []
        self.graded = self.right = 0
        self.missed: list[Missed] = []

    def audit(self) -> ExerciseAudit:
        accused = list(self._accused())
        caught, without_effect = [], []
        for mistake in mistakes_planted(self.answers):
            self.progress(f"{self.exercise.id}: {mistake.id}")
            before = len(self.missed), self.graded
            self._try(mistake.id, list(mistake.plants))
            if self.graded == before[1]:
                without_effect.append(mistake.id)
            elif len(self.missed) == before[0]:
                caught.append(mistake.id)
        return ExerciseAudit(
            exercise=self.exercise.id,
            what="each known mistake planted in the reference; right answers in every style",
            right=self.right,
            wrong=self.graded,
            caught=caught,
            without_effect=without_effect,
            missed=self.missed,
            accused=accused,
            not_written=list(dict.fromkeys(self.not_written)),
        )

    def _accused(self) -> Iterator[Accused]:
        """Right answers in every style that do not get full marks."""
        for style in styles():
            self.progress(f"{self.exercise.id}: right, {style}")
            program = self._written(self.generator, self.generator.planner.right(self.rng), style)
            if program is None:
                continue
            report = self.examiner.report(program.source, self.exercise)
            self.right += 1
            if not report.correct:
                messages = [check.message for check in report.checks if check.status is not Status.PASSED]
                yield Accused(style=style, messages=messages, source=program.source)

    def _try(self, mistake: str, plants: list[Plant]) -> None:
        """Grade programs with a mistake; note what is missed."""
        left = self.programs
        for plant in self.rng.sample(plants, len(plants)):
            plan = (
                self.generator.planner.planted(mistake, plant, self.rng)
                if self._acts(plant, self.exercise.cases)
                else None
            )
            if plan is None:
                self._try_elsewhere(mistake, plant)
            elif left:
                left -= 1
                self._grade(self.generator, plan, self._remedy_by_checks)

    def _try_elsewhere(self, mistake: str, plant: Plant) -> None:
        """A mistake that makes no difference in the declared cases: does it in another?"""
        if any(missed.mistake == mistake for missed in self.missed):
            return
        for case in self.candidates:
            if not self._acts(plant, [case]):
                continue
            if Planner(self.answers, [case]).planted(mistake, plant, self.rng) is None:
                continue
            wider = Generator(self.answers, [*self.exercise.cases, case])
            plan = wider.planner.planted(mistake, plant, self.rng)
            if plan is not None:
                self._grade(wider, plan, lambda program, case=case: self._remedy_by_case(case))  # type: ignore[misc]
                return

    def _grade(self, generator: Generator, plan: Plan, remedy: Callable[[Generated], str]) -> None:
        style = next(self.styles)
        program = self._written(generator, plan, style)
        if program is None:
            return
        self.graded += 1
        if self.examiner.report(program.source, self.exercise).correct:
            mistake = plan.mistakes[0]
            self.missed.append(Missed(mistake=mistake, remedy=remedy(program), style=style, source=program.source))

    def _acts(self, plant: Plant, cases: list[Case]) -> bool:
        """Does it change the reference's graph in any of these cases?"""
        for case in cases:
            for form in self.answers.forms(case)[:1]:
                shape = (2, *case.input)
                before = form.graph(train=True, shape=shape)
                if any(form.with_edit(edit).graph(train=True, shape=shape) != before for edit in plant.edits):
                    return True
        return False

    def _written(self, generator: Generator, plan: Plan, style: str) -> Generated | None:
        try:
            return generator.write(plan, style, self.rng)
        except Unsayable as error:
            self.not_written.append(f"{plan.mistakes[0] if plan.mistakes else 'a right answer'}: {error}")
            return None

    # ------------------------------------------------------------------ what it would take

    def _remedy_by_checks(self, program: Generated) -> str:
        """The checks that fail it when they have points."""
        report = self.examiner.report(program.source, self.exercise, all_checks=True)
        failing = [check.id for check in report.checks if check.status is not Status.PASSED]
        if failing:
            return f"give points to {' or '.join(failing)}: that check fails it"
        return "no check sees it: please report this program"

    def _remedy_by_case(self, case: Case) -> str:
        """What the case has that no declared one has."""
        signature = self.answers.reference.arguments
        texts = {n: "" if default is inspect.Parameter.empty else repr(default) for n, default in signature.items()}
        every = [case_values(signature, each) for each in (*self.exercise.cases, case)]
        what = novelty(Arguments(texts, every), len(every) - 1)
        return f"no case has {what}: add one, for instance {case.title}"


def _audit_network(examiner: Examiner, exercise: NetworkExercise, progress: Progress) -> ExerciseAudit:
    """Networks that the catalogue of mistakes holds, where they define what the exercise asks for."""
    caught: list[str] = []
    missed: list[Missed] = []
    accused: list[Accused] = []
    wrong = 0
    definition = f"def {exercise.name}("
    right = [NETWORK] if definition in NETWORK else []
    for source in right:
        progress(f"{exercise.id}: right")
        report = examiner.report(source, exercise)
        if not report.correct:
            messages = [check.message for check in report.checks if check.status is not Status.PASSED]
            accused.append(Accused(style="catalogue", messages=messages, source=source))
    for mistake in mistakes().values():
        sources = [source for source in mistake.broken if definition in source]
        passing = [source for source in sources if examiner.report(source, exercise).correct]
        wrong += len(sources)
        if sources:
            progress(f"{exercise.id}: {mistake.id}")
        if sources and not passing:
            caught.append(mistake.id)
        missed += [
            Missed(mistake=mistake.id, remedy="no check sees it in these cases", style="catalogue", source=source)
            for source in passing
        ]
    return ExerciseAudit(
        exercise=exercise.id,
        what="the catalogue's own wrong networks; mistakes inside a block are audited with the block's exercise",
        right=len(right),
        wrong=wrong,
        caught=caught,
        without_effect=[],
        missed=missed,
        accused=accused,
        not_written=[] if right else [f"the catalogue has no network named {exercise.name}"],
    )
