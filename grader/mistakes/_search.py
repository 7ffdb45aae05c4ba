"""The search for known mistakes that explain a student's behaviour: one alone, else two together.

A hypothesis is a right form with mistakes planted in it. It explains a submission when it behaves, in every case and on
every probe, as the student's module does. There are too many pairs to try them all. So the search follows the first
divergence: where the values of a hypothesis leave those that the student's module passes through, the next mistake
must have changed something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from grader.graph import Graph
from grader.judge.behaviour import behaves_like
from grader.judge.examine import RECORDED, Observation
from grader.judge.examined import RightAnswers, redundant_biases
from grader.judge.forms import Edit, Form
from grader.judge.leaves import Signature, signature
from grader.judge.trace import Trace, divergence
from grader.mistakes._mistake import Plant

MOST_VARIANTS = 4  # right answers in which mistakes are looked for
MOST_FIRST = 10  # first mistakes of a pair that are followed up
MOST_PAIRS = 600  # that are tried for one submission


@dataclass(frozen=True)
class Step:
    """One way to make one mistake."""

    mistake: str
    plant: Plant

    @property
    def edit(self) -> Edit:
        return self.plant.edits[0]


Explanation = tuple[Step, ...]


class Search:
    """Looks for what explains the observations of one exercise.

    Args:
        steps: every way to make every mistake, the likeliest first.
        observations: the cases that are wrong first.
    """

    def __init__(self, answers: RightAnswers, steps: Iterable[Step], observations: list[Observation]) -> None:
        self._answers = answers
        self._observations = observations
        steps = list(steps)
        self._steps = [step for step in steps if len(step.plant.edits) == 1]
        self._choosing = [step for step in steps if len(step.plant.edits) > 1]

    def explanations(self) -> list[Explanation]:
        """All that explain it equally: single mistakes if there are any, else pairs; of each mistake one way."""
        variants = self._nearest_variants()
        for widely in (False, True):
            likely = [(v, step) for v in variants for step in self._candidates(v, (), widely=widely)]
            found = [(v, step) for v, step in likely if self._explains(v, (step,))]
            if found:
                return _one_of_each((step,) for _, step in found)
        # A block that does one thing is told from one that chooses between two.
        found = [(v, step) for v in variants for step in self._choosing if self._chooses(v, step)]
        if found:
            return _one_of_each((step,) for _, step in found)
        tried = 0
        for variant, first in self._promising(variants):
            seconds = [step for step in self._candidates(variant, (first,)) if step.mistake != first.mistake]
            pairs = [(first, second) for second in seconds if self._explains(variant, (first, second))]
            tried += len(seconds)
            if pairs or tried > MOST_PAIRS:
                return _one_of_each(pairs)
        return []

    def _nearest_variants(self) -> list[int]:
        """Right answers that the student's module is nearest to; all of them, if they are few."""
        variants = range(len(self._answers.reference.variants))
        if len(variants) <= MOST_VARIANTS:
            return list(variants)
        return sorted(variants, key=self._nearness, reverse=True)[:MOST_VARIANTS]

    def _nearness(self, variant: int) -> float:
        """How many values and parameters a right answer shares with the student's module, over all cases."""
        found = 0.0
        for seen in self._observations:
            form, mine = self._form(variant, (), seen), signature(seen.slots)
            if form is not None:
                other = sum(map(abs, _difference(form.signature, mine).values()))
                found -= other / max(1, mine.total())
                found += _share(form.trace(RECORDED), seen.trace) if seen.trace is not None else 0
        return found

    def _promising(self, variants: Iterable[int]) -> list[tuple[int, Step]]:
        """First mistakes of a pair: those that bring the reference nearer to the student's module, most first."""
        likely: list[tuple[float, int, Step]] = []
        for variant in variants:
            right = self._likeness(variant, ())
            found = [(self._likeness(variant, (step,)), variant, step) for step in self._candidates(variant, ())]
            likely += [first for first in found if first[0] > right]
        return [first[1:] for first in sorted(likely, key=lambda first: first[0], reverse=True)[:MOST_FIRST]]

    def _likeness(self, variant: int, planted: Explanation) -> float:
        """The share of values that hypothesis and student pass through both, and of parameters that both have, in the
        first case that tells."""
        for seen in self._observations:
            form = self._form(variant, planted, seen)
            if seen.trace is not None and form is not None:
                mine = signature(seen.slots)
                other = sum(map(abs, _difference(form.signature, mine).values()))
                return _share(form.trace(RECORDED), seen.trace) - other / max(1, mine.total())
        return 0.0

    def _candidates(self, variant: int, planted: Explanation, *, widely: bool = True) -> list[Step]:
        """Mistakes that could come next: those that change the hypothesis where its values first leave the student's,
        and, where it has other parameters, those that bring it nearer.

        Args:
            widely: those that change which parameter comes first as well.
        """
        for seen in self._observations:
            form, root = self._form(variant, planted, seen), self._form(variant, (), seen)
            if seen.trace is None or form is None or root is None or self._fits(variant, planted, seen):
                continue
            graph, trace = form.graph(train=False, shape=(2, *seen.case.input)), form.trace(RECORDED)
            left = divergence(graph, trace, trace.found_in(seen.trace))
            alike = form.signature == signature(seen.slots)
            if not left and alike and _ends_alike(trace, seen.trace):
                return [step for step in self._steps if self._is_silent(variant, step, seen)]
            # Where all values are shared, the student goes on behind the last one.
            places = _known_places(graph, left or [graph.output], root)
            return [
                step
                for step in self._steps
                if (touched := self._answers.touched(step.edit, seen.case, root))
                and (
                    not touched.isdisjoint(places)
                    or (not alike and self._brings_nearer(variant, step, form, root, seen))
                    or (widely and self._reorders(variant, step, root, seen))
                )
            ]
        return [step for step in self._steps if step not in planted]

    def _brings_nearer(self, variant: int, step: Step, form: Form, root: Form, seen: Observation) -> bool:
        """Would the hypothesis have more of the student's parameters, and fewer others, with this mistake too?"""
        changed = self._form(variant, (step,), seen)
        if changed is None or changed.signature == root.signature:
            return False
        mine = signature(seen.slots)
        now, then = _difference(form.signature, mine), dict(_difference(form.signature, mine))
        for part, change in _difference(changed.signature, root.signature).items():
            then[part] = then.get(part, 0) + change
        return sum(map(abs, then.values())) < sum(map(abs, now.values()))

    def _reorders(self, variant: int, step: Step, root: Form, seen: Observation) -> bool:
        """Would the mistake change which parameter comes first? Then they have other values, and where those of a
        hypothesis without it leave the student's tells nothing."""
        changed = self._form(variant, (step,), seen)
        return changed is not None and changed.signature == root.signature and changed.slots != root.slots

    def _is_silent(self, variant: int, step: Step, seen: Observation) -> bool:
        """Does the mistake leave the outputs of this probe as they are, but for rounding? It shows in gradients, in
        training, or at other sizes."""
        root = self._form(variant, (), seen)
        return root is not None and self._answers.is_silent(step.edit, seen.case, root, RECORDED)

    def _form(self, variant: int, planted: Explanation, seen: Observation) -> Form | None:
        """A hypothesis in one case."""
        forms = self._forms(variant, planted, seen)
        mine = signature(seen.slots)
        return next((form for form in forms if form.signature == mine), forms[0] if forms else None)

    def _forms(self, variant: int, planted: Explanation, seen: Observation) -> list[Form]:
        """The same with everything that is left open. Mistakes that change nothing in this case are left out: what
        remains is known already more often than not."""
        biases = redundant_biases(signature(seen.slots))
        edits = tuple(step.edit for step in planted)
        if len(edits) > 1:
            roots = self._answers.planted((), seen.case, variant, biases)
            edits = tuple(edit for edit in edits if not roots or self._answers.touched(edit, seen.case, roots[0]))
        return self._answers.planted(edits, seen.case, variant, biases, recorded=seen.recorded)

    def _explains(self, variant: int, planted: Explanation) -> bool:
        return all(self._fits(variant, planted, seen) for seen in self._observations)

    def _fits(self, variant: int, planted: Explanation, seen: Observation) -> bool:
        """Does the reference with these mistakes behave as the student's code does in one case?"""
        forms = self._forms(variant, planted, seen)
        if seen.built.raised is not None:
            return behaves_like(seen, forms)
        return any(behaves_like(seen, [form]) for form in _with_slots_of(seen, forms))

    def _chooses(self, variant: int, step: Step) -> bool:
        """Does it behave, on each probe, as with one of the edits?"""
        return all(self._fits_one_of(variant, step, seen) for seen in self._observations)

    def _fits_one_of(self, variant: int, step: Step, seen: Observation) -> bool:
        mine = signature(seen.slots)
        biases = redundant_biases(mine)
        found = [
            self._answers.planted((edit,), seen.case, variant, biases, recorded=seen.recorded)
            for edit in step.plant.edits
        ]
        if seen.built.raised is not None:
            return any(behaves_like(seen, forms) for forms in found)
        # For each edit the forms with the student's slots: one, or one for each way to fill like slots.
        ways = [_with_slots_of(seen, forms) for forms in found]
        return any(behaves_like(seen, forms) for forms in zip(*ways, strict=False))


