"""What comes with the grader, read off its folders. Needs nothing, so that completion in a shell answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def shipped_folder(kind: Literal["assignments", "reference"]) -> Path:
    """Where the shipped assignments or references are: in the wheel, or in the checkout beside `grader/`."""
    package = Path(__file__).parent
    inside = package / "shipped" / kind
    return inside if inside.is_dir() else package.parent / kind


def shipped_assignments() -> dict[str, Path]:
    """Id and folder of every shipped assignment."""
    return {spec.parent.name: spec.parent for spec in sorted(shipped_folder("assignments").glob("*/assignment.toml"))}


def format_names() -> list[str]:
    """Ids of the report formats: each file of their folder is one and carries its name, but for those with a _."""
    folder = Path(__file__).parent / "formats"
    return sorted(path.stem for path in folder.glob("*.py") if not path.name.startswith("_"))
