"""The student's block as a graph, beside the reference's."""

from __future__ import annotations

from markupsafe import Markup

from grader.formats._excerpt import Place, place
from grader.formats._pictures._graph import Drawing, Marks, heights_of
from grader.formats._pictures._layout import Shared, depths, lay_out, shared_rows
from grader.formats._pictures._shown import Panel, Shown
from grader.formats._pictures._svg import clean
from grader.formats._words import at
from grader.language import many, say
from grader.pictures import BlockPicture, Difference, Flow, Step
from grader.submission import Submission


def block(picture: BlockPicture, id: str, submission: Submission | None) -> Shown:
    """The picture, ready to be shown."""
    shared = None
    if picture.reference is not None:
        shared = shared_rows(picture.mine, picture.reference, picture.pairs)
    panels = [Panel(f"{id}-mine", say("Your block"), _mine(picture, shared, id))]
    if picture.reference is not None:
        drawing = _reference(picture.reference, picture, shared, id)
        panels.append(Panel(f"{id}-reference", say("Reference"), drawing))
    rows, marked = _rows(picture)
    return Shown(
        id=id,
        title=_title(picture),
        says=_says(picture),
        panels=panels,
        head=[say("Your block"), say("Where"), *([] if picture.reference is None else [say("Reference"), ""])],
        rows=rows,
        marked=marked,
        place=_place(picture, submission),
        note=_note(picture),
        folded=picture.first is None,
    )


def _title(picture: BlockPicture) -> str:
    if not picture.place:
        return say("Your block, step by step") if picture.reference is None else say("Your block beside the reference")
    place = clean(picture.place)
    if picture.reference is None:
        return say("{place} of your network, step by step", place=place)
    return say("{place} of your network beside the reference", place=place)


def _mine(picture: BlockPicture, shared: Shared | None, id: str) -> Markup:
    flow = picture.mine
    rows = shared.mine if shared is not None else depths(flow)
    heights = _heights(picture, shared) if shared is not None else heights_of(flow, rows, max(rows.values()) + 1)
    return Drawing(flow, lay_out(flow, rows), heights, _marks(picture, shared)).markup(f"{id}-mine", f"{id}-words")


def _reference(flow: Flow, picture: BlockPicture, shared: Shared | None, id: str) -> Markup:
    rows = shared.theirs if shared is not None else depths(flow)
    heights = _heights(picture, shared) if shared is not None else heights_of(flow, rows, max(rows.values()) + 1)
    return Drawing(flow, lay_out(flow, rows), heights, Marks(named=False)).markup(f"{id}-reference", f"{id}-words")


def _heights(picture: BlockPicture, shared: Shared) -> list[float]:
    assert picture.reference is not None
    mine = heights_of(picture.mine, shared.mine, shared.count)
    theirs = heights_of(picture.reference, shared.theirs, shared.count)
    return [max(pair) for pair in zip(mine, theirs, strict=True)]


def _marks(picture: BlockPicture, shared: Shared | None) -> Marks:
    first = picture.first
    unlike = frozenset(i for i, j in picture.pairs if i is not None and (j is None or _differs(picture, i, j)))
    marks = Marks(unlike=unlike if picture.reference is not None else frozenset(), broken=picture.broken)
    if first is not None and first.missing is None:
        marks.first = first.mine
    if shared is None or picture.reference is None:
        return marks
    marks.missing = [(row, picture.reference.steps[j]) for j, row in shared.missing.items()]
    if first is not None and first.missing is not None:
        marks.first_missing = shared.missing.get(first.missing)
    if picture.reference.skips and not picture.mine.skips and not any(s.on_skip for _, s in marks.missing):
        (start, end) = picture.reference.skips[0]
        marks.no_skip = (shared.theirs[start], shared.theirs[end])
    return marks


def _differs(picture: BlockPicture, i: int, j: int) -> bool:
    assert picture.reference is not None
    return _differs_from(picture.mine.steps[i], picture.reference.steps[j])


