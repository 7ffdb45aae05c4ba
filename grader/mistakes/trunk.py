"""A step that is missing, too many or another one before the blocks of a network, between them, or behind them."""

from __future__ import annotations

from grader.judge.chain_topics import Difference
from grader.judge.trunk import Where
from grader.language import later, say
from grader.mistakes._chained import Chained, TrunkMistake, step_name, step_names
from grader.mistakes._mistake import changed
from grader.mistakes.chain import ChainStepChanged, most_telling, shown
from grader.mistakes.network import PLANNED

HEAD = "return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))"
WHERE: dict[Where, str] = {
    "stem": later("Before the first block"),
    "between": later("Between two blocks"),
    "head": later("Behind the last block"),
}


class TrunkStepMissing(TrunkMistake):
    id = "trunk-step-missing"
    topics = ("missing", "activation missing", "norm missing")
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

    def told(self, where: Where, chained: Chained, found: list[Difference]) -> str:
        if all(each.name == "bias" for each in found):
            return say("{where} the linear layer has no bias.", where=say(WHERE[where]))
        steps = step_names(each.wanted for each in found if each.name != "bias")
        return say("{where} a step is missing: {step}.", where=say(WHERE[where]), step=steps)


class TrunkStepExtra(TrunkMistake):
    id = "trunk-step-extra"
    topics = ("extra",)
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

    def told(self, where: Where, chained: Chained, found: list[Difference]) -> str:
        if all(each.name == "bias" for each in found):
            return say("{where} a layer has a bias that the task does not ask for.", where=say(WHERE[where]))
        steps = step_names(each.found for each in found if each.name != "bias")
        return say("{where} there is a step too many: {step}.", where=say(WHERE[where]), step=steps)


class TrunkStepChanged(TrunkMistake):
    id = "trunk-step-changed"
    topics = ("changed",)
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

    def told(self, where: Where, chained: Chained, found: list[Difference]) -> str:
        first = most_telling(found)
        wanted, other = first.wanted, first.found
        assert wanted is not None
        assert other is not None
        step = step_name(wanted.kind, wanted.what)
        if first.name == "what":
            instead = step_name(other.kind, other.what)
            words = later("{where} stands {found} instead of {wanted}.")
            return say(words, where=say(WHERE[where]), found=instead, wanted=step)
        if first.name != "numbers":
            return ChainStepChanged().told(chained, found)
        mine, theirs = shown(other.numbers, wanted.numbers)
        return say(
            "{where} the {step} has other settings than the task asks for: {found}, and not {wanted}.",
            where=say(WHERE[where]),
            step=step,
            found=mine,
            wanted=theirs,
        )
