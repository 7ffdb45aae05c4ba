"""Other processes are out of reach, and a session's own are few and end with it."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import replace

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import (
    SMALL,
    Facts,
    Found,
    Trial,
    execute,
    holds,
    lacking,
    off,
    processes_called,
)

_NAMESPACES = {
    "user": "users", "pid": "processes", "mnt": "mounts", "net": "network", "ipc": "IPC", "uts": "host name",
    "cgroup": "cgroups",
}  # fmt: skip
_FORKS = 100
_TOLERANCE = 8  # where a user's processes are counted, others of theirs come and go


class Namespaces(Trial):
    """The kernel's own separation, under everything else."""

    id = "namespaces"
    title = "Namespaces of its own"

    def source(self, ground: Ground) -> str:
        return f'tell(**{{name: os.readlink(f"/proc/self/ns/{{name}}") for name in {list(_NAMESPACES)!r}}})'

    def judge(self, facts: Facts, ground: Ground) -> Found:
        shared = [words for name, words in _NAMESPACES.items() if facts[name] == os.readlink(f"/proc/self/ns/{name}")]
        if shared:
            return lacking(ground, f"shared with this machine: {', '.join(shared)}")
        return holds(f"{', '.join(_NAMESPACES.values())}")


class OtherProcesses(Trial):
    """A process of the doctor's waits to be signalled, read or at least seen."""

    id = "other-processes"
    title = "Other processes out of reach"

    def source(self, ground: Ground) -> str:
        return f"""
            victims = ({ground.victim}, {os.getpid()})
            tell(
                signalled=[pid for pid in victims if attempt(os.kill, pid, 0) == "done"],
                read=[f"/proc/{{pid}}/{{name}}" for pid in victims for name in ("environ", "mem", "maps", "cmdline")
                      if attempt(open, f"/proc/{{pid}}/{{name}}", "rb") == "done"],
                listed=sorted(set(pids()) & set(victims)),
                seen=[pid for pid in victims if os.path.exists(f"/proc/{{pid}}")],
                first=os.getpid(),
            )
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["first"] == 1 and 1 in (os.getpid(), ground.victim):  # the same number inside is the student's own
            facts = replace(facts, told={**facts.told, **_without(facts, 1)})
        if facts["signalled"]:
            return off("a process of the doctor's could be signalled")
        if facts["read"]:
            return off(f"could be read: {', '.join(facts['read'])}")
        if facts["listed"] or facts["seen"]:
            return lacking(ground, "none can be signalled or read, but that one exists can be found out")
        return holds("a process of the doctor's could not be signalled, read or seen")


class ProcessLimit(Trial):
    """A fork bomb of a hundred, each of which sleeps for some seconds and ends."""

    id = "process-limit"
    title = "Processes limited"
    limits = replace(SMALL, memory_mib=1 << 16)  # what is shared is counted many times where it cannot be told
    heavy = True
    remedy = (
        "The limit on processes does not count for root: run the grader as an ordinary user, in a container with "
        "--user, or give it the capability CAP_SETUID so that it can become one."
    )

    def source(self, ground: Ground) -> str:
        return f"""
            born = 0
            for _ in range({_FORKS}):
                try:
                    if os.fork() == 0:
                        time.sleep(5)
                        os._exit(0)
                    born += 1
                except OSError:
                    break
            tell(born=born)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["born"] > self.limits.processes + _TOLERANCE:
            return off(f"{facts['born']} processes were started where {self.limits.processes} are allowed")
        return holds(f"{facts['born']} of {_FORKS} were started, where {self.limits.processes} are allowed")


class Daemons(Trial):
    """A double fork into a session of its own, which would sleep for half a minute."""

    id = "daemons"
    title = "Nothing outlives a session"

    def source(self, ground: Ground) -> str:
        raise NotImplementedError  # `attempt` writes it

    def attempt(self, ground: Ground) -> Facts:
        name = f"gd-{secrets.token_hex(5)}"
        source = f"""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"{name}", 0, 0, 0)
        os.close(3)
        time.sleep(30)
    os._exit(0)
os.wait()
time.sleep(0.1)
tell(born=True)
"""
        with ground.session(self.limits) as session:
            execute(session, source)
            before = processes_called(name)
            facts = self.run(session, "", ground)
        time.sleep(0.05)
        return replace(facts, told={**facts.told, "before": len(before), "after": len(processes_called(name))})

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["after"]:
            return off("a daemon still runs after its session was closed")
        if not facts["before"]:
            raise KeyError("daemon")  # processes of others are hidden from the doctor itself
        return holds("a daemon was gone when its session was closed")


def _without(facts: Facts, pid: int) -> dict[str, object]:
    return {
        "signalled": [each for each in facts["signalled"] if each != pid],
        "listed": [each for each in facts["listed"] if each != pid],
        "seen": [each for each in facts["seen"] if each != pid],
        "read": [path for path in facts["read"] if not path.startswith(f"/proc/{pid}/")],
    }
