"""Exercises of the kind `module`, and the freedoms that they may grant."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from grader.assignment.code import BaseCodeExercise
from grader.assignment.spec import UNTOLD, Argument, ReferenceName


def _listed(value: object) -> object:
    """One choice may be written without brackets."""
    return [value] if isinstance(value, str) else value


ShortcutOption = Literal["A", "B", "C"]  # of the paper: zero padding; projection where shapes differ; always
# How a constructor may depart from what the task says, and still be called.
BlockDeparture = Literal["any-order", "any-names", "downsample-flag", "downsample-module", "expansion", "two-widths"]


class ModuleExercise(BaseCodeExercise):
    """A class, compared with a reference class."""

    _untold: ClassVar[dict[str, Any]] = {
        "reference": f"{UNTOLD}:{UNTOLD}",
        "case": [{"title": UNTOLD, "input": [1]}],
    }

    kind: Literal["module"]
    call: Literal["positional", "named"] = Field(
        "positional", description="are arguments given by position, in the order of the cases, or by name?"
    )
    accept: list[BlockDeparture] = Field(default_factory=list, description="constructors that are right as well")
    reference: ReferenceName = Field(description="file:Class, in the assignment's folder or in reference/")
    conv_bias: Literal["free", "reference", "forbidden"] = Field(
        "free",
        description="of a convolution in front of a batch norm: may it have its (redundant) bias or not, must it be as "
        "in the reference, or may there be none that the reference has not?",
    )
    stride_position: Literal["reference", "free"] = Field(
        "reference",
        description="may the stride sit on any convolution of the branch up to the last that is larger than 1×1?",
    )
    shortcut_option: Annotated[list[ShortcutOption], Field(min_length=1), BeforeValidator(_listed)] | None = Field(
        None, description="which of the paper's shortcuts are right, one or several; None: the reference's own"
    )
    activation_after_add: Literal["reference", "free"] = Field(
        "reference", description="may the activation after the addition be there or not, whatever the reference does?"
    )
    sizes: Literal["any", "declared"] = Field(
        "any", description="must it take inputs of other heights and widths than its cases declare?"
    )
    variants: list[dict[str, Argument]] = Field(
        default_factory=list,
        description="further keyword arguments of the reference, each giving another right answer",
    )

    @model_validator(mode="after")
    def _is_confirmed_in_full(self) -> ModuleExercise:
        for case in self.cases:
            if case.confirm == "sizes":
                raise ValueError(f"case {case.title!r}: confirm: sizes alone are for networks; expected true or false")
        return self
