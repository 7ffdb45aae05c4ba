"""A stand-in for a student's process that holds part of a recorded network and answers for that part alone.

What asks a student's process to build a module and to run probes on it asks this in the same way, so that a block of
a network is judged by the machinery that judges a module. Behind it is no student's code but the guarded replay of
their graph, which was found to tell the truth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from grader.graph import Graph, Node
from grader.judge.narrow import in_training
from grader.judge.trusted import Untold, run_guarded
from grader.observation import Ran
from grader.wire import pack, unpack


@dataclass(frozen=True)
class Reply:
    """What a process would have sent."""

    fields: dict[str, Any]
    tensors: dict[str, Tensor]


class StandIn:
    """Answers `build` and `run` for one graph.

    Args:
        trained: what was recorded in training mode, where that is known: a norm that still uses there what it keeps is
            frozen. Else the batch norms are put into that mode where it is asked for.

    Raises:
        Untold: from `call`, when the graph cannot be run on what was asked: inputs of another size, for instance.
    """

    def __init__(self, graph: Graph, *, trained: Graph | None = None) -> None:
        self.graph = graph
        self._trained = trained if trained is not None else in_training(graph)
        self._leaves = {
            node.leaf.key: node
            for each in (self._trained, graph)
            for node in each.nodes
            if node.leaf is not None and node.leaf.kind != "input"
        }

    def call(
        self,
        operation: str,
        arguments: dict[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        *,
        seconds: float,
    ) -> Reply:
        """As `grader.judge.examine.Worker`; it takes no longer than the guard allows."""
        assert arguments is not None
        assert tensors is not None
        if operation == "build":
            return self._build(tensors["x"])
        return self._run(arguments, unpack(arguments["layout"], tensors["row"]))

    def _build(self, x: Tensor) -> Reply:
        with torch.no_grad():
            y, _ = self._replay(x, self._filled({}), train=False)
        described = {"kind": "tensor", "shape": list(y.shape), "dtype": "float64"}
        tensors = [
            {
                "key": key,
                "kind": "buffer" if node.leaf.kind == "buffer" else "parameter",
                "shape": node.shape,
                "learnable": node.leaf.learnable,
                "initial": node.leaf.initial,
                "floating": node.leaf.dtype is None,
            }
            for key, node in self._leaves.items()
            if node.leaf is not None and node.leaf.kind != "constant"
        ]
        fields = {"ok": True, "tensors": tensors, "graph": self.graph, "output": described}
        return Reply(fields | {"operations": len(self.graph.nodes) - len(self._leaves)}, {})

    def _run(self, arguments: dict[str, Any], tensors: dict[str, Tensor]) -> Reply:
        values = {}
        for recipe, keys in arguments["values"].items():
            parts = torch.split(tensors[recipe], [math.prod(self._leaves[key].shape) for key in keys])
            values[recipe] = dict(zip(keys, parts, strict=True))
        answers: list[Ran] = []
        out: dict[str, Tensor] = {}
        for i, probe in enumerate(arguments["probes"]):
            given = values[probe["values"]] if probe["values"] is not None else {}
            answer, made = self._pass(probe, tensors[f"{i}/x"], tensors.get(f"{i}/cotangent"), given)
            answers.append(answer)
            out |= {f"{i}/{name}": tensor for name, tensor in made.items()}
        layout, row = pack(out)
        return Reply({"ok": True, "answers": answers, "layout": layout}, {"row": row})

    def _pass(
        self, probe: dict[str, Any], x: Tensor, cotangent: Tensor | None, values: dict[str, Tensor]
    ) -> tuple[Ran, dict[str, Tensor]]:
        """One forward pass, and one backward where a cotangent is given that fits."""
        wants = cotangent is not None
        leaves = self._filled(values)
        learnable = {key: leaves[key].requires_grad_(wants) for key, node in self._leaves.items() if _learns(node)}
        x = x.clone().requires_grad_(wants)
        with torch.set_grad_enabled(wants):
            y, written = self._replay(x * 1, leaves, train=probe["train"])
        out = {"y": y.detach()}
        sizes: list[tuple[str, int]] = []
        if cotangent is not None and cotangent.shape == y.shape and y.requires_grad:
            try:
                # As in `grader.judge.forms`.
                found = torch.autograd.grad((y * cotangent).sum(), [x, *learnable.values()], allow_unused=True)
            except RuntimeError as error:
                raise Untold(f"its gradient cannot be taken again: {error}") from error
            if found[0] is not None:
                out["x"] = found[0]
            reached = {key: g for key, g in zip(learnable, found[1:], strict=True) if g is not None}
            sizes, out["gradients"] = _joined(reached)
        buffers: list[tuple[str, int]] = []
        if probe["train"]:
            buffers, out["buffers"] = _joined(written)
        described = {"kind": "tensor", "shape": list(y.shape), "dtype": "float64"}
        return Ran.model_validate({"output": described, "gradients": sizes, "buffers": buffers}), out

    def _replay(self, x: Tensor, values: dict[str, Tensor], *, train: bool) -> tuple[Tensor, dict[str, Tensor]]:
        graph = self._trained if train else self.graph
        environment: dict[int, Any] = {}
        written = run_guarded(graph, x, values, environment)
        return environment[graph.output], written

    def _filled(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """These values, of our own to write to, and values to start from for all other leaves.

        Those that the student's block starts from are not known here, and no check depends on them.
        """
        filled: dict[str, Tensor] = {}
        for key, node in self._leaves.items():
            if key in values:
                filled[key] = values[key].reshape(node.shape).clone()
            elif node.leaf is not None and node.leaf.kind != "constant" and node.leaf.values is None:
                start = {"one": 1.0, "zero": 0.0}.get(node.leaf.initial, 0.01)
                filled[key] = torch.full(node.shape, start, dtype=torch.float64)
        return filled


def _learns(node: Node) -> bool:
    return node.leaf is not None and node.leaf.learnable


def _joined(tensors: Mapping[str, Tensor]) -> tuple[list[tuple[str, int]], Tensor]:
    """Key and number of elements of each tensor, and all of their values in a row."""
    rows = [tensor.detach().reshape(-1) for tensor in tensors.values()]
    sizes = [(key, row.numel()) for key, row in zip(tensors, rows, strict=True)]
    return sizes, torch.cat(rows) if rows else torch.zeros(0, dtype=torch.float64)
