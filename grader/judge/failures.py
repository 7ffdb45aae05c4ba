"""Where modules raise: does a student's do so where a wrong form does?"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import permutations
from weakref import WeakKeyDictionary

from torch import Tensor

from grader.judge.anatomy import ELEMENTWISE, MEETINGS
from grader.judge.forms import Form
from grader.judge.observed import BUILD, Observation, Sizes
from grader.judge.replay import ReplayError, layers_before
from grader.judge.uses import PRODUCTS, VIEWS
from grader.observation import Probe, Raised

Operands = list[tuple[list[int], int]]  # of each the shape, and how many layers lead to it


@dataclass(frozen=True)
class Failure:
    """Where a form raises; where values come together, if it does not.

    Attributes:
        operation: the one that raises, or "".
        operands: the shape of each of its operands, and how many layers lead to it, sorted.
        meetings: the same of the operations that combine two values, if none raises.
        is_grouped: is it a convolution in groups?
    """

    operation: str = ""
    operands: Operands = field(default_factory=list)
    meetings: list[Operands] = field(default_factory=list)
    is_grouped: bool = False


def sizes_of(form: Form) -> Sizes:
    """How many numbers each learnable parameter has."""
    return frozenset(form.sizes.items())


def failure_of(form: Form) -> Failure:
    """Where a form raises with the input with which modules are built; kept."""
    if form not in _failures:
        output = form.output(BUILD)
        _failures[form] = (
            Failure(
                output.operation,
                sorted(zip(output.shapes, output.depths, strict=True)),
                is_grouped=GROUPED.search(str(output)) is not None,
            )
            if isinstance(output, ReplayError)
            else Failure(meetings=_meetings(form, BUILD))
        )
    return _failures[form]


_failures: WeakKeyDictionary[Form, Failure] = WeakKeyDictionary()


# What comes behind a convolution and needs to have as many channels.
FITTING = ELEMENTWISE | {"batch_norm", "convolution"}
GROUPED = re.compile(r"Given groups=(?!1,)")
# What layers refuse when they are made, and functions only when they are called.
REFUSED = {
    "num_channels must be divisible by num_groups": "aten.group_norm.default",
    "in_channels must be divisible by groups": "aten.convolution.default",
    "out_channels must be divisible by groups": "aten.convolution.default",
}


# Python's words where a value was cut into fewer parts than are asked for.
FEWER_PARTS = re.compile(r"(tuple|list) index out of range|not enough values to unpack")


def fails_beyond_replay(seen: Observation) -> bool:
    """Did the student's module raise something that no form can raise: Python itself did, and no operation, for another
    reason than that parts are missing; or its backward pass did where it is compared?"""
    compared = (seen.answers[probe.name].raised for probe in seen.probes.values() if probe.compares)
    if any(raised is not None and raised.stage == "backward" for raised in compared):
        return True
    raised = seen.built.raised
    if raised is None or raised.stage == "backward":
        return False
    if raised.stage == "constructor":
        return _refused(raised) is None
    return raised.operation is None and not lacks_parts(raised)


def lacks_parts(raised: Raised) -> bool:
    """Did Python look for more parts than there are, as of a split tensor? A form takes one that is missing."""
    return raised.operation is None and FEWER_PARTS.match(raised.message) is not None


def _refused(raised: Raised) -> str | None:
    """The operation whose layer cannot be made as a constructor says."""
    said = re.sub(r" \(\d+\)", "", raised.message)  # some versions of torch say the numbers too
    return next((op for words, op in REFUSED.items() if words in said), None)


def fails_like(seen: Observation, failure: Failure) -> bool:
    """Does a form with parameters of the same sizes come to the operation at which the student's module raised?

    The operands must have the same shapes and come from equally deep, in whatever order. Two values can be brought
    together in several ways (`f + x`, `f += x`, a stack that is summed); some of them make do with other shapes.
    """
    raised = seen.built.raised
    if raised is not None and raised.stage == "constructor":
        refused = _refused(raised)
        if refused is None or not is_same(refused, failure.operation):
            return False
        return failure.is_grouped or "by groups" not in raised.message  # a full one raises for another reason
    if raised is None or raised.stage != "forward":
        return False
    if raised.operation is None:
        return lacks_parts(raised) and failure.operation == "getitem"
    op = raised.operation.op
    operands = sorted(zip(raised.operation.shapes, raised.operation.depths, strict=False))
    if failure.operation:
        return is_like(failure.operation, failure.operands, op, operands)
    unlike = len({tuple(shape) for shape in raised.operation.shapes}) > 1
    return unlike and _plain(op) in MEETINGS and operands in failure.meetings


def _meetings(form: Form, probe: Probe) -> list[Operands]:
    """Where two values come together: the shape of each, and how many convolutions lead to it. Side by side they keep
    apart: that is not how a sum would raise."""
    graph, environment = form.passed(probe)
    return [
        sorted((list(environment[i].shape), layers_before(graph, i)) for i in node.inputs)
        for node in graph.nodes
        if node.name in ELEMENTWISE and all(isinstance(environment.get(i), Tensor) for i in node.inputs)
    ]


def is_like(op: str, operands: Operands, other: str, others: Operands) -> bool:
    """Is it the same operation on operands of the same shapes?

    A pointwise convolution may be a product of matrices: then the weight holds as many numbers, and as many layers lead
    to either operand.
    """
    if {_plain(op), _plain(other)} & PRODUCTS and {_plain(op), _plain(other)} <= PRODUCTS | {"convolution"}:
        mine, theirs = ({math.prod(shape) for shape, depth in each if not depth} for each in (operands, others))
        depths = [sorted(depth for _, depth in each) for each in (operands, others)]
        return depths[0] == depths[1] and not mine.isdisjoint(theirs)
    if _plain(op) == "convolution" and _plain(other) != "convolution":
        return _is_read_otherwise(operands, _plain(other), others)
    if _plain(op) == "batch_norm" and _plain(other) in ELEMENTWISE:
        return _is_normalised_by_hand(operands, others)
    return is_same(op, other) and operands == others


def _is_read_otherwise(operands: Operands, other: str, others: Operands) -> bool:
    """Is it what becomes of a convolution by hand whose weight does not fit what it is given?

    `weight.view(-1, patches.shape[1]) @ patches` reads the weight as rows that are as long as the patches. It raises
    where that leaves no whole number of rows; else there are so many channels, which do not fit what comes next.
    """
    pairs = permutations((operand for operand in operands if len(operand[0]) > 1), 2)  # its bias is a vector
    return any(_is_of_rows(x, depth, weight, other, others) for (x, depth), (weight, _) in pairs)


def _is_normalised_by_hand(operands: Operands, others: Operands) -> bool:
    """Is what a batch norm is given brought together with one of its vectors, which are as long as the norm's?"""
    x = [(shape, depth) for shape, depth in operands if len(shape) > 1]
    vectors = {(math.prod(shape), depth) for shape, depth in operands if len(shape) == 1}
    rest = [(math.prod(shape), depth) for shape, depth in others if (shape, depth) not in x]
    return len(rest) == 1 == len(others) - 1 and rest[0] in vectors


def _is_of_rows(x: list[int], depth: int, weight: list[int], other: str, others: Operands) -> bool:
    if len(x) < 3 or len(weight) != len(x):
        return False
    numbers, long = math.prod(weight), max(1, x[1] * math.prod(weight[2:]))
    if other in VIEWS:
        return numbers % long > 0 and [(math.prod(shape), layers) for shape, layers in others] == [(numbers, 0)]
    outputs = (shape[:2] for shape, layers in others if len(shape) == len(x) and layers == depth + 1)
    return numbers % long == 0 and other in FITTING and [x[0], numbers // long] in outputs


def is_same(op: str, other: str) -> bool:
    """Is it the same operation, but for writing in place, or do both bring two values together, element by element?"""
    return _plain(op) == _plain(other) or {_plain(op), _plain(other)} <= ELEMENTWISE


def _plain(op: str) -> str:
    """`add` for `aten.add_.Tensor`, and `group_norm` for `aten.native_group_norm.default`."""
    return op.split(".")[1].rstrip("_").removeprefix("native_") if "." in op else op
