"""Which assignment the submissions belong to."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from grader.assignment import find_assignment, shipped_assignments
from grader.errors import UsageError
from grader.submission import Cell, Submission, choose_assignment
from grader.submission.choose import _names

TOML = """
id = "{id}"
title = "T"
[[exercise]]
kind = "module"
id = "one"
title = "One"
name = "{name}"
aliases = ["{alias}"]
reference = "r:R"
points = {{ shape = 1 }}
case = [{{ title = "c", arguments = {{ }}, input = [1] }}]
"""


@pytest.fixture
def shipped(tmp_path: Path) -> dict[str, Path]:
    folders = {}
    for name, asked, alias in (
        ("blocks", "Block", "MyBlock"),
        ("trees", "Tree", "Shared"),
        ("woods", "Wood", "Shared"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "assignment.toml").write_text(TOML.format(id=name, name=asked, alias=alias))
        folders[name] = folder
    return folders


def submission(source: str = "", names: str | None = None, file: str = "doe.ipynb") -> Submission:
    return Submission("doe", file, [Cell(1, "code", source)], new_notebook(), [], [], names)


def test_wanted(shipped: dict[str, Path]) -> None:
    """What the command line names is taken, whatever the notebooks say, and none is read."""

    def unread() -> Iterator[Submission]:
        raise AssertionError("must not be read")
        yield

    assert choose_assignment(str(shipped["trees"]), unread(), shipped).id == "trees"


def test_metadata(shipped: dict[str, Path]) -> None:
    """The notebooks' metadata goes before the names they define."""
    assert choose_assignment(None, [submission("class Block:", "trees"), submission()], shipped).id == "trees"


def test_metadata_disagrees(shipped: dict[str, Path]) -> None:
    """Notebooks of two assignments are not graded together; the message names both and where."""
    mixed = [submission(names="trees", file="a.ipynb"), submission(names="blocks", file="b.ipynb")]
    with pytest.raises(UsageError, match=r"b\.ipynb names 'blocks', a\.ipynb names 'trees'"):
        choose_assignment(None, mixed, shipped)


@pytest.mark.parametrize(
    "stranger",
    [
        submission(names="blocks", file="c.ipynb"),
        submission(names="lost"),
        submission("Shared = 1"),
        submission("class Block: pass\nclass Wood: pass"),
    ],
)
@pytest.mark.parametrize("others", [submission(names="trees"), submission("class Tree: pass")])
def test_one_student_does_not_stop_a_class(shipped: dict[str, Path], others: Submission, stranger: Submission) -> None:
    """What one in four names or defines beside does not count; one in three may be the instructor's mistake."""
    assert choose_assignment(None, [others, stranger, others, others], shipped).id == "trees"
    if "Shared" not in stranger.cells[0].source:  # which belongs to trees too
        with pytest.raises(UsageError):
            choose_assignment(None, [others, stranger, others], shipped)


def test_metadata_unknown(shipped: dict[str, Path]) -> None:
    """An assignment that is not here is named, with the choices."""
    with pytest.raises(UsageError, match=r"'lost', which is not here.*blocks, trees, woods"):
        choose_assignment(None, [submission(names="lost")], shipped)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("class Block(nn.Module):", "blocks"),
        ("MyBlock = 1", "blocks"),
        ("def Tree(): ...\nShared = Tree", "trees"),
    ],
)
def test_names(shipped: dict[str, Path], source: str, expected: str) -> None:
    """The one assignment that knows all the names defined, by name or alias."""
    assert choose_assignment(None, [submission("x = 1"), submission(source)], shipped).id == expected


def test_names_are_not_clear(shipped: dict[str, Path]) -> None:
    """Names that several assignments know, or that no single one does, are no ground to choose."""
    with pytest.raises(UsageError, match=r"defines Shared, which several assignments ask for.*trees, woods$"):
        choose_assignment(None, [submission("Shared = 1")], shipped)
    with pytest.raises(UsageError, match=r"defines Block, Tree, which no one assignment asks for.*blocks, trees$"):
        choose_assignment(None, [submission("Block = Tree = 1\nTree = 2")], shipped)


def test_nothing_tells(shipped: dict[str, Path]) -> None:
    """Without a ground to choose, or without submissions, the choices are listed."""
    with pytest.raises(UsageError, match=r"the assignment is not clear.*one of blocks, trees, woods or a folder"):
        choose_assignment(None, [submission("x = 1")], shipped)
    with pytest.raises(UsageError, match="no submission could be read"):
        choose_assignment(None, [], shipped)


def test_reads_only_what_is_needed(shipped: dict[str, Path]) -> None:
    """In a large class the first few tell; where they tell nothing, the next ones are looked at."""
    read = 0

    def many(first_telling: int) -> Iterator[Submission]:
        nonlocal read
        for read in range(1, 1001):
            yield submission("class Block:" if read >= first_telling else "")

    assert choose_assignment(None, many(first_telling=1), shipped).id == "blocks"
    assert read == 20
    assert choose_assignment(None, many(first_telling=50), shipped).id == "blocks"
    assert read == 50


def test_shipped() -> None:
    """The shipped assignment is found by the names it asks for."""
    assert choose_assignment(None, [submission("class ResBlock:")], shipped_assignments()).id == "residual-blocks"


def test_shipped_assignments_that_are_guessed_share_no_name() -> None:
    """Else what a notebook defines would not tell; those that share names are taken where they are named."""
    guessed = [each for each in map(find_assignment, shipped_assignments()) if each.guess]
    names = [name for each in guessed for name in sorted(_names(each))]
    assert [] == sorted({name for name in names if names.count(name) > 1})


def test_a_submission_is_forgotten_once_it_has_told(shipped: dict[str, Path]) -> None:
    """Twenty are looked at, one by one: twenty large ones at once would fill the memory."""
    alive: list[int] = []
    seen: list[weakref.ref[Submission]] = []

    def one_by_one() -> Iterator[Submission]:
        for _ in range(5):
            alive.append(sum(each() is not None for each in seen))
            made = submission("class Block: pass")
            seen.append(weakref.ref(made))
            yield made
            del made

    assert choose_assignment(None, one_by_one(), shipped).id == "blocks"
    assert max(alive) <= 1
