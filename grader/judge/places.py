"""Point at a part of the student's code: cell and line, as recorded while it ran."""

from __future__ import annotations

from collections.abc import Sequence

from grader.graph import Graph, Node
from grader.judge.anatomy import COMBINATIONS, anatomy, ancestors, convolutions
from grader.judge.forms import Form
from grader.judge.formula import describe
from grader.judge.observed import RECORDED, Observation
from grader.judge.trace import divergence

# Operations with which a map is squeezed to one number for each channel.
SQUEEZES = frozenset("mean sum amax max avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d".split())
Place = tuple[int | None, int | None]
_MOST_FORMS = 16  # whose values are looked at


def place_of(seen: Observation, what: str) -> Place:
    """Cell and line of a part of a block.

    Args:
        what: "join", where branch and shortcut meet; "output"; "projection"; "gate", where a map is squeezed; or
            "convolution N" of the branch.
            What cannot be found is pointed at as the output.
    """
    graph = seen.built.graph
    if graph is None or not graph.is_sound:
        raised = seen.built.raised
        return (raised.cell, raised.line) if raised is not None else (None, None)
    node = _node(graph, what) or graph.by_id[graph.output]
    return node.cell, node.line


def closest(seen: Observation, forms: Sequence[Form]) -> Form:
    """Of some forms the one most of whose values a student's module passes through; the first of equals. Where like
    layers are exchanged, everything behind them is another value."""
    if seen.verified is None or len(forms) < 2:
        return forms[0]
    trace = seen.verified.trace
    return max(forms[:_MOST_FORMS], key=lambda form: len(trace.found_in(form.trace(RECORDED))))


def first_departure(seen: Observation, form: Form) -> tuple[Node, str] | None:
    """Where the values of a student's module first leave those of a form, and what is computed there; None when they
    do not in evaluation mode, or when its recording cannot be believed."""
    if seen.verified is None:
        return None
    graph, trace = seen.verified.graph, seen.verified.trace
    left = divergence(graph, trace, trace.found_in(form.trace(RECORDED)))
    node = next((graph.by_id[i] for i in left), None)
    return (node, describe(graph, node)) if node is not None else None


def _node(graph: Graph, what: str) -> Node | None:
    parts = anatomy(graph, COMBINATIONS)
    nodes = graph.by_id
    if what == "output":
        return nodes[graph.output]
    if what == "join":
        return nodes[parts.join] if parts else None
    if what == "gate":
        return next((node for node in graph.nodes if node.name in SQUEEZES), None)
    among = {node.id for node in graph.nodes}
    if parts is not None:
        shortcut = ancestors(graph, parts.shortcut)
        among = shortcut if what == "projection" else ancestors(graph, parts.branch) - shortcut
    found = convolutions(graph, among)
    number = 0 if what == "projection" else int(what.split()[1])
    return found[number] if number < len(found) else None
