"""Layers in attributes, one statement for each step: as the tutorials write it."""

from __future__ import annotations

from grader.audit.layers import BARE, module
from grader.audit.program import Layer, Step
from grader.audit.style import Made, Style


class Attributes(Style):
    """self.conv1, self.bn1, …"""


class Shuffled(Style):
    """Names that say nothing, registered in any order."""

    def attribute(self, label: str) -> str:
        return "".join(self.rng.choices("abcdefghkmpqrstuvwz", k=4)) + label[-1]

    def order(self, layers: list[Made]) -> list[Made]:
        return self.rng.sample(layers, len(layers))


class ByName(Style):
    """setattr and getattr with f-strings."""

    def declare(self, layer: Layer) -> list[str]:
        if layer.kind == BARE:
            return super().declare(layer)
        return [f'setattr(self, f"{{{layer.label!r}}}_layer", {module(layer)})']

    def apply(self, layer: Layer, step: Step, x: str) -> str:
        return f'getattr(self, f"{{{layer.label!r}}}_layer")({x})'

    def attribute(self, label: str) -> str:
        return f"{label}_layer"
