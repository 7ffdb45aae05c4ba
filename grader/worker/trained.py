"""Watch what a student's call trains: the optimisers' steps and settings, and the parameters, and whereto they move."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import (
    Optimizer,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)

Json = Any

_autograd: Any = torch.autograd  # where its passes can be counted, in a name that is not public
_MOST_VALUES = 50  # of one setting that are told
_LOOKED_AT = 2  # steps whose gradient is made again: in the second one shows what the first has left


@dataclass
class _Moved:
    """A parameter, kept so that its id stays its own."""

    parameter: Tensor
    steps: int = 0
    values: list[Tensor] = field(default_factory=list)  # before each of the first steps
    gradients: list[Tensor] = field(default_factory=list)


class Watch:
    """What was seen of one call.

    Args:
        asked: see `watched`.
    """

    def __init__(self, asked: Json) -> None:
        self.backward = 0
        self._asked = asked
        self._optimisers: dict[int, tuple[Optimizer, set[int]]] = {}
        self._moved: dict[int, _Moved] = {}
        self._before: dict[int, Tensor] = {}
        self._modules: dict[int, nn.Module] = {}  # that were called, outer ones first
        self._settings: dict[str, set[float]] = {name: set() for name in asked["settings"]}

    def before_call(self, module: nn.Module, *_: object) -> None:
        """Note a module that may be what is trained."""
        if torch.is_grad_enabled():
            self._modules.setdefault(id(module), module)

    def before_step(self, optimiser: Optimizer, *_: object) -> None:
        """Note from where the first steps are made."""
        for parameter in _parameters(optimiser):
            seen = self._moved.get(id(parameter))
            if seen is None or seen.steps < _LOOKED_AT:
                self._before[id(parameter)] = parameter.detach().clone()

    def after_step(self, optimiser: Optimizer, *_: object) -> None:
        """Note a step that an optimiser made: parameters without a gradient are not moved by it.

        Afterwards, since where it is given a closure it is that which makes the gradients.
        """
        moved = self._optimisers.setdefault(id(optimiser), (optimiser, set()))[1]
        for group in optimiser.param_groups:
            for name, values in self._settings.items():
                if isinstance(value := group.get(name), int | float | Tensor) and len(values) < _MOST_VALUES:
                    values.add(float(value))
        for parameter in _parameters(optimiser):
            if parameter.grad is None:
                continue
            moved.add(id(parameter))
            seen = self._moved.setdefault(id(parameter), _Moved(parameter))
            if seen.steps < _LOOKED_AT:
                seen.values.append(self._before[id(parameter)])
                seen.gradients.append(parameter.grad.detach().clone())
            seen.steps += 1

    def told(self, tensors: Mapping[str, Tensor]) -> Json:
        """As plain data; see `grader.observation.Trained`.

        Args:
            tensors: what the call was given, untouched.
        """
        classes = {type(each) for each, _ in self._optimisers.values()}
        steps = [each.steps for each in self._moved.values()]
        return {
            "backward": self.backward,
            "kinds": sorted([base.__name__[:100] for base in each.__mro__[:-1]][:50] for each in classes)[:50],
            "networks": self._networks(),
            "parameters": sum(each.parameter.numel() for each in self._moved.values()),
            "fewest": min(steps, default=0),
            "most": max(steps, default=0),
            "settings": {name: sorted(values) for name, values in self._settings.items()},
            "gradients": self._gradients(tensors),
        }

    def _networks(self) -> int:
        """Groups of optimisers that have no parameter in common."""
        apart: list[set[int]] = []
        for _, moved in self._optimisers.values():
            shared = [each for each in apart if each & moved]
            apart = [each for each in apart if not each & moved] + [moved.union(*shared)]
        return len(apart)

    def _gradients(self, tensors: Mapping[str, Tensor]) -> list[list[float]]:
        """Of the first steps, how the gradient that was used compares with that of the loss; none if unknown."""
        if not self._asked.get("loss"):
            return []
        owner = self._owner()
        try:
            compared = [self._compared(step, owner, tensors) for step in range(_LOOKED_AT)] if self._moved else []
            return compared if all(math.isfinite(number) for each in compared for number in each) else []
        except Exception:  # it cannot be copied, or called with what it was to be trained on
            return []

    def _owner(self) -> nn.Module:
        """The first module that was called and has all that was moved; one without parameters where there is none."""
        for module in self._modules.values():
            if set(self._moved) <= set(map(id, module.parameters())):
                return module
        return nn.Module()

    def _compared(self, step: int, owner: nn.Module, tensors: Mapping[str, Tensor]) -> list[float]:
        """Their cosine, and how many times as long it is."""
        owned = {name: id(parameter) for name, parameter in owner.named_parameters()}
        network = copy.deepcopy(owner).train()
        for name, parameter in network.named_parameters():
            with torch.no_grad():
                parameter.copy_(self._moved[owned[name]].values[step])
            parameter.grad = None
        x, target = (tensors[self._asked[name]] for name in ("input", "target"))
        dtype = next(network.parameters()).dtype
        getattr(F, self._asked["loss"])(network(x.to(dtype)), target).backward()
        made = torch.cat([each.grad.flatten().double() for each in network.parameters() if each.grad is not None])
        used = torch.cat([self._moved[each].gradients[step].flatten().double() for each in owned.values()])
        return [float(F.cosine_similarity(made, used, dim=0)), float(used.norm() / made.norm())]


def _parameters(optimiser: Optimizer) -> Iterator[Tensor]:
    return (parameter for group in optimiser.param_groups for parameter in group["params"])


@contextmanager
def watched(asked: Json) -> Iterator[Watch | None]:
    """Watch what is done inside; nothing where nothing is asked for.

    Args:
        asked: `settings`, of the optimisers' groups of parameters, that are told; and `loss`, a function of
            `torch.nn.functional` or "", with the keys of what it is to be made of: `input` and `target`.
    """
    if asked is None:
        yield None
        return
    watch = Watch(asked)
    engine = _autograd._engine_run_backward

    def counted(*args: Any, **kwargs: Any) -> Any:
        watch.backward += 1
        return engine(*args, **kwargs)

    with ExitStack() as hooks:
        hooks.callback(setattr, _autograd, "_engine_run_backward", engine)
        _autograd._engine_run_backward = counted
        for handle in (
            register_module_forward_pre_hook(watch.before_call),
            register_optimizer_step_pre_hook(watch.before_step),
            register_optimizer_step_post_hook(watch.after_step),
        ):
            hooks.callback(handle.remove)
        yield watch


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
