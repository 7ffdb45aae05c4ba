"""Parameters and multiply-adds of the published networks, counted on the meta device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from test_reference import SHAPES, assert_same_expression, bottleneck
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from reference.bottleneck import Bottleneck
from reference.cifar import cifar_resnet, plain
from reference.cost import multiply_adds, parameters
from reference.densenet import densenet121
from reference.res2net import res2net50
from reference.resnet import resnet, resnet18, resnet50
from reference.resnext import resnext50
from reference.se import se_resnet50

IMAGENET = (3, 224, 224)


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)],
)
def test_parameters_of_the_imagenet_networks(depth: int, expected: int) -> None:
    """He 2015, table 1, with 1,000 classes. Where the stride sits changes nothing here."""
    with torch.device("meta"):
        assert expected == parameters(resnet(depth, stride_on="3x3"))
        assert expected == parameters(resnet(depth, stride_on="1x1"))


@pytest.mark.parametrize(
    ("depth", "v1", "later"),
    [
        (18, 1_814_073_344, 1_814_073_344),
        (34, 3_663_761_408, 3_663_761_408),
        (50, 3_857_973_248, 4_089_184_256),
        (101, 7_570_194_432, 7_801_405_440),
        (152, 11_282_415_616, 11_513_626_624),
    ],
)
def test_multiply_adds_of_the_imagenet_networks(depth: int, v1: int, later: int) -> None:
    """He 2015, table 1: 1.8, 3.6, 3.8, 7.6 and 11.3 G for one image of 224×224.

    "ResNet-50 has 4.1 G" and "it has 3.8 G" are both right, of two networks: the paper's own strides in the first 1×1
    (v1), most code since in the 3×3 (v1.5). The table's 3.8 is 3.86 cut off, not rounded.
    """
    with torch.device("meta"):
        assert v1 == multiply_adds(resnet(depth, stride_on="1x1"), *IMAGENET)
        assert later == multiply_adds(resnet(depth, stride_on="3x3"), *IMAGENET)


def test_the_stride_of_a_bottleneck_costs_the_same_at_every_depth() -> None:
    """Three blocks stride, and each 1×1 in front of a 3×3 that strides works on four times as many pixels.

    C·D/4 for a 1×1 from C = D/2 channels, on 56², 28² and 14² pixels instead of a quarter of them:
    3/4 · (256·128·56² + 512·256·28² + 1024·512·14²) = 231,211,008.
    """
    expected = 3 * (256 * 128 * 56**2 + 512 * 256 * 28**2 + 1024 * 512 * 14**2) // 4
    assert expected == 231_211_008
    for v1, later in [(3_857_973_248, 4_089_184_256), (7_570_194_432, 7_801_405_440), (11_282_415_616, 11_513_626_624)]:
        assert expected == later - v1


def test_the_34_layers_of_the_paper_have_3_6_g_without_projections() -> None:
    """He 2015, section 3.3: "3.6 billion FLOPs (multiply-adds)", said of the plain network.

    With the projections of option B it is 3.66, which rounds to 3.7; they make 19,267,584 of it: 64·128·28²,
    128·256·14² and 256·512·7², which are three times the same.
    """
    projections = 3 * 64 * 128 * 28**2
    with torch.device("meta"):
        assert 3_663_761_408 - projections == 3_644_493_824 == _without_projections(resnet(34))


def _without_projections(network: nn.Module) -> int:
    every = multiply_adds(network, *IMAGENET)
    shapes = [(64, 128, 28), (128, 256, 14), (256, 512, 7)]
    projections = [
        layer
        for name, layer in network.named_modules()
        if "shortcut" in name and isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1)
    ]
    assert [(c, d) for c, d, _ in shapes] == [(layer.in_channels, layer.out_channels) for layer in projections]
    return every - sum(c * d * size**2 for c, d, size in shapes)


@pytest.mark.parametrize(
    "build", [resnet18, resnet50, lambda: resnet(101, stride_on="1x1"), resnext50, se_resnet50, res2net50, densenet121]
)
def test_a_second_counter_agrees(build: Callable[[], nn.Module]) -> None:
    """PyTorch's own, which sees operators and not modules, and takes a multiply-add for two operations."""
    with torch.device("meta"):
        network = build().eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, *IMAGENET))
    assert counter.get_total_flops() == 2 * multiply_adds(network, *IMAGENET)


