"""Does a network do what is asked before, between and behind its blocks?"""

from __future__ import annotations

import math

from grader.checks import _gradient_lessons as lessons
from grader.checks._check import Finding, in_case
from grader.judge.examined import Examined
from grader.language import later, say
from grader.verdict import Status

WHERE = {
    "stem": later("what comes before the first block"),
    "between": later("what comes between two blocks"),
    "head": later("what comes behind the last block"),
    "in training": later("what is done around the blocks in training mode"),
}


def trunk(examined: Examined) -> Finding | None:
    """Where a network of right blocks departs from the reference network, or None."""
    found = examined.trunk
    if found is None or found.counted:
        return None
    seen = examined.trunk_seen or examined.taken_apart
    assert seen is not None
    case = in_case(examined, seen)
    what = say(WHERE[found.where])
    return Finding(
        Status.FAILED,
        say("{case}: {what} is put together of other parts than the task asks for.", case=case, what=what)
        if math.isinf(found.size)
        else say(
            "{case}: {what} gives what the task asks for, but under equal weights another gradient comes back through "
            "it: it differs by {size} of the largest value.",
            case=case,
            what=what,
            size=f"{found.size:.3g}",
        )
        if found.in_gradient
        else say(
            "{case}: {what} is not what the task asks for: under equal weights its result differs by {size} of the "
            "largest value.",
            case=case,
            what=what,
            size=f"{found.size:.3g}",
        ),
        lesson=lessons.TRUNK,
        advice=say("The blocks are right: compare the lines around them with the task, layer by layer."),
        cell=found.node.cell,
        line=found.node.line,
    )


def unconfirmed(examined: Examined) -> Finding | None:
    """A large network that gives something else than the reference, though a smaller one is right; or None."""
    if not examined.unconfirmed:
        return None
    seen = examined.unconfirmed[0]
    unknown = [block for large in examined.large if large.seen is seen for block in large.blocks if block.is_unknown]
    node = unknown[0].segment.output if unknown else None
    return Finding(
        Status.SKIPPED,
        say(
            "{case}: under equal weights the network does not give what the reference gives. In the smaller case it is "
            "right. Here {blocks} do something else than a block of the other exercises, and no known mistake explains "
            "the difference.",
            case=in_case(examined, seen),
            blocks=", ".join(block.name for block in unknown),
        )
        if unknown
        else say(
            "{case}: under equal weights the network does not give what the reference gives. In the smaller case it is "
            "right, and what differs here is not known.",
            case=in_case(examined, seen),
        ),
        cell=node.cell if node is not None else None,
        line=node.line if node is not None else None,
        advice=say("Look at what is done only here: other blocks, another depth. Its points are pending, not lost."),
    )
