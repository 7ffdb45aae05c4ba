"""Which files were handed in, and whose are they?

    hw5/doe.ipynb                                     one file per student:     doe
    hw5/doejane_12345_67890_hw5.ipynb                 the same, as Canvas       doejane_12345_67890_hw5
    submitted/doe/hw5/x.ipynb                         a folder, as nbgrader:    doe
    Jane Doe_12345_assignsubmission_file_/x.ipynb     a folder, as Moodle:      Jane_Doe_12345_assignsub…
    doe.zip                                           like a folder:            doe

The walk (`tree`) gives a flat list; from there on everything is a decision about paths, without a disk.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.errors import NothingFound, UsageError
from grader.language import later
from grader.submission.archive import Unpacker
from grader.submission.beside import of_file, of_group
from grader.submission.endings import SUBMISSION_ENDINGS, ending, stem
from grader.submission.nouns import Beside, HandIn
from grader.submission.student_ids import StudentIds
from grader.submission.tree import Found, readable, walk_folder, walk_zip

_LOOKED_FOR = "notebooks (.ipynb), Python files (.py) and .zip archives of them"
_COLLECTIONS = frozenset(["submitted", "submissions"])  # folders of students by their name, also if there is one
_OUTPUT = "reports"  # where the grader writes unless told otherwise
_OTHER_ARCHIVES = frozenset([".rar", ".7z", ".gz", ".tgz", ".xz", ".tar"])
_ONLINE = "_assignsubmission_onlinetext_"  # Moodle's, beside the folder with a student's file
# What students hand in where a notebook is asked for.
_HANDED_IN = _OTHER_ARCHIVES | frozenset(
    ".pdf .html .htm .doc .docx .odt .rtf .txt .json .pages .png .jpg .jpeg .heic .r .rmd .qmd .jl .m".split()
)
_OF_THE_COURSE = frozenset(["results.json", "requirements.txt"])


@contextmanager
def find(
    paths: Sequence[Path],
    temporary: Path | None = None,
    left_out: list[str] | None = None,
    *,
    one_student: bool = False,
) -> Iterator[list[HandIn]]:
    """Every hand-in below `paths`, sorted by student. What was unpacked from zips is removed at the end.

    Args:
        paths: files and folders.
        temporary: where zips are unpacked; None: where temporary files usually are.
        left_out: takes the names of files among the hand-ins that may be meant as such, and cannot be read.
        one_student: is everything of one student? Files that lie side by side may be of different ones otherwise.

    Raises:
        UsageError: a path does not exist.
        NothingFound: nothing that can be graded is there.
    """
    with ExitStack() as stack:
        unpacker = Unpacker(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zips-", dir=temporary))))
        unnamed: list[_Unnamed] = []
        for path in paths:
            unnamed += _below(path, unpacker, [] if left_out is None else left_out, among_others=len(paths) > 1)
        hand_ins = _name(_told_apart(unnamed))
        if one_student:
            hand_ins = [replace(each, beside=each.beside or of_file(each.path)) for each in hand_ins]
        if not hand_ins:
            where = ", ".join(map(str, paths)) or "no path at all"
            raise NothingFound(f"no submission found in {where}: looked for {_LOOKED_FOR}, in folders below too")
        yield hand_ins


@dataclass(frozen=True)
class _Unnamed:
    """A hand-in before it has an id: `wanted` may still be another student's as well."""

    wanted: str
    file: str
    path: Path
    problem: str = ""
    beside: Beside = ()


@dataclass
class _Group:
    """What lies in one student's folder, or zip."""

    found: Found
    notebooks: list[Found] = field(default_factory=list)
    scripts: list[Found] = field(default_factory=list)
    packages: list[Found] = field(default_factory=list)  # `__init__.py`
    problems: list[Found] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def add(self, found: Found) -> None:
        name = found.parts[-1]
        if found.problem:
            self.problems.append(found)
        elif found.kind == "submission" and ending(name) == ".ipynb":
            self.notebooks.append(found)
        elif found.kind == "submission":
            (self.packages if name == "__init__.py" else self.scripts).append(found)
        elif found.kind == "other":
            self.others.append(name)

    @property
    def hand_ins(self) -> list[Found]:
        """The notebooks; Python files beside them are imported, and count only where there is no notebook.

        What cannot be opened counts where there is nothing else, and wherever it is a notebook.
        """
        readable = self.notebooks or self.scripts
        return readable + [each for each in self.problems if not readable or ending(each.parts[-1]) == ".ipynb"]

    @property
    def is_output(self) -> bool:
        return self.found.parts[-1] == _OUTPUT or "results.json" in self.others


def _below(path: Path, unpacker: Unpacker, left_out: list[str], *, among_others: bool) -> list[_Unnamed]:
    """The hand-ins of one PATH of the command line."""
    name = readable(path.name or path.resolve().name)
    try:
        if path.is_dir():
            found = list(walk_folder(path, unpacker))
        elif path.is_file() and ending(path.name) == ".zip":
            found = list(walk_zip(path, (), unpacker))
        elif path.is_file() and ending(path.name) in SUBMISSION_ENDINGS:
            return [_Unnamed(stem(name), name, path, beside=() if among_others else of_file(path))]
        elif path.exists():
            raise UsageError(f"{path}: is not a submission: expected {_LOOKED_FOR}, or a folder of them")
        else:
            raise UsageError(f"{path}: there is no such file or folder; check the spelling")
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened: {error.strerror}") from error

    if found and found[0].parts == () and found[0].problem:  # the zip itself is broken
        return [_Unnamed(stem(name), name, path, found[0].problem)]
    unnamed = _arrange([each for each in found if each.parts], left_out, is_zip=not path.is_dir())
    if among_others:
        # `submitted/*`: every PATH may be one student's folder, and only its name tells whose.
        if len(unnamed) == 1:
            unnamed = [replace(unnamed[0], wanted=name if path.is_dir() else stem(name))]
        unnamed = [replace(each, file=f"{name}/{each.file}") for each in unnamed]
    return unnamed


