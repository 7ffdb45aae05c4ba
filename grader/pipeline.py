"""One submission, from cells to report: the story of the grader, read from top to bottom.

Grader          what a process keeps from submission to submission: the wall's zygote, the right answers
  .grade()      one hand-in  ->  Report
    attempt     one run of the notebook's cells and all that was asked of it   grader.attempt
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from grader.assignment import (
    Assignment,
    CalledExercise,
    EssayExercise,
    Limits,
    ModuleExercise,
    NetworkExercise,
    QuizExercise,
    names_of,
)
from grader.attempt import Attempt, Cells
from grader.blocks import BlockJudge, Earlier, block_diagnoses
from grader.ceilings import session_limits
from grader.checks import checks, require_known
from grader.closing import Closing
from grader.errors import (
    AssignmentError,
    SessionEnded,
    StudentTimedOut,
    SubmissionError,
    WallError,
)
from grader.experiments import judge_experiment
from grader.functions import judge_function
from grader.hints import without_last_hints
from grader.illustrate import illustrate
from grader.judge.calls import Convention, as_asked, other_conventions
from grader.judge.examine import Worker, ask, examine, kernels_in_matrices, record_again
from grader.judge.examined import Examined
from grader.judge.experiment import Experimented, run_experiment
from grader.judge.formula import formula
from grader.judge.functions import Called, call_function
from grader.judge.network import RecordedNetwork
from grader.judge.roles import Roles
from grader.language import say
from grader.mistakes import diagnose
from grader.observation import Executed
from grader.pictures import Pictures
from grader.quiz import judge_quiz
from grader.right import Right, Seen
from grader.sandbox import Isolation, Session, Zygote
from grader.scoring import require_known_mistakes, settle
from grader.submission import (
    HandIn,
    Submission,
    asks_where_it_runs,
    defined_in,
    defined_names,
    defines_unseen,
    find_answer,
    find_given,
    read,
    where_it_stands,
)
from grader.submission.nbgrader import Kind
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus
from grader.written import given_text, mark, parts

MOST_BLOCKS = 3  # classes that are tried as the block of a network that asks for one
CALL_SECONDS = 20.0  # one operation on a student's module; cells have a limit of their own


@dataclass(frozen=True)
class Settings:
    """How to grade: what the command line decides.

    Attributes:
        diagnose: are the causes looked for? Without them it is told what is wrong, and not why.
        draw: are pictures made? Wanted only where something is written that shows them.
        now: the moment of the run: before the assignment's date its last hints are held back.
    """

    isolation: Isolation
    device: str
    seed: int
    limits: Limits
    diagnose: bool = True
    draw: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


class Grader(Closing):
    """Grades one submission at a time.

    Args:
        zygote: one that was started before, so that torch is imported on both sides of the wall at the same time.
    """

    def __init__(self, assignment: Assignment, settings: Settings, zygote: Zygote | None = None) -> None:
        self.assignment = assignment
        self.settings = settings
        if zygote is None and assignment.called_exercises:
            zygote = Zygote.start(settings.isolation)
        self._zygote = zygote  # None: there is no code to run
        self._right = Right(assignment, settings.seed, settings.device)
        self._given = given_text(assignment)

    def prepare(self) -> None:
        """Load the references and wait for the wall.

        Raises:
            AssignmentError: a reference cannot be used.
            WallError: the wall cannot be built.
        """
        import torch

        torch.set_num_threads(1)
        require_known(self.assignment)
        require_known_mistakes(self.assignment)
        for exercise in self.assignment.called_exercises:
            self._right.prepare(exercise)
        if self._zygote is not None:
            self._zygote.wait_ready()

    def grade(self, hand_in: HandIn) -> tuple[Report, Submission | None]:
        """The report on one hand-in. Whatever goes wrong with it stays with it."""
        try:
            submission = read(hand_in)
        except SubmissionError as error:
            return self._unreadable(hand_in, str(error)), None
        try:
            report = self._grade(submission)
            if not self.assignment.hints.show_last(self.settings.now):
                report = without_last_hints(report)
            return report, submission
        except AssignmentError:
            raise  # every submission would meet it
        except Exception as error:
            return self._grader_broke(hand_in, error), submission

    def close(self) -> None:
        if self._zygote is not None:
            self._zygote.close()

    # ------------------------------------------------------------------ one submission

    def _named(self, submission: Submission) -> list[str]:
        """Does the notebook say that it is for another assignment?"""
        if submission.assignment_id in (None, self.assignment.id):
            return []
        return [
            say(
                "The notebook's metadata names the assignment '{named}'; it was graded as '{graded}'.",
                named=submission.assignment_id,
                graded=self.assignment.id,
            )
        ]

    def _grade(self, submission: Submission) -> Report:
        deadline = time.monotonic() + self.settings.limits.seconds
        attempt = self._attempt(submission, "definitions", deadline)
        repairs = list(submission.repairs)
        if attempt.wants_everything:
            # Some code needs more than its definitions: run the notebook as Jupyter would.
            second = self._attempt(submission, "everything", deadline)
            if second.measured > attempt.measured:
                attempt = second
        earlier: dict[str, Earlier] = {}
        given = find_given(submission, self.assignment.quiz_exercises)
        exercises = [
            judge_quiz(exercise, given.get(exercise.id))
            if isinstance(exercise, QuizExercise)
            else self._report(submission, exercise, attempt, earlier)
            for exercise in self.assignment.exercises
        ]
        status, message = attempt.status
        return Report(
            student=submission.student,
            file=submission.file,
            status=status,
            message=message,
            score=sum(exercise.score for exercise in exercises),
            max_score=self.assignment.max_score,
            exercises=exercises,
            repairs=repairs + attempt.repairs(self.settings.limits),
            warnings=[
                *submission.warnings,
                *self._named(submission),
                *asks_where_it_runs(submission),
                *_notes(exercises),
            ],
        )

    def _attempt(self, submission: Submission, plan: str, deadline: float) -> Attempt:
        """Run the cells and ask for every exercise. A process that dies is replaced for the next exercise."""
        attempt = Attempt(plan, unseen=defines_unseen(submission))
        defined = defined_names(submission)
        names = {
            each.id: candidates(each, defined, _marked(each, submission, self.assignment))
            for each in self.assignment.called_exercises
        }
        cells = Cells(submission, plan, names)
        session: Session | None = None
        try:
            for exercise in self.assignment.called_exercises:
                stands = where_it_stands(submission, names[exercise.id])
                seen = self._right.nothing_seen(exercise, defined, stands)
                attempt.examined[exercise.id] = seen
                try:
                    if session is not None and cells.alone:
                        attempt.end(session)
                        session = None
                    if session is None:
                        session, executed = self._start(cells, exercise.id, deadline)
                    attempt.executed[exercise.id] = executed
                    look_at(session, seen, executed, names[exercise.id], self.settings)
                except SessionEnded as error:
                    seen.ended = error
                    if session is not None:
                        attempt.end(session)
                    session = None
        finally:
            if session is not None:
                attempt.end(session)
        return attempt

    def _start(self, cells: Cells, exercise: str, deadline: float) -> tuple[Session, Executed]:
        """A process that has run the cells; those that end it are left out, as far as that is possible.

        Raises:
            SessionEnded: there is no time left, or what this exercise needs ends the process.
        """
        while cells.hopeless is None:
            if time.monotonic() > deadline:
                seconds = f"{self.settings.limits.seconds:g}"
                raise StudentTimedOut(say("stopped after {seconds} s in all", seconds=seconds))
            session = self._session(deadline)
            try:
                return session, self._execute(session, cells, exercise)
            except BaseException as error:
                session.close()
                if not isinstance(error, SessionEnded) or not cells.leave_out(error):
                    raise
        raise cells.hopeless

    def _session(self, deadline: float) -> Session:
        assert self._zygote is not None, "nothing is run for an assignment without code"
        limits = session_limits(self.settings.limits, max(1.0, deadline - time.monotonic()))
        if not self._zygote.alive:
            self._zygote.restart()
        try:
            return self._zygote.session(limits)
        except WallError:
            self._zygote.restart()
            return self._zygote.session(limits)

    def _execute(self, session: Session, cells: Cells, exercise: str) -> Executed:
        limits = self.settings.limits
        arguments = {**cells.wanted_for(exercise), "seconds": limits.cell_seconds}
        executed: Executed = ask(session, "execute", arguments, {}, Executed, limits.seconds)[0]
        return executed

    # ------------------------------------------------------------------ words

    def _report(
        self,
        submission: Submission,
        exercise: CalledExercise | EssayExercise,
        attempt: Attempt,
        earlier: dict[str, Earlier],
    ) -> ExerciseReport:
        if isinstance(exercise, EssayExercise):
            return mark(exercise, find_answer(submission, exercise), self._given)
        seen, settings = attempt.examined[exercise.id], self.settings
        return judge(seen, self._right, earlier, search=settings.diagnose, draw=settings.draw)

    def _unreadable(self, hand_in: HandIn, message: str) -> Report:
        return Report(
            student=hand_in.student,
            file=hand_in.file,
            status=SubmissionStatus.UNREADABLE,
            message=message,
            score=0.0,
            max_score=self.assignment.max_score,
            exercises=[],
            repairs=[],
            warnings=[message],
        )

    def _grader_broke(self, hand_in: HandIn, error: Exception) -> Report:
        return grader_broke(self.assignment, hand_in, f"{type(error).__name__}: {error}")


def look_at(worker: Worker, seen: Seen, executed: Executed, names: list[str], settings: Settings) -> None:
    """Ask a student's process for all that one exercise wants to know.

    Args:
        names: under which the exercise may be defined, best first.

    Raises:
        SessionEnded: the process is over; what was seen until then is in `seen`.
    """
    if isinstance(seen, Called):
        call_function(worker, seen, executed, names, settings.limits.cell_seconds)
    elif isinstance(seen, Experimented):
        run_experiment(worker, seen, executed, names, settings.limits.cell_seconds)
    else:
        observe(worker, seen, executed, names, settings.seed)


def judge(
    seen: Seen, right: Right, earlier: dict[str, Earlier], *, search: bool = True, draw: bool = False
) -> ExerciseReport:
    """The report on one exercise; that on a module is noted in `earlier`, whose mistakes do not cost again."""
    if isinstance(seen, Called):
        return judge_function(seen)
    if isinstance(seen, Experimented):
        return judge_experiment(seen)
    report = judge_exercise(seen, right.blocks, earlier, search=search, draw=draw)
    earlier[seen.exercise.id] = Earlier(seen, report)
    return report


def observe(worker: Worker, examined: Examined, executed: Executed, names: list[str], seed: int) -> None:
    """Ask a student's process about every case of one exercise.

    Args:
        names: under which the exercise may be defined, best first.

    Raises:
        SessionEnded: the process is over; what was seen until then is in `examined`.
    """
    exercise = examined.exercise
    examined.problems = executed.problems
    examined.found = executed.first_callable(names)
    if examined.found is None or exercise.tells_no_case:
        return
    examined.convention = as_asked(exercise)
    _ask_every_case(worker, examined, seed)
    attempts = [(_yield_of(examined), examined.convention, examined.observations)]
    blocks = [name for name, kind in executed.defined.items() if kind == "module class" and name not in names]
    for convention in _other_conventions(examined, blocks):
        examined.convention, examined.observations = convention, []
        _ask_every_case(worker, examined, seed)
        attempts.append((_yield_of(examined), convention, examined.observations))
        if examined.fitting == len(exercise.cases):
            break
    # As the task says, unless another way of calling gets more out of it.
    _, examined.convention, examined.observations = max(attempts, key=lambda attempt: attempt[0])
    if isinstance(exercise, NetworkExercise):
        _test_network(worker, examined)


def _yield_of(examined: Examined) -> tuple[int, int, int, bool]:
    """How much a way of calling the constructor gets out of it: cases of the right shape, that ran, that were built.

    Of two that get equally much, that which goes by the parameters' names is the better.
    """
    built = sum(seen.built.raised is None or seen.built.raised.stage != "constructor" for seen in examined.observations)
    by_name = examined.convention is not None and examined.convention.contradicts
    return examined.fitting, len(examined.ran), built, by_name


def _test_network(worker: Worker, examined: Examined) -> None:
    """Does a network do what it was recorded to do, in the first case that has a recording?"""
    seen = next((seen for seen in examined.ran if not seen.case.confirm), None)
    if seen is not None and examined.found is not None and examined.convention is not None:
        call = examined.convention.call(seen.case)
        head = _has_free_head(examined.exercise)
        again = partial(record_again, worker, examined.found, seen, call, free_head=head, seconds=CALL_SECONDS)
        examined.network = RecordedNetwork.of(seen, again)


def _ask_every_case(worker: Worker, examined: Examined, seed: int) -> None:
    exercise, convention = examined.exercise, examined.convention
    assert examined.found is not None
    assert convention is not None
    roles = Roles()
    for case in exercise.cases:
        asked = [probe for name in exercise.points for probe in checks()[name].probes(exercise, case)]
        ask_case = partial(
            examine,
            worker,
            examined.found,
            case,
            list({probe.name: probe for probe in asked}.values()),
            call=convention.call(case),
            forms=examined.answers.forms(case) if examined.answers is not None else [],
            output_shape=partial(examined.output_shape, case),
            seed=seed,
            seconds=CALL_SECONDS,
            free_head=_has_free_head(exercise),
        )
        seen = ask_case(roles=roles if roles.tell else None)
        right = examined.right_form(seen)
        if right is None and seen.expected:
            seen = ask_case()
            right = examined.right_form(seen)
        if right is None and kernels_in_matrices(seen):
            otherwise = ask_case(positions_first=True)
            if (found := examined.right_form(otherwise)) is not None:
                seen, right = otherwise, found
        if right is not None and seen.recorded:
            roles.learn(right, seen.slots, seen.keeping, reads=seen.reads)
        else:
            roles.doubt()
            if right is None and seen.registered_unlike_graph:
                seen.by_graph = ask_case(by_registration=False)
        examined.observations.append(seen)


def _has_free_head(exercise: ModuleExercise | NetworkExercise) -> bool:
    """Is it a network of the student's own design? The task then names its head and leaves open what else is in it."""
    return isinstance(exercise, NetworkExercise) and exercise.reference is None


