"""One way to construct a module, with what goes in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from grader.assignment.spec import Argument, Spec

Side = Annotated[int, Field(ge=1)]


def _shaped(value: object) -> object:
    """A shape alone stands for numbers of that shape."""
    return {"shape": value} if isinstance(value, list) and not any(isinstance(i, list | dict) for i in value) else value


class Input(Spec):
    """One of several inputs: numbers, whole numbers between two bounds, or truth values."""

    shape: list[Side] = Field(max_length=5, description="of one sample, without the batch")
    low: int | None = Field(None, description="with `high`: whole numbers from low up to, not including, high")
    high: int | None = None
    given_as: Literal["tensor", "truth"] = Field("tensor", alias="as", description="truth: a tensor of truth values")
    batch: bool = Field(True, description="is there one for each sample? false: one for all, as a causal mask is")

    @model_validator(mode="after")
    def _bounds_are_two(self) -> Input:
        if (self.low is None) != (self.high is None) or (
            self.low is not None and self.high is not None and self.low >= self.high
        ):
            raise ValueError("expected low and high together, low below high")
        if self.low is not None and self.given_as == "truth":
            raise ValueError('expected no low and high for as = "truth"')
        return self


OneInput = Annotated[Input, BeforeValidator(_shaped)]


def _listed(value: object) -> str:
    return "(tuple)" if isinstance(value, list) and any(isinstance(i, list | dict | Input) for i in value) else "(one)"


Inputs = Annotated[
    Annotated[OneInput, Tag("(one)")] | Annotated[list[OneInput], Tag("(tuple)")], Discriminator(_listed)
]


class Case(Spec):
    """One way to construct the module, and the size of what goes in: channels, height, width."""

    title: str = Field(description="what the pages call it")
    arguments: dict[str, Argument] = Field(default_factory=dict, description="of the constructor, by their names")
    input: list[Side] = Field(min_length=1, max_length=4, description="shape of what goes in, without the batch")
    inputs: dict[str, Inputs] = Field(
        default_factory=dict, description="in place of `input`: what forward takes, by position, and may return"
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

    @model_validator(mode="before")
    @classmethod
    def _has_one_of_both(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("inputs"):
            return given
        if "input" in given:
            raise ValueError("expected `input` or `inputs`, found both")
        return {**given, "input": [1]}  # until it is known how long the row is

    @model_validator(mode="after")
    def _is_one_row(self) -> Case:
        """Of several inputs the judge knows a row of numbers for each sample; see `grader.capture.several`."""
        if self.inputs:
            row = sum(math.prod(each.shape) for entry in self.inputs.values() for each in _each(entry))
            object.__setattr__(self, "input", [row])
            self.model_fields_set.discard("input")
        return self

    @property
    def takes(self) -> list[Any]:
        """What a module of several inputs takes, as plain data; empty for one of one."""
        return [[_plain(each) for each in e] if isinstance(e, list) else _plain(e) for e in self.inputs.values()]

    @property
    def is_differentiable(self) -> bool:
        """Is there an input that a gradient can reach? None reaches whole numbers and truth values."""
        every = [each for entry in self.inputs.values() for each in _each(entry)]
        return not every or any(each.low is None and each.given_as == "tensor" for each in every)

    def said_input(self, shape: Sequence[int]) -> str:
        """The shape of an input, batch included, as people write it; of several, each with its name."""
        if not self.inputs:
            return "×".join(map(str, shape))
        return ", ".join(
            f"{name} {' and '.join('×'.join(map(str, _whole(each, shape[0]))) for each in _each(entry))}"
            for name, entry in self.inputs.items()
        )

    def told_output(self, shape: Sequence[int]) -> list[int] | None:
        """The shape that the output for an input of this shape must have, where a student's copy tells it."""
        return next((output for given, output in self.outputs if given == list(shape)), None)


def _each(entry: Input | list[Input]) -> list[Input]:
    return entry if isinstance(entry, list) else [entry]


def _whole(each: Input, batch: int) -> list[int]:
    return [batch, *each.shape] if each.batch else each.shape


def _plain(each: Input) -> dict[str, Any]:
    truth = each.given_as == "truth"
    return {"shape": each.shape, "low": each.low, "high": each.high, "truth": truth, "batch": each.batch}
