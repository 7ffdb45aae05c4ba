"""Run a notebook's cells: first only what defines the wanted names, or, as a second try, every cell."""

from __future__ import annotations
import __future__

import ast
import asyncio
import builtins
import contextlib
import inspect
import linecache
import signal
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from grader.ownclock import own_time
from grader.worker import files, whereabouts
from grader.worker.changes import IMPORT, annotated
from grader.worker.slicer import Statement, definitions

Json = Any
# Cell magics whose body is ordinary code.
TRANSPARENT = ("%%time", "%%timeit", "%%capture", "%%prun", "%%check")
_MOMENT = 1.0  # seconds
_READING = 3.0  # seconds: IPython takes long over hundreds of magics
# Code that is there already when nothing was run here: the numbers of cells, by the names of files that stand for them.
known_cells: dict[str, int] = {}


class CellTimeout(BaseException):
    """Raised in the student's code when a cell's time is over. Not an Exception: `except Exception` lets it pass."""


def run_cells(
    namespace: dict[str, Any], cells: list[dict[str, Json]], names: list[str], plan: str, seconds: float
) -> dict[str, Json]:
    """Run `cells` in `namespace`.

    Args:
        cells: number and source of each code cell.
        names: what is wanted; the "definitions" plan runs only what these need.
        plan: "definitions" or "everything".
        seconds: time of one cell, by a clock that stands still while others have the processor. Of a cell that was
            stopped, each further statement gets a moment: it may be the definition that is wanted.

    Returns:
        `problems`: what did not run, each with cell, line, type and message;
        `skipped`: numbers of cells of which nothing or not all was run;
        `defined`: for each wanted name that exists now, what it is;
        `taken`: wanted names that no cell imports from the file that a cell wrote, with that file.
    """
    problems: list[Json] = []
    statements: list[Statement] = []
    for cell in cells:
        try:
            with _clock(cell["number"], min(seconds, _READING), min(seconds, _READING)):
                statements += _parse(cell["number"], cell["source"])
        except (Exception, CellTimeout) as error:  # from SyntaxError to IPython's own, for five hundred magics
            problems.append({"cell": cell["number"], **describe(error)})
    chosen = definitions(statements, names) if plan == "definitions" else statements
    failed: set[int] = set()
    left: dict[int, float] = {}
    for statement in chosen:
        if plan == "everything" and statement.cell in failed:
            continue  # as in Jupyter: an error ends its cell, not the notebook
        began = own_time()
        raised = _run(namespace, statement, max(left.get(statement.cell, seconds), min(seconds, _MOMENT)), seconds)
        left[statement.cell] = left.get(statement.cell, seconds) - (own_time() - began)
        if raised is not None:
            failed.add(statement.cell)
            told = {"cell": statement.cell, **describe(raised)}
            # What a cell wrote and another imports is that cell's own text.
            is_import = isinstance(statement.node, IMPORT) and told["cell"] == statement.cell
            problems.append({**told, "import": is_import, "binds": _bound_by(statement.node) if is_import else []})
    # What was written to a file and is imported nowhere was meant to be handed in all the same.
    taken: dict[str, str] = {}
    for name, file, number in files.offered([name for name in names if name not in namespace]):
        module = file.removesuffix(".py").replace("/", ".")
        node = ast.ImportFrom(module, [ast.alias(name)], 0)  # whatever the file is called
        found = Statement(number, ast.fix_missing_locations(node))
        raised = _run(namespace, found, min(seconds, _MOMENT), seconds)
        if raised is None:
            taken[name] = file
        else:
            problems.append({"cell": found.cell, **describe(raised), "import": True})
    ran = {id(statement.node) for statement in chosen}
    return {
        "problems": problems[:200],
        "skipped": sorted({s.cell for s in statements if id(s.node) not in ran}),
        "defined": kinds(namespace, names),
        "taken": taken,
    }


MOST_BOUND = 100  # names of one import that are told


def _bound_by(node: ast.AST) -> list[str]:
    """Names that an import was to bind; `*` for all of a module's."""
    found = (alias.asname or alias.name.split(".")[0] for alias in getattr(node, "names", ()))
    return [name[:100] for name in found][:MOST_BOUND]


def place_of(frame: Any) -> tuple[int | None, int | None]:
    """Cell and line of a frame, or (None, None) when it is not the student's."""
    cell = _cell_number(frame.f_code.co_filename)
    return cell, None if cell is None else frame.f_lineno


