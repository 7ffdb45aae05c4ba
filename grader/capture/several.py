"""Modules that take several inputs, or return several tensors, as modules of one input and one output.

A judge that draws one row of numbers for each sample and compares one tensor then needs to know nothing of it. The same
is done to the student's module and to the reference: the row is cut apart into what `forward` takes, and what comes
back is put into a row. Gradients pass through both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

FINE = 1000.0  # a whole number or truth value is taken from a drawn number's third digit behind the point

Json = Any


def numbers(takes: Sequence[Json]) -> int:
    """How many numbers of a sample all inputs take together."""
    return sum(numbers(each) if isinstance(each, list) else math.prod(each["shape"]) for each in takes)


def lend_call(module: nn.Module, takes: Sequence[Json]) -> None:
    """Let `module(x)` cut a row for each sample into inputs, call the module, and join what it returns.

    Args:
        takes: the inputs, by position: `shape`; `low` and `high` of whole numbers; `truth`, for truth values; `batch`,
            is there one for each sample? A list of these is given as a tuple.
    """

    def call(x: Tensor) -> object:
        inputs, _ = _cut(x, takes, 0)
        return _joined(module._call_impl(*inputs))  # type: ignore[no-untyped-call]

    # What a compiled module is called by; hooks run inside, and names of parameters stay as they are.
    module.__dict__["_compiled_call_impl"] = call


def _cut(x: Tensor, takes: Sequence[Json], start: int) -> tuple[list[Any], int]:
    """The inputs from a place in the row on, and where they end."""
    found: list[Any] = []
    for each in takes:
        if isinstance(each, list):
            inner, start = _cut(x, each, start)
            found.append(tuple(inner))
            continue
        size = math.prod(each["shape"])
        part = x[:, start : start + size].reshape(len(x), *each["shape"])
        found.append(_as_wanted(part if each["batch"] else part[0], each))
        start += size
    return found, start


def _as_wanted(part: Tensor, each: Json) -> Tensor:
    if each["truth"]:
        truths: Tensor = _fine(part, 2) == 1
        if not each["shape"] or each["shape"][-1] < 2:
            return truths
        # Along the last dimension there is one of either: a softmax over nothing is no number.
        place = torch.arange(each["shape"][-1], device=part.device)
        mixed: Tensor = (truths | (place == 0)) & (place != each["shape"][-1] - 1)
        return mixed
    if each["low"] is None:
        return part
    whole: Tensor = (_fine(part, each["high"] - each["low"]) + each["low"]).long()
    return whole


def _fine(part: Tensor, values: int) -> Tensor:
    """Whole numbers from 0 on, as likely each, of numbers of any spread."""
    found: Tensor = torch.floor(part.detach().abs() * FINE) % values
    return found


def _joined(returned: object) -> object:
    """A tensor as it is, several in a row; anything else is returned as it came, for the judge to refuse."""
    leaves = list(_leaves(returned))
    found = [each for each in leaves if isinstance(each, Tensor)]
    if isinstance(returned, Tensor) or not found or len(found) < len(leaves):
        return returned
    row = torch.cat([each.reshape(-1) for each in found])
    _shapes[row] = [list(each.shape) for each in found]
    return row


# Of each row that was joined here. Not on the row itself: one tensor that is returned could say there what it likes.
_shapes = WeakTensorKeyDictionary()


def shapes_of_several(returned: object) -> list[list[int]] | None:
    """The shape of each tensor in the row that a module's call gave; None where it gave one tensor."""
    found: list[list[int]] | None = None
    if isinstance(returned, Tensor) and returned in _shapes:
        found = _shapes[returned]
    return found


def _leaves(returned: object) -> Iterator[object]:
    """What a tuple, list or dict holds, in order, without what is None."""
    if isinstance(returned, Mapping):
        returned = tuple(returned.values())
    if isinstance(returned, tuple | list):
        for each in returned:
            yield from _leaves(each)
    elif returned is not None:
        yield returned
