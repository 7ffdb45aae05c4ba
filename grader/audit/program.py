"""A class to be written: what its constructor makes and what its forward does, free of any one way to write it.

Steps:   what is computed, in the order it runs. A `Choice` runs one of several lists of steps.
Layers:  parameters and buffers with what uses them: a convolution, a batch norm, or a bare tensor.
Numbers that differ from case to case are Python expressions in the constructor's arguments by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Value:
    """The result of a step, by its number. 0 is the module's input."""

    number: int


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer, by the key of its leaf."""

    key: str


@dataclass(frozen=True)
class Size:
    """A number that comes from the size of a value at run time: the product of some of its dimensions, divided and
    rounded up."""

    value: Value
    dimensions: tuple[int, ...]
    divisor: int = 1


@dataclass(frozen=True)
class Varying:
    """A number that differs from case to case."""

    numbers: tuple[tuple[int, int | float], ...]  # case and number


@dataclass(frozen=True)
class Text:
    """The same as a Python expression in the constructor's arguments."""

    source: str


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes:
        op: a name that `grader.audit.vocabulary` knows: aten's without overload, or that of a layer.
        arguments: by name; values, weights, numbers, texts, lists of these.
        detached: no gradient passes it.
        cases: in which it runs.
    """

    out: Value
    op: str
    arguments: dict[str, Any] = field(hash=False)
    rank: int = 4  # dimensions of the first value that it reads
    detached: bool = False
    cases: tuple[int, ...] = ()

    @property
    def inputs(self) -> list[Value]:
        """The values that it reads, in order."""
        found = (item.value if isinstance(item, Size) else item for item in _flat(list(self.arguments.values())))
        return [item for item in found if isinstance(item, Value)]

    @property
    def weights(self) -> list[Weight]:
        """The parameters and buffers that it reads, in order."""
        return [item for item in _flat(list(self.arguments.values())) if isinstance(item, Weight)]


@dataclass(frozen=True)
class Way:
    """One of the ways of a choice, and which values it gives as the choice's results."""

    body: tuple[Step | Choice, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True)
class Choice:
    """One of several ways, by the constructor's arguments, by the module's mode or by the data.

    Attributes:
        outs: the values that each way gives.
        conditions: Python expressions, one for each way but the last; those in the constructor's arguments when
            `by_arguments`, else in `self` and `x`.
    """

    outs: tuple[Value, ...]
    ways: tuple[Way, ...]
    conditions: tuple[str, ...]
    by_arguments: bool


Body = tuple[Step | Choice, ...]


@dataclass(frozen=True)
class Tensor:
    """A parameter or buffer to be made. `shape` are Python expressions."""

    weight: Weight
    shape: tuple[str, ...]
    is_buffer: bool
    learnable: bool
    initial: str  # "zero", "one" or "other"


@dataclass(frozen=True)
class Layer:
    """Parameters and buffers that belong together, as one layer of torch.nn makes them.

    Attributes:
        label: "conv1", "bn1", "fc1": unique.
        kind: "convolution", "batch_norm", …; or "bare" for a tensor of its own.
        condition: the layer exists only where this holds of the constructor's arguments; "" for everywhere.
        settings: what the constructor of the layer is given, as Python expressions.
        refuses: is it made for something else than it is given, so that it raises?
    """

    label: str
    kind: str
    rank: int
    tensors: dict[str, Tensor] = field(hash=False)
    settings: dict[str, str] = field(hash=False)
    condition: str = ""
    refuses: bool = False


@dataclass(frozen=True)
class Program:
    """All that a style needs to write the class.

    Attributes:
        arguments: the constructor's, each with its default as a Python expression, or "" when it has none.
        owners: the layer that each weight belongs to.
    """

    arguments: dict[str, str]
    layers: list[Layer]
    body: Body
    output: Value
    owners: dict[Weight, Layer]

    def steps(self) -> Iterator[Step]:
        """Every step, on every way."""
        yield from steps(self.body)

    def uses(self) -> dict[Value, int]:
        """How often each value is read, on all ways together."""
        count: dict[Value, int] = {self.output: 1}
        for value in _read(self.body):
            count[value] = count.get(value, 0) + 1
        return count


def renamed(step: Step, out: Value, inputs: Iterable[Value]) -> Step:
    """The step with other values, its inputs in the order of `Step.inputs`."""
    following = iter(inputs)

    def rename(term: object) -> object:
        if isinstance(term, list):
            return [rename(item) for item in term]
        if isinstance(term, Value):
            return next(following)
        return replace(term, value=next(following)) if isinstance(term, Size) else term

    return replace(step, out=out, arguments={name: rename(term) for name, term in step.arguments.items()})


def steps(body: Body) -> Iterator[Step]:
    """Every step of a body, on every way."""
    for element in body:
        if isinstance(element, Step):
            yield element
        else:
            for way in element.ways:
                yield from steps(way.body)


def _read(body: Body) -> Iterator[Value]:
    for element in body:
        if isinstance(element, Step):
            yield from element.inputs
        else:
            for way in element.ways:
                yield from _read(way.body)
                yield from way.results


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value


class Unsayable(Exception):
    """The writer does not know how to write this. It is reported, not guessed."""


class NoPlan(Exception):
    """No mistakes were found that make a difference in this exercise."""
