"""The wall holds: each layer is attacked from inside, and every attack stays with its own session.

Attacks are safe by construction: what they count or write is bounded in their own source, so that a wall with
a hole fails a test and harms nothing. They report through descriptor 1, which needs no cooperation of the
worker beyond running the cell.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from walls import wall

import grader
from grader.errors import (
    ProtocolViolated,
    SessionEnded,
    StudentDied,
    StudentOutOfMemory,
    StudentTimedOut,
    UsageError,
    WallError,
)
from grader.sandbox import Answer, Isolation, Session, SessionLimits, Zygote, choose, isolation, layout
from grader.worker import serve

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


@pytest.fixture(scope="module", params=["bwrap", "landlock"])
def zygote(request: pytest.FixtureRequest) -> Iterator[Zygote]:
    """A warm process behind each kind of wall that this machine can build."""
    kind = wall(request.param)
    os.environ["GRADER_TEST_SECRET"] = SECRET
    with Zygote.start(kind) as started:
        yield started
    del os.environ["GRADER_TEST_SECRET"]


@pytest.fixture
def session(zygote: Zygote) -> Iterator[Session]:
    """One submission's process with the usual limits."""
    with zygote.session() as opened:
        yield opened


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


# What cannot be reached.


def test_there_is_no_network(session: Session) -> None:
    """No socket but a local one can be made, so neither the world nor this machine's ports are reachable."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        facts = ask(
            session,
            f"""
            def reach(family, address):
                with socket.socket(family, socket.SOCK_STREAM) as s:
                    s.settimeout(1)
                    s.connect(address)
            tell(
                world=attempt(reach, socket.AF_INET, ("1.1.1.1", 53)),
                loopback=attempt(reach, socket.AF_INET, ("127.0.0.1", {port})),
                six=attempt(reach, socket.AF_INET6, ("::1", {port})),
                netlink=attempt(socket.socket, 16, socket.SOCK_RAW),
                packet=attempt(socket.socket, 17, socket.SOCK_RAW),
                high_bits=ctypes.CDLL(None).syscall(41, ctypes.c_ulong(2 + (1 << 32)), 1, 0),
            )
            """,
        )
        with pytest.raises(TimeoutError):
            listener.accept()
    assert facts == {
        "world": "OSError",
        "loopback": "OSError",
        "six": "OSError",
        "netlink": "OSError",
        "packet": "OSError",
        "high_bits": -1,
    }


def test_files_of_this_machine_cannot_be_read(session: Session, tmp_path: Path) -> None:
    """A secret in /tmp or at home, the password file and the checkout: none of them opens."""
    checkout = Path(grader.__file__).resolve().parent.parent
    hidden = [tmp_path / "secret", Path.home() / f".grader-test-{SECRET}"]
    for path in hidden:
        path.write_text(SECRET)
    try:
        paths = [
            *map(str, hidden),
            "/etc/shadow",
            "/etc/passwd",
            "/etc/hostname",
            str(checkout / "pyproject.toml"),
        ]
        folders = [str(checkout / "grader"), str(tmp_path), "/etc/ssl", "/var/log", "/sys"]
        facts = ask(
            session,
            f"""
            hidden = attempt(os.listdir, {str(checkout)!r}) != "done"
            tell(
                files=[attempt(open, path) for path in {paths}],
                folders=[attempt(os.listdir, path) for path in {folders}],
                checkout=[] if hidden else os.listdir({str(checkout)!r}),
            )
            """,
        )
    finally:
        hidden[1].unlink()
    assert "done" not in facts["files"] + facts["folders"]
    # A virtual environment inside the checkout is visible, and so is the way to it; nothing beside it.
    inside = [Path(site) for site in layout.find_layout().sites if layout.is_inside(site, str(checkout))]
    assert set(facts["checkout"]) <= {site.relative_to(checkout).parts[0] for site in inside}


def test_nothing_can_be_written_outside_scratch(session: Session) -> None:
    """The Python install, the worker's files and the root are read-only; scratch is not."""
    worker = "os.path.dirname(os.path.dirname(sys.modules['grader.wire'].__file__))"
    facts = ask(
        session,
        f"""
        def write(folder):
            with open(os.path.join(folder, "mark"), "w") as file:
                file.write("x")
        tell(
            outside=[attempt(write, folder) for folder in
                     ("/", "/usr/lib", "/etc", "/dev", os.path.dirname(os.__file__), {worker})],
            home=attempt(write, os.environ["HOME"]),
            here=attempt(write, "."),
        )
        """,
    )
    assert "done" not in facts["outside"]
    assert (facts["home"], facts["here"]) == ("done", "done")


