"""Which system calls are refused.

Compiled here, where libseccomp may be loaded; the processes behind the wall only load the finished bytes.
The outer filter holds for the zygote, which still has to make namespaces and mounts for each child. The inner
one is a superset, loaded by each child last of all. Both allow by default: torch and the libraries under it
use too many calls, different ones on each release, for a list of permitted ones to last.
"""

from __future__ import annotations

import functools
import tempfile
from errno import EAFNOSUPPORT, ENOSYS, EPERM
from typing import Any

import pyseccomp

from grader.errors import WallError

# No program that a student hands in has a use for these, and holes were found behind many of them.
_NEVER = """
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd bpf perf_event_open
    userfaultfd io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl kexec_load
    kexec_file_load init_module finit_module delete_module open_by_handle_at name_to_handle_at
    fanotify_init quotactl quotactl_fd swapon swapoff acct reboot syslog vhangup ioperm iopl nfsservctl
    lookup_dcookie settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname mbind
    set_mempolicy migrate_pages move_pages vmsplice modify_ldt uselib ustat sysfs remap_file_pages
""".split()

# What the zygote needs to build a jail and its inmate must not have. memfd, SysV and POSIX queues hold
# memory that no limit sees.
_NOT_INSIDE = """
    memfd_create memfd_secret mount umount2 pivot_root chroot unshare setns move_mount open_tree fsopen
    fsconfig fsmount fspick mount_setattr open_tree_attr setuid setgid setreuid
    setregid setresuid setresgid setgroups setfsuid setfsgid capset mknod mknodat personality
    shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl semget semop semctl semtimedop semtimedop_time64
    mq_open mq_unlink
    setpriority ioprio_set sched_setscheduler sched_setparam sched_setattr sched_setaffinity
""".split()

# Landlock governs what is opened, not what is renamed in place: without a mount namespace around, these
# reach the modes, owners and times of every file of the same user.
_NOT_ON_SHARED_FILES = """
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat utimensat
    setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat file_setattr
""".split()

# Calls that a libseccomp may be too old to know; from 424 on the numbers are the same everywhere.
_RECENT = {
    "mount_setattr": 442, "quotactl_fd": 443, "memfd_secret": 447, "fchmodat2": 452, "setxattrat": 463,
    "removexattrat": 466, "open_tree_attr": 467, "file_setattr": 469,
}  # fmt: skip
_UNKNOWN = -1

_NAMESPACE_FLAGS = (
    0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET = 1, 1, 5
_SOCK_TYPE = 0xF


@functools.cache
def outer() -> bytes:
    """The filter for bubblewrap and the zygote."""
    return _compile(_common())


@functools.cache
def inner(*, namespaces: bool) -> bytes:
    """The filter for a student's process; stricter where no namespaces stand behind it."""
    policy = _common()
    for name in _NOT_INSIDE:
        _deny(policy, name)
    # "Not equal" and not one rule a family: the filter compares 64 bits where the kernel reads 32, so that
    # a family plus 1 << 32 would slip past a rule that names it.
    not_unix = pyseccomp.Arg(0, pyseccomp.NE, _AF_UNIX)
    _deny(policy, "socketpair", not_unix, error=EAFNOSUPPORT)
    _deny(policy, "clone3", error=ENOSYS)  # its flags lie behind a pointer; libc then falls back to clone
    for flag in _NAMESPACE_FLAGS:
        _deny(policy, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    # Limits of other processes of the same user are none of a student's business.
    _deny(policy, "prlimit64", pyseccomp.Arg(0, pyseccomp.NE, 0))
    if namespaces:
        _deny(policy, "socket", not_unix, error=EAFNOSUPPORT)
    else:
        # Landlock does not stop a connection to a socket file, and the session bus of the user who runs
        # the grader is one: no sockets at all, and no pair on which an address could be named.
        _deny(policy, "socket", error=EAFNOSUPPORT)
        _deny(policy, "connect")
        for kind in range(_SOCK_TYPE + 1):
            if kind not in (_SOCK_STREAM, _SOCK_SEQPACKET):
                wrong = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _SOCK_TYPE, kind)
                _deny(policy, "socketpair", wrong, error=EAFNOSUPPORT)
        for name in _NOT_ON_SHARED_FILES:
            _deny(policy, name)
    return _compile(policy)


def _common() -> Any:
    policy = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in _NEVER:
        _deny(policy, name)
    for request in (_TIOCSTI, _TIOCLINUX):
        _deny(policy, "ioctl", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request))
    return policy


def _deny(policy: Any, name: str, *conditions: Any, error: int = EPERM) -> None:
    number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    if number == _UNKNOWN:
        number = _RECENT.get(name, _UNKNOWN)
    if number >= 0:  # else this architecture has no such call
        policy.add_rule(pyseccomp.ERRNO(error), number, *conditions)


def _compile(policy: Any) -> bytes:
    try:
        with tempfile.TemporaryFile() as file:
            policy.export_bpf(file)
            file.seek(0)
            return file.read()
    except OSError as error:
        raise WallError(f"the system call filter cannot be compiled: {error}") from error
