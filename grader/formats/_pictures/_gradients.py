"""The norm of the gradient at every layer on a scale of powers of ten: the student's a full square, the reference's a
ring."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from grader.formats._pictures._shown import Panel, Shown
from grader.formats._pictures._svg import circle, clean, fit, path, rect, svg, text
from grader.language import many, say
from grader.pictures import GradientPicture, GradientRow

NAMES, PLOT, BESIDE = 104.0, 142.0, 86.0  # widths
ROW, TOP, FOOT = 23.0, 12.0, 26.0
SHOWS = 0.02  # a relative difference that is pointed out
SMALL, CODE = 11.0, 10.5
FEWEST_DECADES, MOST_DECADES = 2, 12


def gradients(picture: GradientPicture, id: str) -> Shown:
    """The picture, ready to be shown."""
    return Shown(
        id=id,
        title=say("How strong the gradient is at each layer"),
        says=_says(picture.rows),
        note=_note(picture),
        panels=[Panel(f"{id}-drawing", say("Gradient norm by layer"), _drawing(picture, id))],
        head=[say("Layer"), say("Your code"), say("Reference"), say("Ratio")],
        rows=[[clean(row.layer), _value(row.mine), _value(row.reference), _ratio(row)] for row in picture.rows],
        marked=frozenset(i for i, row in enumerate(picture.rows) if _differs(row)),
        legend=[("mine", say("your code")), ("ring", say("reference"))],
    )


def _note(picture: GradientPicture) -> str:
    case = clean(picture.case)
    if picture.training:
        said = say("{case}: norm of the gradient under equal weights, in training mode.", case=case)
    else:
        said = say("{case}: norm of the gradient under equal weights, in evaluation mode.", case=case)
    if picture.left_out:
        said += " " + many("{n} more layer is left out.", "{n} more layers are left out.", picture.left_out)
    return said


def _says(rows: tuple[GradientRow, ...]) -> str:
    silent = [row.layer for row in rows if row.mine is None and row.reference is not None]
    if silent:
        return say("No gradient arrives at {layers}: what gets none learns nothing.", layers=_names(silent))
    broken = [row.layer for row in rows if row.mine is not None and math.isinf(row.mine)]
    if broken:
        return say("The gradient is no number any more at {layers}.", layers=_names(broken))
    apart = [row.layer for row in rows if _differs(row)]
    if len(apart) == len(rows):
        return say("At every layer the gradient has another size than the reference's.")
    return say(
        "The gradient has another size than the reference's at {layers}, and agrees everywhere else.",
        layers=_names(apart),
    )


def _names(names: list[str]) -> str:
    shown = [clean(name) for name in names[:4]]
    more = len(names) - len(shown)
    if more:
        return many("{names} and {n} more", "{names} and {n} more", more, names=", ".join(shown))
    if len(shown) > 1:
        return say("{names} and {last}", names=", ".join(shown[:-1]), last=shown[-1])
    return "".join(shown)


def _drawing(picture: GradientPicture, id: str) -> Markup:
    finite = [v for row in picture.rows for v in (row.mine, row.reference) if v is not None and 0 < v < math.inf]
    low, high = _decades(finite)
    width = NAMES + PLOT + BESIDE
    height = TOP + ROW * len(picture.rows) + FOOT
    parts = list(_grid(low, high, height))
    for number, row in enumerate(picture.rows):
        parts += _row(row, TOP + ROW * (number + 0.5), low, high)
    return svg(width, height, parts, f"{id}-title", f"{id}-words")


def _decades(values: list[float]) -> tuple[int, int]:
    """The powers of ten between which the values lie."""
    if not values:
        return 0, FEWEST_DECADES
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + FEWEST_DECADES)
    return max(low, high - MOST_DECADES), high


def _grid(low: int, high: int, height: float) -> Iterator[Markup]:
    step = 1 if high - low <= 4 else math.ceil((high - low) / 4)
    for power in range(low, high + 1):
        x = _at(power, low, high)
        yield path(f"M{x:.1f} {TOP - 4:g} V{height - FOOT:g}", "grid")
        if (power - low) % step == 0:
            said = f"{10**power:g}" if -4 < power < 5 else f"1e{power}"
            yield text(x, height - FOOT + 15, said, look="small", anchor="middle")


def _row(row: GradientRow, y: float, low: int, high: int) -> Iterator[Markup]:
    look = " differs" if _differs(row) else ""
    yield text(NAMES - 10, y + 4, fit(row.layer, NAMES - 12, CODE, code=True), look="layer", anchor="end")
    places = [_x(v, low, high) for v in (row.mine, row.reference) if v is not None and 0 < v < math.inf]
    if len(places) == 2:
        yield path(f"M{places[0]:.1f} {y:g} H{places[1]:.1f}", f"span{look}")
    if row.reference is not None and 0 < row.reference < math.inf:
        yield circle(_x(row.reference, low, high), y, 5.5, "theirs")
    if row.mine is not None and 0 < row.mine < math.inf:
        x = _x(row.mine, low, high)
        yield rect(x - 4, y - 4, 8, 8, f"mine{look}", 1)
    said = _ratio(row)
    said = fit(f"✗ {said}" if look else said, BESIDE - 10, SMALL, bold=True)
    yield text(NAMES + PLOT + 10, y + 4, said, look=f"small{look}")


def _x(value: float, low: int, high: int) -> float:
    return _at(math.log10(value), low, high)


def _at(power: float, low: int, high: int) -> float:
    share = (power - low) / (high - low)
    return NAMES + PLOT * min(1.0, max(0.0, share))


def _differs(row: GradientRow) -> bool:
    if row.mine is None or row.reference is None or math.isinf(row.mine) or math.isinf(row.reference):
        return row.mine != row.reference
    return abs(row.mine - row.reference) > SHOWS * max(row.mine, row.reference)


def _value(value: float | None) -> str:
    if value is None:
        return say("none")
    return say("not a number") if math.isinf(value) else f"{value:.3g}"


def _ratio(row: GradientRow) -> str:
    if row.mine is None:
        return say("none") if row.reference is not None else say("both none")
    if math.isinf(row.mine):
        return say("no number")
    if row.reference is None:
        return say("none there")
    if not _differs(row):
        return say("equal")
    if math.isinf(row.reference):
        return say("differs")
    ratio = row.mine / row.reference
    return f"{ratio:.2f}×" if 0.05 < ratio < 50 else f"{ratio:.1g}×"
