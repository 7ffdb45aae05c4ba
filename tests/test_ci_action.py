"""The composite action, its steps run exactly as they stand: what it checks, where it comments, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from action_runner import ACTION, STEPS, TOKEN, Runner
from test_formats_ci import commands, rendered
from test_formats_samples import RUN, commanding, failing

from grader.formats import formats

EXAMPLES = Path(__file__).parents[1] / "assignments" / "residual-blocks" / "examples"
MARKER = "<!-- grader: residual-blocks -->"
# Stands for the grader where it does not matter what it says: `check --output DIR …`.
QUICK = f"""mkdir -p "$3"; printf '{MARKER}\\nrun %s\\n' "$(cat "$RUNNER_TEMP/run")" > "$3/comment.md"
echo '::error title=found::something' > "$3/annotations.txt"; exit $(cat "$RUNNER_TEMP/code")"""
HOSTILE = ["-rf.ipynb", "$(touch pwned).ipynb", "a\n::error::b.ipynb", "ü \"'`;.ipynb", "##[add-mask]x.IPYNB"]


def pull_request(base: str, *, fork: bool = False) -> dict[str, Any]:
    """The event, as GitHub sends it."""
    head = {"repo": {"full_name": "mallory/homework" if fork else "course/homework"}}
    return {
        "pull_request": {"number": 7, "head": head, "base": {"sha": base, "repo": {"full_name": "course/homework"}}}
    }


def ready(tmp_path: Path, grader: str = QUICK, code: int = 0) -> tuple[Runner, str]:
    """A runner whose repository has one commit; its name."""
    runner = Runner(tmp_path, grader)
    (runner.temporary / "code").write_text(str(code))
    (runner.temporary / "run").write_text("1")
    runner.git("init", "--quiet")
    (runner.workspace / "old.ipynb").write_text("{}")
    (runner.workspace / "kept.ipynb").write_text("{}")
    return runner, runner.commit()


def asked(runner: Runner) -> list[str]:
    """What the grader was asked for."""
    return (runner.temporary / "grader-arguments").read_text().split("\0")[:-1]


def checked(runner: Runner) -> list[str]:
    """The files that the grader was to check, from the root of the repository."""
    arguments = asked(runner)
    return [path.removeprefix(f"{runner.workspace}/") for path in arguments[arguments.index("--") + 1 :]]


# ---------------------------------------------------------------------- the file


def test_no_script_holds_an_expression() -> None:
    """A value that is pasted into a script is a script: values come by the environment."""
    assert all(step["shell"] == "bash" and "uses" not in step for step in STEPS)
    assert not any("${{" in step["run"] for step in STEPS)


def test_only_the_step_that_comments_has_the_token() -> None:
    """And that step runs no notebook."""
    with_token = [step["name"] for step in STEPS if "token" in json.dumps(step).lower()]
    assert with_token == ["Comment"]
    (script,) = (step["run"] for step in STEPS if step["name"] == "Comment")
    assert "grader check" not in script


def test_every_input_is_used_and_described() -> None:
    """An input that nothing reads would be a promise that nobody keeps."""
    text = json.dumps(STEPS)
    for name, spec in ACTION["inputs"].items():
        assert f"inputs.{name}" in text
        assert spec["description"].strip().endswith(".")
        assert "default" in spec


# ---------------------------------------------------------------------- the whole of it


def test_a_pull_request_from_notebook_to_comment(tmp_path: Path) -> None:
    """The real grader: annotations lie at the lines of the changed notebook, the comment says what is wrong, the
    summary too, nothing of the pull request's configures anything, and the second run updates the comment."""
    runner, base = ready(tmp_path, grader="")
    (runner.workspace / "hw").mkdir()
    notebook = runner.workspace / "hw" / "my block.ipynb"
    shutil.copy(EXAMPLES / "wrong-multiplied.ipynb", notebook)
    (runner.workspace / "grader.toml").write_text('isolation = "none"\nformat = ["html"]\n')
    (runner.workspace / "torch.py").write_text("raise SystemExit('hijacked')")
    (runner.workspace / "grader").mkdir()
    (runner.workspace / "grader" / "__init__.py").write_text("raise SystemExit('hijacked')")
    runner.commit()
    inputs = {"assignment": "residual-blocks", "fail_under": "99"}
    ran = runner.run("pull_request", pull_request(base), **inputs)
    assert ran.failed == "Pass or fail", ran.log
    assert ran.outputs["check"]["exit-code"] == "1"
    found = [each for each in commands(ran.log) if each[1].get("file")]
    lines = notebook.read_text(encoding="utf-8").split("\n")
    assert {"hw/my block.ipynb"} == {properties["file"] for _, properties, _ in found}
    kind, properties, _ = found[0]
    assert (kind, properties["title"]) == ("error", "resblock: shortcut-multiplied")
    assert "*" in lines[int(properties["line"]) - 1]
    (comment,) = runner.github()["comments"]
    assert comment["body"].startswith(f"{MARKER}\n")
    assert "<code>hw/my block.ipynb</code>" in comment["body"]
    assert runner.summary.read_text(encoding="utf-8").count("hw/my block.ipynb") == 1
    again = runner.run("pull_request", pull_request(base), **inputs)
    assert again.failed == ran.failed
    assert [comment] == runner.github()["comments"]


