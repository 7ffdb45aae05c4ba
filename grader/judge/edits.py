"""Change a graph: the tool with which mistakes are planted in a reference and freedoms are granted."""

from __future__ import annotations

from collections.abc import Mapping

from grader.graph import Graph, Leaf, Node, leading_to


class Editor:
    """A graph under change. Ids stay valid throughout; `graph()` drops what the output no longer needs."""

    def __init__(self, graph: Graph) -> None:
        self._source = graph
        self._nodes = dict(graph.by_id)
        self._is_changed = False
        self._next = max(self._nodes) + 1
        self.output = graph.output

    def __getitem__(self, node: int) -> Node:
        return self._nodes[node]

    def add(self, op: str, *args: object, **fields: object) -> int:
        """A new operation; nodes among its arguments are given as `ref(id)`.

        Its result has the shape of the first of them, unless `shapes` says otherwise.
        """
        node = Node.model_validate({"id": self._next, "op": op, "args": list(args), **fields})
        return self._add(node if node.shapes else node.changed(shapes=[self._nodes[node.inputs[0]].shape]))

    def add_leaf(self, leaf: Leaf, shape: list[int]) -> int:
        """A new parameter or buffer."""
        return self._add(Node(id=self._next, op="leaf", leaf=leaf, shapes=[shape]))

    def normalise(self, value: int, key: str, op: str, *settings: object) -> int:
        """A new batch norm of a value, with parameters of its own; nobody reads it yet.

        Args:
            settings: what the operation takes behind the parameters: the mode, momentum and eps.
        """
        channels = self._nodes[value].shape[1]
        leaves = [
            self.add_leaf(
                Leaf(kind=kind, key=f"{key} {name}", learnable=kind == "parameter", initial=initial), [channels]
            )
            for kind, name, initial in (
                ("parameter", "scale", "one"),
                ("parameter", "shift", "zero"),
                ("buffer", "mean", "zero"),
                ("buffer", "variance", "one"),
            )
        ]
        norm = self.add(op, ref(value), *map(ref, leaves), *settings)
        return self.add("getitem", ref(norm), 0, shapes=[self._nodes[value].shape])

    def repeat(self, node: int, instead: Mapping[int, int]) -> int:
        """The same operation again, with other nodes for some of those that it reads."""
        again = self._nodes[node]
        return self._add(again.changed(id=self._next, args=_replaced(again.args, instead)))

    def change(self, node: int, **fields: object) -> None:
        """Other fields for a node."""
        self._is_changed = True
        self._nodes[node] = self._nodes[node].changed(**fields)

    def set_argument(self, node: int, position: int, value: object) -> None:
        """Another argument for an operation."""
        args = list(self._nodes[node].args)
        args[position] = value
        self.change(node, args=args)

    def redirect(self, old: int, new: int, *, but: tuple[int, ...] = ()) -> None:
        """Whoever read `old` reads `new`, except the nodes in `but`, and `new` itself with what leads to it."""
        leads = leading_to(self._nodes, new)
        for node in list(self._nodes.values()):
            if node.id not in leads and node.id not in but and old in node.inputs:
                self.reread(node.id, old, new)
        if self.output == old:
            self.output = new

    def reread(self, node: int, old: int, new: int) -> None:
        """One node reads `new` where it read `old`."""
        reader = self._nodes[node]
        moved = {old: new}
        self.change(node, args=_replaced(reader.args, moved), kwargs=_replaced(reader.kwargs, moved))

    def graph(self) -> Graph:
        """The changed graph: only what the output needs, everything made before it is read; the graph itself if
        nothing was changed.

        Raises:
            ValueError: a value would have to be known before it is made.
        """
        if not self._is_changed and self.output == self._source.output:
            return self._source
        nodes = self._nodes
        done: dict[int, Node] = {}
        begun: set[int] = set()
        todo = [self.output]
        while todo:
            i = todo[-1]
            inputs = nodes[i].inputs
            if i in begun or not inputs:  # all that it reads is done
                begun.add(i)
                done.setdefault(i, nodes[i])
                todo.pop()
                continue
            begun.add(i)
            for read in reversed(inputs):
                if read not in begun:
                    todo.append(read)
                elif read not in done:
                    raise ValueError(f"node {read} would depend on itself")
        return Graph(nodes=list(done.values()), output=self.output)

    def _add(self, node: Node) -> int:
        self._nodes[node.id] = node
        self._next += 1
        return node.id


def changed_nodes(before: Graph, after: Graph) -> frozenset[int]:
    """Nodes of a graph that an edit changed or dropped, and those that read a leaf of which it did."""
    if after is before:
        return frozenset()
    kept = after.by_id
    found = {node.id for node in before.nodes if kept.get(node.id) is not node and kept.get(node.id) != node}
    leaves = {node.id for node in before.nodes if node.leaf is not None and node.id in found}
    found |= {node.id for node in before.nodes if not leaves.isdisjoint(node.inputs)}
    return frozenset(found | {before.output} if after.output != before.output else found)


def ref(node: int) -> dict[str, int]:
    """A node as an argument."""
    return {"v": node}


def _replaced(value: object, instead: Mapping[int, int]) -> object:
    if isinstance(value, dict):
        if "v" in value:
            return ref(instead.get(value["v"], value["v"]))
        return {name: _replaced(item, instead) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, instead) for item in value]
    return value
