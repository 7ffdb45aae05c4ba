"""Probe asked, observation answered: what crosses the wall, as the trusted side sees it.

Answers come from the student's process and are checked against these models before anything reads them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from grader.graph import Graph, Shape
from grader.language import say

if TYPE_CHECKING:
    from torch import Tensor  # read by processes that never import torch

Recipe = Literal[
    "initial",
    "random",
    "new-norms",
    "alike",
    "zero",
    "zero-branch",
    "constant-branch",
    "faint-branch",
    "fainter-branch",
]
Precision = Literal["float64", "float32"]

# What torch says where a module is called that has no forward.
WITHOUT_FORWARD = re.compile(r'Module \[(\w{1,100})\] is missing the required "forward" function')
_STOPPED = re.compile(r"stopped after ([0-9.e+]{1,20}) s")  # how the worker says so


@dataclass(frozen=True)
class Probe:
    """One forward and backward pass to ask for.

    Attributes:
        recipe: which weights: those the module starts with, random ones, or random ones with all of the residual
            branch at zero ("zero-branch"), at zero but for its shifts ("constant-branch"), or tiny but not zero
            ("faint-branch", "fainter-branch"), or with batch norms that were not trained yet ("new-norms"); "zero" sets
            every weight to zero, which needs no alignment, and "alike" all those of one role and shape to the same
            numbers, which needs less of it.
        train: the mode.
        batch: number of samples.
        scale, shift: the input is drawn from a normal distribution with this spread around this mean.
        grow: rows and columns added to the case's declared size.
        gradient: is a backward pass asked for? Without one the forward pass runs under `torch.no_grad()`.
        pull: how large the gradients are that are sent back through it.
        of_input: only for the gradient of the input?
        stands_first: does the input need no gradient, as that of a network's first block?
        choosing: is it asked only of modules that read numbers which depend on the input, as an `if` does?
        far: is it far from the declared size, which not every right module takes? Where the reference does not, it is
            asked at the declared size.
    """

    name: str
    recipe: Recipe
    train: bool = False
    batch: int = 2
    scale: float = 1.0
    shift: float = 0.0
    grow: tuple[int, int] = (0, 0)
    gradient: bool = True
    pull: float = 1.0
    of_input: bool = False
    stands_first: bool = False
    choosing: bool = False
    far: bool = False

    @property
    def compares(self) -> bool:
        """Must a right module give what a right form gives, weights being drawn?"""
        return self.recipe in ("random", "new-norms", "faint-branch", "fainter-branch")


class _Answered(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Event(_Answered):
    """Something that happened while the student's code ran, and where."""

    cell: int | None = None
    line: int | None = None


class Act(Event):
    """An operation that was executed."""

    op: str = Field(max_length=200)
    module: str | None = Field(None, max_length=500)


class Operation(Act):
    """A torch operation that raised, the shapes of its operands, how many convolutions lead to each, and their nodes
    in the graph of what ran until then."""

    shapes: list[Shape] = Field(max_length=2000)
    depths: list[int] = Field(max_length=2000)
    nodes: list[int] = Field(default_factory=list, max_length=2000)


class Draw(Act):
    """An operation that drew random numbers, and the function of torch.nn.functional that called it, if one did."""

    function: str = Field("", max_length=100)


class Read(Event):
    """Python read numbers, or ("changed") something other than torch wrote to memory."""

    what: str = Field(max_length=100)


class Layer(Event):
    """A layer that the constructor made."""

    type: str = Field(max_length=200)
    attribute: str = Field("", max_length=500)


_FEW: Any = Field(default_factory=list, max_length=50)


