"""A drawing of steps and of the ways between them: boxes, and the skip path as a thick line at their side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from markupsafe import Markup

from grader.formats._pictures._layout import Edge, Layout, Rows
from grader.formats._pictures._svg import arrow, circle, fit, path, rect, svg, text, width_of
from grader.language import say
from grader.pictures import Flow, Step

WIDTHS = (156.0, 144.0)  # of the main lane, and of those beside it
TRACK = 20.0  # of a lane for a line alone
BETWEEN = 14.0  # lanes
MARGIN = 8.0
TALL, SHORT = 38.0, 25.0  # heights of boxes
GAP = 22.0  # between rows
LETTERS, SMALL, CODE = 12.5, 11.0, 10.5  # sizes of text
RADIUS = 13.0
BEND = 8.0


@dataclass
class Marks:
    """What is pointed out in a drawing.

    Attributes:
        first: the step where the first difference is.
        unlike: steps that have no like on the other side.
        missing: steps that are not there, by the row they would stand in.
        first_missing: is the first difference the first of these?
        no_skip: rows between which the other drawing has a skip path, and this one none.
        broken: did it raise at its last step, so that nothing behind that was reached?
        beside: what is written beside steps.
        named: are the names of layers shown?
    """

    first: int | None = None
    unlike: frozenset[int] = frozenset()
    missing: list[tuple[int, Step]] = field(default_factory=list)
    first_missing: int | None = None  # its row
    no_skip: tuple[int, int] | None = None
    broken: bool = False
    beside: dict[int, str] = field(default_factory=dict)
    named: bool = True


def heights_of(flow: Flow, rows: Rows, count: int) -> list[float]:
    """How high each row has to be for this drawing."""
    heights = [SHORT] * count
    for number, row in rows.items():
        step = flow.steps[number]
        if step.detail and not _is_round(step):
            heights[row] = TALL
    return heights


class Drawing:
    """One graph.

    Args:
        heights: of the rows.
        widths: of the main lane, and of those beside it.
    """

    def __init__(
        self, flow: Flow, layout: Layout, heights: list[float], marks: Marks, *, widths: tuple[float, float] = WIDTHS
    ) -> None:
        self._flow = flow
        self._layout = layout
        self._marks = marks
        self._tops: list[float] = []
        self._heights = heights
        y = MARGIN + GAP / 2
        for height in heights:
            self._tops.append(y)
            y += height + GAP
        self._height = y - GAP / 2 + MARGIN
        beside = marks.no_skip is not None or bool(marks.beside) or any(step.on_skip for _, step in marks.missing)
        lanes = [lane.wide for lane in layout.lanes]
        if beside and sum(lanes) < 2:
            lanes.append(True)
        self._beside = next((number for number, wide in enumerate(lanes) if wide and number), 1)
        self._middles: list[float] = []
        self._widths: list[float] = []
        x = MARGIN
        for number, wide in enumerate(lanes):
            width = widths[min(number, 1)] if wide else TRACK
            self._middles.append(x + width / 2)
            self._widths.append(width)
            x += width + BETWEEN
        self._width = x - BETWEEN + MARGIN

    def markup(self, label: str, described: str) -> Markup:
        """The drawing as SVG."""
        edges = sorted(self._layout.edges, key=lambda edge: edge.on_skip)
        parts = [part for edge in edges for part in self._edge(edge)]
        for number in range(len(self._flow.steps)):
            parts += self._step(number)
        for row, step in self._marks.missing:
            parts += self._missing(row, step)
        parts += self._no_skip()
        return svg(self._width, self._height, parts, label, described)

    # ------------------------------------------------------------------ steps

    def _middle(self, number: int) -> tuple[float, float]:
        row = self._layout.rows[number]
        return self._middles[self._layout.lane[number]], self._tops[row] + self._heights[row] / 2

    def _half(self, number: int) -> float:
        """Half of the height of a step."""
        step = self._flow.steps[number]
        if _is_round(step):
            return RADIUS
        return (TALL if step.detail else SHORT) / 2

    def _step(self, number: int) -> Iterator[Markup]:
        step = self._flow.steps[number]
        x, y = self._middle(number)
        half = self._half(number)
        width = self._widths[self._layout.lane[number]]
        look = "step"
        if number == self._marks.first:
            look += " first"
        elif number in self._marks.unlike:
            look += " unlike"
        if step.on_skip:
            look += " beside"
        if _is_round(step):
            yield circle(x, y, RADIUS, look)
            yield text(x, y + 5, step.sign, look="sign", anchor="middle")
            breaks = self._marks.broken and number == len(self._flow.steps) - 1
            said = say("breaks") if breaks else ", ".join(filter(None, (step.says, step.detail)))
            room = width / 2 - RADIUS - 6
            words = "small missing" if breaks else "small"
            yield text(x - RADIUS - 6, y + 4, fit(said, room, SMALL), look=words, anchor="end")
        else:
            radius = half if step.kind == "activation" else 3 if step.kind in ("layer", "norm") else 6
            yield rect(x - width / 2, y - half, width, 2 * half, f"{look} {step.kind}", min(radius, 13))
            yield from self._words(step, x, y, width)
        if number in self._marks.beside and not self._layout.lane[number]:
            said = fit(self._marks.beside[number], self._widths[self._beside], SMALL)
            words = "small missing" if number == self._marks.first else "small"
            yield text(x + width / 2 + 10, y + 4, said, look=words)
        if number == self._marks.first:
            left = x - (RADIUS if _is_round(step) else width / 2)
            yield from _flag(left, y - half, say("differs") if not _is_round(step) else "")
        elif number in self._marks.unlike:
            right = x + (RADIUS if _is_round(step) else width / 2)
            yield circle(right - 2, y - half + 1, 7, "badge unlike")
            yield text(right - 2, y - half + 5, "≠", look="badge-sign unlike", anchor="middle")

    def _words(self, step: Step, x: float, y: float, width: float) -> Iterator[Markup]:
        left, room = x - width / 2 + 10, width - 20
        first = y - 3 if step.detail else y + 4.5
        said, detail = fit(step.says, room, LETTERS, bold=True), fit(step.detail, room, SMALL)
        yield text(left, first, said, look="says")
        if detail:
            yield text(left, y + 13, detail, look="small")
        free = [(room - width_of(said, LETTERS, bold=True), first)]
        if detail:
            free.append((room - width_of(detail, SMALL), y + 13))
        space, line = max(free)
        layer = fit(step.layer, space - 6, CODE, code=True) if space > 36 and self._marks.named else ""
        if layer:
            yield text(left + room, line, layer, look="layer", anchor="end")

    def _missing(self, row: int, step: Step) -> Iterator[Markup]:
        lane = self._beside if step.on_skip else 0
        x, y = self._middles[lane], self._tops[row] + self._heights[row] / 2
        width = self._widths[lane]
        if self._marks.broken and row > self._layout.rows[len(self._flow.steps) - 1]:
            yield rect(x - width / 2, y - SHORT / 2, width, SHORT, "step away", 4)
            yield text(
                x,
                y + 4,
                fit(say("{step}: not reached", step=step.says), width - 16, SMALL),
                look="small",
                anchor="middle",
            )
            return
        yield rect(x - width / 2, y - SHORT / 2, width, SHORT, "step missing", 4)
        said = fit(say("no {step}", step=step.says), width - 12, LETTERS, bold=True)
        yield text(x, y + 4, said, look="says missing", anchor="middle")
        if row == self._marks.first_missing:
            yield from _flag(x - width / 2, y - SHORT / 2, "")

    def _no_skip(self) -> Iterator[Markup]:
        if self._marks.no_skip is None:
            return
        start, stop = (self._tops[row] + self._heights[row] / 2 for row in self._marks.no_skip)
        x, y = self._middles[self._beside], (start + stop) / 2
        yield path(f"M{x:g} {start:g} V{y - 14:g} M{x:g} {y + 10:g} V{stop:g}", "way missing")
        yield text(x, y + 2, say("no skip path"), look="small missing", anchor="middle")

    # ------------------------------------------------------------------ ways

    def _edge(self, edge: Edge) -> Iterator[Markup]:
        look = "way skip" if edge.on_skip else "way"
        x1, y1 = self._middle(edge.start)
        x2, y2 = self._middle(edge.end)
        top, bottom = y2 - self._half(edge.end), y1 + self._half(edge.start)
        if edge.lane is None or (x1 == x2 == self._middles[edge.lane]):
            yield path(f"M{x1:g} {bottom:g} V{top - 5:g}", look)
            yield arrow(x2, top, look)
            return
        x = self._middles[edge.lane]
        line = f"M{x1:g} {bottom:g}"
        if x != x1:
            turn = bottom + 8
            yield circle(x1, turn, 3, f"{look} tip")
            line = f"M{x1:g} {turn:g} H{x - _to(x1, x):g} Q{x:g} {turn:g} {x:g} {turn + BEND:g}"
        if x == x2:
            yield path(f"{line} V{top - 5:g}", look)
            yield arrow(x2, top, look)
        elif _is_round(self._flow.steps[edge.end]) and x > x2 and self._is_free(edge):
            yield path(f"{line} V{y2 - BEND:g} Q{x:g} {y2:g} {x - BEND:g} {y2:g} H{x2 + RADIUS + 5:g}", look)
            yield arrow(x2 + RADIUS, y2, look, "left")
        else:
            turn = top - 9
            bend = _to(x, x2)
            yield path(f"{line} V{turn - BEND:g} Q{x:g} {turn:g} {x + bend:g} {turn:g} H{x2:g} V{top - 5:g}", look)
            yield arrow(x2, top, look)
        if edge.on_skip and x not in (x1, x2):
            y = (bottom + y2) / 2
            said = say("skip path")
            half = max(34, width_of(said, SMALL) / 2 + 2)
            yield rect(x - half, y - 9, 2 * half, 18, "gap", 0)
            yield text(x, y + 4, said, look="small skip", anchor="middle")

    def _is_free(self, edge: Edge) -> bool:
        """Is there no box between a lane and the step that it leads to?"""
        row = self._layout.rows[edge.end]
        inside = range(self._layout.lane[edge.end] + 1, edge.lane or 0)
        return not any(self._layout.rows[i] == row and lane in inside for i, lane in self._layout.lane.items())


def _to(start: float, end: float) -> float:
    return BEND if end > start else -BEND


def _flag(x: float, y: float, said: str) -> Iterator[Markup]:
    """The sign of the first difference, at the upper left corner of a step."""
    yield rect(x - 6, y - 8, 15, 15, "badge first", 3)
    yield text(x + 1.5, y + 4, "✗", look="badge-sign first", anchor="middle")
    if said:
        yield text(x + 13, y - 4, said, look="small first")


def _is_round(step: Step) -> bool:
    return step.kind == "join" and bool(step.sign)
