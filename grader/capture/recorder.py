"""The operations that run while a module is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from grader.capture.gradients import Gradients
from grader.capture.lent import LENDERS, Lent
from grader.capture.nodes import Nodes
from grader.capture.operations import operation_of
from grader.capture.places import Place, Places
from grader.capture.values import Values, tensors

Json = Any


@dataclass(slots=True)
class Call:
    """The arguments of an operation.

    Attributes:
        args, kwargs: as plain data.
        inputs: nodes that the tensors among them stand for.
        operands, read: these tensors, and their memory.
    """

    args: list[Json] = field(default_factory=list)
    kwargs: dict[str, Json] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    operands: list[Tensor] = field(default_factory=list)
    read: set[object] = field(default_factory=set)


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects nodes while it is active.

    Attributes:
        nodes: the graph of everything that ran.
        leaves: tensors that no operation made, by key.
        gradients: knows where autograd sees something else.
        output: the node of the module's result, once that is known.
        reads, own_reads: what Python itself read that depends on the input, and that does not: name, node, place.
        random: nodes that drew random numbers, and the function of torch.nn.functional in which they did.
        overwriting: nodes that wrote into the module's input.
        of_torch: paths of the layers that are PyTorch's own.
        broken: did something happen that cannot be recorded?
    """

    def __init__(
        self, module: nn.Module, x: Tensor, place_of: Callable[[Any], Place], starts: Mapping[str, str]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes = Nodes()
        self.leaves: dict[str, Tensor] = {}
        self.output: int | None = None
        self.reads: list[dict[str, Json]] = []
        self.own_reads: list[dict[str, Json]] = []
        self.random: list[tuple[int, str]] = []
        self.overwriting: list[int] = []
        self.broken = False
        self._starts = starts
        self._names: dict[int, tuple[str, str]] = {}
        for kind, prefix, named in (
            ("parameter", "p:", module.named_parameters(remove_duplicate=False)),
            ("buffer", "b:", module.named_buffers(remove_duplicate=False)),
        ):
            for name, tensor in named:
                self._names.setdefault(id(tensor), (kind, prefix + name))
        self.gradients = Gradients(self.nodes, set(self._names))
        self._failed: tuple[BaseException, Json] | None = None
        self._lent = Lent()
        parts = dict(module.named_modules())
        self._places = Places({id(part): path for path, part in parts.items()}, place_of)
        self.of_torch = {path for path, part in parts.items() if type(part).__module__.startswith("torch.")}
        self._values = Values(self.nodes.new, self._leaf, self.gradients.as_seen)
        self._values.bind(x, self.nodes.input(list(x.shape), x.requires_grad))
        self._input = self._values.memory(x)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; the default would import the whole compiler, which takes over a second."""
        return False

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

    def lend(self, method: str, tensor: Tensor) -> None:
        """A tensor's numbers go to something that is not torch."""
        with _disable_current_modes():
            self._recording(self._lend, method, tensor)

    def finish(self, result: Tensor) -> Json:
        """What `result` depends on, as plain data; None when something could not be recorded."""
        self.output = self._recording(lambda: self._read(result, self._values.memory(result)))
        return None if self.broken or self.output is None else self.nodes.graph(self.output)

    def failure(self, error: BaseException) -> tuple[Json, Json]:
        """The operation that raised an error, and what its operands depend on; or None for both."""
        if self._failed is None or self._failed[0] is not error:
            return None, None
        operation = self._failed[1]
        nodes = operation["nodes"]
        return operation, self.nodes.graph(nodes[-1], *nodes) if nodes and not self.broken else None

    # ------------------------------------------------------------------ one operation

    def _recording(self, step: Callable[..., Json], *args: Any) -> Json:
        """A step of recording. It never stops the module: sparse tensors and the like just cannot be recorded."""
        if self.broken:
            return None
        try:
            return step(*args)
        except Exception:
            self.broken = True
            return None

    def _plain_call(self, args: Any, kwargs: Any) -> Call:
        """Arguments as plain data, and the tensors among them; before the call, since it may write to them."""
        self.nodes.here = self._places.here()
        call = Call()
        call.args = [self._plain(value, call) for value in args]
        if kwargs:
            call.kwargs = {name: self._plain(value, call) for name, value in kwargs.items()}
        return call

    def _plain(self, value: object, call: Call) -> Json:
        """An argument as plain data; the node that it stands for goes to the `inputs` of the call."""
        if isinstance(value, Tensor):
            memory = self._values.memory(value)
            node = self._read(value, memory)
            call.inputs.append(node)
            call.operands.append(value)
            call.read.add(memory)
            return {"v": node}
        if isinstance(value, bool | int | str | None):
            return value
        if isinstance(value, float):
            return value if abs(value) < float("inf") else repr(value)
        if isinstance(value, list | tuple):
            return [self._plain(item, call) for item in value]
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        return {"other": type(value).__name__}

    def _record(self, func: Any, args: Any, kwargs: Any, call: Call, out: Any) -> None:
        """One operation that ran."""
        inputs = call.inputs
        operation = operation_of(func)
        outs = [o for o in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(o, Tensor)]
        if (operation.data_shaped or not (outs or operation.written)) and inputs:
            self._note_read(operation.name.split(".")[1], inputs)
        if not outs and not operation.written:
            return  # a number that Python reads
        gradient = torch.is_grad_enabled()
        node = self.nodes.new(
            operation.name,
            inputs,
            gradient and not operation.cuts and any(tensor.requires_grad for tensor in call.operands),
            args=call.args,
            kwargs=call.kwargs,
            shapes=[list(o.shape) for o in outs],
            gradient=gradient,
            mutates=[position for position, _ in operation.written if position < len(args)],
        )
        if operation.draws(args, kwargs):
            self.random.append((node, self._places.function()))
        for position, name in operation.written:
            for tensor in tensors([args[position] if position < len(args) else kwargs.get(name)]):
                self._write(tensor, node)
        if not operation.written:
            self._bind(outs, node, call.read)

    def _bind(self, outs: list[Tensor], node: int, read: set[object]) -> None:
        """The results of a node are new values, or views of memory that it read."""
        for position, tensor in enumerate(outs):
            made = node
            if len(outs) > 1:
                shapes = [list(tensor.shape)]
                made = self.nodes.new("getitem", [node], args=[{"v": node}, position], shapes=shapes)
            self.gradients.gave(made, tensor)
            self._values.bind_result(tensor, made, read)

    def _write(self, tensor: Tensor, node: int) -> None:
        memory = self._values.memory(tensor)
        if memory == self._input:
            self.overwriting.append(node)
        self.gradients.wrote(*self._values.write(tensor, node), tensor)
        self._lent.refresh(memory)

    def _read(self, tensor: Tensor, memory: object) -> int:
        """The node whose result `tensor` holds now, with the gradient that it has."""
        if self._lent.changed(memory):
            self._lent.refresh(memory)
            self.reads.append({"what": "changed", "node": 0, **self.nodes.here})
            self._values.bind(tensor, self._leaf(tensor))
        return self.gradients.as_seen(self._values.read(tensor, memory), tensor)

    def _leaf(self, tensor: Tensor) -> int:
        """A node for a tensor that no recorded operation made."""
        learnable = tensor.requires_grad and tensor.is_leaf
        nameless = ("unregistered" if learnable else "constant", f"#{len(self.nodes.said)}")
        kind, key = self._names.get(id(tensor), nameless)
        self.leaves[key] = tensor
        initial = self._starts.get(key) or initial_value(tensor)
        leaf: dict[str, Json] = {"kind": kind, "key": key, "learnable": learnable, "initial": initial}
        if kind == "constant" and tensor.numel() == 1 and not tensor.is_complex():
            value = float(tensor.detach().double())
            leaf["value"] = value if abs(value) < float("inf") else None
        return self.nodes.new("leaf", tracked=tensor.requires_grad, leaf=leaf, shapes=[list(tensor.shape)])

    # ------------------------------------------------------------------ what else happens

    def _note_read(self, what: str, nodes: list[int]) -> None:
        """Python reads numbers of these nodes."""
        reads = self.reads if any(self.nodes.of_input[i] for i in nodes) else self.own_reads
        reads.append({"what": what.strip("_"), "node": nodes[0], **self.nodes.here})

    def _lend(self, method: str, tensor: Tensor) -> None:
        self.nodes.here = self._places.here()
        memory = self._values.memory(tensor)
        self._note_read(method, [self._read(tensor, memory)])
        if method in LENDERS:
            self._lent.remember(memory, tensor)

    def refused(self, error: BaseException, op: str, operands: list[Tensor]) -> None:
        """An operation was refused its operands before it ran."""
        with _disable_current_modes():
            call = self._recording(self._plain_call, operands, {})
            self._recording(self._note_failure, error, op, call)

    def _note_failure(self, error: BaseException, func: Any, call: Call) -> None:
        inputs = call.inputs
        operation = {
            "op": str(func),
            "nodes": inputs,
            "shapes": [self.nodes.said[i].get("shapes", [[]])[0] for i in inputs],
            "depths": [self.nodes.convolutions_before(i) for i in inputs],
            **self.nodes.here,
        }
        self._failed = (error, operation)


def initial_value(tensor: Tensor) -> str:
    """Did it start as all zeros or all ones? Tells a hand-written batch norm's scale from its shift."""
    if not tensor.numel() or not tensor.is_floating_point():
        return "other"
    first = tensor.detach().reshape(-1)[0].item()
    if first in (0.0, 1.0) and bool((tensor.detach() == first).all()):
        return "one" if first else "zero"
    return "other"
