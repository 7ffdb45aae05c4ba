"""No power over the machine, and no call by which one was ever gained."""

from __future__ import annotations

import pyseccomp

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import Facts, Found, Trial, holds, off, weaker

# Numbers for a libseccomp that does not know them: from 424 on they are the same on every architecture.
_RECENT = {"io_uring_setup": 425, "clone3": 435, "memfd_secret": 447}

# Each with arguments that come to nothing where the call is allowed: another error is then the answer.
# None stands for a null pointer; a flag that does not exist, a descriptor that is not open, a size of nothing.
_CALLS: dict[str, tuple[int | None, ...]] = {
    "unshare": (1,),
    "setns": (-1, 0),
    "clone": (0x10000000 | 0x200 | 17, 0, 0, 0, 0),  # a user namespace, and a file system shared beside it
    "clone3": (None, 0),
    "mount": (None, None, None, 0, None),
    "umount2": (None, 0),
    "pivot_root": (None, None),
    "chroot": (None,),
    "open_tree": (-1, None, 0xFFFFFFFF),
    "ptrace": (0x4200, 0, 0, 0),
    "process_vm_readv": (0, None, 0, None, 0, 0xFFFF),
    "bpf": (0xFFFF, None, 0),
    "perf_event_open": (None, 0, -1, -1, 0),
    "userfaultfd": (0x7,),
    "io_uring_setup": (1, None),
    "keyctl": (0x7FFFFFFF, 0, 0, 0, 0),
    "add_key": (None, None, None, 0, 0),
    "memfd_create": (None, 0),
    "memfd_secret": (0xFFFF,),
    "shmget": (0, 0, 0),
    "mq_open": (None, 0, 0, None),
    "open_by_handle_at": (-1, None, 0),
    "kexec_load": (0, 0xFFFFFFFF, None, 0xFFFF),
    "init_module": (None, 0, None),
    "personality": (0xFFFFFFFF,),
}
_REFUSALS = (1, 38, 97)  # EPERM, ENOSYS, EAFNOSUPPORT
_TIOCSTI = 0x5412


class Privileges(Trial):
    """What the kernel says that the process may."""

    id = "privileges"
    title = "No privileges"

    def source(self, ground: Ground) -> str:
        return """
            with open("/proc/self/status") as file:
                status = dict(line.split(":", 1) for line in file)
            tell(uid=os.getuid(), seccomp=int(status["Seccomp"]), no_new_privileges=int(status["NoNewPrivs"]),
                 capabilities=[name for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")
                               if int(status[name], 16)])
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        wrong = []
        if facts["capabilities"]:
            wrong.append(f"capabilities are left ({', '.join(facts['capabilities'])})")
        if facts["no_new_privileges"] != 1:
            wrong.append("programs may gain privileges")
        if facts["seccomp"] != 2:
            wrong.append("no filter of system calls is loaded")
        if wrong:
            return off("; ".join(wrong))
        if facts["uid"] == 0:
            return weaker("root without capabilities: there is no other user here to become")
        return holds("an ordinary user, no capability, none to be gained, the filter is loaded")


class SystemCalls(Trial):
    """Namespaces, mounts, tracing, keys, and memory that no limit sees."""

    id = "system-calls"
    title = "Dangerous system calls refused"
    remedy = "The filter is not the one that was compiled here. Use libseccomp 2.5 or newer, and reinstall pyseccomp."

    def source(self, ground: Ground) -> str:
        numbers = {name: _number(name) for name in _CALLS}
        calls = {name: (number, *_CALLS[name]) for name, number in numbers.items() if number >= 0}
        return f"""
            libc = ctypes.CDLL(None, use_errno=True)
            def refused(call, arguments):
                ctypes.set_errno(0)
                words = [ctypes.c_long(word) if word is not None else None for word in arguments]
                return call(*words) == -1 and ctypes.get_errno() in {_REFUSALS}
            calls = {calls!r}
            allowed = [name for name, words in calls.items() if not refused(libc.syscall, words)]
            tell(allowed=allowed, tried=len(calls) + 1, typing=refused(libc.ioctl, (0, {_TIOCSTI}, None)))
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        allowed = [*facts["allowed"], *([] if facts["typing"] else ["ioctl(TIOCSTI)"])]
        if allowed:
            return off(f"allowed: {', '.join(allowed)}")
        return holds(f"{facts['tried']} of {facts['tried']} that were tried")


def _number(name: str) -> int:
    number = int(pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name))
    return number if number >= 0 else _RECENT.get(name, -1)
