"""Options from a file: which file is found, what it may say, and that the command line goes before it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from grader.batch import Request
from grader.bundled import shipped_assignments
from grader.cli import app
from grader.config import Options, find_config, read_config
from grader.errors import UsageError

# Options of `check` that no file sets: what is done just now, and which file that is.
SAID_ONLY = {"--fresh", "--watch", "--config", "--no-config"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository's root, which the command runs in."""
    home = tmp_path / "home"
    (home / ".git").mkdir(parents=True)
    monkeypatch.chdir(home)
    monkeypatch.setenv("COLUMNS", "200")
    return home


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What would have been graded, instead of grading it."""
    asked: list[Request] = []

    def check(request: Request, watcher: object) -> int:
        asked.append(request)
        return 0

    monkeypatch.setattr("grader.batch.check", check)
    return asked


def grader(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", "mine.ipynb", *map(str, arguments)])


# ---------------------------------------------------------------------- which file


def write(path: Path, text: str = "seed = 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_nearest_file_is_taken_and_the_search_ends_with_the_repository(tmp_path: Path) -> None:
    outside = write(tmp_path / "grader.toml")
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    assert outside == find_config(inner)
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere")  # a worktree's is a file
    assert None is find_config(inner)
    root = write(tmp_path / "repository" / "grader.toml")
    assert root == find_config(inner)
    nearer = write(tmp_path / "repository" / "a" / "pyproject.toml", "[tool.grader]")
    assert nearer == find_config(inner)
    assert (best := write(tmp_path / "repository" / "a" / "grader.toml")) == find_config(inner)
    assert best == find_config(inner.parent)


@pytest.mark.parametrize("text", ["[tool.ruff]", "[project]\nname = 'x'", "this is no TOML", ""])
def test_a_pyproject_that_does_not_mean_us_is_passed_over(tmp_path: Path, text: str) -> None:
    wanted = write(tmp_path / "grader.toml")
    write(tmp_path / "a" / "pyproject.toml", text)
    assert wanted == find_config(tmp_path / "a")


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    """A pipe would be waited for without end."""
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / "grader.toml")
    (tmp_path / "pyproject.toml").mkdir()
    assert None is find_config(tmp_path)


def test_a_folder_that_is_gone_holds_no_file(home: Path, requests: list[Request]) -> None:
    """Whoever names everything in full needs no folder to be in."""
    write(home / "named.toml")
    (home / "gone").mkdir()
    os.chdir(home / "gone")
    (home / "gone").rmdir()
    assert 0 == grader("--output", home).exit_code
    assert 0 == grader("--output", home, "--config", home / "named.toml").exit_code
    assert [0, 1] == [request.seed for request in requests]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
def test_a_strangers_file_above_is_passed_over(tmp_path: Path) -> None:
    stranger = write(tmp_path / "grader.toml")
    inner = tmp_path / "inner"
    inner.mkdir()
    os.chown(stranger, 12345, 12345)
    assert None is find_config(inner)
    os.chown(inner, 12345, 12345)  # but whoever owns the folder may say how it is graded
    assert stranger == find_config(inner)


# ---------------------------------------------------------------------- what it says


def test_every_option_can_stand_in_a_file_or_is_listed_here() -> None:
    parameters = get_command(app).commands["check"].params  # type: ignore[attr-defined]
    options = {option for each in parameters for option in each.opts if option.startswith("--")}
    keys = {f"--{name.replace('_', '-')}" for name in Options.model_fields}
    assert options == keys | SAID_ONLY
    assert not keys & SAID_ONLY


def test_a_file_stands_in_for_defaults_and_the_command_line_goes_before_it(home: Path, requests: list[Request]) -> None:
    write(
        home / "grader.toml",
        'assignment = "residual-quiz"\noutput = "out/week"\nformat = ["json", "html"]\njobs = 3\ndevice = "cpu"\n'
        'seed = 7\nisolation = "bwrap"\ntimeout = 30\ncell-timeout = 0.5\nmemory = 512\ndisk = 9\noutput-limit = 8\n'
        "processes = 10\nfail_under = 80\nquiet = true",
    )
    limits = {"seconds": 30.0, "cell_seconds": 0.5, "memory_mib": 512, "disk_mib": 9, "output_kib": 8, "processes": 10}
    assert 0 == grader().exit_code
    expected = Request(
        paths=[Path("mine.ipynb")], assignment=str(shipped_assignments()["residual-quiz"]), output=home / "out/week",
        formats=("json", "html"), jobs=3, device="cpu", seed=7, isolation="bwrap", limits=limits, fail_under=80.0,
    )  # fmt: skip
    assert [expected] == requests

    assert 0 == grader("--seed", 0, "--isolation", "none", "--output", "else", "--format", "json").exit_code
    assert (0, "none", Path("else"), ("json",), 3) == (
        requests[1].seed, requests[1].isolation, requests[1].output, requests[1].formats, requests[1].jobs,
    )  # fmt: skip


def test_without_a_file_nothing_is_different(home: Path, requests: list[Request]) -> None:
    assert "" == grader().stderr
    write(home / "grader.toml", "seed = 7")
    assert "" == grader("--no-config").stderr
    assert requests[0] == requests[1]
    assert 0 == requests[0].seed


def test_which_file_was_used_and_what_for_is_said_once(home: Path, requests: list[Request]) -> None:
    write(home / "pyproject.toml", "[tool.grader]\nfail-under = 80\nseed = 7")
    assert "Options from [tool.grader] in pyproject.toml: seed, fail-under\n" == grader().stderr
    assert "Options from [tool.grader] in pyproject.toml: fail-under\n" == grader("--seed", 1).stderr
    said = grader("--seed", 1, "--fail-under", 2).stderr
    assert "Options from [tool.grader] in pyproject.toml: none that the command line leaves open\n" == said
    assert "" == grader("--quiet").stderr


def test_a_file_cannot_hide_that_it_was_used(home: Path, requests: list[Request]) -> None:
    write(home / "grader.toml", "quiet = true")
    assert "Options from grader.toml: quiet\n" == grader().stderr


def test_a_file_that_is_named_is_taken_instead_of_one_that_lies_there(home: Path, requests: list[Request]) -> None:
    write(home / "grader.toml", "seed = 1")
    named = write(home.parent / "elsewhere" / "course.toml", 'seed = 2\noutput = "../out"\nassignment = "homework"')
    write(named.parent / "homework" / "assignment.toml", "")
    assert "Options from ../elsewhere/course.toml: assignment, output, seed\n" == grader("--config", named).stderr
    assert (2, named.parent / "../out", str(named.parent / "homework")) == (
        requests[0].seed, requests[0].output, requests[0].assignment,
    )  # fmt: skip


@pytest.mark.parametrize("order", [("--config", "x.toml", "--no-config"), ("--no-config", "--config", "x.toml")])
def test_a_file_and_no_file_is_wrong_usage(home: Path, requests: list[Request], order: tuple[str, ...]) -> None:
    write(home / "x.toml")
    found = grader(*order)
    assert (2, []) == (found.exit_code, requests)
    assert "choose one of the two" in found.output


# ---------------------------------------------------------------------- what it may not say


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail-udner = 80", "fail-udner: unknown key; did you mean fail-under?"),
        ("x = 1", "x: unknown key; known are assignment, output, format, jobs, device"),
        ("fresh = true", "fresh: unknown key"),
        ('fail-under = "80"', "fail-under: expected a number from 0 to 100; found '80'"),
        ("fail-under = 101", "fail-under: expected a number from 0 to 100; found 101"),
        ("fail-under = nan", "fail-under: expected a number from 0 to 100; found nan"),
        ("jobs = 0", "jobs: expected a whole number from 1; found 0"),
        ("jobs = 2.5", "jobs: expected a whole number from 1; found 2.5"),
        ("jobs = true", "jobs: expected a whole number from 1; found True"),
        ("quiet = 1", "quiet: expected true or false; found 1"),
        ("format = [1]", "format: expected names with commas between, or a list of names"),
        ("output = ''", "output: expected a folder"),
        ("device = 'tpu'", "device: expected \"auto\", \"cpu\" or \"cuda\"; found tpu"),
        ("fail-under = 1\nfail_under = 2", "fail-under: is there twice"),
        ("seed = ", "is not valid TOML"),
        ("[" * 100_000, "is not valid TOML"),
        ("# " + "x" * 2**20, "is over 1 MiB"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_key_and_what_is_expected(
    home: Path, requests: list[Request], text: str, message: str
) -> None:
    write(home / "grader.toml", text)
    found = grader()
    assert (2, []) == (found.exit_code, requests)
    assert f"grader: {home}/grader.toml: {message}" in found.stderr


def test_every_wrong_key_is_told_on_a_line_of_its_own(home: Path) -> None:
    write(home / "grader.toml", "jobs = 0\nseed = -1\ncolour = 1")
    assert 3 == grader().stderr.count(f"{home}/grader.toml: ")


def test_a_table_that_is_none_is_told(home: Path) -> None:
    write(home / "pyproject.toml", "[tool]\ngrader = 3")
    assert "tool.grader: expected a table [tool.grader], found 3" in grader().stderr


def test_a_file_that_is_not_there_is_told(home: Path) -> None:
    found = grader("--config", "nowhere.toml")
    assert 2 == found.exit_code
    assert "grader: nowhere.toml: cannot be read: No such file or directory" in found.stderr


@pytest.mark.parametrize("wall", ["none", "landlock"])
@pytest.mark.parametrize("named", [True, False])
def test_no_file_weakens_the_wall(home: Path, requests: list[Request], wall: str, named: bool) -> None:
    write(home / "grader.toml", f'isolation = "{wall}"')
    found = grader(*(["--config", "grader.toml"] if named else []))
    assert (2, []) == (found.exit_code, requests)
    assert 'isolation: expected "auto" or "bwrap"; a weaker wall is chosen on the command line alone' in found.stderr


def test_a_file_that_was_found_chooses_no_code(home: Path, requests: list[Request]) -> None:
    """The reference of an assignment runs with all rights."""
    write(home / "evil" / "assignment.toml", "")
    write(home / "grader.toml", 'assignment = "evil"')
    found = grader()
    assert (2, []) == (found.exit_code, requests)
    assert "name the folder with --assignment, or the file with --config" in found.stderr
    assert 0 == grader("--config", "grader.toml").exit_code
    assert [str(home / "evil")] == [
        request.assignment and str(Path(request.assignment).resolve()) for request in requests
    ]


def test_a_folder_with_the_name_of_a_shipped_assignment_does_not_take_its_place(
    home: Path, requests: list[Request]
) -> None:
    write(home / "residual-blocks" / "assignment.toml", "")
    write(home / "grader.toml", 'assignment = "residual-blocks"')
    grader()
    assert [str(shipped_assignments()["residual-blocks"])] == [request.assignment for request in requests]


@pytest.mark.parametrize("value", ["../out", "/tmp/out", "link/out", "a/../../out"])
def test_a_file_that_was_found_does_not_write_elsewhere(home: Path, value: str) -> None:
    (home / "link").symlink_to(home.parent)
    path = write(home / "grader.toml", f'output = "{value}"')
    with pytest.raises(UsageError, match=r"output: .* lies outside"):
        read_config(path, named=False)
    expected: dict[str, Any] = {"output": str(home / value)}
    assert expected == read_config(path, named=True).options


def test_what_a_file_says_reaches_the_terminal_inert(home: Path) -> None:
    write(home / "grader.toml", '"\\u001b[31m::error::x" = 1\njobs = "\\u001b[2J::error::"')
    found = grader().stderr
    assert "\x1b" not in found
    assert "::error" not in found
