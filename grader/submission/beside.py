"""Python files that were handed in beside a notebook and that it imports: the same student's, and nobody else's.

hw.ipynb     from model import ResBlock        taken along: model.py
model.py     from blocks.basic import Block                 blocks/basic.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from grader.language import say
from grader.submission.endings import ending
from grader.submission.nouns import Beside
from grader.submission.tree import Found, is_skipped, readable

MOST_FILES = 50
MOST_CHARACTERS = 1_000_000
MOST_CODE = 1_000_000  # characters of a notebook that are looked through. The code of whole courses has fewer.
_MOST_LISTED = 500  # of a folder that is somebody's Downloads

# Possessive, so that no text can make the search take more than linear time.
_IMPORT = re.compile(
    r"^[ \t]*+(?:from[ \t]++([\w.]++)|import[ \t]++([\w., \t]++))"
    r"|\bimport_module[ \t]*+\([ \t]*+['\"]([\w.]++)",
    re.MULTILINE,
)


def of_group(notebook: Found, scripts: Iterable[Found]) -> Beside:
    """The Python files in the same student's folder or zip, by what they are imported as: from the notebook's own
    folder, or from the student's."""
    folder = notebook.parts[:-1]
    named: dict[str, Path] = {}
    for each in sorted(scripts, key=lambda each: each.parts[: len(folder)] != folder):
        below = each.parts[: len(folder)] == folder
        if each.path != notebook.path and not each.problem:
            named.setdefault("/".join(each.parts[len(folder) if below else 1 :]), each.path)
    return tuple(named.items())


def of_file(path: Path) -> Beside:
    """The Python files in a file's folder, and in the folders there. No link is followed."""
    found: list[tuple[str, Path]] = []
    for entry in _listed(path.parent):
        if entry.is_dir(follow_symlinks=False):
            inside = ((f"{readable(entry.name)}/{readable(each.name)}", each) for each in _listed(Path(entry.path)))
            found += [(name, Path(each.path)) for name, each in inside if _is_script(each)]
        elif _is_script(entry) and entry.name != path.name:
            found.append((readable(entry.name), Path(entry.path)))
    return tuple(found)


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            listed = [entry for _, entry in zip(range(_MOST_LISTED), entries, strict=False)]
    except OSError:
        return []
    return sorted((entry for entry in listed if not is_skipped(entry.name)), key=lambda entry: entry.name)


def _is_script(entry: os.DirEntry[str]) -> bool:
    return ending(entry.name) == ".py" and entry.is_file(follow_symlinks=False)


class Along:
    """What is taken along of the files beside a notebook: what it imports, and what that imports.

    Args:
        names: of all that lies there. Each is looked for in each text once: there may be a thousand.
        texts: the notebook's code.
    """

    def __init__(self, names: Iterable[str], texts: Iterable[str]) -> None:
        self.files: dict[str, str] = {}
        self.left_out: list[str] = []
        self._not_named = {name.split("/")[-1] for name in names}
        self._imported: set[str] = set()
        self._read("".join(f"{text}\n" for text in texts)[:MOST_CODE])

    def wants(self, name: str) -> bool:
        """Is this file imported, or named, by what was read so far?"""
        is_named = name.split("/")[-1] not in self._not_named
        return name not in self.files and (is_named or name.split("/")[0].removesuffix(".py") in self._imported)

    def take(self, name: str, text: str) -> None:
        """Take it, and follow its imports; note it where that would be too much."""
        if len(self.files) >= MOST_FILES or len(text) + sum(map(len, self.files.values())) > MOST_CHARACTERS:
            self.left_out.append(name)
            return
        self.files[name] = text
        self._read(text)

    @property
    def said(self) -> list[str]:
        """What was taken along, and what not, for the report."""
        taken = say("taken along, because the code names them: {files}", files=_listed_names(list(self.files)))
        most = say("not taken along, because it would be too much: {files}", files=_listed_names(self.left_out))
        return [taken] * bool(self.files) + [most] * bool(self.left_out)

    def _read(self, text: str) -> None:
        self._not_named = {name for name in self._not_named if name not in text}
        for match in _IMPORT.finditer(text):
            names = match[1] or match[2] or match[3]
            wanted = (each.strip(". \t") for each in names.split(","))
            self._imported.update(each.split(".")[0].split()[0] for each in wanted if each)


def _listed_names(names: list[str], shown: int = 8) -> str:
    more = [f"… (+{len(names) - shown})"] if len(names) > shown else []
    return ", ".join(names[:shown] + more)
