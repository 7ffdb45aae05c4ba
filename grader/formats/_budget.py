"""How much of one notebook goes on a page: a student's endless output must not make an endless page."""

from __future__ import annotations

from dataclasses import dataclass

CELLS = 1000
OUTPUTS_PER_CELL = 40
SOURCE = 60_000  # characters of one cell
OUTPUT = 20_000  # characters of one output
RICH = 30_000  # characters of one piece of Markdown or HTML; more is shown as plain text
TAGS = 4_000  # "<" in it: the sanitiser's time grows with the square of the depth
IMAGE = 4_000_000  # base64 characters of one picture


@dataclass
class Budget:
    """What is left of one page. What is shown is taken from it, what does not fit is left out."""

    text: int = 1_500_000
    rich: int = 100_000
    tags: int = 12_000
    images: int = 12_000_000

    def take_text(self, wanted: int) -> int:
        """How many characters may be shown of so many."""
        given = max(0, min(wanted, self.text))
        self.text -= given
        return given

    def take_rich(self, source: str) -> bool:
        """May this be parsed as Markdown or HTML?"""
        tags = source.count("<")
        if len(source) > min(RICH, self.rich) or tags > min(TAGS, self.tags):
            return False
        self.rich -= len(source)
        self.tags -= tags
        return True

    def take_image(self, size: int) -> bool:
        """May a picture of so many base64 characters be shown?"""
        if size > min(IMAGE, self.images):
            return False
        self.images -= size
        return True
