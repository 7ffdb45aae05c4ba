"""Does a module give the same for the same, or does it count its calls, keep what it saw, or draw random numbers?"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from grader.capture import record
from grader.worker.cells import place_of
from grader.worker.chance import seed_all, states
from grader.worker.outputs import is_dense
from grader.worker.subject import Setting, Subject, set_mode

Json = Any
PASSES = 300  # that a module which counts has to give the same in
REPETITIONS = 40  # of a pass that drew random numbers
MOST_DRAWS = 40


def counters(subject: Subject, namespace: Mapping[str, object]) -> dict[tuple[int, str], object]:
    """Plain numbers, and lengths of collections, that the module, its classes and the notebook's names hold: what code
    that counts its calls would change."""
    holders: dict[int, Mapping[str, object]] = {id(namespace): namespace}
    for part in subject.module.modules():
        holders[id(part)] = part.__dict__
        if not _is_without_numbers(type(part)):
            holders[id(type(part))] = type(part).__dict__
    return {(holder, name): number for holder, names in holders.items() for name, number in _numbers(names)}


def _numbers(names: Mapping[str, object]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in list(names.items()):
        if type(value) in (int, float, bool) and name != "training":
            found.append((name, value))
        elif isinstance(value, list | dict | set) and not name.startswith("__"):
            found.append((name, len(value)))
    return found


_without_numbers: WeakKeyDictionary[type, tuple[object, ...]] = WeakKeyDictionary()  # with what they held instead


def _is_without_numbers(layer: type) -> bool:
    """Is it a class that holds none? Those of torch's have many methods, and are looked through again only if something
    of them was replaced, or added."""
    held, known = tuple(layer.__dict__.values()), _without_numbers.get(layer)
    if known is not None and len(known) == len(held) and all(map(operator.is_, known, held)):
        return True
    if _numbers(layer.__dict__):
        return False
    _without_numbers[layer] = held
    return True


def stays(subject: Subject, probe: Json, x: Tensor, setting: Setting, y: Tensor, *, gradient: bool) -> bool:
    """Does a module give what it gave for a probe, with gradients or without, however often it is called?"""
    subject.restore(setting)
    set_mode(subject.module, train=probe["train"])
    x = x.to(subject.dtype).detach().requires_grad_(gradient)
    with torch.set_grad_enabled(gradient):
        for _ in range(PASSES):
            seed_all(probe["seed"])
            try:
                again = subject.module(x * 1)
            except BaseException:
                return False
            if not isinstance(again, Tensor) or again.shape != y.shape:
                return False
            if not torch.allclose(again.detach(), y, rtol=1e-5, atol=1e-6, equal_nan=True):
                return False
    return True


def is_steady(subject: Subject, x: Tensor, result: Tensor, seed: int, *, gradient: bool = False) -> bool:
    """Does the same training pass give the same again, whatever the state of the random generator?

    Once for hidden state; more often if random numbers were drawn, since chance may repeat itself.

    Args:
        gradient: is it repeated as the first pass was, with gradients? It takes longer.
    """
    for repetition in range(REPETITIONS):
        seed_all(seed + 1000 * (repetition + 1))
        before = states()
        with torch.set_grad_enabled(gradient):
            try:
                again = subject.module((x if gradient else x.detach()) * 1)
            except BaseException:
                return True  # without a gradient it may fail: another pass tells
        if not isinstance(again, Tensor) or not is_dense(again) or again.shape != result.shape:
            return False
        if not torch.allclose(again, result, rtol=1e-5, atol=1e-6, equal_nan=True):
            return False
        if before == states():
            return True
    return True


def draws(subject: Subject, x: Tensor) -> list[Json]:
    """What draws random numbers in a pass: operations of torch, and the generators of Python and numpy."""
    before = states()
    drawn: list[Json] = record(subject.module, x * 1, place_of).facts.get("draws", [])
    after = states()
    others = [name for name in before if name != "torch" and before[name] != after[name]]
    return [{"op": name} for name in others] + drawn[:MOST_DRAWS]
