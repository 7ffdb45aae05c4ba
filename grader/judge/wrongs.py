"""Wrong forms: right forms with mistakes planted in them, and what each mistake does to a right form.

A search asks for hundreds of them, submission after submission. The forms themselves are large, and only the latest are
kept; what tells them apart at a glance is small, and kept for all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from grader.assignment import Case
from grader.graph import Graph, Node
from grader.judge.edits import changed_nodes
from grader.judge.failures import Failure, failure_of, sizes_of
from grader.judge.forms import Edit, Form
from grader.judge.latest import Latest
from grader.judge.observed import RECORDED, Sizes
from grader.judge.right_forms import add_every_bias
from grader.judge.slots import Signature
from grader.judge.trace import CLOSE, Digest, Trace, digest, is_near
from grader.judge.trial import Glance, Trial
from grader.observation import Probe

MOST_FORMS = 2000  # that are kept with their outcomes
MOST_SKETCHES = 30_000
MOST_TRACES = 12_000
MOST_TRIALS = 400
# What an edit raises that finds, behind another one, nothing to make its mistake of.
NOTHING_TO_CHANGE = (LookupError, TypeError, ValueError, RuntimeError, AssertionError)

Parts = frozenset[tuple[tuple[object, ...], int]]  # how many more of which roles and shapes


@dataclass(frozen=True)
class Effect:
    """What one mistake does to a right form without redundant biases, in one case.

    Attributes:
        touched: nodes of the right form's graph that it changes, drops, or reads no more for the output; in training,
            if there are none in evaluation mode.
        parts: how many more parameters of each role and shape there are with it; shifts do not count, since those of
            redundant biases come and go.
        drops: does it only leave parameters out, which may still be registered?
    """

    touched: frozenset[int]
    parts: Parts
    drops: bool


@dataclass(frozen=True)
class Sketch:
    """What tells a form from most others.

    Attributes:
        output: what it gives on the probe that is asked like the recorded pass; None when it raises.
    """

    signature: Signature
    output: Digest | None

    @staticmethod
    def of(form: Form) -> Sketch:
        output = form.output(RECORDED)
        return Sketch(form.signature, digest(output) if isinstance(output, Tensor) else None)

    def gives_as(self, other: Sketch) -> bool:
        """The same parameters, and the same output or none?"""
        if self.signature != other.signature or self.output is None or other.output is None:
            return self.signature == other.signature and self.output is other.output
        return is_near(self.output, other.output, CLOSE)


class WrongForms:
    """The wrong forms of one exercise.

    Args:
        right: the right forms of a case.
    """

    def __init__(self, right: Callable[[Case], list[Form]]) -> None:
        self._right = right
        self._sorted: dict[tuple[str, int], dict[int, list[Form]]] = {}
        self._planted: Latest[list[Form]] = Latest(2 * MOST_FORMS, len)
        self._wrongs: Latest[Form] = Latest(MOST_FORMS)
        self._sketches: Latest[list[Sketch]] = Latest(MOST_SKETCHES)
        self._traces: Latest[Trace | None] = Latest(MOST_TRACES)
        self._parts: Latest[list[Parts]] = Latest(MOST_SKETCHES)
        self._trials: Latest[Trial] = Latest(MOST_TRIALS)
        self._glances: Latest[Glance | None] = Latest(MOST_SKETCHES)
        self._first: Latest[Form] = Latest(MOST_FORMS)
        self._alike: Latest[Form] = Latest(MOST_FORMS)
        self._failures: Latest[list[Failure]] = Latest(MOST_SKETCHES)
        self._effects: dict[tuple[object, ...], Effect] = {}
        self._reordering: dict[tuple[object, ...], bool] = {}
        self._detaching: dict[tuple[object, ...], bool] = {}
        self._brought: Latest[int] = Latest(MOST_SKETCHES)  # of edits that one student's code led to, too
        self._silent: dict[tuple[object, ...], bool] = {}

    def plain(self, case: Case, variant: int) -> Form:
        """The right form of a variant with the fewest biases."""
        forms = self._by_biases(case, variant)
        return forms[min(forms)][0]

    def planted(
        self, edits: tuple[Edit, ...], case: Case, variant: int, biases: int, *, recorded: bool = True
    ) -> list[Form]:
        """Forms with these mistakes planted in them, one after another; the latest are kept.

        Args:
            biases: how many redundant biases there are to be.
            recorded: are the student's slots known from a graph, or only from the order of registration?
        """
        key = (edits, case.title, variant, biases, recorded)
        return self._planted.get(key, lambda: list(self._plant(edits, case, variant, biases, recorded=recorded)))

    def effect(self, edit: Edit, case: Case, variant: int) -> Effect:
        """What a mistake does to the plain form of a variant; kept."""
        key = (edit, case.title, variant)
        if key not in self._effects:
            self._effects[key] = self._effect(edit, self.plain(case, variant))
        return self._effects[key]

    def detaches(self, edit: Edit, case: Case, variant: int) -> bool:
        """Does a mistake make values without gradient, by a `detach` or under `torch.no_grad()`? Kept."""
        key = (edit, case.title, variant)
        if key not in self._detaching:
            plain = self.plain(case, variant)
            wrong = self._wrong(plain, (edit,))
            self._detaching[key] = bool(self.effect(edit, case, variant).touched) and (
                _detaches(wrong, plain, train=False) or _detaches(wrong, plain, train=True)
            )
        return self._detaching[key]

    def reorders(self, edit: Edit, case: Case, variant: int) -> bool:
        """Are there the same parameters with a mistake, of which another one comes first, be it only among redundant
        biases? Kept."""
        key = (edit, case.title, variant)
        if key not in self._reordering:
            self._reordering[key] = self._reorders(edit, case, variant)
        return self._reordering[key]

    def parts(self, edits: tuple[Edit, ...], case: Case, variant: int) -> list[Parts]:
        """How many more parameters there are with several mistakes; and without the last one, if that leaves out some
        which may still be registered. Kept longer than the forms are."""
        return self._parts.get((edits, case.title, variant), lambda: list(self._parts_of(edits, case, variant)))

    def _parts_of(self, edits: tuple[Edit, ...], case: Case, variant: int) -> Iterator[Parts]:
        plain = self.plain(case, variant)
        try:
            wrong = self._wrong(plain, edits)
            yield more_parts(wrong.signature, plain.signature)
            for before in self._before(plain, edits):
                if _drops_leaves(wrong, before):
                    yield more_parts(before.signature, plain.signature)
        except NOTHING_TO_CHANGE:
            return

    def sketches(
        self, edits: tuple[Edit, ...], case: Case, variant: int, wanted: Signature, *, recorded: bool = True
    ) -> list[Sketch]:
        """What tells those forms of `planted` apart at a glance that have just these parameters; if none has, the first
        form's. Kept longer than they are."""
        key = (edits, case.title, variant, wanted, recorded)
        return self._sketches.get(key, lambda: list(map(Sketch.of, self._like(wanted, edits, case, variant, recorded))))

    def trace(
        self, edits: tuple[Edit, ...], case: Case, variant: int, wanted: Signature, *, recorded: bool = True
    ) -> Trace | None:
        """What the first of those forms passes through on the probe that is asked like the recorded pass; kept."""
        key = (edits, case.title, variant, wanted, recorded)
        return self._traces.get(
            key, lambda: next((f.trace(RECORDED) for f in self._like(wanted, edits, case, variant, recorded)), None)
        )

    def _like(self, wanted: Signature, edits: tuple[Edit, ...], case: Case, variant: int, recorded: bool) -> list[Form]:
        forms = self.planted(edits, case, variant, redundant_biases(wanted), recorded=recorded)
        like = [form for form in forms if form.signature == wanted] or forms[:1]
        return [self._first_alike(form, RECORDED) for form in like]

    def _first_alike(self, form: Form, probe: Probe) -> Form:
        """The first form that does on a probe what a form does: in one case many a mistake is the same as another, and
        so is all that is asked of them there."""

        def first() -> Form:
            return self._alike.get((form.case.title, probe.name, form.computation(probe)), lambda: form)

        return self._first.get((form, probe.name), first)

    def glance(self, form: Form, edit: Edit, probe: Probe, *, moved: bool = False) -> Glance | None:
        """What a mistake makes of a form, in short: see `Trial.glance`. Kept."""
        form = self._first_alike(form, probe)
        key = (form, probe.name, edit, moved)
        return self._glances.get(key, lambda: self.trial(form, probe).glance(edit, moved=moved))

    def trial(self, form: Form, probe: Probe) -> Trial:
        """A form on which further mistakes are tried; the latest are kept."""
        return self._trials.get((form, probe.name), lambda: Trial(form, probe))

    def failures(self, edits: tuple[Edit, ...], case: Case, variant: int, biases: int, sizes: Sizes) -> list[Failure]:
        """Where those forms of `planted` raise that have parameters of these sizes; kept longer than they are.

        Of a module that raised it is not certain which parameters are biases: how many there must be is told by the
        sizes as well.
        """
        key = (edits, case.title, variant, biases, sizes)
        return self._failures.get(key, lambda: self._failures_of(edits, case, variant, biases, sizes))

    def _failures_of(
        self, edits: tuple[Edit, ...], case: Case, variant: int, biases: int, sizes: Sizes
    ) -> list[Failure]:
        for number in dict.fromkeys((biases, self._biases_by_sizes(edits, case, variant, sizes))):
            if number is None:
                continue
            forms = self._plant(edits, case, variant, number, recorded=False, raises=True)
            found = [failure_of(form) for form in forms if sizes is None or sizes == sizes_of(form)]
            if found:
                return found
        return []

    def _biases_by_sizes(self, edits: tuple[Edit, ...], case: Case, variant: int, sizes: Sizes) -> int | None:
        """How many biases there must be with these mistakes, if there are parameters of these sizes; None where that
        is not known, or where there are too few of any size."""
        if sizes is None:
            return None
        plain = self.plain(case, variant)
        try:
            wrong = self._wrong(plain, edits)
        except NOTHING_TO_CHANGE:
            return None
        there = Counter(dict(sizes))
        if wrong.sizes - there:
            return None
        brought = sum(self._biases_brought(edit, plain) for edit in edits)
        return redundant_biases(plain.signature) + brought + (there - wrong.sizes).total()

    def is_silent(self, edit: Edit, case: Case, right: Form, probe: Probe) -> bool:
        """Does a mistake leave a right form's output on a probe as it is, but for rounding? Kept."""
        key = (edit, case.title, right.variant, redundant_biases(right.signature), probe.name)
        if key not in self._silent:
            self._silent[key] = bool(self.effect(edit, case, right.variant).touched) and right.gives_the_same(
                self._wrong(right, (edit,)), probe
            )
        return self._silent[key]

    # ------------------------------------------------------------------ planting

    def _plant(
        self, edits: tuple[Edit, ...], case: Case, variant: int, biases: int, *, recorded: bool, raises: bool = False
    ) -> Iterator[Form]:
        """See `planted`; with `raises` only forms that raise in different ways, which a bias here or there does not
        decide."""
        forms = self._by_biases(case, variant)
        try:
            plain = forms[min(forms)][0]
            brought = sum(self._biases_brought(edit, plain) for edit in edits)
            # What a mistake leaves out may still be registered, with its biases.
            wanted = [biases - brought, biases] if brought < 0 else [biases - brought]
            like = [form for number in wanted for form in forms.get(number, [])]
            # Which of two layers as wide has a bias matters where a mistake takes one of them away.
            if raises and not any(self.effect(edit, case, variant).parts for edit in edits):
                like = list({sizes_of(form): form for form in reversed(like)}.values())[::-1]
            found = [(form, self._wrong(form, edits)) for form in like]
            if not like and biases > max(forms):
                # More than a right answer can have: layers that a mistake brings in have theirs too.
                fullest = forms[max(forms)][0]
                found = [(fullest, self._wrong(fullest, edits).with_edit(add_every_bias))]
            elif not like:
                # No right answer has so few: it is compared with the nearest.
                number = min(forms, key=lambda number: abs(number - wanted[0]))
                found = [(form, self._wrong(form, edits)) for form in forms[number]]
            if biases and any(self.effect(edit, case, variant).drops for edit in edits) and not _has(found, biases):
                # Of layers that a mistake makes one, with a bias each, one bias is left.
                every = [(form, self._wrong(form, edits)) for like in forms.values() for form in like]
                found = [pair for pair in every if _has([pair], biases)] or found
            for right, wrong in found:
                befores = [before for before in self._before(right, edits) if _drops_leaves(wrong, before)]
                yield wrong
                for before in befores[:1]:
                    # Layers that a mistake leaves unused may still be there: then all slots of before it are. In a
                    # graph they stand behind the others, unless they are used to no effect: `f + 0 * g`.
                    yield wrong.with_slots(before.slots)
                    if recorded:
                        yield wrong.with_unused(before.slots)
        except NOTHING_TO_CHANGE:
            if len(edits) < 2:
                raise

    def _before(self, right: Form, edits: tuple[Edit, ...]) -> Iterator[Form]:
        """The right form, and it with all mistakes but the last."""
        yield right
        if len(edits) > 1:
            yield self._wrong(right, edits[:-1])

    def _by_biases(self, case: Case, variant: int) -> dict[int, list[Form]]:
        """The forms of a variant by how many redundant biases they have; kept."""
        key = (case.title, variant)
        if key not in self._sorted:
            found: dict[int, list[Form]] = defaultdict(list)
            for form in self._right(case):
                if form.variant == variant:
                    found[redundant_biases(form.signature)].append(form)
            self._sorted[key] = dict(found)
        return self._sorted[key]

    def _wrong(self, right: Form, edits: tuple[Edit, ...]) -> Form:
        """A right form with mistakes; after the first of two the form is kept, since many a second one is tried."""
        if not edits:
            return right
        return self._wrongs.get((id(right), edits), lambda: self._wrong(right, edits[:-1]).with_edits(edits[-1:]))

    def moves_biases(self, edit: Edit, case: Case, variant: int) -> bool:
        """Does a mistake bring or take biases? Then those of a right answer, counted together, stand in other places
        without it."""
        return self._biases_brought(edit, self.plain(case, variant)) != 0

    def _biases_brought(self, edit: Edit, plain: Form) -> int:
        """How many more redundant biases there are with a mistake: it may bring a layer that has one."""
        key = (edit, plain.case.title, plain.variant)

        def brought() -> int:
            return redundant_biases(self._wrong(plain, (edit,)).signature) - redundant_biases(plain.signature)

        return self._brought.get(key, brought)

    def _effect(self, edit: Edit, plain: Form) -> Effect:
        wrong = self._wrong(plain, (edit,))
        touched = touched_nodes(wrong, plain)
        if not touched:
            return Effect(touched, frozenset(), drops=False)
        if leaves_are_kept(wrong.recorded, plain.recorded):
            return Effect(touched, frozenset(), drops=False)
        return Effect(touched, more_parts(wrong.signature, plain.signature), _drops_leaves(wrong, plain))

    def _reorders(self, edit: Edit, case: Case, variant: int) -> bool:
        effect = self.effect(edit, case, variant)
        if not effect.touched or effect.parts:
            return False
        by_biases = self._by_biases(case, variant)
        roots = [by_biases[number][0] for number in sorted({min(by_biases), max(by_biases)})]
        wrongs = ((self._wrong(root, (edit,)), root) for root in roots)
        return any(wrong.signature == root.signature and wrong.slots != root.slots for wrong, root in wrongs)


