"""Judge a network block by block, each against the module exercises of the same assignment."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from grader.assignment import Argument, Assignment, Case, ModuleExercise, NetworkExercise
from grader.checks import checks
from grader.graph import Graph
from grader.judge.activations import activate_input
from grader.judge.behaviour import behaves_like
from grader.judge.examine import examine
from grader.judge.examined import SHARED_WEIGHTS, Examined, Large, RightAnswers
from grader.judge.forms import Edit, Form
from grader.judge.latest import Latest
from grader.judge.leaves import places_in_graph
from grader.judge.narrow import fingerprint, narrowed, possible_factors
from grader.judge.network import JudgedBlock, RecordedNetwork
from grader.judge.observed import RECORDED, Observation
from grader.judge.plan import blocks_of
from grader.judge.planned import PlannedNetworks
from grader.judge.reference import Reference
from grader.judge.segments import Segment, segments
from grader.judge.slots import Slot, fill_slots, signature
from grader.judge.standin import StandIn
from grader.judge.trusted import Untold
from grader.language import say
from grader.mistakes import diagnose
from grader.observation import Probe, Raised
from grader.verdict import CheckResult, Diagnosis, ExerciseReport, Proof, Status

SECONDS = 20.0  # a stand-in answers at once: the guard bounds its work
MOST_KEPT = 2000  # computations that are known to be right, or not
MOST_CASES = 200  # sizes of blocks for which the references' answers are kept
PATIENCE = 45.0  # seconds for the blocks of one network; real ones take a few; what is left goes to a human
MOST_WEIGHTS = 1 << 24  # numbers in one block
MOST_PAIRED = 1 << 16  # in one that cannot be made narrow, for which pairs of mistakes are tried
MOST_UNEXPLAINED = 2  # such blocks of one network of which no cause is found, before only known ones are tried
MAPS = [8, 8]  # on which a block is judged when narrow, whatever it was recorded on
SMALL_MAPS = [4, 4]  # on which the verdict is confirmed at the width that it has
FAILED = (Status.FAILED, Status.STUDENT_CRASHED)
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
class Earlier:
    """An exercise that was judged before the network."""

    examined: Examined
    report: ExerciseReport

    @property
    def broke(self) -> bool:
        """Did the grader fail on some of it?"""
        return any(check.status is Status.GRADER_BROKE for check in self.report.checks)


@dataclass(frozen=True)
class Verdict:
    """A block that is not right: as an answer to which exercise it was judged, and its mistakes, if they are known."""

    exercise: str = ""
    call: str = ""
    checks: list[CheckResult] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)


class BlockJudge:
    """Judges blocks of networks. Kept from submission to submission, with its verdicts on what it has met before."""

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
        self.planned = PlannedNetworks(assignment, seed)
        self._cases: set[str] = set()
        self._answers: list[RightAnswers] = []
        self._start_afresh()

    def _start_afresh(self) -> None:
        """The references without any kept answer: networks come in all sizes, and memory must not grow with them."""
        self._cases.clear()
        self._answers = [
            RightAnswers(Reference(self._assignment, exercise), self._seed, self._device)
            for exercise in self._assignment.code_exercises
            if isinstance(exercise, ModuleExercise)
            and not exercise.withheld
            and set(ARGUMENTS) <= set(exercise.cases[0].arguments)
        ]

    def judge(self, examined: Examined, earlier: Mapping[str, Earlier]) -> None:
        """Judge every block of a network; what is found is noted in `examined`.

        Args:
            earlier: the exercises judged before, by id; their mistakes do not cost again.
        """
        assert isinstance(examined.exercise, NetworkExercise)
        network = examined.network
        self._note_paid(examined, earlier)
        if examined.exercise.withheld:
            return  # what blocks are compared with is not there
        examined.planned_parameters = self.planned.parameters(examined.exercise)
        examined.other_call = self.planned.of_another_call(examined)
        if network.graph is None:
            return
        deadline = time.monotonic() + PATIENCE
        self._verdicts = {}
        self._unexplained, self._unexplained_wide = set(), set()
        self._met = set(examined.paid)
        examined.plan = self.planned.stages(examined.exercise)
        compares = examined.exercise.blocks == "as-exercises" and bool(self._answers)
        # Chains may be blocks whose mistake is known from their own exercise.
        known_wrong = any(not each.report.correct for each in earlier.values())
        examined.blocks = self._take_apart(network, earlier, deadline, compares=compares, try_chains=known_wrong)
        if network.trained is not None:
            examined.blocks = self._in_training(examined.blocks, network.trained)
        if examined.exercise.trunk == "as-reference":
            seen = examined.taken_apart
            assert seen is not None
            examined.trunk = self.planned.trunk(examined.exercise, seen, network, examined.blocks)
            examined.unconfirmed = self.planned.unconfirmed(examined)
            if compares and examined.trunk is None and all(block.right or block.excused for block in examined.blocks):
                self._take_large_apart(examined, earlier, deadline)
        examined.excused_parameters = self.planned.excused_parameters(examined)
        if len(self._cases) > MOST_CASES:
            self._start_afresh()

    def _take_apart(
        self,
        network: RecordedNetwork,
        earlier: Mapping[str, Earlier],
        deadline: float,
        *,
        compares: bool,
        try_chains: bool,
    ) -> list[JudgedBlock]:
        """The blocks of a network, first to last.

        Args:
            compares: are they compared with the module exercises?
            try_chains: may chains be blocks, where nothing has a skip?
        """
        assert network.graph is not None
        found = segments(network.graph)
        try_chains = try_chains and not any(segment.has_skip for segment in found)
        blocks: list[JudgedBlock] = []
        number = 0
        for segment in found:
            number += segment.has_skip or segment.among_blocks
            # The number that nn.Sequential calls it by counts other layers too, and says nothing.
            name = "" if segment.path.isdecimal() else segment.path
            block = JudgedBlock(name or say("block {n}", n=max(1, number)), segment)
            is_candidate = segment.has_skip or segment.among_blocks or try_chains
            if compares and is_candidate:
                in_time = time.monotonic() < deadline
                block = self._judge(block, network.trains) if in_time else replace(block, late=True)
                block = replace(block, excused=_excuse(block, earlier))
            if segment.has_skip or block.excused or (block.diagnoses and (segment.among_blocks or try_chains)):
                blocks.append(block)
        return blocks

    def _take_large_apart(self, examined: Examined, earlier: Mapping[str, Earlier], deadline: float) -> None:
        """Judge the blocks of a network in the cases that only confirm, too: of its like in the smaller one none is
        wrong, but another kind may be used here, or another way.

        Where the blocks are right as recorded, and the network gives what it is to give, the recording needs no proof.
        """
        assert isinstance(examined.exercise, NetworkExercise)
        for seen in examined.ran:
            graph = seen.built.graph
            other = examined.other_call is not None and examined.other_call.seen is seen
            if not seen.case.confirm or graph is None or not seen.recorded or other:
                continue
            count = seen.parameter_count
            counted = count == examined.planned_parameters.get(seen.case.title, count)
            is_given = counted and self.planned.gives_as_reference(examined, seen) is True
            if is_given and self._all_right(RecordedNetwork(graph, trains=True)):
                continue
            network = RecordedNetwork.of_large(seen)
            if network.graph is None:
                continue
            call = examined.call(seen.case)
            found = self._take_apart(network, earlier, deadline, compares=True, try_chains=not is_given)
            blocks = [replace(block, network=call) for block in found]
            plan = self.planned.stages_in(examined.exercise, seen.case)
            large = Large(seen, blocks, plan, departs=not counted or seen in examined.unconfirmed)
            examined.large.append(large)
            departure = self.planned.trunk(examined.exercise, seen, network, blocks)
            is_right = all(block.right for block in blocks) and large.stages == plan
            if departure is not None and (large.departs or is_right):
                examined.trunk, examined.trunk_seen = departure, seen
            known = [block.right or bool(block.excused) or bool(block.diagnoses) for block in blocks]
            is_complete = len(blocks) == sum(stage.blocks for stage in plan)
            if large.wrong_stages or (is_complete and all(known) and not all(block.right for block in blocks)):
                examined.unconfirmed = [each for each in examined.unconfirmed if each is not seen]
            if examined.trunk is not None:
                return

    def _all_right(self, network: RecordedNetwork) -> bool:
        """Is every block of a network right, as it was recorded?"""
        assert network.graph is not None
        found = [segment for segment in segments(network.graph) if segment.has_skip]
        return bool(found) and all(self._right(segment, network.trains) is not None for segment in found)

    def _in_training(self, blocks: list[JudgedBlock], trained: Graph) -> list[JudgedBlock]:
        """Blocks, of which those are not right that do something else in training mode than a right one does there."""
        found = blocks_of(trained)
        if len(found) != len(blocks):
            return blocks
        return [
            self._as_trained(block, segment) if block.right else block
            for block, segment in zip(blocks, found, strict=True)
        ]

    def _as_trained(self, block: JudgedBlock, segment: Segment) -> JudgedBlock:
        """A block that is not right if, as recorded in training mode, it has the parameters of a right one and gives
        something else. A batch norm by hand does not use there what it keeps: then it is not told."""
        seen = [(graph, each) for graph in segment.extents for each in self._seen_in_training(graph)]
        extent = next((graph for graph, each in seen if each.right_form(each.observations[0])), None)
        return replace(block, right=not seen or extent is not None, trained=extent or segment.extents[0])

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
                seen = self._observe(narrowed(graph, factor), answers, case, probes, trains=True, trained=True)
                if seen.aligned is not None:
                    yield Examined(exercise, exercise.name, answers, [seen])

    def _note_paid(self, examined: Examined, earlier: Mapping[str, Earlier]) -> None:
        """Note what has cost already in the exercises that came before a network."""
        examined.paid = {d.mistake: name for name, each in earlier.items() for d in each.report.diagnoses}
        for name, each in earlier.items():
            if any(seen.built.shared for seen in each.examined.observations):
                examined.paid[SHARED_WEIGHTS] = name
        if examined.exercise.withheld:
            # Which mistake it was is only known at the marking: any may be the network's as well.
            failed = {name: each for name, each in earlier.items() for c in each.report.checks if c.status in FAILED}
            examined.paid |= {f"a mistake in {name}": name for name in failed}
        examined.misshapen = _misshapen(examined, earlier)
        if examined.network.graph is None:
            examined.stopped_by = _stopped_by(examined, earlier) or (examined.misshapen if _misfits(examined) else "")

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

    def _judge(self, block: JudgedBlock, trains: bool) -> JudgedBlock:
        """Right if any of its extents is; else with the mistakes that the likeliest extent makes."""
        right = self._right(block.segment, trains)
        if right is not None:
            call, extent = right
            return replace(block, compared=True, call=call, right=True, extent=extent)
        verdict = self._mistakes(block.segment.extents[0], trains)
        return replace(block, compared=True, **vars(verdict))

    def _right(self, segment: Segment, trains: bool) -> tuple[str, Graph] | None:
        """The call of a reference that the block equals, and what of the network is the block then."""
        ways: list[Edit | None] = [None, activate_input] if segment.input_is_activated else [None]
        for way in ways:
            for graph in segment.extents:
                exercise = self._equals(graph, trains, way)
                if exercise is not None:
                    return _call(exercise, Sizes.of(graph)), graph
        return None

    def _mistakes(self, graph: Graph, trains: bool) -> Verdict:
        """What a wrong block does wrong. The blocks of a network are often wrong alike."""
        key = (fingerprint(graph), frozenset(_lines([graph])), trains)
        if key not in self._verdicts:
            self._verdicts[key] = self._search(graph, trains)
        return self._verdicts[key]

    def _search(self, graph: Graph, trains: bool) -> Verdict:
        call = ""
        for answers in self._nearest(graph):
            examined = self._examined(graph, answers, trains)
            if examined is None:
                continue
            small = examined.observations[0].built.graph
            assert small is not None
            key = (fingerprint(small), answers.reference.exercise.id, trains)
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

    def _examined(self, graph: Graph, answers: RightAnswers, trains: bool) -> Examined | None:
        """A block as if it were a submission of a module exercise; None if it cannot be run as one."""
        sizes = Sizes.of(graph)
        if sizes is None or sum(math.prod(node.shape) for node in graph.nodes if node.leaf) > MOST_WEIGHTS:
            return None
        exercise = answers.reference.exercise
        factor, case = self._narrow_case(exercise, graph, sizes)
        small = narrowed(graph, factor)
        try:
            seen = [self._observe(small, answers, case, _probes(exercise, case), trains=trains)]
            if factor > 1:
                wide = self._case(exercise, sizes, 1, SMALL_MAPS)
                seen.append(self._observe(graph, answers, wide, [CONFIRM], trains=trains))
        except Untold:
            as_recorded = self._case(exercise, sizes, 1, list(sizes.maps))
            probes = [replace(p, batch=2, grow=(0, 0)) for p in _probes(exercise, case) if p.name in AS_RECORDED]
            try:
                seen = [self._observe(graph, answers, as_recorded, probes, trains=trains)]
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
        trained: bool = False,
    ) -> Observation:
        """What is seen of a part.

        Args:
            trains: does it tell what is done in training mode?
            trained: was it recorded there?
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


