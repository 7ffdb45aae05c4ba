"""Starting, watching and replacing the process from which students' processes are forked."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Self

from grader.closing import Closing
from grader.errors import WallError
from grader.sandbox import command, layout, memory, policy
from grader.sandbox.isolation import Isolation, how_to_install
from grader.sandbox.limits import SessionLimits
from grader.sandbox.session import Session

_READY_SECONDS = 180.0  # importing torch from a cold disk


class Zygote(Closing):
    """One warm process; each `session` is a fork of it.

    `start` returns at once, so that the caller can import torch meanwhile; the first session waits. Sessions
    may overlap. When a WallError says that the zygote is gone, `restart` replaces it in place.
    """

    def __init__(self, isolation: Isolation, processor: int | None = None) -> None:
        """Start the process; `Zygote.start` reads better."""
        self.isolation, self._processor = isolation, processor
        self._lock = threading.Lock()
        self._ready = False
        self._control: socket.socket
        self._process: subprocess.Popen[bytes]
        self._log: IO[bytes]
        self._launch()

    @classmethod
    def start(cls, isolation: Isolation, processor: int | None = None) -> Self:
        """Start a zygote without waiting for it.

        Args:
            isolation: the wall.
            processor: the only one on which students' code runs, so that what keeps it busy slows nobody elsewhere.
        """
        return cls(isolation, processor)

    @property
    def has_answered(self) -> bool:
        """Need nobody wait for it any more? Either everything is imported, or it never will be."""
        asked = select.poll()
        asked.register(self._control, select.POLLIN)
        return self._ready or bool(asked.poll(0))

    def wait_ready(self) -> None:
        """Wait until everything is imported; raises WallError when it never will be."""
        with self._lock:
            if self._ready:
                return
            try:
                self._control.settimeout(_READY_SECONDS)
                self._ready = bool(self._control.recv(1 << 16))
            except OSError:
                self._ready = False
            if not self._ready:
                self._process.kill()
                self._process.wait()
                raise WallError(f"the process behind the wall ({self.isolation}) did not start: {self._last_words()}")

    def session(self, limits: SessionLimits | None = None) -> Session:
        """Fork a process for one submission."""
        limits = limits or SessionLimits()
        self.wait_ready()
        channel, theirs = socket.socketpair()
        report, report_theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, output_theirs = os.pipe2(os.O_CLOEXEC)
        places, places_theirs = os.pipe2(os.O_CLOEXEC)
        name = secrets.token_hex(8)
        already = 0 if self.isolation is Isolation.BWRAP else memory.count_tasks(self._command.uid)
        request = json.dumps({**limits.for_worker(already), "folder": name}).encode()
        try:
            descriptors = [theirs.fileno(), output_theirs, places_theirs, report_theirs.fileno()]
            socket.send_fds(self._control, [request], descriptors)
        except OSError as error:
            channel.close()
            report.close()
            os.close(output)
            os.close(places)
            raise WallError(f"the process behind the wall is gone: {self._last_words() or error}") from error
        finally:
            theirs.close()
            report_theirs.close()
            os.close(output_theirs)
            os.close(places_theirs)
        watched = self._command.watched
        return Session(
            channel,
            report,
            output,
            places,
            limits,
            has_namespaces=self.isolation is Isolation.BWRAP,
            watched=str(watched / name) if watched else None,
            last_words=self._last_words,
        )

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Replace the process; sessions of the old one are over."""
        self.close()
        self._launch()

    def close(self) -> None:
        """End the process and with it all of its sessions."""
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _launch(self) -> None:
        self._ready = False
        self._folder = Path(tempfile.mkdtemp(prefix="grader-"))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        seccomp = os.memfd_create("outer")
        try:
            os.write(seccomp, policy.outer())
            os.lseek(seccomp, 0, os.SEEK_SET)
            self._command = command.build(self.isolation, self._folder, theirs.fileno(), seccomp)
            self._fill_folder()
            # The parent of bubblewrap, whose death ends it, is a thread: one that lives as long as we do.
            self._process = _in_lasting_thread(
                lambda: subprocess.Popen(
                    self._command.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=self._log,
                    env=self._command.environment,
                    cwd="/",
                    pass_fds=[theirs.fileno(), seccomp],
                    start_new_session=True,
                )
            )
        except FileNotFoundError as error:
            self._abandon()
            raise WallError(f"{error.filename} is not there. Is bubblewrap installed?\n{how_to_install()}") from error
        except BaseException:
            self._abandon()
            raise
        finally:
            os.close(seccomp)
            theirs.close()

    def _fill_folder(self) -> None:
        worker, scratch = self._folder / "worker", self._folder / "scratch"
        worker.mkdir()
        scratch.mkdir(mode=0o700)
        layout.stage(worker)
        config = {**self._command.config, "processor": self._processor}
        (worker / "config.json").write_text(json.dumps(config), encoding="utf-8")
        program = policy.inner(namespaces=self.isolation is Isolation.BWRAP)
        (worker / "inner.bpf").write_bytes(program)
        for name in ("config.json", "inner.bpf"):
            (worker / name).chmod(0o644)
        if self._command.uid != os.geteuid():
            self._folder.chmod(0o711)
            os.chown(scratch, self._command.uid, self._command.uid)

    def _abandon(self) -> None:
        self._control.close()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _last_words(self) -> str:
        """The end of what the process wrote before any student's code ran: ours, for a WallError."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), 2000, max(0, size - 2000)).decode(errors="replace").strip()


_spawner: ThreadPoolExecutor | None = None


def _in_lasting_thread(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    global _spawner
    if _spawner is None:
        _spawner = ThreadPoolExecutor(1, thread_name_prefix="grader-spawner")
    return _spawner.submit(start).result()


def _forget_spawner() -> None:
    global _spawner
    _spawner = None  # threads do not survive a fork


os.register_at_fork(after_in_child=_forget_spawner)
