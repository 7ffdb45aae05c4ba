"""Known mistakes, one file each (or one tight family), found by walking this folder."""

from __future__ import annotations

from grader.judge.examined import Examined
from grader.verdict import Diagnosis


def diagnose(examined: Examined) -> list[Diagnosis]:
    return []
