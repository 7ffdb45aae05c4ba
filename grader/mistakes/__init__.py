"""Known mistakes, found by walking this folder, and the search for those that explain a student's behaviour."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, reduce

from grader.family import members
from grader.graph import Graph
from grader.judge.behaviour import first_difference
from grader.judge.examined import Examined
from grader.judge.failures import fails_beyond_replay
from grader.judge.forms import Edit
from grader.judge.observed import RECORDED, Observation
from grader.judge.parts import block_of
from grader.judge.places import place_of
from grader.language import say
from grader.mistakes._chained import ChainMistake
from grader.mistakes._differences import in_chain, in_trunk, of_some
from grader.mistakes._hypotheses import Explanation, Step
from grader.mistakes._mistake import Mistake, Noticed, Planted
from grader.mistakes._modes import IN_EVALUATION, IN_TRAINING, in_mode, may_be_trained_alone, wrong_mode
from grader.mistakes._search import Search
from grader.verdict import ALIKE, PROVEN_TOGETHER, Diagnosis, Proof


@cache
def mistakes() -> dict[str, Mistake]:
    """Every known mistake by its id."""
    found: dict[str, Mistake] = {}
    for member in members(__name__, __path__, Mistake):
        assert member.id not in found, member.id
        found[member.id] = member()
    return found


def chain_mistake(mistake: str) -> ChainMistake | None:
    """What is told of a network that is a chain of steps, by its id; None for all other mistakes."""
    found = mistakes()[mistake]
    return found if isinstance(found, ChainMistake) else None


def diagnose(examined: Examined, among: Collection[str] | None = None, *, alone: bool = False) -> list[Diagnosis]:
    """The mistakes that explain what a wrong submission does, the most telling first.

    Noticed ones are all named. Of planted ones the first that explains every case is named; if others explain it
    equally, the message says so. When nothing explains it, nothing is claimed.

    Args:
        among: the planted mistakes that are considered; None for all of them.
        alone: are only single ones tried? Pairs are many, and each takes long where modules are wide.
    """
    before, after = _noticed(examined, "before"), _noticed(examined, "after")
    replayed = in_trunk(mistakes().values(), examined)
    if not replayed and not any(explains for _, explains in before + after):
        replayed = _replay(examined, among, alone=alone)
    found = [each for each, _ in before] + replayed + [each for each, _ in after]
    return found or [each for each, _ in _noticed(examined, "otherwise")]


def _noticed(examined: Examined, rank: str) -> list[tuple[Diagnosis, bool]]:
    """What is noticed of this rank, and whether each explains what the submission does."""
    found: list[tuple[Diagnosis, bool]] = []
    for mistake in mistakes().values():
        if not isinstance(mistake, Noticed) or mistake.rank != rank:
            continue
        notice = mistake.notice(examined)
        if notice is not None:
            explains = mistake.explains and notice.explains
            diagnosis = Diagnosis(
                mistake=mistake.id,
                proof=notice.proof,
                message=notice.message or mistake.said,
                cell=notice.cell,
                line=notice.line,
                lesson=mistake.lesson,
                explains=explains and notice.proof is Proof.MEASURED,
            )
            found.append((diagnosis, explains))
    return found


def with_lesson(diagnosis: Diagnosis) -> Diagnosis:
    """A known mistake that was told from the outside, with what it teaches."""
    return diagnosis.model_copy(update={"lesson": mistakes()[diagnosis.mistake].lesson, "explains": True})


def _replay(examined: Examined, among: Collection[str] | None, *, alone: bool) -> list[Diagnosis]:
    observations = [seen.by_graph or seen for seen in examined.observations]
    if examined.answers is None or not observations or examined.ended is not None:
        return []
    if any(map(fails_beyond_replay, observations)):
        return []  # what explains it would have to raise there
    # The cases that are wrong come first: they tell the mistakes apart.
    right = {id(seen): examined.right_form(seen) is not None for seen in observations}
    if all(right.values()):
        return []  # it behaves as it should; what is wrong is something else
    observations.sort(key=lambda seen: right[id(seen)])
    chained = in_chain(mistakes().values(), examined, observations, right)
    if chained:
        return chained
    steps = [
        step
        for mistake in planted_mistakes(form.recorded for form in examined.answers.plain_forms(observations[0].case))
        if among is None or mistake.id in among
        for step in (*_steps(mistake), *(Step(mistake.id, way) for way in mistake.suggested(observations)))
    ]
    explained = _explained(examined, steps, observations, right, alone=alone)
    if not explained.found:
        return []
    first, *others = sorted(explained.found, key=_is_less_likely)
    # What is planted is planted in the last of several blocks in a row; the others are as they should be.
    last = any(
        _is_chain(form.recorded) for seen in observations for form in examined.answers.plain_forms(seen.case)[:1]
    )
    said = [_diagnosis(step, first, others, observations[0], of_last=last) for step in first]
    if explained.in_training is not None:
        return [_of_mode(each, training=explained.in_training) for each in said]
    return [of_some(each, explained.only) for each in said] if explained.only else said


@dataclass(frozen=True)
class _Explained:
    """What explains a module's behaviour equally, if anything does.

    Attributes:
        only: the call for which alone; "" for all.
        in_training: the mode in which alone; None for both.
    """

    found: list[Explanation]
    only: str = ""
    in_training: bool | None = None


def _explained(
    examined: Examined, steps: list[Step], observations: list[Observation], right: Mapping[int, bool], *, alone: bool
) -> _Explained:
    """One mistake in all cases, in one mode alone, or in some cases alone; else two together, unless `alone`.

    Args:
        right: is it right in a case? By the identity of what was seen.
    """
    assert examined.answers is not None
    search = Search(examined.answers, steps, observations)
    if found := search.alone():
        return _Explained(found)
    # Right in one mode: a mistake that is made under `self.training`, of which there are no two.
    mode = wrong_mode(examined)
    if mode is not None or may_be_trained_alone(observations):
        found = Search(examined.answers, in_mode(steps, training=mode is True), observations).alone()
        if found or mode is not None:
            return _Explained(found, in_training=mode is True)
    wrong = [seen for seen in observations if not right[id(seen)]]
    # Right in some cases: a mistake that is made in one branch of an `if`.
    is_partly_right = len(wrong) < len(observations) and not all(seen.case.confirm for seen in wrong)
    if is_partly_right and (found := Search(examined.answers, steps, wrong).alone()):
        return _Explained(found, only=examined.call(wrong[0].case))
    return _Explained([] if alone or _is_right_as_recorded(examined) else search.together())


def _is_right_as_recorded(examined: Examined) -> bool:
    """Is a module right wherever it is asked as it was recorded? What is wrong in another mode, or for other sizes, is
    no two mistakes."""
    seen = [each for each in examined.observations if not each.case.confirm]
    return all(
        RECORDED.name in each.answers
        and any(first_difference(each, form, RECORDED) is None for form in examined.right_forms(each))
        for each in seen
    )


def _is_less_likely(explanation: Explanation) -> tuple[bool, bool]:
    """Is it one that does another thing in some blocks? And is it one that is not read off the code?"""
    known = (mistakes()[step.mistake] for step in explanation)
    chooses = any(isinstance(mistake, Planted) and mistake.chooses for mistake in known)
    return chooses, not any(step.plant.is_read for step in explanation)


def _of_mode(diagnosis: Diagnosis, *, training: bool) -> Diagnosis:
    """The same of a mistake that is made in one mode alone."""
    message = say(IN_TRAINING if training else IN_EVALUATION, message=diagnosis.message)
    return diagnosis.model_copy(update={"message": message})


def _is_chain(graph: Graph) -> bool:
    block = block_of(graph)
    return block is not None and block.follows_another


def planted_mistakes(right: Iterable[Graph]) -> list[Planted]:
    """All mistakes that can be planted whose words fit these right answers."""
    blocks = [block_of(graph) for graph in right]
    concatenates = any(block is not None and block.is_dense for block in blocks)
    planted = (mistake for mistake in mistakes().values() if isinstance(mistake, Planted))
    return [mistake for mistake in planted if (mistake.of_concatenation if concatenates else mistake.of_sum)]


def known_steps(right: Iterable[Graph]) -> Iterator[Edit]:
    """Every edit of these right answers that is a known mistake by itself, whatever a student's code shows."""
    for mistake in planted_mistakes(right):
        for step in _steps(mistake):
            if len(step.plant.edits) == 1:
                yield step.edit


