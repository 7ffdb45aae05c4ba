"""One submission's process, seen from outside: ask, wait, bound, kill.

Whatever arrives is data from a stranger. A session ends once and for all: after a `SessionEnded` every
further call raises the same again.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from grader.closing import Closing
from grader.errors import (
    GraderError,
    ProtocolViolated,
    SessionEnded,
    StudentDied,
    StudentOutOfMemory,
    StudentTimedOut,
    WallError,
)
from grader.language import say
from grader.ownclock import withheld
from grader.sandbox import memory, scratch
from grader.sandbox.limits import PATIENCE, SessionLimits
from grader.sandbox.whereabouts import Whereabouts

if TYPE_CHECKING:
    # The wall is started before torch is imported: both take seconds, and run at the same time.
    from torch import Tensor

_START_SECONDS = 60.0  # forking and jailing, on a machine under load
_KILL_SECONDS = 30.0
_DYING_SECONDS = 1.0
_LOOK_EVERY = 0.04  # seconds between two looks at memory
_SCRATCH_EVERY = 0.5
_CHUNK = 1 << 20
_CELL_GRACE = 1.0  # beyond a cell's limit, in which the process can stop it itself
_ASKS_FOR_STACK = signal.SIGUSR1


@dataclass(frozen=True)
class Answer:
    """What the process said: plain data and tensors, neither to be believed."""

    fields: dict[str, Any]
    tensors: dict[str, Tensor]


class Session(Closing):
    """A jailed process that answers one request at a time. Made by `Zygote.session`."""

    def __init__(
        self,
        channel: socket.socket,
        report: socket.socket,
        output: int,
        places: int,
        limits: SessionLimits,
        *,
        has_namespaces: bool,
        watched: str | None,
        last_words: Callable[[], str],
    ) -> None:
        """Take over four descriptors; nothing is waited for until the first call."""
        self.limits = limits
        self.peak_mib = 0
        self.output_was_cut = False  # was more written than is kept?
        self._channel, self._report, self._output_fd = channel, report, output
        self._whereabouts = Whereabouts(places, self._time)
        self._has_namespaces, self._watched, self._last_words = has_namespaces, watched, last_words
        self._output = bytearray()
        self._pidfd = self._pid = -1
        self._jailed = self._clock_runs = False
        self._output_ended = self._closed = self._lost = False
        self._status: int | None = None
        self._ended: GraderError | None = None
        self._withheld = 0.0
        self._session_deadline = self._time() + limits.seconds
        self._next_look = self._next_scratch = 0.0
        channel.setblocking(False)
        os.set_blocking(output, False)

    @property
    def output(self) -> bytes:
        """What the process wrote to its standard output and error, up to the limit."""
        return bytes(self._output)

    def call(
        self,
        operation: str,
        arguments: dict[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        seconds: float,
    ) -> Answer:
        """Ask for one operation and wait for its answer.

        Raises SessionEnded when the process is over or has to be, and WallError when the fault is ours.
        """
        if self._ended is not None:
            raise self._ended
        if self._closed:
            raise ValueError("this session is closed")
        try:
            return self._ask(operation, arguments or {}, tensors, seconds)
        except (SessionEnded, WallError) as error:
            self._ended = error
            self._kill()
            raise
        except BaseException:
            # KeyboardInterrupt in the middle of a message, say: the stream is unusable.
            self._ended = StudentDied(say("this session was interrupted"))
            self._kill()
            raise

    def close(self) -> None:
        """Kill the process and everything it started, and wait until they are gone."""
        if self._closed:
            return
        try:
            self._kill()
        except WallError:
            if not self._lost:
                raise  # it may still run; when the zygote is gone, so is everything below it
        finally:
            self._closed = True
            self._channel.close()
            self._report.close()
            os.close(self._output_fd)
            self._whereabouts.close()
            if self._pidfd >= 0:
                os.close(self._pidfd)

    # One request.

    def _ask(
        self, operation: str, arguments: dict[str, Any], tensors: Mapping[str, Tensor] | None, seconds: float
    ) -> Answer:
        from grader import wire

        self._wait_jailed()
        self._refuse_unsolicited()
        deadline = min(self._time() + seconds, self._session_deadline)
        identifier = secrets.token_hex(16)
        request = {"id": identifier, "operation": operation, "arguments": arguments}
        for part in wire.frame(request, tensors):
            self._write(memoryview(part), deadline, seconds)
        caps = wire.DEFAULT_CAPS
        json_length, blob_length = caps.lengths(self._read(wire.PREFIX.size, deadline, seconds))
        fields = wire.decode_fields(self._read(json_length, deadline, seconds))
        self._whereabouts.idle()
        if fields.pop("id", None) != identifier:
            raise ProtocolViolated(say("your process answered something that was not asked"))
        if not isinstance(fields.get("ok"), bool):
            raise ProtocolViolated(say("your process sent an answer that does not say whether it worked"))
        blob = self._read(blob_length, deadline, seconds)
        return Answer(fields, wire.decode_tensors(blob, caps))

    def _refuse_unsolicited(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            if self._channel.recv(1, socket.MSG_PEEK):
                raise ProtocolViolated(say("your code wrote to the channel on which only answers are expected"))

    def _write(self, data: memoryview, deadline: float, seconds: float) -> None:
        while data:
            try:
                data = data[self._channel.send(data) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline, seconds)
            except OSError:
                self._die()

    def _read(self, count: int, deadline: float, seconds: float) -> bytes:
        """Exactly `count` bytes; memory is taken as they arrive, not as they are announced."""
        chunks: list[bytes] = []
        while count:
            try:
                chunk = self._channel.recv(min(count, _CHUNK))
            except BlockingIOError:
                self._wait(select.POLLIN, deadline, seconds)
                continue
            except OSError:
                chunk = b""
            if not chunk:
                self._die()
            chunks.append(chunk)
            count -= len(chunk)
        return b"".join(chunks)

    def _wait(self, direction: int, deadline: float, seconds: float) -> None:
        """Until the channel is ready or a moment has passed; keeps every limit meanwhile."""
        now = self._time()
        if now > deadline:
            text = say("stopped after {seconds} s", seconds=f"{seconds:g}")
            if deadline == self._session_deadline:
                text = say("stopped after {seconds} s in all", seconds=f"{self.limits.seconds:g}")
            raise StudentTimedOut(text, *self._locate())
        limit, running = self.limits.cell_seconds, self._whereabouts.cell is not None
        if limit is not None and running and now > self._whereabouts.began + limit + _CELL_GRACE:
            raise StudentTimedOut(say("stopped after {seconds} s", seconds=f"{limit:g}"), *self._locate())
        if time.monotonic() >= self._next_look:
            self._look(time.monotonic())
        poll = select.poll()
        poll.register(self._channel, direction)
        if not self._output_ended:
            poll.register(self._output_fd, select.POLLIN)
        if not self._whereabouts.ended:
            poll.register(self._whereabouts.descriptor, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        ready = dict(poll.poll(min(_LOOK_EVERY, max(0.0, deadline - now)) * 1000 + 1))
        if self._output_fd in ready:
            self._drain()
        if self._whereabouts.descriptor in ready:
            self._whereabouts.look()
        if self._pidfd in ready and self._channel.fileno() not in ready:
            self._die()

    # Limits.

    def _time(self) -> float:
        """The clock of the limits: it stands still while the process waits for a processor, which is not its fault. Of
        one that starts others, and so keeps itself waiting, no longer than a few times its limit."""
        if self._pid > 0:
            # What is over tells nothing any more, and the clock must not jump.
            self._withheld = max(self._withheld, withheld(self._pid))
        return time.monotonic() - min(self._withheld, (PATIENCE - 1) * self.limits.seconds)

    def _look(self, now: float) -> None:
        self._next_look = now + _LOOK_EVERY
        limit = self.limits.memory_mib
        used = memory.resident_mib(self._root(), including_root=self._has_namespaces)
        if used > limit:
            used = memory.proportional_mib(self._root(), including_root=self._has_namespaces)
        self.peak_mib = max(self.peak_mib, used)
        if used > limit:
            raise StudentOutOfMemory(say("stopped at {limit} MiB of memory", limit=limit), *self._locate())
        if self._watched is not None and now >= self._next_scratch:
            self._next_scratch = now + _SCRATCH_EVERY
            if scratch.exceeds(self._watched, mib=self.limits.scratch_mib, inodes=self.limits.inodes):
                most = self.limits.scratch_mib
                text = say("stopped: your code wrote more than {limit} MiB of files", limit=most)
                raise StudentDied(text, *self._locate())

    def _locate(self) -> tuple[int | None, int | None]:
        """Cell and line at which the process is, if it says so."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, _ASKS_FOR_STACK)
        return self._whereabouts.stack()

    def _root(self) -> int:
        """The process below which the session's lie: without a namespace, orphans go to the keeper."""
        if self._has_namespaces:
            return self._pid
        try:
            return memory.parent_of(self._pid)
        except OSError:
            return self._pid

    def _drain(self) -> None:
        """Read what was written to the output pipe; beyond the limit it is read and forgotten."""
        try:
            chunk = os.read(self._output_fd, _CHUNK)
        except BlockingIOError:
            return
        self._output_ended = not chunk
        room = max(0, self.limits.output_bytes - len(self._output))
        self.output_was_cut = self.output_was_cut or len(chunk) > room
        self._output += chunk[:room]

    # Birth and death.

    def _wait_jailed(self) -> None:
        """Wait for the keeper's word that the process exists and its walls stand."""
        if self._clock_runs:
            return
        self._clock_runs = True
        deadline = time.monotonic() + _START_SECONDS
        # Two processes speak, in either order: the keeper about the child, the child about its walls.
        while not self._jailed or self._pidfd < 0:
            self._hear(deadline)
        # The clock of the session starts when the student's code can run.
        self._session_deadline = self._time() + self.limits.seconds
        self._next_look = time.monotonic() + _LOOK_EVERY

    def _hear(self, deadline: float) -> None:
        """One message of the keeper."""
        self._report.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            text, descriptors, _, _ = socket.recv_fds(self._report, 1 << 16, 1)
        except TimeoutError:
            raise WallError("the process behind the wall does not answer") from None
        if not text:
            self._lost = True
            raise WallError(f"the process behind the wall is gone: {self._last_words()}")
        message = json.loads(text)
        if descriptors:
            self._pidfd = descriptors[0]
            self._pid = _pid_of(self._pidfd)
        if "failed" in message:
            self._lost = self._pidfd < 0  # nobody was born whose end could be waited for
            raise WallError(f"a student's process could not be isolated: {message['failed']}")
        self._jailed = self._jailed or "jailed" in message
        self._status = message.get("status", self._status)

    def _die(self) -> NoReturn:
        """The process ended or hung up: say how."""
        poll = select.poll()  # a dying process closes its channel a moment before it is dead
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(_DYING_SECONDS * 1000):
            raise ProtocolViolated(say("your code closed the channel on which answers are expected"))
        self._kill()
        status = self._status or 0
        place = self._whereabouts.stack()  # a crash in C leaves the stack there
        if not os.WIFSIGNALED(status):
            text = say(
                "your code ended the Python process (exit status {code}), for instance through os._exit or exit()",
                code=os.waitstatus_to_exitcode(status),
            )
            raise StudentDied(text, *place)
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            raise StudentTimedOut(say("stopped: your code used up its processor time"), *place)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = str(number)
        if number == signal.SIGKILL:
            text = say("your Python process was killed (signal SIGKILL), by your own code or for lack of memory")
            raise StudentDied(text, *place)
        raise StudentDied(say("your code crashed the Python process (signal {name})", name=name), *place)

    def _kill(self) -> None:
        """Kill, and wait until the keeper says that nothing is left."""
        if self._lost or self._status is not None or self._closed:
            return
        deadline = time.monotonic() + _KILL_SECONDS
        try:
            if self._pidfd < 0:
                # Not told to us yet, or lost to an interruption. Nothing was asked of it, so it ends when we hang up.
                with contextlib.suppress(OSError):
                    self._channel.shutdown(socket.SHUT_RDWR)
            while self._pidfd < 0 and self._status is None:
                self._hear(deadline)
            if self._pidfd >= 0:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            while self._status is None:
                self._hear(deadline)
        except WallError as error:
            self._ended = error
            raise
        finally:
            while not self._output_ended and len(self._output) < self.limits.output_bytes:
                before = len(self._output)
                self._drain()
                if len(self._output) == before:
                    break


def _pid_of(pidfd: int) -> int:
    with open(f"/proc/self/fdinfo/{pidfd}") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))
