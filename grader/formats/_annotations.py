"""Findings as GitHub's workflow commands: `::error file=…,line=…,title=…::message`.

GitHub shows ten of each kind for a step and drops the others without a word. So everybody's worst finding comes
before anybody's second, and what does not fit is not printed at all: the job's summary has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.assignment import EssayExercise
from grader.formats import _inert, _words
from grader.formats._format import Run
from grader.formats._kept import points_words
from grader.formats._repository import RepositoryFile
from grader.formats._words import points
from grader.language import say
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Report, Status, SubmissionStatus

MOST = 10  # of one kind, in one step
_PROVEN = (Proof.REPLAYED, Proof.MEASURED)


@dataclass(frozen=True)
class Finding:
    """One thing to say, and where."""

    kind: str  # error, warning or notice
    title: str
    message: str
    cell: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Annotation:
    """A finding at its line of a file, ready to be printed."""

    finding: Finding
    file: RepositoryFile

    def __str__(self) -> str:
        path = _path(self.file)
        title = self.finding.title if path else f"{self.file.name}: {self.finding.title}"
        properties = {"file": path, "line": self._line() if path else None, "title": _inert.line(title, 200)}
        listed = ",".join(f"{name}={property_value(str(value))}" for name, value in properties.items() if value)
        return f"::{self.finding.kind} {listed}::{data(_inert.line(self.finding.message, 1_000))}"

    def _line(self) -> int | None:
        text = self.file.read() if self.finding.cell else None
        return text.line(self.finding.cell, self.finding.line) if text else None


class Annotations:
    """Takes reports one at a time, and keeps as many findings as are shown."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: dict[str, list[tuple[tuple[int, int], Annotation]]] = {"error": [], "warning": [], "notice": []}
        self._count = 0

    def add(self, report: Report) -> None:
        """Keep of its findings those that come before what is kept already."""
        self._count += 1
        file = RepositoryFile(self._run, report)
        ranks = dict.fromkeys(self._kept, 0)
        for finding in findings(self._run, report):
            kept = self._kept[finding.kind]
            kept.append(((ranks[finding.kind], self._count), Annotation(finding, file)))
            ranks[finding.kind] += 1
            kept.sort(key=lambda pair: pair[0])
            del kept[MOST:]

    def lines(self) -> list[str]:
        """The commands to print."""
        return [str(annotation) for kept in self._kept.values() for _, annotation in kept]


def findings(run: Run, report: Report) -> list[Finding]:
    """What there is to say of a submission, the most important first."""
    found = []
    if report.status is not SubmissionStatus.GRADED:
        label = _words.SUBMISSION[report.status]
        kind = "warning" if report.status is SubmissionStatus.GRADER_BROKE else "error"
        why = " ".join([_words.means(report.status), *report.warnings])
        found.append(Finding(kind, label.word, why))
    causes, checks = [], []
    essays = {spec.id for spec in run.assignment.exercises if isinstance(spec, EssayExercise)}
    for exercise in report.exercises:
        causes += [_cause(exercise, diagnosis, exercise.id in essays) for diagnosis in exercise.diagnoses]
        told = {(cause.cell, cause.line) for cause in exercise.diagnoses if cause.proof in _PROVEN and cause.cell}
        # A check that fails at the very line of a proven cause says the same once more.
        checks += [
            _check(exercise, check)
            for check in sorted(exercise.checks, key=lambda check: check.score - check.max_score)
            if check.status is not Status.PASSED and (check.status.pending or (check.cell, check.line) not in told)
        ]
    return found + causes + checks


def _cause(exercise: ExerciseReport, diagnosis: Diagnosis, is_essay: bool) -> Finding:
    proven = diagnosis.proof in _PROVEN and not is_essay
    title = f"{exercise.id}: {diagnosis.mistake}"
    proof = say("a hint") if is_essay else _inert.proof(diagnosis)
    message = f"{diagnosis.message} ({proof})"
    return Finding("error" if proven else "warning", title, message, diagnosis.cell, diagnosis.line)


def _check(exercise: ExerciseReport, check: CheckResult) -> Finding:
    title = f"{exercise.id}: {check.id}"
    if check.status.pending:
        kind = "warning" if check.status is Status.GRADER_BROKE else "notice"
        worth = say(
            "{points} points are pending, neither won nor lost: a human decides.", points=points(check.max_score)
        )
    else:
        kind, worth = "error", points_words(exercise, check)
    return Finding(kind, title, f"{check.message} {worth}", check.cell, check.line)


def _path(file: RepositoryFile) -> str:
    """The path as the runner wants it; nothing for one that may not be printed as it is."""
    path = (file.path or "").replace("::", "")  # which is escaped
    return file.path or "" if _inert.line(path, len(path)) == path else ""


def data(text: str) -> str:
    """Escaped as the message of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_value(text: str) -> str:
    """Escaped as the value of a command's property."""
    return data(text).replace(":", "%3A").replace(",", "%2C")
