"""What was written, and what to look at, for whoever gives it out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from grader.assignment import Assignment
from grader.release.bundle import MANIFEST, STARTER, Bundle


def released(assignment: Assignment, bundle: Bundle, target: Path, packed: Path | None) -> Iterator[str]:
    """Line by line."""
    widest = max(len(str(target / name)) for name in bundle.files)
    for name in sorted(bundle.files):
        yield f"{target / name!s:<{widest}}  {_purpose(name, bundle)}"
    if packed is not None:
        yield f"{packed!s:<{widest}}  all of it, to hand out"
    yield ""
    if bundle.left:
        secret = "its references are secret" if assignment.release.reference == "secret" else "answers are never in it"
        yield f"Students check themselves with the code that marks them. Left to the marking ({secret}):"
        yield from (f"  {id_}: {what}" for id_, what in bundle.left.items())
    else:
        yield "Students check themselves with the code that marks them, with all that it is compared with."
    for warning in bundle.warnings:
        yield f"! {warning}"
    yield "Try it as a student would:"
    yield f"  grader check {shlex.quote(str(target / STARTER))} --assignment {shlex.quote(str(target))}"


def _purpose(name: str, bundle: Bundle) -> str:
    if name == STARTER:
        cells = ", ".join(map(str, bundle.stripped))
        many = "cells" if len(bundle.stripped) > 1 else "cell"
        return (
            f"the homework, without the solutions of {many} {cells}" if cells else "the homework; nothing was taken out"
        )
    known = {
        "README.md": "how to check oneself",
        "assignment.toml": "the public checks",
        MANIFEST: "by which the next release knows this one",
    }
    return known.get(name, "as it is")