def place_of_error(error: BaseException) -> tuple[int | None, int | None]:
    """Cell and line of the innermost frame of the student's code."""
    cell, line = None, None
    if isinstance(error, SyntaxError):
        cell, line = _cell_number(error.filename or ""), error.lineno
        if cell is not None:
            return cell, line  # not where that is imported
    for frame, number in traceback.walk_tb(error.__traceback__):
        inside = _cell_number(frame.f_code.co_filename)
        if inside is not None:
            cell, line = inside, number
    return cell, line


def describe(error: BaseException) -> dict[str, Json]:
    """An exception as plain data: type, message, cell and line. Nothing in it is trusted."""
    cell, line = place_of_error(error)
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
    except BaseException:
        message = "(the exception has no readable text)"
    if file := files.line_of_file(error):
        message = f"{message} ({file})"
    place = {} if cell is None else {"cell": cell}
    return {"type": type(error).__name__[:100], "message": message[:1000], "line": line, **place}


def _cell_number(filename: str) -> int | None:
    if filename.startswith("<cell ") and filename.endswith(">"):
        return int(filename[6:-1])
    return known_cells.get(filename, files.written.get(filename))


def _parse(number: int, source: str) -> list[Statement]:
    filename = f"<cell {number}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    lines = source.split("\n")
    for i, line in enumerate(lines):
        if line.startswith(TRANSPARENT):
            lines[i] = ""  # keeps the line numbers
        elif line.strip():
            break
    return [Statement(number, part) for node in _tree("\n".join(lines), filename).body for part in _apart(node)]


def _tree(source: str, filename: str) -> ast.Module:
    """As Python, else as IPython reads it: magics, `!pip`, a cell that is indented as a whole, `>>>` before lines."""
    try:
        return ast.parse(source, filename)
    except SyntaxError as error:
        from IPython.core.inputtransformer2 import TransformerManager

        # Empty lines in front go; without them all others would be counted wrongly.
        in_front = source.count("\n", 0, len(source) - len(source.lstrip()))
        try:
            transformed: str = TransformerManager().transform_cell(source)
        except SyntaxError:
            raise error from None
        return ast.parse("\n" * in_front + transformed, filename)


def _apart(node: ast.stmt) -> list[ast.stmt]:
    """`import a, b` as two statements, so that a missing `a` does not cost `b`."""
    if isinstance(node, ast.Import):
        return [ast.copy_location(ast.Import([alias]), node) for alias in node.names]
    return [node]


def _run(namespace: dict[str, Any], statement: Statement, left: float, seconds: float) -> BaseException | None:
    """Run one statement in the seconds that are left for it, of those that its cell has; the exception, if any."""
    module = ast.Module(body=[statement.node], type_ignores=[])
    try:
        with _clock(statement.cell, left, seconds):
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | _reading_of_annotations(namespace, statement.node)
            code = compile(module, f"<cell {statement.cell}>", "exec", flags=flags, dont_inherit=True)
            waiting = eval(code, namespace)
            if inspect.iscoroutine(waiting):
                asyncio.run(waiting)
    except BaseException as error:
        return error
    return None


def _reading_of_annotations(namespace: dict[str, Any], node: ast.stmt) -> int:
    """The flag that keeps annotations as text, where the notebook says so or they could not be read: a name that only
    an annotation uses need not exist."""
    is_asked = namespace.get("annotations") is __future__.annotations
    known = all(name in namespace or hasattr(builtins, name) for name in annotated(node))
    return __future__.annotations.compiler_flag if is_asked or not known else 0


@contextlib.contextmanager
def _clock(cell: int, left: float, seconds: float) -> Iterator[None]:
    """Raise CellTimeout in what is done for a cell when no time is left of the seconds that it has."""
    over = own_time() + left

    def stop(*_: object) -> None:
        if (more := over - own_time()) > _MOMENT / 10:
            signal.setitimer(signal.ITIMER_REAL, more, 1.0)  # others had the processor
            return
        raise CellTimeout(f"stopped after {seconds:g} s")

    whereabouts.begin(cell)
    previous = signal.signal(signal.SIGALRM, stop)
    # Fires again every second, for code that swallows the first one.
    signal.setitimer(signal.ITIMER_REAL, left, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def kinds(namespace: Mapping[str, Any], names: Iterable[str]) -> dict[str, Json]:
    """For each of `names` that exists, what it is."""
    return {name: _kind(namespace[name]) for name in names if name in namespace}


def _kind(value: object) -> str:
    from torch import nn

    if isinstance(value, type):
        return "module class" if issubclass(value, nn.Module) else "class"
    if isinstance(value, nn.Module):
        return "module"
    return "function" if callable(value) else "value"