# ---------------------------------------------------------------------- what is checked


def test_what_is_changed_is_checked(tmp_path: Path) -> None:
    """Added and modified notebooks, whatever they are called; not links, deleted ones, checkpoints, other files."""
    runner, base = ready(tmp_path)
    for name in HOSTILE:
        (runner.workspace / name).write_text("no notebook")
    (runner.workspace / "kept.ipynb").write_text("changed")
    (runner.workspace / "old.ipynb").unlink()
    (runner.workspace / "link.ipynb").symlink_to("/etc/passwd")
    (runner.workspace / "code.py").write_text("")
    (runner.workspace / ".ipynb_checkpoints").mkdir()
    (runner.workspace / ".ipynb_checkpoints" / "x.ipynb").write_text("")
    runner.commit()
    ran = runner.run("pull_request", pull_request(base))
    assert ran.failed == ""
    assert sorted([*HOSTILE, "kept.ipynb"]) == sorted(checked(runner))
    assert str(len(HOSTILE) + 1) == ran.outputs["changed"]["count"]
    assert not (runner.workspace / "pwned").exists()
    assert [("error", {"title": "found"}, "something")] == commands(ran.log)


def test_only_what_lies_below_paths(tmp_path: Path) -> None:
    """Each line is a folder or a file, and none is a pattern."""
    runner, base = ready(tmp_path)
    for name in ("a/x.ipynb", "b/x.ipynb", "[ab]/x.ipynb"):
        (runner.workspace / name).parent.mkdir()
        (runner.workspace / name).write_text("")
    runner.commit()
    runner.run("pull_request", pull_request(base), paths="a\n\n  [ab]\n")
    assert ["[ab]/x.ipynb", "a/x.ipynb"] == checked(runner)


def test_what_the_base_changed_meanwhile_is_not_checked(tmp_path: Path) -> None:
    """A change is what the branch did since it left."""
    runner, _ = ready(tmp_path)
    runner.git("checkout", "--quiet", "-b", "homework")
    (runner.workspace / "mine.ipynb").write_text("")
    runner.commit()
    runner.git("checkout", "--quiet", "-b", "base", "HEAD^")
    (runner.workspace / "theirs.ipynb").write_text("")
    base = runner.commit()
    runner.git("checkout", "--quiet", "homework")
    runner.run("pull_request", pull_request(base))
    assert ["mine.ipynb"] == checked(runner)


def test_a_merge_needs_no_more_than_its_parents(tmp_path: Path) -> None:
    """With `fetch-depth: 2` the event's base may be missing; the merge that is checked out has it as a parent."""
    runner, base = ready(tmp_path)
    runner.git("checkout", "--quiet", "-b", "homework")
    changed(runner)
    runner.git("checkout", "--quiet", "--detach", base)
    runner.git("merge", "--quiet", "--no-ff", "--message", "m", "homework")
    runner.run("pull_request", pull_request("1" * 40))
    assert ["mine.ipynb"] == checked(runner)


def test_a_base_that_is_not_here_is_told(tmp_path: Path) -> None:
    """With the remedy."""
    runner, _ = ready(tmp_path)
    ran = runner.run("pull_request", pull_request("1" * 40))
    assert ran.failed == "Find the notebooks that are changed"
    assert "fetch-depth: 0" in ran.log


