"""The corpus: one attack a notebook, its claim in one line, and a range in which it can do no harm.

`Range` grades a notebook behind the real wall, watches what the attack tells of itself, and looks for what it left.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from walls import wall

from grader.assignment import Limits, find_assignment
from grader.formats.json import document
from grader.pipeline import Grader, Settings
from grader.sandbox import Isolation, Session, SessionLimits, Zygote, command, memory
from grader.submission import find
from grader.verdict import Report

FOLDER = Path(__file__).parent
FAMILIES = ("score", "reach", "bombs", "endgames")
MOST_TRIES = 3  # on a busy machine half a second may be over before an attack has begun
LIMITS = Limits(seconds=12.0, cell_seconds=0.5, memory_mib=768, disk_mib=64, processes=24)
UNARMED = "OUTSIDE, TARGETS = None, {}"


@dataclass(frozen=True)
class Attack:
    """One notebook of the corpus."""

    path: Path
    claim: str
    status: list[str]  # what its submission may come to
    worth: str  # is the block below the attack right or wrong?
    notebook: dict[str, Any]

    def armed(self, outside: str, targets: dict[str, Any]) -> str:
        """The notebook, told where it must not be and what to go for."""
        line = f"OUTSIDE, TARGETS = {outside!r}, {targets!r}"
        cells = [{**cell, "source": "".join(cell["source"]).replace(UNARMED, line)} for cell in self.notebook["cells"]]
        return json.dumps({**self.notebook, "cells": cells})

    def without(self) -> str:
        """The block alone: what it is worth to a student who attacks nobody."""
        cells = self.notebook["cells"][1:3]
        source = "".join(cells[1]["source"]) + "\n\nclass ResBlock(Plain):\n    pass\n"
        return json.dumps({**self.notebook, "cells": [cells[0], {**cells[1], "source": source}]})


def attacks(family: str) -> list[Attack]:
    """The notebooks of a family."""
    return [_read(path) for path in sorted((FOLDER / family).glob("*.ipynb"))]


def _read(path: Path) -> Attack:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    lines = "".join(notebook["cells"][0]["source"]).splitlines()
    claims = [line.removeprefix("Claim: ") for line in lines if line.startswith("Claim: ")]
    assert len(claims) == 1, f"{path}: an attack claims one thing, in one line"
    about = notebook["metadata"]["attack"]
    return Attack(path, claims[0], about["status"], about["worth"], notebook)


class _Watched(Zygote):
    """Keeps its sessions, for what they print."""

    def session(self, limits: SessionLimits | None = None) -> Session:
        self.sessions = [*getattr(self, "sessions", []), super().session(limits)]
        return self.sessions[-1]


class Range:
    """A grader behind one wall, and around it what an attack could harm."""

    def __init__(self, isolation: Isolation, folder: Path) -> None:
        self.isolation = isolation
        self._folder = folder
        self.secret = secrets.token_hex(16)
        self.marker = f"98765.{secrets.randbelow(10**9)}"
        self.mark = folder / "went-off"
        self.prey = folder / "prey"
        self.prey.mkdir()
        self._hidden = [self.prey / "secret.txt", Path.home() / f".hostile-{self.secret}"]
        for path in self._hidden:
            path.write_text(self.secret, encoding="utf-8")
        self._listeners = [socket.create_server(("127.0.0.1", 0))]
        self._abstract = "\0hostile-" + self.secret
        self._file = str(folder / "listens")
        for address in (self._abstract, self._file):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(address)
            listener.listen()
            self._listeners.append(listener)
        os.environ["HOSTILE_SECRET"] = self.secret
        self._zygote = _Watched.start(isolation)
        self._grader = Grader(
            find_assignment("residual-blocks"), Settings(isolation, "cpu", 0, LIMITS, diagnose=False), self._zygote
        )
        self._grader.prepare()
        self._worth: dict[str, float] = {}
        self._neighbour = (FOLDER.parent.parent / "assignments/residual-blocks/examples/right-colab.ipynb").read_text(
            "utf-8"
        )
        self._its_report = document(self._grade(self._neighbour, "neighbour")[0])
        self._processes = self._count()

    def close(self) -> None:
        self._grader.close()
        for listener in self._listeners:
            listener.close()
        del os.environ["HOSTILE_SECRET"]
        self._hidden[1].unlink(missing_ok=True)

    def try_out(self, attack: Attack) -> tuple[Report, list[dict[str, Any]]]:
        """The report on an attack, and what it told of itself."""
        targets = {
            "secret": self.secret,
            "files": [str(path) for path in self._hidden],
            "folder": str(self.prey),
            "port": self._listeners[0].getsockname()[1],
            "abstract": self._abstract,
            "socket": self._file,
            "pid": os.getpid(),
            "mark": str(self.mark),
            "marker": self.marker,
        }
        return self._grade(attack.armed(os.readlink("/proc/self/ns/pid"), targets), attack.path.stem)

    def worth(self, attack: Attack) -> float:
        """The points of its block without the attack."""
        if attack.worth not in self._worth:
            self._worth[attack.worth] = self._grade(attack.without(), "honest")[0].score
        return self._worth[attack.worth]

    def harm(self) -> list[str]:
        """What is not as it was before."""
        found = []
        if document(self._grade(self._neighbour, "neighbour")[0]) != self._its_report:
            found.append("the next submission is graded otherwise")
        deadline = time.monotonic() + 5.0
        while self._count() > self._processes and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._count() > self._processes or self._is_marked():
            found.append("a process is left")
        if any(path.read_text(encoding="utf-8") != self.secret for path in self._hidden):
            found.append("a file of the host was changed")
        if self.mark.exists() or [path.name for path in self.prey.iterdir()] != ["secret.txt"]:
            found.append("a file was made on the host")
        for listener in self._listeners:
            listener.settimeout(0.0)
            with contextlib.suppress(BlockingIOError):
                listener.accept()
                found.append("a listener of the host heard from it")
        return found

    def _grade(self, text: str, name: str) -> tuple[Report, list[dict[str, Any]]]:
        path = self._folder / f"{name}.ipynb"
        path.write_text(text, encoding="utf-8")
        self._zygote.sessions = []
        with find([path]) as hand_ins:
            report, _ = self._grader.grade(hand_ins[0])
        lines = [line for s in self._zygote.sessions for line in s.output.decode(errors="replace").splitlines()]
        return report, [json.loads(line.removeprefix("told:")) for line in lines if line.startswith("told:{")]

    def _count(self) -> int:
        return sum(_runs(pid) for pid in memory._tree(self._zygote._process.pid, True))

    def _is_marked(self) -> bool:
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                if self.marker.encode() in Path("/proc", name, "cmdline").read_bytes().split(b"\0"):
                    return True
        return False


def _runs(pid: int) -> bool:
    """Not ended, and not waiting for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def open_range(kind: str, folder: Path) -> Iterator[Range]:
    """A range behind one kind of wall.

    Landlock gives a process no namespace of its own. There the whole wall stands in one, so that an attack which
    finds a hole meets nobody but the zygote.
    """
    isolation = wall(kind)
    with pytest.MonkeyPatch.context() as patch:
        if isolation is Isolation.LANDLOCK:
            fence, build = _fence(), command.build

            def fenced(*arguments: Any) -> command.Command:
                made = build(*arguments)
                return command.Command([*fence, *made.argv], made.environment, made.config, made.uid, made.watched)

            patch.setattr(command, "build", fenced)
        opened = Range(isolation, folder)
        try:
            yield opened
        finally:
            opened.close()


def _fence() -> list[str]:
    """The command that gives a program a process namespace."""
    program = shutil.which("unshare") or pytest.skip("the program unshare (util-linux) is missing")
    user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    fence = [program, *user, "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    if subprocess.run([*fence, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no process namespace can be made here, and without one no attack is let loose")
    return fence


def assert_claim(field: Range, attack: Attack) -> None:
    """The attack ran, reached nothing, gained nothing and harmed nobody."""
    for _ in range(MOST_TRIES):
        report, told = field.try_out(attack)
        if any(facts["tried"] > 0 for facts in told):
            break
    else:
        pytest.fail(f"it did not run: {report.message} {report.repairs}")
    reached = [what for facts in told for what in facts["reached"]]
    assert [] == reached, f"{attack.claim} {reached}"
    assert report.status.value in attack.status, report.message
    assert report.score <= field.worth(attack), attack.claim
    if attack.worth == "wrong":
        assert not any(exercise.correct for exercise in report.exercises), attack.claim
    assert [] == (harm := field.harm()), f"{attack.claim} {harm}"
