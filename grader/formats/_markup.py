"""Markdown, HTML and pictures that came from a student, made inert.

What is kept is text with its markup, tables, and pictures that are part of the file. Nothing that runs,
nothing that is fetched (a picture from elsewhere tells its owner who reads the page), no class, style or id
(with ours, a student could paint a verdict), no relative link (it would lead somewhere in the reports).

mistune and nh3 are called directly: nbconvert's HTML exporter takes 255 ms for a notebook of 16 cells and
half a second to import.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from markupsafe import Markup, escape

from grader.formats._budget import Budget
from grader.formats._text import clip
from grader.language import say

if TYPE_CHECKING:
    import mistune
    import nh3

IMAGE_TYPES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}

_WORDS = """
    p br hr div span blockquote pre h2 h3 h4 h5 h6 ul ol li dl dt dd
    table caption thead tbody tfoot tr th td a img
    b i u s em strong del ins mark small sub sup q abbr cite code kbd samp var
"""
_TAGS = set(_WORDS.split())
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# What the sanitiser writes is in one canonical shape (a quote inside a value is written &quot;), so this
# finds whole tags and nothing else.
_IMAGE_TAG = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
_DATA_URL = re.compile(r"data:(image/(?:png|jpeg|gif));base64,([A-Za-z0-9+/=\s]*)", re.IGNORECASE)


def markdown(source: str, budget: Budget, *, attachments: object = None, heading_level: int = 3) -> Markup:
    """Markdown as a notebook shows it; its headings begin at `heading_level` of the page."""
    if not budget.take_rich(source):
        return plain(source, budget)
    try:
        rendered = str(_renderer()(source))
    except Exception:  # whatever a parser stumbles over, the words can still be read
        return plain(source, budget)
    return _sanitised(_demoted(rendered, heading_level), budget, attachments)


def html(source: str, budget: Budget) -> Markup | None:
    """HTML output such as a table; None when nothing of it is left to see."""
    if not budget.take_rich(source):
        return None
    cleaned = _sanitised(_demoted(source, 3), budget)
    return cleaned if cleaned.striptags().strip() or "<img" in cleaned else None


def plain(source: str, budget: Budget) -> Markup:
    """The source as it was typed."""
    shown, note = clip(source, budget.take_text(len(source)))
    return Markup('<pre class="plain" tabindex="0">{}</pre>').format(shown) + _note(note)


def image(kind: str, data: str, budget: Budget, alt: str = "") -> Markup | None:
    """A picture that is part of the file; None when it is not what it says or does not fit."""
    url = _data_url(f"data:{kind};base64,{data}", budget)
    return Markup('<img src="{}" alt="{}">').format(url, alt) if url else None


def _note(text: str) -> Markup:
    return Markup('<p class="note">{}</p>').format(text) if text else Markup()


def _data_url(url: str, budget: Budget) -> str | None:
    """The URL in canonical form if it holds a picture of an allowed kind, else None."""
    match = _DATA_URL.fullmatch(url.strip())
    if match is None or not budget.take_image(len(url)):
        return None
    kind = match[1].lower()
    try:
        content = base64.b64decode("".join(match[2].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    if not content.startswith(IMAGE_TYPES[kind]):
        return None
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _attached(url: str, attachments: object) -> str:
    """`attachment:name` as the data URL of that picture, which travels in the cell itself."""
    name = unquote(url.removeprefix("attachment:"))
    if not url.startswith("attachment:") or not isinstance(attachments, dict):
        return url
    bundle = attachments.get(name)
    for kind in IMAGE_TYPES:
        if isinstance(bundle, dict) and isinstance(bundle.get(kind), str):
            return f"data:{kind};base64,{bundle[kind]}"
    return url


def _demoted(source: str, level: int) -> str:
    """Headings moved below those of the page, so that its outline stays ours; none leaves out a level."""
    last, opened = level - 1, list[int]()

    def moved(match: re.Match[str]) -> str:
        nonlocal last
        if match[1]:
            return f"</h{opened.pop() if opened else last}"
        last = min(6, int(match[2]) + level - 1, last + 1)
        opened.append(last)
        return f"<h{last}"

    return re.sub(r"<(/?)h([1-6])\b", moved, source, flags=re.IGNORECASE)


def _sanitised(source: str, budget: Budget, attachments: object = None) -> Markup:
    cleaned = _cleaner(budget, attachments).clean(source)
    return Markup(_reachable(_IMAGE_TAG.sub(_image_or_note, cleaned)))


def _reachable(cleaned: str) -> str:
    """What may be wider than the screen scrolls within itself, and a keyboard reaches it there."""
    scroll = Markup('<div class="scroll" tabindex="0" role="group" aria-label="{}"><table>').format(say("Table"))
    return (
        cleaned.replace("<table>", scroll).replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    )


def _image_or_note(match: re.Match[str]) -> str:
    if ' src="' in match[1]:
        return match[0]
    alt = re.search(r' alt="([^"]*)"', match[1])
    if not (alt and alt[1]):
        return str(Markup("<em>[{}]</em>").format(say("picture not shown")))
    # `alt` is as the sanitiser escaped it, for an attribute; not every one escapes < and > there.
    described = Markup(alt[1].replace("<", "&lt;").replace(">", "&gt;"))
    return str(Markup("<em>[{}]</em>").format(escape(say("picture not shown: {picture}")).format(picture=described)))


@cache
def _renderer() -> mistune.Markdown:
    import mistune

    # Raw HTML and any URL pass through here, for notebooks use both, and meet the sanitiser.
    renderer = mistune.HTMLRenderer(escape=False, allow_harmful_protocols=True)
    plugins = ["strikethrough", "table", "url", "task_lists", "math"]
    parse = mistune.create_markdown(renderer=renderer, plugins=plugins)
    # Formulas are shown as they were typed: what typesets them is a script.
    renderer.register("inline_math", lambda _, text: str(Markup("<code>{}</code>").format(text)))
    renderer.register("block_math", lambda _, text: str(Markup("<pre>{}</pre>\n").format(text)))
    return parse


def _cleaner(budget: Budget, attachments: object) -> nh3.Cleaner:
    import nh3

    def allowed(tag: str, attribute: str, value: str) -> str | None:
        if (tag, attribute) == ("img", "src"):
            return _data_url(_attached(value, attachments), budget)
        if attribute == "href":
            return value if re.match(r"(?:https?|mailto):", value, re.IGNORECASE) else None
        if attribute in ("colspan", "rowspan", "start"):
            return value if value.isascii() and value.isdigit() and len(value) < 3 else None
        return value

    options: dict[str, Any] = {
        "tags": _TAGS,
        "attributes": _ATTRIBUTES,
        "attribute_filter": allowed,
        "url_schemes": {"http", "https", "mailto", "data", "attachment"},
        "url_relative": "deny",
        "link_rel": "nofollow noopener noreferrer",
        "clean_content_tags": {"script", "style", "title", "textarea", "template", "noscript", "svg", "math"},
    }
    return nh3.Cleaner(**options)