def _other_conventions(examined: Examined, blocks: list[str]) -> list[Convention]:
    """Other ways to call the constructor, where the one that the task names does not give what it should."""
    if examined.constructor is None or examined.fitting == len(examined.exercise.cases):
        return []
    return other_conventions(examined.exercise, examined.constructor, blocks[:MOST_BLOCKS])


def judge_exercise(
    examined: Examined,
    blocks: BlockJudge | None = None,
    earlier: Mapping[str, Earlier] | None = None,
    *,
    search: bool = True,
    draw: bool = False,
) -> ExerciseReport:
    """Every check's result, and the mistakes that explain what is wrong.

    Args:
        blocks: judges the blocks of a network; without it they are not looked into.
        earlier: the exercises that were judged before, by id, whose mistakes do not cost again.
        search: are the mistakes looked for?
        draw: are pictures made of it?
    """
    exercise = examined.exercise
    if isinstance(exercise, NetworkExercise) and blocks is not None:
        blocks.judge(examined, earlier or {})
    results = [checks()[name].judge(examined, points) for name, points in exercise.points.items()]
    correct = all(result.status is Status.PASSED for result in results)
    diagnoses = [] if correct or not search else [*diagnose(examined), *block_diagnoses(examined)]
    results = settle(results, diagnoses, exercise.mistakes)
    pictures = _pictures(examined, results, blocks) if draw else None
    return ExerciseReport.of(exercise, results, diagnoses, formula=_formula(examined), pictures=pictures)


