"""A platform's own CSV, read and written back: delimiter, line ends, encoding and all that is not ours stay."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from grader.errors import OutputError, UsageError

_ENCODINGS = ("utf-8-sig", "cp1252")
_BOM = b"\xef\xbb\xbf"


@dataclass
class Sheet:
    """The table, and how it was written."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    delimiter: str
    newline: str
    bom: bool

    def column(self, *names: str) -> int | None:
        """Where the first of these names that there is stands."""
        plain = [name.strip().casefold() for name in self.header]
        return next((plain.index(name.casefold()) for name in names if name.casefold() in plain), None)

    def value(self, row: list[str], column: int | None) -> str:
        """What stands there; nothing where the row, or the table, has no such column."""
        return row[column].strip() if column is not None and column < len(row) else ""

    def put(self, row: list[str], column: int, value: str) -> None:
        """Write into a cell of a row that may have been cut short."""
        row.extend([""] * (column + 1 - len(row)))
        row[column] = value


def read_sheet(path: Path) -> Sheet:
    """Read a CSV with commas, semicolons or tabs.

    Raises:
        UsageError: there is none, or nothing is in it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--gradebook {path}: cannot be read: {error.strerror}") from error
    text = _decode(data)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"--gradebook {path}: is no CSV: {error}; export it again") from error
    if not rows or len(rows[0]) < 2:
        raise UsageError(f"--gradebook {path}: is no gradebook: no columns were found; export it again, as CSV")
    return Sheet(
        path=path,
        header=rows[0],
        rows=rows[1:],
        delimiter=delimiter,
        newline="\r\n" if "\r\n" in text else "\n",
        bom=data.startswith(_BOM),
    )


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Write it, as it was read.

    Raises:
        UsageError: that would write over what was read, or there is a folder in its place.
        OutputError: it cannot be written.
    """
    if path.exists() and path.samefile(sheet.path):
        raise UsageError(f"--output {path}: this is the gradebook that was read; name another file")
    stream = io.StringIO(newline="")
    rows = csv.writer(stream, delimiter=sheet.delimiter, lineterminator=sheet.newline)
    rows.writerow(sheet.header)
    rows.writerows(sheet.rows)
    try:
        path.write_bytes((_BOM if sheet.bom else b"") + stream.getvalue().encode())
    except IsADirectoryError as error:
        raise UsageError(f"--output {path}: this is a folder; name a file") from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def _decode(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
