"""Report formats, as they describe themselves."""

from __future__ import annotations

import inspect
import sys

from grader.formats import Document, Format, formats

HEAD = """# Report formats

What `--format` takes, several with commas between: `grader check submissions/ --format html,json`. All are written \
into the output folder; one that is a document may go to standard output instead (`--output -`).

| Format | Writes | Standard output | |
|---|---|---|---|
"""


def page() -> str:
    """A table, and below it what the file of each format says about it."""
    text = HEAD
    for name, form in formats().items():
        file = f"`{form.file}`" if isinstance(form, Document) else "see below"
        text += f"| [`{name}`](#{name}) | {file} | {'yes' if isinstance(form, Document) else 'no'} | {_first(form)} |\n"
    for name, form in formats().items():
        text += f"\n## `{name}` {{ #{name} }}\n\n{_said(form)}\n"
    return text


def _first(form: Format) -> str:
    return " ".join((inspect.getdoc(type(form)) or "").split("\n\n")[0].split()).replace("|", "\\|")


def _said(form: Format) -> str:
    """The docstring of the file: sentences as they are, indented tables as text."""
    parts = []
    for part in (inspect.getdoc(sys.modules[type(form).__module__]) or "").split("\n\n"):
        indented = all(line.startswith("    ") for line in part.splitlines())
        parts.append(f"```text\n{inspect.cleandoc(part)}\n```" if indented else part)
    return "\n\n".join(parts)