def _pictures(examined: Examined, results: list[CheckResult], blocks: BlockJudge | None) -> Pictures | None:
    """What is drawn of an exercise. A picture that cannot be made is none: it costs nobody a report."""
    try:
        return illustrate(examined, results, blocks.look_at if blocks is not None else None)
    except Exception:
        return None


def _formula(examined: Examined) -> str:
    """What a module computes in its first case, as its own recording says."""
    graphs = [seen.built.graph for seen in examined.ran if seen.built.graph is not None]
    is_module = isinstance(examined.exercise, ModuleExercise)
    return formula(graphs[0]) if is_module and graphs and graphs[0].is_sound else ""


def grader_broke(assignment: Assignment, hand_in: HandIn, what: str) -> Report:
    """The report of a submission on which the grader itself failed: all points are pending."""
    message = say(
        "The grader failed on this submission ({what}). This is not the student's fault and costs nothing.", what=what
    )
    exercises = []
    for exercise in assignment.exercises:
        points = parts(exercise) if isinstance(exercise, EssayExercise) else {"answer": exercise.max_score}
        if isinstance(exercise, CalledExercise):
            points = {str(name): most for name, most in exercise.points.items()}
        exercises.append(
            ExerciseReport(
                id=exercise.id,
                title=exercise.title,
                score=0.0,
                max_score=exercise.max_score,
                correct=False,
                checks=[
                    CheckResult(id=name, status=Status.GRADER_BROKE, score=0.0, max_score=most, message=message)
                    for name, most in points.items()
                ],
                diagnoses=[],
            )
        )
    return Report(
        student=hand_in.student,
        file=hand_in.file,
        status=SubmissionStatus.GRADER_BROKE,
        message=message,
        score=0.0,
        max_score=assignment.max_score,
        exercises=exercises,
        repairs=[],
        warnings=[message],
    )


