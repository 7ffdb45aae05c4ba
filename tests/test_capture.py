"""What is recorded of a module is what it computes, and recording changes nothing of it."""

from __future__ import annotations

import linecache
from typing import Any

import pytest
import torch
from judging import InProcessWorker
from odd_modules import COMPILED, FAITHFUL, NOT_RECORDED, TELLING, module
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from grader.capture import Recording, record
from grader.graph import Graph
from grader.judge.replay import replay
from grader.worker.cells import place_of

SHAPE = (2, 4, 6, 6)
# Told to students as errors would be: what these modules do warns.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _in_float64() -> Any:
    """Students' modules are judged in float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def build(source: str) -> nn.Module:
    """The module that a cell defines."""
    linecache.cache["<cell 1>"] = (len(source), None, source.splitlines(keepends=True), "<cell 1>")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell 1>", "exec"), namespace)
    torch.manual_seed(0)
    module = namespace["M"]().eval()
    if any(isinstance(parameter, UninitializedParameter) for parameter in module.parameters()):
        module(torch.zeros(SHAPE))
    return module


def run(module: nn.Module, x: Tensor, cotangent: Tensor, leaves: dict[str, Tensor]) -> list[Tensor | None]:
    """Output, gradient of the input, and gradients of the leaves."""
    x = x.clone().requires_grad_()
    for leaf in leaves.values():
        leaf.grad = None
    y = module(x * 1)
    if y.requires_grad:
        y.backward(cotangent)
    return [y.detach(), x.grad, *(leaf.grad for leaf in leaves.values())]


def rerun(graph: Graph, x: Tensor, cotangent: Tensor, leaves: dict[str, Tensor]) -> list[Tensor | None]:
    """The same from the recorded graph, with its leaves set to the same values."""
    x = x.clone().requires_grad_()
    values = {
        key: leaf.detach().clone().requires_grad_(leaf.requires_grad and leaf.is_leaf) for key, leaf in leaves.items()
    }
    y, _ = replay(graph, x, values)
    if y.requires_grad:
        y.backward(cotangent)
    return [y.detach(), x.grad, *(value.grad for value in values.values())]


def is_same(one: Tensor | None, other: Tensor | None) -> bool:
    """No gradient is a gradient of zero."""
    if one is None or other is None:
        return not any(t is not None and t.any() for t in (one, other))
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-9, atol=1e-9)


def with_other_weights(module: nn.Module, leaves: dict[str, Tensor]) -> None:
    """Every parameter and buffer, registered or not, gets new values; variances stay positive."""
    with torch.no_grad():
        for key, leaf in leaves.items():
            if leaf.is_floating_point() and (leaf.requires_grad or key.startswith("b:")):
                leaf.copy_(torch.rand_like(leaf) + 0.5 if key.startswith("b:") else torch.randn_like(leaf))


def recorded(source: str) -> tuple[nn.Module, Recording]:
    """A module and what was recorded of it, in its state of before."""
    module = build(source)
    state = {key: value.clone() for key, value in module.state_dict().items()}
    recording = record(module, torch.randn(SHAPE).requires_grad_() * 1, place_of)
    module.load_state_dict(state)
    return module, recording


@pytest.mark.parametrize("source", FAITHFUL.values(), ids=FAITHFUL)
def test_the_recorded_graph_computes_what_the_module_computes(source: str) -> None:
    """Outputs and all gradients, on fresh inputs, with the weights of before and with others."""
    module, recording = recorded(source)
    assert recording.error is None
    graph = Graph.model_validate(recording.graph)
    assert graph.is_sound
    keys = {node.leaf.key for node in graph.nodes if node.leaf is not None and node.leaf.kind != "input"}
    leaves = {key: leaf for key, leaf in recording.leaves.items() if key in keys}
    state = {key: value.clone() for key, value in module.state_dict().items()}
    for attempt in range(2):
        module.load_state_dict(state)
        if attempt:
            with_other_weights(module, leaves)
        x, cotangent = torch.randn(SHAPE), torch.randn(graph.by_id[graph.output].shape)
        before = {key: leaf.detach().clone() for key, leaf in leaves.items()}
        expected = run(module, x, cotangent, leaves)
        with torch.no_grad():
            for key, leaf in leaves.items():
                leaf.copy_(before[key])
        assert all(map(is_same, expected, rerun(graph, x, cotangent, leaves)))


@pytest.mark.parametrize("source", FAITHFUL.values(), ids=FAITHFUL)
def test_recording_changes_nothing(source: str) -> None:
    """The module gives what it gives without a recorder, and leaves its state as it does then."""
    plain, watched = build(source), build(source)
    x = torch.randn(SHAPE)
    expected = plain(x.clone().requires_grad_() * 1)
    recording = record(watched, x.clone().requires_grad_() * 1, place_of)
    assert isinstance(recording.result, Tensor)
    assert torch.equal(expected, recording.result)
    assert expected.requires_grad == recording.result.requires_grad
    assert all(map(torch.equal, plain.state_dict().values(), watched.state_dict().values()))


@pytest.mark.parametrize("source", FAITHFUL.values(), ids=FAITHFUL)
def test_every_operation_has_its_line(source: str) -> None:
    """It stands in the student's cell, and its layer is one of the module's."""
    module, recording = recorded(source)
    lines = len(source.splitlines())
    paths = {path for path, _ in module.named_modules()}
    for node in Graph.model_validate(recording.graph).nodes:
        if node.leaf is None or node.leaf.kind != "input":
            assert node.cell == 1, node
            assert 1 <= (node.line or 0) <= lines
            assert node.module in paths


def test_lines_and_layers_are_those_that_ran() -> None:
    """The line is the student's innermost; the path is that of the innermost layer."""
    source = FAITHFUL["layers in a dict"]
    _, recording = recorded(source)
    made = {node["op"]: node for node in recording.graph["nodes"]}
    line = 1 + next(i for i, text in enumerate(source.splitlines()) if "functools.reduce" in text)
    assert ("conv", line) == (made["aten.convolution.default"]["module"], made["aten.convolution.default"]["line"])
    assert "bn" == made["aten.native_batch_norm.default"]["module"]


