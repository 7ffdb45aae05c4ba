"""Fields of results.json, read off its schema."""

from __future__ import annotations

from typing import Any

from keys import kind

from grader.formats.json import schema

HEAD = """# Fields of results.json

The fields in the order in which they are written, as `grader schema` describes them. All of them are always there. \
Numbers are rounded and the order is fixed, so that the same run gives the same bytes.

"""


def page() -> str:
    """One table for each object."""
    found = schema()
    models = {"Results": found, **found["$defs"]}
    text = HEAD
    for name, model in models.items():
        if "properties" in model:
            text += f"## {name} {{ #{name.lower()} }}\n\n| Field | Value | Meaning |\n|---|---|---|\n"
            for field, declared in model["properties"].items():
                text += f"| `{field}` | {_value(declared)} | {_cell(declared.get('description', ''))} |\n"
            text += "\n"
        elif "enum" in model:
            text += f"## {name} {{ #{name.lower()} }}\n\nOne of {', '.join(f'`{each}`' for each in model['enum'])}.\n\n"
        else:
            text += f"## {name} {{ #{name.lower()} }}\n\nAny JSON.\n\n"
    return text


def _value(declared: dict[str, Any]) -> str:
    empty = any(each.get("type") == "null" for each in declared.get("anyOf", []))
    return kind(declared) + (", or null" if empty else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
