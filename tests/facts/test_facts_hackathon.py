"""The blocks of the hackathon: pre-activation, biases on, a projection only to stride."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from test_reference import assert_same_expression, batch_norm
from torch import Tensor, nn

from reference.cost import parameters
from reference.hackathon import Bottleneck, ResBlock, build_network


@pytest.mark.parametrize(
    ("channels", "basic", "basic_strided", "narrow", "narrow_strided"),
    [
        (32, 18_624, 19_744, 1_232, 2_352),
        (64, 74_112, 78_400, 4_640, 8_928),
        (128, 295_680, 312_448, 17_984, 34_752),
    ],
)
def test_parameters(channels: int, basic: int, basic_strided: int, narrow: int, narrow_strided: int) -> None:
    """18·C² + 6·C and 17·C²/16 + 9·C/2, biases counted; a shortcut that strides adds C² + 3·C."""
    c, w = channels, channels // 4
    convolutions = (9 * c * c + c) * 2
    assert basic == convolutions + 4 * c == 18 * c * c + 6 * c == parameters(ResBlock(c))
    convolutions = (c * w + w) + (9 * w * w + w) + (w * c + c)
    assert narrow == convolutions + 2 * c + 4 * w == (17 * c * c + 72 * c) // 16 == parameters(Bottleneck(c))
    shortcut = (c * c + c) + 2 * c
    assert basic_strided == basic + shortcut == parameters(ResBlock(c, 2))
    assert narrow_strided == narrow + shortcut == parameters(Bottleneck(c, stride=2))


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
def test_every_convolution_has_a_bias(kind: type[nn.Module]) -> None:
    """That of the shortcut too."""
    convolutions = [layer for layer in kind(8, 2).modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == (3 if kind is ResBlock else 4)
    assert all(layer.bias is not None for layer in convolutions)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
def test_each_block_is_its_expression(kind: type[nn.Module], stride: int, training: bool) -> None:
    """BN → ReLU → convolution, twice or thrice, added to the shortcut and nothing after: forward and backward.

    32 channels, so that in the narrow part of a bottleneck not all of them are dead by chance.
    """
    how = {
        ResBlock: [{"padding": 1, "stride": stride}, {"padding": 1}],
        Bottleneck: [{}, {"padding": 1, "stride": stride}, {}],
    }[kind]

    def oracle(x: Tensor, state: dict[str, Tensor], training: bool) -> Tensor:
        y = x
        for number, arguments in enumerate(how, start=1):
            y = F.relu(batch_norm(y, state, f"bn{number}", training))
            y = F.conv2d(y, state[f"conv{number}.weight"], state[f"conv{number}.bias"], **arguments)
        if stride == 1:
            return y + x
        projected = F.conv2d(x, state["shortcut.0.weight"], state["shortcut.0.bias"], stride=stride)
        return y + batch_norm(projected, state, "shortcut.1", training)

    assert_same_expression(kind(32, stride), oracle, 32, training)


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
def test_a_bias_in_front_of_a_batch_norm_does_nothing(kind: type[nn.Module]) -> None:
    """In training mode the mean that is subtracted contains it: the output is the same with any.

    The last one is in front of the addition, and counts.
    """
    block = kind(8).double()
    x = torch.randn(4, 8, 6, 6, dtype=torch.float64)
    before = block(x)
    *idle, last = [layer for layer in block.modules() if isinstance(layer, nn.Conv2d)]
    for layer in idle:
        nn.init.constant_(layer.bias, 3.0)
    torch.testing.assert_close(before, block(x), rtol=1e-10, atol=1e-10)
    with torch.no_grad():
        last.bias.add_(3.0)
    torch.testing.assert_close(before + 3.0, block(x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
@pytest.mark.parametrize("training", [True, False])
def test_zero_weights_and_a_bias_of_one_make_two_of_one(kind: type[nn.Module], training: bool) -> None:
    """x + F(x) = 1 + 1: the input arrives beside the branch, and nothing follows the sum."""
    block = kind(8).train(training)
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            nn.init.ones_(layer.bias)
    assert torch.equal(torch.full((2, 8, 4, 4), 2.0), block(torch.ones(2, 8, 4, 4)))


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
@pytest.mark.parametrize("stride", [1, 2])
def test_channels_stay_and_the_resolution_follows_the_stride(kind: type[nn.Module], stride: int) -> None:
    """N × C × H × W to N × C × ⌈H/s⌉ × ⌈W/s⌉."""
    y = kind(8, stride)(torch.randn(2, 8, 7, 10))
    assert (2, 8, -(-7 // stride), 10 // stride) == y.shape


@pytest.mark.parametrize(("kind", "total"), [(ResBlock, 871_626), (Bottleneck, 142_506)])
def test_the_network(kind: type[nn.Module], total: int) -> None:
    """32 × 32², 64 × 16², 128 × 8²: two blocks each, and parameters that are the sum of what the formulas say."""
    network = build_network(block=kind)
    seen: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, kind):
            layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(tuple(output.shape[1:])))
    assert (2, 10) == network.eval()(torch.randn(2, 3, 32, 32)).shape
    assert seen == [shape for shape in [(32, 32, 32), (64, 16, 16), (128, 8, 8)] for _ in range(2)]

    stem, transitions = 27 * 32 + 32, (9 * 32 * 64 + 64) + (9 * 64 * 128 + 128)
    head = 2 * 128 + 128 * 10 + 10
    blocks = sum(2 * parameters(kind(channels)) for channels in (32, 64, 128))
    assert total == stem + transitions + blocks + head == parameters(network)
    assert (2, 7) == build_network(7, kind).eval()(torch.randn(2, 3, 32, 32)).shape
