"""Arguments in, exit code out; no logic.

What a command needs it imports itself: help and completion answer at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader import __version__, completion
from grader.bundled import format_names
from grader.cli_common import AssignmentArgument
from grader.cli_export import commands as export_commands
from grader.cli_release import add_import, add_release
from grader.errors import (
    ALL_PASSED,
    GRADER_FAILED,
    SOME_BELOW,
    WRONG_USAGE,
    AssignmentError,
    GraderError,
    UsageError,
)
from grader.stdout import tell

if TYPE_CHECKING:
    from grader.config import Config
    from grader.terminal import Terminal

DEFAULT_FORMATS = "html,json"
INTERRUPTED = 130
_STDOUT = "-"


class Device(StrEnum):
    """Where the reference runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Wall(StrEnum):
    """The outermost layer between students' code and this machine."""

    AUTO = "auto"
    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    NONE = "none"


class Printed(StrEnum):
    """How a command prints what it found."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    name="grader",
    help="Marks PyTorch homework that comes as Jupyter notebooks, and can prove what it says.",
    epilog="Your own notebook, before you hand it in:\n\n"
    "  grader check mine.ipynb\n\n"
    "A class, into reports/:\n\n"
    "  grader check submissions/\n\n"
    "More examples: grader COMMAND --help\n\n"
    "Exit codes: 0 every submission graded and at or above --fail-under; 1 some below, or not gradable; "
    "2 wrong usage or a broken assignment; 3 the grader itself failed. GRADER_DEBUG=1 shows where.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"grader {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


_ONE_OF_TWO = "--config and --no-config are both given: choose one of the two"


def _take_no_config(ctx: typer.Context, wanted: bool) -> bool:
    if wanted and ctx.params.get("config") is not None:  # which was said before
        raise typer.BadParameter(_ONE_OF_TWO)
    return wanted


def _take_config(ctx: typer.Context, named: Path | None) -> Path | None:
    """What a file says stands in for defaults; what the command line says goes before it."""
    if ctx.resilient_parsing:  # Tab was pressed
        return named
    if ctx.params.get("no_config"):
        if named is not None:
            raise typer.BadParameter(_ONE_OF_TWO)
        return None
    # pydantic is not for those who only want to read the help.
    from grader.config import find_config, read_config

    try:
        path = named or find_config(Path())
        config = read_config(path, named=named is not None) if path is not None else None
    except UsageError as error:
        _terminal().error(str(error))
        raise typer.Exit(WRONG_USAGE) from None
    if config is not None:
        ctx.default_map = {_parameter(key): value for key, value in config.options.items()}
        ctx.obj = config
    return named


def _parameter(key: str) -> str:
    """The parameter behind an option."""
    return "format_" if key == "format" else key.replace("-", "_")


def _say_config(ctx: typer.Context, quiet: bool) -> None:
    """Which file was used, and for what. It cannot hide that: only the command line makes this quiet."""
    if ctx.obj is None:
        return
    config: Config = ctx.obj
    sources = {key: ctx.get_parameter_source(_parameter(key)) for key in config.options}
    used = [key for key, source in sources.items() if source is not None and source.name == "DEFAULT_MAP"]
    said = ", ".join(used) or "none that the command line leaves open"
    _terminal(quiet=quiet and "quiet" not in used).tell(f"Options from {config.shown}: {said}")


@app.command(
    "check",
    no_args_is_help=True,
    epilog="Your own notebook, before you hand it in:\n\n"
    "  grader check mine.ipynb\n\n"
    "A class: a folder, one folder per student, or a .zip:\n\n"
    "  grader check submissions/ --output reports/week-5\n\n"
    "An assignment of your own:\n\n"
    "  grader check submissions/ --assignment homework/week-5/\n\n"
    "In CI, exit code 1 below 80 percent:\n\n"
    "  grader check mine.ipynb --fail-under 80\n\n"
    "JSON alone on standard output:\n\n"
    "  grader check submissions/ --output - | jq .submissions\n\n"
    "While you work on it, again after every save:\n\n"
    "  grader check mine.ipynb --watch\n\n"
    'Options that you always want may stand in a grader.toml, such as: format = ["html", "json"]',
)
def check_command(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="A notebook, a .py file, a folder of them, a folder of folders (one per student), or a .zip of any.",
            show_default=False,
        ),
    ],
    assignment: Annotated[
        str | None,
        typer.Option(
            metavar="ID|DIR",
            help="What they answer: a shipped assignment, or a folder with an assignment.toml. "
            "Without it: what the notebooks name, or whose names they define.",
            autocompletion=completion.assignments,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Where reports go; - prints one document on standard output, JSON unless --format names another.",
        ),
    ] = Path("reports"),
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAMES",
            help=f"Report formats, with commas between: {', '.join(format_names())}. \\[default: {DEFAULT_FORMATS}]",
            autocompletion=completion.formats,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Submissions graded at the same time. Without it: one per processor."),
    ] = None,
    device: Annotated[
        Device, typer.Option(help="Where the reference runs; auto takes a GPU if there is one.")
    ] = Device.AUTO,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of all weights and inputs that are drawn.")] = 0,
    isolation: Annotated[
        Wall,
        typer.Option(
            help="The wall around students' code; auto takes the best there is, none is for your own notebook only."
        ),
    ] = Wall.AUTO,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="Time for one submission. Without it: as the assignment says."),
    ] = None,
    cell_timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="Time for one cell. Without it: in proportion.")
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(min=256, metavar="MIB", help="Memory for one submission. Without it: as the assignment says."),
    ] = None,
    disk: Annotated[int | None, typer.Option(min=1, metavar="MIB", help="Files that it may write; likewise.")] = None,
    output_limit: Annotated[int | None, typer.Option(min=0, metavar="KIB", help="What it may print; likewise.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=8, metavar="N", help="Processes and threads that it may have; likewise.")
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            metavar="PERCENT",
            help="Exit with 1 if any submission has less, of the points that are decided.",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="What students are told is told in this language: en or de. Without it: as the assignment says.",
            autocompletion=completion.languages,
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", metavar="", help="Start over, instead of going on where a run was cut off.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", metavar="", help="Print nothing but errors.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", metavar="", help="One notebook: check it again after every save, until Ctrl-C.")
    ] = False,
    no_config: Annotated[
        bool,
        typer.Option(
            "--no-config", metavar="", is_eager=True, callback=_take_no_config, help="Read no file of options."
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            is_eager=True,
            callback=_take_config,
            help="Take options from this file. Without it: from the nearest grader.toml, or \\[tool.grader] in "
            "pyproject.toml, here or above, as far as the repository goes.",
        ),
    ] = None,
) -> None:
    """Grade notebooks: a page of feedback for each student, a table of the class, and results.json."""
    from grader.batch import Request, check

    to_stdout = str(output) == _STDOUT
    names = format_ if format_ is not None else ("json" if to_stdout else DEFAULT_FORMATS)
    limits = {
        "seconds": timeout,
        "cell_seconds": cell_timeout,
        "memory_mib": memory,
        "disk_mib": disk,
        "output_kib": output_limit,
        "processes": processes,
    }
    request = Request(
        paths=paths,
        assignment=assignment,
        output=None if to_stdout else output,
        formats=tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip())),
        jobs=jobs,
        device=device.value,
        seed=seed,
        isolation=isolation.value,
        limits={name: value for name, value in limits.items() if value is not None},
        fail_under=fail_under,
        language=language,
        fresh=fresh,
    )
    terminal = _terminal(quiet=quiet)
    _say_config(ctx, quiet)

    def run() -> int:
        from grader.watch import watch as watch_file

        return watch_file(request, terminal) if watch else check(request, terminal)

    raise typer.Exit(_guarded(run, terminal))


@app.command(
    "audit",
    no_args_is_help=True,
    epilog="One that ships, and one of your own, with more programs for each mistake:\n\n"
    "  grader audit residual-blocks\n\n"
    "  grader audit homework/week-5/ --programs 5\n\n"
    "As data, the programs that were missed included:\n\n"
    "  grader audit homework/week-5/ --format json > audit.json\n\n"
    "Exit codes: 0 nothing missed and nobody accused; 1 something; 2 wrong usage or a broken assignment; "
    "3 the grader itself failed.",
)
def audit_command(
    assignment: AssignmentArgument,
    programs: Annotated[
        int, typer.Option(min=1, metavar="N", help="Programs for each mistake, each in another style.")
    ] = 2,
    format_: Annotated[Printed, typer.Option("--format", help="How to print the result.")] = Printed.TEXT,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of the programs and of all that is drawn.")] = 0,
    isolation: Annotated[Wall, typer.Option(help="The wall around the programs.")] = Wall.AUTO,
    quiet: Annotated[bool, typer.Option("--quiet", metavar="", help="Show no progress.")] = False,
) -> None:
    """Plant every known mistake in an assignment's references: which would its cases and points miss?"""
    terminal = _terminal(quiet=quiet)

    def audit() -> int:
        # Imports torch, which the other commands leave to the processes that grade.
        from grader.audit.run import run_audit
        from grader.audit.show import lines

        found = run_audit(assignment, programs, seed, isolation.value, terminal.note)
        terminal.close()
        tell(found.model_dump_json(indent=2) if format_ is Printed.JSON else "\n".join(lines(found)))
        return ALL_PASSED if found.is_clean else SOME_BELOW

    raise typer.Exit(_guarded(audit, terminal))


