"""Commands and options, read off the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text
from typer.main import get_command

from grader.cli import app

HEAD = """# Commands and options

What `grader --help` says, command by command. What the commands do at length, and what they promise: [the command \
line](../cli.md).
"""


def page() -> str:
    """One section for each command, groups included."""
    return "\n".join([HEAD, *_section("grader", get_command(app), 2)])


def _section(name: str, command: Any, level: int) -> Iterator[str]:
    yield f"{'#' * level} `{name}`\n"
    if command.help:
        yield f"{_plain(command.help)}\n"
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    words = [name, "[OPTIONS]", *(f"{_metavar(each)}{'...' * each.type_descriptor.is_list}" for each in arguments)]
    groups = getattr(command, "commands", {})
    yield f"```text\n{' '.join(words)}{' COMMAND ...' if groups else ''}\n```\n"
    yield from _table("Argument", arguments)
    yield from _table("Option", [each for each in command.params if each.param_type_name == "option"])
    yield from _epilog(command.epilog or "")
    for each in groups.values():
        if not each.hidden:
            yield from _section(f"{name} {each.name}", each, min(level + 1, 4) if groups and level > 2 else 2)


def _table(what: str, parameters: list[Any]) -> Iterator[str]:
    if parameters:
        rows = [f"| {_name(each)} | {_cell(each.help or '')} | {_default(each)} |" for each in parameters]
        yield "\n".join([f"| {what} | Meaning | Default |", "|---|---|---|", *rows, ""])


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_metavar(parameter)}`"
    metavar = "" if _is_flag(parameter) else f" {_metavar(parameter)}"
    return ", ".join(f"`{option}{metavar}`" for option in [*parameter.opts, *parameter.secondary_opts])


def _metavar(parameter: Any) -> str:
    choices = parameter.type_descriptor.choices if parameter.type_descriptor.is_choice else None
    return parameter.metavar or ("|".join(map(_value, choices)) if choices else parameter.name.upper())


def _is_flag(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_flag", False))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if _is_flag(parameter) or parameter.default in (None, "", [], ()):
        return ""
    return f"`{_value(parameter.default)}`"


def _value(value: object) -> str:
    return str(getattr(value, "value", value))


def _epilog(text: str) -> Iterator[str]:
    """Sentences, and indented commands below them."""
    for paragraph in text.split("\n\n"):
        plain = _plain(paragraph)
        if plain.startswith("  "):
            yield f"```\n{plain.strip()}\n```\n"
        elif plain.strip():
            yield f"{plain.strip()}\n"


def _plain(text: str) -> str:
    return Text.from_markup(text).plain


def _cell(text: str) -> str:
    return _plain(" ".join(text.split())).replace("|", "\\|").replace("[", "\\[")
