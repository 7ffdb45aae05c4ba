"""Keys of assignment.toml, read off the models that read it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from grader.assignment import Assignment

HEAD = """# Keys of assignment.toml

Every table and every key that is known; any other is refused with its place. What they are for, with examples: \
[writing an assignment](../writing-assignments.md).

"""


def page() -> str:
    """The spec's own table first, then every table that it, or one of those, may hold."""
    schema = Assignment.model_json_schema(by_alias=True)
    definitions = schema["$defs"]
    kinds = schema["properties"]["exercise"]["items"]["oneOf"]
    order = ["Limits", *(each["$ref"].rpartition("/")[2] for each in kinds)]
    names = ["Assignment", *order, *(name for name in definitions if name not in order)]
    text = HEAD
    for name in names:
        text += "\n".join(_table(name, schema if name == "Assignment" else definitions[name])) + "\n\n"
    return text


def _table(name: str, model: dict[str, Any]) -> Iterator[str]:
    yield f"## {_title(name, model)} {{ #{name.lower()} }}\n"
    if model.get("description"):
        yield " ".join(inspect.cleandoc(model["description"]).split()) + "\n"
    yield "| Key | Value | Meaning | Default |\n|---|---|---|---|"
    required = model.get("required", [])
    for key, declared in model["properties"].items():
        if key == "folder" and name == "Assignment":
            continue  # where it lies, which the file does not say
        default = "required" if key in required else _default(declared)
        yield f"| `{key}` | {kind(declared)} | {_cell(declared.get('description', ''))} | {default} |"


def _title(name: str, model: dict[str, Any]) -> str:
    kind = model["properties"].get("kind", {}).get("const")
    return f"Exercise of the kind `{kind}`" if kind else name


def kind(declared: dict[str, Any]) -> str:
    """What may stand there, in words; the tables and lists of them as links."""
    if "$ref" in declared:
        name = declared["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in declared:
        return f"`{_toml(declared['const'])}`"
    if "enum" in declared:
        return " or ".join(f"`{_toml(each)}`" for each in declared["enum"])
    for several in ("anyOf", "oneOf"):
        if several in declared:
            kinds = [kind(each) for each in declared[several] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    form = declared.get("type")
    if form == "array":
        size = _between("of {} elements", declared.get("minItems"), declared.get("maxItems"))
        items = declared.get("items") or next(iter(declared.get("prefixItems", [])), {})
        return f"list{size}: {kind(items)}"
    if form == "object":
        return f"table of: {kind(declared.get('additionalProperties', {}))}"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    word = words.get(str(form), "anything")
    if form == "string" and "pattern" in declared:
        return f"text of the form `{declared['pattern']}`"
    low = declared.get("minimum", declared.get("exclusiveMinimum"))
    high = declared.get("maximum", declared.get("exclusiveMaximum"))
    sign = "above" if "exclusiveMinimum" in declared else "from"
    return (
        word
        + (f" {sign} {low:g}" if low is not None else "")
        + (f" {'below' if 'exclusiveMaximum' in declared else 'to'} {high:g}" if high is not None else "")
    )


def _between(words: str, low: int | None, high: int | None) -> str:
    if low is None and high is None:
        return ""
    number = f"{low or 0} to {high}" if high is not None else f"{low} or more"
    number = str(low) if low == high else number
    return " " + words.format(number)


def _default(declared: dict[str, Any]) -> str:
    if "default" not in declared or declared["default"] is None:
        return ""
    return f"`{_toml(declared['default'])}`"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
