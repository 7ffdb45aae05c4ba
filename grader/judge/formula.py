"""What a module computes, as a formula that its author can read: `y = relu(bn(conv3x3(x)) + x)`."""

from __future__ import annotations

import math

from grader.graph import Graph, Node
from grader.language import later, say

MOST_CHARACTERS = 600
# Operations that change how a value is stored and not what it is.
SILENT = frozenset("clone alias lift_fresh contiguous _to_copy view _unsafe_view detach_ getitem".split())
INFIX = {"add": "+", "sub": "-", "mul": "·", "div": "/"}
_SPOKEN = {
    "add": later("the addition"),
    "sub": later("the subtraction"),
    "mul": later("the multiplication"),
    "div": later("the division"),
}


def formula(graph: Graph) -> str:
    """The recorded computation, or "" when it is too long to help."""
    nodes = graph.by_id
    said: dict[int, str] = {}
    of_input: set[int] = set()
    for node in graph.nodes:
        if (node.leaf is not None and node.leaf.kind == "input") or not of_input.isdisjoint(node.inputs):
            of_input.add(node.id)
        said[node.id] = _say(node, nodes, said, of_input)
        if len(said[node.id]) > MOST_CHARACTERS:
            return ""
    text = said[graph.output]
    return f"y = {text[1:-1] if _is_wrapped(text) else text}"


def describe(graph: Graph, node: Node) -> str:
    """One operation in words: what it is, and in which layer it ran."""
    name = say(_SPOKEN.get(node.name, "")) or _name(node, graph.by_id)
    return say("{operation} (layer {layer})", operation=name, layer=node.module) if node.module else name


# What people call them, where that is another name than PyTorch's own.
_CALLED = {"native_batch_norm": "bn", "constant_pad_nd": "pad", "mm": "linear", "addmm": "linear"}


def _say(node: Node, nodes: dict[int, Node], said: dict[int, str], of_input: set[int]) -> str:
    if node.leaf is not None:
        if node.leaf.kind == "input":
            return "x"
        return node.leaf.key[2:] if node.leaf.key[1:2] == ":" else _number(node.leaf.value) or "w"
    # Weights stand in the names of layers; only what depends on the input, or is a plain number, is an operand.
    operands = [said[i] for i in node.inputs if i in of_input]
    numbers = [_number(value) for value in node.args[1:2] if isinstance(value, int | float)]
    if node.name in SILENT and len(operands) == 1:
        return operands[0]
    if node.name in INFIX:
        scale = _number(node.kwargs.get("alpha"))
        if len(operands) == 2 and scale not in ("", "1"):
            operands[1] = f"{scale}·{operands[1]}"
        operands += numbers if len(operands) == 1 else []
        if len(operands) == 2:
            return f"({operands[0]} {INFIX[node.name]} {operands[1]})"
    inner = ", ".join(_bare(operand) for operand in operands)
    return f"{_name(node, nodes)}({inner})"


def _name(node: Node, nodes: dict[int, Node]) -> str:
    if node.name == "convolution":
        kernel = nodes[node.inputs[1]].shape[2:] if len(node.inputs) > 1 else []
        stride = node.args[3] if len(node.args) > 3 else None
        strided = isinstance(stride, list) and stride and stride[0] != 1
        return f"conv{'x'.join(map(str, kernel))}" + (f"/{stride[0]}" if strided and isinstance(stride, list) else "")
    return _CALLED.get(node.name, node.name.removeprefix("native_"))


def _number(value: object) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    return told_from(round(value), value) if math.isfinite(value) else f"{value:g}"


def told_from(other: float, value: float, digits: int = 6) -> str:
    """A number in a few digits, and in more where these are those of another number: nearly 1 is not 1."""
    if value == other:
        return f"{value:.{digits}g}"
    return next(text for more in range(digits, 18) if float(text := f"{value:.{more}g}") != other)


def _is_wrapped(text: str) -> bool:
    """Do the first and the last parenthesis belong together?"""
    if not text.startswith("("):
        return False
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position == len(text) - 1
    return False


def _bare(text: str) -> str:
    return text[1:-1] if _is_wrapped(text) else text
