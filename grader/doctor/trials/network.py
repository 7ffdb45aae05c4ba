"""Nothing and nobody can be reached by a socket."""

from __future__ import annotations

from dataclasses import replace

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import Facts, Found, Trial, holds, off

_REMEDY = (
    "The network namespace or the filter of system calls is not in force. Use libseccomp 2.5 or newer and a kernel "
    "with CONFIG_NET_NS and CONFIG_SECCOMP_FILTER, and grade nothing of others until this line holds."
)


class _Closed(Trial):
    """A trial at whose end nobody may have arrived at the doctor's listeners."""

    remedy = _REMEDY

    def attempt(self, ground: Ground) -> Facts:
        ground.arrivals()
        facts = super().attempt(ground)
        return replace(facts, told={**facts.told, "arrivals": ground.arrivals()})


class Network(_Closed):
    """The world, this machine's ports, and the kernel's own families."""

    id = "network"
    title = "No network"

    def source(self, ground: Ground) -> str:
        return f"""
            def reach(family, kind, address):
                with socket.socket(family, kind) as s:
                    s.settimeout(1)
                    s.connect(address)
            def ask(family, kind):
                socket.socket(family, kind).close()
            tell(
                reached=[name for name, *how in (
                    ("IPv4", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {ground.port})),
                    ("IPv6", socket.AF_INET6, socket.SOCK_STREAM, ("::ffff:127.0.0.1", {ground.port})),
                ) if attempt(reach, *how) == "done"],
                made=[name for name, family, kind in (
                    ("IPv4", socket.AF_INET, socket.SOCK_STREAM), ("UDP", socket.AF_INET, socket.SOCK_DGRAM),
                    ("IPv6", socket.AF_INET6, socket.SOCK_STREAM), ("netlink", 16, socket.SOCK_RAW),
                    ("packet", 17, socket.SOCK_RAW), ("vsock", 40, socket.SOCK_STREAM),
                    ("kernel crypto", 38, socket.SOCK_SEQPACKET),
                ) if attempt(ask, family, kind) == "done"],
            )
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["reached"] or facts["arrivals"]:
            return off(f"a port of this machine was reached over {' and '.join(facts['reached']) or 'a socket'}")
        if facts["made"]:
            return off(f"sockets can be made: {', '.join(facts['made'])}")
        return holds("no socket of seven families can be made, and the doctor's port was not reached")


class LocalSockets(_Closed):
    """A session bus or the socket of a container engine hands out more than a file does."""

    id = "local-sockets"
    title = "No way to local sockets"

    def source(self, ground: Ground) -> str:
        return f"""
            def reach(address):
                with socket.socket(socket.AF_UNIX) as s:
                    s.settimeout(1)
                    s.connect(address)
            tell(
                file=attempt(reach, {str(ground.folder / "socket")!r}),
                abstract=attempt(reach, "\\0" + {ground.abstract!r}),
            )
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        reached = [name for name in ("file", "abstract") if facts[name] == "done"]
        if reached or facts["arrivals"]:
            return off(f"a socket of the doctor's was reached: {' and '.join(reached) or 'by an unknown way'}")
        return holds("neither the socket with a file nor the abstract one was reached")
