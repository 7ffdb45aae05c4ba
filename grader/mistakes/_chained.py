"""What a network that is a chain of steps does otherwise than the reference: found step by step, proven by replay.

The student's own recording tells what to try. The reference is made into just that chain, and where it then does what
the student's network does, in every case, the differences are the causes: those of one kind are one mistake.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from grader.assignment import ModuleExercise
from grader.judge.chain import WEIGHTED, Link, begun_chain, chain_of, kept_chain
from grader.judge.chain import Step as ChainStep
from grader.judge.chain_begun import continued, shapes_before
from grader.judge.chain_edits import Item, Remade, is_moderate, unbiased
from grader.judge.chain_topics import MOST_TOPICS, Compared, Difference, Topic
from grader.judge.examined import Examined
from grader.judge.observed import Observation
from grader.judge.trunk import Where
from grader.language import later, say
from grader.mistakes._hypotheses import Hypotheses, Step
from grader.mistakes._mistake import Mistake, plant

MOST_NAMED = 3  # layers, behind which the others are counted


@dataclass(frozen=True)
class Chained:
    """A network in one case, held against the reference.

    Attributes:
        lengths: how many layers the network has and is to have, in every case that is known.
    """

    seen: Observation
    compared: Compared
    lengths: Sequence[tuple[int, int]]

    def place(self, found: Difference) -> tuple[int | None, int | None]:
        """Cell and line of a difference."""
        links, raised = self.compared.links, self.seen.built.raised
        if found.at >= len(links) and raised is not None:
            return raised.cell, raised.line
        return (links[max(0, found.at)].node.cell, links[max(0, found.at)].node.line) if links else (None, None)


Told = dict[Topic, tuple[Chained, list[Difference]]]


class ChainMistake(Mistake):
    """A mistake of chains: told for all differences of its topic at once."""

    topic: ClassVar[Topic]
    # What it is called in a block, or beside the blocks of a network, where something is missing that has no line.
    elsewhere: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def told(self, chained: Chained, found: list[Difference]) -> str:
        """Words for all of these."""


class TrunkMistake(Mistake):
    """A mistake before, between or behind the blocks of a network: told for all differences of its topics at once."""

    topics: ClassVar[tuple[Topic, ...]]

    @abstractmethod
    def told(self, where: Where, chained: Chained, found: list[Difference]) -> str:
        """Words for all of these.

        Args:
            chained: the part of the network, held against that of the reference.
        """


def explain_chain(
    examined: Examined, observations: Sequence[Observation], wrong: Callable[[Observation], bool]
) -> Told:
    """In what a network differs from the reference, if the reference with just that does the same; nothing if that is
    not known.

    Args:
        wrong: is it wrong in a case?
    """
    exercise, answers = examined.exercise, examined.answers
    if answers is None or not isinstance(exercise, ModuleExercise):
        return {}
    for variant in range(len(answers.plain_forms(observations[0].case))):
        found: list[Chained] = []
        made: dict[tuple[ChainStep, ...], tuple[Item, ...]] = {}
        right = {seen.case.title: answers.plain_forms(seen.case)[variant].recorded for seen in observations}
        chains = {title: kept_chain(graph) for title, graph in right.items()}
        if max(map(_additions, chains.values())) == 1:
            return {}  # a single block, however it is written: of those other mistakes are known
        for seen in observations:
            wanted = chains[seen.case.title]
            compared = _compared(seen, wanted, bias_free=exercise.conv_bias == "free") if wanted is not None else None
            if compared is not None and wanted is not None:
                made[unbiased(wanted)] = tuple(compared.items)
                found.append(Chained(seen, compared, []))
        edit = Remade(tuple(made.items()))
        if not found or not all(is_moderate(edit(graph)) for graph in right.values()):
            continue
        if Hypotheses(answers, observations).explains(variant, (Step("", plant(edit)),)):
            return _told(found, wrong)
    return {}


def _told(found: list[Chained], wrong: Callable[[Observation], bool]) -> Told:
    """The differences by topic, each in the first case that has some."""
    lengths = [(_layers(each.compared.found), _layers(each.compared.wanted)) for each in found]
    told: Told = {}
    for each in found:
        topics: dict[Topic, list[Difference]] = {}
        for difference in each.compared.differences if wrong(each.seen) else ():
            topics.setdefault(difference.topic, []).append(difference)
        for topic, differences in topics.items():
            told.setdefault(topic, (Chained(each.seen, each.compared, lengths), differences))
    return told if len(told) <= MOST_TOPICS else {}


def _compared(seen: Observation, wanted: Sequence[Link], *, bias_free: bool) -> Compared | None:
    """The chain of a student's network beside the reference's, as its recording says; None if it is no chain."""
    steps = [link.step for link in wanted]
    graph, partial = seen.built.graph, seen.built.partial
    if graph is not None and graph.is_sound:
        links = chain_of(graph)
        if links is None:
            return None
        return Compared.of(wanted, links, bias_free=bias_free)
    if seen.built.raised is None or partial is None or not partial.is_sound:
        return None
    begun = begun_chain(partial)
    found, pairs = continued(steps, list(shapes_before(wanted)), begun, seen.built)
    operation = seen.built.raised.operation
    raised = operation.module or "" if operation is not None else ""
    return Compared(steps, found, begun, pairs, bias_free=bias_free, raised=raised)


def _additions(links: Sequence[Link] | None) -> int:
    return sum(link.step.kind == "addition" for link in links or ())


def _layers(steps: Sequence[object]) -> int:
    return sum(getattr(step, "kind", "") in WEIGHTED for step in steps)


# ---------------------------------------------------------------------- words


def layer_at(compared: Compared, at: int) -> str:
    """The layer that a step belongs to, by its name in the student's code; by its number where it has none."""
    layers = [number for number, step in enumerate(compared.found[: at + 1]) if step.kind in WEIGHTED]
    if not layers:
        return say("the input")
    layer, kind = layers[-1], compared.found[layers[-1]].kind
    ran = layer < len(compared.links)
    module = (
        compared.links[layer].node.module if ran else compared.raised if layer == len(compared.links) else ""
    ) or ""
    if any(part and not part.isdecimal() for part in module.split(".")):
        return module
    number = sum(compared.found[each].kind == kind for each in layers)
    return say("convolution {n}", n=number) if kind == "convolution" else say("linear layer {n}", n=number)


