"""The three shortcuts: what they cost, and what they read."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from test_reference import assert_same_expression, batch_norm, shortcut
from torch import Tensor, nn

from reference.cost import parameters
from reference.projection import ProjectionBlock, ZeroPadding
from reference.residual import ResBlock

Option = Literal["A", "B", "C"]
BRANCH = 9 * 64 * 128 + 9 * 128**2 + 4 * 128  # 64×32×32 to 128×16×16
PROJECTION = 64 * 128 + 2 * 128


@pytest.mark.parametrize(
    ("option", "where_shapes_differ", "where_they_agree"),
    [("A", 0, 0), ("B", 8_448, 0), ("C", 8_448, 16_640)],
)
def test_parameters_of_the_three_options(option: Option, where_shapes_differ: int, where_they_agree: int) -> None:
    """He 2015, sections 3.3 and 4.1: A adds none, B where the shapes differ, C in every block."""
    assert (221_696, 8_448, 16_640) == (BRANCH, PROJECTION, 128 * 128 + 2 * 128)
    with torch.device("meta"):
        assert BRANCH + where_shapes_differ == parameters(ProjectionBlock(64, 128, 2, option))
        assert 18 * 128**2 + 4 * 128 + where_they_agree == parameters(ProjectionBlock(128, 128, 1, option))
        assert (2, 128, 16, 16) == ProjectionBlock(64, 128, 2, option)(torch.zeros(2, 64, 32, 32)).shape
        assert (2, 128, 4, 5) == ProjectionBlock(64, 128, 2, option)(torch.zeros(2, 64, 7, 9)).shape


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("channels", "out_channels", "stride"), [(8, 8, 1), (8, 16, 2), (8, 8, 2), (8, 16, 1)])
@pytest.mark.parametrize("option", ["A", "B", "C"])
def test_each_option_is_the_expression_of_the_paper(
    option: Option, channels: int, out_channels: int, stride: int, training: bool
) -> None:
    """The basic block written with functions, and for A zeros concatenated by hand."""

    def oracle(x: Tensor, state: dict[str, Tensor], training: bool) -> Tensor:
        y = F.conv2d(x, state["conv1.weight"], stride=stride, padding=1)
        y = F.relu(batch_norm(y, state, "bn1", training))
        y = batch_norm(F.conv2d(y, state["conv2.weight"], padding=1), state, "bn2", training)
        if option != "A":
            return F.relu(y + shortcut(x, state, stride, training))
        kept = x[:, :, ::stride, ::stride]
        return F.relu(y + torch.cat([kept, torch.zeros_like(y)[:, channels:]], 1))

    assert_same_expression(ProjectionBlock(channels, out_channels, stride, option), oracle, channels, training)


def test_option_b_is_the_basic_block() -> None:
    """The same names of parameters too: weights move from one to the other."""
    for shape in [(8, 16, 2), (8, 8, 1)]:
        block, same = ResBlock(*shape), ProjectionBlock(*shape, "B")
        same.load_state_dict(block.state_dict())
        x = torch.randn(2, 8, 6, 6)
        assert torch.equal(block(x), same(x))


@pytest.mark.parametrize("kind", ["A", "B"])
def test_a_shortcut_with_stride_2_reads_every_fourth_pixel(kind: str) -> None:
    """Even rows and columns alone: of 32×32 pixels 256 reach the sum by the shortcut, and 768 never do.

    Said with gradients: what the output does not depend on has none.
    """
    layer = ZeroPadding(64, 128, 2) if kind == "A" else nn.Conv2d(64, 128, kernel_size=1, stride=2, bias=False)
    x = torch.randn(1, 64, 32, 32, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x).sum(), x)
    read = gradient.abs().sum((0, 1)) > 0
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[::2, ::2] = True
    assert torch.equal(expected, read)
    assert int(read.sum()) * 4 == 32 * 32


def test_a_3x3_with_stride_2_reads_every_pixel() -> None:
    """So what the shortcut skips still reaches the block by its branch: by a bottleneck's only if the 3×3 strides."""
    x = torch.randn(1, 4, 32, 32, requires_grad=True)
    layer = nn.Conv2d(4, 4, kernel_size=3, stride=2, padding=1)
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), x)
    assert bool((gradient.abs().sum((0, 1)) > 0).all())


def test_an_impulse_between_the_pixels_is_lost() -> None:
    """At (1, 1) it leaves no trace in either shortcut, at (2, 2) it arrives at (1, 1)."""
    projection = nn.Conv2d(1, 1, kernel_size=1, stride=2, bias=False)
    nn.init.ones_(projection.weight)
    for layer in (projection, ZeroPadding(1, 1, 2)):
        for at, total in [((1, 1), 0.0), ((0, 1), 0.0), ((1, 0), 0.0), ((2, 2), 1.0)]:
            x = torch.zeros(1, 1, 4, 4)
            x[0, 0, at[0], at[1]] = 1.0
            assert total == layer(x).sum().item()
        assert layer(x)[0, 0, 1, 1].item() == 1.0


def test_option_a_keeps_what_it_reads_and_pads_with_zeros() -> None:
    """Channels that were there come first and unchanged, those that were not are zero."""
    x = torch.randn(2, 64, 32, 32)
    y = ZeroPadding(64, 128, 2)(x)
    assert torch.equal(x[:, :, ::2, ::2], y[:, :64])
    assert torch.equal(torch.zeros(2, 64, 16, 16), y[:, 64:])


def test_what_cannot_be_is_refused() -> None:
    """A shortcut of another letter; fewer channels by padding."""
    with pytest.raises(ValueError, match=r"^option: expected 'A', 'B' or 'C', found 'D'$"):
        ProjectionBlock(8, 8, 1, "D")
    with pytest.raises(ValueError, match=r"^out_channels: padding adds channels, so at least 16, found 8$"):
        ProjectionBlock(16, 8, 1, "A")
