"""Running a graph never touches memory beside its operands, whatever sizes the graph has."""

from __future__ import annotations

import pytest
import torch

from grader.capture import record
from grader.graph import Graph, Leaf, Node
from grader.judge.edits import ref
from grader.judge.replay import ReplayError, replay
from grader.judge.trusted import Untold, run_guarded

NORMS = {
    "aten.native_batch_norm.default": (True, 0.1, 1e-5),
    "aten._native_batch_norm_legit.default": (True, 0.1, 1e-5),
    "aten._native_batch_norm_legit_functional.default": (True, 0.1, 1e-5),
    "aten._native_batch_norm_legit_no_training.default": (0.1, 1e-5),
}
X = torch.randn(2, 8, 4, 4, dtype=torch.float64)


def norm_graph(op: str, sizes: list[int | None], behind: tuple[object, ...]) -> tuple[Graph, dict[str, torch.Tensor]]:
    """A batch norm whose weight, bias, mean and variance have these sizes."""
    nodes = [Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[list(X.shape)])]
    values = {}
    for number, size in enumerate(sizes, start=1):
        if size is not None:
            leaf = Leaf(kind="buffer", key=f"b:{number}")
            nodes.append(Node(id=number, op="leaf", leaf=leaf, shapes=[[size]]))
            values[f"b:{number}"] = torch.ones(size, dtype=torch.float64)
    operands = [ref(number) if size is not None else None for number, size in enumerate(sizes, start=1)]
    nodes.append(Node(id=5, op=op, args=[ref(0), *operands, *behind]))
    nodes.append(Node(id=6, op="getitem", args=[ref(5), 0], shapes=[list(X.shape)]))
    return Graph(nodes=nodes, output=6), values


@pytest.mark.parametrize("wrong", range(4))
@pytest.mark.parametrize("op", NORMS)
def test_a_batch_norm_with_parameters_of_another_size_raises(op: str, wrong: int) -> None:
    """The operation itself does not look, and would read or write beyond them."""
    sizes: list[int | None] = [8, 8, 8, 8]
    graph, values = norm_graph(op, sizes, NORMS[op])
    assert X.shape == replay(graph, X, values)[0].shape
    sizes[wrong] = 2
    graph, values = norm_graph(op, sizes, NORMS[op])
    with pytest.raises(ReplayError, match=r"should contain 8 elements, not 2"):
        replay(graph, X, values)
    with pytest.raises(Untold, match=r"should contain 8 elements, not 2"):
        run_guarded(graph, X, values, {})


def test_a_batch_norm_in_evaluation_mode_without_statistics_raises() -> None:
    """There is nothing to read them from."""
    graph, values = norm_graph("aten.native_batch_norm.default", [8, 8, None, None], (False, 0.1, 1e-5))
    with pytest.raises(ReplayError, match=r"running_mean is missing"):
        replay(graph, X, values)


def test_a_new_geometry_stays_within_the_value() -> None:
    """An operation that trusts the sizes and strides it is given is run as a reshape."""
    nodes = [
        Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[list(X.shape)]),
        Node(id=1, op="aten._reshape_alias.default", args=[ref(0), [100_000], [1]], shapes=[[100_000]]),
    ]
    with pytest.raises(Untold, match=r"invalid for input of size 256"):
        run_guarded(Graph(nodes=nodes, output=1), X, {}, {})


def test_what_is_made_of_nothing_lies_where_the_input_does() -> None:
    """The meta device stands for any that is not the CPU: operands of two devices do not meet there either."""

    class Ramp(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.arange(4.0) * torch.ones(3, 1) + torch.full((4,), 0.5)

    graph = record(Ramp(), torch.zeros(2, 3, 4)).graph
    assert graph is not None
    y, _ = replay(Graph.model_validate(graph), torch.zeros(2, 3, 4, device="meta"), {})
    assert y.device.type == "meta"
