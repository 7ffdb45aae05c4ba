"""Where a network is cut."""

from __future__ import annotations

import random
from time import process_time

import pytest
import torch
from torch import nn

from grader.capture import record
from grader.graph import Graph
from grader.judge.cuts import Dominators, cuts
from reference.network import build_network
from reference.residual import ResBlock


def graph_of(edges: dict[int, list[int]], output: int) -> Graph:
    """A graph from each node's operands; node 0 is the input, and a node without operands a constant."""
    nodes = [{"id": 0, "op": "leaf", "leaf": {"kind": "input", "key": "x"}}]
    for node, operands in edges.items():
        if operands:
            nodes.append({"id": node, "op": "aten.some.default", "args": [{"v": i} for i in operands]})
        else:
            nodes.append({"id": node, "op": "leaf", "leaf": {"kind": "constant", "key": f"#{node}"}})
    return Graph.model_validate({"nodes": nodes, "output": output})


def recorded(module: nn.Module, *size: int) -> Graph:
    with torch.no_grad():
        return Graph.model_validate(record(module.eval(), torch.zeros(size)).graph)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({1: [0], 2: [1]}, [0, 1, 2]),
        ({1: [0], 2: [1], 3: [2, 0]}, [0, 3]),
        ({1: [0], 2: [1], 3: [2, 1], 4: [3]}, [0, 1, 3, 4]),
        ({1: [], 2: [0, 1], 3: [2, 1]}, [0, 2, 3]),  # a weight that is read twice jumps over nothing
        ({1: [0], 2: [0], 3: [1], 4: [2, 3], 5: [4]}, [0, 4, 5]),
        ({1: [0], 2: [1, 0], 3: [2, 0]}, [0, 3]),  # a skip over a skip
        ({1: [], 2: [1]}, []),
    ],
)
def test_a_cut_is_a_value_that_no_edge_jumps_over(edges: dict[int, list[int]], expected: list[int]) -> None:
    """In chains, skips, skips over skips, and where the input does not matter."""
    assert expected == cuts(graph_of(edges, max(edges)))


def test_cuts_are_what_remains_on_every_path() -> None:
    """By definition: without a cut, the input does not reach the output; without any other value, it does."""
    for seed in range(60):
        rng = random.Random(seed)
        edges = {i: [rng.randrange(max(0, i - 4), i) for _ in range(rng.choice((1, 1, 2, 3)))] for i in range(1, 25)}
        expected = [node for node in range(25) if not _reaches(edges, 24, without=node)]
        assert expected == cuts(graph_of(edges, 24))


def _reaches(edges: dict[int, list[int]], output: int, without: int) -> bool:
    reached = {0} - {without}
    for node, operands in edges.items():
        if node != without and reached & set(operands):
            reached.add(node)
    return output in reached


def test_a_block_lies_between_two_cuts() -> None:
    """The block's input, its sum and what follows are cuts; nothing on the branch is."""
    graph = recorded(ResBlock(4, 8, 2), 2, 4, 8, 8)
    names = ["leaf", "add", "relu"]
    assert names == [graph.by_id[cut].name for cut in cuts(graph)]


def test_every_block_of_a_network_is_cut_out() -> None:
    """As many sums among the cuts as the network has blocks."""
    graph = recorded(build_network(), 2, 3, 32, 32)
    assert 6 == [graph.by_id[cut].name for cut in cuts(graph)].count("add")


@pytest.mark.parametrize("shape", ["ladder", "chain", "fan"])
def test_a_hostile_graph_is_cut_in_little_time(shape: str) -> None:
    """Ten thousand nodes, however arranged. (Quadratic time would be minutes; the bound tells these apart.)"""
    size = 9_999
    edges = {
        "ladder": {i: [i - 1, max(0, i - 2), 0] for i in range(1, size)},
        "chain": {i: [i - 1, i // 2] for i in range(1, size)},
        "fan": {i: [0] if i < size // 2 else [i - 1, i - size // 2] for i in range(1, size)},
    }[shape]
    graph = graph_of(edges, size - 1)
    start = process_time()
    found = Dominators(graph).chain(size - 1)
    assert found[0] == 0
    assert found[-1] == size - 1
    assert process_time() - start < 20
