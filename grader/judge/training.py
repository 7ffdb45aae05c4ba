"""Was a call's network trained with the budget that the task gives?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from grader.assignment import Training
from grader.language import many, say
from grader.observation import Trained

# The cosine of two gradients that are the same but for rounding and a factor.
_ALIKE = 0.98


@dataclass(frozen=True)
class Departure:
    """What was done otherwise, in words.

    Attributes:
        is_sure: False where it is not known what was done; that is left to a human.
    """

    expected: str
    found: str
    is_sure: bool = True


def departure(training: Training, trained: Trained, size: int | None) -> Departure | None:
    """In what the training that was seen departs from the one that was asked for; None where it does not.

    Args:
        size: how many parameters the network has; None where that is not known.
    """
    if not trained.most:
        found = (
            many(
                "no step of an optimiser, though one backward pass",
                "no step of an optimiser, though {n} backward passes",
                trained.backward,
            )
            if trained.backward
            else say("nothing that is trained")
        )
        return Departure(_steps(training.steps), found, is_sure=not trained.backward)
    if not all(training.optimiser in kind for kind in trained.kinds):
        names = dict.fromkeys(kind[0] for kind in trained.kinds if kind)
        return Departure(_of(training.optimiser), _of(", ".join(names)))
    if size is not None and trained.parameters != size and trained.networks > 1:
        networks = many(
            "one network that is trained in one call", "{n} networks that are trained in one call", trained.networks
        )
        return Departure(_parameters(size), f"{networks}: {_parameters(trained.parameters)}", is_sure=False)
    if (trained.fewest, trained.most) != (training.steps, training.steps):
        found = (
            _steps(trained.most)
            if trained.fewest == trained.most
            else say("{fewest} to {most} steps, by the parameter", fewest=trained.fewest, most=trained.most)
        )
        return Departure(_steps(training.steps), found)
    for name, wanted in training.settings.items():
        values = trained.settings.get(name, [])
        if not values or not all(math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-12) for value in values):
            found = ", ".join(f"{value:g}" for value in values[:3]) + ("" if len(values) <= 3 else ", …")
            return Departure(f"{name} = {wanted:g}", f"{name} = {found or '?'}")
    if size is not None and trained.parameters != size:
        return Departure(_parameters(size), _parameters(trained.parameters))
    for step, (cosine, times) in enumerate(trained.gradients, start=1):
        # A loss may have a factor, but the same one in each step: what was never cleared grows.
        if cosine < _ALIKE or not math.isclose(times, trained.gradients[0][1], rel_tol=1 - _ALIKE):
            expected = say(
                "steps along the gradient of {loss} over all of {input} and {target}",
                loss=training.loss,
                input=training.input,
                target=training.target,
            )
            return Departure(expected, say("step {number} along another one", number=step))
    return None


def _of(optimiser: str) -> str:
    return say("steps of {optimiser}", optimiser=optimiser)


def _steps(number: int) -> str:
    return many("one step of the optimiser", "{n} steps of the optimiser", number)


def _parameters(number: int) -> str:
    return many("one parameter that is trained", "{n} parameters that are trained", number)
