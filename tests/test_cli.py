"""The command as its users meet it: exit codes, what goes where, and what happens when something breaks.

Nearly every test runs the real command in a process of its own. Starting one costs seconds, so a few runs are shared,
and what is refused before anything starts is asked in this process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from grader.__main__ import main
from grader.cli import app
from grader.interruption import Interruption
from grader.terminal import Terminal

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "assignments" / "residual-blocks" / "examples"
HOSTILE = "\x1b[31mred\u202e[bold]<b>"
ESCAPES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
RIGHT, WRONG = EXAMPLES / "right-plain.ipynb", EXAMPLES / "wrong-multiplied.ipynb"
HANGS = """
import time
from torch import nn

class ResBlock(nn.Module):
    def __init__(self, *arguments):
        super().__init__()
        time.sleep(600)
"""


@dataclass(frozen=True)
class Finished:
    code: int
    stdout: str
    stderr: str
    output: Path

    @property
    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.output / "results.json").read_text())
        return found

    @property
    def statuses(self) -> dict[str, str]:
        return {each["student"]: each["status"] for each in self.results["submissions"]}


def command(*arguments: object, program: str = "grader") -> list[str]:
    start = ["-m", "grader"] if program == "grader" else [program]
    return [sys.executable, *start, *map(str, arguments)]


def grader(*arguments: object, program: str = "grader", **environment: str) -> Finished:
    run = subprocess.run(
        command(*arguments, program=program),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    words = list(map(str, arguments))
    output = Path(words[words.index("--output") + 1]) if "--output" in words else Path("reports")
    return Finished(run.returncode, run.stdout, run.stderr, output)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class of four: one right, one wrong, one unreadable, one with a name that is an attack."""
    folder = tmp_path_factory.mktemp("class")
    shutil.copy(RIGHT, folder / "anna.ipynb")
    shutil.copy(WRONG, folder / "ben.ipynb")
    (folder / "cem.ipynb").write_text("{ this is no notebook")
    shutil.copy(WRONG, folder / f"{HOSTILE.replace('/', '')}.ipynb")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return grader("check", folder, "--output", tmp_path_factory.mktemp("out") / "new" / "reports", "--jobs", 1)


# ---------------------------------------------------------------------- a class


def test_a_class_with_an_unreadable_file_ends_with_one(run: Finished) -> None:
    """Every submission graded is what 0 promises."""
    assert 1 == run.code, run.stderr
    assert {"anna": "graded", "ben": "graded", "cem": "unreadable"}.items() <= run.statuses.items()
    assert 4 == len(run.statuses)


def test_every_student_gets_a_page_and_the_class_gets_one(run: Finished) -> None:
    pages = sorted(page.stem for page in (run.output / "students").iterdir())
    assert sorted(run.statuses) == pages
    assert (run.output / "index.html").stat().st_size > 0
    assert {"index.html", "notebooks", "results.json", "students"} == {each.name for each in run.output.iterdir()}


def test_nobody_decides_for_a_class(tmp_path: Path) -> None:
    """A notebook that says it is for another assignment is graded with the others, and told so; on one processor."""
    folder, output = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    for name in ("anna", "ben", "cem"):
        shutil.copy(RIGHT, folder / f"{name}.ipynb")
    other = nbformat.read(RIGHT, as_version=4)
    other.metadata["grader"] = {"assignment": "gardening"}
    only_on_one = "import os\nResBlock = ResBlock if len(os.sched_getaffinity(0)) == 1 else None"
    other.cells.append(nbformat.v4.new_code_cell(only_on_one))
    nbformat.write(other, folder / "dora.ipynb")
    run = grader("check", folder, "--output", output)
    scores = {each["student"]: each["score"] for each in run.results["submissions"]}
    assert (0, scores["anna"]) == (run.code, scores["dora"]), run.stderr
    named = "The notebook's metadata names the assignment 'gardening'; it was graded as 'residual-blocks'."
    assert [["dora"]] == [[each["student"]] for each in run.results["submissions"] if named in each["warnings"]]


def test_results_follow_the_schema(run: Finished) -> None:
    schema = grader("schema")
    assert 0 == schema.code
    jsonschema.Draft202012Validator(json.loads(schema.stdout)).validate(run.results)


def test_the_summary_is_on_stderr_and_inert_in_a_pipe(run: Finished) -> None:
    """Names and messages of students reach the terminal as text: no colours, no control signs, no markup."""
    assert "" == run.stdout
    assert "anna" in run.stderr
    assert "multipl" in run.stderr
    assert not ESCAPES.findall(run.stderr)
    assert "3 graded (1 with nothing to fix), 1 not" in run.stderr
    assert "index.html" in run.stderr


def test_json_stands_alone_on_stdout_and_does_not_depend_on_jobs(run: Finished, folder: Path) -> None:
    printed = grader("check", folder, "--output", "-", "--format", "json", "--jobs", 2, "--quiet")
    assert (1, "") == (printed.code, printed.stderr)
    assert (run.output / "results.json").read_text() == printed.stdout
    assert not Path("-").exists()


