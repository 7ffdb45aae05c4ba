"""Of this machine's files, a student's code sees the Python installation and its own scratch folder."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import grader
from grader.doctor.ground import Ground
from grader.doctor.trials._trial import Facts, Found, Trial, holds, lacking, off
from grader.sandbox import Isolation, layout

_MOST_NAMED = 5


class FilesUnreadable(Trial):
    """A secret that every user may read, the list of users, and the folders that the grader works in."""

    id = "files-unreadable"
    title = "Files of this machine unreadable"

    def source(self, ground: Ground) -> str:
        return f"""
            names = {{}}
            for folder in {[str(folder) for folder in _private_folders(ground)]!r}:
                with contextlib.suppress(OSError):
                    names[folder] = sorted(os.listdir(folder))[:1000]
            tell(
                read=[path for path in ({str(ground.file)!r}, "/etc/passwd", "/etc/hostname")
                      if attempt(lambda: open(path).read(1)) == "done"],
                seen=os.path.exists({str(ground.file)!r}),
            )
            tell(names=names)
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["read"]:
            return off(f"could be read: {', '.join(facts['read'])}")
        found = [
            os.path.join(folder, name)
            for folder, names in facts["names"].items()
            for name in names
            if not _is_on_the_way(os.path.join(folder, name))
        ]
        if found:
            return off(f"could be listed: {', '.join(found[:_MOST_NAMED])}")
        if facts["seen"]:
            return lacking(ground, "contents cannot be read, but that a file exists can be found out")
        return holds("a secret beside the submissions, the list of users and the home folder cannot be opened")


class FilesReadOnly(Trial):
    """Nothing outside the scratch folder can be made, not where every user may write either."""

    id = "files-read-only"
    title = "Nothing writable outside scratch"

    def source(self, ground: Ground) -> str:
        walled = ground.isolation is not Isolation.NONE
        return f"""
            def write(folder):
                path = os.path.join(folder, ".grader-doctor-{ground.secret}")
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                os.unlink(path)
            worker = os.path.dirname(os.path.dirname(sys.modules["grader.wire"].__file__))
            folders = ["/", "/usr/lib", "/etc", "/dev", "/var/tmp", os.path.dirname(os.__file__), worker]
            tell(
                written=[folder for folder in [{str(ground.folder)!r}, *(folders if {walled} else [])]
                         if attempt(write, folder) == "done"],
                scratch=attempt(write, "."),
            )
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["written"]:
            return off(f"files could be made in {', '.join(facts['written'])}")
        if facts["scratch"] != "done":
            return off(f"not even scratch can be written: {facts['scratch']}")
        return holds("the root, /etc, Python's and the worker's folders refuse; scratch does not")


class GraderHidden(Trial):
    """Neither the judge's code nor an assignment's reference is there to be read or imported."""

    id = "grader-hidden"
    title = "Grader and references hidden"

    def source(self, ground: Ground) -> str:
        package = Path(grader.__file__).resolve().parent
        secrets = [package / "pipeline.py", package / "doctor" / "findings.py"]
        for folder in (package.parent, package / "shipped"):
            secrets += sorted((folder / "reference").glob("*.py"))[:3]
        return f"""
            import importlib
            names = ("judge", "sandbox", "mistakes", "assignment", "verdict", "checks", "doctor")
            tell(
                imported=[name for name in [*("grader." + name for name in names), "reference", "reference.residual"]
                          if attempt(importlib.import_module, name) == "done"],
                read=[path for path in {[str(path) for path in secrets]!r}
                      if attempt(lambda: open(path).read(1)) == "done"],
                there=sorted(os.listdir(os.path.dirname(sys.modules["grader"].__file__))),
            )
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        more = sorted(set(facts["there"]) - {*layout.STAGED, "__pycache__"})
        if facts["imported"] or facts["read"] or more:
            return off(f"within reach: {', '.join([*facts['imported'], *facts['read'], *more][:_MOST_NAMED])}")
        return holds("only the worker's own files are there")


class Environment(Trial):
    """Tokens of a CI job, say, live in environment variables."""

    id = "environment"
    title = "No secret in the environment"

    def source(self, ground: Ground) -> str:
        return f"""
            def environments():
                yield "its own", repr(dict(os.environ))
                for pid in dict.fromkeys(["self", os.getppid(), {ground.victim}, {os.getpid()}, *pids()[:200]]):
                    with contextlib.suppress(OSError):
                        with open(f"/proc/{{pid}}/environ") as file:
                            yield f"that of process {{pid}}", file.read()
            found = list(environments())
            tell(looked=len(found), leaks=[name for name, text in found if {ground.secret!r} in text][:5])
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        if facts["leaks"]:
            return off(f"a variable of the grader's own was found in {', '.join(facts['leaks'])}")
        count = facts["looked"]
        return holds(f"a variable of the grader's own is in none of the {count} environments that can be read")


class Descriptors(Trial):
    """What was open before the fork would be a way out."""

    id = "descriptors"
    title = "No inherited descriptor"

    def source(self, ground: Ground) -> str:
        return """
            listing = os.open("/proc/self/fd", os.O_RDONLY)
            numbers = {int(name) for name in os.listdir(listing)} - {listing}
            def alive(number):  # listdir opens one of its own, which is gone by now
                return attempt(os.fstat, number) == "done"
            tell(open={number: os.readlink(f"/proc/self/fd/{number}") for number in sorted(numbers) if alive(number)})
            """

    def judge(self, facts: Facts, ground: Ground) -> Found:
        more = [what for number, what in facts["open"].items() if int(number) > 3 and not _tells_places(number, what)]
        if more:
            return off(f"open beside input, output and the channel for answers: {', '.join(more[:_MOST_NAMED])}")
        return holds("open are input, output, the channel for answers, and the pipe that says which cell runs")


def _tells_places(number: str, what: str) -> bool:
    """See `grader.worker.whereabouts`."""
    return number == "4" and what.startswith("pipe:")


def _private_folders(ground: Ground) -> list[Path]:
    """Folders whose content is nobody's business, and which the interpreter is not installed in."""
    folders = [ground.folder, Path.cwd()]
    with contextlib.suppress(RuntimeError):  # this user has no home
        folders.append(Path.home())
    roots = layout.find_layout().roots
    return [
        folder
        for folder in dict.fromkeys(folders)
        if folder != Path("/") and not any(layout.is_inside(str(folder), root) for root in roots)
    ]


def _is_on_the_way(path: str) -> bool:
    """Whether a path leads to what is visible by design: a virtual environment in a home folder, say."""
    return any(layout.is_inside(root, path) or layout.is_inside(path, root) for root in layout.find_layout().roots)
