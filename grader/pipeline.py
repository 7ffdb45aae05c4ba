"""One submission, from cells to report: the story of the grader, read from top to bottom.

Grader          what a process keeps from submission to submission: the wall's zygote, the right answers
  .grade()      one hand-in  ->  Report
    attempt     one run of the notebook's cells and all that was asked of it   grader.attempt
    exercise    each exercise: looked at behind the wall, then judged          grader.exercise
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
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
)
from grader.attempt import Attempt, Cells
from grader.broken import broken_exercise, failed_here, grader_broke, in_doubt
from grader.candidates import candidates, marked
from grader.ceilings import session_limits
from grader.checks import require_known
from grader.closing import Closing
from grader.earlier import Earlier
from grader.errors import (
    AssignmentError,
    SessionEnded,
    StudentTimedOut,
    SubmissionError,
    WallError,
)
from grader.exercise import judge, look_at
from grader.hints import without_last_hints
from grader.judge.examine import ask
from grader.judge.seen import Seen
from grader.language import say
from grader.mended import Mended, mend, with_slip
from grader.observation import Executed
from grader.quiz import judge_quiz
from grader.right import Right
from grader.sandbox import Isolation, Session, Zygote
from grader.scoring import require_known_mistakes
from grader.starter import handed_out
from grader.submission import (
    HandIn,
    Submission,
    asks_where_it_runs,
    defined_names,
    defines_unseen,
    find_answer,
    find_given,
    function_at,
    read,
    where_it_stands,
)
from grader.verdict import ExerciseReport, Report, SubmissionStatus
from grader.warm import warm_up
from grader.written import given_text, mark


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
        self._handed_out = handed_out(assignment)

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
        if (zygote := self._zygote) is not None:
            warm_up(self._right.modules, lambda: zygote.has_answered, diagnose=self.settings.diagnose)
            zygote.wait_ready()

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
            return grader_broke(self.assignment, hand_in, f"{type(error).__name__}: {error}"), submission

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
        if attempt.wants_everything:
            # Some code needs more than its definitions: run the notebook as Jupyter would.
            second = self._attempt(submission, "everything", deadline)
            if second.measured > attempt.measured:
                attempt = second
        mended = self._mended(submission, attempt, deadline)
        earlier: dict[str, Earlier] = {}
        given = find_given(submission, self.assignment.quiz_exercises, self._handed_out)
        exercises = [
            judge_quiz(exercise, given.get(exercise.id))
            if isinstance(exercise, QuizExercise)
            else self._report(submission, exercise, attempt, mended, earlier)
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
            repairs=[*submission.repairs, *attempt.repairs(self.settings.limits), *mended.repairs],
            warnings=[
                *submission.warnings,
                *self._named(submission),
                *asks_where_it_runs(submission),
                *_notes(exercises),
            ],
        )

    def _attempt(
        self, submission: Submission, plan: str, deadline: float, among: Sequence[CalledExercise] | None = None
    ) -> Attempt:
        """Run the cells and ask for every exercise, or for some. A process that dies is replaced for the next one."""
        attempt = Attempt(plan, unseen=defines_unseen(submission))
        defined = defined_names(submission)
        names = {
            each.id: candidates(each, defined, marked(each, submission, self.assignment))
            for each in self.assignment.called_exercises
        }
        cells, settings = Cells(submission, plan, names), self.settings
        session: Session | None = None
        try:
            for exercise in self.assignment.called_exercises if among is None else among:
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
                    look_at(session, seen, executed, names[exercise.id], settings.seed, settings.limits)
                except SessionEnded as error:
                    seen.ended = error
                    if session is not None:
                        attempt.end(session)
                    session = None
                except AssignmentError:
                    raise
                except Exception as error:
                    attempt.broken[exercise.id] = error
                    if session is not None:
                        attempt.end(session)  # what it was about to answer would be taken for something else
                    session = None
        finally:
            if session is not None:
                attempt.end(session)
        return attempt

    def _mended(self, submission: Submission, attempt: Attempt, deadline: float) -> Mended:
        """What is seen of the exercises that do not run once their slips are mended, as far as that can be done."""

        def look(again: Submission, exercise: CalledExercise) -> Seen:
            return self._attempt(again, attempt.plan, deadline, [exercise]).examined[exercise.id]

        def is_right(seen: Seen) -> bool:
            return judge(seen, self._right, {}, search=False).correct

        exercises = [each for each in self.assignment.called_exercises if each.id not in attempt.broken]
        try:
            return mend(submission, exercises, look, is_right, attempt.examined)
        except AssignmentError:
            raise  # every submission would meet it
        except Exception:
            return Mended()  # the code as it is was looked at all the same

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
        mended: Mended,
        earlier: dict[str, Earlier],
    ) -> ExerciseReport:
        """The report on one exercise; where the grader fails on it, that costs nothing and stays with it."""
        if exercise.id not in attempt.broken:
            doubtful = [*attempt.broken, *(name for name, each in earlier.items() if each.broke)]
            if isinstance(exercise, NetworkExercise) and doubtful:
                return broken_exercise(exercise, in_doubt(doubtful[0]))
            try:
                return self._judge(submission, exercise, attempt, mended, earlier)
            except AssignmentError:
                raise  # every submission would meet it
            except Exception as error:
                attempt.broken[exercise.id] = error
        return broken_exercise(exercise, failed_here(attempt.broken[exercise.id]))

    def _judge(
        self,
        submission: Submission,
        exercise: CalledExercise | EssayExercise,
        attempt: Attempt,
        mended: Mended,
        earlier: dict[str, Earlier],
    ) -> ExerciseReport:
        if isinstance(exercise, EssayExercise):
            return mark(exercise, find_answer(submission, exercise), self._given)
        seen, settings = attempt.examined[exercise.id], self.settings
        judged = partial(
            judge,
            right=self._right,
            function=partial(function_at, submission),
            search=settings.diagnose,
            draw=settings.draw,
        )
        if exercise.id not in mended.seen:
            return judged(seen, earlier=earlier)
        rest = judged(mended.seen[exercise.id], earlier=earlier)
        mends = mended.mends.get(exercise.id, [])
        if not mends:
            return rest  # what kept it from running has cost in an exercise before
        return with_slip(
            judged(seen, earlier={}, draw=False),
            rest,
            mends,
            exercise.mistakes if isinstance(exercise, ModuleExercise | NetworkExercise) else {},
        )

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


def _notes(exercises: Iterable[ExerciseReport]) -> list[str]:
    return [f"{exercise.id}: {note}" for exercise in exercises for check in exercise.checks for note in check.notes]