def test_nothing_changed_costs_nothing(tmp_path: Path) -> None:
    """No installation, no comment, no failure."""
    runner, base = ready(tmp_path)
    (runner.workspace / "code.py").write_text("")
    runner.commit()
    ran = runner.run("pull_request", pull_request(base))
    assert (ran.failed, ran.steps) == ("", ["Find the notebooks that are changed"])
    assert not (runner.temporary / "installed").exists()
    assert runner.github()["calls"] == []


# ---------------------------------------------------------------------- who may do what


def changed(runner: Runner) -> None:
    (runner.workspace / "mine.ipynb").write_text("")
    runner.commit()


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run", "issue_comment", ""])
def test_no_notebook_is_run_where_secrets_are(event: str, tmp_path: Path) -> None:
    """These events have secrets and a token that writes, for a fork's code too."""
    runner, base = ready(tmp_path)
    changed(runner)
    ran = runner.run(event, pull_request(base))
    assert ran.steps == [ran.failed] == ["Find the notebooks that are changed"]
    assert "has secrets at hand" in ran.log
    assert not (runner.temporary / "grader-arguments").exists()


def test_the_grader_sees_no_secret(tmp_path: Path) -> None:
    """Nothing of the job's environment but what it needs, and a folder in which nobody has put anything."""
    runner, base = ready(tmp_path)
    changed(runner)
    runner.run("pull_request", pull_request(base))
    environment = (runner.temporary / "grader-environment").read_text()
    names = set(re.findall(r"^(\w+)=", environment, re.MULTILINE)) - {"PWD", "SHLVL", "_"}
    assert {"HOME", "RUNNER_TEMP", "PATH", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"} == names
    assert "secret_of_the" not in environment
    folder = Path((runner.temporary / "grader-folder").read_text().strip())
    assert list(folder.iterdir()) == []
    assert not folder.is_relative_to(runner.workspace)


def test_a_wall_there_is(tmp_path: Path) -> None:
    """`none` is for one's own notebook, which a pull request's is not."""
    runner, base = ready(tmp_path)
    changed(runner)
    ran = runner.run("pull_request", pull_request(base), isolation="none")
    assert ran.failed == "Check the notebooks"
    assert not (runner.temporary / "grader-arguments").exists()
    runner.run("pull_request", pull_request(base), isolation="bwrap")
    arguments = asked(runner)
    assert arguments[arguments.index("--isolation") + 1] == "bwrap"


def test_the_assignment_is_that_of_the_base(tmp_path: Path) -> None:
    """A reference runs with the grader's rights: a pull request cannot bring or change one."""
    runner, _ = ready(tmp_path)
    folder = runner.workspace / "week 5"
    folder.mkdir()
    (folder / "assignment.toml").write_text("the base's")
    base = runner.commit()
    (folder / "assignment.toml").write_text("the change's")
    (folder / "reference.py").write_text("import os")
    changed(runner)
    runner.run("pull_request", pull_request(base), assignment="week 5")
    arguments = asked(runner)
    used = Path(arguments[arguments.index("--assignment") + 1])
    assert ["assignment.toml"] == [path.name for path in used.iterdir()]
    assert (used / "assignment.toml").read_text() == "the base's"


@pytest.mark.parametrize("wanted", ["new", "../elsewhere", "/etc", "deep/er"])
def test_an_assignment_of_the_pull_requests_own_is_refused(wanted: str, tmp_path: Path) -> None:
    """Nor one that lies outside."""
    runner, base = ready(tmp_path)
    (runner.workspace / "new").mkdir()
    (runner.workspace / "new" / "assignment.toml").write_text("")
    changed(runner)
    ran = runner.run("pull_request", pull_request(base), assignment=wanted)
    assert ran.failed == "Check the notebooks"
    assert not (runner.temporary / "grader-arguments").exists()


def test_an_id_stays_an_id(tmp_path: Path) -> None:
    """Of a shipped assignment."""
    runner, base = ready(tmp_path)
    changed(runner)
    runner.run("pull_request", pull_request(base), assignment="residual-blocks", fail_under="80")
    arguments = asked(runner)
    assert arguments[arguments.index("--assignment") + 1] == "residual-blocks"
    assert arguments[arguments.index("--fail-under") + 1] == "80"


# ---------------------------------------------------------------------- the comment


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
