"""A file of lines that only grows, of which a process that is killed loses nothing but the line it was writing.

    1f3c09ab {"student": "anna", ...}

Every line has a checksum of its own, and is written in one call. `kill -9` loses nothing that was written,
since the kernel keeps it: so there is no fsync, which would cost up to a tenth of a second a line. After a
power cut lines may be missing or damaged: those are not read, and whoever relies on a line says in it what
else must be on the disk (see `grader.spool`).
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from grader.errors import OutputError

_SUM = 8  # hexadecimal digits of a CRC-32, which sees every single changed byte


class Journal:
    """Lines of bytes, each found again by its offset."""

    def __init__(self, path: Path | None = None) -> None:
        """Open a journal that is there, without what was written of a last line by halves, or begin one.

        Args:
            path: None for a file without a name, which nobody finds again.

        Raises:
            OSError: it cannot be opened.
        """
        self._path = path
        if path is None:
            self._file = tempfile.TemporaryFile(prefix="grader-journal-", buffering=0)  # noqa: SIM115  see `close`
        else:
            self._file = path.open("a+b", buffering=0)
        # With a position of its own: a duplicate of the descriptor would be moved by every write.
        self._reader = open(f"/proc/self/fd/{self._file.fileno()}", "rb")  # noqa: SIM115
        self._file.truncate(self._end_of_last_line())

    def append(self, line: bytes) -> int:
        """Write a line; its offset.

        Raises:
            OutputError: there is no room; the lines before it are whole.
        """
        if b"\n" in line:
            raise ValueError("a line has no line feed in it")
        offset = self._file.seek(0, os.SEEK_END)
        data = _checksum(line) + b" " + line + b"\n"
        try:
            written = self._file.write(data)
            if written != len(data):  # the rest has no room, and to ask for it says why
                self._file.write(data[written:])
        except OSError as error:
            self._file.truncate(offset)
            raise OutputError(f"{self._path or 'temporary files'}: cannot be written: {error.strerror}") from error
        return offset

    def at(self, offset: int) -> bytes:
        """The line that was written at this offset.

        Raises:
            OutputError: it is no longer there.
        """
        self._reader.seek(offset)
        line = _whole(self._reader.readline())
        if line is None:
            raise OutputError(f"{self._path or 'a temporary file'}: was changed by another program")
        return line

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Offset and line, for every line that is as it was written; of one that is not, nothing."""
        offset = 0
        while True:
            self._reader.seek(offset)
            data = self._reader.readline()
            if not data:
                return
            if (line := _whole(data)) is not None:
                yield offset, line
            offset += len(data)

    def clear(self) -> None:
        """Forget all lines."""
        self._file.truncate(0)

    def remove(self) -> None:
        """Take the file away; it stays open."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file, and take it away where it holds nothing."""
        if not self._file.closed and self._file.seek(0, os.SEEK_END) == 0:
            self.remove()
        self._reader.close()
        self._file.close()

    def _end_of_last_line(self) -> int:
        end = self._file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65_536)
            self._reader.seek(start)
            found = self._reader.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
        return 0


def _checksum(line: bytes) -> bytes:
    return f"{zlib.crc32(line):0{_SUM}x}".encode()


def _whole(data: bytes) -> bytes | None:
    """The line in what was read, if it is one and as it was written."""
    line = data[_SUM + 1 : -1]
    return line if data == _checksum(line) + b" " + line + b"\n" else None
