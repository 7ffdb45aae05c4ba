"""A picture as the page shows it: drawings, what they tell in a sentence, where to look, and all of it as a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from grader.formats._excerpt import Place


@dataclass(frozen=True)
class Panel:
    """One drawing of a picture and its title."""

    id: str
    title: str
    drawing: Markup

    @property
    def wide(self) -> bool:
        """Does it not fit a phone, so that it is scrolled there?"""
        return 'class="drawn wide"' in self.drawing[:40]


@dataclass(frozen=True)
class Shown:
    """One picture.

    Attributes:
        id: of the element; those of its parts begin with it.
        says: what is to be seen, in a sentence or two.
        head, rows: the same as a table, for who does not see the drawing.
        marked: the rows of the table in which something is not as it should be.
        folded: is it only shown to who asks for it, since nothing in it is wrong?
    """

    id: str
    title: str
    says: str
    panels: list[Panel]
    head: list[str]
    rows: list[list[str]]
    marked: frozenset[int] = frozenset()
    place: Place | None = None
    legend: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""
    folded: bool = False

    @property
    def table_id(self) -> str:
        return f"{self.id}-words"
