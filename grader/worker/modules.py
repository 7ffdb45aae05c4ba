"""Build a student's module and run it on what the judge sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from grader.capture import failed_operation, initial_value, record
from grader.worker.cells import describe, place_of

Json = Any
Tensors = dict[str, Tensor]


@dataclass
class Subject:
    """A module under examination."""

    module: nn.Module
    dtype: torch.dtype
    leaves: Tensors = field(default_factory=dict)  # what can be set, by key (see grader.graph.Leaf)
    start: Tensors = field(default_factory=dict)  # their values after construction

    def restore(self) -> None:
        """Back to the state after construction."""
        with torch.no_grad():
            for key, value in self.start.items():
                self.leaves[key].copy_(value)


def raised(stage: str, error: BaseException) -> dict[str, Json]:
    """An exception of the student's code, as an answer."""
    return {"raised": {"stage": stage, "operation": failed_operation(error), **describe(error)}}


def build(namespace: dict[str, Any], arguments: Json, x: Tensor) -> tuple[Subject | None, dict[str, Json]]:
    """Construct `namespace[name](*positional)`, run it once in evaluation mode and record what it computes.

    Args:
        arguments: `name`, `positional`, `precision` ("float64" or "float32").
        x: an input, N × C × H × W.

    Returns:
        The subject, and what is known of it: `tensors` (parameters and buffers), `graph` (None when it could not be
        recorded), `output` (what came back) and `operations` (how many were executed). On an exception `raised`
        with its stage: constructor or forward.
    """
    dtype = getattr(torch, arguments["precision"])
    torch.set_default_dtype(dtype)
    torch.default_generator.manual_seed(0)
    try:
        module = namespace[arguments["name"]](*arguments["positional"])
    except BaseException as error:
        return None, raised("constructor", error)
    if not isinstance(module, nn.Module):
        return None, {"not_a_module": type(module).__name__[:100]}
    x = x.to(dtype)
    try:
        module.eval()
        if any(isinstance(p, UninitializedParameter) for p in module.parameters()):
            with torch.no_grad():
                module(x.clone())  # Lazy layers take their shapes from the first input
        module.to(dtype)
    except BaseException as error:
        return None, raised("forward", error)
    subject = Subject(module, dtype)
    tensors = _registered(subject)
    subject.start = {key: tensor.detach().clone() for key, tensor in subject.leaves.items()}
    answer: dict[str, Json] = {"tensors": tensors}
    try:
        # Not a leaf: students may write to their input in place.
        graph, leaves, result, operations = record(module, x.clone().requires_grad_() * 1, place_of)
    except BaseException as error:
        subject.restore()
        return subject, answer | raised("forward", error)
    for key, tensor in leaves.items():
        if key not in subject.leaves and tensor.is_floating_point():
            subject.leaves[key] = tensor
            subject.start[key] = tensor.detach().clone()
    subject.restore()
    return subject, answer | {"graph": graph, "output": _describe_output(result), "operations": operations}


def run(subject: Subject, probe: Json, tensors: Tensors, values: Tensors) -> tuple[dict[str, Json], Tensors]:
    """One forward and, when a cotangent is sent, one backward pass.

    Args:
        probe: `train`: the mode.
        tensors: `x`, and `cotangent`, of the output's shape.
        values: what to set leaves to before, by key.

    Returns:
        Tensors `y`, `x` (the gradient of the input), `gradients` (of the learnable leaves that the output depends
        on, flattened and joined: few large tensors travel faster than many small ones) and `buffers` (after a pass in
        training mode, likewise). Their keys and sizes stand in the answer's `gradients` and `buffers`. On an exception
        `raised`; `output` describes what came back.
    """
    torch.set_default_dtype(subject.dtype)
    # `torch.manual_seed` asks every kind of device and takes 2 ms; there is only a CPU here.
    torch.default_generator.manual_seed(0)
    subject.restore()
    subject.module.train(probe["train"])
    with torch.no_grad():
        for key, value in values.items():
            subject.leaves[key].copy_(value.view(subject.leaves[key].shape))
    x = tensors["x"].to(subject.dtype).requires_grad_()
    try:
        given = x * 1
        result = subject.module(given)
    except BaseException as error:
        return raised("forward", error), {}
    answer: dict[str, Json] = {"output": _describe_output(result)}
    if not isinstance(result, Tensor):
        return answer, {}
    out = {"y": result.detach().clone()}
    cotangent = tensors.get("cotangent")
    if cotangent is not None and cotangent.shape == result.shape and result.requires_grad:
        learnable = {key: leaf for key, leaf in subject.leaves.items() if leaf.requires_grad and leaf.is_leaf}
        try:
            of_x, *gradients = torch.autograd.grad(
                result, [x, *learnable.values()], cotangent.to(result.dtype), allow_unused=True
            )
        except BaseException as error:
            return answer | raised("backward", error), out
        if of_x is not None:
            out["x"] = of_x.detach().clone()
        found = {key: g for key, g in zip(learnable, gradients, strict=True) if g is not None}
        answer["gradients"], out["gradients"] = _joined(found)
    if probe["train"]:
        buffers = {k: leaf for k, leaf in subject.leaves.items() if not leaf.requires_grad and leaf.is_floating_point()}
        answer["buffers"], out["buffers"] = _joined(buffers)
    return answer, out


def _joined(tensors: Tensors) -> tuple[list[Json], Tensor]:
    """Key and number of elements of each tensor, and all of their values in a row."""
    flat = [tensor.detach().to(torch.float64).reshape(-1) for tensor in tensors.values()]
    sizes = [[key, part.numel()] for key, part in zip(tensors, flat, strict=True)]
    return sizes, torch.cat(flat) if flat else torch.zeros(0, dtype=torch.float64)


def _registered(subject: Subject) -> list[Json]:
    """Parameters and buffers as plain data; shared tensors once."""
    found = []
    for kind, prefix, named in (
        ("parameter", "p:", subject.module.named_parameters()),
        ("buffer", "b:", subject.module.named_buffers()),
    ):
        for name, tensor in named:
            if tensor.is_floating_point():
                subject.leaves[prefix + name] = tensor
            found.append(
                {
                    "key": prefix + name,
                    "kind": kind,
                    "shape": list(tensor.shape),
                    "learnable": tensor.requires_grad,
                    "initial": initial_value(tensor),
                    "floating": tensor.is_floating_point(),
                }
            )
    return found


def _describe_output(result: object) -> dict[str, Json]:
    if isinstance(result, Tensor):
        return {"kind": "tensor", "shape": list(result.shape), "dtype": str(result.dtype).removeprefix("torch.")}
    if isinstance(result, tuple | list):
        return {"kind": type(result).__name__[:100], "length": len(result)}
    return {"kind": type(result).__name__[:100]}
