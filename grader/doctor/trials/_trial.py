"""What a trial is: a cell that tries what must not work, and a judgement of what it tells.

A trial is harmless by construction: what it counts or writes is bounded in its own source, so that behind a wall
with a hole it turns its line red and does no harm. The cell runs as a student's would; what it finds comes back on
descriptor 1, which needs no more of the worker than that it runs a cell.
"""

from __future__ import annotations

import contextlib
import json
import os
import textwrap
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from grader.doctor.findings import Status
from grader.doctor.ground import Ground
from grader.errors import SessionEnded
from grader.sandbox import Isolation, Session, SessionLimits

# Small enough to be reached in a moment, and to be passed without harm where nothing stops it.
SMALL = SessionLimits(seconds=60, memory_mib=384, processes=24, scratch_mib=32, shm_mib=16, file_mib=16, inodes=2000)

_PRELUDE = """
import contextlib, ctypes, json, os, signal, socket, sys, threading, time

def tell(**facts):
    os.write(1, b"\\ntold:" + json.dumps(facts).encode() + b"\\n")

def attempt(action, *arguments):
    try:
        action(*arguments)
    except Exception as error:
        return type(error).__name__
    return "done"

def pids():
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []

"""
# A process that shares the doctor's process namespace has no business to fork and fill behind bubblewrap.
_GUARD = """
if os.readlink("/proc/self/ns/pid") == {ours!r}:
    raise RuntimeError("not tried in the grader's own process namespace")
"""


@dataclass(frozen=True)
class Found:
    """What a trial comes to."""

    status: Status
    seen: str


def holds(seen: str) -> Found:
    """It was tried and refused."""
    return Found(Status.HOLDS, seen)


def weaker(seen: str) -> Found:
    """Less than the full wall gives, as this wall says of itself."""
    return Found(Status.WEAKER, seen)


def off(seen: str) -> Found:
    """It was tried and worked."""
    return Found(Status.OFF, seen)


def lacking(ground: Ground, seen: str) -> Found:
    """What bubblewrap promises and Landlock does not."""
    return weaker(seen) if ground.isolation is Isolation.LANDLOCK else off(seen)


@dataclass(frozen=True)
class Facts:
    """How a cell went: what it told, and what was seen from outside."""

    told: Mapping[str, Any]
    ended: str = ""  # how the session ended, by the error's name; empty when it lived
    problem: str = ""  # what the cell raised, or why the session ended
    seconds: float = 0.0
    output_bytes: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.told[name]


class Trial(ABC):
    """One protection and the attempt to get past it."""

    id: ClassVar[str]
    title: ClassVar[str]
    remedy: ClassVar[str] = (
        "Do not grade what others wrote on this machine until this line holds. Try the other wall (--isolation bwrap "
        "or landlock), another kernel, and tell the authors of grader what this page says."
    )
    limits: ClassVar[SessionLimits] = SessionLimits()
    heavy: ClassVar[bool] = False  # forks, grows or fills: never without a wall
    needs_mib: ClassVar[int] = 0  # what it takes at most of this machine's memory

    @abstractmethod
    def source(self, ground: Ground) -> str:
        """The cell."""

    @abstractmethod
    def judge(self, facts: Facts, ground: Ground) -> Found:
        """What the facts mean; a fact that is not there raises KeyError, and then nothing is claimed."""

    def attempt(self, ground: Ground) -> Facts:
        """Run the cell in a session of its own."""
        with ground.session(self.limits) as session:
            return self.run(session, self.source(ground), ground)

    def run(self, session: Session, source: str, ground: Ground, *, seconds: float = 30.0) -> Facts:
        """Run a cell to its end, end its session, and gather what there is to know."""
        guard = _GUARD.format(ours=os.readlink("/proc/self/ns/pid")) if self._is_guarded(ground) else ""
        began = time.monotonic()
        ended, problem = "", ""
        try:
            problem = execute(session, guard + textwrap.dedent(source), seconds=seconds)
        except SessionEnded as error:
            ended, problem = type(error).__name__, str(error)
        took = time.monotonic() - began
        session.close()
        return Facts(told(session), ended, problem, took, len(session.output))

    def _is_guarded(self, ground: Ground) -> bool:
        return self.heavy and ground.isolation is Isolation.BWRAP


def execute(session: Session, source: str, *, seconds: float = 30.0) -> str:
    """Run a cell; what it raised, in words, or nothing."""
    cell = {"number": 1, "source": _PRELUDE + source}
    arguments = {"cells": [cell], "names": [], "plan": "everything", "seconds": 100.0}
    answer = session.call("execute", arguments, seconds=seconds)
    problems = [f"{each['type']}: {each['message']}" for each in answer.fields.get("problems", [])]
    return "; ".join(problems)


def told(session: Session) -> dict[str, Any]:
    """What a cell told, later facts over earlier ones."""
    facts: dict[str, Any] = {}
    for line in session.output.decode(errors="replace").splitlines():
        if line.startswith("told:"):
            with contextlib.suppress(ValueError):  # cut off where the output ends
                facts.update(json.loads(line.removeprefix("told:")))
    return facts


def processes_called(name: str) -> list[int]:
    """Processes of this machine that gave themselves a name."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as file:
                if file.read().strip() == name:
                    found.append(int(pid))
        except OSError:
            continue
    return found
