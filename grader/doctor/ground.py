"""What lies on this side of the wall for the trials to find, should there be a hole: all of it is the doctor's own."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.sandbox import Isolation, Session, SessionLimits, Zygote

VARIABLE = "GRADER_DOCTOR_SECRET"
_FAMILIES = (socket.AF_INET, socket.AF_UNIX, socket.AF_UNIX)
_VICTIM_SECONDS = 300  # it ends by itself, should the doctor not come to it


@dataclass(frozen=True)
class Ground:
    """Where a trial takes place."""

    isolation: Isolation
    session: Callable[[SessionLimits], Session]
    secret: str  # in the file, and in the environments of the doctor and the victim
    folder: Path  # open to every user, so that the wall alone keeps a student out
    listeners: tuple[socket.socket, ...]  # nobody from inside may arrive here
    victim: int  # the process id of a child of the doctor

    @property
    def file(self) -> Path:
        """The file with the secret."""
        return self.folder / "secret"

    @property
    def port(self) -> int:
        """Of the listener on this machine's loopback."""
        return int(self.listeners[0].getsockname()[1])

    @property
    def abstract(self) -> str:
        """The name of the listener that has no file."""
        return f"grader-doctor-{self.secret}"

    def arrivals(self) -> int:
        """How many came to a listener since this was last asked."""
        count = 0
        for listener in self.listeners:
            with contextlib.suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    count += 1
        return count


@contextlib.contextmanager
def laid_out(isolation: Isolation) -> Iterator[Ground]:
    """Start a zygote behind the wall, and lay out what must not be found from inside it."""
    secret = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-doctor-")))
        folder.chmod(0o777)
        os.environ[VARIABLE] = secret
        stack.callback(os.environ.pop, VARIABLE, None)
        zygote = stack.enter_context(Zygote.start(isolation))  # inherits the variable, if anything is inherited
        listeners = tuple(stack.enter_context(socket.socket(family)) for family in _FAMILIES)
        victim = _start_victim(stack)
        ground = Ground(isolation, zygote.session, secret, folder, listeners, victim)
        ground.file.write_text(secret)
        ground.file.chmod(0o644)
        listeners[0].bind(("127.0.0.1", 0))
        listeners[1].bind(str(folder / "socket"))
        listeners[2].bind("\0" + ground.abstract)
        for listener in listeners:
            listener.listen()
            listener.setblocking(False)
        (folder / "socket").chmod(0o777)
        yield ground


def _start_victim(stack: contextlib.ExitStack) -> int:
    program = f"import time; time.sleep({_VICTIM_SECONDS})"
    victim = stack.enter_context(subprocess.Popen([sys.executable, "-I", "-S", "-c", program]))
    stack.callback(victim.kill)
    return victim.pid
