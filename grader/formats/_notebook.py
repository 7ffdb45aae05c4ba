"""The notebook as it was handed in, cell by cell, with every finding at its cell. Nothing on it is live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from markupsafe import Markup

from grader.formats import _budget, _words
from grader.formats._budget import Budget
from grader.formats._excerpt import Line, clamped, heading, source_lines
from grader.formats._findings import check_anchor, mistake_anchor
from grader.formats._format import Run
from grader.formats._highlight import highlight
from grader.formats._markup import IMAGE_TYPES, html, image, markdown, plain
from grader.formats._pages import render
from grader.formats._text import clip, from_terminal, one_line
from grader.formats._words import Label
from grader.language import later, many, say
from grader.submission import Cell, Submission
from grader.verdict import Report, Status

_NOTHING = Markup()


@dataclass(frozen=True)
class Finding:
    """What the report says of a cell, and where on the feedback page it says so."""

    anchor: str
    label: Label
    exercise: str
    text: str
    line: int | None


@dataclass(frozen=True)
class Output:
    """One output: text, or markup that was made inert; and what is left out."""

    text: str = ""
    markup: Markup = _NOTHING
    error: bool = False
    note: str = ""


@dataclass(frozen=True)
class CellView:
    """One cell, ready to be shown."""

    number: int
    kind: str
    lines: list[Line] = field(default_factory=list)
    markup: Markup = _NOTHING
    outputs: list[Output] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    note: str = ""


def notebook_page(run: Run, report: Report, submission: Submission) -> str:
    """The page as text."""
    findings = _findings(report)
    budget = Budget()
    return render(
        "notebook.html.j2",
        run=run,
        report=report,
        cells=[
            _cell(cell, _node(submission, cell), findings.get(cell.number, []), budget)
            for cell in submission.cells[: _budget.CELLS]
        ],
        left_out=max(0, len(submission.cells) - _budget.CELLS),
    )


def _findings(report: Report) -> dict[int, list[Finding]]:
    """By cell: the named mistakes, then every check that is not passed."""
    found: dict[int, list[Finding]] = {}
    for number, exercise in enumerate(report.exercises, start=1):
        title = heading(exercise.title, exercise.id)
        for i, diagnosis in enumerate(exercise.diagnoses, start=1):
            if diagnosis.cell is not None:
                label = Label("wrong", "✗", later("What to fix first"))
                finding = Finding(mistake_anchor(number, i), label, title, _sentence(diagnosis.message), diagnosis.line)
                found.setdefault(diagnosis.cell, []).append(finding)
        for i, check in enumerate(exercise.checks, start=1):
            if check.cell is not None and check.status is not Status.PASSED:
                label = _words.CHECK[check.status]
                finding = Finding(check_anchor(number, i), label, title, _sentence(check.message), check.line)
                found.setdefault(check.cell, []).append(finding)
    return found


def _sentence(text: str) -> str:
    return one_line(from_terminal(text[:2_000]), 500)


def _node(submission: Submission, cell: Cell) -> dict[str, Any]:
    """The cell as nbformat has it, for outputs and attachments."""
    cells = submission.notebook.get("cells", [])
    node = cells[cell.number - 1] if cell.number <= len(cells) else {}
    return node if isinstance(node, dict) else {}


def _cell(cell: Cell, node: dict[str, Any], findings: list[Finding], budget: Budget) -> CellView:
    source = "\n".join(source_lines(cell.source))
    if cell.kind == "markdown":
        shown = markdown(source, budget, attachments=node.get("attachments"))
        return CellView(cell.number, "markdown", markup=shown, findings=findings)
    if cell.kind != "code":
        return CellView(cell.number, "raw", markup=plain(source, budget), findings=findings)
    source, note = clip(source, budget.take_text(min(len(source), _budget.SOURCE)))
    coloured = highlight(source)
    findings = [
        finding if finding.line is None else replace(finding, line=clamped(finding.line, coloured))
        for finding in findings
    ]
    meant = {finding.line for finding in findings}
    lines = [Line(i, code, i in meant) for i, code in enumerate(coloured, start=1)]
    return CellView(cell.number, "code", lines, Markup(), list(_outputs(node, budget)), findings, note)


def _outputs(node: dict[str, Any], budget: Budget) -> Iterator[Output]:
    outputs = node.get("outputs")
    if not isinstance(outputs, list):
        return
    for output in islice(outputs, _budget.OUTPUTS_PER_CELL):
        if isinstance(output, dict):
            yield _output(output, budget)
    if len(outputs) > _budget.OUTPUTS_PER_CELL:
        yield Output(note=_left_out(len(outputs) - _budget.OUTPUTS_PER_CELL))


def _left_out(outputs: int) -> str:
    return many(
        "{count} more output is left out here.",
        "{count} more outputs are left out here.",
        outputs,
        count=f"{outputs:,}",
    )


def _output(output: dict[str, Any], budget: Budget) -> Output:
    kind = output.get("output_type")
    if kind == "stream":
        return _text(output.get("text"), budget, error=output.get("name") == "stderr")
    if kind == "error":
        name_and_value = f"{output.get('ename', 'error')}: {output.get('evalue', '')}"
        return _text(output.get("traceback") or name_and_value, budget, error=True, between="\n")
    data = output.get("data")
    return _display(data if isinstance(data, dict) else {}, budget)


def _display(data: dict[str, Any], budget: Budget) -> Output:
    """The richest kind of an output that can be shown safely; other kinds are named."""
    for kind in IMAGE_TYPES:
        if isinstance(data.get(kind), str):
            shown_by = one_line(_string(data.get("text/plain")), 100) or kind
            picture = image(kind, data[kind], budget, say("Picture in the notebook: {picture}", picture=shown_by))
            if picture:
                return Output(markup=picture)
    for kind, parse in (("text/html", html), ("text/markdown", markdown)):
        source = _string(data.get(kind))
        shown = parse(source, budget) if source else None
        if shown:
            return Output(markup=shown)
    others = [one_line(str(kind), 60) for kind in islice(data, 4) if kind not in ("text/plain", "text/latex")]
    note = say("Not shown here: {kinds}", kinds=", ".join(others)) if others else ""
    text = _text(data.get("text/latex") or data.get("text/plain"), budget)
    return Output(text.text, error=False, note=" ".join(filter(None, [text.note, note])))


def _text(value: object, budget: Budget, *, error: bool = False, between: str = "") -> Output:
    text = _string(value, between)
    # Cut before anything else is done to it: an output can be as long as a student likes.
    clipped, note = clip(text, budget.take_text(min(len(text), _budget.OUTPUT)))
    return Output(from_terminal(clipped).rstrip("\n"), error=error, note=note)


def _string(value: object, between: str = "") -> str:
    """nbformat joins the lines of a text; a file that was not written by Jupyter may hold anything."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return between.join(part for part in value if isinstance(part, str))
    return ""
