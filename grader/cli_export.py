"""The commands below `grader export`: arguments in, exit code out."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from grader.assignment import Assignment, EssayExercise, find_assignment
from grader.errors import UsageError
from grader.export.autograder import Settings
from grader.export.bundle import build
from grader.export.fill import Outcome, fill
from grader.export.platforms import PLATFORMS
from grader.export.results import read_results
from grader.terminal import Terminal, inert
from grader.verdict import Results

Guard = Callable[[Callable[[], int], Terminal], int]
ALL_FOUND, SOME_MISSING = 0, 1
_MOST_NAMES = 40


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
    str | None, typer.Option(metavar="ID|DIR", help="What was graded, where its id is not that of a shipped one.")
]
_Pending = Annotated[
    Pending,
    typer.Option(
        help="Where a human still decides about points: keep what stands in the gradebook, or write the points so far."
    ),
]


def commands(guarded: Callable[[Callable[[], int], Terminal], int]) -> typer.Typer:
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
        "  grader export gradescope homework/week-5 --output week-5.zip",
    )
    def gradescope(
        assignment: Annotated[
            str,
            typer.Argument(
                metavar="ASSIGNMENT",
                help="A shipped assignment, or a folder with an assignment.toml.",
                show_default=False,
            ),
        ],
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
        terminal = Terminal()

        def export() -> int:
            found = find_assignment(assignment)
            indexes = tuple(_index(url) for url in extra_index_url or [])
            count = build(found, output, Settings(isolation=isolation.value, seed=seed), indexes)
            print(f"{output}: {count} files. Upload it to Gradescope: Configure Autograder > Zip file upload.")
            print(f"Autograder points there: {_machine_points(found)}.")
            return ALL_FOUND

        raise typer.Exit(guarded(export, terminal))

    for platform, example in _EXAMPLES.items():
        _add(app, guarded, platform, example)
    return app


_EXAMPLES = {
    "canvas": "In Canvas: Grades > Export. Then, and import what was written (Grades > Import):\n\n"
    '  grader export canvas reports/ --gradebook exported.csv --column "Homework 3"',
    "moodle": "In the assignment: View all submissions > Download grading worksheet. Then, and upload what was "
    "written:\n\n  grader export moodle reports/ --gradebook worksheet.csv",
    "nbgrader": "  nbgrader export --to grades.csv\n\n"
    "  grader export nbgrader reports/ --gradebook grades.csv --column hw3",
}


def _add(app: typer.Typer, guarded: Guard, platform: str, example: str) -> None:
    """One command for each platform whose gradebook can be filled."""

    @app.command(
        platform,
        help=f"Fill {platform}'s own gradebook with the scores of a run, and list whom it did not find.",
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
        terminal = Terminal()

        def export() -> int:
            found = read_results(results)
            target = output or Path(f"{gradebook.stem}-graded.csv")
            outcome = fill(
                PLATFORMS[platform],
                found,
                _graded(found, assignment),
                gradebook,
                target,
                column=column,
                so_far=pending is Pending.SO_FAR,
            )
            print("\n".join(said(outcome, target)))
            return ALL_FOUND if outcome.complete else SOME_MISSING

        raise typer.Exit(guarded(export, terminal))


def said(outcome: Outcome, target: Path) -> list[str]:
    """What became of everybody, in lines."""
    lines = [f"{target}: {len(outcome.filled) + len(outcome.so_far)} filled in, in the column {inert(outcome.column)}."]
    for title, names in (
        ("Points so far, not final", outcome.so_far),
        ("Left as it was, since points are open (--pending so-far writes them)", outcome.kept),
        ("Not in the gradebook", outcome.not_there),
        ("Several hand-ins of one student, none written", outcome.contested),
        ("In the gradebook, but nothing handed in", outcome.no_hand_in),
        ("Note", outcome.notes),
    ):
        if names:
            lines.append(f"{title}:" if title == "Note" else f"{title} ({len(names)}):")
            lines += [f"  {inert(name)}" for name in names[:_MOST_NAMES]]
            lines += [f"  and {len(names) - _MOST_NAMES} more"] * (len(names) > _MOST_NAMES)
    return lines


def _graded(results: Results, wanted: str | None) -> Assignment:
    """The assignment that was graded: it says what its points are, and which checks are held back."""
    try:
        found = find_assignment(wanted or results.assignment)
    except UsageError:
        if wanted is not None:
            raise
        raise UsageError(
            f"the results are of the assignment {results.assignment!r}, which is not a shipped one: give its folder "
            "with --assignment"
        ) from None
    if found.id != results.assignment:
        raise UsageError(f"the results are of the assignment {results.assignment!r}, and --assignment is {found.id!r}")
    return found


def _machine_points(assignment: Assignment) -> str:
    """How many points are the grader's to give: written answers are a human's, who adds them by hand."""
    written = sum(each.max_score for each in assignment.exercises if isinstance(each, EssayExercise))
    marked = f"{assignment.max_score - written:g}"
    return f"{marked}, and up to {written:g} for written answers, which a human marks" if written else marked


def _index(url: str) -> str:
    """An address that may stand in a requirements file, on a line of its own."""
    if not url.startswith(("https://", "http://")) or len(url.split()) != 1 or not url.isprintable():
        raise UsageError(f"--extra-index-url {url!r}: expected an address that begins with https://")
    return url
