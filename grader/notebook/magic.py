"""`%%check resblock` runs a cell and checks what it defines; `%check resblock` checks what is defined already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from grader.language import later, say, speaking


class Stopped(Exception):
    """The cell raised, which was shown already: all that is left is that it counts as failed."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class Interrupted(KeyboardInterrupt):
    """The student interrupted the check, and knows."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


# What is wrong with the magic's own line, as argparse has it.
_USAGE = {
    re.compile(r"the following arguments are required: (?P<names>.+)"): later(
        "the following arguments are required: {names}"
    ),
    re.compile(r"unrecognized arguments: (?P<given>.+)"): later("unrecognized arguments: {given}"),
    re.compile(r"argument (?P<option>--\w+): expected one argument"): later("argument {option}: expected one argument"),
}


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
        asked = _parsed(self.check, line)
        before = dict(self.shell.user_ns)
        stopped = cell is not None and self._stops(line, cell)
        try:
            from grader.notebook.checking import check_defined  # takes a second or two, once

            display(check_defined(asked.exercise, asked.assignment, stale=before if stopped else {}))
        except KeyboardInterrupt:
            raise _interrupted() from None
        if stopped:
            with speaking(_language(asked.assignment)):
                raise Stopped(say("The cell stopped with the error above."))

    def _stops(self, line: str, cell: str) -> bool:
        """Run the cell; what it raises is shown by IPython, as always. Did it raise?"""
        # The magic's own line stands as a comment, so that lines have the numbers that the student sees.
        with self._numbered_as_this_cell():
            result = self.shell.run_cell(f"# %%check {line}\n{cell}", store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, KeyboardInterrupt):
            raise _interrupted() from None
        return error is not None

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


def _parsed(magic: Any, line: str) -> Any:
    """What the magic's line asks for.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return parse_argstring(magic, line)
    except UsageError as error:
        with speaking(_language()):
            raise UsageError(_usage(str(error))) from None


def _usage(told: str) -> str:
    for pattern, text in _USAGE.items():
        if found := pattern.fullmatch(told):
            return say(text, **found.groupdict())
    return told


def _interrupted() -> Interrupted:
    with speaking(_language()):
        return Interrupted(say("The check was interrupted. Nothing was changed."))


def _language(assignment: str | None = None) -> str:
    from grader.notebook.language import language_here  # what it needs is not needed to load the extension

    return language_here(assignment)


def load(shell: Any) -> None:
    """Register the magics in IPython's shell."""
    shell.register_magics(CheckMagics)
