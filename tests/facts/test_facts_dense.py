"""Concatenation beside addition."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from test_reference import assert_same_expression, batch_norm, randomised
from torch import Tensor, nn

from reference.cost import multiply_adds, parameters
from reference.densenet import DenseLayer, densenet121
from reference.preact import PreActBlock


def test_parameters_of_densenet_121() -> None:
    """Huang 2017, table 1, with 1,000 classes: 7,978,856, a third of ResNet-50's, in 121 layers and 2.8 G."""
    with torch.device("meta"):
        network = densenet121()
        assert parameters(network) == 7_978_856
        assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules()) == 121
        assert multiply_adds(network, 3, 224, 224) == 2_834_161_664
        assert (2, 1000) == network(torch.zeros(2, 3, 64, 64)).shape


def test_parameters_of_a_dense_layer() -> None:
    """C·b·k + 9·b·k² + 2·C + 2·b·k; the first layer of DenseNet-121 has 45,440."""
    for c, k, b in [(64, 32, 4), (24, 12, 4), (16, 8, 2)]:
        assert c * b * k + 9 * b * k**2 + 2 * c + 2 * b * k == parameters(DenseLayer(c, k, b))
    assert parameters(DenseLayer(64, 32)) == 45_440


def test_a_dense_layer_is_the_expression_of_the_paper() -> None:
    """[x, conv(relu(bn(conv(relu(bn(x))))))], forward and backward."""

    def oracle(x: Tensor, state: dict[str, Tensor], training: bool) -> Tensor:
        y = F.conv2d(F.relu(batch_norm(x, state, "bn1", training)), state["conv1.weight"])
        y = F.conv2d(F.relu(batch_norm(y, state, "bn2", training)), state["conv2.weight"], padding=1)
        return torch.cat([x, y], 1)

    for training in (True, False):
        assert_same_expression(DenseLayer(8, 4), oracle, 8, training)


def test_concatenation_keeps_its_input_and_addition_does_not() -> None:
    """Huang 2017, section 3, equations (1) and (2): behind ten layers the first channels are still x, bit for bit.

    Behind one block that adds they are something else, and x cannot be read off the sum.
    """
    x = torch.randn(2, 8, 6, 6, dtype=torch.float64)
    layers = nn.Sequential(*(randomised(DenseLayer(8 + 4 * number, 4)) for number in range(10)))
    y = layers(x)
    assert (2, 48, 6, 6) == y.shape
    assert torch.equal(x, y[:, :8])

    added = randomised(PreActBlock(8, 8))(x)
    assert not bool(torch.isclose(x, added).all(dim=3).all(dim=2).all(dim=0).any()), "some channel of x is still there"
    assert (added - x).abs().mean().item() > 0.1
