"""The range on which attacks are tried, once for each wall."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attacks import Range, open_range


@pytest.fixture(scope="module", params=["bwrap", pytest.param("landlock", marks=pytest.mark.slow)])
def shooting_range(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with open_range(request.param, tmp_path_factory.mktemp("range")) as opened:
        yield opened


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that take an attack are run with each of the family that their module names."""
    if "attack" in metafunc.fixturenames:
        from attacks import attacks

        found = attacks(metafunc.module.FAMILY)
        metafunc.parametrize("attack", found, ids=[attack.path.stem for attack in found])
