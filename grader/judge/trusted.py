"""Run a student's own recorded graph on the trusted side, under guard, to see whether it tells the truth.

A graph is a self-report. It is run here on an input and weights of our own, and believed only where it gives what the
student's module itself gave for them. Operations come from a whitelist of ordinary arithmetic: none draws random
numbers, reads memory that it was not given, or does anything but compute. How large a result can become is bounded
before it is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from grader.graph import Graph, Node
from grader.judge.replay import Environment, ReplayError, evaluate

MOST_NUMBERS = 1 << 25  # in all results together: 256 MiB in float64
MOST_WORK = 1 << 35  # multiplications in all operations together
MOST_INTEGER = 1 << 20
FOREVER = 1 << 62  # `x[a:]` is recorded as a slice up to the largest integer

ELEMENTWISE = """
    abs add addcdiv addcmul atan2 bitwise_and bitwise_not bitwise_or ceil celu clamp clamp_max clamp_min clone
    contiguous copy cos div elu empty_like eq erf exp expm1 fill floor fmax fmin full_like ge gelu gt hardsigmoid
    hardswish hardtanh isfinite isinf isnan le leaky_relu lerp lift_fresh log log1p logical_and logical_not logical_or
    logit lt masked_fill maximum minimum mish mul nan_to_num ne neg ones_like pow prelu _prelu_kernel reciprocal relu
    relu6 remainder round rsqrt rsub selu sigmoid sign silu sin softplus sqrt square sub tanh threshold to
    _to_copy where xlogy zero zeros_like
"""
# The result holds at most as many numbers as the largest operand.
SHRINKING = """
    _adaptive_avg_pool2d _conj _log_softmax _reshape_alias _safe_softmax _softmax _unsafe_view adaptive_avg_pool2d
    adaptive_max_pool2d alias all any amax amin argmax argmin channel_shuffle chunk cumsum detach diagonal flatten
    flip index_put linalg_vector_norm log_softmax logsumexp max mean min movedim narrow native_channel_shuffle norm
    permute pixel_shuffle pixel_unshuffle prod resolve_conj resolve_neg reshape roll select slice softmax split
    split_with_sizes squeeze std std_mean sum t transpose tril triu unbind unflatten unfold unsqueeze var var_mean
    view view_as
    cudnn_batch_norm native_batch_norm native_group_norm native_layer_norm _native_batch_norm_legit
    _native_batch_norm_legit_functional _native_batch_norm_legit_no_training
