"""Step 4: post the comment, or replace the one of the run before. This step has the token, and runs no notebook.

A comment is replaced that begins with the same hidden line and was written by the same account: a student may write
that line too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runner import event, fail, notice, output, say

LIMIT = 65_536
MARKER = re.compile(r"<!-- grader: [a-z0-9-]+ -->")


def main() -> None:
    body = Path(os.environ["COMMENT_FILE"]).read_text(encoding="utf-8")
    marker = body.split("\n", 1)[0]
    if not MARKER.fullmatch(marker) or len(body) > LIMIT:
        fail("the file of the comment is not one that the grader wrote")
    number = pull_request()
    if number is None:
        return
    repository = os.environ["GITHUB_REPOSITORY"]
    earlier = previous(repository, number, marker)
    if earlier is None:
        path, method = f"repos/{repository}/issues/{number}/comments", "POST"
    else:
        path, method = f"repos/{repository}/issues/comments/{earlier}", "PATCH"
    done = gh("--method", method, path, "--input", "-", sends=json.dumps({"body": body}))
    output("comment-id", str(json.loads(done)["id"]))
    say(f"the comment on pull request {number} is {'posted' if earlier is None else 'updated'}")


def pull_request() -> int | None:
    """Its number, where this token may comment on it."""
    happened = event()
    about = happened.get("pull_request")
    if about:
        if _repository(about.get("head")) != _repository(about.get("base")):
            notice(
                "This pull request is from a fork, whose runs may not comment. The report is in the job's summary; "
                "docs/ci.md tells how to comment from a workflow of its own."
            )
            return None
        return int(about["number"])
    run = happened.get("workflow_run")
    if not run:
        say("this is no pull request: there is nothing to comment on")
        return None
    # Not from the other run's files, which may say anything: by the branch whose commit was checked.
    owner, branch = run["head_repository"]["owner"]["login"], run["head_branch"]
    query = f"repos/{os.environ['GITHUB_REPOSITORY']}/pulls?state=open&per_page=100&head={quote(f'{owner}:{branch}')}"
    for found in json.loads(gh(query)):
        if found["head"]["sha"] == run["head_sha"]:
            return int(found["number"])
    notice("No open pull request has the commit that was checked: it has changed since, or was closed.")
    return None


def previous(repository: str, number: int, marker: str) -> int | None:
    """The comment that an earlier run has written."""
    author = os.environ.get("COMMENT_AUTHOR") or "github-actions[bot]"
    query = f"repos/{repository}/issues/{number}/comments?per_page=100"
    # One array a page, one after the other.
    pages = gh("--paginate", query, "--jq", ".[] | {id, login: .user.login, body} | tojson")
    for line in pages.splitlines():
        found = json.loads(line)
        if found["login"] == author and (found["body"] or "").splitlines()[:1] == [marker]:
            return int(found["id"])
    return None


def gh(*arguments: str, sends: str | None = None) -> str:
    """What GitHub answers; the token is the environment's."""
    done = subprocess.run(["gh", "api", *arguments], input=sends, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(
            f"GitHub refused: {done.stderr.strip()}. The job needs `permissions: pull-requests: write`; "
            "with `comment: false` no comment is tried"
        )
    return done.stdout


def _repository(side: dict[str, Any] | None) -> str | None:
    """Whose branch that is; a fork may be deleted."""
    repository = (side or {}).get("repo") or {}
    return repository.get("full_name")


if __name__ == "__main__":
    main()
