"""A session answers whatever a student's code does, and ends with the right cause; no session meets another."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from inside import ask, is_alive, processes_with, run, told

from grader.errors import ProtocolViolated, SessionEnded, StudentDied, StudentTimedOut
from grader.sandbox import Session, SessionLimits, Zygote
from grader.worker import serve

# A session.


def test_state_lasts_within_a_session_only(zygote: Zygote) -> None:
    """A name defined in one call is there in the next one, and not in another session."""
    with zygote.session() as first, zygote.session() as second:
        run(first, "treasure = 42")
        run(first, "tell(found='treasure' in globals())")
        run(second, "tell(found='treasure' in globals())")
        first.close()
        second.close()
        assert (told(first), told(second)) == ({"found": True}, {"found": False})


def test_no_start_waits_for_what_few_need(session: Session) -> None:
    """Torch would load sympy for a gradient that it is given, and with it nearly half of all that a warm-up takes."""
    assert ask(session, "tell(torch='torch' in sys.modules, sympy='sympy' in sys.modules)") == {
        "torch": True,
        "sympy": False,
    }


def test_an_unknown_operation_is_an_answer(session: Session) -> None:
    """A request that cannot be served does not end the loop."""
    assert session.call("no-such-operation", seconds=10).fields["ok"] is False
    assert is_alive(session)


@pytest.mark.parametrize(
    "source",
    [
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "raise BaseException('mine')",
        "def f(): f()\nf()",
        "raise MemoryError",
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "sys.setrecursionlimit(60)",
        "sys.settrace(lambda *a: 1 / 0)",
        "signal.signal(signal.SIGALRM, lambda *a: 1 / 0); signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)",
    ],
)
def test_no_exception_ends_the_session(session: Session, source: str) -> None:
    """Whatever a cell raises or leaves switched on, the next request is answered."""
    run(session, source)
    time.sleep(0.1)
    assert is_alive(session)


class Silent(Exception):
    """An exception whose own text cannot be had."""

    def __str__(self) -> str:
        raise SystemExit


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), BaseException("mine"), MemoryError(), RecursionError(), Silent()]
)
def test_whatever_an_operation_raises_is_an_answer(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """The loop does not rely on the operations to catch what a student's code raises."""

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setitem(serve.OPERATIONS, "fail", fail)
    answer, tensors = serve._answer(None, {"operation": "fail", "arguments": {}}, {})
    assert (answer["ok"], answer["error"]["type"], tensors) == (False, type(error).__name__, {})


