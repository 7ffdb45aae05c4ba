"""One way to construct a module, with what goes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from grader.assignment.spec import Argument, Spec


class Case(Spec):
    """One way to construct the module, and the size of what goes in: channels, height, width."""

    title: str = Field(description="what the pages call it")
    arguments: dict[str, Argument] = Field(default_factory=dict, description="of the constructor, by their names")
    input: list[Annotated[int, Field(ge=1)]] = Field(
        min_length=1, max_length=4, description="shape of what goes in, without the batch"
    )
    confirm: bool | Literal["sizes"] = Field(
        False,
        description="real size: asked once, with few probes, after the small cases; or, of a network, for nothing but "
        "the shape of its output and the number of its parameters",
    )
    outputs: list[tuple[list[int], list[int]]] = Field(
        default_factory=list,
        description="in a student's copy: shapes of inputs, batch included, and of what the reference gives for them",
    )

    def told_output(self, shape: Sequence[int]) -> list[int] | None:
        """The shape that the output for an input of this shape must have, where a student's copy tells it."""
        return next((output for given, output in self.outputs if given == list(shape)), None)
