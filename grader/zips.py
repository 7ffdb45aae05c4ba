"""Zips that hold the same bytes whenever, wherever and by whomever they are made."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_UNIX = 3  # so that the rights count


def zip_of(files: Mapping[str, bytes], *, compression: int, programs: Collection[str] = ()) -> bytes:
    """The zip with these files, in the order of their names.

    Args:
        compression: of `zipfile`; what ZIP_DEFLATED gives depends on the library's version.
        programs: those of the files that can be run.
    """
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = _UNIX
            entry.external_attr = (0o100755 if name in programs else 0o100644) << 16
            entry.compress_type = compression
            archive.writestr(entry, content)
    return whole.getvalue()