# ---------------------------------------------------------------------- one notebook


def test_a_right_notebook_without_a_wall_ends_with_zero_and_says_so(tmp_path: Path) -> None:
    """Pending points do not count against --fail-under; output of an earlier run gives way; others' files stay."""
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    right = grader("check", RIGHT, "--output", tmp_path, "--fail-under", 100, "--isolation", "none", NO_COLOR="1")
    assert 0 == right.code, right.stderr
    assert "none" == right.results["isolation"]
    assert "No wall" in right.stderr
    assert right.stderr.count("✓") >= 12
    assert "✗" not in right.stderr
    assert "\x1b" not in right.stderr
    assert "old" != (tmp_path / "index.html").read_text()
    assert "mine" == (tmp_path / "mine.txt").read_text()


def test_one_notebook_below_the_threshold_is_told_what_is_wrong_and_where(tmp_path: Path) -> None:
    notebook = tmp_path / "[red]mine.ipynb"
    shutil.copy(WRONG, notebook)
    wrong = grader("check", notebook, "--output", tmp_path / "out", "--fail-under", 99)
    assert 1 == wrong.code, wrong.stderr
    assert "✗" in wrong.stderr
    assert "✓" in wrong.stderr
    assert "shortcut-multiplied" in wrong.stderr
    assert "[red]mine.ipynb" in wrong.stderr
    assert "out/students/_red_mine.html" in wrong.stderr
    assert "Assignment: residual-blocks, told by what was handed in" in wrong.stderr
    named = grader("check", notebook, "--output", tmp_path / "out", "--assignment", "residual-blocks")
    assert "told by what was handed in" not in named.stderr


# ---------------------------------------------------------------------- wrong usage: 2


