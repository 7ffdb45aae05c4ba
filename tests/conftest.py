"""What all tests share."""

import gc
import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from grader.garbage import look_seldom

USUAL = gc.get_threshold()

# A slow machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
# `make fuzz`: so many examples of each property instead of a hundred.
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=int(os.environ.get("GRADER_FUZZ", "100")),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz" if "GRADER_FUZZ" in os.environ else "untimed")


# Of each test that is tried on many examples, so many are drawn; all of them where there is no number.
SAMPLE = os.environ.get("GRADER_SAMPLE", "all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked slow are for `make test-all`: what they try, quicker ones try in part."""
    if "GRADER_SLOW" not in os.environ:
        for item in items:
            if item.get_closest_marker("slow") is not None:
                item.add_marker(pytest.mark.skip(reason="slow: make test-all"))
    if SAMPLE.isdigit():
        _draw(config, items, int(SAMPLE))
    _put_heavy_files_first(items)


def pytest_collection_finish() -> None:
    """Before the first test, in processes that run tests: the one that hands them out needs no torch, and is waited
    for until it has started."""
    import torch

    # The tests run many tiny operations, and the machine runs other tests beside them.
    torch.set_num_threads(1)
    look_seldom()  # as the processes do that grade


@pytest.fixture
def usual_garbage() -> Iterator[None]:
    """Garbage is looked for as often as where reports are written, which is where what is held is measured."""
    seldom = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*seldom)


def _draw(config: pytest.Config, items: list[pytest.Item], number: int) -> None:
    """Keep so many examples of each test, and of five heavy tests so many; of verdicts all, if it is more than one.

    The first are kept, since pytest-randomly has shuffled them, by a seed that it says.
    """
    met: Counter[str] = Counter()
    heavy: dict[str, int] = {}
    kept, left = [], []
    for item in items:
        test = item.nodeid.split("[")[0]
        met[test] += item.get_closest_marker("skip") is None
        if item.get_closest_marker("heavy") is not None:
            heavy.setdefault(test, len(heavy))
        drawn = met[test] <= number and heavy.get(test, 0) % 5 < number
        drawn |= number > 1 and item.get_closest_marker("verdict") is not None
        (kept if drawn else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def _put_heavy_files_first(items: list[pytest.Item]) -> None:
    """So that no process waits at the end for another with a long file: xdist, told by --no-loadscope-reorder, hands
    the files out as they come."""
    heavy = {item.path for item in items if item.get_closest_marker("heavy") is not None}
    items.sort(key=lambda item: item.path not in heavy)


@pytest.fixture
def no_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge without a search for the cause, which takes most of the time: for tests that only ask whether a program
    passes."""
    for module in ("grader.exercise", "grader.block_exercises"):
        monkeypatch.setattr(f"{module}.diagnose", lambda *_, **__: [])


@pytest.fixture(autouse=True)
def _no_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may themselves run in CI, whose variables say where a repository is and where a summary goes."""
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
