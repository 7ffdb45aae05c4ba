"""The commands that give an assignment away, and take one in: arguments in, exit code out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from grader.assignment import find_assignment
from grader.terminal import Terminal

ALL_WELL = 0
Guard = Callable[[Callable[[], int], Terminal], int]


def add_release(app: typer.Typer, guarded: Guard) -> None:
    """Add `grader release`.

    Args:
        guarded: runs a command; every error becomes one message, and the exit code.
    """

    @app.command(
        "release",
        no_args_is_help=True,
        epilog="The folder release/residual-blocks, for students:\n\n"
        "  grader release residual-blocks\n\n"
        "One of your own, somewhere else, and as a zip beside it:\n\n"
        "  grader release homework/week-6 --output handout/week-6 --zip\n\n"
        "Whether references are among it says the assignment: \\[release] in assignment.toml.",
    )
    def release_command(
        assignment: Annotated[
            str,
            typer.Argument(
                metavar="ASSIGNMENT",
                help="A shipped assignment, or a folder with an assignment.toml.",
                show_default=False,
            ),
        ],
        output: Annotated[
            Path | None, typer.Option(metavar="DIR", help="The folder that is made. Without it: release/ID.")
        ] = None,
        zip_: Annotated[bool, typer.Option("--zip", help="Make a zip beside the folder, too.")] = False,
    ) -> None:
        """Write what students get: the starter without its solutions, and what they can check themselves with."""
        terminal = Terminal()

        def release() -> int:
            from grader.release import make_bundle, refuse_taken, write_folder, write_zip
            from grader.release.show import released

            found = find_assignment(assignment)
            target = output if output is not None else Path("release") / found.id
            packed = target.with_name(f"{target.name}.zip") if zip_ else None
            refuse_taken(target, packed)
            bundle = make_bundle(found)
            write_folder(bundle.files, target)
            if packed is not None:
                write_zip(bundle.files, packed, found.id)
            print("\n".join(released(found, bundle, target, packed)))
            return ALL_WELL

        raise typer.Exit(guarded(release, terminal))
