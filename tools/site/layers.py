"""The picture of the design: every file and folder of grader/ in its layer, drawn from the contract that is tested."""

from __future__ import annotations

import ast
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
UNTRUSTED = frozenset(["worker"])

_WIDTH, _MARGIN, _GAP = 480, 12, 6
_BOX, _LETTER, _PADDING = 26, 8.2, 10
_ARROW = 26  # at the right, for the arrow
_RIGHT = _WIDTH - _MARGIN - _ARROW


def layers() -> list[list[str]]:
    """From the top to the bottom, as pyproject.toml has them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    contract = next(each for each in contracts if each["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def picture() -> str:
    """An SVG that takes its colours from the page around it."""
    drawn, y = [], float(_MARGIN)
    for layer in layers():
        boxes, height = _layer(layer, y + _GAP)
        drawn.append(
            f'<rect class="layer" x="{_MARGIN}" y="{y:g}" width="{_RIGHT - _MARGIN}" height="{height:g}" rx="6"/>'
        )
        drawn += boxes
        y += height + _GAP
    drawn.append(_arrow(float(_MARGIN), y - _GAP))
    head = (
        f'<svg class="layers" viewBox="0 0 {_WIDTH} {y + _MARGIN - _GAP:g}" role="img" aria-labelledby="layers-title">'
        '<title id="layers-title">The files and folders of grader in their layers: each imports only from layers '
        "below its own. The table below says the same in words.</title>"
    )
    return f'<div class="layers-picture">{head}{"".join(drawn)}</svg></div>'


def _arrow(top: float, bottom: float) -> str:
    """Which way imports run."""
    x, middle = _RIGHT + 11, (top + bottom) / 2
    return (
        f'<path class="arrow" d="M{x:g} {top:g}V{bottom:g}m-5 -8l5 8l5 -8"/>'
        f'<text class="word" transform="translate({x + 6:g} {middle:g}) rotate(90)">imports run this way</text>'
    )


def table() -> str:
    """The same in words: what each says about itself."""
    lines = ["| File or folder | What it says about itself |", "|---|---|"]
    lines += [f"| `{name}` | {_about(name)} |" for layer in layers() for name in layer]
    return "\n".join(lines)


def _layer(layer: list[str], top: float) -> tuple[list[str], float]:
    """Its boxes, row after row, and how high it is."""
    drawn, x, y = [], float(_MARGIN + _GAP), top
    for name in layer:
        width = len(name) * _LETTER + 2 * _PADDING
        if x + width > _RIGHT - _GAP:
            x, y = float(_MARGIN + _GAP), y + _BOX + _GAP
        kind = "untrusted" if name in UNTRUSTED else "box"
        drawn.append(
            f'<g><title>{escape(_about(name))}</title><rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" '
            f'height="{_BOX}" rx="4"/><text x="{x + width / 2:g}" y="{y + _BOX / 2 + 4.5:g}">{escape(name)}</text></g>'
        )
        x += width + _GAP
    return drawn, y + _BOX + _GAP - top + _GAP


def _about(name: str) -> str:
    """The first paragraph of its docstring."""
    path = ROOT / "grader" / f"{name}.py"
    source = (path if path.is_file() else ROOT / "grader" / name / "__init__.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]
    return " ".join(first.split()).replace("|", "\\|")
