"""The folder of an imported assignment. It loads and grades at once, and says what is left to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from grader.assignment import Identifier, load_assignment, shipped_assignments
from grader.errors import UsageError
from grader.importing.exercises import Exercises, make_exercises
from grader.importing.nouns import Imported, cell_number, slug
from grader.specfile import spec_text
from grader.stripping import strip_notebook, write_notebook
from grader.whole import written_beside

_PURPOSE = {
    "assignment.toml": "what is asked and what it is worth: look for TODO",
    "reference.py": "the notebook's own solutions, which the grader runs: read them first",
    "starter.ipynb": "what students get, without solutions",
    "IMPORT.md": "what could not be carried over, and where it stands",
}


def write_imported(imported: Imported, target: Path | None, id_: Identifier | None) -> Path:
    """Write the assignment, all of it or nothing; its folder.

    Args:
        target: the folder that is made; None: one of the assignment's id, here.
        id_: the assignment's id; None: made of the notebook's name.

    Raises:
        UsageError: the id or the folder is taken, or nothing can be written there. Nothing was.
        AssignmentError: the notebook's markers cannot be understood.
    """
    name = id_ if id_ is not None else slug(target.name if target is not None else imported.path.stem)
    if not name or slug(name) != name:
        raise UsageError(f"{name!r} cannot be the id of an assignment: give one with --id, as in week-6")
    if name in shipped_assignments():
        raise UsageError(f"there is a shipped assignment {name!r} already: choose another id with --id")
    target = target if target is not None else Path(name)
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise UsageError(f"{target} is there already, and is not empty: name another place with --output")
    files = _files(imported, name)
    try:
        with written_beside(target, files) as whole:
            load_assignment(whole)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{target} cannot be made: {error.filename} is a file; name another folder") from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    return target


def written(imported: Imported, target: Path) -> Iterator[str]:
    """What is there now, what is left out, and what to do with it."""
    here = shlex.quote(str(target))
    widest = max(len(str(target / name)) for name in _PURPOSE)
    for name, purpose in _PURPOSE.items():
        if (target / name).is_file():
            yield f"{target / name!s:<{widest}}  {purpose}"
    yield f"{target / 'original'!s:<{widest}}  the notebook and its tests as they were; students never get them"
    yield ""
    if imported.left:
        yield "Not carried over (cells are counted as in the notebook that was read):"
        yield from (f"  {left.where}: {left.what}" for left in imported.left)
        yield ""
    yield "It loads and grades as it is:"
    yield f"  grader check {here}/starter.ipynb --assignment {here}"
    yield "What students get:"
    yield f"  grader release {here}"


def _files(imported: Imported, name: str) -> dict[str, bytes]:
    exercises = make_exercises(imported)
    ids = [spec["id"] for spec in exercises.specs]
    numbers = [cell.pop("number", place) for place, cell in enumerate(imported.notebook["cells"], start=1)]
    imported.notebook["metadata"]["grader"] = {"assignment": name}
    stripped = strip_notebook(imported.notebook, str(imported.path), ids, numbers)
    for warning in stripped.warnings:
        imported.leave("the starter", warning)
    files = {
        "assignment.toml": _spec(imported, exercises, name).encode(),
        "starter.ipynb": write_notebook(stripped.notebook).encode(errors="replace"),
        f"original/{imported.path.name}": imported.path.read_bytes(),
    }
    if exercises.reference:
        files["reference.py"] = _reference(imported, exercises).encode(errors="replace")
    for file, content in imported.tests.items():
        files[f"original/tests/{file}"] = content
    for question in imported.questions:
        own = [test for test in question.tests if not test.where.startswith("tests/")]
        if own:
            text = "\n\n".join(f"# {test.where}{', hidden' if test.hidden else ''}\n{test.source}" for test in own)
            files[f"original/tests/{question.id}.txt"] = f"{text}\n".encode(errors="replace")
    imported.left.sort(key=lambda left: cell_number(left.where))
    files["IMPORT.md"] = "\n".join(_remaining(imported)).encode(errors="replace")
    return files


def _spec(imported: Imported, exercises: Exercises, name: str) -> str:
    head = [
        f"Imported from {imported.path.name}, an assignment of {imported.grader}. What is left to do is marked TODO.",
        "How each key works: docs/writing-assignments.md",
    ]
    spec = {"id": name, "title": imported.title, "release": {"reference": "secret"}, "exercise": exercises.specs}
    return spec_text(spec, head, exercises.remarks)


def _reference(imported: Imported, exercises: Exercises) -> str:
    """Imports first, and every statement once."""
    sources = {each.source: each.kind == "import" for each in exercises.reference}
    imports = [source for source, is_import in sources.items() if is_import]
    rest = [source for source, is_import in sources.items() if not is_import]
    file = imported.path.name.replace("\\", "/").replace('"', "'")
    head = f'"""The right answers, taken from the solutions in {file}. The grader runs this file: read it first."""'
    parts = [head, "\n".join(imports), "\n\n\n".join(rest)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _remaining(imported: Imported) -> Iterator[str]:
    yield f"# What could not be carried over from {_plain(imported.path.name)}"
    yield ""
    yield "Cells are counted as in the notebook that was read. It lies in `original/` with its tests; nothing was run."
    yield ""
    for left in imported.left:
        yield f"- {_plain(left.where)}: {_plain(left.what)}"
    if not imported.left:
        yield "Nothing."
    yield ""


def _plain(text: str) -> str:
    """Somebody else's words within a line of Markdown."""
    return " ".join(text.split()).replace("<", "&lt;")
