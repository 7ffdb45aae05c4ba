"""A graph that grows while a module runs, as plain data (see `grader.graph`)."""

from __future__ import annotations

from typing import Any

Json = Any
# Operations with weights, as far as their names tell.
WEIGHTED = tuple(f"aten.{name}" for name in ("convolution", "addmm", "mm", "bmm"))


class Nodes:
    """Nodes by their ids, which are their numbers.

    Attributes:
        said: each node as plain data.
        inputs: for each node the nodes that it reads.
        of_input: for each node, does it depend on the module's input?
        tracked: for each node, does autograd follow it?
        here: cell, line and layer of what is running, for nodes that are made meanwhile.
    """

    def __init__(self) -> None:
        self.said: list[dict[str, Json]] = []
        self.inputs: list[list[int]] = []
        self.of_input: list[bool] = []
        self.tracked: list[bool] = []
        self.here: dict[str, Json] = {}

    def new(self, op: str, inputs: list[int] | None = None, tracked: bool | None = None, **fields: Json) -> int:
        """A node, and its id. Unless told otherwise it is tracked if what it reads is."""
        node, inputs = len(self.said), inputs or []
        # What is empty goes without saying: the graph travels as text.
        known = {name: value for name, value in fields.items() if value not in (None, [], {})}
        self.said.append({"id": node, "op": op, **known, **self.here})
        self.inputs.append(inputs)
        self.of_input.append(any(self.of_input[i] for i in inputs))
        self.tracked.append(any(self.tracked[i] for i in inputs) if tracked is None else tracked)
        return node

    def input(self, shape: list[int], tracked: bool) -> int:
        """The leaf that is the module's input."""
        node = self.new("leaf", tracked=tracked, leaf={"kind": "input", "key": "x"}, shapes=[shape])
        self.of_input[node] = True
        return node

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

    def reached_from(self, output: int) -> set[str]:
        """Keys of the leaves to which the gradient of a node flows."""
        if not self.tracked[output]:
            return set()
        todo, seen = [output], {output}
        while todo:
            before = [i for i in self.inputs[todo.pop()] if self.tracked[i] and i not in seen]
            seen.update(before)
            todo += before
        return {self.said[node]["leaf"]["key"] for node in seen if "leaf" in self.said[node]}

    def convolutions_before(self, node: int) -> int:
        """How many weighted operations lead to a node, itself among them."""
        return sum(self.said[i]["op"].startswith(WEIGHTED) for i in self.live(node))

    def graph(self, output: int, *others: int) -> Json:
        """What some nodes depend on, as plain data."""
        live = self.live(output, *others)
        return {"nodes": [node for node in self.said if node["id"] in live], "output": output}