def test_the_graders_own_code_is_not_there(session: Session) -> None:
    """Neither the judge nor a reference can be imported; of the grader only the wire and the worker exist."""
    facts = ask(
        session,
        """
        import importlib
        names = ["grader.judge", "grader.sandbox", "grader.mistakes", "grader.assignment", "grader.verdict",
                 "grader.checks", "reference", "reference.residual", "assignments"]
        tell(
            imported=[name for name in names if attempt(importlib.import_module, name) == "done"],
            files=sorted(os.listdir(os.path.dirname(sys.modules["grader"].__file__))),
        )
        """,
    )
    assert facts["imported"] == []
    assert set(facts["files"]) <= set(layout.STAGED)


def test_the_environment_holds_no_secret(session: Session) -> None:
    """A variable of ours is in no environment that a student can read."""
    facts = ask(
        session,
        """
        def environments():
            yield repr(dict(os.environ))
            for name in ["self", os.getppid(), *pids()]:
                try:
                    with open(f"/proc/{name}/environ") as file:
                        yield file.read()
                except OSError:
                    pass
        tell(environments=list(environments()))
        """,
    )
    assert facts["environments"]
    assert not any(SECRET in text for text in facts["environments"])


def test_submissions_do_not_see_each_other(zygote: Zygote) -> None:
    """Files, processes and signals of one session are out of another's reach, while both run."""
    with zygote.session() as victim, zygote.session() as attacker:
        run(victim, "open('answer.txt', 'w').write('42'); tell(pid=os.getpid(), scratch=os.getcwd())")
        assert is_alive(victim)
        pid, folder = told(victim)["pid"], told(victim)["scratch"]
        host_pid = victim._pid
        facts = ask(
            attacker,
            f"""
            others = {{*pids(), {pid}, {host_pid}, os.getppid()}} - {{0, os.getpid()}}
            tell(
                files=[attempt(open, path) for path in
                       ("answer.txt", "{folder}/answer.txt", "/proc/{host_pid}/cwd/answer.txt")],
                above=attempt(os.listdir, "..") if {zygote.isolation == "landlock"} else "PermissionError",
                visible=[p for p in pids() if p != os.getpid()],
                signals=[attempt(os.kill, p, 0) for p in others],
                memory=[attempt(open, f"/proc/{{p}}/{{name}}") for p in others
                        for name in ("mem", "environ", "maps")],
            )
            """,
        )
        assert is_alive(victim)
    assert "done" not in facts["files"] + facts["signals"] + facts["memory"]
    assert facts["above"] == "PermissionError"
    assert facts["visible"] == []


def test_no_privilege_is_left(session: Session) -> None:
    """Not root, no capability, none to be gained, and the filter is on."""
    facts = ask(
        session,
        """
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        keys = ("CapInh", "CapPrm", "CapEff", "CapAmb")
        tell(uid=os.getuid(), capabilities=[int(status[key], 16) for key in keys],
             no_new_privileges=int(status["NoNewPrivs"]), seccomp=int(status["Seccomp"]))
        """,
    )
    assert facts.pop("uid") != 0
    assert facts == {"capabilities": [0] * 4, "no_new_privileges": 1, "seccomp": 2}


