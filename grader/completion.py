"""What a shell offers when somebody presses Tab. It has a fifth of a second: nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path

from grader.bundled import format_names, shipped_assignments
from grader.language import languages as spoken_languages


def assignments(incomplete: str) -> list[str]:
    """Ids of shipped assignments; and folders, those with an assignment.toml by themselves."""
    ids = [name for name in shipped_assignments() if name.startswith(incomplete)]
    return ids + _folders(incomplete)


def formats(incomplete: str) -> list[str]:
    """Report formats; after a comma the ones that are not named yet."""
    before, comma, last = incomplete.rpartition(",")
    named = before.split(",")
    return [f"{before}{comma}{name}" for name in format_names() if name.startswith(last) and name not in named]


def languages(incomplete: str) -> list[str]:
    """Languages that students can be told in."""
    return [code for code in spoken_languages() if code.startswith(incomplete)]


def _folders(incomplete: str) -> list[str]:
    start, _, begun = incomplete.rpartition("/")
    where = Path(f"{start}/" if start or incomplete.startswith("/") else ".").expanduser()
    try:
        found = sorted(each.name for each in where.iterdir() if each.is_dir() and each.name.startswith(begun))
    except OSError:
        return []
    names = [name for name in found if begun or not name.startswith(".")]
    ready = [name for name in names if (where / name / "assignment.toml").is_file()]
    prefix = f"{start}/" if "/" in incomplete else ""
    return [f"{prefix}{name}" for name in ready or names]
