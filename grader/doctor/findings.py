"""What the doctor found, as data: other people's scripts read these names."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

SOUND, SOMETHING_OFF, NO_WALL = 0, 1, 3  # exit codes


class Status(StrEnum):
    """What came of trying one protection."""

    HOLDS = "holds"
    WEAKER = "weaker"  # less than the full wall gives, and no more than this one promises
    OFF = "off"
    NOT_TRIED = "not_tried"


class _Finding(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WallFound(_Finding):
    """Whether one kind of wall can be built here."""

    name: Literal["bwrap", "landlock"]
    available: bool
    problem: str | None = None
    remedy: str | None = None


class Protection(_Finding):
    """One protection: what was seen when it was tried, and what to do where it is off."""

    id: str
    title: str
    status: Status
    seen: str
    remedy: str | None = None


class Machine(_Finding):
    """The machine and what grades on it."""

    python: str
    torch: str
    kernel: str
    architecture: str
    cores: int
    memory_mib: int
    cgroups: Literal["writable", "read-only", "none"]
    root: bool
    bubblewrap: str | None  # its version
    landlock_abi: int
    device: Literal["cpu", "cuda"]
    gpu: str | None


class Checkup(_Finding):
    """All of it."""

    schema_version: Literal[1] = 1
    grader_version: str
    isolation: Literal["bwrap", "landlock", "none"] | None  # the wall that was tried; None where none stands
    ok: bool
    problem: str | None = None  # why no wall stands
    walls: list[WallFound]
    protections: list[Protection]
    machine: Machine

    @property
    def exit_code(self) -> int:
        """Fit for CI: a wall that cannot be built is another thing than one with a hole."""
        if self.isolation is None:
            return NO_WALL
        return SOUND if self.ok else SOMETHING_OFF
