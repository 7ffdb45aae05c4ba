"""Parameters by layer as bars, the student's over the reference's, with the difference."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from grader.formats._pictures._shown import Panel, Shown
from grader.formats._pictures._svg import clean, fit, path, rect, svg, text
from grader.language import later, many, say
from grader.pictures import ParameterPicture, ParameterRow

NAMES, BARS, BESIDE = 104.0, 132.0, 92.0  # widths
ROW, TOP = 30.0, 4.0
BAR = 9.0  # height
LETTERS, SMALL, CODE = 12.5, 11.0, 10.5
TOTAL = later("all layers")


def parameters(picture: ParameterPicture, id: str) -> Shown:
    """The picture, ready to be shown."""
    total = _total(picture)
    left_out = ""
    if picture.left_out:
        left_out = " " + many("{n} more layer is left out.", "{n} more layers are left out.", picture.left_out)
    return Shown(
        id=id,
        title=say("Parameters, layer by layer"),
        says=_says(picture, total),
        note=f"{clean(picture.case)}.{left_out}",
        panels=[Panel(f"{id}-drawing", say("Parameters by layer"), _drawing(picture, total, id))],
        head=[say("Your layer"), say("Parameters"), say("Reference's layer"), say("Parameters"), say("Difference")],
        rows=[
            [
                clean(row.mine_name) or "—",
                _count(row),
                clean(row.reference_name) or "—",
                f"{row.reference:,}",
                _difference(row),
            ]
            for row in (*picture.rows, total)
        ],
        marked=frozenset(i for i, row in enumerate(picture.rows) if row.mine != row.reference),
        legend=[("mine", say("your code")), ("theirs", say("reference"))]
        + ([("unregistered", say("used, but not registered"))] if total.unregistered else []),
    )


def _total(picture: ParameterPicture) -> ParameterRow:
    return ParameterRow(
        mine_name=say(TOTAL),
        mine=sum(row.mine for row in picture.rows),
        reference_name=say(TOTAL),
        reference=sum(row.reference for row in picture.rows),
        unregistered=sum(row.unregistered for row in picture.rows),
    )


def _says(picture: ParameterPicture, total: ParameterRow) -> str:
    if total.unregistered:
        return say(
            "{count} parameters are used, but no optimizer would find them: the module does not know of these layers.",
            count=f"{total.unregistered:,}",
        )
    apart = [row for row in picture.rows if row.mine != row.reference]
    counts = {"count": f"{total.mine:,}", "wanted": f"{total.reference:,}"}
    if len(apart) != 1:
        return many(
            "{count} parameters, where the reference has {wanted}: {n} layer differs.",
            "{count} parameters, where the reference has {wanted}: {n} layers differ.",
            len(apart),
            **counts,
        )
    row = apart[0]
    if not row.mine_name:
        return say(
            "{count} parameters, where the reference has {wanted}: a layer like the reference's {layer} is missing.",
            layer=clean(row.reference_name),
            **counts,
        )
    if not row.reference_name:
        return say(
            "{count} parameters, where the reference has {wanted}: the reference has no layer like {layer}.",
            layer=clean(row.mine_name),
            **counts,
        )
    return say(
        "{count} parameters, where the reference has {wanted}: the difference is in {layer}.",
        layer=clean(row.mine_name),
        **counts,
    )


def _drawing(picture: ParameterPicture, total: ParameterRow, id: str) -> Markup:
    largest = max((max(row.mine, row.reference, row.unregistered) for row in picture.rows), default=1) or 1
    height = TOP + ROW * (len(picture.rows) + 1) + 8
    parts: list[Markup] = []
    for number, row in enumerate(picture.rows):
        parts += _row(row, TOP + ROW * number, largest)
    line = TOP + ROW * len(picture.rows) + 3
    parts.append(path(f"M0 {line:g} H{NAMES + BARS + BESIDE:g}", "grid"))
    all_layers = fit(say(TOTAL), NAMES - 12, LETTERS, bold=True)
    parts.append(text(NAMES - 10, line + 18, all_layers, look="says", anchor="end"))
    counts = fit(say("{count} of {wanted}", count=f"{total.mine:,}", wanted=f"{total.reference:,}"), BARS, SMALL)
    parts.append(text(NAMES, line + 18, counts, look="small"))
    parts += _beside(total, line + 18)
    return svg(NAMES + BARS + BESIDE, height, parts, f"{id}-title", f"{id}-words")


def _row(row: ParameterRow, top: float, largest: int) -> Iterator[Markup]:
    differs = " differs" if row.mine != row.reference else ""
    name = row.mine_name or row.reference_name
    yield text(
        NAMES - 10,
        top + ROW / 2 + 4,
        fit(name, NAMES - 12, CODE, code=True),
        look="layer" if row.mine_name else "layer missing",
        anchor="end",
    )
    scale = BARS / largest
    mine = row.unregistered or row.mine
    look = "unregistered" if row.unregistered else f"mine{differs}"
    if mine:
        yield rect(NAMES, top + 5, max(2.0, mine * scale), BAR, look, 1)
    else:
        yield text(NAMES + 2, top + 5 + BAR - 1, fit(say("missing"), BARS - 2, SMALL), look="small missing")
    if row.reference:
        yield rect(NAMES, top + 6 + BAR, max(2.0, row.reference * scale), BAR, "theirs", 1)
    yield from _beside(row, top + ROW / 2 + 4)


def _beside(row: ParameterRow, y: float) -> Iterator[Markup]:
    said = _difference(row)
    differs = row.mine != row.reference
    said = fit(f"✗ {said}" if differs else said, BESIDE - 10, SMALL, bold=True)
    yield text(NAMES + BARS + 10, y, said, look="small differs" if differs else "small")


def _count(row: ParameterRow) -> str:
    if not row.unregistered:
        return f"{row.mine:,}"
    return say("{count} ({others} not registered)", count=f"{row.mine:,}", others=f"{row.unregistered:,}")


def _difference(row: ParameterRow) -> str:
    apart = row.mine - row.reference
    return f"{apart:+,}".replace("-", "−") if apart else f"{row.mine:,}" if row.mine else "0"
