"""The folder and the zip. Nothing is written over, but a former bundle that nobody has touched since."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from grader.errors import UsageError
from grader.release.bundle import MANIFEST
from grader.whole import replacing_path, written_beside
from grader.zips import zip_of


def write_folder(files: Mapping[str, bytes], target: Path) -> None:
    """All of them in the folder `target`, or none.

    Raises:
        UsageError: it holds something else, or cannot be written.
    """
    try:
        former = _former_folder(target)
        with written_beside(target, files, instead=former):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{target} cannot be made: {error.filename} is a file; name another folder") from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error


def write_zip(files: Mapping[str, bytes], target: Path, top: str) -> None:
    """The same in a zip, within a folder of this name.

    Raises:
        UsageError: there is another file, or it cannot be written.
    """
    whole = zip_of({f"{top}/{name}": content for name, content in files.items()}, compression=zipfile.ZIP_STORED)
    try:
        _refuse_other_zip(target)
        with replacing_path(target) as part:
            part.write_bytes(whole)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error


# ---------------------------------------------------------------------- what is there already


def refuse_taken(target: Path, zip_target: Path | None) -> None:
    """Before anything is written.

    Raises:
        UsageError: one of them is there, and no former bundle.
    """
    _former_folder(target)
    if zip_target is not None:
        _refuse_other_zip(zip_target)


def _former_folder(target: Path) -> bool:
    """Is there a former bundle, as it was written? False where nothing is."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is there already, and is no folder: name another with --output")
    if not target.exists():
        return False
    files = {}
    for path in sorted(target.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise UsageError(_taken(target, f"{path.relative_to(target)} is no file of a former release"))
        if path.is_file():
            files[path.relative_to(target).as_posix()] = path
    if not files and not any(target.iterdir()):
        return True
    if MANIFEST not in files:
        raise UsageError(_taken(target, "is not empty, and is no former release"))
    told = _told(files[MANIFEST].read_bytes())
    for name, path in files.items():
        if name == MANIFEST:
            continue
        if name not in told:
            raise UsageError(_taken(target, f"{name} is no file of a former release"))
        if told[name] != hashlib.sha256(path.read_bytes()).hexdigest():
            raise UsageError(_taken(target, f"{name} was changed since it was written"))
    return True


def _refuse_other_zip(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    try:
        with zipfile.ZipFile(target) as archive:
            names = archive.namelist()
            manifest = next(name for name in names if name.count("/") == 1 and name.endswith(f"/{MANIFEST}"))
            told = _told(archive.read(manifest))
            top = manifest.removesuffix(MANIFEST)
            content = {name.removeprefix(top): archive.read(name) for name in names if name != manifest}
    except (OSError, zipfile.BadZipFile, StopIteration, RuntimeError, ValueError) as error:
        raise UsageError(_taken(target, "is no former release")) from error
    if target.is_symlink() or told != {name: hashlib.sha256(each).hexdigest() for name, each in content.items()}:
        raise UsageError(_taken(target, "is no former release, or was changed since"))


def _told(manifest: bytes) -> dict[str, str]:
    """Name and hash of each file of a former release."""
    try:
        told = json.loads(manifest)["files"]
        return {str(name): str(hash_) for name, hash_ in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _taken(target: Path, why: str) -> str:
    return f"{target} is there already: {why}. Nothing was written; name another place with --output"
