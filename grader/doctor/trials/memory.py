"""Memory: asked for at once, grown step by step, and spread over processes."""

from __future__ import annotations

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import SMALL, Facts, Found, Trial, holds, off

_STEP, _MOST = 16, 896  # MiB: above what the kernel's ceiling leaves, and still no harm
_CHILDREN, _EACH = 5, 160
_REMEDY = (
    "The kernel does not count memory here: use a kernel with /proc/PID/smaps_rollup, and do not run under gVisor."
)


class MemoryAtOnce(Trial):
    """Four gibibytes that are never touched."""

    id = "memory-at-once"
    title = "Absurd requests for memory fail"
    limits = SMALL
    heavy = True
    remedy = _REMEDY

    def source(self, ground: Ground) -> str:
        return """
            import mmap, torch
            tell(tensor=attempt(torch.empty, 1 << 30), mapping=attempt(mmap.mmap, -1, 4 << 30))
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        got = [name for name in ("tensor", "mapping") if facts[name] == "done"]
        if got:
            return off(f"4 GiB were given where {self.limits.memory_mib} MiB are allowed: {' and '.join(got)}")
        return holds(f"4 GiB were refused where {self.limits.memory_mib} MiB are allowed")


class MemoryGrowth(Trial):
    """Step by step, and every page touched."""

    id = "memory-growth"
    title = "Memory limited"
    limits = SMALL
    heavy = True
    needs_mib = _MOST + 512
    remedy = _REMEDY

    def source(self, ground: Ground) -> str:
        return f"""
            kept = []
            try:
                while len(kept) < {_MOST // _STEP}:
                    kept.append(bytearray(b"x") * ({_STEP} << 20))
                    tell(mib={_STEP} * len(kept))
                tell(refused=False)
            except MemoryError:
                tell(refused=True)
            finally:
                kept.clear()
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        mib = facts["mib"]
        if facts.ended == "StudentOutOfMemory":
            return holds(f"stopped after {mib} MiB of its own, where {self.limits.memory_mib} are allowed in all")
        if facts["refused"]:
            return holds(f"refused after {mib} MiB, where {self.limits.memory_mib} are allowed in all")
        return off(f"grew to {mib} MiB, where {self.limits.memory_mib} are allowed")


class MemoryTogether(Trial):
    """Five processes, each within the limit."""

    id = "memory-together"
    title = "Memory counted over all processes"
    limits = SMALL
    heavy = True
    needs_mib = _CHILDREN * _EACH + 512
    remedy = _REMEDY

    def source(self, ground: Ground) -> str:
        return f"""
            full, say = os.pipe()
            for _ in range({_CHILDREN}):
                if os.fork() == 0:
                    with contextlib.suppress(MemoryError):
                        block = bytearray(b"x") * ({_EACH} << 20)
                        os.write(say, b"x")
                    time.sleep(5)
                    os._exit(0)
            os.close(say)
            filled = 0
            while filled < {_CHILDREN} and (said := os.read(full, {_CHILDREN})):
                filled += len(said)
            time.sleep(0.5)
            tell(filled=filled)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        whole = f"{_CHILDREN} × {_EACH} MiB, where {self.limits.memory_mib} are allowed"
        if facts.ended == "StudentOutOfMemory":
            return holds(f"stopped on the way to {whole}")
        if facts["filled"] == _CHILDREN:
            return off(f"not stopped with {whole}")
        return holds(f"refused on the way to {whole}")
