"""Hypotheses: right forms with mistakes planted in them, held against what was seen of a student's module."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from grader.judge.behaviour import behaves_like, is_silent_like, orders, possible_orders
from grader.judge.examined import RightAnswers
from grader.judge.failures import Failure, fails_like, lacks_parts
from grader.judge.forms import Edit, Form
from grader.judge.observed import ALIKE, RECORDED, Observation
from grader.judge.slots import Signature
from grader.judge.trace import Digest, Trace, digest, is_near
from grader.judge.trial import Glance
from grader.judge.wrongs import Effect, Parts, Sketch, more_parts, redundant_biases
from grader.mistakes._mistake import Plant
from grader.observation import Precision, Probe

FORMS_AT_ONCE = 2  # of a hypothesis, that count as one that is asked: where slots are not told there are dozens
# Relative; what is further apart at a glance is not looked at.
ROUGHLY: dict[Precision, float] = {"float64": 1e-5, "float32": 1e-3}


@dataclass(frozen=True)
class Step:
    """One way to make one mistake."""

    mistake: str
    plant: Plant

    @property
    def edit(self) -> Edit:
        return self.plant.edits[0]


Explanation = tuple[Step, ...]


class Seen:
    """An observation, with what the search asks of it again and again."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation
        self.case = observation.case
        self.has_raised = observation.built.raised is not None
        self.is_bare = self.has_raised and not observation.built.tensors  # it raised before there were parameters
        self.signature: Signature = observation.signature
        self.biases = redundant_biases(self.signature)
        self._outputs: dict[str, Digest | None] = {}

    @property
    def trace(self) -> Trace | None:
        return self.observation.trace

    @property
    def _roughly(self) -> float:
        return ROUGHLY[self.observation.precision]

    def output(self, probe: Probe) -> Digest | None:
        """The output on a probe, in short."""
        if probe.name not in self._outputs:
            answer = self.observation.answers.get(probe.name)
            found = digest(answer.y) if answer is not None and answer.y is not None else None
            self._outputs[probe.name] = found
        return self._outputs[probe.name]

    def known(self, parts: Parts) -> Parts:
        """Of some parameters those of which it is known what they are: of a module that raised only weights, and none
        if it raised before there were any."""
        if not self.has_raised:
            return parts
        return frozenset(part for part in parts if part[0][0] == "weight" and not self.is_bare)

    def could_be(self, sketch: Sketch) -> bool:
        """At a glance, can it be what this form is?"""
        if sketch.signature != self.signature:
            return False
        if RECORDED.name not in self.observation.answers:
            return True  # it was not asked
        output = self.output(RECORDED)
        if sketch.output is None or output is None:
            return sketch.output is output
        return is_near(output, sketch.output, self._roughly)

    def could_come_of(self, glance: Glance, probe: Probe) -> bool:
        """Can it be what gives this, its parameters being these? Told by the output, or by what raised."""
        raised = self.observation.built.raised
        if raised is not None:
            if lacks_parts(raised):
                return glance.operation == "getitem"
            return raised.operation is None or glance.raises(raised.operation)
        answer = self.observation.answers.get(probe.name)
        if answer is not None and answer.raised is not None and answer.y is None:
            return bool(glance.operation)  # it raised
        output = self.output(probe)
        is_told = self.observation.recorded or probe.name == ALIKE.name
        if not is_told or output is None or not glance.is_known:
            return True  # not known, or not which parameter is which
        return glance.output is not None and is_near(output, glance.output, self._roughly)


