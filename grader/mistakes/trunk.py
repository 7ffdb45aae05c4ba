"""A step that is missing, too many or another one before the blocks of a network, between them, or behind them."""

from __future__ import annotations

from collections.abc import Mapping

from grader.assignment import NetworkExercise
from grader.judge.examined import Examined
from grader.judge.trunk_causes import Kind
from grader.language import later, say
from grader.mistakes._mistake import Notice, changed
from grader.mistakes.network import PLANNED, NetworkMistake
from grader.verdict import Proof

HEAD = "return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))"
WHERE = {
    "stem": later("Before the first block"),
    "between": later("Between two blocks"),
    "head": later("Behind the last block"),
}
WORDS: Mapping[Kind, str] = {
    "missing": later("{where} a step is missing: {step}."),
    "extra": later("{where} there is a step too many: {step}."),
    "max": later("{where} the largest value of each map is taken. The task asks for the average."),
    "padding": later("{where} the pooling has no padding: it leaves out the rim of the map."),
    "bias": later("{where} the linear layer has no bias."),
}


def _told(examined: Examined, *kinds: Kind) -> Notice | None:
    """What is wrong with the trunk, if it is of one of these kinds."""
    found = examined.trunk
    if found is None or found.cause is None or found.cause.kind not in kinds:
        return None
    said = say(WORDS[found.cause.kind], where=say(WHERE[found.where]), step=say(found.cause.step))
    return Notice(Proof.REPLAYED, found.node.cell, found.node.line, said)


class TrunkStepMissing(NetworkMistake):
    id = "trunk-step-missing"
    message = "Before, between or behind the blocks a step is missing."
    why = (
        "The first layers make the channels that the blocks work on, and the last ones make scores. A step less "
        "there changes what every block gets, or what comes of it."
    )
    hints = (
        "A network is more than its blocks: a stem stands before them, a head behind them.",
        "Hold the lines before and behind the blocks beside the task, step by step.",
        "Put the step that is named where it belongs.",
    )
    broken = (
        changed(PLANNED, (", nn.BatchNorm2d(16), nn.ReLU())", ", nn.BatchNorm2d(16))")),
        changed(PLANNED, (", nn.BatchNorm2d(16), nn.ReLU())", ", nn.ReLU())")),
        changed(PLANNED, ("nn.Linear(64, num_classes)", "nn.Linear(64, num_classes, bias=False)")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        return _told(examined, "missing", "bias")


class TrunkStepExtra(NetworkMistake):
    id = "trunk-step-extra"
    message = "Before, between or behind the blocks there is a step too many."
    why = (
        "What stands before and behind the blocks is part of the task too. One step more there makes another network, "
        "which gives other numbers."
    )
    hints = (
        "Each step has its place: the task names all that stand before and behind the blocks.",
        "Count the steps before the first block and behind the last one, and compare them with the task.",
        "Take out the step that is named.",
    )
    broken = (
        changed(PLANNED, (HEAD, "return F.relu(self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1)))")),
        changed(
            PLANNED,
            (HEAD, HEAD.replace("(x, 1)", "(F.relu(self.last(x)), 1)")),
            ("        self.fc = ", "        self.last = nn.BatchNorm2d(64)\n        self.fc = "),
        ),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        return _told(examined, "extra")


class TrunkStepChanged(NetworkMistake):
    id = "trunk-step-changed"
    message = "Before, between or behind the blocks a step is another one than the task asks for."
    why = (
        "Pooling sums up a whole map in few numbers, so it matters how. The average asks how much there is of "
        "something, the largest value only whether it is there at all."
    )
    hints = (
        "There are several kinds of pooling, and they give other numbers.",
        "Look at the pooling before and behind the blocks: at its kind, its size and its padding.",
        "Use the one that the task names, as in `F.adaptive_avg_pool2d(x, 1)`.",
    )
    broken = (changed(PLANNED, (HEAD, HEAD.replace("avg", "max"))),)

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        return _told(examined, "max", "padding")
