"""Has a network the stem and the stages that are asked for?"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from grader.assignment import NetworkExercise
from grader.assignment.network import Stem
from grader.checks import _shape_lessons as lessons
from grader.checks._check import Finding, in_case, place
from grader.graph import Graph
from grader.judge.examined import Examined, show
from grader.judge.head import head_without_average
from grader.judge.observed import Observation
from grader.judge.plan import Stage
from grader.judge.segments import part_of
from grader.judge.uses import is_weighted
from grader.language import many, say
from grader.verdict import Status


def wrong_stem(examined: Examined, seen: Observation) -> Finding | None:
    """Another number of convolutions in front of the first block, or other channels, than the task fixes."""
    assert isinstance(examined.exercise, NetworkExercise)
    wanted, graph = examined.exercise.stem, examined.network.graph
    if wanted is None or graph is None or not examined.blocks or seen.case.confirm:
        return None
    entry = examined.blocks[0].segment.extents[0].input
    stem = part_of(graph, graph.input.id, entry.id)
    layers, channels = sum(is_weighted(node, stem.by_id) for node in stem.nodes), entry.shape[1]
    if wanted.allows(layers, channels):
        return _wrong_kernel(wanted, stem, seen)
    return Finding(
        Status.FAILED,
        many(
            "{case}: the first block is given {channels} channels, by {n} layer with weights.",
            "{case}: the first block is given {channels} channels, by {n} layers with weights.",
            layers,
            case=in_case(examined, seen),
            channels=channels,
        ),
        lesson=lessons.WRONG_STEM,
        expected=_in_words(wanted),
        actual=many("{n} layer, {channels} channels", "{n} layers, {channels} channels", layers, channels=channels),
        advice=say("The blocks keep what they are given: the first convolutions make the channels that they work on."),
        **place(seen, "output"),
    )


def _wrong_kernel(wanted: Stem, stem: Graph, seen: Observation) -> Finding | None:
    """A first convolution of another size than the task fixes, where it is one of PyTorch's."""
    first = next((node for node in stem.nodes if node.name == "convolution"), None)
    sides = stem.by_id[first.inputs[1]].shape[2:] if first is not None else []
    if first is None or wanted.kernel_size is None or set(sides) == {wanted.kernel_size}:
        return None
    size = show([wanted.kernel_size] * len(sides))
    return Finding(
        Status.FAILED,
        say("The first convolution is of {found}; the task asks for {wanted}.", found=show(sides), wanted=size),
        lesson=lessons.WRONG_STEM,
        expected=size,
        actual=show(sides),
        advice=say("Change its kernel size, and the padding with it."),
        cell=first.cell,
        line=first.line,
    )


def wrong_head(examined: Examined, seen: Observation) -> Finding | None:
    """A head that makes something else of the last maps than an average over the image, where the task fixes that."""
    assert isinstance(examined.exercise, NetworkExercise)
    node = head_without_average(examined, seen)
    if node is None:
        return None
    return Finding(
        Status.FAILED,
        say(
            "{case}: behind the last block there is no average over the image: its outputs are not the mean of what "
            "the pixels give.",
            case=in_case(examined, seen),
        ),
        lesson=lessons.NO_AVERAGE,
        expected=say("an average over height and width"),
        advice=say("Take the mean over height and width, and then the linear layer."),
        cell=node.cell,
        line=node.line,
    )


def _in_words(stem: Stem) -> str:
    """What may stand in front of the first block."""
    if stem.convolutions is None:
        said = many("at least {n} convolution", "at least {n} convolutions", stem.min_convolutions)
    else:
        said = say("{numbers} convolutions", numbers=say(" or ").join(map(str, stem.convolutions)))
    if stem.channels is None:
        return said
    return say(
        "{convolutions}, to {widths} channels", convolutions=said, widths=say(" or ").join(map(str, stem.channels))
    )


def wrong_stages(examined: Examined, seen: Observation) -> Finding | None:
    """Stages that are not as they should be; if they are made of blocks that have cost for that, they are left open."""
    finding = _wrong_stages(examined, seen)
    if finding is None or not examined.misshapen:
        return finding
    said = say(
        "The block of {exercise}, of which they are made, gives another shape than it should, and has cost there.",
        exercise=examined.misshapen,
    )
    advice = say("Once that is mended, this is checked too. Its points are pending, not lost.")
    return replace(finding, status=Status.SKIPPED, message=f"{finding.message} {said}", advice=advice)


def _wrong_stages(examined: Examined, seen: Observation) -> Finding | None:
    """Stages that are not as planned; without a plan, a network whose resolution never halves while its channels
    double."""
    large = next((each for each in examined.large if each.seen is seen and each.wrong_stages), None)
    if large is not None:
        return _not_as_planned(examined, seen, large.plan, large.stages)
    if examined.network.graph is None or seen.case.confirm:
        return None
    if examined.plan:
        return _not_as_planned(examined, seen, examined.plan, examined.stages)
    maps = examined.block_maps
    if not maps or examined.hides_blocks:
        return None  # the skip-connection check has something to say about that
    stages = [size for size, _ in groupby((each[1], each[2]) for each in maps)]
    for i, (channels, height) in enumerate(stages):
        # In one step, or in two: blocks that only stride have a layer between them that doubles the channels.
        if any(wide == 2 * channels and low * 2 == height for wide, low in stages[i + 1 : i + 3]):
            return None
    sizes = ", ".join(show(size[1:]) for size in maps)
    return Finding(
        Status.FAILED,
        say(
            "{case}: from block to block the channels never double while the resolution halves.",
            case=in_case(examined, seen),
        ),
        lesson=lessons.NEVER_HALVES,
        expected=say("e.g. 16×32×32, 32×16×16, 64×8×8"),
        actual=sizes,
        advice=say("Give the first block of each stage stride 2 and twice the channels."),
        **place(seen, "output"),
    )


def _not_as_planned(examined: Examined, seen: Observation, plan: list[Stage], made: list[Stage]) -> Finding | None:
    """Stages with other channels, or on other maps, than the plan has. How many blocks each has is another check."""
    wanted, found = ([list(stage.shape) for stage in each] for each in (plan, made))
    if wanted == found:
        return None
    where, sizes = in_case(examined, seen), ", ".join(map(show, wanted))
    return Finding(
        Status.FAILED,
        say(
            "{case}: the stages give maps of {found}; expected {wanted}.",
            case=where,
            found=", ".join(map(show, found)),
            wanted=sizes,
        )
        if found
        else say("{case}: there are no blocks that could give maps of {wanted}.", case=where, wanted=sizes),
        lesson=lessons.WRONG_STAGES,
        expected=[list(shape) for shape in wanted],
        actual=[list(shape) for shape in found],
        advice=say("The first block of a stage changes channels and resolution, the others keep both."),
        **place(seen, "output"),
    )
