"""What a module that counts its calls gives when it is called again and again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grader.worker.chance import seed_all
from grader.worker.counters import Drawn, Found
from grader.worker.modules import run
from grader.worker.steady import draws
from grader.worker.subject import Setting, Subject, set_mode

Json = Any
Tensors = dict[str, Tensor]

PASSES, TRAINING_PASSES, BACKWARD_PASSES = 300, 150, 60  # that a module which counts has to give the same in


def call_again(
    subject: Subject, probe: Json, given: Tensors, setting: Setting, told: tuple[Json, Tensors], changed: Found
) -> tuple[Json, Tensors]:
    """The answer to a probe (see `grader.worker.modules.run`) by a module that counts, after many more calls: it is
    `unsteady` if an output is another, and what comes back is that of the first pass whose gradients are others.

    Args:
        told: the answer to the first pass.
        changed: what the module counted with.
    """
    answer, out = told
    gradient = "cotangent" in given
    if not _stays(subject, probe, given["x"], setting, out["y"], gradient=gradient):
        own = sorted({each.generator for each in changed.values() if isinstance(each, Drawn)})
        drawn = [{"op": name} for name in own] or draws(subject, given["x"].to(subject.dtype))
        return answer | {"unsteady": True, "draws": answer.get("draws", []) + drawn}, out
    for _ in range(BACKWARD_PASSES if "x" in out else 0):
        fresh = {name: tensor.detach() for name, tensor in given.items()}  # without the gradient of the last pass
        again, made = run(subject, probe, fresh, setting, repeat=False)
        if any(name not in made or not _are_close(made[name], out[name]) for name in ("x", "gradients")):
            return again, made
    return answer, out


def _stays(subject: Subject, probe: Json, x: Tensor, setting: Setting, y: Tensor, *, gradient: bool) -> bool:
    """Does a module give what it gave for a probe, with gradients or without, however often it is called?"""
    subject.restore(setting)
    set_mode(subject.module, train=probe["train"])
    x = x.to(subject.dtype).detach().requires_grad_(gradient)
    with torch.set_grad_enabled(gradient):
        for _ in range(TRAINING_PASSES if probe["train"] else PASSES):
            seed_all(probe["seed"])
            try:
                again = subject.module(x * 1)
            except BaseException:
                return False
            if not isinstance(again, Tensor) or not _are_close(again.detach(), y):
                return False
    return True


def _are_close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True)
