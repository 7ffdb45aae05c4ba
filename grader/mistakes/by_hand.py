"""Batch norm that is written by hand, and is not quite batch norm.

Source: Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant

BY_HAND = """
import torch
from torch import nn


class BatchNorm(nn.BatchNorm2d):
    def forward(self, x):
        mean, var = self.running_mean[:, None, None], self.running_var[:, None, None]
        if self.training:
            super().forward(x)
            mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), unbiased=False, keepdim=True)
        x = (x - mean) / torch.sqrt(var + self.eps)
        return x * self.weight[:, None, None] + self.bias[:, None, None]
"""
ROOT = "torch.sqrt(var + self.eps)"


def in_training(change: Callable[[Block, Node], None]) -> Edit:
    """An edit of every batch norm that takes the statistics of its batch."""

    def apply(block: Block) -> None:
        for norm in _norms(block):
            if norm.args[5] is True:
                change(block, norm)

    return edit(apply)


def _norms(block: Block) -> list[Node]:
    """The batch norms that have all that one has: another mistake may have left something out."""
    projection = [block.projection_norm] if block.projection_norm is not None else []
    return [norm for norm in (*block.norms, *projection) if None not in norm.args[1:5]]


def take_unbiased(block: Block, norm: Node) -> None:
    """The variance over n - 1."""
    over = _all_but_channels(norm)
    centred, _ = _moments(block, norm, over)
    settings = {"correction": 1, "keepdim": True}
    shapes = [_map_shape(norm)]
    variance = block.editor.add("aten.var.correction", norm.args[0], over, kwargs=settings, shapes=shapes)
    _finish(block, norm, centred, _root_with_epsilon(block, norm, variance))


def detach_statistics(block: Block, norm: Node) -> None:
    """Mean and variance as constants."""
    centred, variance = _moments(block, norm, _all_but_channels(norm), detached=True)
    _finish(block, norm, centred, _root_with_epsilon(block, norm, variance))


def take_each_image(block: Block, norm: Node) -> None:
    """Mean and variance of each image."""
    centred, variance = _moments(block, norm, _all_but_channels(norm)[1:])
    _finish(block, norm, centred, _root_with_epsilon(block, norm, variance))


def add_behind_root(block: Block) -> None:
    """The small number added to the standard deviation, in both modes."""
    for norm in _norms(block):
        if norm.args[5] is True:
            centred, variance = _moments(block, norm, _all_but_channels(norm))
        else:
            mean, variance = (_as_map(block, norm, norm.args[i]) for i in (3, 4))
            centred = block.editor.add("aten.sub.Tensor", norm.args[0], ref(mean), shapes=[norm.shape])
        root = block.editor.add("aten.sqrt.default", ref(variance))
        _finish(block, norm, centred, block.editor.add("aten.add.Tensor", ref(root), norm.args[7]))


def _moments(block: Block, norm: Node, over: list[int], *, detached: bool = False) -> tuple[int, int]:
    """A batch norm's input without its mean over these dimensions, and its variance over them."""
    editor, x = block.editor, norm.args[0]
    shape = [1 if i in over else size for i, size in enumerate(norm.shape)]

    def mean_of(value: object) -> int:
        mean = editor.add("aten.mean.dim", value, over, True, shapes=[shape])
        return editor.add("aten.detach.default", ref(mean)) if detached else mean

    centred = editor.add("aten.sub.Tensor", x, ref(mean_of(x)), shapes=[norm.shape])
    return centred, mean_of(ref(editor.add("aten.mul.Tensor", ref(centred), ref(centred))))


def _root_with_epsilon(block: Block, norm: Node, variance: int) -> int:
    return block.editor.add("aten.sqrt.default", ref(block.editor.add("aten.add.Tensor", ref(variance), norm.args[7])))


def _finish(block: Block, norm: Node, centred: int, root: int) -> None:
    """The quotient, scaled and shifted, instead of what the batch norm gives."""
    weight, bias = (_as_map(block, norm, norm.args[i]) for i in (1, 2))
    value = block.editor.add("aten.div.Tensor", ref(centred), ref(root), shapes=[norm.shape])
    value = block.editor.add("aten.mul.Tensor", ref(value), ref(weight), shapes=[norm.shape])
    value = block.editor.add("aten.add.Tensor", ref(value), ref(bias), shapes=[norm.shape])
    block.editor.redirect(block.output_of(norm), value)


def _as_map(block: Block, norm: Node, vector: object) -> int:
    """One number for each channel, so that it fits maps."""
    shape = _map_shape(norm)
    return block.editor.add("aten.view.default", vector, shape, shapes=[shape])


def _map_shape(norm: Node) -> list[int]:
    return [1, norm.shape[1], *(1 for _ in norm.shape[2:])]


def _all_but_channels(norm: Node) -> list[int]:
    """Over which dimensions a batch norm takes its mean; the first is the batch."""
    return [0, *range(2, len(norm.shape))]


class BNByHandWrong(Planted):
    id = "bn-by-hand-wrong"
    of_concatenation = True
    message = "The batch norm that is written by hand is not quite batch norm."
    why = (
        "Batch norm is fixed to the last detail: which variance, where its small number stands, what the gradient "
        "goes through. A network whose norms differ in one of them cannot take over weights that were trained with "
        "PyTorch's."
    )
    hints = (
        "In training it takes mean and variance of each channel over the batch and all pixels; the variance is divided "
        "by n, and the gradient goes through both.",
        "Hold your lines beside algorithm 1 of the paper. Look at `unbiased`, `dim`, `detach`, `no_grad` and `eps`.",
        "Use `nn.BatchNorm2d`, or `(x - mean) / torch.sqrt(var + eps)` with `x.var((0, 2, 3), unbiased=False, "
        "keepdim=True)`.",
    )
    plants = (
        plant(
            in_training(take_unbiased),
            where="convolution 0",
            message="The batch norms divide by the unbiased variance in training (over n - 1); batch norm takes the "
            "one over n, and keeps the other only for its running statistics.",
        ),
        plant(
            in_training(detach_statistics),
            where="convolution 0",
            message="The batch norms take mean and variance as constants in training: no gradient goes through them. "
            "They are computed from x, and their derivative belongs to it.",
        ),
        plant(
            in_training(take_each_image),
            where="convolution 0",
            message="The batch norms take mean and variance of each image in training; batch norm takes them over all "
            "images of the batch.",
        ),
        plant(
            edit(add_behind_root),
            where="convolution 0",
            message="The batch norms add their small number behind the root: √var + eps; it belongs under it: "
            "√(var + eps).",
        ),
    )
    broken = tuple(
        changed(BY_HAND, wrong) + changed(block, ("nn.BatchNorm2d", "BatchNorm"))
        for block, wrong in (
            (RESBLOCK, (", unbiased=False", "")),
            (BOTTLENECK, (", unbiased=False", "")),
            (RESBLOCK, ("        x = (x", "        mean, var = mean.detach(), var.detach()\n        x = (x")),
            (RESBLOCK, ("(0, 2, 3)", "(2, 3)")),
            (RESBLOCK, (ROOT, "(torch.sqrt(var) + self.eps)")),
        )
    )