@cache
def _steps(mistake: Planted) -> list[Step]:
    """The ways to make a mistake that are known before anything is seen."""
    return [Step(mistake.id, way) for way in mistake.plants]


def _diagnosis(
    step: Step, explanation: Explanation, others: list[Explanation], seen: Observation, *, of_last: bool
) -> Diagnosis:
    """One mistake of an explanation, in words; what explains the behaviour equally is named with it."""
    message = step.plant.said or mistakes()[step.mistake].said
    if of_last:
        message = say("In the last of its blocks: {message}", message=message)
    for other in explanation:
        if other is not step:
            message += " " + say(PROVEN_TOGETHER, mistake=other.mistake)
    if others and step is explanation[0]:
        message += " " + say(ALIKE, mistakes=_either(map(_together, others)))
    cell, line = place_of(seen, step.plant.where)
    return Diagnosis(
        mistake=step.mistake,
        proof=Proof.REPLAYED,
        message=message,
        cell=cell,
        line=line,
        lesson=mistakes()[step.mistake].lesson,
    )


def _together(explanation: Explanation) -> str:
    """The mistakes of one explanation, by their ids."""
    ids = (step.mistake for step in explanation)
    return reduce(lambda one, other: say("{one} with {other}", one=one, other=other), ids)


def _either(named: Iterable[str]) -> str:
    """Several explanations, any of which would do."""
    return reduce(lambda one, other: say("{one} or {other}", one=one, other=other), named)
