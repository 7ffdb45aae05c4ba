"""Which parts of a network are taken for blocks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.capture import record
from grader.graph import Graph
from grader.judge.narrow import fingerprint, in_training, narrowed, possible_factors
from grader.judge.segments import Segment, segments
from reference.network import build_network
from reference.residual import ResBlock
from reference.resnet import resnet


def parts(module: nn.Module, *size: int) -> list[Segment]:
    """The segments of a module, recorded as the judge records."""
    return segments(Graph.model_validate(record(module.eval(), torch.zeros(size)).graph))


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if node.leaf is None]


class Plain(ResBlock):
    """A block without its shortcut."""

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))


class Long(nn.Sequential):
    """Blocks, and a skip over all of them."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(super().forward(x) + x)


class Twice(ResBlock):
    """The shortcut is added twice."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(x) + x
        return y


def test_the_blocks_of_a_resnet_are_found_by_their_modules() -> None:
    """With their final ReLU and without what comes before, between and behind them."""
    with torch.no_grad():
        found = parts(resnet(18, 10), 2, 3, 32, 32)
    assert [f"layer{stage}.{number}" for stage in range(1, 5) for number in range(2)] == [each.path for each in found]
    assert all(each.has_skip and ["add", "relu"] == names(each.extents[0])[-2:] for each in found)
    assert [64, 64, 64, 128, 128, 256, 256, 512] == [each.extents[0].input.shape[1] for each in found]
    assert [64, 64, 128, 128, 256, 256, 512, 512] == [each.output.shape[1] for each in found]


def test_blocks_under_a_long_skip_are_found_one_by_one() -> None:
    """The long skip is no block of its own."""
    found = parts(nn.Sequential(ResBlock(4, 4), Long(ResBlock(4, 4), ResBlock(4, 4))), 2, 4, 8, 8)
    assert ["0", "1.0", "1.1"] == [each.path for each in found]


def test_a_block_that_adds_its_input_twice_is_one_block() -> None:
    """A skip over a single block belongs to it."""
    found = parts(nn.Sequential(ResBlock(4, 4), Twice(4, 4)), 2, 4, 8, 8)
    assert [(True, "0"), (True, "1")] == [(each.has_skip, each.path) for each in found]
    assert 2 == names(found[1].extents[0]).count("add")


def test_a_block_without_its_shortcut_is_found_among_its_kind() -> None:
    """A chain of layers beside blocks stands for one; a stem or head of the same layers does not."""
    stage = nn.Sequential(ResBlock(4, 4), Plain(4, 4))
    stem = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())
    found = parts(nn.Sequential(stem, stage), 2, 4, 12, 12)
    assert [("0", False, False), ("1.0", True, True), ("1.1", False, True)] == [
        (each.path, each.has_skip, each.among_blocks) for each in found
    ]


def test_what_follows_the_sum_outside_of_the_module_is_offered_too() -> None:
    """Whether a ReLU behind a block is part of it, numbers decide."""

    class Bare(ResBlock):
        def forward(self, x: Tensor) -> Tensor:
            return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + x  # type: ignore[no-any-return]

    found = parts(nn.Sequential(Bare(4, 4), nn.ReLU(), Bare(4, 4)), 2, 4, 8, 8)
    assert ["relu", "add"] == [names(graph)[-1] for graph in found[0].extents]
    assert ["add"] == [names(graph)[-1] for graph in found[1].extents]


def test_a_graph_without_its_input_has_no_segments() -> None:
    """As a student could report it."""
    leaf = {"id": 0, "op": "leaf", "leaf": {"kind": "constant", "key": "#0"}}
    assert [] == segments(Graph.model_validate({"nodes": [leaf], "output": 0}))


def test_a_narrow_block_computes_the_same() -> None:
    """Channels are divided, everything else stays; the larger factors come first."""
    block = parts(build_network(), 2, 3, 32, 32)[2].extents[0]
    assert [4, 2] == possible_factors(block)
    narrow = narrowed(block, 4)
    assert 4 == narrow.input.shape[1]
    shapes = sorted(node.shape for node in narrow.nodes if node.leaf is not None and len(node.shape) == 4)
    assert [[2, 4, 32, 32], [8, 4, 1, 1], [8, 4, 3, 3], [8, 8, 3, 3]] == shapes
    assert names(block) == names(narrow)


def test_blocks_that_compute_alike_have_one_fingerprint() -> None:
    """Wherever they stand; one of another width, mode or stride has another."""
    found = [each.extents[0] for each in parts(build_network(), 2, 3, 32, 32)]
    prints = [fingerprint(graph) for graph in found]
    assert prints[0] == prints[1]
    assert 5 == len(set(prints))
    assert prints[0] != fingerprint(in_training(found[0]))
