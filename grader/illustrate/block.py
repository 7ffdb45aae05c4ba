"""The student's block beside the reference's, with the first place where they differ."""

from __future__ import annotations

from grader.illustrate.align import distance, pairs_of, unlike
from grader.illustrate.steps import Drawn, drawn_form
from grader.judge.examined import Examined
from grader.judge.forms import Form
from grader.judge.observed import RECORDED, Observation
from grader.judge.places import closest
from grader.judge.trace import divergence
from grader.pictures import BlockPicture, Difference, Flow, Pair

MOST_FORMS = 8  # accepted ways that are compared, to find the one that the student follows


def nearest_form(examined: Examined, seen: Observation, mine: Drawn | None) -> Form | None:
    """The accepted form that a module in this case comes nearest to: by the values that it passes through, where it
    can be given equal weights, else by what is drawn."""
    if examined.answers is None:
        return None
    by_variant: dict[int, list[Form]] = {}
    for form in examined.right_forms(seen):
        by_variant.setdefault(form.variant, []).append(form)
    like = [closest(seen, forms) for forms in list(by_variant.values())[:MOST_FORMS]]
    if len(like) == 1 or (like and seen.verified is not None):
        return closest(seen, like)
    forms = like or examined.answers.plain_forms(seen.case)[:MOST_FORMS]
    if mine is None:
        return forms[0]
    drawings = [(form, drawn_form(form)) for form in forms]
    found = [(distance(mine.flow, other.flow), i) for i, (_, other) in enumerate(drawings) if other is not None]
    return forms[min(found)[1]] if found else forms[0]


def block_picture(case: str, seen: Observation, mine: Drawn, form: Form | None) -> BlockPicture | None:
    """The picture; None where there is no more to see than that the input is returned."""
    reference = drawn_form(form) if form is not None else None
    if len(mine.flow.steps) < 2 and reference is None:
        return None
    broken = seen.built.graph is None
    if form is None or reference is None:
        return BlockPicture(case=case, mine=mine.flow, chooses=seen.reads, broken=broken)
    pairs = pairs_of(mine.flow, reference.flow)
    return BlockPicture(
        case=case,
        mine=mine.flow,
        reference=reference.flow,
        pairs=pairs,
        first=_first(seen, mine, reference, form, pairs),
        chooses=seen.reads,
        broken=broken,
    )


def _first(seen: Observation, mine: Drawn, reference: Drawn, form: Form, pairs: tuple[Pair, ...]) -> Difference | None:
    """Where the values first differ, if they tell; else where the drawings do.

    Where a step is missing right in front of a value that differs, the missing step is the difference.
    """
    measured = _departure(seen, mine, form)
    drawn = drawn_difference(mine.flow, reference.flow, pairs, broken=seen.built.graph is None)
    if measured is None:
        return _left_undone(seen, mine, reference, form) or drawn
    if drawn is not None and drawn.missing is not None and drawn.mine in mine.flow.steps[measured].reads:
        return drawn.model_copy(update={"measured": True})
    return Difference(mine=measured, measured=True)


def _departure(seen: Observation, mine: Drawn, form: Form) -> int | None:
    """The step out of which the first value comes that the reference does not compute under equal weights."""
    if seen.aligned is None or seen.verified is None or is_unregistered(seen):
        return None
    trace = seen.verified.trace
    left = divergence(seen.verified.graph, trace, trace.found_in(form.trace(RECORDED)))
    return next((step for i in left if (step := mine.step_at(i)) is not None), None)


def _left_undone(seen: Observation, mine: Drawn, reference: Drawn, form: Form) -> Difference | None:
    """What the reference does with the value that the student returns, where all that leads to it is right."""
    if seen.aligned is None or seen.verified is None or is_unregistered(seen):
        return None
    ours, theirs = seen.verified.trace, form.trace(RECORDED)
    if set(ours.nodes) - ours.found_in(theirs):
        return None
    graph = form.passed(RECORDED)[0]
    returned = theirs.found_in(ours.last)
    for node in divergence(graph, theirs, theirs.found_in(ours)):
        step = reference.step_at(node)
        if step is not None and returned & set(graph.by_id[node].inputs):
            return Difference(mine=len(mine.flow.steps) - 1, missing=step, measured=True)
    return None


def is_unregistered(seen: Observation) -> bool:
    """Does it use parameters that it does not register? What hangs on them cannot be given equal weights."""
    graph = seen.built.graph
    leaves = [node.leaf for node in graph.nodes if node.leaf is not None] if graph is not None else []
    return any(leaf.kind == "unregistered" and leaf.learnable for leaf in leaves)


def drawn_difference(
    mine: Flow, reference: Flow, pairs: tuple[Pair, ...], *, broken: bool = False
) -> Difference | None:
    """The first step, in the order of the student's code, that the drawings do not share.

    Args:
        broken: did it raise at its last step? Nothing is missing behind that.
    """
    mates = {j: i for i, j in pairs if i is not None and j is not None}
    found: list[tuple[float, Difference]] = []
    for i, j in pairs:
        if i is None and j is not None:
            before = _before(reference, j, mates)
            if not (broken and before == len(mine.steps) - 1):
                found.append((before + 0.5, Difference(mine=before, missing=j)))
        elif i is not None and (j is None or unlike(mine.steps[i], reference.steps[j])):
            found.append((i, Difference(mine=i)))
    return min(found, key=lambda each: each[0])[1] if found else None


def _before(reference: Flow, step: int, mates: dict[int, int]) -> int:
    """The student's step behind which a step of the reference is missing."""
    before = 0
    for i in reference.steps[step].reads:  # made before it is read, so that this ends
        before = max(before, mates[i] if i in mates else _before(reference, i, mates))
    return before