@app.command(
    "doctor",
    epilog="Before you grade on a machine for the first time:\n\n"
    "  grader doctor\n\n"
    "In CI, where only the full wall will do:\n\n"
    "  grader doctor --isolation bwrap\n\n"
    "As data:\n\n"
    "  grader doctor --format json --quiet > doctor.json\n\n"
    "Exit codes: 0 a wall stands, and everything that it promises holds; 1 something is off, or could not be "
    "tried; 2 wrong usage; 3 no wall can be built.",
)
def doctor_command(
    isolation: Annotated[Wall, typer.Option(help="The wall to try; auto takes the best there is.")] = Wall.AUTO,
    format_: Annotated[Printed, typer.Option("--format", help="How to print the result.")] = Printed.TEXT,
    device: Annotated[Device, typer.Option(help="Where the reference would run; cuda insists on a GPU.")] = Device.AUTO,
    quiet: Annotated[bool, typer.Option("--quiet", metavar="", help="Show no progress.")] = False,
) -> None:
    """Try every protection of the wall on this machine: what holds, what does not, and what to do about it."""
    terminal = _terminal(quiet=quiet)

    def doctor() -> int:
        # Imports torch while a process behind the wall starts.
        from grader.doctor import examine
        from grader.doctor.show import show

        found = examine(isolation.value, device.value, terminal.note)
        terminal.close()
        if format_ is Printed.JSON:
            tell(found.model_dump_json(indent=2))
        else:
            show(found)
        return found.exit_code

    raise typer.Exit(_guarded(doctor, terminal))


