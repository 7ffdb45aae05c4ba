"""Layers from classes of one's own."""

from __future__ import annotations

from grader.audit.chains import Chain, Chained
from grader.audit.layers import KINDS
from grader.audit.program import Layer
from grader.audit.style import Made

CONV_BN = """
class ConvBN(nn.Module):
    def __init__(self, i, o, k, stride=1, padding=0, dilation=1, groups=1, bias=True, act=None):
        super().__init__()
        self.act = act
        self.norm = nn.BatchNorm2d(o)
        self.conv = nn.Conv2d(i, o, k, stride, padding, dilation, groups, bias)

    def forward(self, x):
        x = self.norm(self.conv(x))
        return x if self.act is None else self.act(x)
"""


class Composed(Chained):
    """A helper class for convolution, batch norm and activation."""

    helpers = CONV_BN

    def prepare(self) -> None:
        self.held: list[Made] = []
        self.inside: set[str] = set()

    def chain(self, chain: Chain) -> list[str]:
        lines = []
        while chain:
            unit, chain = self._unit(chain)
            lines += self._apply(unit) if len(unit) > 1 else self.step(unit[0])
        return lines

    def _unit(self, chain: Chain) -> tuple[Chain, Chain]:
        """What the helper can hold at the start of the chain, and the rest."""
        layers = [self.layer(step) for step in chain[:2]]
        if len(layers) < 2 or not all(layer and layer.rank == 4 for layer in layers):
            return chain[:1], chain[1:]
        conv, norm = layers
        assert conv is not None
        assert norm is not None
        fits = conv.kind == "convolution" and norm.kind == "batch_norm" and conv.condition == norm.condition
        fits &= not norm.refuses  # the helper's batch norm has the channels that its convolution gives
        if not fits or "weight" not in norm.tensors or "running_mean" not in norm.tensors or not _is_default(norm):
            return chain[:1], chain[1:]
        size = 3 if len(chain) > 2 and self.layer(chain[2]) is None else 2
        return chain[:size], chain[size:]

    def _apply(self, unit: Chain) -> list[str]:
        conv, norm = self.layer(unit[0]), self.layer(unit[1])
        assert conv is not None
        assert norm is not None
        attribute = self.named(f"unit{len(self.held) + 1}")
        call = (self.as_module(unit[0]) or "").replace("nn.Conv2d(", "ConvBN(")
        if len(unit) > 2:
            call = f"{call[:-1]}, act={self.as_module(unit[2])})"
        self.held.append((conv.condition, [f"self.{attribute} = {call}"]))
        self.inside |= {conv.label, norm.label}
        x = self.text(unit[0].arguments["self"])
        return [f"{self.bind(unit[-1].out, unit[0].inputs)} = self.{attribute}({x})"]

    def declared(self) -> list[Layer]:
        return [layer for layer in super().declared() if layer.label not in self.inside]

    def order(self, layers: list[Made]) -> list[Made]:
        return [*self.held, *layers]


def _is_default(layer: Layer) -> bool:
    return all(layer.settings[name] == default for name, default in KINDS[layer.kind].keywords.items())
