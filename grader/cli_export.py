"""The commands below `grader export`: arguments in, exit code out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from grader import completion
from grader.cli_common import AssignmentArgument, Guard
from grader.errors import UsageError
from grader.stdout import tell

ALL_FOUND, SOME_MISSING = 0, 1


class Pending(StrEnum):
    """What to write for a student about some of whose points a human still decides."""

    KEEP = "keep"
    SO_FAR = "so-far"


class Behind(StrEnum):
    """The wall, where there is always one."""

    AUTO = "auto"
    BWRAP = "bwrap"
    LANDLOCK = "landlock"


_Results = Annotated[
    Path,
    typer.Argument(metavar="RESULTS", help="The results.json of a run, or the folder it is in.", show_default=False),
]
_Gradebook = Annotated[
    Path, typer.Option(metavar="CSV", help="The platform's own gradebook, as it exports it.", show_default=False)
]
_Column = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The column that the scores go to. Without it: the one that is called as the assignment."
    ),
]
_Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What to write. Without it: the gradebook's name with -graded.")
]
_Assignment = Annotated[
    str | None,
    typer.Option(
        metavar="ID|DIR",
        help="What was graded, where its id is not that of a shipped one.",
        autocompletion=completion.assignments,
    ),
]
_Pending = Annotated[
    Pending,
    typer.Option(
        help="Where a human still decides about points: keep what stands in the gradebook, or write the points so far."
    ),
]


def commands(guarded: Guard) -> typer.Typer:
    """The group of commands.

    Args:
        guarded: runs a command and turns its errors into messages and exit codes.
    """
    app = typer.Typer(
        help="Write what a learning platform wants: an autograder, or its own gradebook with the scores filled in.",
        no_args_is_help=True,
        rich_markup_mode="rich",
    )

    @app.command(
        "gradescope",
        no_args_is_help=True,
        epilog="A zip to upload under Configure Autograder:\n\n"
        "  grader export gradescope residual-blocks\n\n"
        "Of an assignment of your own:\n\n"
        "  grader export gradescope homework/week-5 --output week-5.zip",
    )
    def gradescope(
        assignment: AssignmentArgument,
        output: Annotated[Path, typer.Option(metavar="FILE", help="The zip to write.")] = Path("autograder.zip"),
        isolation: Annotated[
            Behind, typer.Option(help="The wall around students' code; auto takes the best that Gradescope allows.")
        ] = Behind.AUTO,
        seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of all that is drawn.")] = 0,
        extra_index_url: Annotated[
            list[str] | None,
            typer.Option(metavar="URL", help="Where pip looks too, for PyTorch's CPU build; may be repeated."),
        ] = None,
    ) -> None:
        """Build the autograder zip for Gradescope: setup.sh, run_autograder, this grader and the assignment."""
        from grader.assignment import find_assignment
        from grader.export.autograder import Settings
        from grader.export.bundle import build
        from grader.export.show import machine_points
        from grader.terminal import Terminal

        def export() -> int:
            found = find_assignment(assignment)
            indexes = tuple(_index(url) for url in extra_index_url or [])
            count = build(found, output, Settings(isolation=isolation.value, seed=seed), indexes)
            tell(
                f"{output}: {count} files. Upload it to Gradescope: Configure Autograder > Zip file upload.\n"
                f"Autograder points there: {machine_points(found)}."
            )
            return ALL_FOUND

        raise typer.Exit(guarded(export, Terminal()))

    for platform, example in _EXAMPLES.items():
        _add(app, guarded, platform, example)
    return app


_NAMES = {"canvas": "Canvas", "moodle": "Moodle", "nbgrader": "nbgrader"}
_EXAMPLES = {
    "canvas": "In Canvas: Grades > Export. Then, and import what was written (Grades > Import):\n\n"
    '  grader export canvas reports/ --gradebook exported.csv --column "Homework 3"',
    "moodle": "In the assignment: View all submissions > Download grading worksheet. Then, and upload what was "
    "written:\n\n  grader export moodle reports/ --gradebook worksheet.csv",
    "nbgrader": "In the course's folder, then where the reports are:\n\n"
    "  nbgrader export --to grades.csv\n\n"
    "  grader export nbgrader reports/ --gradebook grades.csv --column hw3",
}


def _add(app: typer.Typer, guarded: Guard, platform: str, example: str) -> None:
    """One command for each platform whose gradebook can be filled."""

    @app.command(
        platform,
        help=f"Fill the gradebook that {_NAMES[platform]} has exported with a run's scores; list who was not found.",
        no_args_is_help=True,
        epilog=f"{example}\n\n"
        "Exit codes: 0 every hand-in has its row; 1 some have none, or several have the same; 2 wrong usage.",
    )
    def command(
        results: _Results,
        gradebook: _Gradebook,
        column: _Column = None,
        output: _Output = None,
        assignment: _Assignment = None,
        pending: _Pending = Pending.KEEP,
    ) -> None:
        from grader.export.fill import fill
        from grader.export.platforms import PLATFORMS
        from grader.export.results import read_results
        from grader.export.show import graded, said
        from grader.terminal import Terminal

        def export() -> int:
            found = read_results(results)
            target = output or Path(f"{gradebook.stem}-graded.csv")
            outcome = fill(
                PLATFORMS[platform],
                found,
                graded(found, assignment),
                gradebook,
                target,
                column=column,
                so_far=pending is Pending.SO_FAR,
            )
            tell("\n".join(said(outcome, target)))
            return ALL_FOUND if outcome.complete else SOME_MISSING

        raise typer.Exit(guarded(export, Terminal()))


def _index(url: str) -> str:
    """An address that may stand in a requirements file, on a line of its own."""
    if not url.startswith(("https://", "http://")) or len(url.split()) != 1 or not url.isprintable():
        raise UsageError(f"--extra-index-url {url!r}: expected an address that begins with https://")
    return url
