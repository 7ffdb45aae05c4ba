"""Wrong blocks of a network are drawn beside the reference, as a module of its own is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from judging import block_judge, examine_source, find_exercise
from networks import Place, resnet
from test_formats_samples import HOSTILE, RUN, failing, report
from test_pages_hostile import faults
from test_pictures import check_page

from grader.assignment import Limits, NetworkExercise
from grader.exercise import judge_exercise
from grader.formats._feedback import feedback_page
from grader.hints import without_last_hints
from grader.illustrate import illustrate
from grader.judge.examined import Examined
from grader.judge.network import JudgedBlock
from grader.pictures import BlockPicture, Flow, Pictures, Step
from grader.slot import Order, draws
from grader.verdict import Report


@cache
def judged(*bugs: tuple[Place, str]) -> Examined:
    """A small network with these mistakes in these blocks, and what was found out about it."""
    exercise = find_exercise("network")[1]
    assert isinstance(exercise, NetworkExercise)
    examined = examine_source(source(*bugs), exercise, None)
    judge_exercise(examined, block_judge())
    return examined


def source(*bugs: tuple[Place, str]) -> str:
    return resnet(dict(bugs), blocks=(2, 2))


def pictures(*bugs: tuple[Place, str]) -> Pictures:
    found = illustrate(judged(*bugs), [], block_judge().exercises.look_at)
    assert found is not None
    assert found.network is not None
    return found


def page_of(found: Pictures) -> Report:
    made = failing()[0]
    first = made.exercises[0].model_copy(update={"pictures": found})
    return report("grace", [first, *made.exercises[1:]])


MULTIPLIED = ((2, 0), "multiplied")
NO_LAST_RELU = ((2, 1), "no last relu")
DETACHED = ((1, 1), "detached")


@pytest.mark.parametrize(
    ("bug", "place", "call", "says", "missing", "line"),
    [
        (MULTIPLIED, "layer2.0", "ResBlock(8, 16, 2)", "multiply", None, "out * identity"),
        (NO_LAST_RELU, "layer2.1", "ResBlock(16, 16, 1)", "add", "ReLU", "return out + identity"),
        (DETACHED, "layer1.1", "ResBlock(8, 8, 1)", "detach: no gradient", None, "F.relu(out + identity)"),
    ],
)
def test_the_first_difference_is_where_it_was_planted(
    bug: tuple[Place, str], place: str, call: str, says: str, missing: str | None, line: str
) -> None:
    """In the block that was changed, at the step that was, on its line, beside the reference of its size."""
    (picture,) = pictures(bug).blocks
    assert picture.first is not None
    assert picture.reference is not None
    step = picture.mine.steps[picture.first.mine]
    lacks = picture.reference.steps[picture.first.missing].says if picture.first.missing is not None else None
    assert (place, f"{place} as {call}", says, missing) == (picture.place, picture.case, step.says, lacks)
    assert step.line is not None
    assert line in source(bug).splitlines()[step.line - 1]
    assert picture.mine.steps[0].detail == picture.reference.steps[0].detail


def test_a_block_is_drawn_as_wide_as_it_is_with_its_skip_path() -> None:
    """It was judged narrow; layers are called as in the block, and not as in the network."""
    (picture,) = pictures(MULTIPLIED).blocks
    assert picture.reference is not None
    layers = [(step.layer, step.detail) for step in picture.mine.steps if step.kind == "layer"]
    assert {("conv1", "8→16, stride 2"), ("conv2", "16→16"), ("shortcut.0", "8→16, stride 2")} == set(layers)
    assert {"8→16, stride 2", "16→16"} == {step.detail for step in picture.reference.steps if step.kind == "layer"}
    assert ["conv 1×1", "batch norm"] == [step.says for step in picture.mine.steps if step.on_skip]
    assert "" == next(step.layer for step in picture.mine.steps if step.says == "multiply")
    assert picture.mine.skips


def test_blocks_that_are_wrong_alike_are_drawn_once_and_others_twice_at_most() -> None:
    """The first of each kind, first to last: the page stays short."""
    same = pictures(MULTIPLIED, ((2, 1), "multiplied"))
    assert ["layer2.0"] == [picture.place for picture in same.blocks]
    three = pictures(((1, 0), "detached"), NO_LAST_RELU, MULTIPLIED)
    assert ["layer1.0", "layer2.0"] == [picture.place for picture in three.blocks]


def test_what_is_right_or_has_cost_before_is_not_drawn() -> None:
    """Nothing is wrong in the one, and the other is drawn at its own exercise."""
    assert () == pictures().blocks
    examined = judged(MULTIPLIED)
    was = list(examined.blocks)
    try:
        examined.blocks[:] = [
            JudgedBlock(**{**vars(block), "excused": "resblock" if block.diagnoses else ""}) for block in was
        ]
        assert () == pictures(MULTIPLIED).blocks
    finally:
        examined.blocks[:] = was


def test_a_block_that_cannot_be_looked_at_takes_no_other_picture_with_it() -> None:
    """Whether it raises, or there is nothing to see."""

    def raises(block: JudgedBlock) -> Examined | None:
        raise RuntimeError(block.name)

    for look_at in (raises, lambda block: None):
        found = illustrate(judged(MULTIPLIED), [], look_at)
        assert found is not None
        assert (True, ()) == (found.network is not None, found.blocks)


def test_it_stands_below_the_network_with_its_place_and_its_words() -> None:
    """Two pictures, each sound; what the second shows is also told as a table, and where in the code it is."""
    found = pictures(MULTIPLIED)
    page = feedback_page(RUN, page_of(found), failing()[1])
    assert faults(page) == []
    check_page(page, found)
    soup = BeautifulSoup(page, "html.parser")
    titles = [strong.text for strong in soup.select("figure figcaption strong")]
    assert ["Your network, block by block", "layer2.0 of your network beside the reference"] == titles
    figure = soup.select("figure")[1]
    assert "First difference: multiply, where the reference has add." in figure.get_text(" ")
    assert figure.select_one("table tr.differs") is not None
    assert all(svg["aria-labelledby"] and svg["aria-describedby"] for svg in figure.select("svg"))


def test_where_the_last_hint_is_held_back_the_reference_is_not_drawn() -> None:
    """It would say what to change. The student's own block is left."""
    made = without_last_hints(page_of(pictures(MULTIPLIED)))
    page = feedback_page(RUN, made, None)
    assert "layer2.0 of your network, step by step" in page
    assert "beside the reference" not in page
    assert "First difference" not in page
    found = made.exercises[0].pictures
    assert found is not None
    assert [(None, (), None)] == [(each.reference, each.pairs, each.first) for each in found.blocks]


