"""Every input that is kept: those that once failed, and those that lead far into a reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_targets import CORPUS, TARGETS

KEPT = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_kept(path: Path) -> None:
    """What was found once is not found again."""
    TARGETS[path.parent.name](path.read_bytes())


def test_the_corpus_is_small() -> None:
    """An input is a few kilobytes, for it is run on every change; what is left by a failure has been given a name."""
    assert {path.parent.name for path in KEPT} == TARGETS.keys()
    assert [path.name for path in KEPT if path.stat().st_size > 20_000 or path.name == "failing"] == []
