"""Layers that are made and never used."""

from __future__ import annotations

from grader.judge.examined import LAYER_UNUSED, Examined
from grader.judge.observed import Observation
from grader.language import say
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Notice, Noticed, changed
from grader.verdict import Proof

MOST_NAMED = 3
IF = "if stride != 1 or in_channels != out_channels:"
MADE = "        self.shortcut = nn.Sequential()\n"


class LayerUnused(Noticed):
    id = LAYER_UNUSED
    message = "A layer is made in the constructor and never used."
    why = (
        "Its weights count as the module's: they are saved, moved and given to the optimizer. But nothing depends on "
        "them, so that they never learn anything."
    )
    hints = (
        "What the constructor keeps on `self` belongs to the module, whether `forward` uses it or not.",
        "Search `forward` for each layer that the constructor makes. Is one of them left over, or used in one case "
        "alone?",
        "Take it out of the constructor, or make it only where it is used: "
        "`if stride != 1 or in_channels != out_channels:`.",
    )
    check = "parameters"
    covers = frozenset({"gradient"})
    broken = (
        changed(RESBLOCK, (MADE, f"        self.conv3 = nn.Conv2d(out_channels, out_channels, 3)\n{MADE}")),
        changed(RESBLOCK, (MADE, f"        self.activation = nn.PReLU()\n{MADE}")),
        changed(BOTTLENECK, (MADE, f"        self.bn4 = nn.BatchNorm2d(width)\n{MADE}")),
        changed(
            RESBLOCK,
            (IF, f"self.projects = {IF[3:-1]}\n        if True:"),
            ("self.shortcut(x)", "self.shortcut(x) if self.projects else x"),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        unused = [(seen, names) for seen in examined.ran if (names := _unused(seen))]
        if not unused or examined.answers is None:
            return None
        seen, names = unused[0]
        listed = ", ".join(names[:MOST_NAMED])
        said = say("Made and never used: {names}.", names=listed)
        if len(unused) < len(examined.ran):
            call = examined.call(seen.case)
            said = say("In {call}, made and never used: {names}.", call=call, names=listed)
        # Without it the module does what the reference does: then it is all that is wrong.
        is_all = all(examined.right_form(each) is not None for each in examined.observations)
        return Notice(Proof.REPLAYED if is_all else Proof.MEASURED, message=said, explains=is_all)


def _unused(seen: Observation) -> list[str]:
    """Layers whose parameters no value depends on, as the gradients of every pass say, and the graph."""
    if seen.aligned is None or not seen.slots:
        return []
    used = set(seen.slots.values())
    asked = [answer for name, answer in seen.answers.items() if seen.probes[name].gradient and answer.raised is None]
    left = [p.key for p in seen.built.parameters if p.learnable and p.key not in used]
    idle = [key for key in left if asked and not any(key in answer.gradients for answer in asked)]
    return list(dict.fromkeys(_layer(key) for key in idle))


def _layer(key: str) -> str:
    """`conv3` of `p:conv3.weight`."""
    name = key.removeprefix("p:")
    return name.rpartition(".")[0] or name