def _differs_from(mine: Step, theirs: Step) -> bool:
    """Do two steps that correspond say something else?"""
    return mine.says != theirs.says or (mine.kind == "layer" and mine.detail != theirs.detail)


def _says(picture: BlockPicture) -> str:
    """What is to be seen, in a sentence or two."""
    first = picture.first
    if picture.reference is None:
        steps = len(picture.mine.steps) - 1
        return many(
            "{n} steps lead from the input to the result.", "{n} steps lead from the input to the result.", steps
        )
    if first is None:
        return say("Drawn, it has the reference's steps in the reference's order: what differs is what they compute.")
    said = _difference(picture, picture.reference, first)
    if first.measured and first.mine:
        said += " " + say("Up to there the values are the reference's.")
    return said


def _difference(picture: BlockPicture, reference: Flow, first: Difference) -> str:
    mine = picture.mine.steps[first.mine]
    if first.missing is not None:
        step = reference.steps[first.missing]
        if step.on_skip and not mine.on_skip:
            return say(
                "First difference: no {missing} on the skip path behind {step}.", missing=step.says, step=_name(mine)
            )
        return say("First difference: no {missing} behind {step}.", missing=step.says, step=_name(mine))
    theirs = next((reference.steps[j] for i, j in picture.pairs if i == first.mine and j is not None), None)
    if theirs is None:
        return say("First difference: {step}, which the reference does not have there.", step=_name(mine))
    if not _differs_from(mine, theirs):
        return say("First difference: {step}.", step=_name(mine))
    return say(
        "First difference: {step}, where the reference has {other}.",
        step=_name(mine),
        other=" ".join(filter(None, (theirs.says, theirs.detail))),
    )


def _note(picture: BlockPicture) -> str:
    skip = say("The thick line is the skip path.") if picture.mine.skips else say("There is no skip path in it.")
    said = [f"{clean(picture.case)}.", skip]
    if picture.broken:
        said.append(say("It raises at its last step: nothing behind that was reached."))
    if picture.chooses:
        said.append(
            say("Your code looks at numbers, in an if for instance: this is the way it took for the first input.")
        )
    return " ".join(said)


def _name(step: Step) -> str:
    said = f"{step.says} {step.detail}" if step.kind == "layer" else step.says
    return clean(f"{said} ({step.layer})" if step.layer else said).strip()


def _place(picture: BlockPicture, submission: Submission | None) -> Place | None:
    """Where the first difference is in the student's notebook, without the lines, which stand above."""
    if picture.first is None:
        return None
    step = picture.mine.steps[picture.first.mine]
    found = place(submission, step.cell, step.line)
    return Place(found.cell, found.line, [], found.linked) if found is not None else None


def _rows(picture: BlockPicture) -> tuple[list[list[str]], frozenset[int]]:
    """Every step of both, pair by pair."""
    if picture.reference is None:
        return [[_full(step), _where(step)] for step in picture.mine.steps], frozenset()
    rows, marked = [], set()
    for number, (i, j) in enumerate(picture.pairs):
        mine = picture.mine.steps[i] if i is not None else None
        theirs = picture.reference.steps[j] if j is not None else None
        said = ""
        if mine is None:
            said = say("not reached, or missing") if picture.broken else say("missing")
        elif theirs is None:
            said = say("not in the reference")
        elif i is not None and j is not None and _differs(picture, i, j):
            said = say("differs")
        first = picture.first
        if first is not None and (j == first.missing if first.missing is not None else i == first.mine):
            said = say("{difference}: first", difference=said or say("differs"))
        if said:
            marked.add(number)
        rows.append(
            [_full(mine) if mine else "—", _where(mine) if mine else "", _full(theirs) if theirs else "—", said]
        )
    return rows, frozenset(marked)


def _full(step: Step) -> str:
    parts = [step.says, step.detail, step.layer, say("on the skip path") if step.on_skip else ""]
    return clean(", ".join(filter(None, parts)))


def _where(step: Step) -> str:
    if step.cell is None:
        return ""
    return at(step.cell, step.line)
