"""A warm process behind each kind of wall, and a session in it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from inside import SECRET
from walls import wall

from grader.sandbox import Session, Zygote


@pytest.fixture(scope="module", params=["bwrap", "landlock"])
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    """A warm process behind each kind of wall that this machine can build."""
    kind = wall(request.param)
    os.environ["GRADER_TEST_SECRET"] = SECRET
    with Zygote.start(kind) as started:
        yield started
    del os.environ["GRADER_TEST_SECRET"]


@pytest.fixture
def session(zygote: Zygote) -> Iterator[Session]:
    """One submission's process with the usual limits."""
    with zygote.session() as opened:
        yield opened
