"""The composite action, its steps run exactly as they stand: what it checks, where it comments, what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from action_runner import ACTION, MARKER, STEPS, asked, changed, checked, pull_request, ready
from ci_readers import commands

pytestmark = pytest.mark.heavy

EXAMPLES = Path(__file__).parents[1] / "assignments" / "residual-blocks" / "examples"
HOSTILE = ["-rf.ipynb", "$(touch pwned).ipynb", "a\n::error::b.ipynb", "ü \"'`;.ipynb", "##[add-mask]x.IPYNB"]


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
    for name in ("a/x.ipynb", "b/x.ipynb", "*/x.ipynb"):
        (runner.workspace / name).parent.mkdir()
        (runner.workspace / name).write_text("")
    runner.commit()
    runner.run("pull_request", pull_request(base), paths="a\n\n  *\n")
    assert ["*/x.ipynb", "a/x.ipynb"] == checked(runner)


def test_what_the_base_changed_meanwhile_is_not_checked(tmp_path: Path) -> None:
    """A change is what the branch did since it left."""
    runner, _ = ready(tmp_path)
    runner.git("checkout", "--quiet", "-b", "homework")
    (runner.workspace / "mine.ipynb").write_text("")
    runner.commit()
    runner.git("checkout", "--quiet", "-b", "base", "HEAD^")
    (runner.workspace / "kept.ipynb").write_text("changed by others")
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
