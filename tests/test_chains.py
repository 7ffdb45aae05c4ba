"""A network that is a chain of steps is read as what it computes, however it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from grader.capture import record
from grader.graph import Graph
from grader.judge.chain import Step, begun_chain, chain_of
from grader.judge.chain_changes import Pair, align
from grader.judge.chain_edits import Item, Remade, is_moderate, unbiased

LAYERS = (nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))
HEAD = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
LARGE, SMALL = nn.Linear(64, 5), nn.Linear(6, 9)


class Written(nn.Module):
    """Some layers, and a forward of one's own."""

    def __init__(self, forward: Callable[[Written, Tensor], Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.layers, self.does = nn.ModuleList(layers), forward

    def forward(self, x: Tensor) -> Tensor:
        return self.does(self, x)


def graph_of(network: nn.Module, *size: int) -> Graph:
    """What a network computes in evaluation mode."""
    return Graph.model_validate(record(network.eval(), torch.zeros(2, *(size or (3, 8, 8)))).graph)


def steps(network: nn.Module, *size: int) -> list[Step] | None:
    links = chain_of(graph_of(network, *size))
    return None if links is None else [link.step for link in links]


def by_hand(self: Written, x: Tensor) -> Tensor:
    conv, norm, linear = self.layers
    x = F.conv2d(F.pad(x, (1, 1, 1, 1)), conv.weight)
    return linear(norm(x).clamp(min=0).flatten(2).mean(2))


def in_place(self: Written, x: Tensor) -> Tensor:
    conv, norm, linear = self.layers
    x = F.relu_(norm(conv(x)))
    return linear(F.avg_pool2d(x, x.shape[-1]).squeeze(-1).squeeze(-1))


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(*LAYERS, nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(), HEAD[2]),
        nn.Sequential(nn.Sequential(*LAYERS, nn.ReLU(inplace=True)), nn.Identity(), *HEAD),
        Written(by_hand, *LAYERS, HEAD[2]),
        Written(in_place, *LAYERS, HEAD[2]),
    ],
)
def test_the_same_steps_are_read_in_every_hand(network: nn.Module) -> None:
    """Pooling, flattening, padding and ReLU have many names."""
    assert steps(nn.Sequential(*LAYERS, nn.ReLU(), *HEAD)) == steps(network)


@pytest.mark.parametrize(
    "network",
    [
        Written(lambda self, x: self.layers[0](x).flip(1), *LAYERS),
        Written(lambda self, x: self.layers[0](x) * self.layers[0](x), *LAYERS),
        Written(lambda self, x: torch.cat([x, self.layers[0](x)], 1), *LAYERS),
        Written(lambda self, x: x.relu(), *LAYERS),
    ],
)
def test_what_is_no_chain_of_known_steps_is_none(network: nn.Module) -> None:
    assert steps(network) is None


def test_a_shortcut_is_a_step_that_adds_an_earlier_value() -> None:
    """The value as it is, or thinned out and with channels of zeros."""
    wide = nn.Conv2d(3, 7, 3, stride=2, padding=1)
    same = nn.Conv2d(7, 7, 3, padding=1)

    def forward(self: Written, x: Tensor) -> Tensor:
        first, second = self.layers
        x = first(x) + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        y: Tensor = x + second(x).relu()
        return y

    found = steps(Written(forward, wide, same))
    assert found is not None
    assert ["convolution", "addition", "convolution", "activation", "addition"] == [step.kind for step in found]
    assert [(1, (2, 2), (2, 2)), (2, (0, 0), (1, 1))] == [(s.back, s.padded, s.stride) for s in found if s.back]


def test_a_layer_that_is_used_again_is_told() -> None:
    conv = nn.Conv2d(3, 3, 3, padding=1)
    found = steps(nn.Sequential(conv, nn.ReLU(), conv))
    assert found is not None
    assert [0, 0, 2] == [step.shared for step in found]


def test_what_ran_before_it_raised_is_read() -> None:
    links = begun_chain(graph_of(nn.Sequential(*LAYERS, nn.ReLU())))
    assert ["convolution", "norm", "activation"] == [link.step.kind for link in links]


def test_a_row_too_many_is_paired_with_none() -> None:
    """And not taken for others of another width."""
    row, wide = (Step("convolution", out=4), Step("activation", "relu")), Step("convolution", out=8)
    wanted, found = [*row, wide], [*row, *row, wide]
    assert [Pair(0, 0), Pair(1, 1), Pair(None, 2), Pair(None, 3), Pair(2, 4)] == align(wanted, found)
    assert [Pair(0, 0), Pair(1, 1), Pair(2, None), Pair(3, None), Pair(4, 2)] == align(found, wanted)


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(*LAYERS, *HEAD),
        nn.Sequential(LAYERS[0], nn.GELU(), LAYERS[1], nn.AdaptiveMaxPool2d(1), *HEAD[1:]),
        nn.Sequential(*LAYERS, nn.LeakyReLU(0.2), nn.MaxPool2d(2, 2), nn.GroupNorm(2, 4), nn.Flatten(), LARGE),
        nn.Sequential(nn.Conv2d(3, 6, 5, 2, 1, groups=3), nn.BatchNorm2d(6, eps=0.1), nn.ReLU(), *HEAD[:2], SMALL),
    ],
)
def test_a_chain_can_be_made_into_another(network: nn.Module) -> None:
    """What is made has the steps that it was to have."""
    right, other = graph_of(nn.Sequential(*LAYERS, nn.ReLU(), *HEAD)), chain_of(graph_of(network))
    links = chain_of(right)
    assert links is not None
    assert other is not None
    wanted, found = [link.step for link in links], [link.step for link in other]
    items = [Item(found[p.found], p.wanted) for p in align(wanted, found) if p.found is not None]
    made = Remade(((unbiased(links), tuple(items)),))(right)
    assert is_moderate(made)
    assert found == [link.step for link in chain_of(made) or []]


def test_a_chain_that_is_not_known_stays_as_it_is() -> None:
    right = graph_of(nn.Sequential(*LAYERS, nn.ReLU(), *HEAD))
    assert Remade(())(right) is right


def test_what_would_take_too_long_is_not_run() -> None:
    """A recording is a self-report, and may say anything."""
    right = graph_of(nn.Sequential(*LAYERS))
    links = chain_of(right)
    assert links is not None
    huge = [Item(Step("convolution", out=8000, kernel=(3, 3), stride=(1, 1), padding=(4000, 4000), dilation=(1, 1)), 0)]
    assert not is_moderate(Remade(((unbiased(links), tuple(huge)),))(right))


@pytest.mark.parametrize(
    ("name", "position", "value"),
    [
        ("convolution", 3, [1.5, 1]),
        ("convolution", 4, [1 << 40, 0]),
        ("convolution", 4, "1"),
        ("native_batch_norm", 7, {"v": 0}),
        ("native_batch_norm", 7, "inf"),
        ("native_batch_norm", 0, 3),
        ("mean", 1, [{}]),
    ],
)
def test_a_recording_that_says_anything_is_no_chain(name: str, position: int, value: object) -> None:
    """Nor does it break the grader."""
    right = graph_of(nn.Sequential(*LAYERS, nn.ReLU(), *HEAD))
    node = next(node for node in right.nodes if node.name == name)
    args = [*node.args[:position], value, *node.args[position + 1 :]]
    nodes = [each.changed(args=args) if each is node else each for each in right.nodes]
    assert chain_of(Graph.model_construct(nodes=nodes, output=right.output)) is None
