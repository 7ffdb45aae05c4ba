"""Layers of torch.nn: what their constructors take, and the same as functions of torch.nn.functional."""

from __future__ import annotations

from dataclasses import dataclass

from grader.audit.program import Layer

BARE = "bare"  # a tensor of its own, which no layer owns


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes:
        label: how students begin its name.
        module, function: names, with `{d}` for the number of dimensions of an image.
        roles: of its parameters and buffers.
        positional: settings that are always given; `keywords` those that are left out at their default.
        switches: keywords that turn a role off, by the role.
    """

    label: str
    module: str
    function: str
    roles: tuple[str, ...]
    positional: tuple[str, ...]
    keywords: dict[str, str]
    switches: dict[str, str]

    @property
    def paired(self) -> bool:
        """Do its parameters come in pairs?"""
        return "affine" in " ".join(self.switches.values())

    @property
    def settings(self) -> tuple[str, ...]:
        return (*self.positional, *self.keywords)


KINDS: dict[str, Kind] = {
    "convolution": Kind(
        "conv",
        "nn.Conv{d}d",
        "F.conv{d}d",
        ("weight", "bias"),
        ("in_channels", "out_channels", "kernel_size"),
        {"stride": "1", "padding": "0", "dilation": "1", "groups": "1"},
        {"bias": "bias"},
    ),
    "linear": Kind(
        "fc", "nn.Linear", "F.linear", ("weight", "bias"), ("in_features", "out_features"), {}, {"bias": "bias"}
    ),
    "batch_norm": Kind(
        "bn",
        "nn.BatchNorm{d}d",
        "F.batch_norm",
        ("weight", "bias", "running_mean", "running_var"),
        ("num_features",),
        {"eps": "1e-05", "momentum": "0.1"},
        {"weight": "affine", "running_mean": "track_running_stats"},
    ),
    "group_norm": Kind(
        "gn",
        "nn.GroupNorm",
        "F.group_norm",
        ("weight", "bias"),
        ("num_groups", "num_channels"),
        {"eps": "1e-05"},
        {"weight": "affine"},
    ),
    "layer_norm": Kind(
        "ln",
        "nn.LayerNorm",
        "F.layer_norm",
        ("weight", "bias"),
        ("normalized_shape",),
        {"eps": "1e-05"},
        {"weight": "elementwise_affine"},
    ),
}
# What the functions take besides the weights, in their order.
FUNCTION_SETTINGS = {
    "convolution": ("stride", "padding", "dilation", "groups"),
    "linear": (),
    "batch_norm": ("momentum", "eps"),
    "group_norm": ("num_groups", "eps"),
    "layer_norm": ("normalized_shape", "eps"),
}


def dimensions(rank: int) -> int:
    """Of an image, for a value of this many dimensions: 2 for N×C×H×W."""
    return max(1, rank - 2)


def module(layer: Layer, name: str = "", skip: tuple[str, ...] = ()) -> str:
    """The call that makes the layer: `nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)`.

    Args:
        name: of another class instead.
        skip: settings that it does not take.
    """
    kind = KINDS[layer.kind]
    given = [layer.settings[setting] for setting in kind.positional if setting not in skip]
    given += [
        f"{keyword}={layer.settings[keyword]}"
        for keyword, default in kind.keywords.items()
        if layer.settings[keyword] != default
    ]
    given += [f"{switch}=False" for role, switch in kind.switches.items() if role not in layer.tensors]
    return f"{name or kind.module.format(d=dimensions(layer.rank))}({', '.join(given)})"
