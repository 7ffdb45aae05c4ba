"""The identity path: clean in pre-activation blocks, cut by the ReLU after the addition in the original ones."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reference.bottleneck import Bottleneck
from reference.hackathon import Bottleneck as HackathonBottleneck
from reference.hackathon import ResBlock as HackathonBlock
from reference.preact import PreActBlock, PreActBottleneck
from reference.residual import ResBlock


def silent(stack: nn.Module) -> nn.Module:
    """Every convolution at zero: the branches add nothing, whatever the batch norms do."""
    for layer in stack.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return stack


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("kind", [PreActBlock, PreActBottleneck, HackathonBlock, HackathonBottleneck])
def test_a_signal_passes_preactivation_blocks_unchanged(kind: type[nn.Module], training: bool) -> None:
    """He 2016, section 2, equation (4): x_L = x_l + Σ F, so without F it is x, bit for bit, through 50 blocks.

    And so is the gradient (equation 5): what arrives at the end arrives at the start.
    """
    shape = (8,) if kind in (HackathonBlock, HackathonBottleneck) else (8, 8)
    stack = silent(nn.Sequential(*(kind(*shape) for _ in range(50)))).train(training)
    x = torch.randn(2, 8, 6, 6, requires_grad=True)
    y = stack(x)
    assert torch.equal(x, y)
    weights = torch.randn_like(y)
    assert torch.equal(weights, torch.autograd.grad((y * weights).sum(), x)[0])


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
def test_the_original_block_loses_what_is_negative(kind: type[nn.Module]) -> None:
    """He 2016, section 4.1, figure 4(a): the ReLU after the addition lets through relu(x), and no gradient elsewhere.

    One block does it; 49 more change nothing.
    """
    stack = silent(nn.Sequential(*(kind(8, 8) for _ in range(50)))).eval()
    x = torch.randn(2, 8, 6, 6, requires_grad=True)
    y = stack(x)
    assert torch.equal(x.relu(), y)
    assert torch.equal(y, stack[0](x))
    assert int((x < 0).sum()) > 100
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal((x > 0).float(), gradient)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_factor_on_the_shortcut_vanishes_or_explodes(factor: float) -> None:
    """He 2016, section 3, equations (7) and (8): scaled shortcuts multiply, λ^L after L blocks, and so do gradients.

    Which is why the identity is not one choice among many: of 50 blocks 0.9 leaves 0.5 % and 1.1 makes 117 times.
    """
    x = torch.randn(2, 8, 6, 6, dtype=torch.float64, requires_grad=True)
    blocks = [silent(PreActBlock(8, 8)).double() for _ in range(50)]
    y = x
    for block in blocks:
        branch = block(y) - y
        y = factor * y + branch
    torch.testing.assert_close(factor**50 * x, y)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(torch.full_like(x, factor**50), gradient)
