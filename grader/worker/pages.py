"""Fewer, larger pages, because a fork copies one table entry for each.

After the imports a zygote holds more than 200 MiB in 4 KiB pages. Collapsed into 2 MiB pages, a fork with its
exit takes less than half the time. It is a request: a kernel that cannot (before 6.1) changes nothing.
"""

from __future__ import annotations

import ctypes

_LIBC = ctypes.CDLL(None, use_errno=True)
_HUGE = 2 << 20
_MADV_COLLAPSE = 25


def collapse() -> None:
    """Ask for huge pages under all private anonymous memory of this process."""
    with open("/proc/self/maps") as file:
        mappings = [line.split()[:5] for line in file]
    for span, access, _offset, _device, inode in mappings:
        if access != "rw-p" or inode != "0":
            continue
        low, high = (int(address, 16) for address in span.split("-"))
        low, high = -(-low // _HUGE) * _HUGE, high // _HUGE * _HUGE
        for block in range(low, high, _HUGE):
            _LIBC.madvise(ctypes.c_void_p(block), ctypes.c_size_t(_HUGE), _MADV_COLLAPSE)