def layers_of(chained: Chained, found: Sequence[Difference], kind: str) -> str:
    """The layers of some differences: "layer2.1.conv1, layer2.1.conv2 and 3 more", or "every convolution".

    Args:
        kind: the kind of step that they are about, as the reference has it.
    """
    compared = chained.compared
    rows = {each.row for each in found}
    all_rows = compared.rows_of(kind)
    layers = [step.kind for step in compared.wanted if step.kind in WEIGHTED]
    is_convolutions = all(layers[row] == "convolution" for row in all_rows if row >= 0)
    if len(all_rows) > 2 and rows == all_rows:
        return say("every convolution") if is_convolutions else say("every layer")
    if len(all_rows) > 3 and rows == all_rows - {min(all_rows)}:
        return say("every convolution but the first") if is_convolutions else say("every layer but the first")
    names = list(dict.fromkeys(layer_at(compared, each.at) for each in found))
    return listed(names)


def listed(names: Sequence[str]) -> str:
    """Names as people list them, of many only the first."""
    if len(names) > MOST_NAMED + 1:
        return say("{names} and {n} more", names=", ".join(names[:MOST_NAMED]), n=len(names) - MOST_NAMED)
    *most, last = names
    return say("{names} and {last}", names=", ".join(most), last=last) if most else last


STEPS = {
    ("activation", "relu"): later("ReLU"),
    ("activation", "_softmax"): later("softmax"),
    ("activation", "_log_softmax"): later("log-softmax"),
    ("norm", "batch"): later("batch norm"),
    ("norm", "group"): later("group norm"),
    ("pooling", "average"): later("average pooling"),
    ("pooling", "max"): later("max pooling"),
    ("pooling", "sum"): later("a sum over each map"),
    ("activation", "add"): later("the addition of a number"),
    ("activation", "sub"): later("the subtraction of a number"),
    ("activation", "mul"): later("the multiplication by a number"),
    ("activation", "div"): later("the division by a number"),
    ("convolution", ""): later("convolution"),
    ("linear", ""): later("linear layer"),
    ("flatten", ""): later("flattening of the maps"),
}


def step_names(steps: Iterable[ChainStep | None]) -> str:
    """Steps in words, each kind once."""
    return listed(list(dict.fromkeys(step_name(step.kind, step.what) for step in steps if step is not None)))


def step_name(kind: str, what: str) -> str:
    """A step in words; a function that is no ReLU by its own name."""
    if kind == "addition":
        return say("addition of an earlier value")
    return say(STEPS[kind, what]) if (kind, what) in STEPS else what
