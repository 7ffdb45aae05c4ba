"""What the pull request is compared with. Of the repository, Git is asked: nothing in it is run."""

from __future__ import annotations

import os
import re
import subprocess

from runner import event, fail, workspace

_NOTHING = re.compile("0+")  # what GitHub sends for a branch that is new


def git(*arguments: str, check: bool = True) -> bytes | None:
    """What Git answers; None where it refuses and that is no error."""
    root = str(workspace())
    # The owner of the folder may be another user, where the job runs in a container.
    command = ["git", "-c", f"safe.directory={root}", "--literal-pathspecs", "-C", root, *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        return done.stdout
    if check:
        fail(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
    return None


def base() -> str:
    """The commit that the change starts from."""
    wanted = os.environ.get("INPUT_BASE") or _of_the_event()
    known = commit(wanted) if wanted and not _NOTHING.fullmatch(wanted) else None
    # GitHub checks out a merge of base and change, whose first parent is the base.
    known = known or (commit("HEAD^1") if commit("HEAD^2") else None)
    if known is None:
        fail(
            "the commit that the change starts from is not here: check out with `fetch-depth: 0`, "
            "or name one with the input `base`"
        )
    forked = git("merge-base", known, "HEAD", check=False)
    return forked.decode().strip() if forked else known


def commit(name: str) -> str | None:
    """The commit of this name, where it is here."""
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", check=False)
    return found.decode().strip() if found else None


def _of_the_event() -> str:
    happened = event()
    for path in (("pull_request", "base", "sha"), ("merge_group", "base_sha"), ("before",)):
        value: object = happened
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return ""
