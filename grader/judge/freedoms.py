"""The freedoms that an assignment grants, as edits of its reference: each choice gives one more right answer.

A freedom is granted for the exercise as a whole: a student follows *one* variant in all cases. Redundant biases are
no variants, since each layer may have one or not; see `grader.judge.forms`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from grader.assignment import ModuleExercise, ShortcutOption
from grader.graph import Graph
from grader.judge.activations import toggle_final_activation
from grader.judge.anatomy import anatomy
from grader.judge.edits import Editor
from grader.judge.parts import Block, Edit
from grader.judge.shortcuts import pad_shortcut, project_shortcut
from grader.judge.strides import move_stride

Recordings = Callable[[int], Sequence[Graph]]


@dataclass(frozen=True)
class Variant:
    """One right way to do all cases of an exercise.

    Attributes:
        keywords: which set of the reference's keyword arguments, 0 for none.
        edits: what is done to the recorded graph.
    """

    keywords: int = 0
    edits: tuple[Edit, ...] = ()

    def of(self, graph: Graph) -> Graph:
        """What the variant computes, from what the reference with these keywords computes."""
        for edit in self.edits:
            graph = edit(graph)
        return graph


def variants(exercise: ModuleExercise, recorded: Recordings) -> list[Variant]:
    """All right ways, without those that compute the same as another in every case.

    The reference as it stands comes first, unless `shortcut_option` says that it is not among the right ones.

    Args:
        recorded: the graphs of all cases, for the number of a set of keywords.
    """
    found: dict[str, Variant] = {}
    for keywords in range(1 + len(exercise.variants)):
        graphs = recorded(keywords)
        for edits in product(_strides(exercise, graphs), _shortcuts(exercise, graphs), _activations(exercise)):
            variant = Variant(keywords, tuple(edit for edit in edits if edit is not None))
            found.setdefault(_computation(variant, graphs), variant)
    plain = _computation(Variant(), recorded(0))
    first = [Variant()] if found.pop(plain, None) is not None else []
    return first + list(found.values())


def _strides(exercise: ModuleExercise, graphs: Sequence[Graph]) -> Iterator[Edit | None]:
    yield None
    if exercise.stride_position == "free":
        blocks = [block for block in map(_block, graphs) if block is not None]
        yield from map(move_stride, range(max((len(block.convolutions) for block in blocks), default=0)))


def _shortcuts(exercise: ModuleExercise, graphs: Sequence[Graph]) -> Iterator[Edit | None]:
    if exercise.shortcut_option is None:
        yield None
        return
    # A projection is made as the reference makes its own.
    projecting = [block for block in map(_block, graphs) if block is not None and block.projection is not None]
    norm = not projecting or projecting[0].projection_norm is not None
    options: dict[ShortcutOption, list[Edit]] = {
        "A": [pad_shortcut("end"), pad_shortcut("middle"), pad_shortcut("front")],
        "B": [project_shortcut(always=False, norm=norm)],
        "C": [project_shortcut(always=True, norm=norm)],
    }
    for option in exercise.shortcut_option:
        yield from options[option]


def _activations(exercise: ModuleExercise) -> Iterator[Edit | None]:
    yield None
    if exercise.activation_after_add == "free":
        yield toggle_final_activation


def _block(graph: Graph) -> Block | None:
    parts = anatomy(graph)
    return Block(graph, parts) if parts is not None else None


def _computation(variant: Variant, graphs: Sequence[Graph]) -> str:
    """What a variant computes in these cases, as a text that does not depend on how nodes are numbered."""
    return json.dumps([_told(variant.of(graph)) for graph in graphs])


def _told(graph: Graph) -> list[object]:
    ordered = Editor(graph).graph().nodes
    numbers = {node.id: number for number, node in enumerate(ordered)}
    return [
        [node.op, _renumbered(node.args, numbers), _renumbered(node.kwargs, numbers)]
        + ([node.leaf.key, node.shape] if node.leaf is not None else [])
        for node in ordered
    ]


def _renumbered(value: object, numbers: dict[int, int]) -> object:
    if isinstance(value, dict):
        return {name: numbers[i] if name == "v" else _renumbered(i, numbers) for name, i in value.items()}
    return [_renumbered(item, numbers) for item in value] if isinstance(value, list) else value
