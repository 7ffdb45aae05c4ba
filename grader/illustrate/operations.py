"""One aten operation in the words of a figure: `conv 3×3`, with `8→16, stride 2`.

The arguments are a student's self-report: whatever is not as torch would write it goes without saying.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.graph import Node
from grader.judge.uses import PRODUCTS, leaf_behind
from grader.language import later, many, say
from grader.pictures import Kind

MOST_LETTERS = 40
ACTIVATIONS = {
    "relu": "ReLU", "relu6": "ReLU6", "threshold": "ReLU", "leaky_relu": "Leaky ReLU", "prelu": "PReLU",
    "_prelu_kernel": "PReLU", "rrelu_with_noise": "RReLU", "elu": "ELU", "celu": "CELU", "selu": "SELU",
    "gelu": "GELU", "silu": "SiLU", "mish": "Mish", "hardswish": "Hardswish", "hardsigmoid": "Hardsigmoid",
    "hardtanh": "Hardtanh", "sigmoid": "sigmoid", "tanh": "tanh", "softplus": "softplus", "_softmax": "softmax",
    "_log_softmax": "log-softmax", "log_sigmoid_forward": "log-sigmoid",
}  # fmt: skip


def _by_name(words: dict[str, str]) -> dict[str, str]:
    """The word for each operation, from the operations that go by a word."""
    return {name: word for word, names in words.items() for name in names.split()}


NORMS = _by_name(
    {
        later("batch norm"): "native_batch_norm cudnn_batch_norm _native_batch_norm_legit "
        "_native_batch_norm_legit_no_training",
        later("group norm"): "native_group_norm",
        later("layer norm"): "native_layer_norm",
    }
)
JOINS = _by_name(
    {
        later("add"): "add",
        later("subtract"): "sub rsub",
        later("multiply"): "mul",
        later("divide"): "div",
        later("concatenate"): "cat",
        later("stack"): "stack",
        later("maximum"): "maximum max",
        later("minimum"): "minimum min",
        later("choose (where)"): "where",
        later("mix (lerp)"): "lerp",
    }
)
PADDED_POOLS = {"max_pool2d_with_indices": later("max pool"), "avg_pool2d": later("average pool")}
POOLS = _by_name(
    {
        later("average"): "mean",
        later("sum"): "sum",
        later("maximum"): "amax",
        later("minimum"): "amin",
        later("average pool"): "adaptive_avg_pool2d _adaptive_avg_pool2d",
        later("max pool"): "adaptive_max_pool2d",
    }
)
MOVES = _by_name(
    {
        later("reshape"): "view _unsafe_view reshape _reshape_alias unsqueeze squeeze",
        later("permute"): "permute",
        later("transpose"): "transpose t",
        later("expand"): "expand",
        later("slice"): "slice select alias",
        later("pad"): "constant_pad_nd",
        later("unfold patches"): "im2col",
        later("fold patches"): "col2im",
    }
)
CUTS = {"detach": later("detach: no gradient")}
PARAMETER = later("parameter")
SIGNS = {"add": "+", "sub": "−", "rsub": "−", "mul": "×", "div": "÷"}


@dataclass(frozen=True)
class Words:
    """What a step says, in the language of the run; and the sign that stands for it, if one does."""

    says: str
    detail: str
    kind: Kind
    sign: str = ""


def words_of(node: Node, nodes: Mapping[int, Node], operands: int) -> Words:
    """One operation in words.

    Args:
        operands: how many different values that depend on the input it takes.
    """
    name = node.name
    if name == "convolution":
        return _convolution(node, nodes)
    if name in NORMS:
        size = node.shape[1] if len(node.shape) > 1 else 0
        channels = many("{n} channels", "{n} channels", size) if size else ""
        return Words(say(NORMS[name]), channels, "norm")
    if name in ACTIVATIONS:
        return Words(ACTIVATIONS[name], "", "activation")
    if name in ("clamp_min", "clamp") and node.args[1:] in ([0], [0.0], [0, None]):
        return Words("ReLU", "", "activation")
    if operands == 1 and _is_relu(node, nodes):
        return Words("ReLU", say("by hand"), "activation")
    if name in CUTS:
        return Words(say(CUTS[name]), "", "cut")
    if operands > 1 and name in JOINS:
        return Words(say(JOINS[name]), _scale(node), "join", SIGNS.get(name, ""))
    if name in PRODUCTS:
        return _product(node, nodes, operands)
    if name in PADDED_POOLS:
        kernel, stride = _ints(node, 1), _ints(node, 2)
        return Words(f"{say(PADDED_POOLS[name])} {_size(kernel)}".rstrip(), _stride(stride or kernel), "pool")
    if name in POOLS:
        return Words(say(POOLS[name]), _result(node), "pool")
    if name in MOVES:
        return Words(say(MOVES[name]), _result(node), "reshape")
    if name in SIGNS and operands == 1:
        return _arithmetic(node, nodes)
    if "dropout" in name or "bernoulli" in name:
        return Words("dropout", "", "other")
    return Words(name.strip("_").replace("_", " ")[:MOST_LETTERS], "", "other")


def _is_relu(node: Node, nodes: Mapping[int, Node]) -> bool:
    """`maximum(x, 0)`, or `x * (x > 0)`."""
    others = {nodes[i].name for i in node.inputs}
    if node.name == "maximum":
        zeros = [nodes[i] for i in node.inputs if nodes[i].leaf is not None]
        return "zeros_like" in others or any(zero.leaf is not None and zero.leaf.value == 0 for zero in zeros)
    return node.name == "mul" and len(set(node.inputs)) == 2 and bool(others & {"gt", "ge"})


def _convolution(node: Node, nodes: Mapping[int, Node]) -> Words:
    weight = nodes[node.inputs[1]].shape if len(node.inputs) > 1 else []
    groups = node.args[8] if len(node.args) > 8 and isinstance(node.args[8], int) else 1
    kernel = weight[2:]
    details = [f"{weight[1] * max(1, groups)}→{weight[0]}"] if len(weight) > 1 else []
    details += [_stride(_ints(node, 3))]
    padding = _ints(node, 4)
    if kernel and padding and padding != [size // 2 for size in kernel]:
        details.append(say("padding {size}", size=_same(padding)))
    dilation = _ints(node, 5)
    if set(dilation) - {1}:
        details.append(say("dilation {size}", size=_same(dilation)))
    if groups > 1:
        details.append(many("{n} group", "{n} groups", groups))
    says = say("conv {size}", size=_size(kernel)) if kernel else say("conv")
    return Words(says, ", ".join(filter(None, details)), "layer")


def _product(node: Node, nodes: Mapping[int, Node], operands: int) -> Words:
    leaves = [leaf_behind(i, dict(nodes) if not isinstance(nodes, dict) else nodes) for i in node.inputs]
    weights = [leaf for leaf in leaves if leaf is not None and leaf.leaf is not None and len(leaf.shape) > 1]
    weights = [leaf for leaf in weights if leaf.leaf is not None and leaf.leaf.kind != "input"]
    if operands > 1 or not weights:
        return Words(say("matrix product"), _result(node), "join" if operands > 1 else "other")
    out = node.shape[-1] if node.shape else 0
    given = [size for size in weights[0].shape if size != out] or [out]
    return Words(say("linear"), f"{given[-1]}→{out}", "layer")


def _arithmetic(node: Node, nodes: Mapping[int, Node]) -> Words:
    """One value with a number or a parameter; or with itself."""
    others = [i for i in node.inputs if nodes[i].leaf is not None]
    if len(node.inputs) == 2 and node.inputs[0] == node.inputs[1]:
        return Words(say("{operation}: itself", operation=say(JOINS[node.name])), "", "other")
    number = next((_number(value) for value in node.args[:2] if _number(value)), "")
    if not number and others:
        leaf = nodes[others[0]].leaf
        number = _number(leaf.value) if leaf is not None else ""
    return Words(f"{SIGNS[node.name]} {number or say(PARAMETER)}", "", "other")


def _scale(node: Node) -> str:
    scale = _number(node.kwargs.get("alpha"))
    return say("second one × {scale}", scale=scale) if scale not in ("", "1") else ""


def _result(node: Node) -> str:
    return say("to {shape}", shape=show(node.shape)) if node.shape else ""


def show(shape: list[int]) -> str:
    """A shape as people write it, not longer than fits."""
    text = "×".join(f"{size:.2g}" if size > 999_999 else str(size) for size in shape[:6])
    return f"{text}×…" if len(shape) > 6 else text


def _ints(node: Node, position: int) -> list[int]:
    value = node.args[position] if len(node.args) > position else None
    if not isinstance(value, list) or len(value) > 3:
        return []
    return [item for item in value if isinstance(item, int) and not isinstance(item, bool) and abs(item) < 10_000]


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _size(kernel: list[int]) -> str:
    return "×".join(map(str, kernel[:3]))


def _same(sizes: list[int]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else _size(sizes)


def _stride(stride: list[int]) -> str:
    return say("stride {size}", size=_same(stride)) if set(stride) - {1} else ""