def built(source: str) -> dict[str, Any]:
    """The worker's answer to `build`."""
    worker = InProcessWorker()
    plan = {"cells": [{"number": 1, "source": source}], "names": ["M"], "plan": "everything", "seconds": 5.0}
    worker.call("execute", plan, seconds=5)
    arguments = {"handle": "m", "name": "M", "positional": [], "named": {}, "precision": "float64", "record": True}
    return worker.call("build", arguments, {"x": torch.randn(SHAPE)}, seconds=5).fields


def said(found: list[Any]) -> list[str]:
    """What a fact names: operations, methods, types."""
    return [f if isinstance(f, str) else f.get("op") or f.get("what") or f.get("type") for f in found]


@pytest.mark.parametrize(("source", "expected"), TELLING.values(), ids=TELLING)
def test_what_else_shows_is_told(source: str, expected: dict[str, Any]) -> None:
    """Each fact names what was done, on the line where it was done."""
    facts = built(source)["facts"]
    assert set(expected) == set(facts)
    for name, those in expected.items():
        found = facts[name]
        assert those == (len(found) if isinstance(those, int) else said(found))
        assert all(isinstance(f, str) or (f["cell"] == 1 and f["line"] > 12) for f in found)


QUIET = [name for name in FAITHFUL if name not in ("asserts", "f-string with item", "hooks that look")]


@pytest.mark.parametrize("name", QUIET)
def test_nothing_is_told_where_nothing_shows(name: str) -> None:
    """Code that is only written in an odd way gives no facts, but for gradients that have a way of their own."""
    _, recording = recorded(FAITHFUL[name])
    assert set(recording.facts) <= (
        {"functions", "unlike_autograd"} if "checkpoint" in name or "own" in name else set()
    )


@pytest.mark.parametrize("source", NOT_RECORDED.values(), ids=NOT_RECORDED)
def test_what_cannot_be_recorded_runs_all_the_same(source: str) -> None:
    """There is no graph, and that is all."""
    x = torch.randn(SHAPE)
    recording = record(build(source), x.clone().requires_grad_() * 1, place_of)
    assert recording.error is None
    assert recording.graph is None
    assert torch.equal(build(source)(x.clone().requires_grad_() * 1), recording.result)


@pytest.mark.parametrize("source", COMPILED.values(), ids=COMPILED)
def test_compiled_code_is_recorded_as_it_is_written(source: str) -> None:
    """No compiler runs: the worker has it run eagerly, and the graph is that of the code."""
    fields = built(source)
    assert "raised" not in fields
    graph = Graph.model_validate(fields["graph"])
    assert ["convolution", "relu", "mul"] == [node.name for node in graph.nodes if node.leaf is None]


def test_what_only_raises_while_it_is_recorded_is_not_held_against_it() -> None:
    """It runs again without a recorder, and just has no graph."""
    fields = built(module("assert torch.utils._python_dispatch._len_torch_dispatch_stack() == 0\nreturn self.conv(x)"))
    assert "raised" not in fields
    assert "tensor" == fields["output"]["kind"]
    assert fields["graph"] is None


def test_what_ran_until_an_operation_raised_is_recorded() -> None:
    """The operands that did not fit, and what they were computed from."""
    fields = built(module("y = self.conv(x)\nreturn y.relu() + y[:, :3]"))
    operation, graph = fields["raised"]["operation"], Graph.model_validate(fields["partial"])
    assert "aten.add.Tensor" == operation["op"]
    assert [[2, 4, 6, 6], [2, 3, 6, 6]] == operation["shapes"]
    assert ["relu", "slice"] == [graph.by_id[i].name for i in operation["nodes"]]
    assert "convolution" in {node.name for node in graph.nodes}


def test_an_error_that_was_caught_is_not_the_failed_operation() -> None:
    """What is raised later is another error."""
    fields = built(module("try:\n    x + x[:, :3]\nexcept RuntimeError:\n    raise ValueError('mine')"))
    assert "ValueError" == fields["raised"]["type"]
    assert fields["raised"]["operation"] is None
