"""`junit.xml`: for CI that shows tests, such as GitLab, Jenkins and the test reporters of GitHub Actions.

    testsuites                       the run
      testsuite                      one submission; its points are `properties`
        testcase                     one check: classname `<student>.<exercise>`, name `<check>`
          failure                    the check failed
          error                      the student's code crashed or took too long
          skipped                    pending: a human decides, the points are neither won nor lost

GitLab shows the text of these elements and no attribute, so the text says it all. `file` is the path from the
repository's root and `line` the line of that file, of an `.ipynb` too. How long a check took is not measured: `time`
is 0, for readers that insist on a number.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TextIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from grader.formats import _inert, _words
from grader.formats._format import Document, Run
from grader.formats._kept import points_words
from grader.formats._repository import RepositoryFile
from grader.formats._words import points
from grader.language import say
from grader.verdict import CheckResult, ExerciseReport, Report, Status, SubmissionStatus

_CHUNK = 16_384
_RESULTS = ("failure", "error", "skipped")
_ELEMENT = {
    Status.FAILED: "failure",
    Status.STUDENT_CRASHED: "error",
    Status.TIMED_OUT: "error",
    Status.SKIPPED: "skipped",
    Status.GRADER_BROKE: "skipped",
}


class JUnit(Document):
    """Writes `junit.xml`, one submission at a time."""

    id = "junit"
    file = "junit.xml"

    def write(self, stream: TextIO, run: Run, reports: Iterable[Report]) -> None:
        totals: Counter[str] = Counter()
        # How many failed stands at the top, and is known at the end.
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as suites:
            for report in reports:
                suite = _suite(run, report)
                totals.update({name: int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")})
                ElementTree.indent(suite, level=1)
                suites.write(f"  {ElementTree.tostring(suite, encoding='unicode')}\n")
            root = Element("testsuites", {"name": f"grader: {run.assignment.id}", **_counts(totals)})
            root.text = "\n"
            head, tail = ElementTree.tostring(root, encoding="unicode").split("\n")
            stream.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n')
            suites.seek(0)
            shutil.copyfileobj(suites, stream, _CHUNK)
            stream.write(f"{tail}\n")


def _suite(run: Run, report: Report) -> Element:
    file = RepositoryFile(run, report)
    path = _inert.line(file.path or report.file)
    cases = list(_cases(report, file, path))
    found = Counter(result.tag for case in cases for result in case if result.tag in _RESULTS)
    totals = {
        "tests": len(cases),
        "failures": found["failure"],
        "errors": found["error"],
        "skipped": found["skipped"],
    }
    suite = Element("testsuite", {"name": _inert.line(report.student), **_counts(totals), "file": path})
    _properties(
        suite,
        status=report.status.value,
        score=points(report.score),
        max_score=points(report.max_score),
        pending=points(report.pending),
    )
    suite.extend(cases)
    if report.repairs or report.warnings:
        SubElement(suite, "system-out").text = _inert.text("\n".join([*report.repairs, *report.warnings]))
    return suite


def _cases(report: Report, file: RepositoryFile, path: str) -> Iterator[Element]:
    if not any(exercise.checks for exercise in report.exercises):
        yield _nothing_checked(report, path)
    text = file.read() if any(check.cell for exercise in report.exercises for check in exercise.checks) else None
    for exercise in report.exercises:
        names: Counter[str] = Counter()
        for number, check in enumerate(exercise.checks):
            names[check.id] += 1  # readers take two cases of one name for the same
            name = check.id if names[check.id] == 1 else f"{check.id} ({names[check.id]})"
            case = _case(report, exercise.id, name, path)
            line = text.line(check.cell, check.line) if text else None
            if line is not None:
                case.set("line", str(line))
            _properties(case, score=points(check.score), max_score=points(check.max_score))
            if check.status in _ELEMENT:
                is_first = all(each.status is Status.PASSED for each in exercise.checks[:number])
                _result(case, check, exercise, is_first=is_first)
            yield case


def _case(report: Report, exercise: str, name: str, path: str) -> Element:
    classname = f"{_inert.line(report.student)}.{_inert.line(exercise)}"
    return Element("testcase", {"classname": classname, "name": _inert.line(name), "time": "0", "file": path})


def _result(case: Element, check: CheckResult, exercise: ExerciseReport, *, is_first: bool) -> None:
    """How the check ended, and with the first that did not pass what explains it."""
    result = SubElement(
        case, _ELEMENT[check.status], {"message": _inert.line(check.message), "type": check.status.value}
    )
    if check.status.pending:
        worth = say(
            "{points} points are pending: neither won nor lost, a human decides about them.",
            points=points(check.max_score),
        )
    else:
        worth = points_words(exercise, check)
    lines = [_inert.placed(check), worth]
    for diagnosis in exercise.diagnoses if is_first else ():
        lines.append(f"{diagnosis.mistake} ({_inert.proof(diagnosis)}): {_inert.placed(diagnosis)}")
    result.text = _inert.text("\n".join(lines))


def _nothing_checked(report: Report, path: str) -> Element:
    """A case that says why there is no other."""
    case = _case(report, "submission", report.status.value, path)
    _properties(case, score=points(report.score), max_score=points(report.max_score))
    why = _words.means(report.status) or say("There was nothing to check.")
    pending = report.status in (SubmissionStatus.GRADER_BROKE, SubmissionStatus.GRADED)
    element = SubElement(
        case, "skipped" if pending else "error", {"message": _inert.line(why), "type": report.status.value}
    )
    element.text = _inert.text("\n".join([why, *report.warnings]))
    return case


def _properties(parent: Element, **values: str) -> None:
    properties = SubElement(parent, "properties")
    for name, value in values.items():
        SubElement(properties, "property", {"name": name, "value": value})


def _counts(totals: dict[str, int]) -> dict[str, str]:
    names = ("tests", "failures", "errors", "skipped")
    return {**{name: str(totals.get(name, 0)) for name in names}, "time": "0"}
