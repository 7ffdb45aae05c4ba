"""Files: how much and how many."""

from __future__ import annotations

from grader.doctor.ground import Ground
from grader.doctor.trials._trial import SMALL, Facts, Found, Trial, holds, lacking, off
from grader.sandbox import Isolation

_MOST_MIB = 320
_MOST_FILES = 45_000
_WATCHED = 1.2  # seconds: a folder is looked at every half second


class DiskLimit(Trial):
    """Some hundred mebibytes in scratch and shared memory, with a pause at twice the limit for who watches."""

    id = "disk-limit"
    title = "Disk space limited"
    limits = SMALL
    heavy = True
    needs_mib = _MOST_MIB + 512  # where scratch lies in memory

    def source(self, ground: Ground) -> str:
        most = self.limits.scratch_mib + self.limits.shm_mib
        return f"""
            written, block, kept = 0, bytes(1 << 20), []
            for folder in ("/dev/shm", "."):
                with contextlib.suppress(OSError):
                    for number in range({_MOST_MIB}):
                        if number % {self.limits.file_mib} == 0:
                            path = os.path.join(folder, f"fill{{number}}-{ground.secret}")
                            kept.append(open(path, "xb", buffering=0))
                            if folder != ".":  # nothing is left behind where that is not the session's own
                                os.unlink(path)
                        written += kept[-1].write(block)
                        tell(mib=written >> 20)
                        if written == {2 * most} << 20:
                            time.sleep({_pause(ground)})
                        if written >= {_MOST_MIB} << 20:
                            break
            tell(mib=written >> 20)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        mib, limit = facts["mib"], self.limits.scratch_mib + self.limits.shm_mib
        if mib >= _MOST_MIB:
            return off(f"{mib} MiB were written where {limit} are allowed")
        if mib > limit:
            how = "the process was stopped" if facts.ended else "the space of all sessions together was used up"
            return lacking(ground, f"after {mib} MiB {how}, where {limit} are allowed")
        return holds(f"{mib} MiB were written, where {limit} are allowed")


class FileCount(Trial):
    """Empty files, which take no space, but are not without number on any disk."""

    id = "file-count"
    title = "Number of files limited"
    limits = SMALL
    heavy = True

    def source(self, ground: Ground) -> str:
        return f"""
            made = 0
            with contextlib.suppress(OSError):
                for made in range({_MOST_FILES}):
                    os.close(os.open(f"f{{made}}", os.O_CREAT | os.O_WRONLY))
                    if made % 500 == 0:
                        tell(made=made)
                    if made == {2 * self.limits.inodes}:
                        time.sleep({_pause(ground)})
            tell(made=made)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        made, limit = facts["made"], self.limits.inodes
        if made >= _MOST_FILES - 1:
            return off(f"{made + 1} files were made where {limit} are allowed")
        if made > limit:
            how = "the process was stopped" if facts.ended else "those of all sessions together were used up"
            return lacking(ground, f"after {made} files {how}, where {limit} are allowed")
        return holds(f"{made} files were made, where {limit} are allowed")


def _pause(ground: Ground) -> float:
    """Time for who watches a folder; behind bubblewrap the mount itself is capped, and nobody watches."""
    return 0 if ground.isolation is Isolation.BWRAP else _WATCHED
