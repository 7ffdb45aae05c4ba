"""The search for known mistakes that explain a student's behaviour: one alone, else two together.

A hypothesis is a right form with mistakes planted in it. It explains a submission when it behaves, in every case and on
every probe, as the student's module does. There are too many pairs to try them all, so two things are followed: the
parameters, of which each mistake brings or takes its own; and the values, since where those of a hypothesis leave the
values that the student's module passes through, the next mistake must have changed something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from grader.judge.examined import RightAnswers
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.judge.trace import Trace
from grader.judge.trial import Glance
from grader.judge.wrongs import Effect, Parts, less, size
from grader.mistakes._hypotheses import Explanation, Hypotheses, Seen, Step
from grader.mistakes._lead import Lead, find_lead
from grader.observation import Probe

MOST_VARIANTS = 4  # right answers in which mistakes are looked for
MOST_TRIED = 20_000  # second mistakes that are tried for one submission, in right answers of the usual size
MOST_ASKED = 2000  # times that pairs are held against what the student did
MOST_PAIRS = 1600  # pairs that are planted at all: of 257 that were found one was behind the 1,200th
MOST_TURNED = 5  # first mistakes that are tried behind each second one as well
MOST_HIDDEN = 25  # that are tried behind those that do not show where they are found
MOST_PLANTED = 60_000  # parts of pairs that are planted only to see which parts they have
NOTHING: Parts = frozenset()
# What is not there cannot be there once too often: together they move it, and say something else.
CONTRADICTION = {"shortcut-missing", "shortcut-added-twice"}
COST_OF_FIRST = 10  # a first mistake takes as long as this many second ones
USUAL_NODES = 80  # of a right answer; in one of thirty-two paths everything takes as much longer as it has more


@dataclass(frozen=True)
class Start:
    """The first mistake of a pair in a right answer: where to go on from it, and the second ones that could follow."""

    variant: int
    first: Step
    lead: Lead
    seconds: list[Step]


@dataclass(frozen=True, slots=True)
class Done:
    """What one way to make one mistake does to a right answer in one case.

    Attributes:
        parts: of the parameters that it brings or takes, those of which that can be told.
    """

    step: Step
    effect: Effect
    parts: Parts


class Search:
    """Looks for what explains the observations of one exercise.

    Args:
        steps: every way to make every mistake, the likeliest first.
        observations: the cases that are wrong first.
    """

    def __init__(self, answers: RightAnswers, steps: Iterable[Step], observations: list[Observation]) -> None:
        self._variants = range(len(answers.reference.variants))
        self._hypotheses = Hypotheses(answers, observations)
        steps = list(steps)
        self._steps = [step for step in steps if len(step.plant.edits) == 1]
        self._choosing = [step for step in steps if len(step.plant.edits) > 1]
        self._planted = self._most_asked = self._paired = 0
        self._done: dict[tuple[int, Seen], list[Done]] = {}

    @cached_property
    def _leads(self) -> dict[int, Lead]:
        """By right answer what a first mistake in it must do."""
        leads = ((variant, find_lead(self._hypotheses, variant, ())) for variant in self._nearest_variants)
        return {variant: lead for variant, lead in leads if lead is not None}

    def alone(self) -> list[Explanation]:
        """All single mistakes that explain it equally; of each one way."""
        leads = self._leads
        # What puts parameters in another order is refuted by nothing but its own output. It need not be looked for
        # where a mistake that leaves them in place explains everything.
        found = (
            self._alone(leads, self._at_lead, in_place=True)
            or self._alone(leads, self._likely, in_place=False)
            or self._alone(leads, self._unlikely, in_place=True)
            or self._alone(leads, self._unlikely, in_place=False)
        )
        if found:
            return [(step,) for step in found]
        # A block that does one thing is told from one that chooses between two.
        variants = self._nearest_variants
        choosing = [step for v in variants for step in self._choosing if self._hypotheses.chooses(v, step)]
        return _one_of_each((step,) for step in choosing)

    def together(self) -> list[Explanation]:
        """Pairs of mistakes that explain it equally."""
        return [] if self._hypotheses.is_wrong_at_large else self._pairs(self._leads)

    def _alone(self, leads: dict[int, Lead], steps: Callable[[int, Lead], list[Step]], *, in_place: bool) -> list[Step]:
        """Mistakes that explain everything by themselves, of each one way: of those that leave the parameters in place,
        or of the others."""
        found: dict[str, Step] = {}
        for variant, lead in leads.items():
            asked = [step for step in steps(variant, lead) if self._reorders(variant, step, lead) is not in_place]
            for step in asked if not in_place else self._not_refuted(variant, lead, asked):
                if step.mistake not in found and self._hypotheses.explains(variant, (step,)):
                    found[step.mistake] = step
        return list(found.values())

    def _reorders(self, variant: int, step: Step, lead: Lead) -> bool:
        """Does a mistake put the right form's parameters in another order?"""
        return self._hypotheses.reorders(variant, step, lead.seen)

    # ------------------------------------------------------------------ right answers to start from

    @cached_property
    def _nearest_variants(self) -> list[int]:
        """Right answers that the student's module is nearest to, the nearest first; no more than can be searched."""
        if len(self._variants) == 1:
            return [0]
        return sorted(self._variants, key=self._nearness, reverse=True)[:MOST_VARIANTS]

    def _nearness(self, variant: int) -> tuple[int, float]:
        """In how many cases a right answer has parameters of the same kinds as the student's module, however many; and
        how many values and parameters the two share, over all cases."""
        seen = self._hypotheses.seen
        of_kinds = sum(self._has_kinds(variant, each) for each in seen)
        return of_kinds, sum(self._likeness(variant, (), each) for each in seen)

    def _has_kinds(self, variant: int, seen: Seen) -> bool:
        """Of a module that uses one path many times nothing is missing but the others like it."""
        sketch = self._hypotheses.sketch(variant, (), seen)
        return sketch is not None and sketch.signature.keys() == seen.signature.keys()

    def _likeness(self, variant: int, planted: Explanation, seen: Seen) -> float:
        """The share of values that hypothesis and student pass through both, less the share of parameters that only
        one of them has."""
        sketch = self._hypotheses.sketch(variant, planted, seen)
        if sketch is None:
            return -1.0
        apart = (sketch.signature - seen.signature).total() + (seen.signature - sketch.signature).total()
        trace = self._hypotheses.trace(variant, planted, seen) if seen.trace is not None else None
        shared = _share(trace, seen.trace) if trace is not None and seen.trace is not None else 0.0
        return shared - apart / max(1, seen.signature.total())

    # ------------------------------------------------------------------ what the next mistake must do

    def _likely(self, variant: int, lead: Lead) -> list[Step]:
        """Mistakes that bring the parameters that are missing; if none are, that change something at these places, or
        put parameters in another order."""
        return [done.step for done in self._all_done(variant, lead.seen) if self._is_likely(variant, done, lead)]

    def _at_lead(self, variant: int, lead: Lead) -> list[Step]:
        """Those of them that change something at these places."""
        return [done.step for done in self._all_done(variant, lead.seen) if self._is_at_lead(variant, done, lead)]

    def _all_done(self, variant: int, seen: Seen) -> list[Done]:
        """What every mistake does to a right answer in one case; kept."""
        if (variant, seen) not in self._done:
            effects = ((step, self._hypotheses.effect(variant, step, seen)) for step in self._steps)
            self._done[variant, seen] = [Done(step, effect, seen.known(effect.parts)) for step, effect in effects]
        return self._done[variant, seen]

    def _is_likely(self, variant: int, done: Done, lead: Lead) -> bool:
        return self._is_at_lead(variant, done, lead) or self._hides_its_place(variant, done, lead)

    def _hides_its_place(self, variant: int, done: Done, lead: Lead) -> bool:
        """Could the values leave the student's somewhere else than where a mistake changes something?"""
        if lead.missing or lead.is_silent or (done.parts and not done.effect.drops):
            return False
        return self._reorders(variant, done.step, lead)

    def _is_at_lead(self, variant: int, done: Done, lead: Lead) -> bool:
        if not done.effect.touched:
            # Beside the first mistake it may do something where it does nothing in a right answer.
            beside = bool(lead.planted) and not lead.is_silent and lead.is_exact
            return beside and self._acts(variant, done.step)
        if lead.missing:
            return done.parts == lead.missing
        if done.parts and not done.effect.drops:
            return False
        if lead.is_silent:
            # Beside another mistake it may be silent where it is not alone; what it gives then is soon told.
            beside = bool(lead.planted) and lead.probe is not None
            return beside or self._hypotheses.is_silent(variant, done.step, lead.seen)
        return lead.is_at(done.effect)

    def _acts(self, variant: int, step: Step) -> bool:
        """Does a mistake change anything in any case?"""
        return any(self._hypotheses.effect(variant, step, seen).touched for seen in self._hypotheses.seen)

    def _unlikely(self, variant: int, lead: Lead) -> list[Step]:
        """All others that leave the student's parameters; where it raised, and little is known of them, others too."""
        return [
            done.step
            for done in self._all_done(variant, lead.seen)
            if done.effect.touched
            and (
                (done.effect.drops or not done.effect.parts)
                if not lead.missing
                else (lead.seen.has_raised and done.effect.parts)
            )
            and not self._is_likely(variant, done, lead)
        ]

    # ------------------------------------------------------------------ two mistakes

    def _pairs(self, leads: dict[int, Lead]) -> list[Explanation]:
        for start, found in self._tried(leads):
            if found:
                variant, first = start.variant, start.first
                like_first = [step for step in self._alike(variant, first, leads[variant]) if step is not first]
                too = [self._explaining(variant, step, pair[1]) for step in like_first for pair in found]
                return _one_of_each([*found, *(pair for pair in too if pair is not None)])
        return []

    def _tried(self, leads: dict[int, Lead]) -> Iterator[tuple[Start, list[Explanation]]]:
        """First mistakes, each with the pairs of it that explain everything, as far as it is worth while.

        The most promising ones are tried in front of all second ones before any is tried behind them: that takes
        longest, and is seldom what happened.
        """
        tried = 0.0
        self._most_asked = self._hypotheses.asked + MOST_ASKED
        firsts = self._firsts(leads)
        promising: list[Start] = []
        for start in self._starts(islice(firsts, MOST_TURNED)):
            yield start, self._in_order(start)
            promising.append(start)
        for start in promising:
            yield start, self._with_seconds(start, self._if_turned(start, start.seconds))
            tried += self._cost(start.variant) * (COST_OF_FIRST + 2 * len(start.seconds))
        for rank, start in enumerate(self._starts(firsts), MOST_TURNED):
            if tried > MOST_TRIED or self._is_over:
                return
            yield start, self._in_order(start)
            lead = leads[start.variant]
            hidden = [step for step in start.seconds if self._is_hidden(start.variant, step, lead)]
            yield start, self._with_seconds(start, self._if_turned(start, hidden if rank < MOST_HIDDEN else []))
            tried += self._cost(start.variant) * (COST_OF_FIRST + len(start.seconds) + len(hidden))

    def _cost(self, variant: int) -> float:
        """How much longer it takes to try a mistake in a right answer than in a usual one, which takes 1."""
        return max(1.0, self._hypotheses.size(variant) / USUAL_NODES)

    def _starts(self, firsts: Iterable[tuple[int, Step]]) -> Iterator[Start]:
        """First mistakes with the second ones that come into question, where there is anything to go by."""
        for variant, first in firsts:
            if self._planted > MOST_PLANTED:
                return
            lead = find_lead(self._hypotheses, variant, (first,))
            if lead is not None:
                seconds = [step for step in self._seconds(variant, first, lead) if step.mistake != first.mistake]
                yield Start(variant, first, lead, seconds)

    def _is_hidden(self, variant: int, step: Step, lead: Lead) -> bool:
        """Does a mistake change nothing where a first one is found?"""
        return not self._hypotheses.effect(variant, step, lead.seen).touched

    def _in_order(self, start: Start) -> list[Explanation]:
        """Pairs of a first mistake and what may follow."""
        return self._with_seconds(start, self._not_refuted(start.variant, start.lead, start.seconds))

    def _if_turned(self, start: Start, seconds: list[Step]) -> Iterator[Step]:
        """Second mistakes that give the student's output if they are made before the first one: not all can be made in
        either order."""
        lead = start.lead
        if not lead.is_exact or lead.probe is None:
            return
        for step in seconds:
            form = self._hypotheses.form(start.variant, (step,), lead.seen)
            if form is None:
                continue
            glances = self._glances(start.variant, start.first, form, lead, lead.probe)
            # What they cannot tell is left to those that need not be turned.
            if any(glance.is_known and lead.seen.could_come_of(glance, lead.probe) for glance in glances):
                yield step

    def _with_seconds(self, start: Start, seconds: Iterable[Step]) -> list[Explanation]:
        """Pairs that explain everything; of each second mistake one way."""
        found: dict[str, Explanation] = {}
        for second in seconds:
            if self._is_over:
                break
            if second.mistake in found:
                continue
            if (pair := self._explaining(start.variant, start.first, second)) is not None:
                found[second.mistake] = pair
        return list(found.values())

    @property
    def _is_over(self) -> bool:
        """Have so many pairs been tried that there is most likely none?"""
        return self._paired > MOST_PAIRS or self._hypotheses.asked > self._most_asked

    def _explaining(self, variant: int, first: Step, second: Step) -> Explanation | None:
        """Two mistakes in the order in which they explain everything, if they do."""
        both = {first.mistake, second.mistake}
        if len(both) < 2 or both == CONTRADICTION:
            return None
        self._paired += 1
        orders = ((first, second), (second, first))
        return next((pair for pair in orders if self._hypotheses.explains(variant, pair)), None)

    def _firsts(self, leads: dict[int, Lead]) -> Iterator[tuple[int, Step]]:
        """First mistakes of a pair, the most promising first.

        Where only gradients differ, none but those that detach something; those that bring all parameters that are
        missing, or change something at the right place if none are, and come nearer to the student's values, in front
        of others if they bring them in the other cases too; those that leave as many to bring as another mistake
        brings; those that leave all of that to another one, and change something there; the first ones again, if they
        come no nearer; any that leave all to another one; and those that bring some of the parameters, since two
        mistakes together may bring others than both do alone.
        """
        ranked: list[tuple[int, float, float, int, Step]] = []
        for variant, lead in leads.items():
            every = self._all_done(variant, lead.seen)
            known = {done.parts for done in every}
            root = self._likeness(variant, (), lead.seen)
            for done in every:
                step, effect, parts = done.step, done.effect, done.parts
                if lead.is_of_gradients and not self._hypotheses.detaches(variant, step, lead.seen):
                    continue
                left = less(lead.missing, parts)
                moves_biases = not parts and self._hypotheses.moves_biases(variant, step, lead.seen)
                if moves_biases or self._is_likely(variant, done, lead):
                    likeness = self._likeness(variant, (step,), lead.seen)
                    nearer = likeness > root or lead.is_silent
                    rank = -1 if lead.is_of_gradients else 0 if nearer else 3
                    elsewhere = self._hypotheses.unlike_parts(variant, step) if parts else 0
                    ranked.append((rank, elsewhere, -likeness, variant, step))
                elif not effect.touched:
                    continue
                elif parts and left in known and (lead.missing or lead.is_at(effect)):
                    ranked.append((1, size(left), 0.0, variant, step))
                elif not parts and lead.missing in known:
                    ranked.append((2 if lead.is_at(effect) else 4, 0.0, 0.0, variant, step))
                elif parts and size(left) < size(lead.missing):
                    ranked.append((5, size(left), 0.0, variant, step))
        ranked.sort(key=lambda first: first[:4])
        return ((variant, step) for *_, variant, step in ranked)

    def _seconds(self, variant: int, first: Step, lead: Lead) -> list[Step]:
        """Second mistakes that bring what a first one leaves to bring, by themselves or beside it: if there are some
        that do by themselves, only other ways to make these are planted to see."""
        found = self._likely(variant, lead)
        if not lead.missing:
            return found
        own = set(found)
        every = self._all_done(variant, lead.seen)
        steps = [done.step for done in every if done.effect.touched and done.effect.parts]
        likely = {step.mistake for step in steps if step in own}
        bringing = [step for step in steps if step not in own and (not likely or step.mistake in likely)]
        self._planted += 2 * len(bringing) * len(lead.forms[0].parts)
        return found + [
            step
            for step in bringing
            if any(self._hypotheses.has_parts(variant, pair, lead.seen) for pair in ((first, step), (step, first)))
        ]

    def _alike(self, variant: int, first: Step, lead: Lead) -> list[Step]:
        """Mistakes that give the same output as another one, where they are told apart first."""
        mine = self._hypotheses.sketch(variant, (first,), lead.seen)
        likely = ((step, self._hypotheses.sketch(variant, (step,), lead.seen)) for step in self._likely(variant, lead))
        return [step for step, sketch in likely if mine and sketch and mine.gives_as(sketch)]

    def _not_refuted(self, variant: int, lead: Lead, steps: list[Step]) -> list[Step]:
        """Further mistakes without those that give another output than the student's, or raise elsewhere, as far as
        that is quickly told; where only gradients differ, without those that detach nothing."""
        if lead.is_of_gradients:
            return [step for step in steps if self._hypotheses.detaches(variant, step, lead.seen)]
        # With redundant biases it is open which layers have them until there are the student's parameters.
        if lead.probe is None or not (lead.is_exact or lead.seen.biases <= 0):
            return steps
        probe = lead.probe
        return [
            step
            for step in steps
            if (not lead.planted and self._hypotheses.moves_biases(variant, step, lead.seen))
            or any(
                lead.seen.could_come_of(glance, probe)
                for form in lead.forms
                for glance in self._glances(variant, step, form, lead, probe)
            )
        ]

    def _glances(self, variant: int, step: Step, form: Form, lead: Lead, probe: Probe) -> list[Glance]:
        """What a further mistake may make of a form that has, or has not, the mistakes of a lead.

        Parameters may stand in other slots with it if it puts them in another order or leaves some unused, or if there
        are others than in the right form already. What raises does so wherever they stand.
        """
        drops = self._hypotheses.effect(variant, step, lead.seen).drops
        brought = any(self._hypotheses.effect(variant, first, lead.seen).parts for first in lead.planted)
        moves = drops or brought or self._reorders(variant, step, lead)
        return self._hypotheses.glances(step, form, probe, moves=moves and not lead.seen.has_raised, keeps=drops)


def _share(one: Trace, other: Trace) -> float:
    """The share of the values of both that are in both."""
    shared = len(one.found_in(other)) + len(other.found_in(one))
    return shared / max(1, len(one.nodes) + len(other.nodes))


def _one_of_each(found: Iterable[Explanation]) -> list[Explanation]:
    """The first way of each set of mistakes."""
    kept: dict[frozenset[str], Explanation] = {}
    for explanation in found:
        kept.setdefault(frozenset(step.mistake for step in explanation), explanation)
    return list(kept.values())
