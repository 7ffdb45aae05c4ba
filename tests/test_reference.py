"""The references are what everyone is measured by, so they are held to the paper and to a second writing."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference.bottleneck import Bottleneck
from reference.network import ResidualNetwork, build_network
from reference.residual import ResBlock
from reference.resnet import TABLE, resnet

SHAPES = [(8, 8, 1), (8, 16, 1), (8, 8, 2), (8, 16, 2), (16, 8, 1), (64, 128, 2)]


def count(module: nn.Module, *kinds: type[nn.Module]) -> int:
    """Parameters of the whole module, or of its layers of these kinds alone."""
    layers = [layer for layer in module.modules() if isinstance(layer, kinds)] if kinds else [module]
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())


def randomised(module: nn.Module) -> nn.Module:
    """Fresh weights and running statistics in float64, none of them at its default."""
    generator = torch.Generator().manual_seed(20151210)
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.5)
        for name, buffer in module.named_buffers():
            fresh = torch.randn(buffer.shape, generator=generator, dtype=torch.float64)
            if name.endswith("running_mean"):
                buffer.copy_(fresh)
            elif name.endswith("running_var"):
                buffer.copy_(fresh.abs() + 0.5)
    return module


# --- the same expressions, written with functions alone -------------------------------------------------


def batch_norm(x: Tensor, state: dict[str, Tensor], name: str, training: bool) -> Tensor:
    """(x − mean) / √(var + 1e-5) · weight + bias, by hand; torch's running statistics are not touched."""
    if training:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
    else:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    scale = state[f"{name}.weight"] / torch.sqrt(variance + 1e-5)
    return x * scale[:, None, None] + (state[f"{name}.bias"] - mean * scale)[:, None, None]


def shortcut(x: Tensor, state: dict[str, Tensor], stride: int, training: bool) -> Tensor:
    if "shortcut.0.weight" not in state:
        return x
    return batch_norm(F.conv2d(x, state["shortcut.0.weight"], stride=stride), state, "shortcut.1", training)


def basic_block(x: Tensor, state: dict[str, Tensor], stride: int, training: bool) -> Tensor:
    y = F.conv2d(x, state["conv1.weight"], stride=stride, padding=1)
    y = F.relu(batch_norm(y, state, "bn1", training))
    y = batch_norm(F.conv2d(y, state["conv2.weight"], padding=1), state, "bn2", training)
    return F.relu(y + shortcut(x, state, stride, training))


def bottleneck(x: Tensor, state: dict[str, Tensor], stride: int, training: bool, strides: list[int]) -> Tensor:
    y = F.relu(batch_norm(F.conv2d(x, state["conv1.weight"], stride=strides[0]), state, "bn1", training))
    y = F.conv2d(y, state["conv2.weight"], stride=strides[1], padding=1)
    y = F.relu(batch_norm(y, state, "bn2", training))
    y = batch_norm(F.conv2d(y, state["conv3.weight"]), state, "bn3", training)
    return F.relu(y + shortcut(x, state, stride, training))


def assert_same_expression(block: nn.Module, oracle, channels: int, training: bool) -> None:
    """Outputs, input gradient and every parameter's gradient agree in float64."""
    randomised(block).train(training)
    x = torch.randn(3, channels, 7, 9, dtype=torch.float64, requires_grad=True)
    state = {name: tensor.detach().clone() for name, tensor in block.state_dict().items()}
    names = [name for name, _ in block.named_parameters()]
    for name in names:
        state[name].requires_grad_()

    expected = oracle(x, state, training)
    weights = torch.randn_like(expected)
    expected_gradients = torch.autograd.grad((expected * weights).sum(), [x, *(state[name] for name in names)])
    actual = block(x)
    actual_gradients = torch.autograd.grad((actual * weights).sum(), [x, *block.parameters()])

    torch.testing.assert_close(expected, actual, rtol=1e-10, atol=1e-10)
    for name, left, right in zip(["x", *names], expected_gradients, actual_gradients, strict=True):
        assert left.abs().sum() > 0, f"the gradient of {name} vanishes, so this comparison says nothing"
        torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("channels", "out_channels", "stride"), SHAPES)
