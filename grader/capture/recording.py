"""One call of a module, with all that was recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from grader.capture.composites import Composites
from grader.capture.facts import facts
from grader.capture.lent import lending_is_noticed
from grader.capture.places import Place, nowhere
from grader.capture.recorder import Recorder
from grader.capture.witness import compare_with_autograd

Json = Any


@dataclass
class Recording:
    """What came of one recorded call.

    Attributes:
        graph: what the result depends on, as plain data (see `grader.graph`); None when the result is not one tensor,
            or could not be recorded.
        leaves: the leaf tensors, by key.
        result: what the module returned.
        operations: how many were executed.
        error: what the module raised.
        failed: the operation that raised it: its name, the shapes of its operands, how many convolutions lead to
            each, and their nodes in `partial`; None when no operation did.
        partial: what the failed operation's operands depend on, with the last of them as the output.
        facts: what else shows; see `grader.capture.facts` and `grader.capture.witness`.
    """

    graph: Json = None
    leaves: dict[str, Tensor] = field(default_factory=dict)
    result: object = None
    operations: int = 0
    error: BaseException | None = None
    failed: Json = None
    partial: Json = None
    facts: dict[str, Json] = field(default_factory=dict)


def record(
    module: nn.Module,
    x: Tensor,
    place_of: Callable[[Any], Place] = nowhere,
    starts: Mapping[str, str] = MappingProxyType({}),
) -> Recording:
    """Run `module(x)` and record it. What the module raises is in the recording, with all that ran before.

    Args:
        place_of: the cell and line of a Python frame, (None, None) for a frame that is not the student's.
        starts: what leaves start with, by key, where that is known already; see `initial_value`.
    """
    recorder = Recorder(module, x, place_of, starts)
    start = x.grad_fn
    recording = Recording(leaves=recorder.leaves)
    recording.result, recording.error = _run(recorder, module, x, nullcontext())
    if recording.error is not None:
        recording.failed, recording.partial = recorder.failure(recording.error)
        if recording.failed is None:
            recording.failed, recording.partial = _refused(module, x, place_of)
    if isinstance(recording.result, Tensor):
        recording.graph = recorder.finish(recording.result)
        recording.facts = compare_with_autograd(recorder, recording.result, start)
    recording.facts |= facts(recorder)
    recording.operations = sum(node["op"] != "leaf" for node in recorder.nodes.said)
    return recording


def _refused(module: nn.Module, x: Tensor, place_of: Callable[[Any], Place]) -> tuple[Json, Json]:
    """As `Recorder.failure`, of a function that raised before any operation of it ran: the module is run once more,
    since watching for these takes time."""
    recorder = Recorder(module, x, place_of, {})
    _, error = _run(recorder, module, x, Composites(recorder.refused))
    return recorder.failure(error) if error is not None else (None, None)


def _run(
    recorder: Recorder, module: nn.Module, x: Tensor, watching: AbstractContextManager[object]
) -> tuple[object, BaseException | None]:
    """What a recorded call returned, and what it raised."""
    try:
        with lending_is_noticed(recorder.lend), recorder, watching:
            return module(x), None
    except BaseException as error:
        return None, error
