"""Judge a network block by block, each against the module exercises of the same assignment."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from grader.assignment import Assignment, NetworkExercise
from grader.block_exercises import BlockExercises
from grader.earlier import Earlier, excuse, note_paid
from grader.graph import Graph
from grader.judge.alignment import count_as_buffers
from grader.judge.examined import Examined, Large
from grader.judge.network import JudgedBlock, RecordedNetwork
from grader.judge.plan import blocks_of
from grader.judge.planned import PlannedNetworks
from grader.judge.segments import segments
from grader.language import say
from grader.verdict import Diagnosis

PATIENCE = 45.0  # seconds for the blocks of one network; real ones take a few; what is left goes to a human
CUT_OFF = {"shortcut-detached", "branch-detached"}


class BlockJudge:
    """Judges networks block by block, and around their blocks. Kept from submission to submission."""

    def __init__(self, assignment: Assignment, seed: int, device: str) -> None:
        self.exercises = BlockExercises(assignment, seed, device)
        self.planned = PlannedNetworks(assignment, seed)

    def judge(self, examined: Examined, earlier: Mapping[str, Earlier]) -> None:
        """Judge every block of a network; what is found is noted in `examined`.

        Args:
            earlier: the exercises judged before, by id; their mistakes do not cost again.
        """
        assert isinstance(examined.exercise, NetworkExercise)
        network = examined.network
        note_paid(examined, earlier)
        if examined.exercise.withheld:
            return  # what blocks are compared with is not there
        examined.planned_parameters = self.planned.parameters(examined.exercise)
        examined.other_call = self.planned.of_another_call(examined)
        examined.other_counts = self.planned.other_counts(examined) if examined.other_call is None else None
        if network.graph is None:
            return
        deadline = time.monotonic() + PATIENCE
        self.exercises.begin(examined.paid)
        examined.plan = self.planned.stages(examined.exercise)
        compares = examined.exercise.blocks == "as-exercises" and bool(self.exercises)
        # Chains may be blocks whose mistake is known from their own exercise.
        known_wrong = any(not each.report.correct for each in earlier.values())
        examined.blocks = self._take_apart(network, earlier, deadline, compares=compares, try_chains=known_wrong)
        if network.trained is not None:
            examined.blocks = self._in_training(examined.blocks, network.trained)
        _constants_as_buffers(examined)
        if examined.exercise.trunk == "as-reference":
            seen = examined.taken_apart
            assert seen is not None
            examined.trunk = self.planned.trunk(examined.exercise, seen, network, examined.blocks)
            examined.unconfirmed = self.planned.unconfirmed(examined)
            if compares and examined.trunk is None and all(block.right or block.excused for block in examined.blocks):
                self._take_large_apart(examined, earlier, deadline)
        examined.excused_parameters = self.planned.excused_parameters(examined)

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
                block = self.exercises.judge(block, network.trains) if in_time else replace(block, late=True)
                block = replace(block, excused=excuse(block, earlier))
                if not block.excused and {each.mistake for each in block.diagnoses} == CUT_OFF:
                    # It is run where autograd is off, which its network does, and is right itself.
                    block = replace(block, right=True, extent=block.segment.extents[0], checks=[], diagnoses=[])
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
        return bool(found) and all(self.exercises.right(segment, network.trains) is not None for segment in found)

    def _in_training(self, blocks: list[JudgedBlock], trained: Graph) -> list[JudgedBlock]:
        """Blocks, of which those are not right that do something else in training mode than a right one does there."""
        found = blocks_of(trained)
        if len(found) != len(blocks):
            return blocks
        return [
            self.exercises.as_trained(block, segment) if block.right else block
            for block, segment in zip(blocks, found, strict=True)
        ]


def _constants_as_buffers(examined: Examined) -> None:
    """Count the parameters of a network that need no gradient among its buffers, if all of them are used in blocks that
    are right with them: the kernel that puts zeros beside a shortcut, for instance, which nobody is to train."""
    seen = examined.taken_apart
    frozen = {tensor.key for tensor in seen.built.parameters if not tensor.learnable} if seen is not None else set()
    extents = [block.extent for block in examined.blocks if block.extent is not None]
    used = {node.leaf.key for extent in extents for node in extent.nodes if node.leaf is not None}
    if frozen and frozen <= used:
        for each in examined.observations:
            count_as_buffers(each, {tensor.key for tensor in each.built.parameters if not tensor.learnable})


def block_diagnoses(examined: Examined) -> list[Diagnosis]:
    """The mistakes of a network's blocks, each with the block that makes it; those that have cost already left out."""
    return [
        diagnosis.model_copy(
            update={"message": say("In {block}: {message}", block=block.place, message=diagnosis.message)}
        )
        for block in examined.wrong_blocks
        for diagnosis in block.diagnoses
    ]
