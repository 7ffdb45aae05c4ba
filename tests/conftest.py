"""What all tests share."""

import pytest
import torch
from hypothesis import settings

# One thread: the tests run many tiny operations, and the machine runs other tests beside them.
torch.set_num_threads(1)

# A slow machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def no_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge without a search for the cause, which takes most of the time: for tests that only ask whether a program
    passes."""
    for module in ("grader.pipeline", "grader.blocks"):
        monkeypatch.setattr(f"{module}.diagnose", lambda *_, **__: [])
