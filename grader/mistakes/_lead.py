"""Where to go on from a hypothesis that does not explain everything."""

from __future__ import annotations

from dataclasses import dataclass

from grader.graph import Graph
from grader.judge.behaviour import first_difference
from grader.judge.forms import Form
from grader.judge.observed import RECORDED
from grader.judge.trace import Trace, divergence
from grader.judge.wrongs import Effect, Parts, more_parts
from grader.mistakes._hypotheses import Explanation, Hypotheses, Seen
from grader.observation import Probe


@dataclass(frozen=True)
class Lead:
    """What the next mistake must do to a hypothesis, as the first case tells that the hypothesis does not explain.

    Attributes:
        planted: the mistakes of the hypothesis.
        forms: the hypothesis in that case; several, where it is open which layers have redundant biases.
        missing: which parameters the student has more of.
        places: nodes of the right form's graph where the values leave the student's; None where that is not known.
        is_silent: are all values alike? Then the next mistake shows in gradients, in training, or at other sizes.
        probe: on which the outputs differ; None where only gradients do.
    """

    seen: Seen
    planted: Explanation
    forms: list[Form]
    missing: Parts
    places: frozenset[int] | None = None
    is_silent: bool = False
    probe: Probe | None = RECORDED

    @property
    def is_exact(self) -> bool:
        """Has the hypothesis the student's parameters? Of a module that raised these are not known for certain."""
        return self.seen.has_raised or self.forms[0].signature == self.seen.signature

    @property
    def is_of_gradients(self) -> bool:
        """Are all outputs alike, to many digits, and only gradients not?"""
        told = self.is_exact and self.seen.observation.precision == "float64"
        return self.is_silent and told and self.probe is None

    def is_at(self, effect: Effect) -> bool:
        """Does a mistake change something at the places?"""
        return self.places is None or not effect.touched.isdisjoint(self.places)


def find_lead(hypotheses: Hypotheses, variant: int, planted: Explanation) -> Lead | None:
    """Where to go on from a hypothesis; None where it explains every case, or there is nothing to go by."""
    seen = _first_unexplained(hypotheses, variant, planted)
    if seen is None:
        return None
    forms = hypotheses.forms(variant, planted, seen)
    if not forms:
        return None
    alike = [form for form in forms if form.signature == seen.signature]
    form = (alike or forms)[0]
    missing = seen.known(more_parts(seen.signature, form.signature))
    root = hypotheses.form(variant, (), seen)
    if seen.trace is None or root is None or (seen.has_raised and planted):
        # Of what raised, not all that ran before is known.
        probe = _differs_on(seen, form) if alike and not seen.has_raised else RECORDED
        return Lead(seen, planted, alike or forms[:1], missing, probe=probe)
    graph, trace = form.graph(train=False, shape=(2, *seen.case.input)), form.trace(RECORDED)
    left = divergence(graph, trace, trace.found_in(seen.trace))
    if not left and alike and _ends_alike(trace, seen.trace):
        return Lead(seen, planted, alike, missing, is_silent=True, probe=_differs_on(seen, form))
    # Where all values are shared, the student goes on behind the last one.
    return Lead(seen, planted, alike or forms[:1], missing, _known_places(graph, left or [graph.output], root))


def _first_unexplained(hypotheses: Hypotheses, variant: int, planted: Explanation) -> Seen | None:
    """The first case that a hypothesis does not explain; one of which it is known what ran, if there is one."""
    found: Seen | None = None
    for seen in hypotheses.seen:
        if (found is None or seen.trace is not None) and not hypotheses.fits(variant, planted, seen):
            found = seen
            if seen.trace is not None:
                break
    return found


def _differs_on(seen: Seen, form: Form) -> Probe | None:
    """The first probe on which the student's output is not the form's; that with like layers alike, if it was asked,
    in front of all others."""
    random = [probe for probe in seen.observation.probes.values() if probe.recipe in ("alike", "random")]
    found = ((probe, first_difference(seen.observation, form, probe)) for probe in random)
    return next((probe for probe, what in found if what is not None and "gradient" not in what[0]), None)


def _ends_alike(one: Trace, other: Trace) -> bool:
    return one.last.found_in(other.last) == set(one.last.nodes)


def _known_places(graph: Graph, places: list[int], root: Form) -> frozenset[int]:
    """Nodes of the right form's graph at these nodes of a hypothesis and right before them. Where that ends the right
    form does: a mistake may have taken away what stood there."""
    right = root.graph(train=False, shape=(2, *root.case.input))
    known = {node.id for node in right.nodes}
    nodes, users = graph.by_id, graph.users
    found = {right.output} if graph.output in places else set()
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
    return frozenset(found)
