"""Every command in the documentation, README and generated pages included, is executed, or said to be elsewhere.

Each page has a folder of its own, in which its commands run in their order. What a page shows of the output must come,
in that order too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from walls import wall

from grader.bundled import shipped_assignments

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools" / "site"))

import commands  # noqa: E402  (where it lies is said above)

QUIZ, BLOCKS = shipped_assignments()["residual-quiz"], shipped_assignments()["residual-blocks"]
_BLOCK = re.compile(r"^( *)```(?P<kind>\w*)[^\n]*\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SHELLS = ("", "console", "bash", "sh", "shell")
_OURS = re.compile(r"(grader|make|python -m grader)( |$)")

# Whole pages, and single commands, that another test executes, or none, and why.
PAGES_ELSEWHERE = {"docs/walk-through.md": "tests/test_walk_through.py walks it, and compares every line"}
ELSEWHERE = {
    "make demo": "installs this package; what it grades then, tests/test_examples.py grades",
    "make test": "runs this test",
    "make docs": "tests/test_site.py builds the same",
    "make texts": "writes into this checkout: tests/test_language.py compares what it would write",
    "grader check mine.ipynb --watch": "has no end of its own: tests/test_watch.py",
    "grader --install-completion": "writes into the shell's own files: tests/test_completion.py tries what it installs",
    "grader audit residual-blocks": "takes minutes: tests/test_audit.py audits parts of it",
    "grader audit week-5": "takes a minute: tests/test_walk_through.py audits what it is written from",
    "grader doctor --isolation bwrap": "fails where only the weaker wall stands, as it says: tests/test_doctor.py",
    "grader doctor --format json --quiet > doctor.json": "tests/test_doctor.py reads what it prints",
    "grader doctor --format json --quiet | jq '.protections[] | select(.status != \"holds\")'": (
        "tests/test_doctor.py reads what it prints"
    ),
}
# The same, whatever stands behind these words.
BEGINNING_ELSEWHERE = {
    "grader check /grade/student": "runs where PrairieLearn runs it: tests/test_formats_platforms.py reads the result",
    "grader export canvas": "needs what Canvas has exported: tests/test_export_gradebooks.py",
    "grader export moodle": "needs what Moodle has exported: tests/test_export_gradebooks.py",
    "grader export nbgrader": "needs what nbgrader has exported: tests/test_export_gradebooks.py",
    "grader import": "needs an assignment of another grader's: tests/test_importing.py",
}
_ALIKE_ANYWHERE = re.compile(r"grader (doctor|schema)\b")  # whatever folder it is executed in
CODES = {"grader check mine.ipynb --fail-under 100 --quiet": 1}  # other exit codes than 0, which the page promises


@dataclass(frozen=True)
class Command:
    line: str
    expected: list[str]  # lines that must come


def found(text: str) -> list[Command]:
    """The commands of a page."""
    lines: list[Command] = []
    for block in _BLOCK.finditer(text):
        if block["kind"] not in _SHELLS:
            continue
        for line in block["text"].replace("\\\n", " ").splitlines():
            command = line.strip().removeprefix("$ ").split("  #")[0].rstrip()
            if _OURS.match(command) and (block["kind"] != "console" or line.lstrip().startswith("$ ")):
                lines.append(Command(command, []))
            elif block["kind"] == "console" and lines and line.strip() and not line.lstrip().startswith("$ "):
                lines[-1].expected.append(line.rstrip())
    return lines


def sources() -> dict[str, str]:
    by_hand = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md"])
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in by_hand}
    return {**texts, "reference/commands.md": commands.page()}


COMMANDS = {page: found(text) for page, text in sources().items() if page not in PAGES_ELSEWHERE}
# ---------------------------------------------------------------------- where they run


def anything(home: Path) -> None:
    """A notebook, a class and a homework, all of them questions, which are graded in a moment."""
    shutil.copy(example(QUIZ), home / "mine.ipynb")
    (home / "submissions").mkdir()
    for student in ("anna", "ben"):
        shutil.copy(example(QUIZ), home / "submissions" / f"{student}.ipynb")
    for name in ("homework/week-5", "homework/week-6", "preact"):
        shutil.copytree(QUIZ, home / name)
    (home / "week-5").mkdir()


def example(assignment: Path) -> Path:
    return sorted((assignment / "examples").glob("right*.ipynb"))[0]


def student(home: Path) -> None:
    """The notebook of the tutorial, with the mistake that it tells of."""
    shutil.copy(BLOCKS / "examples" / "wrong-multiplied.ipynb", home / "mine.ipynb")


def instructor(home: Path) -> None:
    """What students have handed in of the homework that `grader new` writes."""
    from grader.scaffold import scaffold

    scaffold("week-5", home / "elsewhere")
    for name, hand_in in (("anna", "right"), ("ben", "wrong")):
        (home / "submissions" / name).mkdir(parents=True)
        written = home / "elsewhere" / "week-5" / "examples" / f"{hand_in}.ipynb"
        shutil.copy(written, home / "submissions" / name / "week-5.ipynb")


PREPARED: dict[str, Callable[[Path], None]] = {
    "docs/tutorial-student.md": student,
    "docs/tutorial-instructor.md": instructor,
}


def _is_elsewhere(line: str) -> bool:
    return line in ELSEWHERE or line.startswith(tuple(BEGINNING_ELSEWHERE))


def to_run() -> dict[str, list[Command]]:
    """What is executed on which page. What two pages say of the same folder is executed once."""
    pages: dict[str, list[Command]] = {}
    known: set[str] = set()
    for page, lines in COMMANDS.items():
        own = page in PREPARED
        new = [each for each in lines if not _is_elsewhere(each.line) and (own or each.line not in known)]
        known |= {each.line for each in new if not own or _ALIKE_ANYWHERE.match(each.line)}
        if new:
            pages[page] = new
    return pages


TO_RUN = to_run()


@dataclass(frozen=True)
class Said:
    command: Command
    code: int
    output: str


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    programs = tmp_path_factory.mktemp("bin")
    (programs / "grader").write_text(f'#!/bin/sh\nexec {sys.executable} -m grader "$@"\n')
    (programs / "grader").chmod(0o755)
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "80"}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> dict[str, list[Said]]:
    """Every page, executed, two at a time."""
    wall()
    homes = [tmp_path_factory.mktemp("page") for _ in TO_RUN]
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(lambda page, home: executed(page, home, environment), TO_RUN, homes)
        return dict(zip(TO_RUN, said, strict=True))


def executed(page: str, home: Path, environment: dict[str, str]) -> list[Said]:
    PREPARED.get(page, anything)(home)
    said = []
    for command in TO_RUN[page]:
        run = subprocess.run(
            ["bash", "-o", "pipefail", "-c", runnable(command.line)],
            cwd=home, env=environment, timeout=300, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said.append(Said(command, run.returncode, run.stdout))
    return said


@pytest.mark.slow
@pytest.mark.parametrize("page", TO_RUN)
def test_commands_do_what_the_page_says(page: str, said: dict[str, list[Said]]) -> None:
    assert TO_RUN[page] == [each.command for each in said[page]]
    for each in said[page]:
        line = each.command.line
        assert CODES.get(line, 0) == each.code, f"{page}: {line} said:\n{each.output}"
        came = iter(each.output.splitlines())
        missing = [wanted for wanted in each.command.expected if not any(one.startswith(wanted) for one in came)]
        assert [] == missing, f"{page}: {line} said:\n{each.output}"


def runnable(line: str) -> str:
    """Without what it is piped into, where that is not installed."""
    left, pipe, right = line.partition(" | ")
    return line if not pipe or shutil.which(right.split()[0]) else left


def test_what_is_said_to_be_elsewhere_stands_on_a_page() -> None:
    """The table does not outlive what it excuses."""
    said = {each.line for lines in COMMANDS.values() for each in lines}
    assert set(ELSEWHERE) | set(CODES) <= said
    assert all(any(line.startswith(beginning) for line in said) for beginning in BEGINNING_ELSEWHERE)
    assert set(PAGES_ELSEWHERE) <= set(sources())
    for why in (why for table in (ELSEWHERE, BEGINNING_ELSEWHERE, PAGES_ELSEWHERE) for why in table.values()):
        assert all((ROOT / test).is_file() for test in re.findall(r"tests/\w+\.py", why))


def test_commands_are_found_however_they_are_written() -> None:
    text = (
        "```\ngrader a | jq .\n```\n1. x\n\n   ```console\n   $ grader b \\\n     --c\n   said\n   ```\n"
        "```python\ngrader d\n```\n~ grader e\n```sh\n# no\nmake f  # why\n```\n"
    )
    assert [("grader a | jq .", []), ("grader b --c", ["said"]), ("make f", [])] == [
        (" ".join(each.line.split()), [line.strip() for line in each.expected]) for each in found(text)
    ]
    assert len([each for lines in COMMANDS.values() for each in lines]) >= 30