def test_nothing_is_left_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an operation no timer runs, no trace function waits, and the stack is as deep as before."""
    limit = sys.getrecursionlimit()

    def meddle(*arguments: object) -> tuple[dict[str, Any], dict[str, Any]]:
        signal.setitimer(signal.ITIMER_REAL, 1000)
        sys.setrecursionlimit(limit + 7)
        sys.setprofile(lambda *event: None)
        return {}, {}

    monkeypatch.setitem(serve.OPERATIONS, "meddle", meddle)
    serve._answer(None, {"operation": "meddle", "arguments": {}}, {})
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert sys.getprofile() is None
    assert sys.getrecursionlimit() == limit


def test_an_endless_loop_is_stopped(session: Session) -> None:
    """The deadline of a call is kept, and the message says how long that was."""
    began = time.monotonic()
    with pytest.raises(StudentTimedOut, match=r"^stopped after 0\.5 s in cell 1, line \d+$"):
        run(session, "while True: pass", seconds=0.5)
    assert time.monotonic() - began < 5


BUSY = "until = time.process_time() + 0.4\nwhile time.process_time() < until: pass"


@pytest.fixture
def crowd() -> Iterator[int]:
    """A processor that four others keep busy."""
    processor = min(os.sched_getaffinity(0))
    source = f"import os\nos.sched_setaffinity(0, [{processor}])\nprint(flush=True)\nwhile True: pass"
    hogs = [
        subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(4)
    ]
    for hog in hogs:
        assert hog.stdout is not None
        hog.stdout.readline()
    yield processor
    for hog in hogs:
        hog.kill()
        hog.communicate()


@pytest.mark.heavy
def test_time_for_which_others_have_the_processor_does_not_count(session: Session, crowd: int) -> None:
    """What takes 0.4 s takes five times as long beside four others, and is within a limit of one second."""
    run(session, "pass")
    os.sched_setaffinity(session._pid, [crowd])
    began = time.monotonic()
    run(session, BUSY, seconds=1)
    assert time.monotonic() - began > 1
    answer = session.call("execute", _cell(f"import time\n{BUSY}", seconds=1), seconds=30)
    assert answer.fields["problems"] == []
    answer = session.call("execute", _cell("while True: pass", seconds=0.5), seconds=30)
    assert "stopped after 0.5 s" in answer.fields["problems"][0]["message"]


@pytest.mark.heavy
def test_who_keeps_himself_from_the_processor_is_stopped(zygote: Zygote, crowd: int) -> None:
    """A session may wait for a processor for no longer than a few times its limit."""
    with zygote.session(SessionLimits(seconds=0.3)) as opened:
        run(opened, "pass")
        os.sched_setaffinity(opened._pid, [crowd])
        began = time.monotonic()
        with pytest.raises(StudentTimedOut, match="in all"):
            run(opened, "for _ in range(4): os.fork()\nwhile True: pass", seconds=9)
        assert 0.6 < time.monotonic() - began < 5


def test_a_cell_that_puts_another_clock_in_its_place_is_stopped(session: Session) -> None:
    """As one does that tries its code at another time."""
    source = "import builtins, time\ntime.monotonic = lambda: 0.0\nbuiltins.open = None\nwhile True: pass"
    answer = session.call("execute", _cell(source, seconds=0.5), seconds=30)
    assert "stopped after 0.5 s" in answer.fields["problems"][0]["message"]


def _cell(source: str, *, seconds: float) -> dict[str, Any]:
    """A cell with a limit of its own."""
    return {"cells": [{"number": 1, "source": source}], "names": [], "plan": "everything", "seconds": seconds}


def test_an_interruption_that_loses_the_process_ends_it(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal in the moment in which a process is handed over leaves nobody who could be killed, and nobody waits."""
    receive = socket.recv_fds

    def interrupted(*arguments: Any) -> Any:
        message = receive(*arguments)
        if not message[1]:  # how its walls stand may be said before
            return message
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(socket, "recv_fds", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(session, "pass")
    with pytest.raises(StudentDied, match="interrupted"):
        run(session, "pass")


def test_a_loop_that_catches_everything_is_stopped(session: Session) -> None:
    """No exception is needed to stop a student's process, so none can be swallowed."""
    source = """
        for number in range(1, 65):
            if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                while True: pass
            except BaseException: pass
        """
    with pytest.raises(StudentTimedOut):
        run(session, source, seconds=0.5)


def test_a_session_has_a_deadline_of_its_own(zygote: Zygote) -> None:
    """Many calls within their deadlines are stopped by that of the whole session."""
    with zygote.session(SessionLimits(seconds=0.6)) as session:
        run(session, "time.sleep(0.2)", seconds=5)
        run(session, "time.sleep(0.2)", seconds=5)
        with pytest.raises(StudentTimedOut, match=r"^stopped after 0\.6 s in all in cell 1, line \d+$"):
            run(session, "time.sleep(0.5)", seconds=5)


def test_output_is_capped_and_harmless(session: Session) -> None:
    """A gigabyte on standard output is read and forgotten beyond the first 64 KiB."""
    answer = run(session, "block = b'x' * (1 << 20)\nfor _ in range(1024): os.write(1, block)", seconds=60)
    assert answer.fields["ok"] is True
    assert len(session.output) == 64 << 10


# How it ends.


def test_the_exit_status_is_named(session: Session) -> None:
    """A process that leaves is a death with its status, and stays dead with the same words."""
    with pytest.raises(StudentDied, match=r"exit status 3") as first:
        run(session, "os._exit(3)")
    with pytest.raises(StudentDied) as second:
        run(session, "pass")
    assert str(first.value) == str(second.value)
    assert "os._exit or exit()" in str(first.value)


def test_a_crash_in_c_is_named(session: Session) -> None:
    """A null pointer ends the session, not the grader, and the signal is named."""
    with pytest.raises(StudentDied, match="SIGSEGV"):
        run(session, "ctypes.string_at(0)")


def test_killing_itself_harms_nobody_else(zygote: Zygote) -> None:
    """SIGKILL to itself at most ends its own session; PID 1 of a namespace is immune."""
    with zygote.session() as session, contextlib.suppress(StudentDied):
        run(session, "os.kill(os.getpid(), signal.SIGKILL)")
    with zygote.session() as session:
        assert is_alive(session)


def test_a_daemon_does_not_outlive_its_session(zygote: Zygote) -> None:
    """A double fork into a session of its own is gone when the student's session is closed."""
    marker = f"987654321.{secrets.randbelow(10**9)}"
    with zygote.session() as session:
        run(
            session,
            f"""
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    os.execv("/bin/sleep", ["/bin/sleep", "{marker}"])
                os._exit(0)
            os.wait()
            time.sleep(0.3)
            """,
        )
        assert len(processes_with(marker)) == 1
    assert processes_with(marker) == []


# What is answered.


def test_an_answer_to_nothing_is_a_violation(session: Session) -> None:
    """A reply that lies ready before the question is refused."""
    source = """
        def later():
            time.sleep(0.2)
            text = b'{"id": "0", "ok": true}'
            os.write(3, len(text).to_bytes(4, "little") + bytes(8) + text)
        threading.Thread(target=later).start()
        """
    run(session, source)
    time.sleep(0.5)
    with pytest.raises(ProtocolViolated, match="only answers are expected"):
        run(session, "pass")


def test_a_wrong_identifier_is_a_violation(session: Session) -> None:
    """A reply forged while the cell runs does not know the request's identifier."""
    source = """
        text = b'{"id": "00000000000000000000000000000000", "ok": true, "cells": [], "defined": {}}'
        os.write(3, len(text).to_bytes(4, "little") + bytes(8) + text)
        """
    with pytest.raises(ProtocolViolated, match="not asked"):
        run(session, source)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xff\xff\xff" + bytes(8),
        bytes(4) + b"\xff" * 8,
        b"\x02\0\0\0" + bytes(8) + b"[]",
        b"\x03\0\0\0" + bytes(8) + b"nul",
    ],
)
def test_a_malformed_answer_is_a_violation(session: Session, raw: bytes) -> None:
    """Lengths that lie, and text that is no object, end the session at once."""
    with pytest.raises(ProtocolViolated):
        run(session, f"os.write(3, {raw!r})")


def test_hanging_up_is_a_violation(session: Session) -> None:
    """A closed channel is not taken for an exit."""
    with pytest.raises(ProtocolViolated, match="closed the channel"):
        run(session, "os.close(3)\ntime.sleep(20)")


def test_the_zygote_is_unharmed(zygote: Zygote) -> None:
    """After sessions that died in every way, the next one works, and is quick."""
    for source in ("os._exit(1)", "ctypes.string_at(0)", "os.write(3, b'x' * 40)", "os.kill(-1, 0)"):
        with zygote.session() as session, contextlib.suppress(SessionEnded):
            run(session, source)
    began = time.monotonic()
    with zygote.session() as session:
        assert is_alive(session)
    assert time.monotonic() - began < 2