def _ends_alike(one: Trace, other: Trace) -> bool:
    return one.last.found_in(other.last) == set(one.last.nodes)


def _share(one: Trace, other: Trace) -> float:
    """The share of the values of both that are in both."""
    shared = len(one.found_in(other)) + len(other.found_in(one))
    return shared / max(1, len(one.nodes) + len(other.nodes))


def _with_slots_of(seen: Observation, forms: list[Form]) -> list[Form]:
    """Forms with the student's slots; with every way to fill like slots, where its graph does not tell which."""
    like = [form for form in forms if form.signature == signature(seen.slots)]
    return like if seen.recorded else [each for form in like for each in form.relabelled]


def _difference(one: Signature, other: Signature) -> dict[object, int]:
    """How many more parameters of each role and shape."""
    return {part: one[part] - other[part] for part in one.keys() | other.keys() if one[part] != other[part]}


def _one_of_each(found: Iterable[Explanation]) -> list[Explanation]:
    """The first way of each set of mistakes."""
    kept: dict[frozenset[str], Explanation] = {}
    for explanation in found:
        kept.setdefault(frozenset(step.mistake for step in explanation), explanation)
    return list(kept.values())


def _known_places(graph: Graph, places: list[int], root: Form) -> set[int]:
    """Nodes of the right form's graph at these nodes of a hypothesis and right before them."""
    known = {node.id for node in root.graph(train=False, shape=(2, *root.case.input)).nodes}
    nodes, users = graph.by_id(), graph.users()
    found: set[int] = set()
    todo = [*places, *(before for i in places for before in nodes[i].inputs)]
    seen: set[int] = set()
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        if nodes[i].op == "getitem":
            todo += nodes[i].inputs
        if i in known:
            found.add(i)
        else:  # a mistake brought it in: what stands around it
            todo += [*nodes[i].inputs, *(user.id for user in users[i])]
    return found
