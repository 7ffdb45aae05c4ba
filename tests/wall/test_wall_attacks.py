"""The wall holds: each layer is attacked from inside, and every attack stays with its own session.

Attacks are safe by construction: what they count or write is bounded in their own source, so that a wall with
a hole fails a test and harms nothing. They report through descriptor 1, which needs no cooperation of the
worker beyond running the cell.
"""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from inside import SECRET, ask, is_alive, run, told

import grader
from grader.errors import StudentDied, StudentOutOfMemory
from grader.sandbox import Session, SessionLimits, Zygote, layout

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