def test_counting_leaves_the_network_as_it_was() -> None:
    """Training mode stays on, running statistics stay at their start, no hook stays behind."""
    network = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1, groups=2), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 5))
    assert 16 * 8 * 18 + 128 * 5 == multiply_adds(network, 4, 4, 4) == multiply_adds(network, 4, 4, 4)
    assert network.training
    assert not any(layer._forward_hooks for layer in network.modules())
    assert torch.equal(torch.ones(8), network[1].running_var)


# --- the networks for CIFAR-10 ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "expected"),
    [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018), (110, 1_727_962), (1202, 19_421_274)],
)
def test_parameters_of_the_cifar_networks(depth: int, expected: int) -> None:
    """He 2015, section 4.2, table 6: 0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 M; with shortcuts and without, the same.

    In every count 97,216·n − 21,926 for 6n + 2 layers. Often seen: 272,474 for 20 layers. That is option B, with 2,752
    parameters in the two projections; the paper's CIFAR networks have none.
    """
    with torch.device("meta"):
        assert expected == parameters(cifar_resnet(depth)) == parameters(plain(depth))
    assert expected == 97_216 * (depth - 2) // 6 - 21_926
    assert 272_474 - 269_722 == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


@pytest.mark.parametrize("build", [cifar_resnet, plain])
def test_a_cifar_network_has_the_depth_that_it_is_named_for(build: Callable[..., nn.Module]) -> None:
    """Convolutions and the linear layer; the shortcuts have no layer."""
    for depth in (8, 20, 56):
        with torch.device("meta"):
            network = build(depth, 7)
            assert depth == sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in network.modules())
            assert (2, 7) == network(torch.zeros(2, 3, 32, 32)).shape


def test_shortcuts_cost_no_multiply_add_either() -> None:
    """40.6 million for 20 layers and 253 for 110: the comparison of figure 6 is between equals."""
    for depth, expected in [(20, 40_551_040), (110, 252_887_680)]:
        with torch.device("meta"):
            assert expected == multiply_adds(cifar_resnet(depth), 3, 32, 32)
            assert expected == multiply_adds(plain(depth), 3, 32, 32)


@pytest.mark.parametrize("build", [cifar_resnet, plain])
@pytest.mark.parametrize("depth", [2, 18, 34])
def test_a_cifar_depth_that_cannot_be_is_refused(build: Callable[..., nn.Module], depth: int) -> None:
    """ResNet-18 and ResNet-34 are ImageNet's; on CIFAR it is 6n + 2."""
    with pytest.raises(ValueError, match=rf"expected 6n \+ 2 .*, found {depth}"):
        build(depth)


# --- where a bottleneck strides ---------------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("channels", "out_channels", "stride"), [shape for shape in SHAPES if shape[2] > 1])
def test_a_bottleneck_of_the_paper_strides_in_its_first_1x1(
    channels: int, out_channels: int, stride: int, training: bool
) -> None:
    """v1, forward and backward."""
    assert_same_expression(
        Bottleneck(channels, out_channels, stride, stride_on="1x1"),
        lambda x, state, training: bottleneck(x, state, stride, training, [stride, 1]),
        channels,
        training,
    )


def test_a_place_for_the_stride_that_there_is_not_is_refused() -> None:
    """A misspelt variant must not silently be the plain block."""
    with pytest.raises(ValueError, match=r"^stride_on: expected '1x1' or '3x3', found '1×1'$"):
        resnet(50, stride_on="1×1")
