"""From recorded graphs to steps: layers are put together again, and sizes that come from the input are seen as such.

One case is recorded for inputs of two sizes and in both modes. A number that changes with the input's size is a
`Size`; a batch norm that changes with the mode follows the mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from math import prod
from typing import Any

from grader.audit.program import Size, Step, Unsayable, Value, Weight, renamed
from grader.graph import Graph, Node
from grader.judge.replay import operation

FOREVER = 2**62  # slices without an end are recorded with a number beyond this
NORMS = {
    "native_batch_norm": "batch_norm",
    "native_group_norm": "group_norm",
    "native_layer_norm": "layer_norm",
}
NORM_NAMES = {
    "weight": "weight",
    "bias": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
    "training": "training",
    "momentum": "momentum",
    "eps": "eps",
    "group": "num_groups",
    "normalized_shape": "normalized_shape",
}
FIRST_ONLY = frozenset((*NORMS, "max_pool2d_with_indices", "max_pool1d_with_indices", "max_pool3d_with_indices"))
MEASURED = ("weight", "running_mean")  # whose shape tells the sizes of a layer
NOT_SAID = ("cudnn_enabled", "cudnn_enable")
FOLLOWS = "the mode"  # of a batch norm's training argument
Modes = tuple[list[Step], ...]  # one list of steps for both modes, or one for evaluation and one for training


def lift_modes(evaluation: Sequence[Graph], training: Sequence[Graph]) -> Modes:
    """The steps of one case, from its recordings in each mode.

    Args:
        evaluation, training: recordings of the same computation for inputs of different sizes.

    Raises:
        Unsayable: something was recorded that no step stands for.
    """
    quiet, busy = lift(evaluation), lift(training)
    if len(quiet) != len(busy):
        return quiet, busy
    both = [_in_both_modes(one, other) for one, other in zip(quiet, busy, strict=True)]
    found = [step for step in both if step is not None]
    return (found,) if len(found) == len(both) else (quiet, busy)


def _in_both_modes(quiet: Step, busy: Step) -> Step | None:
    """One step that does what these do, each in its mode; None when they differ in more than that."""
    if quiet == busy:
        return quiet
    changed = {**quiet.arguments, "training": True}
    if quiet.op == busy.op == "batch_norm" and quiet.out == busy.out and changed == busy.arguments:
        return Step(quiet.out, quiet.op, {**quiet.arguments, "training": FOLLOWS}, quiet.rank, quiet.detached)
    return None


def lift(recordings: Sequence[Graph]) -> list[Step]:
    """The steps of one case in one mode. The last one gives the result.

    Raises:
        Unsayable: something was recorded that no step stands for.
    """
    ops = [[node.op for node in graph.nodes] for graph in recordings]
    if any(other != ops[0] for other in ops[1:]):
        raise Unsayable("what is computed depends on the size of the input")
    found = _Lift(recordings).steps()
    return _needed(found, found[-1].out if found else Value(0))


class _Lift:
    def __init__(self, recordings: Sequence[Graph]) -> None:
        self.graphs = recordings
        self.main = recordings[0]
        self.nodes = self.main.by_id
        self.terms: dict[int, object] = {}  # a node as an argument
        self.found: list[Step] = []
        # The shapes that a value has in the recordings.
        self.shapes: dict[Value, list[list[int]]] = {}

    def steps(self) -> list[Step]:
        for same in zip(*(graph.nodes for graph in self.graphs), strict=True):
            node = same[0]
            if node.leaf is not None:
                self.terms[node.id] = self._leaf(node)
                if node.leaf.kind == "input":
                    self.shapes[Value(0)] = [n.shape for n in same]
            elif node.op == "getitem":
                self.terms[node.id] = self._pick(node)
            else:
                self._operation(node, same)
        output = self.terms[self.main.output]
        if not self.found or output != self.found[-1].out:
            self._add("identity", {"self": output})
        return self.found

    def _leaf(self, node: Node) -> object:
        assert node.leaf is not None
        if node.leaf.kind == "input":
            return Value(0)
        if node.leaf.kind in ("parameter", "buffer"):
            return Weight(node.leaf.key)
        if node.leaf.value is not None:
            return node.leaf.value
        raise Unsayable("it uses a tensor that it does not register")

    def _pick(self, node: Node) -> object:
        """One of several results."""
        source = self.nodes[node.inputs[0]]
        if source.name not in FIRST_ONLY:
            return self._add("getitem", {"self": self.terms[source.id], "index": node.args[1]})
        if node.args[1] != 0:
            raise Unsayable(f"it uses the result number {node.args[1]} of {source.op}")
        return self.terms[source.id]

    def _operation(self, node: Node, same: Sequence[Node]) -> None:
        arguments = self._arguments(node, same)
        first = next((item for item in arguments.values() if isinstance(item, Value)), Value(0))
        shapes = self.shapes.get(first, [[]])
        rank = len(shapes[0]) or len(self.shapes[Value(0)][0])
        op, arguments = self._layer(node, arguments)
        value = self._add(op, arguments, rank, detached=not node.gradient)
        self.terms[node.id] = value
        self.shapes[value] = [n.shape for n in same]

    def _add(self, op: str, arguments: dict[str, Any], rank: int = 4, *, detached: bool = False) -> Value:
        value = Value(len(self.found) + 1)
        self.found.append(Step(value, op, arguments, rank, detached))
        return value

    # ------------------------------------------------------------------ arguments

    def _arguments(self, node: Node, same: Sequence[Node]) -> dict[str, Any]:
        """The arguments by name, without those that are at their default."""
        schema = operation(node.op)._schema
        read = [self.terms[i] for i in node.inputs]
        values = [term for term in read if isinstance(term, Value)]
        found: dict[str, Any] = {}
        for position, declared in enumerate(schema.arguments):
            if position < len(node.args):
                given = [n.args[position] for n in same]
            elif declared.name in node.kwargs:
                given = [n.kwargs[declared.name] for n in same]
            else:
                continue
            term = self._term(given, [*values, Value(0)])
            if not (declared.has_default_value() and term == declared.default_value):
                found[declared.name] = term
        return found

    def _term(self, given: Sequence[object], values: list[Value]) -> object:
        """What an argument is, from what it was in each recording."""
        first = given[0]
        if isinstance(first, dict):
            if "v" in first:
                return self.terms[first["v"]]
            raise Unsayable(f"it uses an argument of kind {', '.join(map(str, first))}")
        if isinstance(first, list):
            rows = [item for item in given if isinstance(item, list)]
            return [self._term(column, values) for column in zip(*rows, strict=True)]
        if isinstance(first, int) and not isinstance(first, bool):
            return self._number([item for item in given if isinstance(item, int)], values)
        return first

    def _number(self, given: list[int], values: list[Value]) -> object:
        if all(number == given[0] for number in given):
            return given[0] if given[0] < FOREVER else None
        # A size as it is before one that is divided: of two sizes a rounded quotient is soon what it should be.
        for divisor, value in product((1, 2, 4), values):
            shapes = self.shapes.get(value, [])
            for many in (1, 2, 3):
                for chosen in combinations(range(len(shapes[0]) if shapes else 0), many):
                    sizes = [prod(shape[d] for d in chosen) for shape in shapes]
                    if [-(-size // divisor) for size in sizes] == given:
                        return Size(value, chosen, divisor)
        raise Unsayable(f"it uses numbers that depend on the size of the input, {given}, and it is not seen how")

    # ------------------------------------------------------------------ layers

    def _layer(self, node: Node, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Name and arguments of a layer, where the operation is one; else as they are.

        The sizes that a layer of torch.nn is made with are among them.
        """
        op = node.name
        if op in NORMS:
            named = {NORM_NAMES[name]: term for name, term in arguments.items() if name in NORM_NAMES}
            op, arguments = NORMS[op], {"self": arguments["input"], **named}
        elif "input" in arguments:  # aten's name for it in some layers
            arguments = {"self": arguments.pop("input"), **arguments}
            for name in NOT_SAID:
                arguments.pop(name, None)
            if op in NORMS.values():
                arguments = {"eps": 1e-05, **arguments}
        elif op in ("addmm", "mm") and self._transposed(arguments["mat2"]) is not None:
            left, bias = ("mat1", arguments["self"]) if op == "addmm" else ("self", None)
            weight = self._transposed(arguments["mat2"])
            op, arguments = "linear", {"self": arguments[left], "weight": weight, "bias": bias}
        arguments.pop("half_to_float", None)  # of a softmax
        tensor = next((arguments[name] for name in MEASURED if isinstance(arguments.get(name), Weight)), None)
        return op, arguments | (self._sizes(op, arguments, tensor) if tensor is not None else {})

    def _sizes(self, op: str, arguments: dict[str, Any], tensor: Weight) -> dict[str, Any]:
        shape = next(n.shape for n in self.main.nodes if n.leaf is not None and n.leaf.key == tensor.key)
        match op:
            case "convolution":
                groups = arguments["groups"]
                return {"in_channels": shape[1] * groups, "out_channels": shape[0], "kernel_size": shape[2:]}
            case "linear":
                return {"in_features": shape[1], "out_features": shape[0]}
            case "batch_norm":
                return {"num_features": shape[0]}
            case "group_norm":
                return {"num_channels": shape[0]}
        return {}

    def _transposed(self, term: object) -> object:
        """The weight that a value is the transpose of, or None."""
        made = next((step for step in self.found if step.out == term), None)
        if made is not None and made.op == "t" and isinstance(made.arguments["self"], Weight):
            return made.arguments["self"]
        return None


def _needed(steps: list[Step], output: Value) -> list[Step]:
    """Only what the output depends on, numbered without gaps."""
    wanted = {output}
    kept = []
    for step in reversed(steps):
        if step.out in wanted:
            kept.append(step)
            wanted.update(step.inputs)
    numbers = {Value(0): Value(0)}
    found = []
    for number, step in enumerate(reversed(kept), 1):
        found.append(renamed(step, Value(number), [numbers[value] for value in step.inputs]))
        numbers[step.out] = Value(number)
    return found
