"""One body for all cases: a common beginning, a choice by the constructor's arguments, a common end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grader.audit.arguments import Arguments
from grader.audit.program import Body, Choice, Size, Step, Value, Varying, Way, renamed

Steps = Sequence[Step]


@dataclass
class _Group:
    """Cases that take the same steps; numbers may differ. `values` are their values in the merged body."""

    cases: list[int]
    rows: list[Steps]  # of each case
    values: dict[Value, Value] = field(default_factory=lambda: {Value(0): Value(0)})

    @property
    def steps(self) -> Steps:
        return self.rows[0]


class Merger:
    """Merges the steps of cases into bodies of one program; values are numbered through all of them."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self._last = 0

    def merge(self, rows: Sequence[Steps]) -> tuple[Body, Value]:
        """The body that does what each case does, and its result.

        Args:
            rows: the steps of each case, in the order of the arguments' cases.
        """
        groups: list[_Group] = []
        for case, steps in enumerate(rows):
            like = next((g for g in groups if _same(g.steps, steps)), None)
            if like is not None:
                like.cases.append(case)
                like.rows.append(steps)
            else:
                groups.append(_Group([case], [steps]))
        start = _common_start(groups)
        body: list[Step | Choice] = [self._together(groups, at) for at in range(start)]
        if len(groups) > 1:
            end = _common_end(groups, start)
            choice, phis = self._choose(groups, start, end)
            if choice.outs:
                body.append(choice)
            body += [self._together(groups, at - end, phis) for at in range(end)]
        last = groups[0].steps[-1].out
        if len(groups) > 1 and not end:
            return tuple(body), phis[tuple(g.steps[-1].out for g in groups)]
        return tuple(body), groups[0].values[last]

    def choose(self, bodies: Sequence[tuple[Body, Value]], conditions: Sequence[str]) -> tuple[Body, Value]:
        """One of several bodies, by conditions that are known only when the module runs."""
        out = self._new()
        ways = tuple(Way(body, (result,)) for body, result in bodies)
        return (Choice((out,), ways, tuple(conditions), by_arguments=False),), out

    def _new(self) -> Value:
        self._last += 1
        return Value(self._last)

    def _together(self, groups: list[_Group], at: int, phis: dict[tuple[Value, ...], Value] | None = None) -> Step:
        """The step at this place of every group as one."""
        step = _with_numbers([(case, row[at]) for g in groups for case, row in zip(g.cases, g.rows, strict=True)])
        inputs = []
        for several in zip(*(g.steps[at].inputs for g in groups), strict=True):
            known = {g.values.get(value) for g, value in zip(groups, several, strict=True)}
            value = known.pop() if len(known) == 1 else None
            inputs.append(value if value is not None else (phis or {})[several])
        out = self._new()
        for g in groups:
            g.values[g.steps[at].out] = out
        return renamed(step, out, inputs)

    def _choose(self, groups: list[_Group], start: int, end: int) -> tuple[Choice, dict[tuple[Value, ...], Value]]:
        """What is different in the middle, and the values that the end reads of it."""
        wanted = _wanted(groups, start, end)
        ways = []
        among = set(range(len(self.arguments.cases)))
        conditions = []
        for g in groups:
            middle = [self._together([g], at) for at in range(start, len(g.steps) - end)]
            results = tuple(g.values[several[groups.index(g)]] for several in wanted)
            ways.append(Way(tuple(middle), results))
            if len(among) > len(g.cases):
                conditions.append(self.arguments.condition(set(g.cases), among))
                among -= set(g.cases)
        outs = {several: self._new() for several in wanted}
        return Choice(tuple(outs.values()), tuple(ways), tuple(conditions), by_arguments=True), outs


def _with_numbers(alike: list[tuple[int, Step]]) -> Step:
    """One step for several cases, with the numbers that differ between them."""
    _, first = alike[0]
    return replace(
        first,
        arguments={name: _numbers([(case, step.arguments[name]) for case, step in alike]) for name in first.arguments},
        cases=tuple(case for case, _ in alike),
    )


def _numbers(terms: list[tuple[int, Any]]) -> object:
    _, first = terms[0]
    if isinstance(first, list):
        return [_numbers([(case, term[i]) for case, term in terms]) for i in range(len(first))]
    if _is_number(first) and any(term != first for _, term in terms):
        return Varying(tuple(terms))
    return first


def _common_start(groups: list[_Group]) -> int:
    """How many steps all groups begin with."""
    at = 0
    while all(at < len(g.steps) for g in groups) and all(
        _alike(groups[0].steps[at], g.steps[at]) and groups[0].steps[at].inputs == g.steps[at].inputs for g in groups
    ):
        at += 1
    return at


def _common_end(groups: list[_Group], start: int) -> int:
    """How many steps all groups end with, whatever they read there of the middle."""
    most = min(len(g.steps) for g in groups) - start
    end = 0
    while end < most and all(_alike(groups[0].steps[-end - 1], g.steps[-end - 1]) for g in groups):
        end += 1
    while end and not _reads_alike(groups, end):
        end -= 1
    return end


def _reads_alike(groups: list[_Group], end: int) -> bool:
    """Does each of the last steps read, in all groups, the same one of these steps or none of them?"""
    for at in range(-end, 0):
        for several in zip(*(g.steps[at].inputs for g in groups), strict=True):
            places = {_place(g, value, end) for g, value in zip(groups, several, strict=True)}
            if len(places) > 1:
                return False
    return True


def _place(group: _Group, value: Value, end: int) -> int | None:
    return next((at for at in range(-end, 0) if group.steps[at].out == value), None)


def _wanted(groups: list[_Group], start: int, end: int) -> list[tuple[Value, ...]]:
    """The values, one of each group, that the common end reads and that the common start did not make."""
    ends = [range(len(g.steps) - end, len(g.steps)) for g in groups]
    if not end:
        return [tuple(g.steps[-1].out for g in groups)]
    found: dict[tuple[Value, ...], None] = {}
    for places in zip(*ends, strict=True):
        for several in zip(*(g.steps[at].inputs for g, at in zip(groups, places, strict=True)), strict=True):
            of_end = _place(groups[0], several[0], end) is not None
            known = [g.values.get(value) for g, value in zip(groups, several, strict=True)]
            if not of_end and (known[0] is None or any(value != known[0] for value in known)):
                found[several] = None
    return list(found)


def _same(one: Steps, other: Steps) -> bool:
    return len(one) == len(other) and all(
        _alike(a, b) and a.inputs == b.inputs for a, b in zip(one, other, strict=True)
    )


def _alike(one: Step, other: Step) -> bool:
    """The same operation with the same weights; numbers and values may differ."""
    return (one.op, one.rank, one.detached) == (other.op, other.rank, other.detached) and _form(one.arguments) == _form(
        other.arguments
    )


def _form(term: object) -> object:
    """A term without its numbers and values."""
    if isinstance(term, dict):
        return {name: _form(item) for name, item in term.items()}
    if isinstance(term, list):
        return [_form(item) for item in term]
    if isinstance(term, Value):
        return Value
    if isinstance(term, Size):
        return (Size, term.dimensions, term.divisor)
    return type(term) if _is_number(term) else term


def _is_number(term: object) -> bool:
    return isinstance(term, int | float) and not isinstance(term, bool)
