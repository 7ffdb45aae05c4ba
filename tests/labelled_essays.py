"""The labelled answers of `tests/essays`, marked. `bench/essays.py` counts the same."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_PATH = Path(__file__).parents[1] / "bench" / "essays.py"
_SPEC = importlib.util.spec_from_file_location("bench_essays", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
bench = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = bench  # a dataclass looks for its module there
_SPEC.loader.exec_module(bench)