def test_dangerous_system_calls_are_refused(session: Session) -> None:
    """Namespaces, mounts, tracing, other users, memory that no limit sees: EPERM, or not there at all."""
    facts = ask(
        session,
        """
        libc = ctypes.CDLL(None, use_errno=True)
        def refused(number, *arguments):
            ctypes.set_errno(0)
            return libc.syscall(number, *arguments) == -1 and ctypes.get_errno() in (1, 38, 97)
        tell(
            unshare=refused(272, 0x10000000), clone=refused(56, 0x10000000 | 17, 0, 0, 0, 0),
            clone3=refused(435, 0, 0), mount=refused(165, b"n", b"/", b"tmpfs", 0, None),
            ptrace=refused(101, 0, 0, 0, 0), memfd=attempt(os.memfd_create, "x") == "PermissionError",
            setuid=refused(105, 0), bpf=refused(321, 0, 0, 0),
            io_uring=refused(425, 1, 0), keyctl=refused(250, 0, 0), shmget=refused(29, 0, 4096, 0o1600),
            prlimit=refused(302, os.getppid() or 1, 7, 0, 0),
        )
        """,
    )
    assert [name for name, was_refused in facts.items() if not was_refused] == []


# What is bounded.


def test_processes_are_bounded(zygote: Zygote) -> None:
    """A fork bomb of 120 gets no further than its limit, and none of its processes outlives the session."""
    with zygote.session(SessionLimits(processes=24)) as session:
        facts = ask(
            session,
            """
            born = 0
            for _ in range(120):
                try:
                    if os.fork() == 0:
                        time.sleep(60)
                        os._exit(0)
                    born += 1
                except BlockingIOError:
                    break
            tell(born=born, threads=attempt(threading.Thread(target=time.sleep, args=(0,)).start))
            """,
        )
    assert 0 < facts["born"] <= 32  # where a user is counted, others of theirs come and go
    assert facts["threads"] == "RuntimeError"


@pytest.mark.parametrize("how", ["bytearray(16 << 20)", "shared()", "torch.ones(4 << 20)"])
def test_memory_is_bounded(zygote: Zygote, how: str) -> None:
    """Growing to 2 GiB in steps ends soon after the limit, by an exception or by the judge."""
    with zygote.session(SessionLimits(memory_mib=512)) as session:
        source = f"""
            import mmap, torch
            def shared():
                block = mmap.mmap(-1, 16 << 20)
                for page in range(0, len(block), 4096):
                    block[page] = 1
                return block
            kept = []
            try:
                while len(kept) < 128:
                    kept.append({how})
                    tell(mib=16 * len(kept))
            except (MemoryError, RuntimeError, OSError):
                pass
            """
        with contextlib.suppress(StudentOutOfMemory):
            run(session, source)
        session.close()
        assert 128 <= told(session)["mib"] <= 1024


def test_memory_is_counted_over_all_processes(zygote: Zygote) -> None:
    """Six processes within their own limits are stopped when together they hold too much."""
    with zygote.session(SessionLimits(memory_mib=512)) as session:
        with pytest.raises(StudentOutOfMemory, match="stopped at 512 MiB of memory"):
            run(
                session,
                """
                for _ in range(6):
                    if os.fork() == 0:
                        block = bytearray(b"x") * (150 << 20)
                        time.sleep(20)
                        os._exit(0)
                time.sleep(20)
                """,
            )
        assert session.peak_mib > 512


def test_an_absurd_request_for_memory_names_its_line(session: Session) -> None:
    """Memory beyond the limit fails when asked for, inside the student's code, even if never touched."""
    facts = ask(
        session,
        """
        import mmap, torch
        tell(tensor=attempt(torch.empty, 1 << 30), mapping=attempt(mmap.mmap, -1, 4 << 30))
        """,
    )
    assert facts == {"tensor": "RuntimeError", "mapping": "OSError"}


def test_files_are_bounded(session: Session) -> None:
    """Scratch and shared memory take so much and no more; a single file less than that."""
    source = """
        def fill(folder, files, mib):
            written = 0
            try:
                for number in range(files):
                    with open(os.path.join(folder, f"fill{number}"), "wb", buffering=0) as file:
                        for _ in range(mib):
                            written += file.write(bytes(1 << 20))
                            if written >> 20 > 500:
                                return written >> 20
            except OSError:
                pass
            return written >> 20
        tell(one=fill(".", 1, 100))
        tell(shared=fill("/dev/shm", 4, 50))
        tell(many=fill(".", 12, 50))
        time.sleep(1)
        """
    with contextlib.suppress(StudentDied):
        run(session, source)
    session.close()
    facts = told(session)
    assert facts["one"] == 64
    assert facts["shared"] <= 64
    assert facts.get("many", 0) <= 300