def spec(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "assignment.toml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/no/such/file.ipynb"], "no such file"),
        ([RIGHT, "--format", "html,nonsense"], "unknown format 'nonsense': choose from "),
        ([RIGHT, "--format", ","], "--format names no format: choose from "),
        ([RIGHT, "--output", "-", "--format", "json,html"], "choose one of"),
        ([RIGHT, "--isolation", "nonsense"], "'bwrap', 'landlock', 'none'"),
        ([RIGHT, "--device", "tpu"], "'cuda'"),
        ([RIGHT, "--assignment", "nonsense"], "residual-blocks"),
        ([RIGHT, "--output", "-", "--format", "html"], "one document on standard output"),
        ([RIGHT, "--output", RIGHT], "this is a file"),
        ([RIGHT, "--output", "/proc/reports"], "cannot be written"),
        ([RIGHT, "--jobs", "0"], "--jobs"),
        ([RIGHT, "--memory", "1"], "--memory"),
        ([ROOT / "tests" / "test_cli.py", "--fail-under", "101"], "--fail-under"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_usage_ends_with_two_and_the_choices(arguments: list[object], message: str) -> None:
    wrong = CliRunner().invoke(app, ["check", *map(str, arguments)])  # refused before anything starts
    assert 2 == wrong.exit_code, wrong.stderr
    assert message in " ".join(wrong.stderr.split())
    assert "Traceback" not in wrong.stderr
    assert "" == wrong.stdout


def test_an_assignment_with_a_mistake_ends_with_two_and_the_place(tmp_path: Path) -> None:
    broken = spec(tmp_path / "hw", 'id = "hw"\ntitle = "T"\ntypo = 1\n')
    wrong = grader("check", RIGHT, "--assignment", broken)
    assert 2 == wrong.code
    assert "typo: unknown key" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_a_reference_that_is_missing_is_found_in_a_slot_and_ends_with_two(tmp_path: Path) -> None:
    text = (
        (ROOT / "assignments/residual-blocks/assignment.toml").read_text().replace("residual:ResBlock", "residual:Nope")
    )
    wrong = grader("check", RIGHT, "--assignment", spec(tmp_path / "hw", text), "--output", tmp_path / "out")
    assert 2 == wrong.code, wrong.stderr
    assert "Nope" in wrong.stderr
    assert wrong.stderr.startswith("grader: ")
    assert "Traceback" not in wrong.stderr
    assert [] == list((tmp_path / "out").iterdir())


def test_cuda_where_there_is_none_ends_with_two(tmp_path: Path) -> None:
    wrong = grader("check", RIGHT, "--device", "cuda", "--output", tmp_path, CUDA_VISIBLE_DEVICES="")
    assert 2 == wrong.code, wrong.stderr
    assert "--device auto or cpu" in wrong.stderr


def test_nothing_that_can_be_read_tells_why(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("{")
    wrong = grader("check", tmp_path / "x.ipynb")
    assert 2 == wrong.code
    assert 1 == wrong.stderr.count("x.ipynb: ")
    assert "--assignment" in wrong.stderr


# ---------------------------------------------------------------------- the grader's own faults: 3


def test_a_wall_that_cannot_be_built_ends_with_three_and_the_remedy(tmp_path: Path) -> None:
    wrong = grader("check", RIGHT, "--isolation", "bwrap", "--output", tmp_path, PATH="/nowhere")
    assert 3 == wrong.code, wrong.stderr
    assert "install bubblewrap" in wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.heavy
def test_a_slot_that_is_killed_costs_only_its_submission(tmp_path: Path) -> None:
    for name in ("a", "b-dies", "c"):
        shutil.copy(RIGHT, tmp_path / f"{name}.ipynb")
    program = str(Path(__file__).with_name("dying_slot.py"))
    out = tmp_path / "out"
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o711)  # behind the wall another user passes through
        run = grader("check", tmp_path, "--output", out, "--jobs", 1, program=program, TMPDIR=scratch)
        assert [] == list(Path(scratch).iterdir())
    assert 3 == run.code, run.stderr
    assert {"a": "graded", "b-dies": "grader_broke", "c": "graded"} == run.statuses
    assert "SIGKILL" in run.results["submissions"][1]["warnings"][0]
    assert (out / "students" / "b-dies.html").exists()
    assert "1 on which the grader failed" in run.stderr


@pytest.mark.parametrize("arguments", [["schema"], ["new", "one"]])
def test_whoever_reads_less_than_all_is_no_fault(tmp_path: Path, arguments: list[str]) -> None:
    process = subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    process.stdout.close()  # before there is anything to read
    process.stdout = None
    assert ("", 0) == (process.communicate(timeout=120)[1], process.returncode)


def test_what_is_left_out_is_counted_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """However long the names are that are shown."""
    Terminal().left_out([f"{number}-{'x' * 90}.pdf" for number in range(20)])
    assert "and 12 more" in capsys.readouterr().err


# ---------------------------------------------------------------------- Ctrl-C


@pytest.fixture
def interrupted(tmp_path: Path) -> Iterator[Callable[[signal.Signals], tuple[Finished, float]]]:
    """Stop a run with one finished student, as Ctrl-C does: the signal goes to the whole group."""
    shutil.copy(RIGHT, tmp_path / "a.ipynb")
    (tmp_path / "b.py").write_text(HANGS)
    out = tmp_path / "out"
    process = subprocess.Popen(
        command("check", tmp_path, "--output", out, "--jobs", 1),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    def stop(number: signal.Signals) -> tuple[Finished, float]:
        deadline = time.monotonic() + 60
        while not (out / "students" / "a.html").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        time.sleep(0.3)  # into the second notebook
        began = time.monotonic()
        os.killpg(process.pid, number)
        stdout, stderr = process.communicate(timeout=30)
        return Finished(process.returncode, stdout, stderr, out), time.monotonic() - began

    yield stop
    if process.poll() is None:
        process.kill()
        process.communicate()


def test_ctrl_c_keeps_what_is_finished(interrupted: Callable[[signal.Signals], tuple[Finished, float]]) -> None:
    run, seconds = interrupted(signal.SIGINT)
    assert 130 == run.code, run.stderr
    assert {"a": "graded"} == run.statuses
    assert "Stopped: 1 of 2" in run.stderr
    assert "Traceback" not in run.stderr
    assert (run.output / "index.html").exists()
    assert seconds < 15
    assert [] == _left_over(run.output)


def test_ctrl_c_while_the_command_line_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.cli.app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert 130 == ended.value.code


def test_a_closed_terminal_keeps_what_is_finished(
    interrupted: Callable[[signal.Signals], tuple[Finished, float]],
) -> None:
    run, seconds = interrupted(signal.SIGHUP)
    assert 129 == run.code, run.stderr
    assert {"a": "graded"} == run.statuses
    assert "Stopped: 1 of 2" in run.stderr
    assert "Traceback" not in run.stderr
    assert seconds < 15
    assert [] == _left_over(run.output)


def test_nohup_goes_before_a_closed_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interruption.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def _left_over(output: Path) -> list[str]:
    """Processes that still have this run's output folder on their command line or in their orders."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(output).encode() in line:
                found.append(line.decode(errors="replace"))
    return found


# ---------------------------------------------------------------------- the manual


def test_every_command_and_option_is_in_the_manual() -> None:
    manual = (ROOT / "README.md").read_text() + (ROOT / "docs" / "cli.md").read_text()
    main = get_command(app)
    missing = []
    for name, each in main.commands.items():  # type: ignore[attr-defined]
        if f"grader {name}" not in manual:
            missing.append(f"grader {name}")
        missing += [option for parameter in each.params for option in _long(parameter) if f"`{option}" not in manual]
    assert [] == missing
    assert "grader --version" in manual


def _long(parameter: Any) -> list[str]:
    return [option for option in parameter.opts if option.startswith("--")]


def test_help_names_every_exit_code_and_version_prints_one() -> None:
    said = " ".join(grader("--help").stdout.split())
    assert all(f"{code} " in said for code in range(4))
    assert re.fullmatch(r"grader \d+\.\d+\.\d+\n", grader("--version").stdout)
    assert isinstance(app, typer.Typer)