def _told_apart(unnamed: list[_Unnamed]) -> list[_Unnamed]:
    """With `*/hw.ipynb` every PATH has the same name; where the paths first differ stands the student's."""
    paths: dict[str, set[Path]] = {}
    for each in unnamed:
        if "/" not in each.file:
            paths.setdefault(each.file, set()).add(_real(each.path))
    told: list[_Unnamed] = []
    for each in unnamed:
        alike = paths.get(each.file, set())
        if len(alike) > 1:
            relative = _real(each.path).relative_to(os.path.commonpath(alike))
            parts = [readable(part) for part in relative.parts]
            told.append(replace(each, wanted=parts[0], file="/".join(parts)))
        else:
            told.append(each)
    return told


def _real(path: Path) -> Path:
    """Without links, as far as they lead anywhere: `Path.resolve` raises on a circle of them."""
    return Path(os.path.realpath(path))


def _arrange(found: list[Found], left_out: list[str], *, is_zip: bool) -> list[_Unnamed]:
    """Whose is what: by the file's name at the top, else by the name of the folder at the top."""
    top = 1 if _has_wrapper(found, is_zip) else 0
    unnamed: list[_Unnamed] = []
    groups: dict[str, _Group] = {}
    for each in found:
        if len(each.parts) <= top:
            continue
        name = each.parts[top]
        if len(each.parts) > top + 1:
            groups[name].add(each)
        elif each.kind in ("folder", "zip"):
            group = groups.setdefault(name, _Group(each))
            if each.problem:
                group.problems.append(each)
        elif each.kind == "submission":
            unnamed.append(_Unnamed(stem(name), "/".join(each.parts), each.path, each.problem))
        elif each.kind == "other" and ending(name) in _HANDED_IN and name not in _OF_THE_COURSE:
            left_out.append("/".join(each.parts))
    one_folder_each = any(group.hand_ins for group in groups.values())
    for name, group in groups.items():
        if name.endswith(_ONLINE) and name.removesuffix(_ONLINE) + _ONLINE.replace("onlinetext", "file") in groups:
            continue
        student = stem(name) if group.found.kind == "zip" else name
        if group.hand_ins:
            unnamed += _of_student(student, group)
        elif group.found.kind == "zip" or (one_folder_each and not group.is_output):
            unnamed.append(_Unnamed(student, "/".join(group.found.parts), group.found.path, _nothing_in(group)))
    return unnamed


def _has_wrapper(found: list[Found], is_zip: bool) -> bool:
    """Is there one folder around everything, as in a zip made of a folder, that is no student's?"""
    tops = {each.parts[0] for each in found}
    if len(tops) != 1 or found[0].kind != "folder":
        return False
    if tops & _COLLECTIONS:
        return True
    below = {each.parts[1] for each in found if len(each.parts) == 2 and each.kind != "other"}
    return is_zip and len(below) > 1


def _of_student(student: str, group: _Group) -> list[_Unnamed]:
    several = len(group.hand_ins) > 1
    return [
        _Unnamed(
            f"{student}--{stem(each.parts[-1])}" if several else student,
            "/".join(each.parts),
            each.path,
            each.problem,
            of_group(each, [*group.scripts, *group.packages]),
        )
        for each in group.hand_ins
    ]


def _nothing_in(group: _Group) -> str:
    found = (
        later("the zip holds no notebook (.ipynb) and no Python file (.py)")
        if group.found.kind == "zip"
        else later("the folder holds no notebook (.ipynb) and no Python file (.py)")
    )
    names, more = ", ".join(sorted(group.others)[:3]), len(group.others) - 3
    if more > 0:
        found = later("{found}, only {names} and {more} more", found=found, names=names, more=more)
    elif names:
        found = later("{found}, only {names}", found=found, names=names)
    if any(ending(name) in _OTHER_ARCHIVES for name in group.others):
        return later(
            "{found}; archives of this kind are not opened: hand in the notebook itself, or a .zip of it", found=found
        )
    return later("{found}; hand in the notebook itself (in Jupyter: File > Download)", found=found)


def _name(unnamed: list[_Unnamed]) -> list[HandIn]:
    """Give ids, in an order that depends on the names alone; a file that two PATHs lead to counts once."""
    ids = StudentIds()
    seen: set[tuple[Path, str]] = set()
    hand_ins: list[HandIn] = []
    for each in sorted(unnamed, key=lambda each: (each.file, str(each.path))):
        key = (_real(each.path), each.file if each.problem else "")
        if key not in seen:
            seen.add(key)
            hand_ins.append(HandIn(ids.take(each.wanted), each.file, each.path, each.problem, each.beside))
    return sorted(hand_ins, key=lambda hand_in: hand_in.student)