class Facts(_Answered):
    """What showed while a module was built and recorded, beyond its graph. The student's word: it steers, and gives
    words and lines.

    Attributes:
        reads: numbers that went to Python, where they may decide what is computed.
        own_reads: such numbers that do not depend on the input, as those of a weight.
        draws: operations that drew random numbers.
        discarded: operations whose result was not used.
        overwriting: operations that wrote into the module's input.
        created: places where a parameter was used that forward itself made.
        functions: names of autograd functions of the student's own.
        unlike_autograd: keys of leaves on which autograd and the recorded graph disagree whether they get a gradient.
        overwritten: layers that are gone because another was assigned to their attribute.
        dropped: layers with parameters that the constructor made and did not keep.
    """

    reads: list[Read] = _FEW
    own_reads: list[Read] = _FEW
    draws: list[Draw] = _FEW
    discarded: list[Act] = _FEW
    overwriting: list[Act] = _FEW
    created: list[Event] = _FEW
    functions: list[Annotated[str, Field(max_length=200)]] = _FEW
    unlike_autograd: list[Annotated[str, Field(max_length=500)]] = _FEW
    overwritten: list[Layer] = _FEW
    dropped: list[Layer] = _FEW


class _Exception(_Answered):
    type: str = Field(max_length=200)
    message: str = Field(max_length=2000)

    @property
    def words(self) -> str:
        """`TypeError: what it says`, or its type alone where it says nothing.

        Python's words are as they are; of a cell that was stopped it is said in the language of the run.
        """
        stopped = _STOPPED.fullmatch(self.message) if self.type == "CellTimeout" else None
        message = say("stopped after {seconds} s", seconds=stopped[1]) if stopped else self.message
        return f"{self.type}: {message}" if message else self.type


class Raised(_Exception):
    """An exception of the student's code."""

    stage: Literal["constructor", "forward", "backward"]
    cell: int | None = None
    line: int | None = None
    operation: Operation | None = None

    @property
    def without_forward(self) -> str:
        """The class that was called and has no forward, by torch's word; "" where it is another exception."""
        missing = WITHOUT_FORWARD.match(self.message) if self.type == "NotImplementedError" else None
        return missing[1] if missing is not None else ""

    @property
    def is_unfinished(self) -> bool:
        """Is it the skeleton's own `raise NotImplementedError`? Torch raises that for what it lacks."""
        lacking = self.without_forward or self.operation is not None or "aten::" in self.message
        return self.type == "NotImplementedError" and self.cell is not None and not lacking


class Registered(_Answered):
    """A parameter or buffer of the student's module."""

    key: str = Field(max_length=500)
    kind: Literal["parameter", "buffer"]
    shape: Shape
    learnable: bool
    initial: Literal["zero", "one", "other"]
    floating: bool


class Output(_Answered):
    """What a module returned; of several tensors in a row `several` are their shapes."""

    kind: str = Field(max_length=200)
    shape: Shape | None = None
    several: list[Shape] | None = Field(None, max_length=2000)
    dtype: str | None = Field(None, max_length=50)
    length: int | None = None


class Parameter(_Answered):
    """A parameter of a student's class or function; `default` says of what sort it is, None that there is none."""

    name: str = Field(max_length=100)
    kind: Literal["positional", "either", "named", "rest", "named rest"]
    default: Literal["none", "true", "false", "number", "other"] | None = None

    def __str__(self) -> str:
        """As its author wrote it, but for the value of the default."""
        star = {"rest": "*", "named rest": "**"}.get(self.kind, "")
        defaults = {None: "", "none": "=None", "true": "=True", "false": "=False"}
        return f"{star}{self.name}{defaults.get(self.default, '=…')}"


class Constructor(_Answered):
    """What a student's class or function takes: a self-report that only steers how it is called."""

    parameters: list[Parameter] = Field(max_length=100)
    expansion: int | None = None

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.parameters))})"


class Built(_Answered):
    """Answer to `build`."""

    raised: Raised | None = None
    constructor: Constructor | None = None
    not_a_module: str | None = Field(None, max_length=200)
    tensors: list[Registered] = Field(default_factory=list, max_length=100_000)
    graph: Graph | None = None
    partial: Graph | None = None  # of the operands of an operation that raised
    output: Output | None = None
    operations: int = 0  # executed in the recorded pass
    shapeless: int = 0  # parameters of Lazy layers that had seen no input when it raised
    shared: list[Annotated[str, Field(max_length=500)]] = Field(
        default_factory=list, max_length=100
    )  # of every instance
    strangers: int = 0  # tensors that autograd would train and the module does not register, where it was not recorded
    facts: Facts = Facts()

    @property
    def is_as_usual(self) -> bool:
        """Was a tensor returned, and are all parameters registered?"""
        return self.raised is None and not self.strangers and self.output is not None and self.output.kind == "tensor"

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
    draws: list[Draw] = _FEW  # what drew random numbers in an unsteady pass
    by_mode: bool = False  # is it unsteady only in that a pass without gradients gives something else?
    kept: bool = False  # did it raise for what earlier calls left, so that a new module does not?


