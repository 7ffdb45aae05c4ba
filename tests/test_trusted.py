"""A student's graph is run on the trusted side only within bounds, and believed only when it tells the truth."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from grader.capture import record
from grader.graph import Graph, Leaf, Node
from grader.judge.edits import ref
from grader.judge.trace import Trace, divergence
from grader.judge.trusted import Unlike, Untold, run_guarded
from grader.judge.verified import verify

X = torch.randn(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
HUGE = 1 << 19


def graph_of(op: str, *args: object, **kwargs: object) -> Graph:
    """One operation on the input; the list ["x"] among its arguments stands for the input."""
    found = [ref(0) if arg == "x" else arg for arg in args]
    nodes = [
        Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[list(X.shape)]),
        Node.model_validate({"id": 1, "op": op, "args": found, "kwargs": kwargs}),
    ]
    return Graph(nodes=nodes, output=1)


@pytest.mark.parametrize(
    ("op", "args"), [("aten.empty_like.default", ["x"]), ("aten.new_empty.default", ["x", [2, 3]])]
)
def test_what_lay_in_memory_does_not_show(op: str, args: list[object]) -> None:
    """Memory that nothing was written to is all zeros."""
    environment: dict[int, object] = {}
    X.new_full((1 << 16,), 7.0)  # leaves something behind
    run_guarded(graph_of(op, *args), X, {}, environment)
    assert isinstance(environment[1], Tensor)
    assert not environment[1].any()


@pytest.mark.parametrize(
    ("op", "args"),
    [("aten.new_empty.out", ["x", [64, 64]]), ("aten.empty.out", [[64, 64]]), ("aten.empty_like.out", ["x"])],
)
def test_no_overload_shows_what_lay_in_memory(op: str, args: list[object]) -> None:
    """Written into a tensor that is too small for it, the result would be other memory."""
    graph = graph_of(op, *args, out=ref(0))
    with pytest.raises(Untold):
        run_guarded(graph, X, {}, {})


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("aten.bernoulli.default", ["x"]),
        ("aten.native_dropout.default", ["x", 0.5, True]),
        ("aten.rand_like.default", ["x"]),
        ("aten.normal_functional.default", ["x"]),
        ("aten.set_.source_Storage", ["x"]),
        ("aten.from_file.default", ["/etc/passwd"]),
        ("aten.record_stream.default", ["x"]),
        ("aten._local_scalar_dense.default", ["x"]),
        ("prims.add.default", ["x", "x"]),
        ("aten.add", ["x", "x"]),
        ("aten.add.Tensor.more", ["x", "x"]),
        ("aten.__class__.Tensor", ["x", "x"]),
        ("add", ["x", "x"]),
    ],
)
def test_only_arithmetic_is_run(op: str, args: list[object]) -> None:
    """Nothing draws, reads foreign memory, or is no operation of the list."""
    with pytest.raises(Untold):
        run_guarded(graph_of(op, *args), X, {}, {})


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("aten.arange.start_step", [0, 1, 1e-9]),
        ("aten.arange.default", [1e12]),
        ("aten.eye.default", [HUGE]),
        ("aten.eye.m", [HUGE, HUGE]),
        ("aten.expand.default", ["x", [HUGE, 2, 3, 4, 4]]),
        ("aten.repeat.default", ["x", [HUGE, 8, 8, 8]]),
        ("aten.constant_pad_nd.default", ["x", [HUGE, HUGE, HUGE, HUGE], 0.0]),
        ("aten.constant_pad_nd.default", ["x", [1 << 40, 0], 0.0]),
        ("aten.zeros.default", [[HUGE, HUGE]]),
        ("aten.full.default", [[HUGE, HUGE], 1.0]),
        ("aten.new_zeros.default", ["x", [HUGE, HUGE]]),
        ("aten.im2col.default", ["x", [HUGE, HUGE], [1, 1], [0, 0], [1, 1]]),
        ("aten.upsample_nearest2d.default", ["x", [HUGE, HUGE]]),
        ("alias", ["x", 0, [HUGE, HUGE], [0, 0]]),
        ("aten.as_strided.default", ["x", [HUGE, HUGE], [0, 0], 0]),
        ("aten.avg_pool2d.default", ["x", [2, 2], [1, 1], [HUGE, HUGE]]),
    ],
)
def test_no_operation_becomes_large(op: str, args: list[object]) -> None:
    """What a result will hold is bounded before it is made."""
    with pytest.raises(Untold):
        run_guarded(graph_of(op, *args), X, {}, {})


def test_many_small_results_are_bounded_together() -> None:
    """Ten thousand copies of a map are too much as well."""
    nodes = [Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[[1]])]
    nodes += [Node(id=i, op="aten.clone.default", args=[ref(i - 1)]) for i in range(1, 5000)]
    big = torch.zeros(10_000, dtype=torch.float64)
    with pytest.raises(Untold, match="memory"):
        run_guarded(Graph(nodes=nodes, output=4999), big, {}, {})


@pytest.mark.parametrize(
    ("op", "args"),
    [
        ("aten.add.Tensor", ["x", None]),
        ("aten.add.Tensor", []),
        ("getitem", ["x", "key"]),
        ("getitem", [3, 0]),
        ("scatter", ["x", "x", -99, [2], [1]]),
        ("alias", ["x", 10_000, [2], [1]]),
        ("aten.view.default", ["x", [7, 7]]),
        ("aten.permute.default", ["x", [0, 1, 2, 9]]),
        ("aten.convolution.default", ["x", "x"]),
        ("aten.cat.default", [["x"], 77]),
        ("aten.slice.Tensor", ["x", 0, "a"]),
    ],
)
def test_nonsense_is_untold_and_harms_nobody(op: str, args: list[object]) -> None:
    """Whatever such a graph makes an operation raise, it is the graph's fault and not the grader's."""
    with pytest.raises(Untold):
        run_guarded(graph_of(op, *args), X, {}, {})


class Scaled(nn.Module):
    """A module that multiplies by what it was recorded with, or by something else."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = 2.0

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x * self.factor)


