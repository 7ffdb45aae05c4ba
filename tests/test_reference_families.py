"""The relatives of the residual block, held to their papers and to a second writing with functions alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from test_reference import assert_same_expression, batch_norm, count
from torch import Tensor, nn

from reference.bottleneck import Bottleneck
from reference.preact import PreActBlock, PreActBottleneck
from reference.res2net import Res2NetBlock
from reference.residual import ResBlock
from reference.resnext import ResNeXtBlock
from reference.se import SEBasicBlock, SEBottleneck

State = dict[str, Tensor]
SIZES = [(16, 16, 1), (16, 32, 1), (16, 16, 2), (16, 32, 2), (32, 16, 1)]


# --- the same expressions, written with functions alone -------------------------------------------------


def projected(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
    """The shortcut of post-activation blocks."""
    if "shortcut.0.weight" not in state:
        return x
    return batch_norm(F.conv2d(x, state["shortcut.0.weight"], stride=stride), state, "shortcut.1", training)


def step(x: Tensor, state: State, number: int, training: bool, **how: int) -> Tensor:
    """Convolution, then BN."""
    return batch_norm(F.conv2d(x, state[f"conv{number}.weight"], **how), state, f"bn{number}", training)


def pre_step(x: Tensor, state: State, number: int, training: bool, **how: int) -> Tensor:
    """BN and ReLU, then convolution."""
    return F.conv2d(batch_norm(x, state, f"bn{number}", training).relu(), state[f"conv{number}.weight"], **how)


def preact_shortcut(x: Tensor, state: State, stride: int, training: bool, project: str) -> Tensor:
    if "projection.weight" not in state:
        return x
    source = x if project == "input" else batch_norm(x, state, "bn1", training).relu()
    return F.conv2d(source, state["projection.weight"], stride=stride)


def gated(u: Tensor, state: State) -> Tensor:
    """Equations (2) to (4), with 1×1 convolutions for the linear layers."""
    z = F.adaptive_avg_pool2d(u, 1)
    for number, activate in ((1, F.relu), (2, torch.sigmoid)):
        weight = state[f"gate.fc{number}.weight"][:, :, None, None]
        z = activate(F.conv2d(z, weight, state.get(f"gate.fc{number}.bias")))
    return u * z


def hierarchy(x: Tensor, state: State, scale: int, stride: int, training: bool, passed: str) -> Tensor:
    """Equation (1), part by part, by slices."""
    width = x.shape[1] // scale
    idle = 0 if passed == "first" else scale - 1
    results: dict[int, Tensor] = {}
    before: Tensor | None = None
    for number, part in enumerate(j for j in range(scale) if j != idle):
        y = x[:, part * width : (part + 1) * width]
        if before is not None and stride == 1:
            y = y + before
        y = F.conv2d(y, state[f"convs.{number}.weight"], stride=stride, padding=1)
        before = results[part] = batch_norm(y, state, f"bns.{number}", training).relu()
    results[idle] = x[:, idle * width : (idle + 1) * width]
    if stride != 1:
        results[idle] = F.avg_pool2d(results[idle], 3, stride, 1)
    return torch.cat([results[part] for part in range(scale)], 1)


def preact_block(project: str) -> Callable[..., Tensor]:
    def oracle(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
        y = pre_step(x, state, 1, training, stride=stride, padding=1)
        y = pre_step(y, state, 2, training, padding=1)
        return y + preact_shortcut(x, state, stride, training, project)

    return oracle


def preact_bottleneck(project: str, stride_on: str) -> Callable[..., Tensor]:
    def oracle(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
        y = pre_step(x, state, 1, training, stride=stride if stride_on == "1x1" else 1)
        y = pre_step(y, state, 2, training, stride=stride if stride_on == "3x3" else 1, padding=1)
        y = pre_step(y, state, 3, training)
        return y + preact_shortcut(x, state, stride, training, project)

    return oracle


def resnext_block(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
    """The grouped convolution as four small ones side by side: figure 3(b)."""
    y = step(x, state, 1, training).relu()
    parts = zip(y.chunk(4, 1), state["conv2.weight"].chunk(4, 0), strict=True)
    y = torch.cat([F.conv2d(part, weight, stride=stride, padding=1) for part, weight in parts], 1)
    y = step(batch_norm(y, state, "bn2", training).relu(), state, 3, training)
    return F.relu(y + projected(x, state, stride, training))


def se_basic_block(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
    y = step(x, state, 1, training, stride=stride, padding=1).relu()
    y = gated(step(y, state, 2, training, padding=1), state)
    return F.relu(y + projected(x, state, stride, training))


def se_bottleneck(stride_on: str) -> Callable[..., Tensor]:
    def oracle(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
        y = step(x, state, 1, training, stride=stride if stride_on == "1x1" else 1).relu()
        y = step(y, state, 2, training, stride=stride if stride_on == "3x3" else 1, padding=1).relu()
        y = gated(step(y, state, 3, training), state)
        return F.relu(y + projected(x, state, stride, training))

    return oracle


def res2net_block(passed: str, stride_on: str) -> Callable[..., Tensor]:
    def oracle(x: Tensor, state: State, stride: int, training: bool) -> Tensor:
        first, inner = (stride, 1) if stride_on == "1x1" else (1, stride)
        y = step(x, state, 1, training, stride=first).relu()
        y = step(hierarchy(y, state, 2, inner, training, passed), state, 3, training)
        return F.relu(y + projected(x, state, stride, training))

    return oracle


WRITINGS: list[tuple[str, Callable[..., nn.Module], Callable[..., Tensor]]] = [
    *(
        (f"preact {project}", lambda *a, p=project: PreActBlock(*a, project=p), preact_block(project))
        for project in ("activated", "input")
    ),
    *(
        (
            f"preact bottleneck {project} {on}",
            lambda *a, p=project, on=on: PreActBottleneck(*a, project=p, stride_on=on),
            preact_bottleneck(project, on),
        )
        for project in ("activated", "input")
        for on in ("1x1", "3x3")
    ),
    ("resnext", lambda *a: ResNeXtBlock(*a, cardinality=4), resnext_block),
    *(
        (f"se gate_bias={bias}", lambda *a, b=bias: SEBasicBlock(*a, reduction=4, gate_bias=b), se_basic_block)
        for bias in (True, False)
    ),
    *(
        (f"se bottleneck {on}", lambda *a, on=on: SEBottleneck(*a, reduction=4, stride_on=on), se_bottleneck(on))
        for on in ("1x1", "3x3")
    ),
    *(
        (
            f"res2net {passed} {on}",
            lambda *a, p=passed, on=on: Res2NetBlock(*a, scale=2, passed=p, stride_on=on),
            res2net_block(passed, on),
        )
        for passed in ("first", "last")
        for on in ("1x1", "3x3")
    ),
]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize(("channels", "out_channels", "stride"), [(16, 16, 1), (16, 32, 2)])
@pytest.mark.parametrize(("build", "oracle"), [pytest.param(*pair, id=name) for name, *pair in WRITINGS])
def test_each_block_is_the_expression_of_its_paper(
    build: Callable[..., nn.Module],
    oracle: Callable[..., Tensor],
    channels: int,
    out_channels: int,
    stride: int,
    training: bool,
) -> None:
    """Output, gradient of the input and of every parameter, in both modes."""
    block = build(channels, out_channels, stride)
    assert_same_expression(block, lambda x, state, train: oracle(x, state, stride, train), channels, training)


@pytest.mark.parametrize("scale", [3, 4])
def test_a_hierarchy_of_more_parts_is_the_expression_of_its_paper(scale: int) -> None:
    """From the third part on, the result of the one before is added."""

    def oracle(x: Tensor, state: State, training: bool) -> Tensor:
        y = hierarchy(step(x, state, 1, training).relu(), state, scale, 1, training, "first")
        return F.relu(step(y, state, 3, training) + x)

    assert_same_expression(Res2NetBlock(48, 48, scale=scale), oracle, 48, training=False)


@pytest.mark.parametrize(("name", "build"), [pytest.param(name, build, id=name) for name, build, _ in WRITINGS])
def test_shapes_are_those_of_the_docstrings(name: str, build: Callable[..., nn.Module]) -> None:
    """N × C × H × W to N × D × ⌈H/s⌉ × ⌈W/s⌉, odd sizes too."""
    for channels, out_channels, stride in SIZES:
        y = build(channels, out_channels, stride)(torch.randn(2, channels, 7, 10))
        assert (2, out_channels, -(-7 // stride), -(-10 // stride)) == tuple(y.shape), name


# --- numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("c", "d", "stride"), SIZES)
def test_parameters_are_as_many_as_the_docstrings_say(c: int, d: int, stride: int) -> None:
    """C = in_channels, D = out_channels; a projection adds C·D, and 2·D with a batch norm."""
    bare = c * d if stride != 1 or c != d else 0
    whole = bare + (2 * d if bare else 0)
    w = d // 4
    assert 9 * c * d + 9 * d**2 + 2 * c + 2 * d + bare == count(PreActBlock(c, d, stride))
    assert c * w + 9 * w**2 + w * d + 2 * c + 4 * w + bare == count(PreActBottleneck(c, d, stride))
    gate = 2 * d * (d // 4)
    biases = d // 4 + d
    assert count(ResBlock(c, d, stride)) + gate + biases == count(SEBasicBlock(c, d, stride, 4))
    assert count(ResBlock(c, d, stride)) + gate == count(SEBasicBlock(c, d, stride, 4, gate_bias=False))
    assert count(Bottleneck(c, d, stride)) + gate + biases == count(SEBottleneck(c, d, stride, 4))
    v = d // 2
    assert c * v + 9 * v**2 // 4 + v * d + 4 * v + 2 * d + whole == count(ResNeXtBlock(c, d, stride, 4))
    for scale in (2, 4):
        part = w // scale
        convolutions = c * w + 9 * (scale - 1) * part**2 + w * d
        norms = 2 * w + 2 * (scale - 1) * part + 2 * d
        assert convolutions + norms + whole == count(Res2NetBlock(c, d, stride, scale))


def test_a_preactivation_block_has_as_many_parameters_as_its_older_relative() -> None:
    """18·C² + 4·C and 17·C²/16 + 3·C, where no projection is needed: only the order changes."""
    for channels in (16, 64):
        assert 18 * channels**2 + 4 * channels == count(PreActBlock(channels, channels))
        assert 17 * channels**2 // 16 + 3 * channels == count(PreActBottleneck(channels, channels))


def test_32_groups_of_4_cost_what_a_bottleneck_costs() -> None:
    """Xie 2017, section 3.4: about 70 thousand in both, at 256 channels."""
    assert 70_144 == count(ResNeXtBlock(256, 256), nn.Conv2d)
    assert 69_632 == count(Bottleneck(256, 256), nn.Conv2d)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: PreActBlock(8, 8, project="x"), r"^project: expected 'activated' or 'input', found 'x'$"),
        (lambda: PreActBottleneck(8, 8, project="x"), r"^project: expected 'activated' or 'input', found 'x'$"),
        (lambda: PreActBottleneck(8, 8, stride_on="x"), r"^stride_on: expected '1x1' or '3x3', found 'x'$"),
        (lambda: SEBottleneck(8, 8, stride_on="x"), r"^stride_on: expected '1x1' or '3x3', found 'x'$"),
        (lambda: Res2NetBlock(16, 16, stride_on="x"), r"^stride_on: expected '1x1' or '3x3', found 'x'$"),
        (lambda: Res2NetBlock(16, 16, passed="x"), r"^passed: expected 'first' or 'last', found 'x'$"),
        (lambda: Res2NetBlock(16, 16, scale=3), r"^scale: 3 parts cannot be made of 4 channels$"),
    ],
)
def test_a_freedom_that_there_is_not_is_refused(build: Callable[[], nn.Module], message: str) -> None:
    """A misspelt variant in an assignment must not silently be the plain block."""
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("last", ["whole", "summed"])
@pytest.mark.parametrize("middle", ["whole", "split", "split-norms"])
@pytest.mark.parametrize("first", ["whole", "split", "split-norms"])
def test_resnext_written_out_is_the_block_in_groups(first: Any, middle: Any, last: Any) -> None:
    """Each part by itself: with the weights of the one convolution cut into those of the paths, equal numbers."""
    torch.manual_seed(0)
    whole = ResNeXtBlock(8, 16, 2, 4).double().eval()
    apart = ResNeXtBlock(8, 16, 2, 4, first=first, middle=middle, last=last).double().eval()
    for tensor in [*whole.parameters(), *(b for b in whole.buffers() if b.is_floating_point())]:
        tensor.data.uniform_(0.5, 1.5)
    if apart.paths is None:
        apart.load_state_dict(whole.state_dict())
    else:
        apart.bn3, apart.shortcut = whole.bn3, whole.shortcut
        fill(apart.paths.first.convs, whole.conv1.weight, 0)
        fill(apart.paths.middle.convs, whole.conv2.weight, 0)
        fill(apart.paths.last, whole.conv3.weight, 1)
        for norms, norm in ((apart.paths.first.norms, whole.bn1), (apart.paths.middle.norms, whole.bn2)):
            parts = zip(*(norm.state_dict()[name].chunk(len(norms)) for name in VECTORS), strict=True)
            for each, vectors in zip(norms, parts, strict=True):
                each.load_state_dict(dict(zip(VECTORS, vectors, strict=True)), strict=False)
    x = torch.randn(2, 8, 5, 5).double()
    assert torch.allclose(whole(x), apart(x), atol=1e-10)
    assert sum(p.numel() for p in whole.parameters()) == sum(p.numel() for p in apart.parameters())


VECTORS = ("weight", "bias", "running_mean", "running_var")


def fill(convs: Any, weight: Tensor, dimension: int) -> None:
    """Give each convolution its part of a weight."""
    for conv, part in zip(convs, weight.detach().chunk(len(convs), dimension), strict=True):
        conv.weight.data = part.clone()
