"""The shape of the tensor at each step, one below the other, until it breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce

from markupsafe import Markup

from grader.formats._excerpt import Place, place
from grader.formats._pictures._layout import Edge, Layout, lay_out
from grader.formats._pictures._shown import Panel, Shown
from grader.formats._pictures._svg import circle, clean, fit, path, rect, svg, text, width_of
from grader.formats._words import at
from grader.language import say
from grader.pictures import Shape, ShapePicture, Step
from grader.submission import Submission

TRACK = 15.0  # between the lines at the left
SAYS, TENSOR, SHAPE = 126.0, 46.0, 126.0  # widths of the columns
ROW, TALL = 31.0, 46.0
LETTERS, SMALL, CODE = 12.5, 11.0, 10.5


def shapes(picture: ShapePicture, id: str, submission: Submission | None) -> Shown:
    """The picture, ready to be shown."""
    steps = picture.flow.steps
    wrong = picture.wrong
    found = place(submission, steps[wrong].cell, steps[wrong].line) if wrong is not None else None
    return Shown(
        id=id,
        title=say("The shape at each step"),
        says=_says(picture),
        note=f"{clean(picture.case)}.",
        panels=[Panel(f"{id}-drawing", say("Your code, from the input down"), _Ladder(picture).markup(id))],
        head=[say("Step"), say("Where"), say("Shape behind it"), say("It should be")],
        rows=[
            [_full(step), _where(step), _behind(picture, i), show(want) if want is not None else ""]
            for i, (step, want) in enumerate(zip(steps, picture.wanted, strict=True))
        ],
        marked=frozenset(i for i in range(len(steps)) if i == wrong or steps[i].kind == "broken"),
        place=Place(found.cell, found.line, [], found.linked) if found is not None else None,
    )


def show(shape: Shape) -> str:
    """As people write it: 2×16×8×8."""
    return "×".join(f"{size:.2g}" if size > 999_999 else str(size) for size in shape) or say("a number")


def _says(picture: ShapePicture) -> str:
    steps, wrong = picture.flow.steps, picture.wrong
    broken = next((step for step in steps if step.kind == "broken"), None)
    said = []
    if wrong is not None and steps[wrong].kind != "broken":
        said.append(_first_wrong(steps[wrong], picture.wanted[wrong]))
    if broken is not None:
        said.append(
            say(
                "It breaks at {step}: {shapes} do not fit together.",
                step=_name(broken),
                shapes=_operands(picture, broken),
            )
        )
    return " ".join(said)


def _first_wrong(step: Step, want: Shape | None) -> str:
    if want is None:
        return say(
            "The first shape that is wrong comes out of {step}: {shape}.", step=_name(step), shape=show(step.shape)
        )
    return say(
        "The first shape that is wrong comes out of {step}: {shape}, where it should be {wanted}.",
        step=_name(step),
        shape=show(step.shape),
        wanted=show(want),
    )


def _operands(picture: ShapePicture, step: Step) -> str:
    shapes = [show(picture.flow.steps[i].shape) for i in step.reads]
    return reduce(lambda some, one: say("{some} and {one}", some=some, one=one), shapes) if shapes else ""


def _behind(picture: ShapePicture, number: int) -> str:
    step = picture.flow.steps[number]
    return say("breaks: {error}", error=clean(picture.raised)) if step.kind == "broken" else show(step.shape)


def _name(step: Step) -> str:
    said = " ".join(filter(None, (step.says, step.detail if step.kind == "layer" else "")))
    return clean(f"{said} ({step.layer})" if step.layer else said)


def _full(step: Step) -> str:
    return clean(", ".join(filter(None, (step.says, step.detail, step.layer))))


def _where(step: Step) -> str:
    if step.cell is None:
        return ""
    return at(step.cell, step.line)


class _Ladder:
    """The drawing: lines at the left show which step reads which."""

    def __init__(self, picture: ShapePicture) -> None:
        self._picture = picture
        self._steps = picture.flow.steps
        self._layout: Layout = lay_out(picture.flow, {i: i for i in range(len(self._steps))})
        self._left = 10 + TRACK * len(self._layout.lanes)
        self._y: list[float] = []
        y = 4.0
        for number in range(len(self._steps)):
            height = TALL if self._has_more(number) else ROW
            self._y.append(y + ROW / 2)
            y += height
        self._height = y + 4
        sizes = [step.shape[1:] for step in self._steps if len(step.shape) > 1]
        self._widest = max((size[0] for size in sizes), default=1)
        self._highest = max((size[1] for size in sizes if len(size) > 1), default=1)

    def markup(self, id: str) -> Markup:
        """As SVG."""
        parts = [part for edge in self._layout.edges for part in self._edge(edge)]
        for number, step in enumerate(self._steps):
            parts += self._row(number, step)
        width = self._left + SAYS + TENSOR + SHAPE
        return svg(width, self._height, parts, f"{id}-title", f"{id}-words")

    def _has_more(self, number: int) -> bool:
        """Is there a second line: what it should be, or what does not fit?"""
        return number == self._picture.wrong or self._steps[number].kind == "broken"

    def _x(self, lane: int) -> float:
        return 12 + TRACK * lane

    def _edge(self, edge: Edge) -> Iterator[Markup]:
        look = "way skip" if edge.on_skip else "way"
        x1, x2 = (self._x(self._layout.lane[i]) for i in (edge.start, edge.end))
        y1, y2 = self._y[edge.start], self._y[edge.end]
        x = self._x(edge.lane) if edge.lane is not None else x1
        line = f"M{x1:g} {y1:g}"
        if x != x1:
            line += f" C{x1:g} {y1 + 12:g} {x:g} {y1 + 4:g} {x:g} {y1 + 16:g}"
        if x != x2:
            line += f" V{y2 - 16:g} C{x:g} {y2 - 4:g} {x2:g} {y2 - 12:g} {x2:g} {y2:g}"
        else:
            line += f" V{y2:g}"
        yield path(line, look)

    def _row(self, number: int, step: Step) -> Iterator[Markup]:
        y = self._y[number]
        wrong = self._has_more(number)
        x = self._x(self._layout.lane[number])
        if wrong:
            yield rect(x - 7.5, y - 7.5, 15, 15, "badge first", 3)
            yield text(x, y + 4, "✗", look="badge-sign first", anchor="middle")
        else:
            yield circle(x, y, 5, "dot beside" if step.on_skip else "dot")
        left = self._left
        said = fit(step.says, SAYS - 8, LETTERS, bold=True)
        yield text(left, y + 4, said, look="says missing" if wrong else "says")
        free = SAYS - 8 - width_of(said, LETTERS, bold=True) - 8
        layer = fit(step.layer, free, CODE, code=True) if free > 30 else ""
        if layer:
            yield text(left + SAYS - 8, y + 4, layer, look="layer", anchor="end")
        yield from self._tensor(left + SAYS + TENSOR / 2, y, step.shape, wrong)
        right = left + SAYS + TENSOR + 4
        if step.kind == "broken":
            yield text(right, y + 4, fit(say("breaks here"), SHAPE - 6, LETTERS, bold=True), look="says missing")
            apart = say("{shapes} do not fit", shapes=_operands(self._picture, step))
            said = fit(apart, SAYS + TENSOR + SHAPE - 8, SMALL)
            yield text(left, y + 19, said, look="small missing")
            return
        yield text(right, y + 4, fit(show(step.shape), SHAPE - 6, LETTERS), look="says missing" if wrong else "number")
        want = self._picture.wanted[number]
        if wrong and want is not None:
            yield text(
                right, y + 19, fit(say("should be {shape}", shape=show(want)), SHAPE - 4, SMALL), look="small missing"
            )

    def _tensor(self, x: float, y: float, shape: Shape, wrong: bool) -> Iterator[Markup]:
        """A box as wide as there are channels and as high as the maps are, each on a scale of powers of two."""
        if len(shape) < 2:
            return
        width = _scaled(shape[1], self._widest, TENSOR - 8)
        height = _scaled(shape[2], self._highest, ROW - 7) if len(shape) > 2 else 4.0
        yield rect(x - width / 2, y - height / 2, width, height, "tensor first" if wrong else "tensor", 1)


def _scaled(size: int, largest: int, room: float) -> float:
    """At most `room`, and a third of that for a quarter of the size."""
    if size <= 0 or largest <= 0:
        return 3.0
    return max(3.0, room * (1 + 0.34 * math.log2(size / largest)))
