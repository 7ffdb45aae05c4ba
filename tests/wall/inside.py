"""What a cell can tell of itself from inside the wall, and how it is asked."""

from __future__ import annotations

import json
import os
import secrets
import textwrap
import time
from pathlib import Path
from typing import Any

from grader.sandbox import Answer, Session

SECRET = secrets.token_hex(16)
PRELUDE = """
import ctypes, json, os, signal, socket, sys, threading, time

def tell(**facts):
    os.write(1, b"\\ntold:" + json.dumps(facts).encode() + b"\\n")

def pids():
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []

def attempt(action, *arguments):
    try:
        action(*arguments)
    except (OSError, MemoryError, RuntimeError, ImportError) as error:
        return type(error).__name__
    return "done"

"""


def run(session: Session, source: str, *, seconds: float = 30.0) -> Answer:
    """Run a student's cell to its end."""
    cell = {"number": 1, "source": PRELUDE + textwrap.dedent(source)}
    arguments = {"cells": [cell], "names": [], "plan": "everything", "seconds": 100.0}
    return session.call("execute", arguments, seconds=seconds)


def told(session: Session) -> dict[str, Any]:
    """What the student's code told through `tell`, later facts over earlier ones."""
    facts: dict[str, Any] = {}
    for line in session.output.decode(errors="replace").splitlines():
        if line.startswith("told:"):
            facts.update(json.loads(line.removeprefix("told:")))
    return facts


def ask(session: Session, source: str) -> dict[str, Any]:
    """Run a cell and return what it told; a cell that told nothing did not run as meant."""
    answer = run(session, source)
    session.close()
    facts = told(session)
    assert facts, f"{answer.fields} {session.output!r}"
    return facts


def is_alive(session: Session) -> bool:
    """Whether the process still runs cells."""
    mark = secrets.token_hex(4)
    run(session, f"tell(alive='{mark}')", seconds=10)
    time.sleep(0.02)  # the answer and the output take different ways
    session._drain()
    return bool(told(session).get("alive") == mark)


def processes_with(marker: str) -> list[str]:
    """Processes of this machine whose command line holds a marker."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if marker.encode() in Path("/proc", name, "cmdline").read_bytes():
                found.append(name)
        except OSError:
            continue
    return found
