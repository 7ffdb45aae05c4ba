"""Students' graphs that tell the truth: run again on the trusted side, they give what the module itself gave."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from torch import Tensor

from grader.graph import Graph
from grader.judge.compare import equal
from grader.judge.replay import Environment
from grader.judge.trace import Trace
from grader.judge.trusted import Unlike, Untold, run_guarded
from grader.observation import Precision


@dataclass(frozen=True)
class Verified:
    """A graph, and what it passes through for an input and weights of our own."""

    graph: Graph
    trace: Trace


def verify(graph: Graph, x: Tensor, values: dict[str, Tensor], y: Tensor, precision: Precision) -> Verified:
    """Run a student's graph and compare.

    Args:
        values: of the leaves, by key.
        y: what the module itself gave for `x` and these values.

    Raises:
        Untold: the graph cannot be run; `Unlike`: it gives something else.
    """
    environment: Environment = {}
    run_guarded(graph, x, values, environment)
    result = environment[graph.output]
    if not isinstance(result, Tensor) or result.shape != y.shape or not equal(y, result.to(y.dtype), precision):
        raise Unlike("what was recorded gives another output than the module for other weights and another input")
    return Verified(graph, Trace.of(graph, environment))


def trace_of_failure(graph: Graph, x: Tensor, values: dict[str, Tensor]) -> Trace:
    """What a module passed through before it raised, as its graph up to there says; nothing can confirm it."""
    environment: Environment = {}
    with suppress(Untold):
        run_guarded(graph, x, values, environment)
    return Trace.of(graph, environment)
