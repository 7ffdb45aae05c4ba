"""Templates into pages: all is escaped, an unknown name is an error, nothing invisible gets through."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from grader.formats._text import said, visible
from grader.formats._words import points

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def render(template: str, **context: object) -> str:
    """One page, ready to be written."""
    return visible(_template(template).render(context))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["points"] = points
    environment.filters["said"] = said
    environment.filters["in_url"] = lambda name: quote(name, safe="")
    return environment


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)