def candidates(exercise: CalledExercise, defined: Iterable[str], marked: Iterable[str] = ()) -> list[str]:
    """Names under which an exercise may be defined, best first: its own, its aliases, the same but for spelling.

    Args:
        marked: names that the notebook itself says answer this exercise; they come last.
    """
    names = [exercise.name, *exercise.aliases]
    plain = {_plain(name) for name in names}
    return list(dict.fromkeys([*names, *(name for name in defined if _plain(name) in plain), *marked]))


def _marked(exercise: CalledExercise, submission: Submission, assignment: Assignment) -> list[str]:
    """Names that no other exercise asks for, where nbgrader says that this one is answered."""
    others = {name for each in assignment.called_exercises if each is not exercise for name in names_of(each)}
    kinds: dict[type, tuple[Kind, ...]] = {ModuleExercise: ("class",), NetworkExercise: ("class", "function")}
    found = defined_in(submission.notebook.cells, exercise.grade_ids, kinds.get(type(exercise), ("function",)))
    return [name for name in found if name not in others]


def _plain(name: str) -> str:
    return re.sub(r"[_\W]", "", name).casefold()


def _notes(exercises: Iterable[ExerciseReport]) -> list[str]:
    return [f"{exercise.id}: {note}" for exercise in exercises for check in exercise.checks for note in check.notes]
