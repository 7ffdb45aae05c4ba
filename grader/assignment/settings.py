"""What holds for an assignment as a whole, whatever is asked in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from grader.assignment.spec import Spec


def _moment(value: object) -> object:
    """With a time zone: a moment without one is another in every place."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"expected a date and time with a time zone, as 2026-12-01T12:00:00+01:00, found {value}")
    return value


class Limits(Spec):
    """What one submission may use. The command line overrides these."""

    seconds: float = Field(60.0, gt=0, description="wall time of one submission")
    cell_seconds: float = Field(20.0, gt=0, description="wall time of one notebook cell")
    memory_mib: int = Field(2048, ge=256, description="resident memory of one submission")
    disk_mib: int = Field(128, ge=1, description="files that one submission may write")
    output_kib: int = Field(64, ge=0, description="what it may print; the rest is read and forgotten")
    processes: int = Field(64, ge=8, description="processes and threads at the same time")


class Hints(Spec):
    """When students see the last hint of each finding, the one that says what to change."""

    last_from: Annotated[AwareDatetime, BeforeValidator(_moment)] | None = None

    def show_last(self, now: datetime) -> bool:
        """Is the last hint shown at this moment?"""
        return self.last_from is None or now >= self.last_from


class Release(Spec):
    """What `grader release` gives to students."""

    reference: Literal["public", "secret"] = Field(
        "secret", description="may students have the references, and check themselves against them?"
    )
    shapes: bool = Field(True, description="of secret references: may students know the shapes of their outputs?")
    files: list[str] = Field(default_factory=list, description="further files of the folder that students need")
