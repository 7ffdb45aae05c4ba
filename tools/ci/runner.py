"""What the steps of the action share: the runner's files and words.

Only Python's own library is used, for these scripts run before anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

_ACTS = re.compile(r"[\x00-\x1f\x7f-\x9f]|::|##")


def work() -> Path:
    """The action's own folder, outside of what was checked out."""
    folder = Path(os.environ["RUNNER_TEMP"]) / "grader-action"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def workspace() -> Path:
    """Where the repository is checked out."""
    return Path(os.environ["GITHUB_WORKSPACE"])


def event() -> dict[str, Any]:
    """What started this run, as GitHub tells it."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    content = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return content if isinstance(content, dict) else {}


def output(name: str, value: str) -> None:
    """A value for the steps that follow. One of several lines would be several values."""
    if "\n" in value or "\r" in value:
        fail(f"the value of {name!r} has more than one line")
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as file:
        file.write(f"{name}={value}\n")


def say(message: str) -> None:
    """A line of the log, in which nothing is a command."""
    print(_ACTS.sub(" ", message), flush=True)


def notice(message: str) -> None:
    """A line that the run's page shows too."""
    print(f"::notice title=grader::{_ACTS.sub(' ', message).replace('%', '%25')}", flush=True)


def fail(message: str) -> NoReturn:
    """End the step: this is how the action is used wrongly, or what is missing."""
    print(f"::error title=grader::{_ACTS.sub(' ', message).replace('%', '%25')}", flush=True)
    sys.exit(1)