def lines_of(examined: Examined, *, partly: bool = False) -> set[tuple[int, int]]:
    """Cell and line of all that was recorded in any case; with `partly` up to where something raised, too."""
    recorded = (seen.built.graph or (seen.built.partial if partly else None) for seen in examined.observations)
    return _lines(graph for graph in recorded if graph is not None)


def block_diagnoses(examined: Examined) -> list[Diagnosis]:
    """The mistakes of a network's blocks, each with the block that makes it; those that have cost already left out."""
    return [
        diagnosis.model_copy(
            update={"message": say("In {block}: {message}", block=block.place, message=diagnosis.message)}
        )
        for block in examined.wrong_blocks
        for diagnosis in block.diagnoses
    ]


def _proven(examined: Examined, among: set[str] | None, *, alone: bool = False) -> list[Diagnosis]:
    """The mistakes whose replay does what a block does; what else may be noticed in a module is not of a block."""
    return [diagnosis for diagnosis in diagnose(examined, among, alone=alone) if diagnosis.proof is Proof.REPLAYED]


def _probes(exercise: ModuleExercise, case: Case) -> list[Probe]:
    """All that the exercise's checks ask in a case, each once. A declared one shares the inputs with the others there;
    a block is judged in this one alone."""
    others = [each for each in exercise.cases if each != case]
    exercise = exercise.model_copy(update={"cases": others})
    asked = (probe for name in exercise.points for probe in checks()[name].probes(exercise, case))
    return list({probe.name: probe for probe in asked}.values())


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