"""


class Untold(Exception):
    """A graph that cannot be used: it does something that is not allowed here, or it does not do what it says."""


class Unlike(Untold):
    """A graph that gives something else than the module did: it does not say all that the module does."""


def run_guarded(graph: Graph, x: Tensor, values: Mapping[str, Tensor], environment: Environment) -> dict[str, Tensor]:
    """Put what every node of a student's graph gives into `environment`, as far as it can be run.

    Args:
        values: a tensor for each leaf, by its key.

    Raises:
        Untold: the graph cannot be run to its end, or not within bounds.
    """
    try:
        return evaluate(graph, x, values, environment, _Guard())
    except Untold:
        raise
    except ReplayError as error:
        raise Untold(f"{error.operation} raises: {error}") from error
    except Exception as error:  # whatever a student's graph makes an operation raise
        raise Untold(f"it cannot be run again: {error}") from error


class _Guard:
    """Forbids operations that are not on the list, and those that would become too large."""

    def __init__(self) -> None:
        self._numbers = 0
        self._work = 0

    def __call__(self, node: Node, args: list[Any]) -> None:
        if node.op == "getitem":
            return
        bound = _BOUNDS.get(node.op if node.op in ("alias", "scatter") else node.name)
        if bound is None:
            raise Untold(f"the operation {node.op} cannot be run again")
        if any(MOST_INTEGER < abs(number) < FOREVER for number in _integers([node.args, list(node.kwargs.values())])):
            raise Untold(f"an argument of {node.op} is too large")
        numbers = bound(args)
        self._numbers += numbers
        self._work += numbers * _SHARED[node.name](args) if node.name in _SHARED else numbers
        if self._numbers > MOST_NUMBERS:
            raise Untold("its values would take too much memory")
        if self._work > MOST_WORK:
            raise Untold("it would take too long")


# ---------------------------------------------------------------------- how many numbers a result can hold


def _broadcast(args: list[Any]) -> int:
    shapes = [tensor.shape for tensor in _tensors(args)]
    rank = max(map(len, shapes), default=0)
    return math.prod(max(shape[-i] for shape in shapes if len(shape) >= i) for i in range(1, rank + 1))


def _largest(args: list[Any]) -> int:
    return max((tensor.numel() for tensor in _tensors(args)), default=1)


def _joined(args: list[Any]) -> int:
    return sum(tensor.numel() for tensor in _tensors(args))


def _product(args: list[Any]) -> int:
    """Matrices, single ones or in batches: rows of the left × columns of the right, each a sum over what they share."""
    left, right = list(_tensors(args))[-2:]
    shared = left.shape[-1] if left.dim() else 1
    numbers: int = left.numel() // max(1, shared) * (right.shape[-1] if right.dim() > 1 else 1)
    if left.shape[:-2] != right.shape[:-2]:
        numbers *= math.prod(right.shape[:-2])
    return numbers


def _linear(args: list[Any]) -> int:
    x, weight = args[:2]
    return int(x.numel() // max(1, x.shape[-1]) * weight.shape[0])


def _convolution(args: list[Any]) -> int:
    x, weight, _, stride, padding, dilation, transposed = args[:7]
    if transposed:
        channels = weight.shape[1] * args[8]
        sizes = [n * s + d * k + n for n, s, d, k in zip(x.shape[2:], stride, dilation, weight.shape[2:], strict=False)]
    else:
        channels = weight.shape[0]
        sizes = [n + 2 * p for n, p in zip(x.shape[2:], padding * len(x.shape[2:]), strict=False)]
    return int(x.shape[0] * channels * math.prod(sizes))


def _padded(args: list[Any]) -> int:
    shape = list(args[0].shape)
    for i, amount in enumerate(args[1]):
        shape[-1 - i // 2] += max(0, amount)
    return math.prod(shape)


def _expanded(args: list[Any]) -> int:
    """Sizes that are named, or those of the tensor where -1 stands."""
    named = math.prod(max(1, int(size)) for size in args[1])
    return named * (_largest(args) if -1 in args[1] else 1)


def _repeated(args: list[Any]) -> int:
    """`repeat`, and patches of an image: as often as the sizes say."""
    return _largest(args) * math.prod(max(1, int(size)) for size in args[1])


def _alias(args: list[Any]) -> int:
    return math.prod(int(size) for size in args[2])


def _scatter(args: list[Any]) -> int:
    return int(args[0].numel())


def _counted(args: list[Any]) -> int:
    """`arange`: an end; a start and an end; or a step too."""
    start, end, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    return int(abs((end - start) / step)) + 2


def _indexed(args: list[Any]) -> int:
    """As many numbers as the indices have together, for each place of the dimensions that have none."""
    x, indices = args[:2]
    kept = [size for i, size in enumerate(x.shape) if i >= len(indices) or indices[i] is None]
    numbers: int = math.prod(kept) * _broadcast([index for index in indices if index is not None])
    return numbers


def _selected(args: list[Any]) -> int:
    x, dimension, index = args[:3]
    return int(x.numel() // max(1, x.shape[dimension]) * index.numel())


def _named(position: int) -> Callable[[list[Any]], int]:
    """The sizes stand in this argument."""
    return lambda args: math.prod(max(1, size) for size in args[position])


_BOUNDS: dict[str, Callable[[list[Any]], int]] = {
    **dict.fromkeys(ELEMENTWISE.split(), _broadcast),
    **dict.fromkeys(SHRINKING.split(), _largest),
    **dict.fromkeys(("cat", "stack"), _joined),
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm", "matmul", "dot", "mv"), _product),
    **dict.fromkeys(("constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _padded),
    **dict.fromkeys(("avg_pool2d", "max_pool2d_with_indices"), lambda args: 2 * _largest(args)),
    **dict.fromkeys(("expand", "broadcast_to"), _expanded),
    **dict.fromkeys(("repeat", "im2col"), _repeated),
    **dict.fromkeys(("empty", "full", "ones", "zeros"), _named(0)),
    **dict.fromkeys(("new_empty", "new_full", "new_ones", "new_zeros", "as_strided"), _named(1)),
    "upsample_nearest2d": lambda args: math.prod(args[0].shape[:2]) * math.prod(args[1]),
    "upsample_bilinear2d": lambda args: math.prod(args[0].shape[:2]) * math.prod(args[1]),
    "scalar_tensor": lambda args: 1,
    "arange": _counted,
    "eye": lambda args: max(1, args[0]) * max(1, args[-1]),
    "index": _indexed,
    "index_select": _selected,
    "embedding": lambda args: args[1].numel() * math.prod(args[0].shape[1:]),
    "gather": lambda args: int(args[2].numel()),
    "linear": _linear,
    "convolution": _convolution,
    "alias": _alias,
    "scatter": _scatter,
}


# How many multiplications each number of a result takes; elsewhere it is about one.
_SHARED: dict[str, Callable[[list[Any]], int]] = {
    **dict.fromkeys(
        ("mm", "bmm", "addmm", "baddbmm", "matmul", "dot", "mv"),
        lambda args: (list(_tensors(args))[-2].shape or (1,))[-1],
    ),
    "linear": lambda args: args[0].shape[-1],
    "convolution": lambda args: math.prod(args[1].shape[1:]),
}


def _integers(value: object) -> Iterator[int]:
    """All integers among plain arguments; references to nodes are none."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo.extend(item)
        elif isinstance(item, int) and not isinstance(item, bool):
            yield item


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
