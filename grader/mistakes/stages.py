"""Networks whose stages, size or outputs are not those that were asked for."""

from __future__ import annotations

from grader.assignment import NetworkExercise
from grader.judge.calls import OUTPUTS_MISSING
from grader.judge.examined import Examined, show
from grader.judge.plan import blocks_by_channels
from grader.language import say
from grader.mistakes._mistake import Notice, changed
from grader.mistakes.network import NETWORK, PLANNED, NetworkMistake
from grader.verdict import Proof


class OutputsIgnored(NetworkMistake):
    id = "outputs-ignored"
    message = "The network gives the same number of outputs, however many classes are asked for."
    why = (
        "One function builds the network for ten classes and for a thousand. If its last layer has a fixed size, it "
        "fits one data set only."
    )
    hints = (
        "The last linear layer has one output for each class.",
        "Follow the argument from the signature to the last layer. Where does a number stand in its place?",
        "Write `nn.Linear(channels, num_classes)`.",
    )
    check = "shape"
    covers = frozenset({"parameters"})
    broken = (changed(NETWORK, ("nn.Linear(64, num_classes)", "nn.Linear(64, 10)")),)

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        asked = {seen.case.arguments[exercise.outputs] for seen in examined.ran}
        shapes = [seen.built.output.shape or [] for seen in examined.ran if seen.built.output is not None]
        if any(len(shape) != 2 for shape in shapes) or len({shape[1] for shape in shapes}) != 1:
            return None
        n, argument = shapes[0][1], exercise.outputs
        if OUTPUTS_MISSING in examined.departures:
            said = say("The network takes no {argument}: it always gives {n} outputs.", n=n, argument=argument)
            return Notice(Proof.MEASURED, message=said)
        if len(asked) < 2:
            return None
        said = say("The network always gives {n} outputs, whatever {argument} says.", n=n, argument=argument)
        return Notice(Proof.MEASURED, message=said)


class OtherDepth(NetworkMistake):
    id = "other-depth"
    message = "The network is that of another call: it has as many parameters as the one for another depth."
    why = (
        "Which network is built is the choice of the caller. If two calls give the same one, a comparison between them "
        "compares nothing."
    )
    hints = (
        "The depth decides how many blocks each stage has, and in the table of the paper also which kind of block.",
        "Look at where the argument is used. Is there a number in its place, or a wrong line in a table?",
        "Build both networks, and count the blocks of each stage.",
    )
    check = "parameters"
    broken = (
        changed(PLANNED, ("n = (depth - 2) // 6", "n = 1")),
        changed(PLANNED, ("n = (depth - 2) // 6", "n = {8: 1, 14: 2, 20: 2}[depth]")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        found = examined.other_call
        if found is None or blocks_by_channels(examined.plan) != blocks_by_channels(examined.stages):
            return None  # where the stages are looked at, they say it
        said = say(
            "For {argument}={asked} the network has just as many parameters as the one for {argument}={value}.",
            argument=found.argument,
            asked=found.seen.case.arguments[found.argument],
            value=found.value,
        )
        return Notice(Proof.MEASURED, message=said)


class WrongStages(NetworkMistake):
    id = "wrong-stages"
    message = "The stages have as many blocks as asked for, but other channels, or they work on maps of another size."
    why = (
        "Channels and resolution of the stages decide what a network can see and what it costs. With others it is "
        "another network, of another size."
    )
    hints = (
        "From stage to stage the channels double and height and width halve, in the first block of the stage.",
        "Write the shape of the map behind each stage beside those of the task. Where do they part?",
        "Change the channels or the stride there; mind the steps before the first block, too.",
    )
    check = "shape"
    covers = frozenset({"parameters", "gradient"})
    broken = (
        changed(PLANNED, ("d // c)", "1 + (c == 16 < d))")),
        changed(PLANNED, ("16", "24"), ("32", "48"), ("64", "96")),
    )

    def notice_network(self, examined: Examined, exercise: NetworkExercise) -> Notice | None:
        large = next((each for each in examined.large if each.wrong_stages), None)
        wanted, found = (large.plan, large.stages) if large is not None else (examined.plan, examined.stages)
        if blocks_by_channels(wanted) != blocks_by_channels(found) or wanted == found:
            return None
        if examined.trunk is not None and examined.trunk.cause is not None:
            return None  # a pooling that the stem lacks, perhaps: that is told
        if len({stage.shape[1:] for stage in found}) == 1:
            return None  # see `NoDownsampling`
        if len(found) > len(wanted):
            said = say(
                "The map gets smaller inside of a stage, and not in its first block alone: {found}. The task asks for "
                "{wanted}.",
                found=", ".join(show(list(stage.shape)) for stage in found),
                wanted=", ".join(show(list(stage.shape)) for stage in wanted),
            )
        elif [stage.shape[0] for stage in wanted] != [stage.shape[0] for stage in found]:
            said = say(
                "The stages have {found} channels. The task asks for {wanted}.",
                found=", ".join(str(stage.shape[0]) for stage in found),
                wanted=", ".join(str(stage.shape[0]) for stage in wanted),
            )
        else:
            said = say(
                "The stages work on maps of {found}. The task asks for {wanted}.",
                found=", ".join(show(list(stage.shape[1:])) for stage in found),
                wanted=", ".join(show(list(stage.shape[1:])) for stage in wanted),
            )
        return Notice(Proof.MEASURED, message=said)
