"""The walls that each child puts up around itself before a line of the student's runs.

Order matters, and each step closes a door that the next one no longer needs: namespaces, private mounts,
limits, capabilities, Landlock, and the system call filter last. Whatever fails raises OSError, and the child
ends without having run anything.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Mapping
from typing import Any

from grader.worker import landlock

_LIBC = ctypes.CDLL(None, use_errno=True)

_CLONE_NEWNS, _CLONE_NEWCGROUP, _CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x20000000, 0x40000000
_NAMESPACES = (
    _CLONE_NEWUSER | _CLONE_NEWPID | _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWUTS | _CLONE_NEWCGROUP | _CLONE_NEWNET
)
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = 1, 4, 22, 24
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 36, 38, 2
_CAPABILITY_VERSION_3 = 0x20080522

MIB = 1 << 20


def die_with_parent() -> None:
    """Be killed when the parent ends; a change of credentials clears this, so it is set again after one."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def become_subreaper() -> None:
    """Adopt every orphan below, so that a daemon's double fork does not get away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_dumpable(dumpable: bool) -> None:
    """Whether processes of the same user may look into this one, as the judge does to measure memory."""
    _prctl(_PR_SET_DUMPABLE, int(dumpable))


def enter_namespaces() -> None:
    """Own users, processes, mounts, network, IPC, host name and cgroup root; the next fork is PID 1."""
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", _NAMESPACES)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount_private(scratch: str, limits: Mapping[str, Any]) -> None:
    """Fresh scratch, /dev/shm and /proc: capped, empty, and seen by this child alone."""
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    for target, size in ((scratch, limits["scratch_mib"]), ("/dev/shm", limits["shm_mib"])):
        options = f"size={size}m,nr_inodes={limits['inodes']},mode=700".encode()
        _call("mount", b"tmpfs", target.encode(), b"tmpfs", _MS_NOSUID | _MS_NODEV, options)
    _call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)


def limit_resources(limits: Mapping[str, Any]) -> None:
    """Ceilings that the kernel keeps.

    The address space counts, not the data segment, which shared anonymous memory escapes. What torch has
    mapped by now is no fault of the student's and comes on top.
    """
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    for kind, ceiling in (
        (resource.RLIMIT_AS, mapped + limits["address_mib"] * MIB),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_mib"] * MIB),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_STACK, 16 * MIB),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_RTPRIO, 0),
    ):
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            ceiling = min(ceiling, hard)
        resource.setrlimit(kind, (ceiling, ceiling))


def drop_privileges() -> None:
    """No capability is left and none can be gained, by set-uid programs included."""
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # EINVAL beyond the kernel's last one
    _call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def restrict_files(readable: list[str], listable: list[str], scratch: str, *, namespaces: bool) -> None:
    """Landlock: read what the layout names, write to scratch alone.

    Without namespaces /dev/shm is the machine's own, shared with every other process, so it stays shut; and
    of /proc only this process's own folder is open. With them both are private, and Landlock is a second
    wall: a kernel that has none still has the first.
    """
    if namespaces and landlock.abi() == 0:
        return
    writable = [scratch, "/dev/null", "/dev/zero", "/dev/full"]
    if namespaces:
        writable.append("/dev/shm")
    else:
        readable = [*readable, "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/dev/urandom", "/dev/random"]
    landlock.restrict(readable, listable, writable)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def filter_system_calls(program: bytes) -> None:
    """Load the filter that the judge's side compiled."""
    buffer = ctypes.create_string_buffer(program, len(program))
    description = _Program(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(description), 0, 0)


def _prctl(option: int, value: int) -> None:
    _call("prctl", option, value, 0, 0, 0)


def _call(name: str, *arguments: Any) -> None:
    if getattr(_LIBC, name)(*arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
