"""What every table of assignment.toml is, and the values that stand in several of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _plain(value: object) -> object:
    """Said once; the union below would complain once for each of its members."""
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"expected true, false, a number or a text, found {value!r}")
    return value


Argument = Annotated[bool | int | float | str, BeforeValidator(_plain)]
Plain = Argument | list[Any]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
PythonName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ReferenceName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*$")]
Points = Annotated[float, Field(ge=0, allow_inf_nan=False)]

UNTOLD = "withheld"  # stands in a withheld exercise for what it does not tell


class Spec(BaseModel):
    """A table of assignment.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)
