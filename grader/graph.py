"""A module's computation as plain data: executed aten operations in the order they ran, in single assignment form.

An argument that stands for a tensor is written `{"v": id}`, with the id of the node that made it. Graphs of
students are self-reports: they steer alignment and wording, and nothing in them is ever evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_NODES = 10_000
MAX_NUMBERS = 1 << 16  # of one constant
Shape = Annotated[list[Annotated[int, Field(ge=0, lt=2**48)]], Field(max_length=32)]
# What the wire can carry: it comes as JSON, so that asking again whether it is JSON would cost much and tell nothing.
Argument = Any
LeafKind = Literal["input", "parameter", "buffer", "unregistered", "constant"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Leaf(_Data):
    """Where a value comes from that no recorded operation made.

    `key` names the tensor for the worker: `p:` and a parameter's name, `b:` and a buffer's, or `#` and the id
    of its node for a tensor that the module does not register. `values` are the numbers of one that nobody sets.
    """

    kind: LeafKind
    key: str = Field("", max_length=500)
    learnable: bool = False
    initial: Literal["zero", "one", "other"] = "other"
    value: float | None = None  # of a constant with one element
    values: list[float] | None = Field(None, max_length=MAX_NUMBERS)
    dtype: str | None = Field(None, max_length=50)  # of `values`, where it is another than the graph's


class Node(_Data):
    """One executed operation, or one leaf."""

    id: int
    op: str = Field(max_length=200)  # "leaf", or aten's name with its overload: "aten.add.Tensor"
    args: list[Argument] = Field(default_factory=list, max_length=2000)
    kwargs: dict[str, Argument] = Field(default_factory=dict, max_length=50)
    shapes: list[Shape] = Field(default_factory=list, max_length=2000)  # of the outputs
    leaf: Leaf | None = None
    gradient: bool = True  # was autograd recording?
    mutates: list[int] = Field(default_factory=list)  # positions of arguments that are written
    module: str | None = Field(None, max_length=500)
    cell: int | None = None
    line: int | None = None

    @cached_property
    def name(self) -> str:
        """`add` for `aten.add_.Tensor`: the operation, in place or not."""
        parts = self.op.split(".")
        return parts[1].rstrip("_") if len(parts) > 1 else self.op

    @cached_property
    def inputs(self) -> list[int]:
        """Ids of the nodes that this one reads, in order."""
        found = _references(self.args)
        return found + _references(list(self.kwargs.values())) if self.kwargs else found

    @cached_property
    def operands(self) -> list[tuple[int, int]] | None:
        """Position and id of each node among the arguments, where none stands within a list, and all others are plain
        values; else None."""
        found: list[tuple[int, int]] = []
        for position, argument in enumerate(self.args):
            if isinstance(argument, dict):
                if "v" not in argument:
                    return None
                found.append((position, argument["v"]))
            elif isinstance(argument, list) and any(isinstance(item, dict | list) for item in argument):
                return None
        return found

    @cached_property
    def identity(self) -> str:
        """Equal for nodes that do the same with the same values, wherever they were written. A text knows its hash."""
        return repr((self.id, self.op, self.args, self.kwargs, self.shapes, self.leaf, self.gradient))

    def changed(self, **fields: object) -> Node:
        """The node with other fields."""
        other = self.model_copy(update=fields)
        for cached in ("name", "inputs", "operands", "identity"):  # the copy carries what was cached
            other.__dict__.pop(cached, None)
        return other

    @property
    def shape(self) -> list[int]:
        return self.shapes[0] if self.shapes else []


class Graph(_Data):
    """Nodes in the order they ran; `output` is the id of the node that made the module's result."""

    nodes: list[Node] = Field(max_length=MAX_NODES)
    output: int

    @cached_property
    def by_id(self) -> dict[int, Node]:
        """Its nodes by their ids; not to be changed, as the graph is not."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def users(self) -> dict[int, list[Node]]:
        """Which nodes read a node; not to be changed either."""
        users: dict[int, list[Node]] = {node.id: [] for node in self.nodes}
        for node in self.nodes:
            for i in set(node.inputs):
                users[i].append(node)
        return users

    @cached_property
    def of_input(self) -> set[int]:
        """Nodes that depend on the module's input, itself among them; not to be changed either."""
        found: set[int] = set()
        for node in self.nodes:
            if (node.leaf is not None and node.leaf.kind == "input") or not found.isdisjoint(node.inputs):
                found.add(node.id)
        return found

    @property
    def input(self) -> Node:
        """The leaf that is the module's input.

        Raises:
            LookupError: the module does not read its input.
        """
        for node in self.nodes:
            if node.leaf is not None and node.leaf.kind == "input":
                return node
        raise LookupError("the module does not read its input")

    @cached_property
    def is_sound(self) -> bool:
        """Is every id unique, and made before it is read?"""
        seen: set[int] = set()
        for node in self.nodes:
            if node.id in seen or not seen.issuperset(node.inputs):
                return False
            seen.add(node.id)
        return self.output in seen


def leading_to(nodes: Mapping[int, Node], node: int) -> set[int]:
    """Of nodes by their ids, one and everything it depends on."""
    found: set[int] = set()
    todo = [node]
    while todo:
        i = todo.pop()
        if i not in found:
            found.add(i)
            todo += nodes[i].inputs
    return found


def _references(arguments: list[Argument]) -> list[int]:
    found: list[int] = []
    for argument in arguments:
        if isinstance(argument, dict):
            if isinstance(argument.get("v"), int):
                found.append(argument["v"])
        elif isinstance(argument, list):
            found += _references(argument)
    return found
