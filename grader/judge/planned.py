"""The reference networks of an assignment, to which the networks of students are held; kept from one to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from grader.assignment import Assignment, Case, NetworkExercise
from grader.graph import Graph
from grader.judge.block_counts import excused_parameters, more_blocks, more_in
from grader.judge.confirmed import ROUGHLY, Whole
from grader.judge.examined import Examined, OtherCall, OtherCounts
from grader.judge.narrow import in_training
from grader.judge.network import TRAINING, JudgedBlock, RecordedNetwork
from grader.judge.observed import Observation
from grader.judge.plan import (
    Stage,
    blocks_of,
    count_parameters,
    parameter_sizes,
    planned_network,
    planned_parameters,
    stages,
)
from grader.judge.segments import Segment
from grader.judge.trunk import Departure, trunk_departure


@dataclass(frozen=True)
class _Planned:
    """A reference network in one case."""

    graph: Graph
    blocks: list[Segment]
    whole: Whole


class PlannedNetworks:
    """What the network exercises of an assignment ask for, as their references show it."""

    def __init__(self, assignment: Assignment, seed: int) -> None:
        self._assignment = assignment
        self._seed = seed
        self._networks: dict[tuple[str, str], _Planned | None] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._counts_of_calls: dict[tuple[str, str], int | None] = {}

    def parameters(self, exercise: NetworkExercise) -> dict[str, int]:
        """How many parameters a network is to have in each case; empty if any number will do.

        Raises:
            AssignmentError: the reference network cannot be used.
        """
        if exercise.id not in self._counts:
            self._counts[exercise.id] = planned_parameters(self._assignment, exercise)
        return self._counts[exercise.id]

    def excused_parameters(self, examined: Examined) -> dict[str, int | None]:
        """How many parameters a network is to have in each case with blocks whose mistakes have cost already; None
        where that is not known, nothing where they have as many as right ones."""
        exercise = examined.exercise
        assert isinstance(exercise, NetworkExercise)
        taken_apart = [(large.seen, large.blocks) for large in examined.large]
        if examined.taken_apart is not None:
            taken_apart.append((examined.taken_apart, examined.blocks))
        if not any(block.excused for _, blocks in taken_apart for block in blocks):
            return {}
        pairs: list[tuple[JudgedBlock, Segment]] = []
        for seen, blocks in taken_apart:
            planned = self._network(exercise, seen.case)
            if planned is not None and len(planned.blocks) == len(blocks):
                pairs += zip(blocks, planned.blocks, strict=True)
        excused = excused_parameters(pairs)
        if not any(excused.values()):
            return {}
        counts: dict[str, int | None] = {}
        for title, count in examined.planned_parameters.items():
            case = next(case for case in exercise.cases if case.title == title)
            network = self._network(exercise, case)
            more = more_in(network.blocks, excused) if network is not None else None
            counts[title] = None if more is None else count + more
        return counts

    def stages(self, exercise: NetworkExercise) -> list[Stage]:
        """The stages that a network is to have, in the case of which the graph is looked at.

        Raises:
            AssignmentError: the reference network cannot be used.
        """
        case = next((case for case in exercise.cases if not case.confirm), None)
        return self.stages_in(exercise, case) if case is not None else []

    def stages_in(self, exercise: NetworkExercise, case: Case) -> list[Stage]:
        """The stages that a network is to have in any case.

        Raises:
            AssignmentError: the reference network cannot be used.
        """
        planned = self._network(exercise, case)
        return stages(planned.blocks) if planned is not None else []

    def trunk(
        self, exercise: NetworkExercise, seen: Observation, network: RecordedNetwork, blocks: Sequence[JudgedBlock]
    ) -> Departure | None:
        """Where a network departs from the reference outside of its blocks, once these are right, or it is known what
        is wrong with them. Where a wrong block begins and ends is not certain: then it departs if it does whatever of
        the network they are.

        Args:
            seen: in which case.
            network: what was recorded of it there.
        """
        planned = self._network(exercise, seen.case)
        if planned is None or network.graph is None or len(planned.blocks) != len(blocks):
            return None
        if not all(block.right or block.excused or block.diagnoses for block in blocks):
            return None
        found: Departure | None = None
        for way in range(max((1 if block.extent else len(block.segment.extents) for block in blocks), default=0)):
            found = trunk_departure(
                network.graph,
                [block.extent or block.segment.extents[min(way, len(block.segment.extents) - 1)] for block in blocks],
                planned.graph,
                [segment.extents[0] for segment in planned.blocks],
                seed=self._seed,
                trains=network.trains,
                counted=self._is_counted(exercise, seen),
            )
            if found is None:
                break
        if found is not None or network.trains or not all(block.right for block in blocks):
            return found
        if network.trained is not None:
            found = self._departs_in_training(planned, network.trained, [each.trained for each in blocks])
            if found is not None:
                return found
        # Its graph does not tell what it does in training: held to the reference there as a whole, if it can be.
        output = network.graph.by_id[network.graph.output]
        departure = planned.whole.departure(seen, TRAINING) if planned.whole.is_given_by(seen) else None
        if departure is None or departure < ROUGHLY[seen.precision]:
            return None
        return Departure("in training", departure, output)

    def _departs_in_training(
        self, planned: _Planned, trained: Graph, blocks: Sequence[Graph | None]
    ) -> Departure | None:
        """Where a network, as recorded in training mode, departs from the reference there, outside of its blocks."""
        known = [block for block in blocks if block is not None]
        if len(known) != len(planned.blocks):
            return None
        found = trunk_departure(
            trained,
            known,
            in_training(planned.graph),
            [segment.extents[0] for segment in planned.blocks],
            seed=self._seed,
            trains=False,
            counted=False,
        )
        return None if found is None else replace(found, where="in training", cause=None)

    def _is_counted(self, exercise: NetworkExercise, seen: Observation) -> bool:
        """Does a network have another number of parameters than it is to have, so that it is said in any case?"""
        planned = self.parameters(exercise).get(seen.case.title)
        return planned is not None and planned != seen.parameter_count

    def of_another_call(self, examined: Examined) -> OtherCall | None:
        """A case in which a network has as many parameters as the reference for another value of one argument, which
        other cases ask for."""
        exercise = examined.exercise
        assert isinstance(exercise, NetworkExercise)
        if exercise.reference is None:
            return None
        found: OtherCall | None = None
        for seen in self._of_other_size(examined):
            other = self._other_call(exercise, seen)
            if other is None:
                return None  # whatever is wrong with this one may be wrong with all
            found = found or other
        return found

    def _of_other_size(self, examined: Examined) -> list[Observation]:
        """Cases in which a network has another number of parameters than it is to have."""
        counted = [(seen, seen.parameter_count) for seen in examined.observations]
        planned = examined.planned_parameters
        return [seen for seen, count in counted if count and count != planned.get(seen.case.title, count)]

    def _other_call(self, exercise: NetworkExercise, seen: Observation) -> OtherCall | None:
        for name, asked in seen.case.arguments.items():
            others = [case.arguments.get(name, asked) for case in exercise.cases if name != exercise.outputs]
            for value in dict.fromkeys(others):
                count = self._count(exercise, {**seen.case.arguments, name: value}) if value != asked else None
                if count == seen.parameter_count:
                    return OtherCall(seen, name, value)
        return None

    def other_counts(self, examined: Examined) -> OtherCounts | None:
        """The first case in which a network has another number of parameters than it is to have, and blocks too many or
        too few are what explains it."""
        exercise = examined.exercise
        assert isinstance(exercise, NetworkExercise)
        for seen in self._of_other_size(examined) if exercise.reference is not None else []:
            sizes = parameter_sizes(self._assignment, exercise.reference or "", seen.case.arguments)
            surplus = Counter(seen.counted_sizes)
            surplus.subtract(sizes)
            networks = [self._network(exercise, case) for case in exercise.cases if case.confirm != "sizes"]
            ways = (more_blocks(surplus, network.blocks) for network in networks if network is not None)
            more = next((way for way in ways if way is not None), None)
            if more is not None:
                return OtherCounts(seen, more)
        return None

    def _count(self, exercise: NetworkExercise, arguments: dict[str, JsonValue]) -> int | None:
        """How many parameters the reference network of a call has; None if there is no such network."""
        key = (exercise.id, repr(arguments))
        if key not in self._counts_of_calls:
            assert exercise.reference is not None
            try:
                self._counts_of_calls[key] = count_parameters(self._assignment, exercise.reference, arguments)
            except Exception:  # a depth that does not exist, perhaps
                self._counts_of_calls[key] = None
        return self._counts_of_calls[key]

    def unconfirmed(self, examined: Examined) -> list[Observation]:
        """Cases that were to confirm, in which a network does not give what the reference gives, though it does in the
        small case: not so one that is right in another way, in padding on both sides for instance."""
        if examined.trunk is not None or not all(block.right for block in examined.blocks):
            return []
        small = [self.gives_as_reference(examined, seen) for seen in examined.ran if not seen.case.confirm]
        if not small or not all(small):
            return []
        large = [seen for seen in examined.ran if seen.case.confirm and not _is_told(examined, seen)]
        return [seen for seen in large if self.gives_as_reference(examined, seen) is False]

    def gives_as_reference(self, examined: Examined, seen: Observation) -> bool | None:
        """Does a network give what the reference gives in a case? None where that is not known."""
        assert isinstance(examined.exercise, NetworkExercise)
        planned = self._network(examined.exercise, seen.case)
        return None if planned is None else planned.whole.is_given_by(seen)

    def _network(self, exercise: NetworkExercise, case: Case) -> _Planned | None:
        key = (exercise.id, case.title)
        if key not in self._networks:
            graph = planned_network(self._assignment, exercise, case)
            planned = None if graph is None else _Planned(graph, blocks_of(graph), Whole(graph, case, self._seed))
            self._networks[key] = planned
        return self._networks[key]


def _is_told(examined: Examined, seen: Observation) -> bool:
    """Is it said elsewhere what is wrong with a network in a case: its outputs, or how many parameters it has?"""
    output, count = seen.built.output, seen.parameter_count
    shape = examined.output_shape(seen.case, (2, *seen.case.input))
    wrong_size = count != examined.planned_parameters.get(seen.case.title, count)
    return wrong_size or (output is not None and output.shape != shape)
