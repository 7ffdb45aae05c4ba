"""What chains of steps do otherwise than the reference, as diagnoses: plain networks, and what stands around blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from grader.judge.chain_topics import Difference, Topic
from grader.judge.examined import Examined
from grader.judge.observed import Observation
from grader.judge.places import Place
from grader.language import say
from grader.mistakes._chained import Chained, ChainMistake, TrunkMistake, explain_chain
from grader.mistakes._mistake import Mistake
from grader.mistakes.network import SOFTMAXES
from grader.verdict import PROVEN_TOGETHER, Diagnosis, Proof


def in_chain(
    known: Iterable[Mistake], examined: Examined, observations: Sequence[Observation], right: Mapping[int, bool]
) -> list[Diagnosis]:
    """In what a network that is a chain of steps differs from the reference, if that is all; see `_chained`.

    Args:
        known: all mistakes.
        right: is it right in a case? By the identity of what was seen.
    """
    topics = explain_chain(examined, observations, lambda seen: not right[id(seen)])
    of_topic = {each.topic: each for each in known if isinstance(each, ChainMistake)}
    found = [
        (of_topic[topic], of_topic[topic].told(*told), told[0].place(told[1][0])) for topic, told in topics.items()
    ]
    calls = [examined.call(chained.seen.case) for chained, _ in topics.values()]
    first = examined.call(examined.observations[0].case)
    return [
        each if call == first else of_some(each, call)
        for each, call in zip(_proven_together(found), calls, strict=True)
    ]


def in_trunk(known: Iterable[Mistake], examined: Examined) -> list[Diagnosis]:
    """In what a network differs from the reference before, between or behind its blocks, if that is known.

    Args:
        known: all mistakes.
    """
    departure = examined.trunk
    seen = examined.trunk_seen or examined.taken_apart
    if departure is None or departure.cause is None or seen is None:
        return []
    chained = Chained(seen, departure.cause, [])
    of_topic: dict[Topic, ChainMistake | TrunkMistake] = {}
    for mistake in known:
        if isinstance(mistake, ChainMistake):
            of_topic.setdefault(mistake.topic, mistake)
        elif isinstance(mistake, TrunkMistake):
            of_topic |= dict.fromkeys(mistake.topics, mistake)
    topics: dict[str, list[Difference]] = {}
    for difference in departure.cause.differences:
        if difference.found is not None and difference.found.what in SOFTMAXES:
            continue  # a mistake of its own
        topics.setdefault(of_topic[difference.topic].id, []).append(difference)
    found = []
    for differences in topics.values():
        mistake = of_topic[differences[0].topic]
        if isinstance(mistake, TrunkMistake):
            message = mistake.told(departure.where, chained, differences)
        else:
            message = mistake.told(chained, differences)
        found.append((mistake, message, chained.place(differences[0])))
    return _proven_together(found)


def _proven_together(found: Sequence[tuple[Mistake, str, Place]]) -> list[Diagnosis]:
    """Mistakes with what is said of them, and where they are: with all of these the reference does what the student's
    code does."""
    return [
        Diagnosis(
            mistake=mistake.id,
            proof=Proof.REPLAYED,
            message=" ".join(
                [message, *(say(PROVEN_TOGETHER, mistake=other.id) for other, *_ in found if other is not mistake)]
            ),
            cell=cell,
            line=line,
            lesson=mistake.lesson,
        )
        for mistake, message, (cell, line) in found
    ]


def of_some(diagnosis: Diagnosis, call: str) -> Diagnosis:
    """The same of a mistake that is made for some arguments alone."""
    message = say("Not in all cases, but in {call}: {message}", call=call, message=diagnosis.message)
    return diagnosis.model_copy(update={"message": message})
