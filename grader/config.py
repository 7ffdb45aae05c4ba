"""Options of `grader check` from a file: `grader.toml`, or the table `[tool.grader]` of a `pyproject.toml`.

    find_config()   the nearest file, from a folder up to the root of its repository
    read_config()   what it says, checked

A file that was found, and not named by whoever runs the command, may have come with somebody's repository. So it
cannot choose what is run with all rights (an assignment's reference is code) nor where files are written, and no
file at all can take the wall down.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from grader.bundled import shipped_assignments
from grader.errors import UsageError

NAME, PYPROJECT = "grader.toml", "pyproject.toml"
_TABLE = "[tool.grader]"
_MOST_BYTES = 2**20


def _joined(value: object) -> object:
    """Formats may be listed."""
    listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return ",".join(value) if listed else value  # type: ignore[arg-type]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class Options(BaseModel):
    """The keys of the file: options of `grader check` without their dashes. Each description says what is expected."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=_kebab, allow_inf_nan=False)

    assignment: str | None = Field(None, min_length=1, description="an id, or a folder with an assignment.toml")
    output: str | None = Field(None, min_length=1, description='a folder, or "-"')
    format: Annotated[str | None, BeforeValidator(_joined)] = Field(
        None, min_length=1, description='names with commas between, or a list of names, such as ["html", "json"]'
    )
    jobs: int | None = Field(None, ge=1, description="a whole number from 1")
    device: Literal["auto", "cpu", "cuda"] | None = Field(None, description='"auto", "cpu" or "cuda"')
    seed: int | None = Field(None, ge=0, description="a whole number from 0")
    isolation: Literal["auto", "bwrap"] | None = Field(
        None, description='"auto" or "bwrap"; a weaker wall is chosen on the command line alone'
    )
    timeout: float | None = Field(None, ge=1, description="a number of seconds from 1")
    cell_timeout: float | None = Field(None, ge=0.1, description="a number of seconds from 0.1")
    memory: int | None = Field(None, ge=256, description="a whole number of MiB from 256")
    disk: int | None = Field(None, ge=1, description="a whole number of MiB from 1")
    output_limit: int | None = Field(None, ge=0, description="a whole number of KiB from 0")
    processes: int | None = Field(None, ge=8, description="a whole number from 8")
    fail_under: float | None = Field(None, ge=0, le=100, description="a number from 0 to 100")
    language: str | None = Field(None, min_length=1, description='a code, such as "de"')
    quiet: bool | None = Field(None, description="true or false")


@dataclass(frozen=True)
class Config:
    """A file, and the options that it sets, by their names on the command line."""

    path: Path
    options: dict[str, Any]

    @property
    def shown(self) -> str:
        """The file as one would name it from here."""
        try:
            relative = os.path.relpath(self.path)
        except OSError:
            relative = str(self.path)  # the folder that we are in was removed
        name = relative if not relative.startswith("../../..") else str(self.path)
        return f"{_TABLE} in {name}" if self.path.name == PYPROJECT else name


def find_config(start: Path) -> Path | None:
    """The nearest file, in `start` or above it, no further than the folder that holds `.git`.

    In one folder `grader.toml` comes before `pyproject.toml`. A file in a folder above that belongs to a stranger
    is as good as none: /tmp is everybody's.
    """
    try:
        start = start.resolve(strict=True)
        ours = {0, os.getuid(), start.stat().st_uid}
    except OSError:
        return None  # the folder was removed while we are in it
    for folder in (start, *start.parents):
        for path in (folder / NAME, folder / PYPROJECT):
            if _is_file_of(path, ours) and (path.name == NAME or _has_table(path)):
                return path
        if os.path.lexists(folder / ".git"):
            return None
    return None


def read_config(path: Path, *, named: bool) -> Config:
    """What the file says.

    Args:
        named: was it named on the command line, and so by somebody who trusts it?

    Raises:
        UsageError: it cannot be read, or says something that cannot be. Names file, key and what was expected.
    """
    content = _load(path)
    if path.name == PYPROJECT:
        content = content.get("tool", {})
        content = content.get("grader", {}) if isinstance(content, dict) else content
        if not isinstance(content, dict):
            raise UsageError(f"{path}: tool.grader: expected a table {_TABLE}, found {_short(content)}")
    try:
        given = Options.model_validate(_with_hyphens(path, content)).model_dump(by_alias=True, exclude_none=True)
    except ValidationError as error:
        raise UsageError("\n".join(_explain(path, error))) from None
    if "assignment" in given:
        given["assignment"] = _assignment(path, given["assignment"], named)
    if given.get("output", "-") != "-":
        given["output"] = _output(path, given["output"], named)
    return Config(path, given)


# ---------------------------------------------------------------------- the file


def _is_file_of(path: Path, users: set[int]) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_uid in users


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{path}: is over 1 MiB; a file of options is smaller")
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: is not valid TOML: {error}") from error


def _has_table(path: Path) -> bool:
    """Does this pyproject.toml mean us? One that is broken is some other tool's to complain about."""
    try:
        tool = _load(path).get("tool")
    except UsageError:
        return False
    return isinstance(tool, dict) and "grader" in tool


def _with_hyphens(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """`fail_under` is `fail-under`."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if _kebab(key) in found:
            raise UsageError(f"{path}: {_kebab(key)}: is there twice, with a hyphen and with an underscore; remove one")
        found[_kebab(key)] = value
    return found


def _explain(path: Path, error: ValidationError) -> list[str]:
    """One line for each key that is wrong."""
    fields = {_kebab(name): field for name, field in Options.model_fields.items()}
    lines = {}  # a value that fits no member of a union would be complained of once for each
    for each in error.errors():
        key = str(each["loc"][0])
        if key not in fields:
            close = get_close_matches(key, fields, 1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(fields)}"
            name = key if re.fullmatch(r"[\w-]{1,60}", key) else _short(key)
            lines[key] = f"{path}: {name}: unknown key; {hint}"
        else:
            value = each["input"] if len(each["loc"]) == 1 else "something else"
            lines[key] = f"{path}: {key}: expected {fields[key].description}; found {_short(value)}"
    return list(lines.values())


def _short(value: object) -> str:
    text = value if isinstance(value, str) and value.isidentifier() else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


# ---------------------------------------------------------------------- what only a file that was named may say


def _assignment(path: Path, value: str, named: bool) -> str:
    """The folder of the assignment: never what happens to lie under that name where the command runs."""
    folder, shipped = path.parent / value, shipped_assignments()
    if named and (folder / "assignment.toml").is_file():
        return str(folder)
    if value in shipped:
        return str(shipped[value])
    if named:
        return str(folder)
    raise UsageError(
        f"{path}: assignment: {_short(value)} is no shipped assignment. The reference in a folder is code that runs "
        f"with all your rights, so a file that was found by itself may not choose one: name the folder with "
        f"--assignment, or the file with --config {path}"
    )


def _output(path: Path, value: str, named: bool) -> str:
    folder = path.parent / value
    home = os.path.realpath(path.parent)
    if not named and os.path.commonpath([home, os.path.realpath(folder)]) != home:
        raise UsageError(
            f"{path}: output: {_short(value)} lies outside {path.parent}. A file that was found by itself may only "
            f"name a folder beside or below it: name the folder with --output, or the file with --config {path}"
        )
    return str(folder)