def more_parts(one: Signature, other: Signature) -> Parts:
    """How many more parameters of each role and shape, but for shifts."""
    parts = ((part, one[part] - other[part]) for part in one.keys() | other.keys() if part[0] != "shift")
    return frozenset((part, number) for part, number in parts if number)


def less(parts: Parts, others: Parts) -> Parts:
    """What is left of some parameters without others."""
    left = dict(parts)
    for part, number in others:
        left[part] = left.get(part, 0) - number
    return frozenset((part, number) for part, number in left.items() if number)


def size(parts: Parts) -> int:
    """How many they are, those that are too many included."""
    return sum(abs(number) for _, number in parts)


def redundant_biases(found: Signature) -> int:
    """How many shifts there are beyond those of the batch norms, which each have a scale too. A single number is not
    one of a layer but a factor that was learned."""
    layers = ((role, number) for (role, shape), number in found.items() if shape != (1,))
    return sum((role == "shift") * number - (role == "scale") * number for role, number in layers)


def _has(found: list[tuple[Form, Form]], biases: int) -> bool:
    """Has a wrong form, of those that stand behind right ones, so many redundant biases?"""
    return any(redundant_biases(wrong.signature) == biases for _, wrong in found)


def touched_nodes(wrong: Form, right: Form) -> frozenset[int]:
    """Nodes of a form's graph that are changed, dropped, or read no more in another one; see `Effect.touched`."""
    return _changed(wrong, right, train=False) or _changed(wrong, right, train=True)


