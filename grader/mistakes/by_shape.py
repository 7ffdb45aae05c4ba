"""A block that is right for inputs of some shapes alone: for several samples, for maps that its stride divides."""

from __future__ import annotations

from grader.judge.behaviour import first_difference
from grader.judge.draws import input_shape
from grader.judge.examined import Examined, show
from grader.judge.forms import Form
from grader.judge.observed import Observation
from grader.language import say
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Notice, Noticed, changed
from grader.observation import Probe
from grader.verdict import Proof

FIRST = "        out = F.relu(self.bn1"
SECOND = "self.bn2(self.conv2(out))"
SUM = "        return F.relu(out + identity)\n"


class RightForSomeShapes(Noticed):
    id = "right-for-some-shapes"
    message = "The block is right for inputs of some shapes, and not for others."
    why = (
        "A block is used for batches and maps of any size: training ends with a smaller batch, and the next block gets "
        "smaller maps. What it computes for one sample must not depend on how many there are, or how large they are."
    )
    hints = (
        "Convolution, batch norm and addition do the same for every size. No code around them has to know it.",
        "Look in `forward` for `shape`, `size()` and `len(x)`. What is done for some of them alone, or cut off?",
        "Take the special case away, so that every input goes the same way.",
    )
    rank = "otherwise"
    broken = (
        changed(RESBLOCK, (FIRST, "        self.train(self.training and len(x) > 1)\n" + FIRST)),
        changed(RESBLOCK, (SECOND, f"self.conv2(out) if len(x) == 1 else {SECOND}")),
        changed(BOTTLENECK, (SUM, "        if x.shape[2] % 2:\n            identity = 0.5 * identity\n" + SUM)),
        changed(RESBLOCK, (SUM, SUM.rstrip() + "[..., : x.shape[2] // self.conv1.stride[0], :]\n")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        wrong = examined.wrong_small_cases
        found = [_parted(examined, seen) for seen in wrong if not seen.reads]
        parted = [each for each in found if each is not None]
        if not wrong or len(parted) < len(wrong) or all(_may_come_of_values(probes) for _, probes in parted):
            return None
        return Notice(Proof.MEASURED, message=parted[0][0])


def _parted(examined: Examined, seen: Observation) -> tuple[str, list[Probe]] | None:
    """For which shapes a block is right and for which it is not, in words, and the probes that are wrong; None where
    shapes do not part them."""
    return next((found for form in examined.right_forms(seen) if (found := _parted_by(seen, form))), None)


def _parted_by(seen: Observation, form: Form) -> tuple[str, list[Probe]] | None:
    compared = [probe for probe in seen.probes.values() if probe.compares]
    found = {probe: first_difference(seen, form, probe) for probe in compared}
    wrong = [probe for probe in compared if found[probe] is not None]
    modes = {probe.train for probe in wrong}
    right = [probe for probe in compared if found[probe] is None and probe.train in modes]
    raises = any(difference is not None and difference.what == "outcome" for difference in found.values())
    if raises or not right:
        return None  # where it raises, that is said
    shapes = [[input_shape(seen.case.input, probe) for probe in probes] for probes in (right, wrong)]
    if not _differ(*shapes):
        return None
    message = say(
        "The block is right for inputs of {right}, and not for inputs of {wrong}.",
        right=_named(shapes[0]),
        wrong=_named(shapes[1]),
    )
    return message, wrong


def _may_come_of_values(wrong: list[Probe]) -> bool:
    """May what is wrong come of large or of small numbers? Not if it is so with those of the recorded pass, which is
    right, or with both."""
    scales = {probe.scale for probe in wrong if abs(probe.shift) < 1}
    return 1.0 not in scales and not min(scales, default=1.0) < 1.0 < max(scales, default=1.0)


def _differ(right: list[tuple[int, ...]], wrong: list[tuple[int, ...]]) -> bool:
    """Are all wrong ones larger in a dimension than all right ones, or smaller, or odd where these are even?"""
    for dimension in (0, *range(2, len(right[0]))):
        ones, others = ({shape[dimension] for shape in shapes} for shapes in (right, wrong))
        if min(others) > max(ones) or max(others) < min(ones):
            return True
        if dimension and all(size % 2 for size in others) and not any(size % 2 for size in ones):
            return True
    odd = [{any(size % 2 for size in shape[2:]) for shape in shapes} for shapes in (right, wrong)]
    return odd == [{False}, {True}]


def _named(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(dict.fromkeys(show(list(shape)) for shape in shapes))
