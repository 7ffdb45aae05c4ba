"""Unpack zips that may be hostile. Nothing raised here ever ends a run: it becomes a `problem`.

Members are written under numbers, never under their own names, so no name can lead anywhere. Only what can
be a submission is unpacked. The limits hold for what is really written, not for what the archive says.
"""

from __future__ import annotations

import io
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from grader.language import later
from grader.submission.endings import ending

MIB = 2**20

MAX_CONTENTS = 16 * MIB  # of the table of contents, which is read into memory as a whole
MAX_MEMBERS = 50_000
MAX_SUBMISSIONS = 1000  # notebooks, Python files and zips in one zip among others, and in the zips in it
MAX_DEPTH = 24
MAX_MEMBER = {".ipynb": 50 * MIB, ".py": 50 * MIB, ".zip": 256 * MIB}
MAX_TOTAL = 8192 * MIB  # of one run: a class of thousands fits
MAX_ONE_STUDENT = 1024 * MIB  # of one zip among others, so that one bomb leaves room for the rest
MAX_RATIO = 200  # a notebook full of equal output comes to 50
RATIO_COUNTS_FROM = 4 * MIB

# `zipfile` unpacks deflate bit by bit. What it reads of the others it unpacks at once: 1 KB of bzip2 fills 4 GB.
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_CHUNK = 256 * 1024
# What is found here is found before the language is known in which it is said.
_AGAIN = later("zip the notebook again and hand that in, or hand in the notebook itself")
_BROKEN = later("it is broken")


@dataclass(frozen=True)
class Member:
    """One entry of an archive; `path` is where its content lies now."""

    parts: tuple[str, ...]
    path: Path
    is_folder: bool = False
    problem: str = ""


@dataclass
class Allowance:
    """What is left for one zip and the zips in it, so that zips in a zip gain a student nothing."""

    content: int
    submissions: int
    members: int

    def take(self, infos: list[zipfile.ZipInfo]) -> None:
        """Count what an archive holds, before any of it is unpacked."""
        submissions = sum(_limit(info.filename) is not None for info in infos)
        before, self.members = self.members, self.members - len(infos)
        if self.members < 0:
            self.members = 0
            raise _RefusedError(later("it holds {n} files, and at most {most} are unpacked", n=len(infos), most=before))
        before, self.submissions = self.submissions, self.submissions - submissions
        if self.submissions < 0:
            self.submissions = 0
            text = later("it holds {n} notebooks or zips, and at most {most} are unpacked", n=submissions, most=before)
            raise _RefusedError(text)


class _RefusedError(Exception):
    """This entry, or this archive, is not unpacked, and why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Bounded(io.FileIO):
    """A file that does not hand out much at once: `zipfile` reads the table of contents in one call."""

    def read(self, size: int | None = -1, /) -> bytes | None:  # type: ignore[override]  # typeshed: bytes
        if size is not None and size > MAX_CONTENTS:
            raise _RefusedError(later("its table of contents is too long"))
        return super().read(-1 if size is None else size)


class Unpacker:
    """Unpacks archives below one folder, which its owner removes. Keeps count over all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        self._files = 0

    def allowance(self, *, is_whole_class: bool) -> Allowance:
        """What may be unpacked of an archive and the archives in it."""
        if is_whole_class:
            return Allowance(MAX_TOTAL, MAX_MEMBERS, MAX_MEMBERS)
        return Allowance(MAX_ONE_STUDENT, MAX_SUBMISSIONS, MAX_MEMBERS)

    def unpack(self, path: Path, allowance: Allowance) -> tuple[str, list[Member]]:
        """What is wrong with the archive as a whole ("" if nothing), and its members, sorted."""
        members: list[Member] = []
        try:
            if allowance.members == 0:
                raise _RefusedError(later("the zips around and beside it hold too many files"))
            with _Bounded(path) as file, zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
                allowance.take(infos)
                for info in sorted(infos, key=lambda info: info.filename):
                    member = self._member(archive, info, allowance)
                    if member is not None:
                        members.append(member)
        except _RefusedError as refusal:
            return _not_opened(refusal.why), members
        except OSError as error:
            return _not_opened(error.strerror or _BROKEN), members
        except Exception:
            # Broken archives make `zipfile` raise a dozen kinds of errors, from BadZipFile to struct.error.
            return later("the zip is broken or was not uploaded completely; {remedy}", remedy=_AGAIN), members
        return "", members

    def _member(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> Member | None:
        """The entry, unpacked if it can be a submission; None if it is of no interest."""
        names = info.filename.replace("\\", "/").split("/")
        parts = tuple(readable(name.encode("utf-8", "replace")) for name in names if name not in ("", "."))
        if not parts or len(parts) > MAX_DEPTH:
            return None
        if info.is_dir():
            return None if ".." in parts else Member(parts, self._folder, is_folder=True)
        limit = _limit(parts[-1])
        if limit is None:
            return None if ".." in parts else Member(parts, self._folder)
        target = self._folder / f"{self._files:06d}"
        self._files += 1
        try:
            if ".." in parts or names[0] == "" or names[0].endswith(":"):
                parts = parts[-1:]
                raise _RefusedError(later("its name leads out of the zip"))
            self._write(archive, info, target, limit, allowance)
        except _RefusedError as refusal:
            return Member(parts, target, problem=_not_unpacked(refusal.why))
        except OSError as error:
            return Member(parts, target, problem=_not_unpacked(error.strerror or _BROKEN))
        except Exception:
            return Member(parts, target, problem=_not_unpacked(later("the zip is broken")))
        return Member(parts, target)

    def _write(
        self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, limit: int, allowance: Allowance
    ) -> None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _RefusedError(later("it is a link or a device, not a file"))
        if info.flag_bits & 0x1:
            raise _RefusedError(later("the zip has a password"))
        if info.compress_type not in _METHODS:
            raise _RefusedError(later("the zip uses an unusual kind of compression"))
        packed = max(info.compress_size, 1)
        with archive.open(info) as source, target.open("xb") as copy:
            written = 0
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                self._written += len(chunk)
                allowance.content -= len(chunk)
                if written > limit:
                    raise _RefusedError(later("it is larger than {most} MB", most=limit // MIB))
                if written > RATIO_COUNTS_FROM and written > MAX_RATIO * packed:
                    raise _RefusedError(later("it unpacks to more than {most} times its size", most=MAX_RATIO))
                if self._written > MAX_TOTAL:
                    most = MAX_TOTAL // MIB
                    raise _RefusedError(later("all zips together unpack to more than {most} MB", most=most))
                if allowance.content < 0:
                    most = MAX_ONE_STUDENT // MIB
                    raise _RefusedError(later("the zip unpacks to more than {most} MB", most=most))
                copy.write(chunk)


def _not_opened(why: str) -> str:
    return later("the zip cannot be opened: {why}; {remedy}", why=why, remedy=_AGAIN)


def _not_unpacked(why: str) -> str:
    return later("it cannot be unpacked: {why}; {remedy}", why=why, remedy=_AGAIN)


def _limit(name: str) -> int | None:
    """How large a member of this name may be; None if it is of no interest."""
    return MAX_MEMBER.get(ending(name.rstrip("/")))


def readable(name: bytes) -> str:
    """A file's name that can be shown and written: on disk it can be any bytes, in a zip any characters."""
    text = name.decode("utf-8", "replace")
    return "".join("\N{REPLACEMENT CHARACTER}" if ord(sign) < 32 or ord(sign) == 127 else sign for sign in text)