def _without_gradient(graph: Graph) -> set[int]:
    """Operations through which no gradient comes."""
    return {node.id for node in graph.nodes if node.leaf is None and (not node.gradient or node.name == "detach")}


def _detaches(wrong: Form, right: Form, *, train: bool) -> bool:
    """Does no gradient come through some operation that it comes through, or that is not there, in the right form?"""
    shape = (2, *right.case.input)
    return not _without_gradient(wrong.graph(train=train, shape=shape)) <= _without_gradient(
        right.graph(train=train, shape=shape)
    )


def _changed(wrong: Form, right: Form, *, train: bool) -> frozenset[int]:
    shape = (2, *right.case.input)
    return changed_nodes(right.graph(train=train, shape=shape), wrong.graph(train=train, shape=shape))


def leaves_are_kept(wrong: Graph, right: Graph) -> bool:
    """Is every parameter and buffer still read in the same places of the same operations? That is sooner told than what
    each is for."""
    return _reads_alike(wrong, right) and _reads_alike(right, wrong)


def _reads_alike(one: Graph, other: Graph) -> bool:
    """Does the other graph have every parameter of this one, and read it where this one does?"""
    apart: set[int] = set()  # parameters, and what is made of them alone
    for node in one.nodes:
        same = other.by_id.get(node.id)
        if node.id not in one.of_input:
            apart.add(node.id)
            alike = same is node and node.id not in other.of_input
        elif apart.isdisjoint(node.inputs):
            alike = True
        else:
            alike = same is not None and node.id in other.of_input and _read(apart, same) == _read(apart, node)
        if not alike:
            return False
    return True


def _read(values: set[int], node: Node) -> tuple[object, ...]:
    """Which of some values an operation reads, and where."""
    operands = node.operands
    return node.name, [pair for pair in operands if pair[1] in values] if operands is not None else node.args


def _drops_leaves(wrong: Form, right: Form) -> bool:
    """Does the wrong form use some of the right form's parameters as they are, and none else?"""
    return len(wrong.parts) < len(right.parts) and set(wrong.parts) < set(right.parts)
