"""A question of another grader as an exercise of ours, as far as that is honest.

Their tests are statements about one student's objects, in that student's process. Ours compare with a reference. So

    a function that is solved in the notebook, and called with plain values in its tests
                             kind "function": the solution is the reference, the calls are the cases
    a number or a shape that is written out in the solution
                             kind "predict"
    any other name           withheld: that it is there is looked at, and a human decides about its points
    what a human marks, or no test tells of
                             kind "essay"
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from grader.importing.code import (
    Defined,
    Notebook,
    called,
    calls_of,
    mentioned,
    own_names,
    parameters_of,
)
from grader.importing.nouns import Imported, Question
from grader.submission.nbgrader import is_grade_id

MOST_CASES = 20
_WHY = "Points are pending until you have written this: a human decides about them."


@dataclass
class Exercises:
    """What is written into `assignment.toml`.

    Attributes:
        remarks: lines of comment above an exercise, by its id.
        reference: what `reference.py` holds, in its order.
    """

    specs: list[dict[str, Any]] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    reference: list[Defined] = field(default_factory=list)


@dataclass
class _Asked:
    """The questions about one name; tests of one function are often several questions."""

    questions: list[Question]
    target: str | None
    defined: Defined | None
    calls_it: bool

    @property
    def points(self) -> float | int:
        points = sum((question.points for question in self.questions), 0.0)
        return int(points) if points.is_integer() else points


def make_exercises(imported: Imported) -> Exercises:
    """All of them. What could not be carried over is noted in `imported`."""
    notebook = Notebook.of(imported.code)
    found = Exercises()
    needed: dict[str, Defined] = {}
    for asked in _asked(imported, notebook):
        first = asked.questions[0]
        spec: dict[str, Any] = {"id": first.id, "kind": "essay", "title": first.name[:120]}
        if first.task:
            spec["task"] = first.task
        if imported.grader == "nbgrader" and first.manual and first.name != first.id and is_grade_id(first.name):
            spec["grade_id"] = first.name  # a notebook that nbgrader handed out says this, and not our id
        remarks = [f"From {', '.join(f'{question.name} ({question.where})' for question in asked.questions)}."]
        if asked.target is None:
            spec["points"] = asked.points
            if not first.manual:
                remarks.append("TODO: no test tells what is asked for. A human marks it until you write an exercise.")
                imported.leave(first.where, f"{first.name}: its tests name nothing that students define")
        else:
            _called_for(imported, notebook, asked, spec, remarks, needed)
        _note_tests(imported, asked)
        found.specs.append(spec)
        found.remarks[first.id] = remarks
    if not found.specs:
        found.specs.append({"id": "answer", "kind": "essay", "title": "Answer", "points": 0})
        found.remarks["answer"] = ["TODO: nothing that is marked was found. An assignment needs one exercise at least."]
    order = list(notebook.defined)
    found.reference = sorted(needed.values(), key=lambda each: order.index(each.name))
    return found


def _asked(imported: Imported, notebook: Notebook) -> list[_Asked]:
    found: list[_Asked] = []
    by_target: dict[str, _Asked] = {}
    for question in imported.questions:
        target, others = (None, []) if question.manual else _target(question, notebook)
        if others:
            imported.leave(question.where, f"{question.name}: it tests {', '.join(others)} as well: not asked for")
        if target is not None and target in by_target:
            by_target[target].questions.append(question)
            continue
        calls_it = any(target in called(test.source) for test in question.tests)
        asked = _Asked([question], target, notebook.defined.get(target) if target else None, calls_it)
        found.append(asked)
        if target is not None:
            by_target[target] = asked
    return found


def _target(question: Question, notebook: Notebook) -> tuple[str | None, list[str]]:
    """The name that a question asks for, and others that its tests use."""
    names = list(dict.fromkeys(name for test in question.tests for name in mentioned(test.source)))
    own = {each.name: each for each in notebook.in_cells(question.solutions)}
    ranked = sorted(
        (name for name in names if name in own), key=lambda name: own[name].kind == "value"
    )  # a function before a variable
    if ranked:
        others = [name for name in ranked[1:] if own[name].kind != "value"]
        return ranked[0], others
    # Not in its own cells: what the notebook defines, else what nobody defines, and is called.
    known = {name: notebook.defined[name].kind for name in names if name in notebook.defined}
    there = [name for name, kind in known.items() if kind in ("function", "module", "class")]
    if there:
        return there[0], []
    taken = set().union(*(own_names(test.source) for test in question.tests)) if question.tests else set()
    unknown = [name for name in names if name not in taken and name not in notebook.defined]
    calls = set().union(*(called(test.source) for test in question.tests)) if question.tests else set()
    unknown.sort(key=lambda name: name not in calls)
    return (unknown[0], []) if unknown else (None, [])


def _called_for(
    imported: Imported,
    notebook: Notebook,
    asked: _Asked,
    spec: dict[str, Any],
    remarks: list[str],
    needed: dict[str, Defined],
) -> None:
    """An exercise about a name: with the solution as its reference, where that can be."""
    name, first, defined = asked.target, asked.questions[0], asked.defined
    assert name is not None
    spec["name"] = name
    kind = defined.kind if defined is not None else ("function" if asked.calls_it else "value")
    if kind == "value":
        _value(imported, asked, spec, remarks)
        return
    is_module = kind in ("module", "class")
    spec["kind"] = "module" if is_module else "function"
    reason = "the notebook does not define it"
    if defined is not None:
        parts, missing = notebook.needs(name)
        reason = "the notebook holds no solution of it" if defined.unfinished else ""
        if missing and not reason:
            reason = f"its solution needs {', '.join(missing)}, which could not be taken along"
        if not reason:
            needed |= {each.name: each for each in parts}
    cases: list[dict[str, Any]] = []
    if not reason and not is_module and defined is not None:
        cases, others = _cases(asked, parameters_of(defined.node), name)
        if others:
            imported.leave(first.where, f"{first.name}: {others} calls of {name} whose arguments are not written out")
        reason = "" if cases else f"no test calls {name} with plain values"
    if reason or is_module:
        reason = reason or "a module is compared in sizes that only you can choose"
        imported.leave(first.where, f"{first.name}: {name} is not compared yet: {reason}")
        remarks += [f"TODO: {reason}. {_WHY}", *_todo(name, spec["kind"], bool(name in needed))]
        spec["points"] = {"shape": 0, "gradient": asked.points} if is_module else {"values": asked.points}
        spec["withheld"] = True
        return
    remarks.append("The solution is the reference, and the calls in the tests are the cases: look at both.")
    spec |= {"reference": f"reference:{name}", "points": {"values": asked.points}, "case": cases}


def _cases(asked: _Asked, parameters: list[str], name: str) -> tuple[list[dict[str, Any]], int]:
    cases: list[dict[str, Any]] = []
    others = 0
    for question in asked.questions:
        for test in question.tests:
            found, more = calls_of(name, parameters, test.source)
            others += more
            for arguments in found:
                case = {"title": f"{question.name}, call {len(cases) + 1}", "arguments": arguments}
                if not any(each["arguments"] == arguments for each in cases) and len(cases) < MOST_CASES:
                    cases.append(case)
    return cases, others


def _value(imported: Imported, asked: _Asked, spec: dict[str, Any], remarks: list[str]) -> None:
    first, name = asked.questions[0], asked.target
    spec |= {"kind": "predict", "task": spec.get("task") or first.name, "points": asked.points}
    value = asked.defined.value if asked.defined is not None else None
    if isinstance(value, tuple):
        value = list(value)
    shape = isinstance(value, list) and bool(value) and all(type(each) is int and each >= 0 for each in value)
    if shape or (isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0):
        spec["value"] = value
        remarks.append("The value is the solution's. How far may an answer be off: tolerance, relative?")
        return
    imported.leave(first.where, f"{first.name}: {name} is not compared yet: its solution is no plain number")
    remarks += [f"TODO: the solution is no plain number. {_WHY}", "  Write `value = …` in place of `withheld = true`."]
    spec["withheld"] = True


def _todo(name: str, kind: str, has_reference: bool) -> list[str]:
    where = f"reference:{name}"
    lines = [f"  Write, in place of `withheld = true`:  reference = {where!r}".replace("'", '"')]
    if not has_reference:
        lines.append(f"  and {name} into reference.py.")
    if kind == "module":
        lines += [
            "  points = { shape = …, parameters = …, gradient = …, skip-connection = … }  # those that you want made",
            "  [[exercise.case]] with title, arguments = { … } and input = [channels, height, width]",
        ]
    else:
        lines.append("  [[exercise.case]] with title and arguments = { … }")
    return lines


def _note_tests(imported: Imported, asked: _Asked) -> None:
    for question in asked.questions:
        hidden = sum(test.hidden for test in question.tests)
        if question.tests:
            said = f"{len(question.tests)} test{'s' if len(question.tests) > 1 else ''}"
            said += f", {hidden} of them hidden" if hidden else ""
            imported.leave(question.where, f"{question.name}: {said}: kept in original/tests, and never run")
