"""What is drawn of an exercise, as plain data: the student's block beside the reference's, and numbers by layer.

Whatever stands here of a student's module is a self-report, clipped where it was taken down: it is shown, and nothing
is decided by it. How it looks is the formats' business.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

MOST_STEPS = 40  # of one drawing
Shape = tuple[int, ...]
# What a step looks like. "cut": no gradient gets through; "broken": this is where it raised.
Kind = Literal["input", "layer", "norm", "activation", "join", "pool", "reshape", "cut", "other", "broken"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Data):
    """One operation as people think of it: a convolution, a batch norm, an addition.

    Attributes:
        says: what it is, in the language of the run: "conv 3×3".
        sign: "+" where it adds two values, and so on; "" where no sign stands for it.
        detail: with what: "8→16, stride 2".
        layer: the name that the module's author gave it, or "".
        shape: of its result, batch included; empty where it has none.
        reads: the steps whose results it takes, by their numbers.
        on_skip: is it a step of the skip path?
        cell, line: where the author wrote it.
    """

    says: str
    sign: str = ""
    detail: str = ""
    kind: Kind = "other"
    layer: str = ""
    shape: Shape = ()
    reads: tuple[int, ...] = ()
    on_skip: bool = False
    cell: int | None = None
    line: int | None = None


class Flow(_Data):
    """Steps in the order they run, the input first and the result last.

    Attributes:
        skips: from which step to which the skip path leads, edge by edge.
    """

    steps: tuple[Step, ...]
    skips: tuple[tuple[int, int], ...] = ()


Pair = tuple[
    int | None, int | None
]  # a step of the student's and the reference's that does the same; None: there is none


class Difference(_Data):
    """Where a module first differs from the reference.

    Attributes:
        mine: the step of the student's; where one is missing, the step before it.
        missing: the step of the reference that the student's module lacks there, if that is the difference.
        measured: do the values say so, or only the drawings?
    """

    mine: int
    missing: int | None = None
    measured: bool = False


class BlockPicture(_Data):
    """A module as a graph, beside the reference's where it is not right.

    Attributes:
        case: the call and the case that are drawn.
        place: where in a network it is: "layer3.0"; "" for a module of its own.
        pairs: which steps correspond, in the order of both: those of the main path first, then those of the skip.
        chooses: does the code look at numbers, so that what is drawn is one of its ways?
        broken: did it raise at its last step?
    """

    case: str
    mine: Flow
    reference: Flow | None = None
    pairs: tuple[Pair, ...] = ()
    first: Difference | None = None
    chooses: bool = False
    broken: bool = False
    place: str = ""


class GradientRow(_Data):
    """Norm of the gradient that arrives at a layer; None where none arrives, infinity where it is no number."""

    layer: str
    mine: float | None
    reference: float | None


class GradientPicture(_Data):
    """Gradients under equal weights, for one input and one mode."""

    case: str
    training: bool
    rows: tuple[GradientRow, ...]
    left_out: int = 0


class ParameterRow(_Data):
    """How many parameters a layer has. An empty name: the side has no such layer.

    Attributes:
        unregistered: so many more are used there, but are no parameters of the module.
    """

    mine_name: str
    mine: int
    reference_name: str
    reference: int
    unregistered: int = 0


class ParameterPicture(_Data):
    """Parameters layer by layer, those of one role side by side."""

    case: str
    rows: tuple[ParameterRow, ...]
    left_out: int = 0


class ShapePicture(_Data):
    """The shape of the tensor behind each step, up to where it breaks.

    Attributes:
        wanted: for each step the shape that the reference has there; None where that is not known.
        wrong: the first step whose shape is not as it should be.
        raised: what was said where it broke, or "".
    """

    case: str
    flow: Flow
    wanted: tuple[Shape | None, ...]
    wrong: int | None = None
    raised: str = ""


Verdict = Literal["", "right", "wrong", "excused"]


class NetworkPicture(_Data):
    """A network as its blocks.

    Attributes:
        verdicts: of each step: what was found out about these blocks; "" where nothing was.
        blocks: how many there are in all.
    """

    case: str
    flow: Flow
    verdicts: tuple[Verdict, ...]
    blocks: int


class Pictures(_Data):
    """The pictures of one exercise; None where there is nothing to see.

    Attributes:
        blocks: of a network: some of its blocks that are not right.
    """

    block: BlockPicture | None = None
    gradients: GradientPicture | None = None
    parameters: ParameterPicture | None = None
    shapes: ShapePicture | None = None
    network: NetworkPicture | None = None
    blocks: tuple[BlockPicture, ...] = ()
