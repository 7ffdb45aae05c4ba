"""Record what a module computes, from execution: every aten operation, with the identity of each value.

A value is identified by its memory (storage), its geometry (offset, shape, strides, dtype) and the version of that
memory, so that views, in-place operations, `.data` aliases and `out=` all resolve to the node that last wrote what
is read. This file runs on both sides: behind the wall for a student's module, and on the trusted side for the
reference. It imports nothing of the grader.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

Geometry = tuple[int, tuple[int, ...], tuple[int, ...], torch.dtype]
Place = tuple[int | None, int | None]  # cell and line
Json = Any
# Operations with weights, as far as their names tell.
WEIGHTED = tuple(f"aten.{name}" for name in ("convolution", "addmm", "mm", "bmm"))


def record(
    module: nn.Module, x: Tensor, place_of: Callable[[Any], Place] | None = None
) -> tuple[Json, dict[str, Tensor], object, int]:
    """Run `module(x)` and record it.

    Args:
        place_of: the cell and line of a Python frame, (None, None) for a frame that is not the student's.

    Returns:
        The graph as plain data (see `grader.graph`), the leaf tensors by key, what the module returned, and how many
        operations it executed. The graph is None when the result is not one tensor, or could not be recorded.

    Raises:
        Whatever the module raises; `failed_operation` then tells where.
    """
    recorder = Recorder(module, place_of)
    recorder.bind_input(x)
    with recorder:
        result = module(x)
    graph = recorder.graph(result) if isinstance(result, Tensor) else None
    return graph, recorder.leaves, result, sum(node["op"] != "leaf" for node in recorder.nodes)


def failed_operation(error: BaseException) -> Json:
    """The operation that raised while it was recorded: its name, the shapes of its operands, and how many convolutions
    lead to each; or None."""
    return getattr(error, "_grader_operation", None)


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects nodes while it is active."""

    def __init__(self, module: nn.Module, place_of: Callable[[Any], Place] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[dict[str, Json]] = []
        self.leaves: dict[str, Tensor] = {}
        self.broken = False  # did something happen that cannot be recorded?
        self._place_of = place_of or (lambda frame: (None, None))
        self._paths = {id(part): path for path, part in module.named_modules()}
        self._names: dict[int, tuple[str, str]] = {}
        for kind, prefix, named in (
            ("parameter", "p:", module.named_parameters(remove_duplicate=False)),
            ("buffer", "b:", module.named_buffers(remove_duplicate=False)),
        ):
            for name, tensor in named:
                self._names.setdefault(id(tensor), (kind, prefix + name))
        self._alive: list[Any] = []  # memory must not be reused while its address is an identity
        self._version: dict[object, int] = {}
        self._whole: dict[object, tuple[int, Geometry]] = {}  # memory: the node that holds all of it
        self._known: dict[tuple[object, Geometry], tuple[int, int]] = {}  # one geometry of it: version and node

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing here is compiled; the default would import the whole compiler, which takes over a second."""
        return False

    # ------------------------------------------------------------------ identity

    def bind_input(self, x: Tensor) -> None:
        """Make `x` the input of the graph."""
        node = self._new("leaf", leaf={"kind": "input", "key": "x"}, shapes=[list(x.shape)])
        self._bind(x, node)

    def _memory(self, tensor: Tensor) -> object:
        storage = tensor.untyped_storage()
        self._alive.append((storage, tensor))
        return storage.data_ptr() or ("empty", storage._cdata)

    def _new(self, op: str, **fields: Json) -> int:
        node = len(self.nodes)
        # What is empty goes without saying: the graph travels as text.
        said = {name: value for name, value in fields.items() if value not in (None, [], {})}
        self.nodes.append({"id": node, "op": op, **said})
        return node

    def _bind(self, tensor: Tensor, node: int) -> None:
        """`tensor` is fresh memory that `node` made."""
        memory, geometry = self._memory(tensor), _geometry(tensor)
        self._version[memory] = self._version.get(memory, -1) + 1
        self._whole[memory] = (node, geometry)
        self._known[memory, geometry] = (self._version[memory], node)

    def _read(self, tensor: Tensor) -> int:
        """The node whose result `tensor` holds now."""
        memory, geometry = self._memory(tensor), _geometry(tensor)
        version, node = self._known.get((memory, geometry), (-1, -1))
        if memory in self._whole and version == self._version[memory]:
            return node
        if memory in self._whole:
            root, whole = self._whole[memory]
            if whole == geometry:
                node = root
            else:
                node = self._new("alias", args=[{"v": root}, *_relative(geometry, whole)], shapes=[list(tensor.shape)])
            self._known[memory, geometry] = (self._version[memory], node)
            return node
        node = self._leaf(tensor)
        self._bind(tensor, node)
        return node

    def _leaf(self, tensor: Tensor) -> int:
        kind, key = self._names.get(id(tensor), ("", ""))
        learnable = tensor.requires_grad and tensor.is_leaf
        if not kind:
            kind = "unregistered" if learnable else "constant"
        node = len(self.nodes)
        key = key or f"#{node}"
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
        return self._new("leaf", leaf=leaf, shapes=[list(tensor.shape)], **self._where())

    # ------------------------------------------------------------------ recording

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        plain = self._recording(lambda: self._plain_call(args, kwargs))
        try:
            out = func(*args, **kwargs)
        except Exception as error:
            if failed_operation(error) is None:
                operands = list(_tensors([args, list(kwargs.values())]))
                error._grader_operation = self._recording(  # type: ignore[attr-defined]
                    lambda: {
                        "op": str(func),
                        "shapes": [list(tensor.shape) for tensor in operands],
                        "depths": [self._convolutions_before(self._read(tensor)) for tensor in operands],
                    }
                )
            raise
        self._recording(lambda: self._record(func, args, kwargs, plain, out))
        return out

    def _recording(self, step: Callable[[], Json]) -> Json:
        """A step of recording. It never stops the module: sparse tensors and the like just cannot be recorded."""
        if self.broken:
            return None
        try:
            return step()
        except Exception:
            self.broken = True
            return None

    def _plain_call(self, args: Any, kwargs: Any) -> tuple[list[Json], dict[str, Json], dict[str, Json]]:
        """Arguments as plain data, and where the call is made; before it runs, since it may write to them."""
        plain = [self._plain(value) for value in args]
        return plain, {name: self._plain(value) for name, value in kwargs.items()}, self._where()

    def _record(self, func: Any, args: Any, kwargs: Any, plain: Json, out: Any) -> None:
        """One operation that ran."""
        plain_args, plain_kwargs, where = plain
        if str(func).startswith("aten._local_scalar_dense"):
            return
        outs = [o for o in (out if isinstance(out, (tuple, list)) else (out,)) if isinstance(o, Tensor)]
        written = [
            position
            for position, argument in enumerate(func._schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        node = self._new(
            str(func),
            args=plain_args,
            kwargs=plain_kwargs,
            shapes=[list(o.shape) for o in outs],
            gradient=torch.is_grad_enabled(),
            mutates=[position for position in written if position < len(args)],
            **where,
        )
        if written:
            for position in written:
                target = args[position] if position < len(args) else kwargs.get(func._schema.arguments[position].name)
                for tensor in _tensors([target]):
                    self._write(tensor, node, where)
            return
        read = {self._memory(tensor) for tensor in _tensors([args, list(kwargs.values())])}
        for position, tensor in enumerate(outs):
            made = node
            if len(outs) > 1:
                made = self._new("getitem", args=[{"v": node}, position], shapes=[list(tensor.shape)], **where)
            memory = self._memory(tensor)
            if memory in read and memory in self._whole:  # a view of something read
                self._known.setdefault((memory, _geometry(tensor)), (-1, -1))
                if self._known[memory, _geometry(tensor)][0] != self._version[memory]:
                    self._known[memory, _geometry(tensor)] = (self._version[memory], made)
            else:
                self._bind(tensor, made)

    def _write(self, tensor: Tensor, node: int, where: dict[str, Json]) -> None:
        """`node` wrote into the memory of `tensor`."""
        self._read(tensor)
        memory, geometry = self._memory(tensor), _geometry(tensor)
        root, whole = self._whole[memory]
        self._version[memory] += 1
        fills = tensor.is_contiguous() and tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes()
        if whole == geometry or fills:
            self._whole[memory] = (node, geometry)
        else:
            rest = [{"v": root}, {"v": node}, *_relative(geometry, whole)]
            root = self._new("scatter", args=rest, shapes=[list(whole[1])], **where)
            self._whole[memory] = (root, whole)
            self._known[memory, whole] = (self._version[memory], root)
        self._known[memory, geometry] = (self._version[memory], node)

    def _plain(self, value: object) -> Json:
        """An argument as plain data."""
        if isinstance(value, Tensor):
            return {"v": self._read(value)}
        if isinstance(value, bool | int | str | None):
            return value
        if isinstance(value, float):
            return value if abs(value) < float("inf") else repr(value)
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        return {"other": type(value).__name__}

    def _where(self) -> dict[str, Json]:
        """Cell, line and module path, read from the Python frames."""
        frame = sys._getframe(1)
        place: Place = (None, None)
        path = None
        while frame is not None and (place[0] is None or path is None):
            if place[0] is None:
                place = self._place_of(frame)
            if path is None:
                owner = frame.f_locals.get("self")
                if isinstance(owner, nn.Module):
                    path = self._paths.get(id(owner))
            frame = frame.f_back  # type: ignore[assignment]
        return {"cell": place[0], "line": place[1], "module": path}

    def _live(self, output: int) -> set[int]:
        """A node and everything that it depends on."""
        live: set[int] = set()
        todo = [output]
        while todo:
            node = todo.pop()
            if node not in live:
                live.add(node)
                todo += _references([self.nodes[node].get("args", []), self.nodes[node].get("kwargs", {})])
        return live

    def _convolutions_before(self, node: int) -> int:
        return sum(self.nodes[i]["op"].startswith(WEIGHTED) for i in self._live(node))

    def graph(self, result: Tensor) -> Json:
        """What `result` depends on, as plain data; None when something could not be recorded."""
        output = self._recording(lambda: self._read(result))
        if self.broken:
            return None
        live = self._live(output)
        return {"nodes": [node for node in self.nodes if node["id"] in live], "output": output}


def _geometry(tensor: Tensor) -> Geometry:
    return (int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype)


def _relative(part: Geometry, whole: Geometry) -> list[Json]:
    """Offset, shape and strides of a part, relative to the whole: arguments for `torch.as_strided`."""
    return [part[0] - whole[0], list(part[1]), list(part[2])]


def initial_value(tensor: Tensor) -> str:
    """Did it start as all zeros or all ones? Tells a hand-written batch norm's scale from its shift."""
    if not tensor.numel() or not tensor.is_floating_point():
        return "other"
    first = tensor.detach().reshape(-1)[0].item()
    if first in (0.0, 1.0) and bool((tensor.detach() == first).all()):
        return "one" if first else "zero"
    return "other"


def _tensors(values: Iterable[object]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _references(value: object) -> Iterator[int]:
    if isinstance(value, dict):
        if "v" in value:
            yield value["v"]
        else:
            for item in value.values():
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
