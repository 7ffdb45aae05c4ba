"""Layers in attributes, one statement for each step: as the tutorials write it."""

from __future__ import annotations

from grader.audit.style import Style


class Attributes(Style):
    """self.conv1, self.bn1, …"""


class Shuffled(Style):
    """Names that say nothing, registered in any order."""

    def attribute(self, label: str) -> str:
        return "".join(self.rng.choices("abcdefghkmpqrstuvwz", k=4)) + label[-1]

    def order(self, layers: list[list[str]]) -> list[list[str]]:
        return self.rng.sample(layers, len(layers))