class Replies(_Answered):
    """Answer to `run`, without its tensors."""

    answers: list[Ran] = Field(max_length=1000)
    layout: list[tuple[Annotated[str, Field(max_length=200)], Shape]] = Field(max_length=10_000)


class Trained(_Answered):
    """What was seen of the training in one call.

    The student's process tells it. It is counted there by the grader, so whoever tampers with it can only hide what
    they did: it speaks against a hand-in, and never for one by itself.

    Attributes:
        backward: passes through autograd.
        kinds: the class of each kind of optimiser that made a step, and its bases, by name.
        networks: how many things were trained, each with optimisers of its own.
        parameters: numbers that were moved.
        fewest: steps that the parameter got that got the fewest; `most` of that which got the most.
        settings: of the optimisers, the values that were met.
        gradients: of the first steps, how the gradient that was used compares with that of the task's loss: the cosine
            between them, and how many times as long it is. None where it is not known.
    """

    backward: int = 0
    kinds: list[Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)]] = Field(
        default_factory=list, max_length=50
    )
    networks: int = 0
    parameters: int = 0
    fewest: int = 0
    most: int = 0
    settings: dict[str, Annotated[list[float], Field(max_length=50)]] = Field(default_factory=dict, max_length=20)
    gradients: list[tuple[float, float]] = Field(default_factory=list, max_length=10)


class Size(_Answered):
    """Answer to `size`: how many parameters a network has; None where it could not be built."""

    size: int | None = None


class Returned(_Answered):
    """Answer to `call`, without its tensors; `value` is checked where it is read.

    Attributes:
        changed: the arguments into which it wrote.
        left: those in which it left a gradient.
    """

    raised: Raised | None = None
    refused: Raised | None = None  # by the backward pass
    value: dict[str, Any] | None = None
    gradients: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)
    changed: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)
    left: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)
    trained: Trained | None = None


class Problem(_Exception):
    """Something in a cell that did not run.

    Attributes:
        binds: names that an import was to bind; `*` for all of a module's.
    """

    cell: int
    line: int | None = None
    is_import: bool = Field(False, alias="import")
    binds: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=100)

    def keeps_from(self, error: _Exception) -> bool:
        """Is it the import that failed of the name that a NameError misses?"""
        name = error.message.split("'")[1:2]
        return self.is_import and bool({*name, "*"} & {*self.binds})

    @property
    def is_syntax(self) -> bool:
        """Is it about the cell's own text, of which nothing was run?"""
        return not self.is_import and self.type in ("SyntaxError", "IndentationError", "TabError")


class Executed(_Answered):
    """Answer to `execute`."""

    problems: list[Problem] = Field(max_length=500)
    skipped: list[int] = Field(max_length=100_000)
    defined: dict[str, str] = Field(max_length=1000)
    taken: dict[str, str] = Field(default_factory=dict, max_length=1000)  # names, by files that a cell wrote

    def first_callable(self, names: Sequence[str]) -> str | None:
        """The first of these names that is defined, as something that can be called."""
        return next((name for name in names if self.defined.get(name) not in (None, "value")), None)


@dataclass(frozen=True)
class Stands:
    """Where the text of a submission defines what is wanted.

    Attributes:
        cells: code cells that do, or import it; None where nobody has looked.
        instead: why it is not run, in words for the student, if the text tells.
    """

    cells: frozenset[int] | None = None
    instead: str = ""

    def blamed(self, problems: Sequence[Problem]) -> list[Problem]:
        """Those that keep it from being defined: no other cell's."""
        return [problem for problem in problems if self.cells is None or problem.cell in self.cells]


ANYWHERE = Stands()


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
    draws: list[Draw] = field(default_factory=list)  # what drew random numbers in an unsteady pass
    by_mode: bool = False  # is it unsteady only in that a pass without gradients gives something else?
    kept: bool = False  # did it raise for what earlier calls left, so that a new module does not?
