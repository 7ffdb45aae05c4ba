"""Watch what a student's call trains: the optimisers' steps and settings, and the parameters that they move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook

Json = Any

_autograd: Any = torch.autograd  # where its passes can be counted, in a name that is not public

_MOST_VALUES = 50  # of one setting that are told


class Watch:
    """What was seen of one call.

    Args:
        settings: of the optimisers' groups of parameters, that are told.
    """

    def __init__(self, settings: Sequence[str]) -> None:
        self.backward = 0
        self._optimisers: dict[int, tuple[Optimizer, set[int]]] = {}
        # By id, and kept so that it stays their own: each parameter, and how often it was moved.
        self._moved: dict[int, tuple[Tensor, int]] = {}
        self._settings: dict[str, set[float]] = {name: set() for name in settings}

    def after_step(self, optimiser: Optimizer, *_: object) -> None:
        """Note a step that an optimiser made: parameters without a gradient are not moved by it.

        Afterwards, since where it is given a closure it is that which makes the gradients.
        """
        moved = self._optimisers.setdefault(id(optimiser), (optimiser, set()))[1]
        for group in optimiser.param_groups:
            for name, values in self._settings.items():
                if isinstance(value := group.get(name), int | float | Tensor) and len(values) < _MOST_VALUES:
                    values.add(float(value))
            for parameter in group["params"]:
                if parameter.grad is not None:
                    moved.add(id(parameter))
                    self._moved[id(parameter)] = parameter, self._moved.get(id(parameter), (parameter, 0))[1] + 1

    def told(self) -> Json:
        """As plain data; see `grader.observation.Trained`."""
        classes = {type(each) for each, _ in self._optimisers.values()}
        times = [times for _, times in self._moved.values()]
        return {
            "backward": self.backward,
            "kinds": sorted([base.__name__[:100] for base in each.__mro__[:-1]][:50] for each in classes)[:50],
            "networks": self._networks(),
            "parameters": sum(parameter.numel() for parameter, _ in self._moved.values()),
            "fewest": min(times, default=0),
            "most": max(times, default=0),
            "settings": {name: sorted(values) for name, values in self._settings.items()},
        }

    def _networks(self) -> int:
        """Groups of optimisers that have no parameter in common."""
        apart: list[set[int]] = []
        for _, moved in self._optimisers.values():
            shared = [each for each in apart if each & moved]
            apart = [each for each in apart if not each & moved] + [moved.union(*shared)]
        return len(apart)


@contextmanager
def watched(settings: Sequence[str] | None) -> Iterator[Watch | None]:
    """Watch what is done inside; nothing where no settings are asked for."""
    if settings is None:
        yield None
        return
    watch = Watch(settings)
    handle = register_optimizer_step_post_hook(watch.after_step)
    engine = _autograd._engine_run_backward

    def counted(*args: Any, **kwargs: Any) -> Any:
        watch.backward += 1
        return engine(*args, **kwargs)

    _autograd._engine_run_backward = counted
    try:
        yield watch
    finally:
        _autograd._engine_run_backward = engine
        handle.remove()


def size(namespace: dict[str, Any], arguments: Json) -> dict[str, Json]:
    """How many parameters a student's network has; None where it is not built.

    Args:
        arguments: `name`, and `positional`, plain values.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            built = namespace[arguments["name"]](*arguments["positional"])
        return {"size": sum(parameter.numel() for parameter in built.parameters())}
    except BaseException:  # what is wrong with it is found where it is asked for by itself
        return {"size": None}
