"""Templates into pages: all is escaped, an unknown name is an error, nothing invisible gets through."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from markupsafe import Markup, escape

from grader.formats._text import said, visible
from grader.formats._words import points
from grader.language import form, say, spoken

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def render(template: str, **context: object) -> str:
    """One page, ready to be written."""
    return visible(_template(template).render(context))


def _say(text: str, **values: object) -> Markup:
    """What is filled in may be markup of the template's own, as a link in a sentence is; all else is escaped."""
    said = escape(say(text))
    return said.format(**values) if values else said


def _many(one: str, several: str, n: int, **values: object) -> Markup:
    return escape(form(one, several, n)).format(n=n, **values)


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
    environment.globals |= {"say": _say, "many": _many, "spoken": spoken}
    environment.filters["in_url"] = lambda name: quote(name, safe="")
    return environment


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)