@app.command(
    "new",
    no_args_is_help=True,
    epilog="An assignment in the folder my-homework, and what it says:\n\n"
    "  grader new my-homework\n\n"
    "  grader check my-homework/examples --assignment my-homework\n\n"
    "Beside your others:\n\n"
    "  grader new week-7 --folder homework/",
)
def new_command(
    name: Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits and hyphens.", show_default=False)],
    folder: Annotated[Path, typer.Option(metavar="DIR", help="Where the folder of that name is made.")] = Path(),
) -> None:
    """Write an assignment that grades at once, for you to rewrite: spec, reference, starter and two hand-ins."""
    terminal = _terminal()

    def new() -> int:
        from grader.scaffold import scaffold, written

        tell("\n".join(written(folder / name, scaffold(name, folder))))
        return ALL_PASSED

    raise typer.Exit(_guarded(new, terminal))


@app.command(
    "schema",
    epilog="Into a file, for whatever validates JSON:\n\n"
    "  grader schema > results.schema.json\n\n"
    "It holds for reports/results.json, and for what --output - prints.",
)
def schema_command() -> None:
    """Print the JSON Schema of results.json."""
    from grader.formats.json import schema

    tell(json.dumps(schema(), indent=2, ensure_ascii=False))


def _terminal(*, quiet: bool = False) -> Terminal:
    from grader.terminal import Terminal

    return Terminal(quiet=quiet)


def _guarded(run: Callable[[], int], terminal: Terminal) -> int:
    """The exit code; every error as one message."""
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    try:
        return run()
    except (UsageError, AssignmentError) as error:
        terminal.error(str(error))
        return WRONG_USAGE
    except GraderError as error:
        terminal.error(str(error))
        return GRADER_FAILED
    except KeyboardInterrupt:
        terminal.error("stopped")
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("GRADER_DEBUG"):
            terminal.close()
            raise
        terminal.error(
            f"this is a fault of the grader: {type(error).__name__}: {error}\n"
            "Set GRADER_DEBUG=1 to see where it happened."
        )
        return GRADER_FAILED
    finally:
        terminal.close()


app.add_typer(export_commands(_guarded), name="export")
add_release(app, _guarded)
add_import(app, _guarded)
