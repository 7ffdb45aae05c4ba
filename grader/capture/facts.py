"""What shows while a module runs and is no part of the computation of its result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grader.capture.recorder import Recorder

Json = Any
MOST = 50
# Results that cost nothing: looking at part of a tensor, or at its shape, is no work.
NO_WORK = frozenset(
    """leaf getitem alias scatter view _unsafe_view t transpose permute select slice unsqueeze squeeze expand detach
    as_strided split split_with_sizes unbind clone empty empty_like zeros_like lift_fresh _to_copy view_as_real
    view_as_complex""".split()
)


def facts(recorder: Recorder) -> dict[str, Json]:
    """Each a list of at most 50 places, as cell and line:

    reads      Python read numbers that depend on the input: `what` is the method; "changed" stands for memory that
               was written to behind torch's back
    own_reads  Python read numbers that do not depend on it, as those of a weight
    draws      an operation drew random numbers: `op`, and the `function` of torch.nn.functional that called it
    discarded  the result of an operation was not used for anything, and nothing keeps it: `op`
    overwriting  an operation wrote into the module's input: `op`
    created    a parameter was made during the call
    """
    found = {
        "reads": _decisive(recorder.reads),
        "own_reads": _decisive(recorder.own_reads),
        "draws": [_act(recorder, node) | {"function": function} for node, function in recorder.random],
        "discarded": [_act(recorder, node) for node in _discarded(recorder)],
        "overwriting": [_act(recorder, node) for node in recorder.overwriting],
        "created": recorder.gradients.created,
    }
    return {name: _once(places)[:MOST] for name, places in found.items() if places}


def _decisive(reads: list[dict[str, Json]]) -> list[Json]:
    """What Python read, but for printing."""
    return [{name: v for name, v in read.items() if name != "node"} for read in reads if read["what"] != "repr"]


def _act(recorder: Recorder, node: int) -> Json:
    said = recorder.nodes.said[node]
    return {"op": said["op"], **{name: said[name] for name in ("cell", "line", "module") if name in said}}


def _discarded(recorder: Recorder) -> list[int]:
    """Operations whose result nothing reads, neither the output, nor Python, nor memory that lives on, although what
    they read is used. (Where that is not used either, a whole part of the module is left out.)"""
    if recorder.output is None:
        return []
    nodes, inputs = recorder.nodes.said, recorder.nodes.inputs
    writes = [node["id"] for node in nodes if node.get("mutates")]
    live = recorder.nodes.live(recorder.output, *writes, *(read["node"] for read in recorder.reads))
    used: set[int] = set()
    for node in reversed(nodes):
        if node["id"] in live | used or _is_work(node["op"]):
            used.update(inputs[node["id"]])
    # What a layer of PyTorch's does not need of all that it gives, as a recurrent one its last states, nobody discards.
    needed = {node.get("module") for node in nodes if node["id"] in live} & recorder.of_torch
    # In the last round of a loop is made what the next round would have used.
    repeated = {_spot(node) for node in nodes if node["id"] in live and "line" in node}
    # What a line prints or asserts is computed on that line.
    printed = {(read.get("cell"), read.get("line")) for read in recorder.reads}
    return [
        node["id"]
        for node in nodes
        if node["id"] not in live | used
        and any(_is_used_value(recorder, i, live) for i in recorder.nodes.inputs[node["id"]])
        and _is_work(node["op"])
        and recorder.gradients.result(node["id"]) is None
        and (node.get("cell"), node.get("line")) not in printed
        and node.get("module") not in needed
        and _spot(node) not in repeated
    ]


def _spot(node: Json) -> tuple[Json, ...]:
    """An operation, and the line in which it runs."""
    return node["op"], node.get("cell"), node.get("line")


def _is_used_value(recorder: Recorder, node: int, live: set[int]) -> bool:
    """Was it computed from the module's input, and does the output depend on it?"""
    return node in live and recorder.nodes.of_input[node] and recorder.nodes.said[node]["op"] != "leaf"


def _is_work(op: str) -> bool:
    return op.removeprefix("aten.").split(".")[0] not in NO_WORK


def _once(places: Iterable[Json]) -> list[Json]:
    """Without repetitions, in order."""
    found: list[Json] = []
    for place in places:
        if place not in found:
            found.append(place)
    return found