def _excuse(block: JudgedBlock, earlier: Mapping[str, Earlier]) -> str:
    """The exercise in which a block's mistakes have cost already: those that were named there, or, where no cause is
    known here or there, whatever was wrong with the same lines of code."""
    for name, each in earlier.items():
        if each.report.correct or isinstance(each.examined.exercise, NetworkExercise):
            continue
        known = {diagnosis.mistake for diagnosis in each.report.diagnoses}
        if name == block.exercise and {diagnosis.mistake for diagnosis in block.diagnoses} <= known:
            return name
        has_cause = known and not block.is_unknown
        if not has_cause and not block.right and _lines([block.segment.extents[-1]]) & lines_of(each.examined):
            return name
    return ""


def _stopped_by(examined: Examined, earlier: Mapping[str, Earlier]) -> str:
    """The exercise whose mistake stops the network too: what was marked down there raises on the same line here."""
    raised = next((seen.raised for seen in examined.observations if seen.raised is not None), None)
    if raised is None or raised.line is None:
        return ""
    for name, each in earlier.items():
        met = [seen.raised for seen in each.examined.observations if seen.raised is not None]
        if not each.report.correct and any(_is_same(raised, other) for other in met):
            return name
    return ""


def _misfits(examined: Examined) -> bool:
    """Does the network stop at an operation, as it does where a block before it gives another shape than it should?"""
    raised = next(iter(examined.raised), None)
    return raised is not None and raised.stage == "forward" and raised.operation is not None


def _misshapen(examined: Examined, earlier: Mapping[str, Earlier]) -> str:
    """The exercise whose block, by its lines, is in the network, and gave outputs of another shape than it should."""
    mine = lines_of(examined, partly=True)
    for name, each in earlier.items():
        of_block = not isinstance(each.examined.exercise, NetworkExercise) and not each.report.correct
        if of_block and each.examined.fitting < len(each.examined.ran) and mine & lines_of(each.examined):
            return name
    return ""


def _is_same(one: Raised, other: Raised) -> bool:
    return (one.type, one.stage, one.cell, one.line) == (other.type, other.stage, other.cell, other.line)


def _lines(graphs: Iterable[Graph]) -> set[tuple[int, int]]:
    """Cell and line of every operation."""
    return {
        (node.cell, node.line) for g in graphs for node in g.nodes if node.cell is not None and node.line is not None
    }
