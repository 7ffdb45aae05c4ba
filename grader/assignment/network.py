"""Exercises of the kind `network`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from grader.assignment.code import BaseCodeExercise
from grader.assignment.spec import ReferenceName, Spec

NetworkDeparture = Literal["block-class"]
Allowed = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class Stem(Spec):
    """What is to stand in front of the first block."""

    min_convolutions: int = Field(0, ge=0, description="how many there must be at least")
    convolutions: Allowed | None = Field(None, description="how many there may be; None: any number")
    channels: Allowed | None = Field(None, description="to how many channels they may lead; None: any number")
    kernel_size: int | None = Field(None, ge=1, description="of the first of them; None: any will do")

    def allows(self, convolutions: int, channels: int) -> bool:
        """May so many convolutions lead to so many channels?"""
        return (
            convolutions >= self.min_convolutions
            and (self.convolutions is None or convolutions in self.convolutions)
            and (self.channels is None or channels in self.channels)
        )


class NetworkExercise(BaseCodeExercise):
    """Something that builds a network: free in its make, held to what the task fixes."""

    kind: Literal["network"]
    accept: list[NetworkDeparture] = Field(default_factory=list, description="constructors that are right as well")
    outputs: str = Field(description="the argument that gives the number of output features")
    min_blocks: int = Field(2, ge=1, description="residual blocks there must be at least")
    reference: ReferenceName | None = Field(
        None, description="file:function that builds a network with the stages that are asked for; None: any stages do"
    )
    stem: Stem | None = Field(
        None, description="convolutions in front of the first block, and their channels; None: any will do"
    )
    head: Literal["free", "average"] = Field(
        "free", description="must what comes behind the blocks be made of an average over the image?"
    )
    exact_parameters: bool = Field(
        False, description="must there be as many parameters as in the reference network, in every case?"
    )
    blocks: Literal["as-exercises", "free"] = Field(
        "as-exercises", description="must the blocks be as the module exercises ask for, or may they be of any kind?"
    )
    trunk: Literal["free", "as-reference"] = Field(
        "free",
        description="must what stands before, between and behind the blocks do what it does in the reference network?",
    )