def test_the_number_of_files_is_bounded(session: Session) -> None:
    """A hundred thousand empty files are not created."""
    source = """
        made = 0
        try:
            for made in range(100_000):
                os.close(os.open(f"f{made}", os.O_CREAT | os.O_WRONLY))
        except OSError:
            pass
        tell(made=made)
        time.sleep(1)
        """
    with contextlib.suppress(StudentDied):
        run(session, source)
    session.close()
    assert told(session).get("made", 0) < 50_000


def test_students_share_one_processor_at_most(zygote: Zygote) -> None:
    """A student's process and its children have the one that they are given, and no way to another."""
    mine = max(os.sched_getaffinity(0))
    source = """
        def one():
            failed = attempt(os.sched_setaffinity, 0, range(64))
            return failed, sorted(os.sched_getaffinity(0))
        first, (reader, writer) = one(), os.pipe()
        if os.fork() == 0:
            os.write(writer, repr(one()).encode())
            os._exit(0)
        tell(first=first, child=os.read(reader, 1000).decode())
        """
    with Zygote.start(zygote.isolation, mine) as pinned, pinned.session() as session:
        run(session, source)
        session.close()
        facts = told(session)
    assert (["PermissionError", [mine]], repr(("PermissionError", [mine]))) == (facts["first"], facts["child"])


def test_an_endless_loop_is_stopped(session: Session) -> None:
    """The deadline of a call is kept, and the message says how long that was."""
    began = time.monotonic()
    with pytest.raises(StudentTimedOut, match=r"^stopped after 0\.5 s in cell 1, line \d+$"):
        run(session, "while True: pass", seconds=0.5)
    assert time.monotonic() - began < 5


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


# Faults of ours, and what this machine can do.


def test_a_lost_zygote_is_our_fault_and_can_be_replaced() -> None:
    """When the warm process dies the student is not blamed, and a restart helps."""
    with Zygote.start(Isolation.NONE) as zygote:
        with zygote.session() as session:
            assert is_alive(session)
            zygote._process.kill()
            zygote._process.wait()
            with pytest.raises(WallError):
                is_alive(zygote.session())
        zygote.restart()
        with zygote.session() as session:
            assert is_alive(session)


def test_a_missing_bubblewrap_comes_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for bwrap, a machine without it says how to install it."""
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    isolation.bwrap_problem.cache_clear()
    try:
        with pytest.raises(WallError, match="sudo apt-get install bubblewrap"):
            choose("bwrap")
    finally:
        isolation.bwrap_problem.cache_clear()


@pytest.mark.parametrize(
    ("bwrap", "landlock", "expected"),
    [
        (None, None, Isolation.BWRAP),
        ("no", None, Isolation.LANDLOCK),
        (None, "no", Isolation.BWRAP),
    ],
)
def test_auto_takes_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, bwrap: str | None, landlock: str | None, expected: Isolation
) -> None:
    """Bubblewrap when it works, else Landlock."""
    monkeypatch.setattr(isolation, "bwrap_problem", lambda: bwrap)
    monkeypatch.setattr(isolation, "landlock_problem", lambda: landlock)
    assert choose("auto") is expected


def test_without_any_wall_the_run_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail closed: `none` is never chosen, only asked for."""
    monkeypatch.setattr(isolation, "bwrap_problem", lambda: "no bubblewrap here")
    monkeypatch.setattr(isolation, "landlock_abi", lambda: 3)
    with pytest.raises(WallError, match=r"no bubblewrap here[\s\S]*ABI 6[\s\S]*ABI 3[\s\S]*--isolation none"):
        choose("auto")
    assert choose("none") is Isolation.NONE
    with pytest.raises(UsageError, match="maybe"):
        choose("maybe")


def test_rules_leave_a_hole_around_what_is_hidden(tmp_path: Path) -> None:
    """Every neighbour of a hidden folder is allowed by itself; the folders above may only be listed."""
    for name in ("site/torch", "site/grader/judge", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "site/six.py").touch()
    site = str(tmp_path / "site")
    readable, listable = layout.readable_rules((site, str(tmp_path / "other")), (f"{site}/grader",))
    assert readable == sorted([f"{site}/six.py", f"{site}/torch", str(tmp_path / "other")])
    assert listable == [site]