def test_a_hostile_place_is_text() -> None:
    """Students name the modules of their networks."""
    flow = Flow(steps=(Step(says="input", kind="input"), Step(says="ReLU", kind="activation", reads=(0,))))
    hostile = BlockPicture(case=HOSTILE, mine=flow, place=HOSTILE)
    page = feedback_page(RUN, page_of(Pictures(blocks=(hostile, hostile))), failing()[1])
    assert faults(page) == []
    assert 2 == page.count("<figure")
    check_page(page, Pictures())


# ------------------------------------------------------------------ only where somebody looks


@pytest.mark.parametrize(
    ("expected", "formats"),
    [
        (True, ("html",)),
        (True, ("html", "json")),
        (False, ("json",)),
        (False, ("csv", "gradescope", "junit", "markdown")),
        (False, ()),
    ],
)
def test_pictures_are_made_where_a_format_shows_them(expected: bool, formats: tuple[str, ...]) -> None:
    """And where pages are written at all: what goes to standard output has none."""
    assignment = find_exercise("network")[0]
    order = Order(assignment, "auto", "cpu", 0, Limits(), Path("reports"), formats)
    assert draws(order) is expected
    assert not draws(Order(assignment, "auto", "cpu", 0, Limits(), None, formats))


def test_pictures_that_nobody_asked_for_are_not_made() -> None:
    """A report without them is the same in all else."""
    examined = judged()
    without, drawn = (judge_exercise(_fresh(examined), block_judge(), draw=draw) for draw in (False, True))
    assert without.pictures is None
    assert drawn.pictures is not None
    assert without == drawn.model_copy(update={"pictures": None})


def _fresh(examined: Examined) -> Examined:
    examined.blocks.clear()
    return examined


def test_on_paper_the_skip_path_is_drawn_and_the_link_is_not() -> None:
    """The link past the head of a page and the edges of a skip path are called alike."""
    page = feedback_page(RUN, page_of(pictures(MULTIPLIED)), None)
    assert 'class="way skip' in page
    hidden = [rule for rule in page.split("}") if "display: none" in rule]
    selectors = [each.strip() for rule in hidden for each in rule.rpartition("{")[0].split("{")[-1].split(",")]
    assert "a.skip" in selectors
    assert ".skip" not in selectors
