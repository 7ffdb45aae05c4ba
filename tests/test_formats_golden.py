"""Golden files: what a format wrote when somebody last looked at it.

`GRADER_GOLDEN=write pytest tests/test_formats*.py tests/test_pages*.py` writes them anew; read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"


def golden(name: str, actual: str) -> None:
    """`actual` is what the golden file says."""
    path = FOLDER / name
    if os.environ.get("GRADER_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(actual.encode("utf-8"))
    assert path.read_bytes().decode("utf-8") == actual


def test_a_golden_file_notices_one_changed_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail."""
    monkeypatch.delenv("GRADER_GOLDEN", raising=False)
    text = (FOLDER / "results.json").read_bytes().decode("utf-8")
    golden("results.json", text)
    with pytest.raises(AssertionError):
        golden("results.json", text.removesuffix("\n"))
