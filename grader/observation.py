"""Probe asked, observation answered: what crosses the wall, as the trusted side sees it.

Answers come from the student's process and are checked against these models before anything reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from grader.graph import Graph, Shape

Recipe = Literal["initial", "random", "zero", "zero-branch", "constant-branch"]
Precision = Literal["float64", "float32"]


@dataclass(frozen=True)
class Probe:
    """One forward and backward pass to ask for.

    Attributes:
        recipe: which weights: those the module starts with, random ones, or random ones with all of the residual
            branch at zero ("zero-branch"), or at zero but for its shifts ("constant-branch"); "zero" sets every
            weight to zero, which needs no alignment.
        train: the mode.
        batch: number of samples.
        scale, shift: the input is drawn from a normal distribution with this spread around this mean.
        grow: rows and columns added to the case's declared size.
        gradient: is a backward pass asked for? Without one the forward pass runs under `torch.no_grad()`.
    """

    name: str
    recipe: Recipe
    train: bool = False
    batch: int = 2
    scale: float = 1.0
    shift: float = 0.0
    grow: tuple[int, int] = (0, 0)
    gradient: bool = True


class _Answered(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Operation(_Answered):
    """A torch operation that raised, the shapes of its operands, and how many convolutions lead to each."""

    op: str = Field(max_length=200)
    shapes: list[Shape] = Field(max_length=2000)
    depths: list[int] = Field(max_length=2000)


class Raised(_Answered):
    """An exception of the student's code."""

    stage: Literal["constructor", "forward", "backward"]
    type: str = Field(max_length=200)
    message: str = Field(max_length=2000)
    cell: int | None = None
    line: int | None = None
    operation: Operation | None = None


class Registered(_Answered):
    """A parameter or buffer of the student's module."""

    key: str = Field(max_length=500)
    kind: Literal["parameter", "buffer"]
    shape: Shape
    learnable: bool
    initial: Literal["zero", "one", "other"]
    floating: bool


class Output(_Answered):
    """What a module returned."""

    kind: str = Field(max_length=200)
    shape: Shape | None = None
    dtype: str | None = Field(None, max_length=50)
    length: int | None = None


class Built(_Answered):
    """Answer to `build`."""

    raised: Raised | None = None
    not_a_module: str | None = Field(None, max_length=200)
    tensors: list[Registered] = Field(default_factory=list, max_length=100_000)
    graph: Graph | None = None
    output: Output | None = None
    operations: int = 0  # executed in the recorded pass

    @property
    def parameters(self) -> list[Registered]:
        return [tensor for tensor in self.tensors if tensor.kind == "parameter"]


Sizes = Annotated[
    list[tuple[Annotated[str, Field(max_length=500)], Annotated[int, Field(ge=0)]]], Field(max_length=100_000)
]


class Ran(_Answered):
    """Answer to one probe of `run`, without its tensors."""

    raised: Raised | None = None
    output: Output | None = None
    gradients: Sizes = []
    buffers: Sizes = []
    input_changed: bool = False
    unsteady: bool = False  # did the same pass give something else when it was repeated?


class Replies(_Answered):
    """Answer to `run`, without its tensors."""

    answers: list[Ran] = Field(max_length=1000)
    layout: list[tuple[Annotated[str, Field(max_length=200)], Shape]] = Field(max_length=10_000)


class Problem(_Answered):
    """Something in a cell that did not run."""

    cell: int
    type: str = Field(max_length=200)
    message: str = Field(max_length=2000)
    line: int | None = None
    is_import: bool = Field(False, alias="import")


class Executed(_Answered):
    """Answer to `execute`."""

    problems: list[Problem] = Field(max_length=500)
    skipped: list[int] = Field(max_length=100_000)
    defined: dict[str, str] = Field(max_length=1000)


@dataclass(frozen=True)
class Answer:
    """What came of one probe: an output, gradients by slot or key, updated buffers; or an exception."""

    y: Tensor | None = None
    gradients: dict[str, Tensor] = field(default_factory=dict)  # "x", or a leaf's key
    buffers: dict[str, Tensor] = field(default_factory=dict)
    output: Output | None = None
    raised: Raised | None = None
    input_changed: bool = False
    unsteady: bool = False  # did the same pass give something else when it was repeated?
