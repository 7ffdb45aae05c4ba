"""Blocks of a network that are wrong, each drawn beside the reference as a module of its own is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.illustrate.block import block_picture, nearest_form
from grader.illustrate.network import verdict_of
from grader.illustrate.operations import MOST_LETTERS
from grader.illustrate.steps import drawn
from grader.judge.examined import Examined
from grader.judge.network import JudgedBlock
from grader.language import say
from grader.pictures import BlockPicture

MOST = 2  # of one network


def wrong_block_pictures(
    blocks: Iterable[JudgedBlock], look_at: Callable[[JudgedBlock], Examined | None]
) -> tuple[BlockPicture, ...]:
    """The first block that is wrong, and the first that is wrong in another way. The others repeat what these show."""
    wrong: dict[frozenset[str], JudgedBlock] = {}
    for block in blocks:
        if verdict_of(block) == "wrong":
            wrong.setdefault(frozenset(diagnosis.mistake for diagnosis in block.diagnoses), block)
    found = (_picture(block, look_at) for block in list(wrong.values())[:MOST])
    return tuple(picture for picture in found if picture is not None)


def _picture(block: JudgedBlock, look_at: Callable[[JudgedBlock], Examined | None]) -> BlockPicture | None:
    try:
        examined = look_at(block)
    except Exception:
        return None  # the other pictures are there without it
    if examined is None:
        return None
    (seen,) = examined.observations
    mine = drawn(seen.built.graph, block.segment.path)
    if mine is None:
        return None
    name = block.name[:MOST_LETTERS]
    picture = block_picture(
        say("{name} as {call}", name=name, call=block.call), seen, mine, nearest_form(examined, seen, mine)
    )
    return _on_the_same_maps(picture.model_copy(update={"place": name})) if picture is not None else None


def _on_the_same_maps(picture: BlockPicture) -> BlockPicture:
    """The same goes into both, however small the maps are on which they were compared."""
    if picture.reference is None:
        return picture
    first, *rest = picture.reference.steps
    given = first.model_copy(update={"detail": picture.mine.steps[0].detail})
    return picture.model_copy(update={"reference": picture.reference.model_copy(update={"steps": (given, *rest)})})
