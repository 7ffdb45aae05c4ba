"""Step 1: which notebooks does this change add or modify? Their paths go to a file, each ended by a null byte.

Refuses to go on where secrets are at hand although a stranger's code would be run: see docs/ci.md.
"""

from __future__ import annotations

import os

from repository import base, git
from runner import fail, notice, output, say, work

# Of these, a fork's code gets no secrets and a token that reads. `pull_request_target` and `workflow_run` have both.
HARMLESS = ("pull_request", "push", "merge_group", "workflow_dispatch")
FILES = (b"100644", b"100755")  # not links, which may lead anywhere, nor other repositories
MOST = 1_000


def main() -> None:
    name = os.environ.get("GITHUB_EVENT_NAME", "")
    if name not in HARMLESS:
        fail(
            f"the event {name!r} has secrets at hand, so no notebook is run: check on one of "
            f"{', '.join(HARMLESS)}, and comment from a workflow of its own (docs/ci.md)"
        )
    below = [line.strip() for line in os.environ.get("INPUT_PATHS", "").splitlines() if line.strip()]
    answer = git("diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", base(), "HEAD", "--", *below)
    paths = notebooks(answer or b"")
    if len(paths) > MOST:
        notice(f"{len(paths):,} notebooks are changed, of which the first {MOST:,} are checked")
    (work() / "changed").write_bytes(b"".join(path + b"\0" for path in paths[:MOST]))
    output("count", str(len(paths[:MOST])))
    say(f"{len(paths):,} changed notebooks" if paths else "no notebook is changed: there is nothing to check")


def notebooks(raw: bytes) -> list[bytes]:
    """Of what `git diff --raw -z` says, the notebooks that are there after the change, sorted."""
    fields = raw.split(b"\0")
    found = []
    for about, path in zip(fields[0::2], fields[1::2]):  # noqa: B905 (the last field is empty and alone)
        mode = about.split()[1]
        if mode in FILES and path.lower().endswith(b".ipynb") and b"/.ipynb_checkpoints/" not in b"/" + path:
            found.append(path)
    return sorted(found)


if __name__ == "__main__":
    main()
