"""Names of students, kept on disk and found by number."""

from __future__ import annotations

import tempfile
from array import array

from grader.closing import Closing


class Names(Closing):
    """A list of names in a temporary file: eight bytes of memory each."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self._ends = array("q", [0])

    def append(self, name: str) -> int:
        """Keep a name. All are kept before the first is asked for. Returns its number, counted from 0."""
        self._ends.append(self._ends[-1] + self._file.write(name.encode("utf-8", "replace")))
        return len(self._ends) - 2

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode("utf-8")

    def close(self) -> None:
        self._file.close()