class Hypotheses:
    """Mistakes planted in the right answers of one exercise, for one submission.

    Attributes:
        seen: the cases.
        asked: how often one was held against what the student's module does, for all that its parameters tell.
    """

    def __init__(self, answers: RightAnswers, observations: Iterable[Observation]) -> None:
        self._wrongs = answers.wrongs
        self._variants = range(len(answers.reference.variants))
        self.asked = 0
        # Those of which more is known tell sooner.
        self.seen = sorted(map(Seen, observations), key=lambda seen: not seen.observation.recorded)
        # Not every module can be asked anything in every case; see `grader.judge.examine`.
        asked = [seen for seen in self.seen if seen.has_raised or seen.observation.probes]
        self._telling = sorted(asked or self.seen, key=lambda seen: seen.case.confirm)

    def effect(self, variant: int, step: Step, seen: Seen) -> Effect:
        """What a mistake does to the right form in a case."""
        return self._wrongs.effect(step.edit, seen.case, variant)

    def detaches(self, variant: int, step: Step, seen: Seen) -> bool:
        """Does a mistake make values without gradient?"""
        return self._wrongs.detaches(step.edit, seen.case, variant)

    def reorders(self, variant: int, step: Step, seen: Seen) -> bool:
        """Does another one of the right form's parameters come first with a mistake?"""
        return self._wrongs.reorders(step.edit, seen.case, variant)

    def unlike_parts(self, variant: int, step: Step) -> int:
        """In how many cases does the mistake alone bring or take other parameters than the student's module tells?"""
        return sum(not self._brings(variant, step, seen) for seen in self.seen)

    def _brings(self, variant: int, step: Step, seen: Seen) -> bool:
        effect = self.effect(variant, step, seen)
        missing = self._missing(variant, seen)
        return missing == seen.known(effect.parts) or (effect.drops and not missing)

    def _missing(self, variant: int, seen: Seen) -> Parts:
        """Which parameters the student's module has more of than the right form."""
        return seen.known(more_parts(seen.signature, self._wrongs.plain(seen.case, variant).signature))

    def moves_biases(self, variant: int, step: Step, seen: Seen) -> bool:
        """Does the mistake bring or take biases? Without it the student's are then taken for others of one size."""
        return self._wrongs.moves_biases(step.edit, seen.case, variant)

    def form(self, variant: int, planted: Explanation, seen: Seen) -> Form | None:
        """A hypothesis in one case: with the student's parameters, if it can have them."""
        forms = self.forms(variant, planted, seen)
        return next((form for form in forms if form.signature == seen.signature), forms[0] if forms else None)

    def forms(self, variant: int, planted: Explanation, seen: Seen) -> list[Form]:
        """A hypothesis in one case, with everything that is left open."""
        edits = self._edits(variant, planted, seen)
        return self._wrongs.planted(edits, seen.case, variant, seen.biases, recorded=seen.observation.recorded)

    def size(self, variant: int) -> float:
        """How many nodes a right answer has, over all cases."""
        return fmean(len(self._wrongs.plain(seen.case, variant).recorded.nodes) for seen in self.seen)

    def has_parts(self, variant: int, planted: Explanation, seen: Seen) -> bool:
        """Can a hypothesis have the student's parameters in one case, but for shifts?"""
        parts = self._wrongs.parts(self._edits(variant, planted, seen), seen.case, variant)
        return self._missing(variant, seen) in map(seen.known, parts)

    def sketch(self, variant: int, planted: Explanation, seen: Seen) -> Sketch | None:
        """A hypothesis in one case at a glance, of mistakes that were planted before: as `form`."""
        sketches = self._sketches(variant, planted, seen)
        return sketches[0] if sketches else None

    def trace(self, variant: int, planted: Explanation, seen: Seen) -> Trace | None:
        """What that hypothesis passes through."""
        edits = self._edits(variant, planted, seen)
        return self._wrongs.trace(edits, seen.case, variant, seen.signature, recorded=seen.observation.recorded)

    def glances(self, step: Step, form: Form, probe: Probe, *, moves: bool, keeps: bool) -> list[Glance]:
        """What one more mistake may make of a form; nothing where it cannot be made.

        Args:
            moves: may parameters stand in other slots with it?
            keeps: may parameters that it leaves unused still be registered, so that the others stay where they are?
        """
        found: list[Glance | None] = []
        if moves:
            found.append(self._wrongs.glance(form, step.edit, probe, moved=True))
        if keeps or not moves:
            found.append(self._wrongs.glance(form, step.edit, probe))
        return [glance for glance in found if glance is not None]

    def is_silent(self, variant: int, step: Step, seen: Seen) -> bool:
        """Does the mistake leave the outputs of this probe as they are, but for rounding? It shows in gradients, in
        training, or at other sizes."""
        root = self.form(variant, (), seen)
        return root is not None and self._wrongs.is_silent(step.edit, seen.case, root, RECORDED)

    def explains(self, variant: int, planted: Explanation) -> bool:
        """Does the reference with these mistakes behave as the student's code does, in all cases?

        What is proven in full in the other cases is seen once more in the large ones that confirm it.
        """
        for seen in self._telling:
            if not self.fits(variant, planted, seen, at_once=True):
                # What refutes one often refutes the next: it is asked first, but for the large cases, which take long.
                if not seen.case.confirm:
                    self._telling = [seen, *(each for each in self._telling if each is not seen)]
                return False
        return all(self.fits(variant, planted, seen) for seen in self._proving)

    @property
    def is_wrong_at_large(self) -> bool:
        """Is the student's code wrong in nothing but the large cases that confirm? Each hypothesis takes long there."""
        return any(seen.case.confirm for seen in self._proving)

    @cached_property
    def _proving(self) -> list[Seen]:
        """The cases that do not only confirm, unless they have nothing to prove: in all of them the code is right."""
        found = [seen for seen in self.seen if not seen.case.confirm]
        return self.seen if all(self._is_right(seen) for seen in found) else found

    def _is_right(self, seen: Seen) -> bool:
        return any(self.fits(variant, (), seen) for variant in self._variants)

    def fits(self, variant: int, planted: Explanation, seen: Seen, *, at_once: bool = False) -> bool:
        """Does it in one case? At once, by the output on the first probe: most hypotheses are refuted by that."""
        if seen.has_raised:
            self.asked += at_once
            return any(fails_like(seen.observation, failure) for failure in self._failures(variant, planted, seen))
        glanced = len(planted) < 2 and seen.observation.recorded
        if glanced and not any(seen.could_be(sketch) for sketch in self._sketches(variant, planted, seen)):
            return False
        forms = _with_slots_of(seen, self.forms(variant, planted, seen), possible_orders)
        self.asked += at_once * -(-len(forms) // FORMS_AT_ONCE)
        return any(
            behaves_like(seen.observation, [form], at_once=at_once)
            and (at_once or not planted or is_silent_like(seen.observation, form))
            for form in forms
        )

    def chooses(self, variant: int, step: Step) -> bool:
        """Does the student's code behave, on each probe, as with one of the mistake's edits?"""
        return all(self._fits_one_of(variant, step, seen) for seen in self.seen)

    def _fits_one_of(self, variant: int, step: Step, seen: Seen) -> bool:
        ways = [Step(step.mistake, Plant((edit,))) for edit in step.plant.edits]
        if seen.has_raised:
            return any(self.fits(variant, (way,), seen) for way in ways)
        # For each edit the forms with the student's slots: one, or one for each way to fill like slots. That one edit
        # does something else on a probe rules none of them out: the code may take another way there.
        found = [_with_slots_of(seen, self.forms(variant, (way,), seen), orders) for way in ways]
        return any(behaves_like(seen.observation, forms) for forms in zip(*found, strict=False))

    def _sketches(self, variant: int, planted: Explanation, seen: Seen) -> list[Sketch]:
        edits = self._edits(variant, planted, seen)
        return self._wrongs.sketches(edits, seen.case, variant, seen.signature, recorded=seen.observation.recorded)

    def _failures(self, variant: int, planted: Explanation, seen: Seen) -> list[Failure]:
        edits = self._edits(variant, planted, seen)
        return self._wrongs.failures(edits, seen.case, variant, seen.biases, seen.observation.sizes)

    def _edits(self, variant: int, planted: Explanation, seen: Seen) -> tuple[Edit, ...]:
        """A first mistake that changes nothing in this case is left out: what remains is known already more often than
        not. A second one may change something only together with the first."""
        edits = tuple(step.edit for step in planted)
        if len(edits) > 1 and not self._wrongs.effect(edits[0], seen.case, variant).touched:
            return edits[1:]
        return edits


def _with_slots_of(seen: Seen, forms: list[Form], ways: Callable[[Observation, Form], list[Form]]) -> list[Form]:
    """Forms with the student's slots; with these ways to fill like slots, where its graph does not tell which."""
    like = [form for form in forms if form.signature == seen.signature]
    return like if seen.observation.recorded else [each for form in like for each in ways(seen.observation, form)]
