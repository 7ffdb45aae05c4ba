"""`%%check resblock` runs a cell and checks what it defines; `%check resblock` checks what is defined already."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display


class Stopped(Exception):
    """The cell raised, which was shown already: all that is left is that it counts as failed."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Interrupted(KeyboardInterrupt):
    """The student interrupted the check, and knows."""

    def _render_traceback_(self) -> list[str]:
        return ["The check was interrupted. Nothing was changed."]


@magics_class
class CheckMagics(Magics):  # type: ignore[misc]
    """The magics of `%load_ext grader`."""

    @magic_arguments()
    @argument("exercise", help="the exercise's id, as the assignment has it, such as resblock")
    @argument("--assignment", metavar="ID|DIR", help="a shipped assignment's id, or a folder with an assignment.toml")
    @line_cell_magic
    def check(self, line: str, cell: str | None = None) -> None:
        """Check what the notebook defines for an exercise; as a cell magic, after the cell was run.

        It is a self-check: nothing is handed in.
        """
        asked = parse_argstring(self.check, line)
        before = dict(self.shell.user_ns)
        stopped = self._run(line, cell) if cell is not None else None
        try:
            from grader.notebook.checking import check_defined  # takes a second or two, once

            display(check_defined(asked.exercise, asked.assignment, stale=before if stopped is not None else {}))
        except KeyboardInterrupt:
            raise Interrupted from None
        if stopped is not None:
            raise stopped

    def _run(self, line: str, cell: str) -> Exception | None:
        """Run the cell; what it raises is shown by IPython, as always."""
        # The magic's own line stands as a comment, so that lines have the numbers that the student sees.
        with self._numbered_as_this_cell():
            result = self.shell.run_cell(f"# %%check {line}\n{cell}", store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted from None
        return None if error is None else Stopped("The cell stopped with the error above.")

    @contextmanager
    def _numbered_as_this_cell(self) -> Iterator[None]:
        """IPython takes a cell inside of a cell for the next one; tracebacks would name a cell that is not there."""
        compiler = self.shell.compile
        cache, number = compiler.cache, self.shell.displayhook.prompt_count
        compiler.cache = lambda code, _=0, **more: cache(code, number, **more)
        try:
            yield
        finally:
            del compiler.cache


def load(shell: Any) -> None:
    """Register the magics in IPython's shell."""
    shell.register_magics(CheckMagics)
