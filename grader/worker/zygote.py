"""One process that imports everything once and then forks a jailed child for each submission.

    judge ──control──▶ zygote ──fork──▶ keeper ──fork──▶ student (PID 1 of its own namespace)
      ▲                                   │ report: pidfd, "jailed", exit status │
      └───────────────────────────────────┴──────────────────────────────────────┘

The zygote itself never runs a student's code and never sees a secret. Each request on the control socket
carries the limits of one session and four descriptors: the student's channel, its output pipe, the pipe on which it
says where it is, and the report socket, so that sessions share nothing and may overlap.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any

from grader.worker import jail, pages, whereabouts

RPC = 3  # the descriptor on which the student's process answers; 0, 1 and 2 are the usual ones
_REPORT = whereabouts.PLACES + 1


def main() -> None:
    """Warm up, say so, then fork on request until the judge hangs up."""
    folder, control = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(folder, "inner.bpf"), "rb") as file:
        program = file.read()
    if not config["namespaces"]:
        jail.die_with_parent()  # bubblewrap sees to it otherwise
    _warm_up()
    if config["processor"] is not None:
        os.sched_setaffinity(0, [config["processor"]])  # after the warm-up, which is ours and uses what there is
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"{threads} threads after the warm-up: a fork would copy one and hang on the others")
    control.send(json.dumps({"ready": True}).encode())
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
        _reap()
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _keep(json.loads(message), config, program, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _warm_up() -> None:
    gc.disable()  # while what stays is loaded, a tenth of the time would go into looking for garbage in it
    import site

    import torch

    torch.set_num_threads(1)  # before any operation: a thread pool does not survive a fork
    torch.set_num_interop_threads(1)
    site.setquit()  # the interpreter runs without `site`, which would make these
    site.setcopyright()
    site.sethelper()

    from grader.worker import operations, serve  # noqa: F401  imported here for the children

    operations.warm_up()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page
    gc.enable()
    pages.collapse()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(limits: dict[str, Any], config: dict[str, Any], program: bytes, descriptors: list[int]) -> None:
    """The keeper: puts the student into namespaces, waits for its end, clears up. Never returns."""
    channel, output, places, report_descriptor = descriptors
    report = socket.socket(fileno=report_descriptor)
    scratch: str = config["scratch"]
    try:
        jail.die_with_parent()
        if config["namespaces"]:
            jail.enter_namespaces()
            jail.die_with_parent()
        else:
            jail.become_subreaper()
            jail.set_dumpable(False)
            scratch = os.path.join(scratch, limits["folder"])
            os.mkdir(scratch, 0o700)
        student = os.fork()
        if student == 0:
            _become_student(limits, config, program, scratch, (channel, output, places, report))
        os.close(channel)
        os.close(output)
        os.close(places)
        pidfd = os.pidfd_open(student)
        socket.send_fds(report, [json.dumps({"forked": True}).encode()], [pidfd])
        os.close(pidfd)
        _, status = os.waitpid(student, 0)
        if not config["namespaces"]:
            _kill_strays()
            _remove(scratch)  # before the word is given: the next session shares the space
        _tell(report, {"status": status})
    except BaseException as error:
        _tell(report, {"failed": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def _become_student(
    limits: dict[str, Any],
    config: dict[str, Any],
    program: bytes,
    scratch: str,
    descriptors: tuple[int, int, int, socket.socket],
) -> None:
    """Put up the walls, then answer requests. Never returns."""
    channel, output, places, report = descriptors
    try:
        jail.die_with_parent()
        _arrange_descriptors(channel, output, places, report.fileno())
        report.detach()
        report = socket.socket(fileno=_REPORT)
        os.environ.update(HOME=scratch, TMPDIR=scratch, MPLCONFIGDIR=scratch)
        if config["namespaces"]:
            jail.mount_private(scratch, limits)
        else:
            jail.set_dumpable(True)
        os.chdir(scratch)
        sys.path.insert(0, scratch)  # as for a notebook: what lies beside it can be imported
        sys.argv = ["notebook.py"]  # nobody gave arguments to an argparse
        jail.limit_resources(limits)
        if config["walls"]:
            jail.drop_privileges()
            jail.restrict_files(config["readable"], config["listable"], scratch, namespaces=config["namespaces"])
            jail.filter_system_calls(program)
    except BaseException as error:
        _tell(report, {"failed": f"{type(error).__name__}: {error}"})
        os._exit(1)
    _tell(report, {"jailed": True})
    report.close()  # nothing but its answers can leave a student's process

    from grader.worker.serve import serve

    whereabouts.start()
    serve(socket.socket(fileno=RPC))


def _arrange_descriptors(channel: int, output: int, places: int, report: int) -> None:
    """0 to 3 as a program expects them, places and report above; every other descriptor is closed."""
    sources = [os.open("/dev/null", os.O_RDWR), output, output, channel, places, report]
    high = [os.dup2(source, 100 + target) for target, source in enumerate(sources)]
    for target, source in enumerate(high):
        os.dup2(source, target)
    os.closerange(_REPORT + 1, 1 << 16)


def _kill_strays() -> None:
    """Kill every descendant until none is left; orphans come to the keeper, which is their subreaper."""
    while children := _children(os.getpid()):
        todo = list(children)
        while todo:
            pid = todo.pop()
            todo.extend(_children(pid))
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def _remove(folder: str) -> None:
    """Delete a folder that a student filled: neither depth nor missing permissions may stop this."""
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # most leave it empty
        return
    for command in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        subprocess.run(
            [*command, "--", folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip


def _tell(report: socket.socket, message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        report.send(json.dumps(message).encode())
