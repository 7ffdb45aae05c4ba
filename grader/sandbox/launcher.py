"""Started as root with nothing but the standard library: arrange files, stop being root, run a program.

Run by path in a fresh interpreter, with one argument: a JSON object

    uid, gid    whom to become; never root again after that
    mounts      [[kind, what, path], ...] to put below /tmp in a mount namespace of our own: "bind" a folder
                or file read-only, a "device" as it is, a "link" to what, a "tmpfs" with what as its options;
                [] to leave the file system alone
    chroot      whether the program shall see the arrangement as its /
    argv        the program, by its full path: the standard library may be out of reach by then

Why not root: the limit on processes does not count for it, and bubblewrap started by root covers parts of
/proc, whereupon the kernel refuses each child a /proc of its own. Why mounts: what lies below root's home
cannot be reached by another user, so it is bound elsewhere while that is still allowed.
"""

import ctypes
import json
import os
import stat
import sys

STAGE = "/tmp"  # every machine has it, and its old content is out of the way once it is covered
_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND = 1, 2, 4, 32, 4096
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_PR_CAPBSET_DROP = 24


def main() -> None:
    plan = json.loads(sys.argv[1])
    if plan["mounts"]:
        _arrange(plan["mounts"])
    for capability in range(64):
        _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # EINVAL beyond the kernel's last one
    os.setgroups([])
    os.setresgid(plan["gid"], plan["gid"], plan["gid"])
    if plan["chroot"]:
        os.chroot(STAGE)
    os.chdir("/")
    os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    os.execv(plan["argv"][0], plan["argv"])


def _arrange(mounts: list[list[str]]) -> None:
    if _LIBC.unshare(_CLONE_NEWNS) < 0:
        _fail("unshare")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    # Sources are opened before the stage covers those that lie in the same folder.
    sources = [os.open(what, os.O_PATH) if kind in ("bind", "device") else -1 for kind, what, _ in mounts]
    _mount("tmpfs", STAGE, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    for source, (kind, what, path) in zip(sources, mounts, strict=True):
        _put(source, kind, what, STAGE + path)


def _put(source: int, kind: str, what: str, target: str) -> None:
    is_folder = kind == "tmpfs" or (source >= 0 and stat.S_ISDIR(os.fstat(source).st_mode))
    os.makedirs(target if is_folder else os.path.dirname(target), mode=0o755, exist_ok=True)
    if kind == "link":
        os.symlink(what, target)
    elif kind == "tmpfs":
        _mount("tmpfs", target, "tmpfs", _MS_NOSUID | _MS_NODEV, what)
    else:
        if not is_folder:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        _mount(f"/proc/self/fd/{source}", target, None, _MS_BIND | _MS_REC)
        if kind == "bind":
            _mount("none", target, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID)
        os.close(source)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    arguments = [None if text is None else text.encode() for text in (source, target, kind, data)]
    if _LIBC.mount(arguments[0], arguments[1], arguments[2], flags, arguments[3]) < 0:
        _fail(f"mount {target}")


def _fail(what: str) -> None:
    code = ctypes.get_errno()
    sys.exit(f"{what}: {os.strerror(code)}")


if __name__ == "__main__":
    main()
