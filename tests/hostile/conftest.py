"""The range on which attacks are tried, once for each wall."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks import Range, open_range


@pytest.fixture(scope="module", params=["bwrap", pytest.param("landlock", marks=pytest.mark.slow)])
def shooting_range(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with open_range(request.param, tmp_path_factory.mktemp("range")) as opened:
        yield opened
