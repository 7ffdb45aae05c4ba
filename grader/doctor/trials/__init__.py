"""Trials, one file for each family of protections, found by walking this folder."""

from __future__ import annotations

from functools import cache

from grader.doctor.trials._trial import Trial, execute
from grader.family import members

__all__ = ["Trial", "execute", "trials"]


@cache
def trials() -> tuple[Trial, ...]:
    """Every trial, family by family."""
    return tuple(member() for member in members(__name__, __path__, Trial))  # type: ignore[type-abstract]