def test_a_graph_is_believed_when_it_gives_what_the_module_gives() -> None:
    """And not when the module does something else on other numbers."""
    module = Scaled()
    graph = Graph.model_validate(record(module, X * 1).graph)
    other = X.flip(0) + 1
    assert {node.id for node in graph.nodes} >= set(verify(graph, other, {}, module(other), "float64").trace.nodes)
    module.factor = 2.5
    with pytest.raises(Unlike):
        verify(graph, other, {}, module(other), "float64")


def test_what_an_operation_writes_does_not_reach_the_operands() -> None:
    """In-place operations write into copies, whatever the graph says of itself."""
    x, kept = X.clone(), X.clone()
    run_guarded(graph_of("aten.mul_.Tensor", "x", 0.0), x, {}, {})
    assert torch.equal(kept, x)


def traced(module: nn.Module) -> tuple[Graph, Trace]:
    graph = Graph.model_validate(record(module, X * 1).graph)
    environment: dict[int, object] = {}
    run_guarded(graph, X, {}, environment)
    return graph, Trace.of(graph, environment)


def test_two_computations_part_where_the_first_value_differs() -> None:
    """Shapes and the order of numbers make no difference; another value does, and what follows from it is no news."""

    class Plain(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.exp(torch.relu(x.abs() + 1) * 3)

    class Flat(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.exp(torch.relu(x.permute(0, 2, 3, 1).abs().flatten(1) + 1) * 4)

    graph, plain = traced(Plain())
    _, flat = traced(Flat())
    assert ["aten.mul.Tensor"] == [graph.by_id[i].op for i in divergence(graph, plain, plain.found_in(flat))]
    assert [] == divergence(graph, plain, plain.found_in(plain))
