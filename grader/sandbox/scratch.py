"""The size of a scratch folder that no mount caps."""

from __future__ import annotations

import os


def exceeds(folder: str, *, mib: int, inodes: int) -> bool:
    """Whether a folder holds more than it may.

    A student fills it, so depth, names and missing permissions are theirs to choose: what cannot be measured
    counts as too much, and nothing recurses.
    """
    todo, entries, blocks = [folder], 0, 0
    while todo:
        path = todo.pop()
        try:
            with os.scandir(path) as listing:
                for entry in listing:
                    entries += 1
                    blocks += entry.stat(follow_symlinks=False).st_blocks
                    if entries > inodes or blocks * 512 > mib << 20:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:
            return True
    return False
