"""Is each sample on its own in evaluation mode, and does every batch norm read the batch in training?"""

from __future__ import annotations

from grader.assignment import NetworkExercise
from grader.checks import _gradient_lessons as lessons
from grader.checks._check import Finding, in_case, place
from grader.judge.examined import Examined
from grader.judge.network import mixes_samples
from grader.language import many, say
from grader.verdict import Status


def mixed_samples(examined: Examined) -> Finding | None:
    """A network of the student's own design whose answer for an image depends on the other images of its batch.

    Where the network is held to a reference, that tells. A block that is not right may be why, and has its own finding:
    where blocks are compared, there, and where they are not, in the exercise that asks for such a block.
    """
    graph = examined.network.graph
    assert isinstance(examined.exercise, NetworkExercise)
    seen = examined.taken_apart
    if graph is None or examined.exercise.trunk != "free" or seen is None:
        return None
    doubtful = [block for block in examined.blocks if not block.right]
    if any(block.compared or block.late or mixes_samples(seen, block.segment.extents[0]) for block in doubtful):
        return None
    if not mixes_samples(seen, graph):
        return None
    return Finding(
        Status.FAILED,
        say(
            "{case}: in evaluation mode the answer for one image depends on the other images of its batch.",
            case=in_case(examined, seen),
        ),
        lesson=lessons.MIXED_SAMPLES,
        expected=say("one answer for one image, whatever stands beside it"),
        advice=say(
            "Dimension 0 counts the images: look for a mean, norm, softmax or flip over it, for a view that moves "
            "numbers across it, and for a batch norm without running statistics."
        ),
        **place(seen, "output"),
    )


def frozen_norms(examined: Examined) -> Finding | None:
    """A network some of whose batch norms use in training what they have kept. Those of its blocks have their own
    finding, where blocks are compared, or have cost already."""
    nodes = examined.frozen_norms
    seen = examined.taken_apart
    if not nodes or seen is None:
        return None
    return Finding(
        Status.FAILED,
        many(
            "{case}: in training mode {n} batch norm uses what it has kept, and not the batch.",
            "{case}: in training mode {n} batch norms use what they have kept, and not the batch.",
            len(nodes),
            case=in_case(examined, seen),
        ),
        lesson=lessons.FROZEN_NORMS,
        advice=say("Look for `eval()` in `forward`, and for a method `train` that does not pass on the mode."),
        cell=nodes[0].cell,
        line=nodes[0].line,
    )
