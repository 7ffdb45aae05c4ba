"""The commands that give an assignment away, and take one in: arguments in, exit code out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from grader.cli_common import AssignmentArgument, Guard
from grader.stdout import tell

ALL_WELL = 0
_LEFT = "What could not be carried over is printed, and listed in the folder's IMPORT.md."
_Path = Annotated[Path, typer.Argument(metavar="PATH", help="The notebook, or the folder with it.", show_default=False)]
_Output = Annotated[
    Path | None, typer.Option("--output", metavar="DIR", help="The folder that is made. Without it: the id, here.")
]
_Id = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="The assignment's id. Without it: the folder's or file's name.")
]


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
        "The assignment says whether its references are among it: \\[release] in assignment.toml.",
    )
    def release_command(
        assignment: AssignmentArgument,
        output: Annotated[
            Path | None, typer.Option(metavar="DIR", help="The folder that is made. Without it: release/ID.")
        ] = None,
        zip_: Annotated[bool, typer.Option("--zip", metavar="", help="Make a zip beside the folder, too.")] = False,
    ) -> None:
        """Write what students get: the starter without its solutions, and what they can check themselves with."""
        from grader.assignment import find_assignment
        from grader.release import make_bundle, refuse_taken, write_folder, write_zip
        from grader.release.show import released
        from grader.terminal import Terminal

        def release() -> int:
            found = find_assignment(assignment)
            target = output if output is not None else Path("release") / found.id
            packed = target.with_name(f"{target.name}.zip") if zip_ else None
            refuse_taken(target, packed)
            bundle = make_bundle(found)
            write_folder(bundle.files, target)
            if packed is not None:
                write_zip(bundle.files, packed, found.id)
            tell("\n".join(released(found, bundle, target, packed)))
            return ALL_WELL

        raise typer.Exit(guarded(release, Terminal()))


def add_import(app: typer.Typer, guarded: Guard) -> None:
    """Add `grader import`, with a command for each grader that is understood."""
    imports = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="rich",
        help="Make an assignment of one that was written for another grader. Nothing of it is executed.",
    )
    app.add_typer(imports, name="import")

    @imports.command(
        "nbgrader",
        no_args_is_help=True,
        epilog="The folder week-6, of a source notebook:\n\n  grader import nbgrader source/week-6/week-6.ipynb\n\n"
        f"{_LEFT}",
    )
    def nbgrader_command(path: _Path, output: _Output = None, id_: _Id = None) -> None:
        """An nbgrader assignment: its source notebook, with solutions, or the released one."""
        raise typer.Exit(_import("nbgrader", path, output, id_, guarded))

    @imports.command(
        "otter",
        no_args_is_help=True,
        epilog="The folder hw01, of a master notebook, or of a student's notebook with tests/ beside it:\n\n"
        f"  grader import otter hw01.ipynb\n\n{_LEFT}",
    )
    def otter_command(path: _Path, output: _Output = None, id_: _Id = None) -> None:
        """An otter assignment: its master notebook, or a student's notebook with its tests."""
        raise typer.Exit(_import("otter", path, output, id_, guarded))


def _import(grader: str, path: Path, output: Path | None, id_: str | None, guarded: Guard) -> int:
    from grader.formats._text import visible
    from grader.importing import read_nbgrader, read_otter, write_imported, written
    from grader.terminal import Terminal

    def run() -> int:
        imported = (read_nbgrader if grader == "nbgrader" else read_otter)(path)
        target = write_imported(imported, output, id_)
        tell(visible("\n".join(written(imported, target))))
        return ALL_WELL

    return guarded(run, Terminal())
