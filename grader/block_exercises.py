"""Parts of networks, each compared with the module exercises of the same assignment: is it one of their blocks?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from grader.assignment import Argument, Assignment, Case, ModuleExercise
from grader.checks import asked_probes, checks
from grader.earlier import lines
from grader.graph import Graph
from grader.judge.activations import activate_input
from grader.judge.behaviour import behaves_like
from grader.judge.examine import examine
from grader.judge.examined import Examined, RightAnswers
from grader.judge.forms import Edit, Form
from grader.judge.latest import Latest
from grader.judge.leaves import places_in_graph
from grader.judge.narrow import fingerprint, narrowed, possible_factors
from grader.judge.network import JudgedBlock
from grader.judge.observed import RECORDED, Observation
from grader.judge.reference import Reference
from grader.judge.segments import Segment
from grader.judge.slots import Slot, fill_slots, signature
from grader.judge.standin import StandIn
from grader.judge.trusted import Untold
from grader.language import say
from grader.mistakes import diagnose
from grader.observation import Probe
from grader.verdict import CheckResult, Diagnosis, Proof

SECONDS = 20.0  # a stand-in answers at once: the guard bounds its work
MOST_KEPT = 2000  # computations that are known to be right, or not
MOST_CASES = 200  # sizes of blocks for which the references' answers are kept
MOST_WEIGHTS = 1 << 24  # numbers in one block
MOST_PAIRED = 1 << 16  # in one that cannot be made narrow, for which pairs of mistakes are tried
MOST_UNEXPLAINED = 2  # such blocks of one network of which no cause is found, before only known ones are tried
MAPS = [8, 8]  # on which a block is judged when narrow, whatever it was recorded on
SMALL_MAPS = [4, 4]  # on which the verdict is confirmed at the width that it has
ARGUMENTS = ("in_channels", "out_channels", "stride")
# Asked at the width that a block has, when its narrow self is judged. Of three samples, since modules are recorded
# with two: the search for mistakes then looks at the values on the way in the narrow case only.
CONFIRM = Probe("confirm", "random", batch=3, gradient=False)
DRAWN = replace(RECORDED, gradient=False)  # asked for the picture of a block: what it passes through
# Asked where a block cannot be made narrow, or run on other maps than it was recorded on.
AS_RECORDED = ("random", "random train", "zero", "zero branch", "constant branch")


@dataclass(frozen=True)
class Sizes:
    """What a block is made for, and the maps that it was recorded on."""

    channels_in: int
    channels_out: int
    stride: int
    maps: tuple[int, int]

    @staticmethod
    def of(graph: Graph) -> Sizes | None:
        """Of a part of a network; None if it does not lead from maps to maps."""
        given, made = graph.input.shape, graph.by_id[graph.output].shape
        if len(given) != 4 or len(made) != 4 or 0 in given or 0 in made:
            return None
        stride = round(given[2] / made[2])
        if given[2] == 1:  # maps of one pixel do not tell
            strides = [node.args[3] for node in graph.nodes if node.name == "convolution" and len(node.args) > 3]
            stride = max((s[0] for s in strides if isinstance(s, list) and s and isinstance(s[0], int)), default=1)
        return Sizes(given[1], made[1], max(1, stride), (given[2], given[3]))


@dataclass(frozen=True)
class Verdict:
    """A block that is not right: as an answer to which exercise it was judged, and its mistakes, if they are known."""

    exercise: str = ""
    call: str = ""
    checks: list[CheckResult] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)


class BlockExercises:
    """Module exercises as what blocks of networks are held against. Kept from submission to submission, with what is
    known of parts that were met before."""

    def __init__(self, assignment: Assignment, seed: int, device: str) -> None:
        self._assignment = assignment
        self._seed = seed
        self._device = device
        self._equal: Latest[ModuleExercise | None] = Latest(MOST_KEPT)
        # Of the submission that is judged: mistakes that were met, and verdicts on wrong blocks.
        self._met: set[str] = set()
        self._verdicts: dict[tuple[object, ...], Verdict] = {}
        self._unexplained: set[tuple[object, ...]] = set()
        self._unexplained_wide: set[tuple[object, ...]] = set()
        self._cases: set[str] = set()
        self._answers = self._all_answers()

    def _all_answers(self) -> list[RightAnswers]:
        """The references, without any kept answer."""
        return [
            RightAnswers(Reference(self._assignment, exercise), self._seed, self._device)
            for exercise in self._assignment.code_exercises
            if isinstance(exercise, ModuleExercise)
            and not exercise.withheld
            and set(ARGUMENTS) <= set(exercise.cases[0].arguments)
        ]

    def __bool__(self) -> bool:
        """Is there any?"""
        return bool(self._answers)

    def begin(self, met: Iterable[str]) -> None:
        """Another submission comes.

        Args:
            met: the mistakes that are known of it.
        """
        self._met = set(met)
        self._verdicts = {}
        self._unexplained, self._unexplained_wide = set(), set()
        # Networks come in all sizes, and memory must not grow with them.
        if len(self._cases) > MOST_CASES:
            self._cases.clear()
            self._answers = self._all_answers()

    def as_trained(self, block: JudgedBlock, segment: Segment) -> JudgedBlock:
        """A block that is not right if, as recorded in training mode, it has the parameters of a right one and gives
        something else: with the mistakes that explain it. A batch norm by hand does not use there what it keeps: then
        it is not told."""
        seen = [(graph, each) for graph in segment.extents for each in self._seen_in_training(graph)]
        extent = next((graph for graph, each in seen if each.right_form(each.observations[0])), None)
        if not seen or extent is not None:
            return replace(block, trained=extent or segment.extents[0])
        assert block.extent is not None
        number = next((i for i, each in enumerate(block.segment.extents) if each is block.extent), 0)
        trained = segment.extents[min(number, len(segment.extents) - 1)]
        verdict = self._mistakes(block.extent, True, trained)
        return replace(block, right=False, trained=trained, **vars(verdict))

    def _seen_in_training(self, graph: Graph) -> Iterator[Examined]:
        """What is seen of a part in training mode, as an answer to each exercise of whose references it could be."""
        sizes = Sizes.of(graph)
        if sizes is None:
            return
        for answers in self._answers:
            exercise = answers.reference.exercise
            factor, case = self._narrow_case(exercise, graph, sizes)
            probes = [probe for probe in _probes(exercise, case) if probe.train and probe.recipe == "random"]
            with suppress(Untold):
                small = narrowed(graph, factor)
                seen = self._observe(small, answers, case, probes, trains=True, trained=small)
                if seen.aligned is not None:
                    yield Examined(exercise, exercise.name, answers, [seen])

    def look_at(self, block: JudgedBlock) -> Examined | None:
        """A wrong block once more, as wide as it is and with the values on its way: so it can be drawn.

        None if it answers no exercise that is known, or cannot be run alone.
        """
        graph = block.segment.extents[0]
        answers = next((each for each in self._answers if each.reference.exercise.id == block.exercise), None)
        sizes = Sizes.of(graph)
        if answers is None or sizes is None:
            return None
        exercise = answers.reference.exercise
        for maps in (SMALL_MAPS, list(sizes.maps)):
            with suppress(Untold):
                seen = self._observe(graph, answers, self._case(exercise, sizes, 1, maps), [DRAWN], trains=False)
                return Examined(exercise, exercise.name, answers, [seen])
        return None

    def judge(self, block: JudgedBlock, trains: bool) -> JudgedBlock:
        """Right if any of its extents is; else with the mistakes that the likeliest extent makes."""
        right = self.right(block.segment, trains)
        if right is not None:
            call, extent = right
            return replace(block, compared=True, call=call, right=True, extent=extent)
        verdict = self._mistakes(block.segment.extents[0], trains)
        return replace(block, compared=True, **vars(verdict))

    def right(self, segment: Segment, trains: bool) -> tuple[str, Graph] | None:
        """The call of a reference that the block equals, and what of the network is the block then."""
        ways: list[Edit | None] = [None, activate_input] if segment.input_is_activated else [None]
        for way in ways:
            for graph in segment.extents:
                exercise = self._equals(graph, trains, way)
                if exercise is not None:
                    return _call(exercise, Sizes.of(graph)), graph
        return None

    def _mistakes(self, graph: Graph, trains: bool, trained: Graph | None = None) -> Verdict:
        """What a wrong block does wrong. The blocks of a network are often wrong alike.

        Args:
            trained: what it does in training mode, where that is told by a recording of its own.
        """
        key = (fingerprint(graph), frozenset(lines([graph])), trains, trained and fingerprint(trained))
        if key not in self._verdicts:
            self._verdicts[key] = self._search(graph, trains, trained)
        return self._verdicts[key]

    def _search(self, graph: Graph, trains: bool, trained: Graph | None) -> Verdict:
        call = ""
        for answers in self._nearest(graph):
            examined = self._examined(graph, answers, trains, trained)
            if examined is None:
                continue
            small = examined.observations[0].built.graph
            assert small is not None
            key = (fingerprint(small), answers.reference.exercise.id, trains, trained and fingerprint(trained))
            is_narrow = sum(math.prod(node.shape) for node in small.nodes if node.leaf) <= MOST_PAIRED
            tired = not is_narrow and len(self._unexplained_wide) >= MOST_UNEXPLAINED
            exercise = answers.reference.exercise
            call = call or _call(exercise, Sizes.of(graph))
            # What was met before is looked for first: a search among all mistakes takes much longer.
            diagnoses = _proven(examined, self._met) if self._met else []
            # What explains a block explains it when narrow, too: one that is the same then was searched already.
            if not diagnoses and key not in self._unexplained and not tired:
                diagnoses = _proven(examined, None, alone=not is_narrow)
            if not diagnoses:
                self._unexplained.add(key)
                if not is_narrow:
                    self._unexplained_wide.add(key)
            else:
                self._met |= {diagnosis.mistake for diagnosis in diagnoses}
                results = [checks()[name].judge(examined, points) for name, points in exercise.points.items()]
                return Verdict(exercise.id, _call(exercise, Sizes.of(graph)), results, diagnoses)
        return Verdict(call=call)

    def _nearest(self, graph: Graph) -> list[RightAnswers]:
        """The exercises whose references have a number of weighted layers that comes nearest to a block's."""
        sizes = Sizes.of(graph)
        if sizes is None:
            return []
        mine = _weights(fill_slots(places_in_graph(graph)))
        distances = []
        for answers in self._answers:
            case = self._narrow_case(answers.reference.exercise, graph, sizes)[1]
            distances.append(min(abs(mine - _weights(form.slots)) for form in answers.plain_forms(case)))
        return [each for each, distance in zip(self._answers, distances, strict=True) if distance == min(distances)]

    def _equals(self, graph: Graph, trains: bool, way: Edit | None) -> ModuleExercise | None:
        """The exercise whose reference a block equals.

        Args:
            way: what is done to the block, and to the reference, before they are compared.
        """
        key = (fingerprint(graph), trains, way)
        found = (each.reference.exercise for each in self._answers if self._is_right(graph, each, trains, way))
        return self._equal.get(key, lambda: next(found, None))

    def _is_right(self, graph: Graph, answers: RightAnswers, trains: bool, way: Edit | None) -> bool:
        graph = way(graph) if way else graph
        if self._differs_at_once(graph, answers, way):
            return False
        examined = self._examined(graph, answers, trains)
        return examined is not None and all(
            any(behaves_like(seen, [form.with_edit(way) if way else form]) for form in examined.right_forms(seen))
            for seen in examined.observations
        )

    def _differs_at_once(self, graph: Graph, answers: RightAnswers, way: Edit | None) -> bool:
        """Has a block other parameters than a right one, or another output on the first input? Most wrong ones have."""
        sizes = Sizes.of(graph)
        if sizes is None:
            return True
        exercise = answers.reference.exercise
        factor, case = self._narrow_case(exercise, graph, sizes)
        small = narrowed(graph, factor)
        if not _is_alike(small, answers.forms(case)):
            return True
        first = [replace(probe, gradient=False) for probe in _probes(exercise, case) if probe.recipe == "random"][:1]
        try:
            seen = self._observe(small, answers, case, first, trains=True)
        except Untold:
            return False
        examined = Examined(exercise, exercise.name, answers, [seen])
        forms = (form.with_edit(way) if way else form for form in examined.right_forms(seen))
        return bool(first) and not any(behaves_like(seen, [form]) for form in forms)

    def _examined(
        self, graph: Graph, answers: RightAnswers, trains: bool, trained: Graph | None = None
    ) -> Examined | None:
        """A block as if it were a submission of a module exercise; None if it cannot be run as one."""
        sizes = Sizes.of(graph)
        if sizes is None or sum(math.prod(node.shape) for node in graph.nodes if node.leaf) > MOST_WEIGHTS:
            return None
        exercise = answers.reference.exercise
        factor, case = self._narrow_case(exercise, graph, sizes)
        small, small_trained = narrowed(graph, factor), trained and narrowed(trained, factor)
        try:
            probes = _probes(exercise, case)
            seen = [self._observe(small, answers, case, probes, trains=trains, trained=small_trained)]
            if factor > 1:
                wide = self._case(exercise, sizes, 1, SMALL_MAPS)
                seen.append(self._observe(graph, answers, wide, [CONFIRM], trains=trains, trained=trained))
        except Untold:
            as_recorded = self._case(exercise, sizes, 1, list(sizes.maps))
            probes = [replace(p, batch=2, grow=(0, 0)) for p in _probes(exercise, case) if p.name in AS_RECORDED]
            try:
                seen = [self._observe(graph, answers, as_recorded, probes, trains=trains, trained=trained)]
            except Untold:
                return None
        asked = exercise.model_copy(update={"cases": [each.case for each in seen]})
        return Examined(asked, exercise.name, answers, seen)

    def _observe(
        self,
        graph: Graph,
        answers: RightAnswers,
        case: Case,
        probes: Iterable[Probe],
        *,
        trains: bool,
        trained: Graph | None = None,
    ) -> Observation:
        """What is seen of a part.

        Args:
            trains: does it tell what is done in training mode?
            trained: what was recorded there, where it was.
        """
        return examine(
            StandIn(graph, trained=trained),
            answers.reference.exercise.name,
            case,
            [probe for probe in probes if trains or not probe.train],
            forms=answers.forms(case),
            output_shape=lambda shape: answers.reference.output_shape(case, shape),
            seed=self._seed,
            seconds=SECONDS,
        )

    def _narrow_case(self, exercise: ModuleExercise, graph: Graph, sizes: Sizes) -> tuple[int, Case]:
        """By what to divide the channels, and the case that remains: a declared one if the proportions allow."""
        factors = possible_factors(graph) or [1]
        for factor in factors:
            for case in exercise.cases:
                narrow = (sizes.channels_in // factor, sizes.channels_out // factor, sizes.stride)
                if not case.confirm and narrow == tuple(map(case.arguments.get, ARGUMENTS)):
                    return factor, case
        return factors[0], self._case(exercise, sizes, factors[0], MAPS)

    def _case(self, exercise: ModuleExercise, sizes: Sizes, factor: int, maps: list[int]) -> Case:
        """A case of an exercise for a block of this size; what else the exercise declares is as in its first case."""
        given, made = sizes.channels_in // factor, sizes.channels_out // factor
        arguments: dict[str, Argument] = {
            **exercise.cases[0].arguments,
            **dict(zip(ARGUMENTS, (given, made, sizes.stride), strict=True)),
        }
        title = say(
            "{given} to {made} channels, stride {stride}, on {size}",
            given=given,
            made=made,
            stride=sizes.stride,
            size=f"{maps[0]}×{maps[1]}",
        )
        self._cases.add(title)
        return Case(title=title, arguments=arguments, input=[given, *maps])


def _proven(examined: Examined, among: set[str] | None, *, alone: bool = False) -> list[Diagnosis]:
    """The mistakes whose replay does what a block does; what else may be noticed in a module is not of a block."""
    return [diagnosis for diagnosis in diagnose(examined, among, alone=alone) if diagnosis.proof is Proof.REPLAYED]


def _probes(exercise: ModuleExercise, case: Case) -> list[Probe]:
    """All that the exercise's checks ask in a case, each once. A declared one shares the inputs with the others there;
    a block is judged in this one alone."""
    others = [each for each in exercise.cases if each != case]
    return asked_probes(exercise.model_copy(update={"cases": others}), case)


def _is_alike(graph: Graph, forms: Iterable[Form]) -> bool:
    """Has a block the parameters of an accepted form?"""
    mine = signature(fill_slots(places_in_graph(graph)))
    return any(form.signature == mine for form in forms)


def _weights(slots: Iterable[Slot]) -> int:
    return sum(slot.role == "weight" for slot in slots)


def _call(exercise: ModuleExercise, sizes: Sizes | None) -> str:
    """The block as the student would write it."""
    if sizes is None:
        return exercise.name
    return f"{exercise.name}({sizes.channels_in}, {sizes.channels_out}, {sizes.stride})"
