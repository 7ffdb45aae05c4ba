"""Step 3: check the changed notebooks, print the annotations, and keep the exit code for the end.

The grader gets an environment without secrets, and works in an empty folder: files of the pull request that would
configure it, or stand in for a module, are not looked at. An assignment of the repository's own is taken from the
commit that the change starts from, since its reference runs with the grader's rights.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

from repository import base, git
from runner import fail, output, say, work, workspace

FORMATS = "html,json,junit,github,markdown"
WALLS = ("auto", "bwrap", "landlock")
# What is needed to run, to find temporary files, to read UTF-8, and to name files as the repository does.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "RUNNER_TEMP", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY")


def main() -> None:
    reports = work() / "reports"
    names = (work() / "changed").read_bytes().split(b"\0")[:-1]
    paths = [os.path.join(os.fsencode(workspace()), name) for name in names]
    command = [os.path.join(os.environ["GRADER_BIN"], "grader"), "check", "--output", str(reports), "--format", FORMATS]
    command += [*options(), "--", *map(os.fsdecode, paths)]
    empty = work() / "empty"
    empty.mkdir(exist_ok=True)
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(command, cwd=empty, env=environment, check=False)
    annotations = reports / "annotations.txt"
    if annotations.exists():
        print(annotations.read_text(encoding="utf-8"), end="", flush=True)
    output("exit-code", str(done.returncode))
    output("reports", str(reports))
    if (reports / "comment.md").exists():
        output("comment", str(reports / "comment.md"))
    say(f"the grader ended with exit code {done.returncode}")


def options() -> list[str]:
    """Those of the inputs that are options of `grader check`."""
    wall = os.environ.get("INPUT_ISOLATION") or "auto"
    if wall not in WALLS:
        fail(f"isolation is one of {', '.join(WALLS)}: in CI the code is not your own")
    found = ["--isolation", wall]
    if threshold := os.environ.get("INPUT_FAIL_UNDER"):
        found += ["--fail-under", threshold]
    if wanted := os.environ.get("INPUT_ASSIGNMENT"):
        found += ["--assignment", assignment(wanted)]
    return found


def assignment(wanted: str) -> str:
    """An id as it is; of a folder of the repository, a copy as it was before the change."""
    path = PurePosixPath(wanted)
    if path.is_absolute() or ".." in path.parts:
        fail(f"the assignment {wanted!r} is neither an id nor a folder of this repository")
    before = base()
    if git("cat-file", "-e", f"{before}:{path}/assignment.toml", check=False) is not None:
        folder = work() / "assignment"
        archive = git("archive", "--format=tar", before, "--", str(path)) or b""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        return str(folder / path)
    if len(path.parts) > 1 or Path(workspace(), path).exists():
        fail(
            f"there is no assignment in {wanted!r} before this change. Its reference runs with the rights of the "
            "grader, so it has to be merged before it is used"
        )
    return wanted


if __name__ == "__main__":
    main()
