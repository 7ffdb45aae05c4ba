"""How a chain goes on that was recorded only up to where it raised: as the reference does, but for what it did so far.

What is wrong in one layer is most often wrong in the next one too. The registered weights say how large the layers are
that never ran. All this is a guess, which the replay proves or refutes: it has to raise where the student's code does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from grader.judge.chain import WEIGHTED, Link, Step
from grader.judge.chain_changes import Pair, align
from grader.observation import Built

OF_LAYER = ("padding", "dilation", "groups")  # what the next layers have like those that ran
PAIR = 2  # layers in a block: what is done in the second of one is done in the second of the next


def continued(
    wanted: Sequence[Step], shapes: Sequence[Sequence[int]], begun: Sequence[Link], built: Built
) -> tuple[list[Step], list[Pair]]:
    """All steps of a student's chain, those that ran and those that were to come, and what they are in the reference's.

    Args:
        shapes: of the value that each step of the reference reads.
    """
    found = [link.step for link in begun]
    pairs = align(wanted, found, open_end=True)
    end = 1 + max((p.wanted for p in pairs if p.wanted is not None and p.found is not None), default=-1)
    ahead = _kernels(begun, built)
    rest = [number for number in range(end, len(wanted)) if wanted[number].kind in WEIGHTED]
    told = dict(zip(rest, ahead, strict=True)) if len(rest) == len(ahead) else {}
    pairs = [p for p in pairs if p.found is not None or (p.wanted is not None and p.wanted < end)]
    template = _changes(wanted, found, pairs)
    layer = sum(step.kind in WEIGHTED for step in wanted[:end]) - 1
    for number in range(end, len(wanted)):
        step = wanted[number]
        layer += step.kind in WEIGHTED
        like = template.get((_like(layer, template), step.kind))
        if step.kind not in WEIGHTED and like == "missing":
            pairs.append(Pair(number, None))
            continue
        if step.kind in WEIGHTED:
            step = _as_like(step, like) if isinstance(like, Step) else step
            step = _as_told(step, told.get(number), _given(begun, found, step))
        elif len(found) == len(begun) and built.raised is not None and built.raised.operation is not None:
            step = _as_raised(step, built.raised.operation.op, shapes[number])
        pairs.append(Pair(number, len(found)))
        found.append(step)
    return found, pairs


def _kernels(begun: Sequence[Link], built: Built) -> list[list[int]]:
    """The shapes of the weights that were not used, in the order of registration."""
    used = {leaf.leaf.key for link in begun for leaf in link.leaves.values() if leaf.leaf is not None}
    return [each.shape for each in built.parameters if len(each.shape) > 1 and each.key not in used]


def _changes(wanted: Sequence[Step], found: Sequence[Step], pairs: Sequence[Pair]) -> dict[tuple[int, str], Step | str]:
    """By the reference's layer and a kind of step, the student's for it, or "missing"."""
    template: dict[tuple[int, str], Step | str] = {}
    layer = -1
    for pair in pairs:
        if pair.wanted is None:
            continue
        step = wanted[pair.wanted]
        layer += step.kind in WEIGHTED
        template[layer, step.kind] = "missing" if pair.found is None else found[pair.found]
    return template


def _like(layer: int, template: dict[tuple[int, str], Step | str]) -> int:
    """The last layer that ran and stands where this one does in its block; the first one is no block's."""
    ran = max((number for number, _ in template), default=-1)
    same = [number for number in range(1, ran + 1) if (layer - number) % PAIR == 0]
    return max(same, default=-1)


def _as_like(step: Step, like: Step) -> Step:
    if step.kind != "convolution" or like.kind != "convolution":
        return step
    return replace(step, **{name: getattr(like, name) for name in OF_LAYER}, bias=like.bias)


def _given(begun: Sequence[Link], found: Sequence[Step], step: Step) -> int:
    """How many channels or numbers the next layer gets; 0 if that is not known."""
    if len(found) == len(begun) and begun:
        shape = begun[-1].node.shape
        return math.prod(shape[1:]) if step.kind == "linear" else math.prod(shape[1:2])
    return next((each.out for each in reversed(found) if each.kind in WEIGHTED), 0)


def _as_told(step: Step, shape: Sequence[int] | None, given: int) -> Step:
    """A layer with a weight of this shape."""
    if shape is None or len(shape) != 2 + len(step.kernel):
        return step
    into = shape[1] * step.groups
    return replace(step, out=shape[0], kernel=tuple(shape[2:]), into=into if given and into != given else 0)


def _as_raised(step: Step, op: str, shape: Sequence[int]) -> Step:
    """A pooling that raised is one of a window: of the size that the map is to have there."""
    if step.kind == "pooling" and "pool2d" in op and "adaptive" not in op:
        return replace(step, numbers=(tuple(shape[2:]), tuple(shape[2:])))
    return step


def shapes_before(links: Sequence[Link]) -> Iterator[list[int]]:
    """The shape of what each step reads, but for the first."""
    yield []
    for link in links[:-1]:
        yield link.node.shape
