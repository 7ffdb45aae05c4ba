"""ResNeXt, SE and Res2Net: the published counts, and what their blocks are said to be equal to."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from test_reference import assert_same_expression, batch_norm, randomised, shortcut
from torch import Tensor, nn

from reference.cost import multiply_adds, parameters
from reference.res2net import Res2NetBlock, res2net50
from reference.resnet import resnet50
from reference.resnext import ResNeXtBlock, resnext50
from reference.se import se_resnet50

IMAGENET = (3, 224, 224)
BOTTLENECKS = [(256, 3), (512, 4), (1024, 6), (2048, 3)]  # channels behind a block, and blocks, in 50 layers


def test_parameters_of_resnext_50() -> None:
    """Xie 2017, table 1, 32×4d: "25.0 M" and 4.2 G, as ResNet-50 with the stride in its 3×3, 25.5 M and 4.1 G."""
    with torch.device("meta"):
        network = resnext50()
        assert parameters(network) == 25_028_904
        assert multiply_adds(network, *IMAGENET) == 4_230_479_872
        assert (2, 1000) == network(torch.zeros(2, 3, 64, 64)).shape


def test_a_grouped_bottleneck_is_the_sum_of_32_small_ones() -> None:
    """Xie 2017, section 3.3 and figure 3: (a), 32 branches that are summed, is (c), one branch with 32 groups.

    Branch i is 256 → 4 → 4 → 256 with the i-th four filters of each convolution; what follows the sum, the last batch
    norm, sees the sum only. Equal but for the order of additions.
    """
    block = randomised(ResNeXtBlock(256, 256, cardinality=32)).eval()
    x = torch.randn(2, 256, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    state = block.state_dict()

    def branch(number: int) -> Tensor:
        own = slice(4 * number, 4 * number + 4)
        norms = {key: value[own] for key, value in state.items() if key.startswith(("bn1.", "bn2.")) and value.dim()}
        y = F.conv2d(x, state["conv1.weight"][own])
        y = F.relu(batch_norm(y, norms, "bn1", training=False))
        y = F.conv2d(y, state["conv2.weight"][own], padding=1)
        y = F.relu(batch_norm(y, norms, "bn2", training=False))
        return F.conv2d(y, state["conv3.weight"][:, own])

    branches = torch.stack([branch(number) for number in range(32)])
    expected = F.relu(batch_norm(branches.sum(0), state, "bn3", training=False) + x)
    torch.testing.assert_close(expected, block(x), rtol=1e-10, atol=1e-10)
    # Not one of them is idle: without it the sum is another.
    assert all(bool(one.abs().amax() > 0.1) for one in branches)


def test_32_branches_have_as_many_weights_as_the_grouped_bottleneck() -> None:
    """Xie 2017, section 3.4: C·(256·d + 3·3·d·d + d·256) = 70,144 for C = 32 and d = 4."""
    small = nn.Sequential(
        nn.Conv2d(256, 4, 1, bias=False), nn.Conv2d(4, 4, 3, bias=False), nn.Conv2d(4, 256, 1, bias=False)
    )
    block = ResNeXtBlock(256, 256)
    assert 70_144 == 32 * parameters(small) == sum(parameters(m) for m in block.modules() if isinstance(m, nn.Conv2d))


def test_parameters_of_se_resnet_50() -> None:
    """Hu 2018, table 1: ResNet-50 and 2·D²/r + D/r + D in each of its 16 gates, 2.53 million in all.

    The paper says 2.5 M in section 4, by a formula without biases: 2,514,944. With them it is 2,530,992.
    """
    gates = sum(blocks * (2 * d * d // 16 + d // 16 + d) for d, blocks in BOTTLENECKS)
    assert (2_530_992, 2_514_944) == (gates, sum(blocks * 2 * d * d // 16 for d, blocks in BOTTLENECKS))
    with torch.device("meta"):
        assert 28_088_024 == parameters(se_resnet50()) == parameters(resnet50()) + gates
        assert (2, 1000) == se_resnet50()(torch.zeros(2, 3, 64, 64)).shape


def test_a_gate_costs_almost_no_work() -> None:
    """Hu 2018, section 4: 3.86 G without and 3.87 with gates, where the first 1×1 strides.

    The two matrices of a gate are used once an image, not once a pixel: as many multiply-adds as weights, 0.07 %.
    """
    with torch.device("meta"):
        assert multiply_adds(se_resnet50(stride_on="1x1"), *IMAGENET) == 3_860_488_192
        assert multiply_adds(se_resnet50(), *IMAGENET) == 4_091_699_200
    assert 3_860_488_192 - 3_857_973_248 == 2_514_944 == 4_091_699_200 - 4_089_184_256


def test_parameters_of_res2net_50() -> None:
    """Gao 2019, section 4, and the authors' code, 26w×4s: 25,699,120, beside ResNet-50's 25,557,032.

    The width 26 is what makes them alike: quarters of 16 channels, as in the figure, would give fewer.
    """
    with torch.device("meta"):
        network = res2net50()
        assert parameters(network) == 25_699_120
        assert multiply_adds(network, *IMAGENET) == 4_255_166_464
        assert (2, 1000) == network(torch.zeros(2, 3, 64, 64)).shape
        stages = [network.layer1, network.layer2, network.layer3, network.layer4]
        widths = [block.convs[0].in_channels for stage in stages for block in stage]
        firsts = [not block.is_hierarchical for stage in stages for block in stage]
    assert widths == [26] * 3 + [52] * 4 + [104] * 6 + [208] * 3
    assert firsts == [position == 0 for _, blocks in BOTTLENECKS for position in range(blocks)]


def test_the_first_block_of_a_stage_averages_and_adds_nothing() -> None:
    """At stride 1 too, and with another width than D // 4 // scale: written a second time, forward and backward."""

    def oracle(x: Tensor, state: dict[str, Tensor], training: bool) -> Tensor:
        y = F.relu(batch_norm(F.conv2d(x, state["conv1.weight"]), state, "bn1", training))
        *parts, idle = y.split(5, 1)
        done = [
            F.relu(batch_norm(F.conv2d(part, state[f"convs.{i}.weight"], padding=1), state, f"bns.{i}", training))
            for i, part in enumerate(parts)
        ]
        y = torch.cat([*done, F.avg_pool2d(idle, 3, 1, 1)], 1)
        y = batch_norm(F.conv2d(y, state["conv3.weight"]), state, "bn3", training)
        return F.relu(y + shortcut(x, state, 1, training))

    for training in (True, False):
        block = Res2NetBlock(8, 32, scale=3, width=5, passed="last", stride_on="3x3", first_of_stage=True)
        assert_same_expression(block, oracle, 8, training)
