"""Runs the steps of `action.yml` as a runner does: their `if`, their `env`, their `run`, exactly as they stand.

What is outside of the machine is faked by programs on PATH: `gh` keeps comments in a file, and `python3 -m venv`
makes an environment in which this very grader is installed already.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
TOKEN = "ghs_secret_of_the_runner"
DEFAULT_SHELL = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]

_GRADER = """#!/bin/bash
env > "$RUNNER_TEMP/grader-environment"; pwd > "$RUNNER_TEMP/grader-folder"
printf '%s\\0' "$@" > "$RUNNER_TEMP/grader-arguments"
export PYTHONPATH={root}
{run}
"""
_PYTHON3 = """#!/bin/bash
if [[ "$1 $2" == "-m venv" ]]; then
  echo venv >> "$RUNNER_TEMP/installed"; mkdir -p "$3/bin"; cp "{fakes}/grader" "{fakes}/python" "$3/bin/"; exit
fi
exec {python} "$@"
"""
_PYTHON = """#!/bin/bash
if [[ "$1 $2" == "-m pip" ]]; then printf '%s\\n' "$@" >> "$RUNNER_TEMP/installed"; exit; fi
export PYTHONPATH={root}
exec {python} "$@"
"""
_GH = """#!{python}
import json, os, re, sys
from pathlib import Path
store = Path({store!r})
state = json.loads(store.read_text())
arguments = sys.argv[1:]
state["calls"].append({{"arguments": arguments, "token": os.environ.get("GH_TOKEN")}})
method = arguments[arguments.index("--method") + 1] if "--method" in arguments else "GET"
path = next(each for each in arguments if each.startswith("repos/"))
sent = json.load(sys.stdin) if "--input" in arguments else None
if method == "POST":
    comment = {{"id": 1000 + len(state["comments"]), "user": {{"login": "github-actions[bot]"}}, "body": sent["body"]}}
    state["comments"].append(comment)
    print(json.dumps(comment))
elif method == "PATCH":
    comment = next(each for each in state["comments"] if each["id"] == int(path.rsplit("/", 1)[1]))
    comment["body"] = sent["body"]
    print(json.dumps(comment))
elif "/pulls?" in path:
    print(json.dumps(state["pulls"]))
else:
    for each in state["comments"]:
        print(json.dumps({{"id": each["id"], "login": each["user"]["login"], "body": each["body"]}}))
store.write_text(json.dumps(state))
sys.exit(state.get("refuses", 0))
"""


@dataclass
class Ran:
    """What came of one run."""

    log: str = ""
    failed: str = ""  # the name of the step that failed
    steps: list[str] = field(default_factory=list)  # names of those that ran
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)


class Runner:
    """A machine with a checked-out repository."""

    def __init__(self, folder: Path, grader: str = "") -> None:
        """With `grader`, a script that stands for it."""
        self.workspace, self.temporary, fakes = folder / "checkout", folder / "temp", folder / "fakes"
        for each in (self.workspace, self.temporary, fakes):
            each.mkdir()
        self._store = folder / "github.json"
        self.github({"comments": [], "pulls": [], "calls": []})
        self._fakes = fakes
        values = {"root": ROOT, "python": sys.executable, "fakes": fakes, "store": str(self._store)}
        values["run"] = grader or f'exec {sys.executable} -m grader "$@"'
        for name, text in {"grader": _GRADER, "python3": _PYTHON3, "python": _PYTHON, "gh": _GH}.items():
            (fakes / name).write_text(text.format(**values))
            (fakes / name).chmod(0o755)
        self.summary = self.temporary / "summary"

    def github(self, change: dict[str, Any] | None = None) -> dict[str, Any]:
        """What GitHub has, after this change."""
        state: dict[str, Any] = json.loads(self._store.read_text()) if self._store.exists() else {}
        state.update(change or {})
        self._store.write_text(json.dumps(state))
        return state

    def git(self, *arguments: str | bytes | Path) -> str:
        """In the checkout."""
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", self.workspace, *arguments]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=_git_environment()
        ).stdout.strip()

    def commit(self) -> str:
        """Everything that is there; the name of the commit."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", "x")
        return self.git("rev-parse", "HEAD")

    def run(self, event: str, payload: dict[str, Any], **inputs: str) -> Ran:
        """All steps, as the runner does. Inputs by their names, with `_` for `-`."""
        (self.temporary / "event.json").write_text(json.dumps(payload))
        given = {name: str(spec.get("default", "")) for name, spec in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        context: dict[str, Any] = {
            "inputs": {name: _filled(value, {"github": {"token": TOKEN}}) for name, value in given.items()},
            "github": {"token": TOKEN, "action_path": str(ROOT)},
            "steps": {step["id"]: {"outputs": {}} for step in STEPS if "id" in step},
        }
        ran = Ran()
        for step in STEPS:
            if ran.failed or not _holds(step.get("if", ""), context):
                continue
            ran.steps.append(step["name"])
            self._step(step, event, context, ran)
        ran.outputs = {name: step["outputs"] for name, step in context["steps"].items()}
        return ran

    def _step(self, step: dict[str, Any], event: str, context: dict[str, Any], ran: Ran) -> None:
        outputs = self.temporary / "outputs"
        outputs.write_text("")
        script = self.temporary / "step.sh"
        script.write_text(step["run"])
        assert step["shell"] == "bash"
        environment = {
            "PATH": f"{self._fakes}:/usr/bin:/bin",
            "HOME": str(self.temporary),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_REPOSITORY": "course/homework",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(self.temporary / "event.json"),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "ACTIONS_RUNTIME_TOKEN": "secret_of_the_job",
            "SECRET": "secret_of_the_job",
            **{name: _filled(value, context) for name, value in step.get("env", {}).items()},
        }
        done = subprocess.run(
            [*DEFAULT_SHELL, str(script)], cwd=self.workspace, env=environment, capture_output=True, text=True
        )
        ran.log += done.stdout + done.stderr
        if done.returncode != 0:
            ran.failed = step["name"]
        if "id" in step:
            pairs = [line.split("=", 1) for line in outputs.read_text().splitlines()]
            context["steps"][step["id"]]["outputs"] = dict(pairs)


def _filled(text: str, context: dict[str, Any]) -> str:
    """With the value of every `${{ … }}`."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: str(_value(match[1], context)), text)


def _holds(condition: str, context: dict[str, Any]) -> bool:
    return bool(_value(condition, context)) if condition else True


def _value(expression: str, context: dict[str, Any]) -> Any:
    """GitHub's expressions, as far as the action uses them: names, texts, `==`, `!=`, `&&`, `||` and brackets."""
    words = re.findall(r"'[^']*'|&&|\|\||==|!=|[()]|[\w.-]+", expression)
    assert "".join(words) == "".join(expression.split()), f"not understood: {expression}"
    python = {"&&": "and", "||": "or"}
    return eval(
        " ".join(
            python.get(word) or (repr(_looked_up(word, context)) if re.match(r"[a-z]", word) else word)
            for word in words
        ),
        {"__builtins__": {}},
    )


def _looked_up(name: str, context: dict[str, Any]) -> Any:
    value: Any = context
    for part in name.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value


def _git_environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": "/"}
