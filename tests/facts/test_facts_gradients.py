"""How gradients pass a residual block: what the + I does, and what it does not."""

from __future__ import annotations

import pytest
import torch
from test_reference import randomised
from torch import Tensor, nn

from reference.degradation import plain
from reference.gradients import gradient_norms, jacobian, smallest_singular_value, spectral_norm
from reference.preact import PreActBlock
from reference.residual import ResBlock


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_jacobian_of_a_block_is_that_of_its_branch_and_the_identity() -> None:
    """He 2016, section 2, equation (5): ∂H/∂x = ∂F/∂x + I, here all 48 × 48 entries of it."""
    block = randomised(PreActBlock(3, 3)).eval()
    x = numbers(1, 3, 4, 4)

    def branch(x: Tensor) -> Tensor:
        return block.conv2(block.relu(block.bn2(block.conv1(block.relu(block.bn1(x))))))

    of_branch = jacobian(branch, x)
    assert of_branch.abs().sum() > 1
    torch.testing.assert_close(of_branch + torch.eye(48, dtype=torch.float64), jacobian(block, x))


def test_the_relu_after_the_addition_cuts_rows_out_of_the_identity() -> None:
    """He 2016, section 2: equation (5) needs that nothing follows the sum. In the first paper's block a ReLU does.

    ∂y/∂x = diag(sum > 0) · (∂F/∂x + I): where the output is zero, so is its whole row.
    """
    block = randomised(ResBlock(3, 3)).eval()
    x = numbers(1, 3, 4, 4)

    def total(x: Tensor) -> Tensor:
        return block.bn2(block.conv2(block.relu(block.bn1(block.conv1(x))))) + x

    passed = (total(x) > 0).flatten()
    assert 5 < int(passed.sum()) < 43
    torch.testing.assert_close(passed[:, None] * jacobian(total, x), jacobian(block, x))


@pytest.mark.parametrize("norm", [0.0, 0.1, 0.5, 0.9, 1.0, 3.0])
def test_a_gradient_keeps_at_least_one_minus_the_norm_of_the_branch(norm: float) -> None:
    """σ_min(I + J) ≥ 1 − ‖J‖, by Weyl's inequality for singular values, for any J; and σ_max ≤ 1 + ‖J‖."""
    identity = torch.eye(12, dtype=torch.float64)
    for seed in range(20):
        j = numbers(12, 12, seed=seed)
        j = j * (norm / spectral_norm(j))
        assert smallest_singular_value(identity + j) >= 1 - norm - 1e-12
        assert spectral_norm(identity + j) <= 1 + norm + 1e-12


def test_a_gradient_can_vanish_in_a_residual_network() -> None:
    """Often said: "with the + 1 the gradient is at least 1". It is not: J = −0.9·I leaves a tenth, J = −I nothing.

    And ten such blocks leave 1e-10. He 2016, section 2, says unlikely, not impossible.
    """
    identity = torch.eye(12, dtype=torch.float64)
    assert smallest_singular_value(identity - 0.9 * identity) == pytest.approx(0.1)
    assert smallest_singular_value(identity - identity) == 0.0
    one_direction = torch.zeros(12, 12, dtype=torch.float64)
    one_direction[3, 3] = -0.9
    assert smallest_singular_value(identity + one_direction) == pytest.approx(0.1), "11 of 12 directions are untouched"

    branch = nn.Linear(12, 12, bias=False).double()
    with torch.no_grad():
        branch.weight.copy_(-0.9 * identity)
    x = numbers(12)
    torch.testing.assert_close(0.1 * identity, jacobian(lambda x: branch(x) + x, x))

    def ten(x: Tensor) -> Tensor:
        for _ in range(10):
            x = branch(x) + x
        return x

    assert spectral_norm(jacobian(ten, x)) == pytest.approx(1e-10)


class Layer(nn.Module):
    """A layer as in the days before batch norm, with PyTorch's own start: y = relu(Wx + b), and + x if residual."""

    def __init__(self, is_residual: bool) -> None:
        super().__init__()
        self.fc, self.is_residual = nn.Linear(16, 16), is_residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.fc(x).relu()
        return y + x if self.is_residual else y


@pytest.mark.parametrize("seed", range(5))
def test_without_batch_norm_the_gradient_dies_in_plain_layers_and_not_in_residual_ones(seed: int) -> None:
    """30 layers: the first one's gradient is below a millionth of the last one's, with shortcuts above a tenth.

    A plain layer halves it or worse: the weights start with variance 1/(3n), and half of the values are cut off. Of 30
    seeds the best plain network keeps 1e-11, the worst residual one 0.26.
    """
    x = numbers(64, 16, seed=seed).float()
    ratios = {}
    for is_residual in (False, True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = nn.Sequential(*(Layer(is_residual) for _ in range(30)))
        norms = gradient_norms(network, lambda y: y.square().mean(), x)
        assert len(norms) == 30
        ratios[is_residual] = norms[0] / norms[-1]
    assert ratios[False] < 1e-6
    assert ratios[True] > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_with_batch_norm_the_gradient_of_plain_layers_does_not_vanish(seed: int) -> None:
    """He 2015, section 4.1: degradation is hardly vanishing gradients. The deep network that fails to learn has them.

    Often told otherwise: that shortcuts cure vanishing gradients is why they were made. Batch norm had cured that:
    at the start the first layer has 60 to 3,000 times the gradient of the last.
    """
    x = numbers(64, 2, seed=seed).float()
    norms = gradient_norms(plain(40, seed).train(), lambda y: y.square().mean(), x)
    assert min(norms[:-1]) > 0.1 * norms[-1]
    assert norms[0] > norms[-1]


def test_asking_for_gradients_leaves_none_behind() -> None:
    """They are read, and not accumulated."""
    network = plain(2, seed=0)
    gradient_norms(network, lambda y: y.sum(), torch.randn(8, 2))
    assert all(parameter.grad is None for parameter in network.parameters())