def test_basic_block_is_the_expression_of_the_paper(
    channels: int, out_channels: int, stride: int, training: bool
) -> None:
    """relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)), forward and backward."""
    assert_same_expression(
        ResBlock(channels, out_channels, stride),
        lambda x, state, training: basic_block(x, state, stride, training),
        channels,
        training,
    )


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("channels", "out_channels", "stride"), SHAPES)
def test_bottleneck_is_the_expression_of_the_paper(
    channels: int, out_channels: int, stride: int, training: bool
) -> None:
    """1×1, 3×3, 1×1 with the stride on the 3×3, forward and backward."""
    assert_same_expression(
        Bottleneck(channels, out_channels, stride),
        lambda x, state, training: bottleneck(x, state, stride, training, [1, stride]),
        channels,
        training,
    )


@pytest.mark.parametrize("channels", [1, 8, 16, 64, 100])
def test_parameters_of_the_basic_block(channels: int) -> None:
    """C → C: two 3×3 convolutions of 9·C², two batch norms of 2·C, no bias."""
    block = ResBlock(channels, channels)
    assert 18 * channels**2 == count(block, nn.Conv2d)
    assert 4 * channels == count(block, nn.BatchNorm2d)
    assert 18 * channels**2 + 4 * channels == count(block)


@pytest.mark.parametrize("channels", [4, 8, 16, 64, 256])
def test_parameters_of_the_bottleneck(channels: int) -> None:
    """C → C/4 → C/4 → C: C²/4 + 9·C²/16 + C²/4 = 17·C²/16.

    Not 21·C²/16: four, nine and four sixteenths are 17.
    """
    block = Bottleneck(channels, channels)
    convolutions = count(block, nn.Conv2d)
    assert 17 * channels**2 == 16 * convolutions
    assert 21 * channels**2 != 16 * convolutions
    assert 2 * (channels // 4) * 2 + 2 * channels == count(block, nn.BatchNorm2d)
    assert 17 * channels**2 // 16 + 3 * channels == count(block)


def test_a_bottleneck_of_256_costs_no_more_than_a_basic_block_of_64() -> None:
    """Figure 5 of the paper shows these two as similar in cost: 69 632 and 73 728 weights."""
    assert count(Bottleneck(256, 256), nn.Conv2d) == 69_632
    assert count(ResBlock(64, 64), nn.Conv2d) == 73_728


@pytest.mark.parametrize(("channels", "out_channels", "stride"), SHAPES)
def test_a_projection_adds_its_own_parameters_and_nothing_else(channels: int, out_channels: int, stride: int) -> None:
    """C·D for the 1×1 and 2·D for its batch norm when the shapes differ, nothing when they agree."""
    projection = channels * out_channels + 2 * out_channels if stride != 1 or channels != out_channels else 0
    branch = 9 * channels * out_channels + 9 * out_channels**2 + 4 * out_channels
    assert branch + projection == count(ResBlock(channels, out_channels, stride))

    width = out_channels // 4
    branch = channels * width + 9 * width**2 + width * out_channels + 4 * width + 2 * out_channels
    assert branch + projection == count(Bottleneck(channels, out_channels, stride))


@pytest.mark.parametrize("size", [(8, 8), (7, 7), (5, 8), (1, 1)])
@pytest.mark.parametrize(("channels", "out_channels", "stride"), SHAPES)
def test_shapes_are_those_of_the_docstring(
    channels: int, out_channels: int, stride: int, size: tuple[int, int]
) -> None:
    """N × C × H × W becomes N × D × ⌈H/s⌉ × ⌈W/s⌉, at odd sizes too."""
    x = torch.randn(2, channels, *size)
    expected = (2, out_channels, -(-size[0] // stride), -(-size[1] // stride))
    for block in (
        ResBlock(channels, out_channels, stride),
        Bottleneck(channels, out_channels, stride),
    ):
        assert expected == block.eval()(x).shape


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
def test_with_a_silent_branch_the_block_is_its_shortcut(kind: type[nn.Module]) -> None:
    """The last batch norm's weight at zero leaves relu(x): what "residual" means."""
    block = kind(8, 8).eval()
    last = block.bn2 if kind is ResBlock else block.bn3
    nn.init.zeros_(last.weight)
    x = torch.randn(2, 8, 6, 6)
    assert torch.equal(F.relu(x), block(x))


@pytest.mark.parametrize("kind", [ResBlock, Bottleneck])
def test_forward_leaves_its_input_alone(kind: type[nn.Module]) -> None:
    """No operation works in place: what the caller handed in is unchanged."""
    x = torch.randn(2, 8, 6, 6)
    before = x.clone()
    kind(8, 8)(x)
    kind(8, 16, 2)(x)
    assert torch.equal(before, x)


@pytest.mark.parametrize("num_classes", [10, 7, 1])
def test_network_gives_logits(num_classes: int) -> None:
    """N × 3 × 32 × 32 in, N × num_classes out; no softmax at the end."""
    logits = build_network(num_classes).eval()(torch.randn(2, 3, 32, 32))
    assert (2, num_classes) == logits.shape
    assert not torch.allclose(torch.ones(2), logits.exp().sum(1))


def test_network_has_ten_classes_unless_told() -> None:
    """The task's signature: build_network(num_classes=10)."""
    assert build_network().eval()(torch.randn(1, 3, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize("blocks_per_stage", [1, 2, 3])
def test_network_doubles_channels_where_it_halves_the_resolution(blocks_per_stage: int) -> None:
    """16 × 32 × 32, then 32 × 16 × 16, then 64 × 8 × 8: read off the blocks as they run."""
    network = ResidualNetwork(blocks_per_stage=blocks_per_stage)
    seen: list[tuple[int, ...]] = []
    for module in network.modules():
        if isinstance(module, ResBlock):
            module.register_forward_hook(lambda _module, _inputs, output: seen.append(tuple(output.shape[1:])))
    network.eval()(torch.randn(1, 3, 32, 32))
    expected = [shape for shape in [(16, 32, 32), (32, 16, 16), (64, 8, 8)] for _ in range(blocks_per_stage)]
    assert expected == seen


@pytest.mark.parametrize("blocks_per_stage", [1, 2, 3])
def test_network_has_the_depth_of_the_paper(blocks_per_stage: int) -> None:
    """6n + 2 weighted layers, projections not counted; n = 3 is the ResNet-20 of the paper."""
    network = ResidualNetwork(blocks_per_stage=blocks_per_stage)
    weighted = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    projections = [module for module in weighted if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)]
    assert len(projections) == 2
    assert 6 * blocks_per_stage + 2 == len(weighted) - len(projections)


def test_gradient_reaches_every_parameter_of_the_network() -> None:
    """Nothing in the reference is idle."""
    network = build_network()
    network(torch.randn(4, 3, 32, 32)).square().sum().backward()
    idle = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert idle == []


# --- the networks of table 1 ------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "parameters"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_resnets_have_as_many_parameters_as_the_published_ones(depth: int, parameters: int) -> None:
    """With 1,000 classes, counted without making them."""
    with torch.device("meta"):
        network = resnet(depth)
        assert parameters == count(network)
        assert (2, 1000) == network(torch.zeros(2, 3, 64, 64)).shape


def test_a_resnet_has_the_depth_that_it_is_named_for() -> None:
    """Convolutions and linear layers, without the projections of shortcuts."""
    for depth in TABLE:
        with torch.device("meta"):
            layers = [
                name
                for name, layer in resnet(depth).named_modules()
                if isinstance(layer, nn.Conv2d | nn.Linear) and "shortcut" not in name
            ]
        assert depth == len(layers)


def test_a_depth_that_the_table_does_not_have_is_refused() -> None:
    """With the choices."""
    with pytest.raises(ValueError, match="expected one of 18, 34, 50, 101, 152, found 20"):
        resnet(20)
