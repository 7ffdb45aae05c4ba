"""The comment that the action keeps: whose it is, who gets none, and how a fork gets one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from action_runner import MARKER, TOKEN, Runner, changed, pull_request, ready
from ci_readers import rendered
from test_formats_samples import RUN, commanding, failing

from grader.formats import formats

pytestmark = pytest.mark.heavy

EXAMPLES = Path(__file__).parents[1] / "assignments" / "residual-blocks" / "examples"


def test_one_comment_is_kept_up_to_date(tmp_path: Path) -> None:
    """Whoever else writes the hidden line, and wherever, is left alone."""
    runner, base = ready(tmp_path)
    changed(runner)
    others = [
        {"id": 1, "user": {"login": "mallory"}, "body": f"{MARKER}\nforged"},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": f"another tool quotes\n{MARKER}"},
        {"id": 3, "user": {"login": "github-actions[bot]"}, "body": "<!-- grader: other -->\nx"},
        {"id": 4, "user": {"login": "github-actions[bot]"}, "body": None},
    ]
    runner.github({"comments": others})
    for number in ("1", "2", "3"):
        (runner.temporary / "run").write_text(number)
        assert runner.run("pull_request", pull_request(base)).failed == ""
    *untouched, mine = runner.github()["comments"]
    assert untouched == others
    assert mine["body"] == f"{MARKER}\nrun 3\n"
    assert {TOKEN} == {call["token"] for call in runner.github()["calls"]}


def test_the_comment_comes_before_the_verdict(tmp_path: Path) -> None:
    """A job that fails has told why."""
    runner, base = ready(tmp_path, code=1)
    changed(runner)
    ran = runner.run("pull_request", pull_request(base))
    assert ran.failed == "Pass or fail"
    assert len(runner.github()["comments"]) == 1


@pytest.mark.parametrize("code", [2, 3])
def test_what_the_grader_says_is_what_the_job_says(code: int, tmp_path: Path) -> None:
    """A grader that failed does not pass."""
    runner, base = ready(tmp_path, grader=f"exit {code}")
    changed(runner)
    ran = runner.run("pull_request", pull_request(base))
    assert ran.failed == "Pass or fail"
    assert runner.github()["calls"] == []


def test_a_fork_gets_no_comment_and_passes(tmp_path: Path) -> None:
    """Its token may not write, so it is not tried; a fork that was deleted is one, too."""
    runner, base = ready(tmp_path)
    changed(runner)
    event = pull_request(base, fork=True)
    ran = runner.run("pull_request", event)
    assert (ran.failed, runner.github()["calls"]) == ("", [])
    assert "This pull request is from a fork" in ran.log
    event["pull_request"]["head"]["repo"] = None
    assert runner.run("pull_request", event).failed == ""
    assert runner.github()["calls"] == []


def test_no_comment_where_none_is_wanted(tmp_path: Path) -> None:
    """`comment: false`; and a push is no pull request."""
    runner, base = ready(tmp_path)
    changed(runner)
    assert "Comment" not in runner.run("pull_request", pull_request(base), comment="false").steps
    assert runner.run("push", {"before": base}).failed == ""
    assert runner.github()["calls"] == []


def test_a_refusal_is_told_with_the_remedy(tmp_path: Path) -> None:
    """A token without the permission."""
    runner, base = ready(tmp_path)
    changed(runner)
    runner.github({"refuses": 1})
    ran = runner.run("pull_request", pull_request(base))
    assert ran.failed == "Comment"
    assert "pull-requests: write" in ran.log


# ---------------------------------------------------------------------- for forks, in two workflows


def second(runner: Runner, *, sha: str = "f" * 40, results: str | None = None, **inputs: str) -> Any:
    """The workflow that may comment, after the one that checked has left its results."""
    if results is None:
        formats()["json"].write_class(runner.workspace, RUN, [failing()[0], commanding()[0]])
    else:
        (runner.workspace / "results.json").write_text(results)
    runner.github({"pulls": [{"number": 5, "head": {"sha": "e" * 40}}, {"number": 9, "head": {"sha": "f" * 40}}]})
    head = {"head_sha": sha, "head_branch": "a&state=all", "head_repository": {"owner": {"login": "mallory"}}}
    return runner.run("workflow_run", {"workflow_run": head}, results_file="results.json", **inputs)


def test_the_second_workflow_comments_on_what_the_first_found(tmp_path: Path) -> None:
    """It runs nothing, asks GitHub which pull request that was, and makes every text harmless."""
    runner, _ = ready(tmp_path)
    ran = second(runner)
    assert ran.failed == "", ran.log
    assert not (runner.temporary / "grader-arguments").exists()
    assert ran.steps == ["Install the grader", "Read the results of another run", "Comment"]
    (comment,) = runner.github()["comments"]
    assert comment["body"].startswith(f"{MARKER}\n")
    assert [] == rendered(comment["body"]).find_all(["a", "img", "script"])
    paths = [argument for call in runner.github()["calls"] for argument in call["arguments"]]
    assert "repos/course/homework/issues/9/comments" in paths
    assert any(path.endswith("&head=mallory%3Aa%26state%3Dall") for path in paths)


def test_a_commit_that_no_pull_request_has_gets_no_comment(tmp_path: Path) -> None:
    """It was pushed over since, or the pull request was closed."""
    runner, _ = ready(tmp_path)
    ran = second(runner, sha="0" * 40)
    assert (ran.failed, runner.github()["comments"]) == ("", [])


@pytest.mark.parametrize(
    "results", ["", "[]", '{"submissions": []}', f"{MARKER}\n@everybody", '{"schema_version": 1, "assignment": "x"}']
)
def test_what_are_no_results_is_refused(results: str, tmp_path: Path) -> None:
    """Whoever changed the first workflow may have left anything."""
    runner, _ = ready(tmp_path)
    ran = second(runner, results=results)
    assert (ran.failed, runner.github()["calls"]) == ("Read the results of another run", [])
