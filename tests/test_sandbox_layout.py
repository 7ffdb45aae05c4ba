"""Which files another user can read: root's grader gives students' code to somebody who must reach it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox.layout import unreadable


@pytest.fixture
def folder() -> Iterator[Path]:
    """One below no private folder, as pytest's own are."""
    with tempfile.TemporaryDirectory(prefix="grader-test-") as name:
        yield Path(name)


def test_a_folder_that_is_only_passed_need_not_be_listed(folder: Path) -> None:
    """The grader's temporary folder is such a one: where root has no mounts, as in a container, all else failed."""
    inner = folder / "inner"
    inner.mkdir()
    folder.chmod(0o711)
    if unreadable((str(folder.parent),)):
        pytest.skip("temporary files of this machine are private")
    assert str(folder) == unreadable((str(folder),))
    assert unreadable((), passed=(str(folder),)) is None
    assert unreadable((str(inner),)) is None
    folder.chmod(0o700)
    assert str(folder) == unreadable((), passed=(str(folder),))
    assert str(folder) == unreadable((str(inner),))
