"""Run a graph: that of the reference, of the reference with a mistake planted in it, or, guarded, a student's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from grader.capture import WEIGHTED
from grader.graph import Graph, Node
from grader.judge.anatomy import ancestors


class ReplayError(Exception):
    """An operation of the graph raised, as it would in a student's module that computes this."""

    def __init__(self, operation: str, shapes: list[list[int]], depths: list[int], message: str) -> None:
        super().__init__(message)
        self.operation = operation
        self.shapes = shapes
        self.depths = depths


Environment = dict[int, Any]  # what each node gave: a tensor, or several
Guard = Callable[[Node, list[Any]], None]


def replay(graph: Graph, x: Tensor, values: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The output of `graph`, and the tensors that it wrote into (running statistics), by key.

    Args:
        x: the input.
        values: a tensor for each leaf, by its key. They are not changed.

    Raises:
        ReplayError: an operation raised, for instance because shapes do not fit.
    """
    environment: Environment = {}
    written = evaluate(graph, x, values, environment)
    return environment[graph.output], written


def evaluate(
    graph: Graph, x: Tensor, values: Mapping[str, Tensor], environment: Environment, guard: Guard | None = None
) -> dict[str, Tensor]:
    """Run every node that `environment` does not hold yet into it; it holds what was reached when something raises.

    Args:
        guard: sees every operation with its arguments before it runs, and raises to forbid it.

    Returns:
        The tensors that were written into (running statistics), by key.

    Raises:
        ReplayError: an operation raised.
    """
    written: dict[str, Tensor] = {}
    for node in graph.nodes:
        if node.id in environment:
            continue
        if node.leaf is not None:
            environment[node.id] = x if node.leaf.kind == "input" else _leaf_value(node, x, values)
            continue
        args = _arguments(node, environment)
        if guard is not None:
            guard(node, args)
        if node.name == "native_batch_norm" and args[5] and args[3] is not None:
            # Training mode writes the running statistics: into copies, which are handed back.
            for position in (3, 4):
                args[position] = args[position].clone()
                key = _leaf_key(graph, node.args[position])
                if key:
                    written[key] = args[position]
        try:
            if node.gradient or not torch.is_grad_enabled():
                environment[node.id] = _run(node, args, environment, x.device)
            else:
                with torch.no_grad():
                    environment[node.id] = _run(node, args, environment, x.device)
        except (RuntimeError, IndexError, ValueError) as error:
            operands = [i for i in node.inputs if isinstance(environment[i], Tensor)]
            shapes = [list(environment[i].shape) for i in operands]
            depths = [layers_before(graph, i) for i in operands]
            raise ReplayError(node.op, shapes, depths, str(error)) from error
    return written


def layers_before(graph: Graph, node: int) -> int:
    """How many layers with weights lead to a node, as `Operation.depths` counts them."""
    nodes = graph.by_id
    return sum(nodes[i].op.startswith(WEIGHTED) for i in ancestors(graph, node))


def _run(node: Node, args: list[Any], environment: dict[int, Any], device: torch.device) -> Any:
    if node.op == "getitem":
        parts = (args[0],) if isinstance(args[0], Tensor) else args[0]
        return parts[args[1]]
    if node.op == "alias":
        whole, offset, size, stride, layout = args
        return torch.as_strided(_laid_out(whole, layout), size, stride, offset)
    if node.op == "scatter":
        whole, part, offset, size, stride, layout = args
        whole = _laid_out(whole, layout)
        torch.as_strided(whole, size, stride, offset).copy_(part)
        return whole
    if node.name in ("view", "unsafe_view", "_unsafe_view", "_reshape_alias"):
        return args[0].reshape(args[1])
    function, known = operation(node.op), _known(node.op)
    kwargs = {name: value for name in node.kwargs if (value := _resolve(node.kwargs[name], environment)) is not None}
    if known.makes_tensors:
        kwargs["device"] = device
    if known.batch_norm:
        _check_batch_norm(known.arguments, args, kwargs)
    for position, name in known.written:
        # Every node keeps the value it gave: what writes in place writes into a copy.
        if position < len(args):
            args[position] = _copied(args[position])
        elif name in kwargs:
            kwargs[name] = _copied(kwargs[name])
    found = function(*args, **kwargs)
    # A single part is not taken out of a list: see `grader.capture.recorder`.
    return found[0] if isinstance(found, list | tuple) and len(found) == 1 else found


def _check_batch_norm(arguments: Sequence[str], args: list[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse what the operation does not check itself: it would read and write memory beside its operands.

    Raises:
        ValueError: a parameter or statistic has another size than there are channels, or there are none to use.
    """
    given = {**dict(zip(arguments, args, strict=False)), **kwargs}
    channels = given["input"].shape[1]
    for name in ("weight", "bias", "running_mean", "running_var"):
        value = given.get(name)
        if isinstance(value, Tensor) and value.numel() != channels:
            raise ValueError(f"{name} should contain {channels} elements, not {value.numel()}")
        if name.startswith("running") and value is None and not given.get("training", False):
            raise ValueError(f"{name} is missing")


def _laid_out(value: Tensor, strides: list[int]) -> Tensor:
    """A copy with its numbers where code that reads parts of memory expects them.

    Raises:
        ValueError: the strides do not fill memory without gaps, as those of every tensor do that an operation made.
    """
    room = 1 + sum((size - 1) * stride for size, stride in zip(value.shape, strides, strict=True))
    if room != value.numel() and value.numel():
        raise ValueError("memory with gaps")
    return torch.empty_strided(value.shape, strides, dtype=value.dtype, device=value.device).copy_(value)


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


NOT_FINITE = {word: float(word) for word in ("inf", "-inf", "nan")}  # as graphs have them: JSON has no numbers for them
# Memory as it was found is never read: what a module does not write into it would be chance.
CLEARED = {"new_empty": "new_zeros", "empty_like": "zeros_like", "empty": "zeros"}


@cache
def operation(op: str) -> Any:
    """`aten.add.Tensor` as something to call."""
    _, name, overload = op.split(".")
    if name in CLEARED:  # whatever the overload
        name, overload = CLEARED[name], "default"
    return getattr(getattr(torch.ops.aten, name), overload)


@dataclass(frozen=True)
class _Known:
    """What is known of an operation, of which asking torch takes longer than running it.

    Attributes:
        written: position and name of the arguments that it writes into.
        makes_tensors: of nothing, so that nothing but its device says where?
    """

    arguments: tuple[str, ...]
    written: tuple[tuple[int, str], ...]
    makes_tensors: bool
    batch_norm: bool


@cache
def _known(op: str) -> _Known:
    arguments = operation(op)._schema.arguments
    names = tuple(argument.name for argument in arguments)
    return _Known(
        names,
        tuple((i, a.name) for i, a in enumerate(arguments) if a.alias_info is not None and a.alias_info.is_write),
        "device" in names and not any("Tensor" in str(argument.type) for argument in arguments),
        "batch_norm" in op,
    )


def _leaf_value(node: Node, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
    assert node.leaf is not None
    value = values.get(node.leaf.key)
    if value is not None:
        if value.numel() != math.prod(node.shape):  # a mistake that is made in inputs of some sizes only
            raise ReplayError(node.op, [list(value.shape)], [0], f"{node.leaf.key} is of another size here")
        # Most are vectors, which have the shape that they need: a view of each would cost as much as an operation.
        return value if [value.numel()] == node.shape and value.dim() == 1 else value.reshape(node.shape)
    if node.leaf.value is not None:
        return torch.full(node.shape, node.leaf.value, dtype=x.dtype, device=x.device)
    if node.leaf.values is not None:
        return _constant(node, x)
    raise LookupError(f"the reference uses a tensor that it does not register: {node.leaf.key}")


def _constant(node: Node, x: Tensor) -> Tensor:
    """Numbers that a module keeps, as it says itself.

    Raises:
        ReplayError: they do not fill the shape that it says.
    """
    assert node.leaf is not None
    numbers = torch.tensor(node.leaf.values, dtype=torch.float64)
    if numbers.numel() != math.prod(node.shape):
        raise ReplayError(node.op, [node.shape], [0], f"{node.leaf.key} has another number of values")
    found = getattr(torch, node.leaf.dtype, None) if node.leaf.dtype is not None else None
    dtype = found if isinstance(found, torch.dtype) else x.dtype
    return numbers.to(x.device, dtype).reshape(node.shape)


def _leaf_key(graph: Graph, argument: object) -> str:
    leaf = next(n.leaf for n in graph.nodes if isinstance(argument, dict) and n.id == argument["v"])
    return leaf.key if leaf else ""


def _arguments(node: Node, environment: dict[int, Any]) -> list[Any]:
    """A node's arguments, with the values of those that are nodes."""
    if node.operands is None:
        return [_resolve(argument, environment) for argument in node.args]
    args = [NOT_FINITE.get(argument, argument) if isinstance(argument, str) else argument for argument in node.args]
    for position, operand in node.operands:
        args[position] = environment[operand]
    return args


def _resolve(value: Any, environment: dict[int, Any]) -> Any:
    if isinstance(value, dict):
        if "v" in value:
            return environment[value["v"]]
        if "dtype" in value:
            found = getattr(torch, str(value["dtype"]), None)
            return found if isinstance(found, torch.dtype) else None
        return None  # a device, a layout, a generator: the input's own
    if isinstance(value, list):
        return [_resolve(item, environment) for item in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value
