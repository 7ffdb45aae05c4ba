"""What docs/ci.md shows is valid and works: workflows, the GitLab job, the hook for pre-commit."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import junitparser
import nbformat
import pytest
import yaml
from action_runner import ACTION, ROOT

pytestmark = pytest.mark.heavy

MANUAL = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS: list[dict[Any, Any]] = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)]
WORKFLOWS = [block for block in BLOCKS if "jobs" in block]
(GITLAB,) = (block["check-notebooks"] for block in BLOCKS if "check-notebooks" in block)
(PRE_COMMIT,) = (block["repos"] for block in BLOCKS if "repos" in block)
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def wrong(path: Path) -> None:
    """A notebook that gets no points for its code."""
    cell = nbformat.v4.new_code_cell("import torch\n\nclass ResBlock(torch.nn.Module):\n    pass")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With one commit, and programs beside it: this grader as `grader`, and what needs the net as nothing."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "pip"):
        (programs / name).write_text("#!/bin/bash\nexit 0\n")
    grader = f'#!/bin/bash\nexport PYTHONPATH={ROOT}\nexec {sys.executable} -m grader "$@"\n'
    (programs / "grader").write_text(grader)
    for program in programs.iterdir():
        program.chmod(0o755)
    folder = tmp_path / "repository"
    folder.mkdir()
    for arguments in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "first"]):
        git(folder, *arguments)
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def shell(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder.parent / 'programs'}:/usr/bin:/bin"
    given = {"PATH": path, "HOME": str(folder.parent), "NO_COLOR": "1", **environment}
    return subprocess.run(["bash", "-c", script], cwd=folder, env=given, capture_output=True, text=True)


# ---------------------------------------------------------------------- GitHub


def test_workflows_use_inputs_and_outputs_that_there_are() -> None:
    """A workflow that is copied works."""
    assert len(WORKFLOWS) == 3
    uses = [step for flow in WORKFLOWS for job in flow["jobs"].values() for step in job["steps"]]
    ours = [step for step in uses if step.get("uses", "").startswith("OWNER/grader@")]
    assert len(ours) == 3
    for step in ours:
        assert set(step["with"]) <= set(ACTION["inputs"])
    assert set(re.findall(r"steps\.grader\.outputs\.([\w-]+)", MANUAL)) <= set(ACTION["outputs"])


def test_no_workflow_runs_a_strangers_code_with_secrets() -> None:
    """What may write checks nothing; what checks for forks may only read; the checkout keeps no token."""
    for flow in WORKFLOWS:
        event = flow[True]  # YAML 1.1 reads `on` as true
        assert event == "pull_request" or list(event) == ["workflow_run"]
        assert "secrets." not in str(flow)
        for step in (step for job in flow["jobs"].values() for step in job["steps"]):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            if step.get("uses", "").startswith("OWNER/grader@") and event != "pull_request":
                assert "results-file" in step["with"]
    assert WORKFLOWS[1]["permissions"] == {"contents": "read"}


def test_every_input_of_the_action_is_in_the_manual() -> None:
    """And no other."""
    table = MANUAL.split("| Input | Meaning | Default |")[1].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert set(ACTION["inputs"]) == named
    outputs = re.search(r"^Outputs: (.*)$", MANUAL, re.MULTILINE)
    assert outputs is not None
    assert set(ACTION["outputs"]) == set(re.findall(r"`([\w-]+)`", outputs[1]))


# ---------------------------------------------------------------------- GitLab


def test_the_gitlab_job_runs_as_it_stands(repository: Path) -> None:
    """The changed notebooks are checked, whatever their names; the report that GitLab reads is where it looks."""
    base = git(repository, "rev-parse", "HEAD")
    wrong(repository / "-my block.ipynb")
    (repository / "other.py").write_text("")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "second")
    script = "\n".join(["set -eo pipefail", *GITLAB["before_script"], *GITLAB["script"]])
    variables = {name: value for name, value in GITLAB["variables"].items() if name != "GIT_DEPTH"}
    done = shell(repository, script, CI_MERGE_REQUEST_DIFF_BASE_SHA=base, CI_PROJECT_DIR=str(repository), **variables)
    assert done.returncode == 123, done.stderr  # of xargs, for a grader that said 1
    report = repository / GITLAB["artifacts"]["reports"]["junit"]
    (suite,) = junitparser.JUnitXml.fromstring(report.read_bytes())
    assert suite.failures + suite.errors > 0
    assert {case._elem.get("file") for case in suite} == {"-my block.ipynb"}
    assert all((repository / path).exists() for path in GITLAB["artifacts"]["paths"])
    assert GITLAB["artifacts"]["when"] == "always"


def test_the_gitlab_job_has_nothing_to_do_without_a_notebook(repository: Path) -> None:
    """And says so by passing."""
    base = git(repository, "rev-parse", "HEAD")
    done = shell(repository, "\n".join(["set -e", *GITLAB["script"]]), CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert (done.returncode, (repository / "reports").exists()) == (0, False)


# ---------------------------------------------------------------------- pre-commit


def hooked(repository: Path, arguments: list[str], *names: str) -> subprocess.CompletedProcess[str]:
    """As pre-commit does: the entry cut like a shell does, the arguments, then the files, in the repository."""
    command = [*shlex.split(HOOK["entry"]), *arguments, *names]
    return shell(repository, shlex.join(command), PRE_COMMIT="1")


def test_the_hook_checks_what_is_committed(repository: Path) -> None:
    """It shows what is found, leaves no file behind, and stops the commit where the threshold says so."""
    wrong(repository / "a b.ipynb")
    (wanted,) = PRE_COMMIT[0]["hooks"]
    done = hooked(repository, wanted["args"], "a b.ipynb")
    assert done.returncode == 1
    assert "The basic residual block" in done.stderr
    assert done.stdout == ""
    assert [".git", "a b.ipynb"] == sorted(os.listdir(repository))


def test_the_hook_stops_what_cannot_be_graded(repository: Path) -> None:
    """Without a threshold too."""
    (repository / "broken.ipynb").write_text("{")
    done = hooked(repository, ["--assignment", "residual-ideas"], "broken.ipynb")
    assert done.returncode == 1
    assert "breaks off" in done.stderr or "Could not be read" in done.stderr


def test_the_hook_is_what_pre_commit_expects() -> None:
    """It takes notebooks, all in one run, and the manual names it."""
    pattern = re.compile(HOOK["files"])
    assert [True, True, False] == [bool(pattern.search(name)) for name in ("a.ipynb", "b/c d.ipynb", "a.ipynb.py")]
    assert re.search(HOOK["exclude"], "a/.ipynb_checkpoints/b.ipynb")
    assert HOOK["require_serial"]
    assert HOOK["language"] == "python"  # so that `grader` is what pip installs
    assert {each["id"] for repo in PRE_COMMIT for each in repo["hooks"]} == {HOOK["id"]}


# ---------------------------------------------------------------------- by hand


def test_the_commands_take_their_options(repository: Path) -> None:
    """Each command of the last section is understood: it gets as far as the folder that is not there."""
    (block,) = re.findall(r"^```\n(grader .*?)```", MANUAL, re.DOTALL | re.MULTILINE)
    for line in block.splitlines():
        command = shlex.split(line.split(" | ")[0])
        shown = shell(repository, shlex.join(command))
        assert shown.returncode == 2
        assert "there is no such file or folder" in shown.stderr, line
