"""A run in Markdown, as short as it can be: what a comment or a job's summary shows.

One line a submission, which opens where there is something to fix. Whoever renders it sets a limit; what does not fit
is counted, and said to be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape

from grader.assignment import EssayExercise
from grader.formats import _inert, _words
from grader.formats._format import Run
from grader.formats._inline import code, inline
from grader.formats._kept import kept_words
from grader.formats._repository import RepositoryFile
from grader.formats._words import points
from grader.language import many, say
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Report, Status, SubmissionStatus

_NOTE = 600  # of the limit, kept free for the beginning and for what is said at the end
_FINDINGS = 12  # of one exercise


class Digest:
    """Takes reports one at a time, and keeps what fits.

    Args:
        limit: how much the text may have, as `size` counts.
        size: characters or bytes, as the receiver counts.
    """

    def __init__(self, run: Run, limit: int, size: Callable[[str], int]) -> None:
        self._run = run
        self._left = limit - _NOTE
        self._size = size
        self._titles = {exercise.id: inline(exercise.title, 80) for exercise in run.assignment.exercises}
        self._essays = {spec.id for spec in run.assignment.exercises if isinstance(spec, EssayExercise)}
        self._left -= sum(map(size, (inline(run.assignment.title, 200), run.assignment.id)))
        self._blocks: list[str] = []
        self._count = self._clean = self._shortened = self._left_out = 0
        self._pending = 0.0

    def add(self, report: Report) -> None:
        """Keep it with all that is to say; where that does not fit, in one line; or count it."""
        self._count += 1
        self._pending += report.pending
        self._clean += _is_clean(report)
        file = _inert.line(RepositoryFile(self._run, report).path or report.file, 200)
        has_more = not _is_clean(report) or any(exercise.diagnoses for exercise in report.exercises)
        if has_more and self._keep(self._folded(report, file)):
            return
        if self._keep([f"- {self._heading(report, code(file))}\n"]):
            self._shortened += has_more
        else:
            self._left_out += 1

    def _keep(self, parts: Iterable[str]) -> bool:
        """Keep this block, if there is room for all of it. What has no room is not even rendered."""
        block, left = [], self._left - 1
        for part in parts:
            block.append(part)
            left -= self._size(part)
            if left < 0:
                return False
        self._left = left
        self._blocks.append("".join(block))
        return True

    def text(self) -> str:
        """What there is to show."""
        counts = many(
            "{count} notebook, {clean} with nothing to fix.",
            "{count} notebooks, {clean} with nothing to fix.",
            self._count,
            count=f"{self._count:,}",
            clean=self._clean,
        )
        if self._pending:
            counts += " " + say("Pending points are neither won nor lost: a human decides about them.")
        parts = [f"### {inline(self._run.assignment.title, 200) or self._run.assignment.id}\n", f"{counts}\n"]
        if self._count == len(self._blocks) == 1:
            parts.append(self._blocks[0].replace("<details>", "<details open>", 1))
        else:
            parts += self._blocks
        if self._shortened or self._left_out:
            parts.append(f"{self._missing()}\n")
        return "\n".join(parts)

    def _missing(self) -> str:
        """What had no room."""
        untold, left_out = _notebooks(self._shortened), _notebooks(self._left_out)
        if not self._left_out:
            return say(
                "For want of room what was found in {notebooks} is not told here; the reports have everything.",
                notebooks=untold,
            )
        if not self._shortened:
            return say(
                "For want of room {notebooks} are left out here; the reports have everything.", notebooks=left_out
            )
        return say(
            "For want of room what was found in {notebooks} is not told and {others} are left out here; "
            "the reports have everything.",
            notebooks=untold,
            others=left_out,
        )

    def _heading(self, report: Report, file: str) -> str:
        sign, word = _words.SUBMISSION[report.status].sign, f" {_words.SUBMISSION[report.status].inside},"
        if report.status is SubmissionStatus.GRADED:
            sign, word = ("✓" if _is_clean(report) else "✗"), ""
        return f"{sign} {file}{word} {_score(report.score, report.max_score, report.pending)}"

    def _folded(self, report: Report, file: str) -> Iterator[str]:
        # Of plain HTML: in a `<summary>` nothing is read as Markdown.
        yield f"<details><summary>{self._heading(report, f'<code>{escape(file)}</code>')}</summary>\n\n"
        yield from self._findings(report)
        yield "\n</details>\n"

    def _findings(self, report: Report) -> Iterator[str]:
        means = _words.means(report.status)
        if means:
            yield f"{means}\n"
        if report.status is SubmissionStatus.UNREADABLE:
            yield from (f"\n- {inline(warning)}\n" for warning in report.warnings)
        for exercise in report.exercises:
            found: list[CheckResult | Diagnosis] = [*exercise.diagnoses]
            found += [check for check in exercise.checks if check.status is not Status.PASSED]
            if found:
                title = self._titles.get(exercise.id) or inline(exercise.id)
                yield f"\n**{title}**: {_score(exercise.score, exercise.max_score, exercise.pending)}\n\n"
                yield from (self._line(exercise, finding) for finding in found[:_FINDINGS])
                if len(found) > _FINDINGS:
                    left_out = many("… and {n} more", "… and {n} more", len(found) - _FINDINGS)
                    yield f"- {left_out}\n"

    def _line(self, exercise: ExerciseReport, finding: CheckResult | Diagnosis) -> str:
        where = inline(_inert.place(finding))  # reported by a student's process: any number, a commit's too
        said = inline(finding.message) + (f" ({where})" if where else "")
        if isinstance(finding, CheckResult):
            pending = finding.max_score if finding.status.pending else 0.0
            score = _score(finding.score, finding.max_score, pending)
            kept = kept_words(exercise, finding, lambda check: inline(check.id, 60))
            why = f" {kept}" if kept else ""
            return f"- {_words.CHECK[finding.status].sign} {inline(finding.id, 60)}, {score}: {said}{why}\n"
        if finding.proof is Proof.REPORTED or exercise.id in self._essays:
            return "- " + say("**Hint**, which costs nothing: {message}", message=said) + "\n"
        return "- " + say("**To fix**, {proof}: {message}", proof=_inert.proof(finding), message=said) + "\n"


def _score(score: float, max_score: float, pending: float) -> str:
    """Pending points are on neither side of the `of`."""
    if not pending:
        return say("{score} of {max_score} points", score=points(score), max_score=points(max_score))
    if pending >= max_score:
        return say("{points} points pending", points=points(pending))
    return say(
        "{score} of {max_score} points, {pending} more pending",
        score=points(score),
        max_score=points(max_score - pending),
        pending=points(pending),
    )


def _is_clean(report: Report) -> bool:
    """Is there nothing to fix? A pending point is nothing that its student could fix."""
    return report.status is SubmissionStatus.GRADED and not any(
        _words.CHECK[check.status].look == "wrong" for exercise in report.exercises for check in exercise.checks
    )


def _notebooks(number: int) -> str:
    return many("{count} notebook", "{count} notebooks", number, count=f"{number:,}")
