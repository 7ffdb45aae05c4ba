"""Does a module give the same for the same, or does it keep what it saw, or draw random numbers?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from grader.capture import record
from grader.worker.cells import place_of
from grader.worker.chance import seed_all, states
from grader.worker.outputs import is_dense
from grader.worker.subject import Subject

Json = Any
REPETITIONS = 40  # of a pass that drew random numbers
MOST_DRAWS = 40


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
