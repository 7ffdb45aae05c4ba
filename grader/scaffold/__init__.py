"""A new assignment, written from the files in `template/`: it grades at once, and is there to be rewritten."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from grader.assignment import shipped_assignments
from grader.errors import UsageError
from grader.whole import written_beside

TEMPLATE = Path(__file__).parent / "template"
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")
_PURPOSE = {
    "assignment.toml": "what is asked, in which sizes it is compared, what it is worth",
    "reference.py": "the right answers",
    "starter.ipynb": "what students get",
    "right.ipynb": "a hand-in to try it on",
    "wrong.ipynb": "another, with mistakes",
    "README.md": "these commands",
}


def scaffold(name: str, folder: Path) -> list[Path]:
    """Write the assignment `folder/name`, all of it or nothing; the files in it.

    Raises:
        UsageError: the name is none or is taken, or nothing can be written there. Nothing was.
    """
    if not _ID.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the id of an assignment: expected small letters, digits and hyphens, as in my-homework"
        )
    if name in shipped_assignments():
        raise UsageError(f"there is a shipped assignment {name!r} already: choose another id")
    target = folder / name
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise UsageError(f"{target} is there already, and is not empty: choose another id, or another --folder")
    words = {"@ID@": name, "@TITLE@": name.replace("-", " ").strip().capitalize()}
    files = {path.relative_to(TEMPLATE).as_posix(): _filled_in(path, words) for path in _files()}
    try:
        with written_beside(target, files):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"--folder {folder}: this is a file; name a folder") from error
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from error
    return [target / name for name in files]


def written(target: Path, files: list[Path]) -> list[str]:
    """What is there now, and what to do with it."""
    here = shlex.quote(str(target))
    widest = max(len(str(path)) for path in files)
    return [
        *(f"{path!s:<{widest}}  {_PURPOSE[path.name]}" for path in files),
        "",
        "It grades as it is:",
        f"  grader check {here}/examples --assignment {here}",
        "Rewrite it, and ask which mistakes it would miss:",
        f"  grader audit {here}",
        "Grade your class:",
        f"  grader check submissions/ --assignment {here}",
    ]


def _files() -> list[Path]:
    """What is written, the assignment itself first."""
    found = [path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted(found, key=lambda path: list(_PURPOSE).index(path.name))


def _filled_in(path: Path, words: dict[str, str]) -> bytes:
    text = path.read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text.encode()
