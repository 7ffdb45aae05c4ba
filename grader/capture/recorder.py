"""The operations that run while a module is called, as nodes (see `grader.graph`)."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from grader.capture.facts import MOST, facts
from grader.capture.lent import LENDERS, Lent, lending_is_noticed
from grader.capture.places import Place, Places, nowhere
from grader.capture.values import Values, tensors
from grader.capture.witness import reached_by_autograd

Json = Any
# Operations with weights, as far as their names tell.
WEIGHTED = tuple(f"aten.{name}" for name in ("convolution", "addmm", "mm", "bmm"))
# Their results carry no gradient, whatever they read.
CUTTING = ("aten.detach", "aten.zeros_like", "aten.ones_like", "aten.empty_like", "aten.new_")
# How many numbers come out of these depends on the data.
DATA_SHAPED = ("aten.nonzero", "aten.masked_select", "aten._unique", "aten.unique")


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
        facts: what else shows; see `grader.capture.facts`.
    """

    graph: Json = None
    leaves: dict[str, Tensor] = field(default_factory=dict)
    result: object = None
    operations: int = 0
    error: BaseException | None = None
    failed: Json = None
    partial: Json = None
    facts: dict[str, Json] = field(default_factory=dict)


def record(module: nn.Module, x: Tensor, place_of: Callable[[Any], Place] = nowhere) -> Recording:
    """Run `module(x)` and record it. What the module raises is in the recording, with all that ran before."""
    recorder = Recorder(module, place_of)
    recorder.bind_input(x)
    start = x.grad_fn
    recording = Recording(leaves=recorder.leaves)
    try:
        with lending_is_noticed(recorder.lend), recorder:
            recording.result = module(x)
    except BaseException as error:
        recording.error = error
        recording.failed, recording.partial = recorder.failure(error)
    if isinstance(recording.result, Tensor):
        recording.graph = recorder.graph(recording.result)
        recording.facts = recorder.compare_with_autograd(recording.result, start)
    recording.facts |= facts(recorder)
    recording.operations = sum(node["op"] != "leaf" for node in recorder.nodes)
    return recording


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects nodes while it is active.

    Attributes:
        nodes: as plain data; a node's id is its number.
        inputs: for each node the nodes that it reads.
        of_input: for each node, does it depend on the module's input?
        reads: what Python itself read: name, node, place.
        random: nodes that drew random numbers, and the function of torch.nn.functional in which they did.
        overwriting: nodes that wrote into the module's input.
        created: places where a parameter was used that was made meanwhile.
        results: for a node a weak reference to the tensor that it gave.
        broken: did something happen that cannot be recorded?
    """

    def __init__(self, module: nn.Module, place_of: Callable[[Any], Place] = nowhere) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[dict[str, Json]] = []
        self.inputs: list[list[int]] = []
        self.of_input: list[bool] = []
        self.leaves: dict[str, Tensor] = {}
        self.reads: list[dict[str, Json]] = []
        self.random: list[tuple[int, str]] = []
        self.overwriting: list[int] = []
        self.created: list[dict[str, Json]] = []
        self.results: dict[int, Any] = {}
        self.broken = False
        self.output: int | None = None
        self._tracked: list[bool] = []  # for each node: should a gradient flow through it?
        self._cut: dict[int, int] = {}  # for a node: what stands for it where its gradient is another
        self._kept: dict[int, int] = {}  # for a node that wrote, unseen by autograd: what was there before
        self._parameters: dict[int, Tensor] = {}  # made during the call
        self._input: object = None  # its memory
        self._failed: tuple[BaseException, Json] | None = None
        self._lent = Lent()
        self._places = Places({id(part): path for path, part in module.named_modules()}, place_of)
        self._values = Values(self._new_here, self._leaf, self._as_seen)
        self._names: dict[int, tuple[str, str]] = {}
        for kind, prefix, named in (
            ("parameter", "p:", module.named_parameters(remove_duplicate=False)),
            ("buffer", "b:", module.named_buffers(remove_duplicate=False)),
        ):
            for name, tensor in named:
                self._names.setdefault(id(tensor), (kind, prefix + name))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; the default would import the whole compiler, which takes over a second."""
        return False

    # ------------------------------------------------------------------ nodes

    def bind_input(self, x: Tensor) -> None:
        """Make `x` the input of the graph."""
        node = self._new("leaf", leaf={"kind": "input", "key": "x"}, shapes=[list(x.shape)])
        self.of_input[node], self._tracked[node] = True, x.requires_grad
        self._values.bind(x, node)
        self._input = self._values.memory(x)

    def _new(self, op: str, inputs: list[int] | None = None, tracked: bool | None = None, **fields: Json) -> int:
        """A node, and its id."""
        node, inputs = len(self.nodes), inputs or []
        # What is empty goes without saying: the graph travels as text.
        said = {name: value for name, value in fields.items() if value not in (None, [], {})}
        self.nodes.append({"id": node, "op": op, **said})
        self.inputs.append(inputs)
        self.of_input.append(any(self.of_input[i] for i in inputs))
        self._tracked.append(any(self._tracked[i] for i in inputs) if tracked is None else tracked)
        return node

    def _new_here(self, op: str, inputs: list[int], **fields: Json) -> int:
        """A node at the line that is running."""
        return self._new(op, inputs, **fields, **self._places.here())

    def _leaf(self, tensor: Tensor) -> int:
        kind, key = self._names.get(id(tensor), ("", ""))
        learnable = tensor.requires_grad and tensor.is_leaf
        if not kind:
            kind = "unregistered" if learnable else "constant"
        key = key or f"#{len(self.nodes)}"
        self.leaves[key] = tensor
        leaf: dict[str, Json] = {
            "kind": kind,
            "key": key,
            "learnable": learnable,
            "initial": initial_value(tensor),
        }
        if kind == "constant" and tensor.numel() == 1 and not tensor.is_complex():
            value = float(tensor.detach().double())
            leaf["value"] = value if abs(value) < float("inf") else None
        where = self._places.here()
        return self._new("leaf", tracked=tensor.requires_grad, leaf=leaf, shapes=[list(tensor.shape)], **where)

    def _read(self, tensor: Tensor) -> int:
        """The node whose result `tensor` holds now, with the gradient that it has."""
        memory = self._values.memory(tensor)
        if self._lent.changed(memory):
            self._lent.refresh(memory)
            self.reads.append({"what": "changed", "node": 0, **self._places.here()})
            self._values.bind(tensor, self._leaf(tensor))
        return self._as_seen(self._values.read(tensor), tensor)

    def _as_seen(self, node: int, tensor: Tensor) -> int:
        """What stands for a node where its gradient is another than its operation gives: `tensor` knows better."""
        if not (tensor.is_floating_point() or tensor.is_complex()):
            return node
        if tensor.requires_grad and node in self._kept:
            return self._replaced(node, lambda: self._unseen_by_autograd(self._kept[node], node))
        if tensor.requires_grad and tensor.is_leaf and self.nodes[node]["op"] != "leaf":
            self._made(tensor)
            return self._replaced(node, lambda: self._detached(node)) if self._tracked[node] else node
        if tensor.requires_grad and not self._tracked[node]:
            self._let_gradient_through(node)
        elif self._tracked[node] and not tensor.requires_grad and self._given(node) is not tensor:
            # `.data`, or a view made under no_grad. (What an operation gave, as it is, is used below autograd.)
            return self._replaced(node, lambda: self._detached(node))
        return node

    def _given(self, node: int) -> Tensor | None:
        """The tensor that an operation gave, if it still is there."""
        return self.results[node]() if node in self.results else None

    def _made(self, tensor: Tensor) -> None:
        """Is this a parameter that was made during the call?"""
        if isinstance(tensor, nn.Parameter) and not {id(tensor)} & (self._names.keys() | self._parameters.keys()):
            self._parameters[id(tensor)] = tensor
            self.created.append(self._places.here())

    def _replaced(self, node: int, other: Callable[[], int]) -> int:
        if node not in self._cut:
            self._cut[node] = other()
        return self._cut[node]

    def _operation(self, name: str, inputs: list[int], tracked: bool) -> int:
        """An operation that no code called."""
        args = [{"v": i} for i in inputs]
        shapes = self.nodes[inputs[0]].get("shapes", [])[:1]
        return self._new(
            f"aten.{name}", inputs, tracked, args=args, shapes=shapes, gradient=True, **self._places.here()
        )

    def _detached(self, node: int) -> int:
        return self._operation("detach.default", [node], False)

    def _unseen_by_autograd(self, before: int, after: int) -> int:
        """The value of `after` with the gradient of `before`, as when memory is written through `.data`."""
        change = self._operation("sub.Tensor", [self._detached(after), self._detached(before)], False)
        return self._operation("add.Tensor", [before, change], True)

    def _let_gradient_through(self, node: int) -> None:
        """A gradient flows although nothing was tracked: an autograd.Function or a reentrant checkpoint has its own
        way back. Taken to be the derivative; where it is not,
        the numbers will tell."""
        todo = [node]
        while todo:
            i = todo.pop()
            if not self._tracked[i] and self.inputs[i]:
                self._tracked[i] = True
                self.nodes[i]["gradient"] = True
                if self.nodes[i]["op"] == "aten.detach.default":
                    self.nodes[i]["op"] = "aten.alias.default"
                todo += self.inputs[i]

    # ------------------------------------------------------------------ recording

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        plain = self._recording(self._plain_call, args, kwargs)
        try:
            out = func(*args, **kwargs)
        except Exception as error:
            self._recording(self._note_failure, error, func, plain)
            raise
        self._recording(self._record, func, args, kwargs, plain, out)
        return out

    def _recording(self, step: Callable[..., Json], *args: Any) -> Json:
        """A step of recording. It never stops the module: sparse tensors and the like just cannot be recorded."""
        if self.broken:
            return None
        try:
            return step(*args)
        except Exception:
            self.broken = True
            return None

    def _plain_call(self, args: Any, kwargs: Any) -> tuple[list[Json], dict[str, Json], list[int], dict[str, Json]]:
        """Arguments as plain data, the nodes among them, and where the call is made; before it runs, since it may
        write to them."""
        inputs: list[int] = []
        plain = [self._plain(value, inputs) for value in args]
        return plain, {name: self._plain(value, inputs) for name, value in kwargs.items()}, inputs, self._places.here()

    def _record(self, func: Any, args: Any, kwargs: Any, plain: Json, out: Any) -> None:
        """One operation that ran."""
        plain_args, plain_kwargs, inputs, where = plain
        name = str(func)
        outs = [o for o in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(o, Tensor)]
        written = [
            position
            for position, argument in enumerate(func._schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        if any(self.of_input[i] for i in inputs) and (name.startswith(DATA_SHAPED) or not (outs or written)):
            self.reads.append({"what": name.split(".")[1].strip("_"), "node": inputs[0], **where})
        if not outs and not written:
            return  # a number that Python reads
        gradient = torch.is_grad_enabled()
        operands = list(tensors([args, list(kwargs.values())]))
        cuts = not gradient or name.startswith(CUTTING)
        node = self._new(
            name,
            inputs,
            not cuts and any(tensor.requires_grad for tensor in operands),
            args=plain_args,
            kwargs=plain_kwargs,
            shapes=[list(o.shape) for o in outs],
            gradient=gradient,
            mutates=[position for position in written if position < len(args)],
            **where,
        )
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.random.append((node, self._places.function()))
        if written:
            for position in written:
                target = args[position] if position < len(args) else kwargs.get(func._schema.arguments[position].name)
                for tensor in tensors([target]):
                    self._write(tensor, node)
            return
        read = {self._values.memory(tensor) for tensor in operands}
        for position, tensor in enumerate(outs):
            made = node
            if len(outs) > 1:
                made = self._new("getitem", [node], args=[{"v": node}, position], shapes=[list(tensor.shape)], **where)
            self.results[made] = weakref.ref(tensor)
            self._values.bind_result(tensor, made, read)

    def _write(self, tensor: Tensor, node: int) -> None:
        if self._values.memory(tensor) == self._input:
            self.overwriting.append(node)
        before, after = self._values.write(tensor, node)
        if self._tracked[before] and not (tensor.requires_grad and torch.is_grad_enabled()):
            # Who tracks this memory does not learn of it: its gradient is still that of what was there before.
            self._tracked[after] = False
            self._kept[after] = self._kept.get(before, before)
        self._lent.refresh(self._values.memory(tensor))

    def lend(self, method: str, tensor: Tensor) -> None:
        """A tensor's numbers go to something that is not torch."""
        with _disable_current_modes():
            self._recording(self._lend, method, tensor)

    def _lend(self, method: str, tensor: Tensor) -> None:
        node = self._read(tensor)
        if self.of_input[node]:
            self.reads.append({"what": method.strip("_"), "node": node, **self._places.here()})
        if method in LENDERS:
            self._lent.remember(self._values.memory(tensor), tensor)

    def _note_failure(self, error: BaseException, func: Any, plain: Json) -> None:
        _, _, inputs, where = plain
        operation = {
            "op": str(func),
            "nodes": inputs,
            "shapes": [self.nodes[i].get("shapes", [[]])[0] for i in inputs],
            "depths": [self._convolutions_before(i) for i in inputs],
            **where,
        }
        self._failed = (error, operation)

    def _plain(self, value: object, inputs: list[int]) -> Json:
        """An argument as plain data; the nodes that it stands for go to `inputs`."""
        if isinstance(value, Tensor):
            node = self._read(value)
            inputs.append(node)
            return {"v": node}
        if isinstance(value, bool | int | str | None):
            return value
        if isinstance(value, float):
            return value if abs(value) < float("inf") else repr(value)
        if isinstance(value, list | tuple):
            return [self._plain(item, inputs) for item in value]
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        return {"other": type(value).__name__}

    # ------------------------------------------------------------------ what was recorded

    def live(self, *roots: int) -> set[int]:
        """Some nodes and everything that they depend on."""
        live: set[int] = set()
        todo = list(roots)
        while todo:
            node = todo.pop()
            if node not in live:
                live.add(node)
                todo += self.inputs[node]
        return live

    def _convolutions_before(self, node: int) -> int:
        return sum(self.nodes[i]["op"].startswith(WEIGHTED) for i in self.live(node))

    def _graph_of(self, output: int, *others: int) -> Json:
        live = self.live(output, *others)
        return {"nodes": [node for node in self.nodes if node["id"] in live], "output": output}

    def graph(self, result: Tensor) -> Json:
        """What `result` depends on, as plain data; None when something could not be recorded."""
        self.output = self._recording(self._read, result)
        return None if self.broken or self.output is None else self._graph_of(self.output)

    def compare_with_autograd(self, result: Tensor, start: Any) -> dict[str, Json]:
        """Facts: `functions`, the names of autograd functions that are not PyTorch's own; `unlike_autograd`, keys of
        leaves on which autograd and the recorded graph disagree whether the result's gradient reaches them.

        Args:
            start: `grad_fn` of the module's input, before the call.
        """
        if self.output is None:
            return {}
        leaves, reaches_input, functions = reached_by_autograd(result, start)
        learnable = {key: leaf for key, leaf in self.leaves.items() if leaf.requires_grad and leaf.is_leaf}
        by_autograd = {key for key, leaf in learnable.items() if id(leaf) in leaves} | (
            {"x"} if reaches_input else set()
        )
        by_graph = set()
        todo, seen = [self.output], {self.output}
        while todo:
            node = todo.pop()
            by_graph.add(self.nodes[node].get("leaf", {}).get("key", ""))
            before = [i for i in self.inputs[node] if self._tracked[i] and i not in seen]
            seen.update(before)
            todo += before
        unlike = sorted((by_graph - {""}) ^ by_autograd) if self._tracked[self.output] else sorted(by_autograd)
        found = {"functions": sorted(set(functions)), "unlike_autograd": unlike}
        return {name: said[:MOST] for name, said in found.items() if said}

    def failure(self, error: BaseException) -> tuple[Json, Json]:
        """The operation that raised an error, and what its operands depend on; or None for both."""
        if self._failed is None or self._failed[0] is not error:
            return None, None
        operation = self._failed[1]
        nodes = operation["nodes"]
        return operation, self._graph_of(nodes[-1], *nodes) if nodes and not self.broken else None


def initial_value(tensor: Tensor) -> str:
    """Did it start as all zeros or all ones? Tells a hand-written batch norm's scale from its shift."""
    if not tensor.numel() or not tensor.is_floating_point():
        return "other"
    first = tensor.detach().reshape(-1)[0].item()
    if first in (0.0, 1.0) and bool((tensor.detach() == first).all()):
        return "one" if first else "zero"
    return "other"
