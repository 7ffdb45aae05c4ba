"""Layers that find out about their inputs when they first see one."""

from __future__ import annotations

from grader.audit.layers import dimensions, module
from grader.audit.program import Layer
from grader.audit.style import Style

NAMES = {"convolution": "nn.LazyConv{d}d", "batch_norm": "nn.LazyBatchNorm{d}d", "linear": "nn.LazyLinear"}
FOUND_OUT = ("in_channels", "in_features", "num_features")


class Lazy(Style):
    """nn.LazyConv2d, nn.LazyBatchNorm2d, nn.LazyLinear; but for a layer that would find out about a mistake too."""

    def declare(self, layer: Layer) -> list[str]:
        if layer.kind not in NAMES or layer.refuses:
            return super().declare(layer)
        name = NAMES[layer.kind].format(d=dimensions(layer.rank))
        return [f"self.{self.named(layer.label)} = {module(layer, name, skip=FOUND_OUT)}"]
