"""What a report says is wrong in one exercise: the mistakes that are named, and the checks that failed."""

from __future__ import annotations

from dataclasses import dataclass

from grader.assignment import Assignment, ChoiceExercise, EssayExercise, PredictExercise
from grader.formats._class.items import LOST
from grader.formats._class.said import sentences
from grader.verdict import ExerciseReport

_ANSWER = 300  # characters of what was said to an answer
_KEPT = 500  # sentences


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        id: of the mistake, or of the check. What is wrong with an answer to a question has no id; its message stands
            for it.
        mistake: is it a named mistake, or else a check that failed?
    """

    id: str
    mistake: bool


@dataclass(frozen=True)
class Findings:
    """All that is wrong in one exercise, each once, with what the student was told."""

    told: dict[Finding, tuple[str, ...]]  # sentences

    @property
    def key(self) -> tuple[Finding, ...]:
        """Who has the same key has the same mistakes and the same failed checks."""
        return tuple(sorted(self.told, key=lambda each: (not each.mistake, each.id)))


class Words:
    """The assignment's own words for what is wrong, where it has some: they hold nothing of a student's."""

    def __init__(self, assignment: Assignment) -> None:
        self._kept: dict[str, str] = {}
        self._exercises = {exercise.id: exercise for exercise in assignment.exercises}
        self._replies = {
            (exercise.id, misconception.id): misconception.reply
            for exercise in assignment.exercises
            if isinstance(exercise, EssayExercise)
            for misconception in exercise.misconceptions
        }

    def findings(self, exercise: ExerciseReport) -> Findings:
        """What is wrong in this exercise. Pending checks are not: nobody knows yet."""
        told: dict[Finding, tuple[str, ...]] = {}
        for diagnosis in exercise.diagnoses:
            reply = self._replies.get((exercise.id, diagnosis.mistake))
            told.setdefault(Finding(diagnosis.mistake, True), self._sentences(reply or diagnosis.message))
        asked = self._exercises.get(exercise.id)
        quiz = isinstance(asked, ChoiceExercise | PredictExercise)
        for check in exercise.checks:
            if check.status not in LOST:
                continue
            if quiz:  # there is one check, and which wrong answer was given is the mistake
                told.setdefault(
                    Finding(" ".join(check.message.split())[:_ANSWER], True), self._sentences(check.message)
                )
            else:
                told.setdefault(Finding(check.id, False), self._sentences(check.message))
        return Findings(told)

    def _sentences(self, message: str) -> tuple[str, ...]:
        """Its sentences. A class is told the same again and again: equal ones are one object, as far as there are not
        too many."""
        kept = self._kept
        return tuple(
            kept.setdefault(each, each) if each in kept or len(kept) < _KEPT else each for each in sentences(message)
        )
